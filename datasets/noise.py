#!/usr/bin/env python3
"""Labelled sentences as scanners, editors and web pages spoil them: the class must not change.

    datasets/noise.py make LABELLED.jsonl... [--most 40] > noisy.jsonl
    fecit score noisy.jsonl --sentences --lang-field lang --no-sieve -o OUT
    fecit show OUT --json | datasets/noise.py count noisy.jsonl

`make` takes up to --most sentences a language (by a hash), half of them statements where there
are so many, and writes each plain and in every kind of noise that its script knows:
  harakat       Arabic vowel signs on every third letter
  tatweel       Arabic words drawn out
  presentation  Arabic letters as the presentation forms of old encodings
  full-width    ASCII letters, digits and signs as full-width forms
  decomposed    letters with marks taken apart (NFD)
  bidi          direction marks and embeddings around every third word
  ocr           every fiftieth letter read as another letter of the sentence
`count` prints, by kind and by language, how many keep the class of the plain sentence. Exit 1
when a kind is below 95 %.
"""
import argparse
import collections
import glob
import hashlib
import json
import random
import sys
import unicodedata

from rows import Wrong, run

HARAKAT = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
ARABIC = ("\u0621", "\u06d3")
LEAST = 0.95


def is_arabic(c):
    return ARABIC[0] <= c <= ARABIC[1] and c.isalpha()


def forms():
    """Arabic letter -> one of its presentation forms"""
    out = {}
    for code in range(0xFE80, 0xFEF5):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2:
            out.setdefault(chr(int(parts[1], 16)), chr(code))
    return out


FORMS = forms()


def harakat(text, draw):
    return "".join(c + (draw.choice(HARAKAT) if is_arabic(c) and draw.random() < 1 / 3 else "")
                   for c in text)


def tatweel(text, draw):
    out = ""
    for c, after in zip(text, text[1:] + " "):
        out += c
        if is_arabic(c) and is_arabic(after) and draw.random() < 1 / 4:
            out += "\u0640" * draw.randint(1, 3)
    return out


def presentation(text, draw):
    return "".join(FORMS.get(c, c) for c in text)


def full_width(text, draw):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def decomposed(text, draw):
    return unicodedata.normalize("NFD", text)


def bidi(text, draw):
    marks = [("\u200e", ""), ("\u200f", ""), ("\u202b", "\u202c"), ("\u202a", "\u202c"),
             ("\u2067", "\u2069")]
    words = []
    for word in text.split(" "):
        before, after = draw.choice(marks) if draw.random() < 1 / 3 else ("", "")
        words.append(before + word + after)
    return " ".join(words)


def ocr(text, draw):
    letters = [c for c in text if c.isalpha()]
    return "".join(draw.choice(letters) if c.isalpha() and draw.random() < 1 / 50 else c
                   for c in text)


KINDS = {"harakat": harakat, "tatweel": tatweel, "presentation": presentation,
         "full-width": full_width, "decomposed": decomposed, "bidi": bidi, "ocr": ocr}


def choose(paths, most):
    by_lang = collections.defaultdict(list)
    for path in sorted(p for pattern in paths for p in glob.glob(pattern)):
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                try:
                    row = json.loads(line)
                    key = hashlib.sha256(row["text"].encode()).digest()
                    by_lang[row.get("lang", "und")].append((key, row["text"], row["class"]))
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise Wrong(f"{path}:{number}: expected an object with text and class") \
                        from None
    if not by_lang:
        raise Wrong(f"{' '.join(paths)}: no labelled sentence")
    for lang in sorted(by_lang):
        rows = sorted(by_lang[lang])
        claims = [t for _, t, c in rows if c != "none"][:most // 2]
        calm = [t for _, t, c in rows if c == "none"][:most - len(claims)]
        yield from ((lang, text) for text in claims + calm)


def make(a):
    number = 0
    for lang, text in choose(a.files, a.most):
        number += 1
        print(json.dumps({"id": f"{number}-plain", "lang": lang, "text": text}))
        for kind, spoil in KINDS.items():
            noisy = spoil(text, random.Random(f"{number} {kind}"))
            if noisy != text:
                print(json.dumps({"id": f"{number}-{kind}", "lang": lang, "text": noisy}))
    return 0


def count(a):
    with open(a.files[0], encoding="utf-8") as f:
        asked = {r["id"]: r["lang"] for r in map(json.loads, f)}
    said = dict.fromkeys(asked, "none")
    for number, line in enumerate(sys.stdin, 1):
        try:
            row = json.loads(line)
            said[row["doc_id"]] = row["class"]
        except (ValueError, KeyError, TypeError):
            raise Wrong(f"line {number}: expected a row of `fecit show --json`, found "
                        f"{line.strip()[:60]}") from None
    if set(said) != set(asked):
        raise Wrong(f"these results are not those of {a.files[0]}")
    kept = collections.defaultdict(lambda: [0, 0])
    for name, lang in asked.items():
        number, kind = name.split("-", 1)
        if kind == "plain":
            continue
        for group in (f"kind {kind}", f"language {lang}"):
            kept[group][0] += said[name] == said[f"{number}-plain"]
            kept[group][1] += 1
    for group in sorted(kept):
        same, n = kept[group]
        print(f"{group:24s} {same:6} of {n:6} keep their class ({100 * same / n:.1f} %)")
    statements = sum(c != "none" for i, c in said.items() if i.endswith("-plain"))
    print(f"statements among the plain ones: {statements}")
    return 1 if not statements or any(same < LEAST * n for g, (same, n) in kept.items()
                                      if g.startswith("kind")) else 0


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(required=True)
    c = commands.add_parser("make")
    c.set_defaults(run=make)
    c.add_argument("files", nargs="+")
    c.add_argument("--most", type=int, default=40)
    c = commands.add_parser("count")
    c.set_defaults(run=count)
    c.add_argument("files", nargs=1, metavar="NOISY")
    a = p.parse_args()
    return a.run(a)


if __name__ == "__main__":
    run(main)
