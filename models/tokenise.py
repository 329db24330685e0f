"""The tokeniser in plain Python: the one to read, and the one the C side is compared with.

    from tokenise import Tokeniser
    ids = Tokeniser("vocabulary.safetensors").encode("Paris blamed Moscow.")

Three steps, the same as host/tokens.c with whitespace pre-tokens:
 1. every code point is looked up in the normalisation table (one code point may become none
    or several); a sign that composes with the letter before it (e + U+0301) becomes one with
    it, and that is looked up;
 2. the text is split at U+0020, empty parts vanish, each part gets a leading U+2581;
 3. each part is cut into the pieces with the greatest sum of scores.
Between equal sums the segmentation whose last piece is longer wins, and so on backwards.
Scores are 32-bit; sums are 64-bit and thereby exact, so a tie is a tie on every machine.
A code point that is no piece becomes one `unk`, never fused with its neighbour.
`<s>`, `</s>`, `<pad>`, `<unk>`, `<mask>` written in the text are text.

With fold_arabic, tatweel, vowel signs and direction marks vanish before and after step 1;
alef forms stay apart.
"""

import json
import re
import struct
import sys
import unicodedata

import numpy as np

SPACE_MARK = "\u2581"
VOWEL_SIGNS = [0x640, *range(0x64B, 0x660), 0x670]
# Presentation forms of vowel signs: the table would make them a space and a sign.
VOWEL_FORMS = [*range(0xFE70, 0xFE80), *range(0xFC5E, 0xFC64), *range(0xFCF2, 0xFCF5)]
DIRECTION_MARKS = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
FOLDED = dict.fromkeys(VOWEL_SIGNS + VOWEL_FORMS + DIRECTION_MARKS)
SECONDS = re.compile("[\u0300-\u036f\u0653-\u0655\u1161-\u11c2\u3099\u309a]")
TYPES = {"U8": "u1", "I8": "i1", "U32": "<u4", "F16": "<f2", "F32": "<f4"}


