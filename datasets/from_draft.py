#!/usr/bin/env python3
"""Drafts (role entries as written words) -> the set's form (code-point spans, split).

usage: datasets/from_draft.py DRAFT.jsonl... > datasets/own/LANG.jsonl

A draft names a role by its words: {"code": "IR", "text": "Tehran"}; writers find that easy
and a machine finds the span. The first occurrence is taken that does not overlap a span
already given to the same role. A name with no words in the sentence (known from context)
gets start = end = 0. The split is by scenario: 80 % train, 10 % validation, 10 % test.
"""
import hashlib
import json
import sys


def split_of(scenario):
    n = int(hashlib.sha256(scenario.encode()).hexdigest()[:8], 16) % 10
    return "test" if n == 0 else "validation" if n == 1 else "train"


def spans(text, entries, where):
    used, out = [], []
    for e in entries:
        word = e.get("text") or ""
        start = end = 0
        if word:
            start = text.find(word)
            while start >= 0 and any(start < b and a < start + len(word) for a, b in used):
                start = text.find(word, start + 1)
            if start < 0:
                raise SystemExit(f"{where}: \"{word}\" does not stand in: {text}")
            end = start + len(word)
            used.append((start, end))
        out.append((e, start, end))
    return out


def main():
    counts = {}
    for path in sys.argv[1:]:
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            r = json.loads(line)
            where = f"{path}:{number}"
            text = r["text"]
            doc, sent = r["doc"], r.get("sent", 0)
            row = {"id": f"{doc}#{sent}", "lang": r["lang"], "doc": doc, "sent": sent,
                   "scenario": r["scenario"], "split": split_of(r["scenario"]),
                   "genre": r.get("genre", ""), "text": text, "class": r["class"]}
            for role in ("accused", "accuser", "victim"):
                row[role] = [{"code": e["code"], "start": a, "end": b}
                             for e, a, b in spans(text, r.get(role) or [], where)]
            row["groups"] = [{"text": e["text"], "start": a, "end": b}
                             for e, a, b in spans(text, r.get("groups") or [], where)]
            row["act"], row["tie"] = r.get("act"), r.get("tie")
            row["pair"], row["note"] = r.get("pair"), r.get("note", "")
            counts[row["id"]] = counts.get(row["id"], 0) + 1
            if counts[row["id"]] > 1:
                raise SystemExit(f"{where}: id {row['id']} stands twice")
            print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
