#!/usr/bin/env python3
"""How far two readings of the same sentences agree.

usage: datasets/agree.py [--standoff]
       datasets/agree.py [--own FOLDER] [--second FILE]

datasets/second.jsonl.zst holds a second reading, made without sight of the first, of rows of the own
part: id, class, accused, accuser, victim, groups, act, tie; second-standoff.jsonl.zst, compared with
--standoff, the same of the other part, document and start in place of id. Printed per language:
sentences read twice, their share, Cohen's kappa on statement or none and on the four classes; for
all: agreement on act and tie where both see a statement, and the F1 of role spans (same role and
code; exact: same code points; touching: they overlap). Cohen, J. (1960), A coefficient of
agreement for nominal scales.
"""
import argparse
import collections
import os

from rows import ROLES, Wrong, labels, need, read, run


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


def key(where, row):
    if "id" in row:
        return need(where, row, id=str)["id"]
    need(where, row, document=str, start=int)
    return f"{row['document']} at {row['start']}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--standoff", action="store_true", help="the stand-off part")
    p.add_argument("--own", help="rows of the first reading")
    p.add_argument("--second", help="rows of the second")
    a = p.parse_args()
    part, second = (("standoff", "second-standoff.jsonl.zst") if a.standoff else
                    ("own", "second.jsonl.zst"))
    a.own = a.own or os.path.join(here, part)
    a.second = a.second or os.path.join(here, second)
    first = {key(where, row): labels(where, need(where, row, lang=str))
             for where, row in read(a.own)}
    total = collections.Counter(r["lang"] for r in first.values())
    both, seen = collections.defaultdict(list), set()
    for where, row in read(a.second):
        labels(where, row)
        name = key(where, row)
        if name not in first or name in seen:
            raise Wrong(f"{where}: {name} " +
                        ("stands twice" if name in seen else f"is not in {a.own}"))
        seen.add(name)
        both[first[name]["lang"]].append((first[name], row))
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
    for field in ("act", "tie"):
        same = sum(x[field] == y[field] for x, y in claims)
        print(f"{field}: the same in {same} of {len(claims)} statements of both, kappa "
              f"{kappa([(x[field], y[field]) for x, y in claims]):.3f}")
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