def read_tensors(path):
    """A safetensors file -> ({name: array}, metadata)."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        data = f.read()
    notes = header.pop("__metadata__", {})
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        flat = np.frombuffer(data[begin:end], TYPES[t["dtype"]])
        tensors[name] = flat.reshape(t["shape"])
    return tensors, notes


def split_bytes(offsets, data):
    """offsets [n + 1] into data -> n strings."""
    raw, offsets = bytes(data), offsets.tolist()
    return [raw[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]


def composed(letter, sign):
    """The one code point of which these two are the canonical parts, or None."""
    both = unicodedata.normalize("NFC", letter + sign)
    is_hangul = "\uac00" <= both <= "\ud7a3"
    parts = f"{ord(letter):04X} {ord(sign):04X}"
    return both if len(both) == 1 and (is_hangul or unicodedata.decomposition(both) == parts) \
        else None


class Tokeniser:
    def __init__(self, path=None, parts=None):
        """From a file, or from parts = (pieces, scores, {code point: text}, unk id)."""
        if parts is None:
            t, notes = read_tensors(path)
            parts = (
                split_bytes(t["pieces.offsets"], t["pieces.bytes"]),
                t["pieces.scores"],
                dict(zip(t["normalise.code"].tolist(),
                         split_bytes(t["normalise.offsets"], t["normalise.bytes"]))),
                int(notes["unk"]),
            )
        self.pieces, scores, self.normal, self.unk = parts
        scores = [float(s) for s in scores]
        self.unk_score = scores[self.unk]
        # A log probability is below zero; specials stand at zero and are never matched.
        self.table = {p: (i, s) for i, (p, s) in enumerate(zip(self.pieces, scores))
                      if s < 0 and i != self.unk}
        # What only begins a piece can be looked up too, and never wins.
        for p in list(self.table):
            for n in range(1, len(p)):
                self.table.setdefault(p[:n], (self.unk, float("-inf")))
        self.words = {}

    def letters(self, text, fold_arabic):
        """-> [(letter, start, end)]: letters as the pieces are made of, and what of `text`
        each is made of."""
        out = []
        for i, c in enumerate(text):
            start = i
            both = composed(out[-1][0], c) if out and SECONDS.match(c) else None
            if both:
                start = out.pop()[1]
            out += [(x, start, i + 1) for x in self.replaced(both or c, fold_arabic)]
        return out

    def normalise(self, text, fold_arabic=False):
        if SECONDS.search(text):
            return "".join(c for c, _, _ in self.letters(text, fold_arabic))
        return self.replaced(text, fold_arabic)

    def replaced(self, text, fold_arabic):
        if not fold_arabic:
            return text.translate(self.normal)
        return text.translate(FOLDED).translate(self.normal).translate(FOLDED)

    def split(self, text, fold_arabic=False):
        """-> the pre-tokens, each with its leading mark."""
        return [SPACE_MARK + w for w in self.normalise(text, fold_arabic).split(" ") if w]

    def segment(self, word, banned=None):
        """The best pieces of one pre-token; `banned` is a piece that may not be used."""
        n = len(word)
        best = [0.0] + [float("-inf")] * n
        back = [(0, self.unk)] * (n + 1)  # (where the piece begins, its id)
        table = self.table
        for i in range(n):
            here = best[i]
            for e in range(i + 1, n + 1):
                hit = table.get(word[i:e])
                if hit is None:
                    break
                if here + hit[1] > best[e] and hit[0] != banned:
                    best[e], back[e] = here + hit[1], (i, hit[0])
            if here + self.unk_score > best[i + 1]:
                best[i + 1], back[i + 1] = here + self.unk_score, (i, self.unk)
        ids, e = [], n
        while e > 0:
            e, piece = back[e]
            ids.append(piece)
        return ids[::-1]

    def word(self, word):
        ids = self.words.get(word)
        if ids is None:
            ids = self.words[word] = self.segment(word)
        return ids

    def encode(self, text, fold_arabic=False):
        """-> ids, without bos and eos, never cut."""
        return [i for w in self.split(text, fold_arabic) for i in self.word(w)]

    def encode_ranges(self, text, fold_arabic=False):
        """-> ids, ranges: the [start, end) in code points of `text` that each piece was made
        of. Empty for the bare mark before a word; a code point that became several pieces
        belongs to each of them."""
        ids, ranges, word = [], [], []
        for letter in self.letters(text, fold_arabic) + [(" ", len(text), len(text))]:
            if letter[0] != " ":
                word.append(letter)
                continue
            at = -1  # the mark stands before the first letter
            for piece in self.word(SPACE_MARK + "".join(c for c, _, _ in word)) if word else []:
                size = 1 if piece == self.unk else len(self.pieces[piece])
                part = word[max(at, 0):at + size]
                ids.append(piece)
                ranges.append((part[0][1], part[-1][2]) if part else (word[0][1],) * 2)
                at += size
            word = []
        return ids, ranges


def unescape(text):
    return text.replace("\\t", "\t").replace("\\n", "\n")


def write_golden(tokeniser, path):
    """Rewrite the ids in a file of `plain or fold <tab> ids <tab> text` rows, in which \\t and
    \\n in the text stand for a tab and a line end."""
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    with open(path, "w", encoding="utf-8") as f:
        for mode, _, text in rows:
            ids = tokeniser.encode(unescape(text), fold_arabic=mode == "fold")
            print(mode, " ".join(map(str, ids)), text, sep="\t", file=f)


def main():
    """Sentences on standard input, one a line -> ids, one line each; or --golden FILE."""
    if len(sys.argv) not in (2, 4):
        sys.exit("usage: tokenise.py VOCABULARY [--golden tests/golden/ids.tsv] < sentences")
    t = Tokeniser(sys.argv[1])
    if len(sys.argv) == 4:
        write_golden(t, sys.argv[3])
        return
    for line in sys.stdin.buffer:
        print(*t.encode(line.decode("utf-8").rstrip("\n")))


if __name__ == "__main__":
    main()
