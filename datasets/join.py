#!/usr/bin/env python3
"""Put the labels of datasets/standoff and the text of the corpora together.

usage: datasets/join.py NEWS [--standoff FOLDER] > joined.jsonl

NEWS: a folder of *.jsonl or *.jsonl.zst (zstd is needed then) with the fields id and text, a
document each. A row of the stand-off part names its document by id (`document`; `corpus` and
`path` say where that came from) and points into it: `start` and `length` count code points,
`sha256` is the first 16 hex digits of the digest of the sentence's UTF-8. Where the sentence does
not lie at `start` (another edition of the corpus), the whole document is searched for it. Written are
the rows with `text` and `prev`, up to 300 code points before the sentence. What could not be found is
counted, by corpus, on stderr; exit 1 when anything was not found, 2 when nothing could be read.
"""
import argparse
import collections
import hashlib
import json
import os
import re
import sys

from rows import Wrong, need, read, run

BEFORE = 300
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no UTF-8, so it stays escaped


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_news(folder, wanted):
    """{id: [text, ...]} of the documents wanted: of two editions either may hold a sentence"""
    texts = collections.defaultdict(list)
    for where, row in read(folder):
        if isinstance(row.get("id"), str) and row["id"] in wanted:
            texts[row["id"]].append(need(where, row, text=str)["text"])
    return texts


def find(text, row):
    """-> start, or -1"""
    start, length = row["start"], row["length"]
    if digest(text[start:start + length]) == row["sha256"]:
        return start
    return next((i for i in range(len(text) - length + 1)
                 if digest(text[i:i + length]) == row["sha256"]), -1)


def read_standoff(folder):
    return [need(where, row, document=str, start=int, length=int, sha256=str, corpus=str)
            for where, row in read(folder)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("news")
    p.add_argument("--standoff", default=os.path.join(here, "standoff"))
    a = p.parse_args()
    rows = read_standoff(a.standoff)
    if not rows:
        raise Wrong(f"{a.standoff}: no row in it")
    texts = read_news(a.news, {r["document"] for r in rows})
    lost, joined = collections.Counter(), 0
    for row in rows:
        some = texts.get(row["document"], [])
        text, start = next(((t, i) for t in some for i in [find(t, row)] if i >= 0), ("", -1))
        if start < 0:
            lost[row["corpus"], "text differs" if some else "no such document"] += 1
            continue
        out = dict(row, start=start, text=text[start:start + row["length"]],
                   prev=text[max(0, start - BEFORE):start].strip())
        half = HALF.search(out["text"]) or HALF.search(out["prev"])
        print(json.dumps(out, ensure_ascii=bool(half)))
        joined += 1
    print(f"{joined} of {len(rows)} sentences joined", file=sys.stderr)
    for (corpus, why), n in sorted(lost.items()):
        print(f"  {n} not found in {corpus}: {why}", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    run(main)
