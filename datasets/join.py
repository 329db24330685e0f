#!/usr/bin/env python3
"""Put the labels of datasets/standoff and the text of the corpora together.

usage: datasets/join.py NEWS [--standoff FOLDER] > joined.jsonl

NEWS: a folder of news-*.jsonl or .jsonl.zst (zstd is needed then) with the fields id and text,
a document each. A row of the stand-off part points into a document: `start` and `length` count
code points, `sha256` is the first 16 hex digits of the digest of the sentence's UTF-8. Where the
sentence does not lie at `start` (another edition of the corpus), the whole document is searched
for it. Written are the rows with `text` and `prev`, up to 300 code points before the sentence.
What could not be found is counted, by corpus, on stderr; exit 1 when nothing was found at all.
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import subprocess
import sys

BEFORE = 300


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def lines_of(path):
    if path.endswith(".zst"):
        done = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True)
        yield from done.stdout.decode().split("\n")
    else:
        with open(path, encoding="utf-8", newline="\n") as f:
            yield from f


def read_news(folder, wanted):
    """{id: text} of the documents wanted"""
    texts = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl*"))):
        for line in lines_of(path):
            if line.strip():
                row = json.loads(line)
                if row.get("id") in wanted:
                    texts[row["id"]] = row["text"]
    return texts


def find(text, row):
    """-> start, or -1"""
    start, length = row["start"], row["length"]
    if digest(text[start:start + length]) == row["sha256"]:
        return start
    return next((i for i in range(len(text) - length + 1)
                 if digest(text[i:i + length]) == row["sha256"]), -1)


def read_standoff(folder):
    return [json.loads(line) for path in sorted(glob.glob(os.path.join(folder, "*.jsonl")))
            for line in open(path, encoding="utf-8")]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("news")
    p.add_argument("--standoff", default=os.path.join(here, "standoff"))
    a = p.parse_args()
    rows = read_standoff(a.standoff)
    texts = read_news(a.news, {r["document"] for r in rows})
    lost, joined = collections.Counter(), 0
    for row in rows:
        text = texts.get(row["document"])
        start = -1 if text is None else find(text, row)
        if start < 0:
            lost[row["corpus"], "no such document" if text is None else "text differs"] += 1
            continue
        out = dict(row, start=start, text=text[start:start + row["length"]],
                   prev=text[max(0, start - BEFORE):start].strip())
        print(json.dumps(out, ensure_ascii=False))
        joined += 1
    print(f"{joined} of {len(rows)} sentences joined", file=sys.stderr)
    for (corpus, why), n in sorted(lost.items()):
        print(f"  {n} not found in {corpus}: {why}", file=sys.stderr)
    sys.exit(0 if joined else 1)


if __name__ == "__main__":
    main()
