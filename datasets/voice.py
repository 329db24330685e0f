#!/usr/bin/env python3
"""Does the own part sound like many voices, and is it nobody else's text?

usage: datasets/voice.py [--own FOLDER] [--against NEWS]...

Prints for each language, and for the news of that language cut to the same number of sentences:
  near   sentences in clusters of near-duplicates (MinHash of character 5-grams, Jaccard >= 0.7),
         sentences of one `pair` or one `scenario` apart
  open   share of sentences whose first five words begin another sentence as well
  d1 d2  distinct words and word pairs per word, over the first 2,000 words
  words  median, 10th and 90th percentile of the sentence length (characters for ja and zh)
--against FILE-OR-FOLDER (news-*.jsonl.zst, *.jsonl with `text`): every run of eight words (16
characters of ja and zh) that the own part shares with it is listed (a row without `lang` is
compared with every language); exit 1 when there is one.
"""
import argparse
import collections
import hashlib
import os
import random
import re

from rows import Wrong, may, need, read, run

BY_CHARACTER = {"ja", "zh"}
RUN, RUN_CHARACTERS = 8, 16
HASHES, BANDS = 60, 20  # 3 hashes a band: at Jaccard 0.7 a pair is met with p = 0.9998


def words(text, lang):
    text = text.lower()
    if lang in BY_CHARACTER:
        return [c for c in text if c.isalnum()]
    return re.findall(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0963\u200c\u200d]+[^\W_]*)*", text)


def grams(text):
    text = re.sub(r"\W+", " ", text.lower())
    return {text[i:i + 5] for i in range(max(1, len(text) - 4))}


def near_duplicates(rows):
    """Rows that resemble another one of a different pair and scenario."""
    sets = [grams(r["text"]) for r in rows]
    rng = random.Random(7)
    salts = [rng.getrandbits(61) | 1 for _ in range(HASHES)]
    buckets = collections.defaultdict(list)
    for i, s in enumerate(sets):
        base = [int.from_bytes(hashlib.blake2b(g.encode(), digest_size=7).digest(), "big")
                for g in s]
        sign = [min((b * salt) & 0x1fffffffffffffff for b in base) for salt in salts]
        width = HASHES // BANDS
        for band in range(BANDS):
            buckets[(band, *sign[band * width:(band + 1) * width])].append(i)
    found = set()
    for some in buckets.values():
        for k, i in enumerate(some):
            for j in some[k + 1:k + 40]:
                a, b = rows[i], rows[j]
                if a.get("scenario") and a["scenario"] == b.get("scenario"):
                    continue
                both = len(sets[i] & sets[j])
                if both / (len(sets[i]) + len(sets[j]) - both) >= 0.7:
                    found |= {i, j}
    return found


def figures(rows, lang):
    tokens = [words(r["text"], lang) for r in rows]
    opening = collections.Counter(tuple(t[:5]) for t in tokens if len(t) >= 5)
    # Variants of one pair open alike on purpose: one of each counts.
    shared, seen = 0, set()
    for r, t in zip(rows, tokens):
        if len(t) >= 5 and opening[tuple(t[:5])] > 1:
            key = (r.get("pair") or r["text"], tuple(t[:5]))
            seen.add(key)
    per = collections.Counter(o for _, o in seen)
    shared = sum(n for n in per.values() if n > 1)
    flat = [w for t in tokens for w in t][:2000]
    pairs = list(zip(flat, flat[1:]))
    length = sorted(map(len, tokens))
    n = len(rows)
    return (f"{n:6d}  near {len(near_duplicates(rows)):3d}  open {shared / n:6.1%}  "
            f"d1 {len(set(flat)) / max(1, len(flat)):.2f}  "
            f"d2 {len(set(pairs)) / max(1, len(pairs)):.2f}  "
            f"words {length[n // 2]:3d} ({length[n // 10]}-{length[9 * n // 10]})")


def runs(tokens, n):
    return {hash(tuple(tokens[i:i + n])) for i in range(len(tokens) - n + 1)}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--own", default=os.path.join(here, "own"))
    p.add_argument("--against", action="append", default=[])
    a = p.parse_args()
    own = collections.defaultdict(list)
    for where, row in read(a.own):
        may(where, row, pair=str, scenario=str)
        own[need(where, row, lang=str, text=str, id=str)["lang"]].append(row)
    if not own:
        raise Wrong(f"{a.own}: no row in it")
    news, bad, compared = collections.defaultdict(list), 0, 0
    mine = {lang: {} for lang in own}
    for lang, rows in own.items():
        n = RUN_CHARACTERS if lang in BY_CHARACTER else RUN
        for r in rows:
            for h in runs(words(r["text"], lang), n):
                mine[lang].setdefault(h, r["id"])
    for path in a.against:
        for where, row in read(path):
            text = need(where, row, text=str)["text"]
            lang = may(where, row, lang=str).get("lang") or ""
            for part in re.split(r"(?<=[.!?。！？؟۔।])\s*", text)[:40]:
                if len(part) > 20 and len(news[lang]) < 40000:
                    news[lang].append({"text": part})
            for lang in [lang] if lang in mine else [] if re.fullmatch(
                    "[a-z]{2}", lang) else mine:
                compared += 1
                n = RUN_CHARACTERS if lang in BY_CHARACTER else RUN
                for h in runs(words(text, lang), n) & mine[lang].keys():
                    print(f"shared with {path}: a run of {n} in {mine[lang][h]}")
                    bad += 1
    rng = random.Random(1)
    for lang in sorted(own):
        print(f"{lang}  own {figures(own[lang], lang)}")
        if len(news[lang]) >= 50:
            some = rng.sample(news[lang], min(len(own[lang]), len(news[lang])))
            print(f"   news {figures(some, lang)}")
    if a.against and not compared:
        raise Wrong("--against: nothing in it could be compared")
    print(f"{bad} runs shared with {compared} other texts" if a.against
          else "not compared with other text")
    return 1 if bad else 0


if __name__ == "__main__":
    run(main)
