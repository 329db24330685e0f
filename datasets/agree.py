#!/usr/bin/env python3
"""How far two readings of the same sentences agree.

usage: datasets/agree.py [--own FOLDER] [--second FILE]

datasets/second.jsonl holds a second reading, made without sight of the first, of rows of the own
part: id, class, accused, accuser, victim, groups, act, tie. Printed per language: sentences read
twice, their share, Cohen's kappa on statement or none and on the four classes; for all: agreement
on act and tie where both see a statement, and the F1 of role spans (same role and code; exact:
same code points; touching: they overlap). Cohen, J. (1960), A coefficient of agreement for
nominal scales.
"""
import argparse
import collections
import os

from rows import Wrong, need, read, run

ROLES = ("accused", "accuser", "victim", "groups")


def kappa(pairs):
    n = len(pairs)
    if not n:
        return float("nan")
    same = sum(a == b for a, b in pairs) / n
    left = collections.Counter(a for a, _ in pairs)
    right = collections.Counter(b for _, b in pairs)
    chance = sum(left[k] * right[k] for k in left) / (n * n)
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def spans(row, role):
    """Those that have words in the sentence."""
    return {(e.get("code"), e["start"], e["end"]) for e in row[role] if e["end"]}


def touching(a, b):
    left, hits = set(b), 0
    for code, start, end in a:
        other = next((o for o in left if o[0] == code and o[1] < end and start < o[2]), None)
        if other:
            left.discard(other)
            hits += 1
    return hits


def f1(hits, a, b):
    return 2 * hits / (a + b) if a + b else float("nan")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--own", default=os.path.join(here, "own"))
    p.add_argument("--second", default=os.path.join(here, "second.jsonl"))
    a = p.parse_args()
    fields = {k: list for k in ROLES}
    first = {row["id"]: need(where, row, lang=str, **{"class": str}, **fields)
             for where, row in read(a.own)}
    total = collections.Counter(r["lang"] for r in first.values())
    both, seen = collections.defaultdict(list), set()
    for where, row in read(a.second):
        need(where, row, id=str, **{"class": str}, **fields)
        if row["id"] not in first or row["id"] in seen:
            raise Wrong(f"{where}: {row['id']} " +
                        ("stands twice" if row["id"] in seen else "is not in the own part"))
        seen.add(row["id"])
        both[first[row["id"]]["lang"]].append((first[row["id"]], row))
    if not seen:
        raise Wrong(f"{a.second}: no second reading in it")

    def line(name, some, n):
        classes = [(x["class"], y["class"]) for x, y in some]
        binary = [(p != "none", q != "none") for p, q in classes]
        print(f"{name:4s} {len(some):5d} of {n:5d} ({len(some) / n:4.0%})  kappa "
              f"{kappa(binary):.3f} statement or none, {kappa(classes):.3f} four classes")
    everything = []
    for lang in sorted(total):
        line(lang, both[lang], total[lang])
        everything += both[lang]
    line("all", everything, len(first))
    claims = [(x, y) for x, y in everything if x["class"] != "none" and y["class"] != "none"]
    for key in ("act", "tie"):
        same = sum(x[key] == y[key] for x, y in claims)
        print(f"{key}: the same in {same} of {len(claims)} statements of both, kappa "
              f"{kappa([(x[key], y[key]) for x, y in claims]):.3f}")
    for role in ROLES:
        exact = near = m = n = 0
        for x, y in claims:
            s, t = spans(x, role), spans(y, role)
            exact, near = exact + len(s & t), near + touching(s, t)
            m, n = m + len(s), n + len(t)
        print(f"{role}: span F1 {f1(exact, m, n):.3f} exact, {f1(near, m, n):.3f} touching "
              f"({m} and {n})")


if __name__ == "__main__":
    run(main)
