#!/usr/bin/env python3
"""Five own sentences, each with forty states in turn: the class must not depend on the name.

    datasets/exchange.py | fecit score - --format jsonl --sentences -o OUT
    fecit show OUT --json | datasets/exchange.py count     statements of forty, by sentence

Exit 1 of `count` when a sentence is a statement for some states and none for others, or the
other three are statements for none (then nothing was scored); 2 when what it reads is no such
row. The state names are English; the first two sentences hold no claim, the other three do.
"""
import collections
import json
import sys

from rows import Wrong, run

STATES = """Norway Cuba Iran Israel Italy Russia China Peru Chad Japan Malta Ghana Qatar Nepal
Fiji France Brazil Kenya India Spain Turkey Egypt Syria Ukraine Poland Greece Vietnam Chile
Canada Iceland Mexico Iraq Libya Sudan Serbia Cyprus Angola Bolivia Latvia Oman""".split()
SENTENCES = ["The trade minister of {} will open a fair for farm machines on Thursday.",
             "A football team from {} won the evening match by two goals.",
             "The interior ministry accused {} of breaking into the mail servers of parliament.",
             "Investigators said that agents of {} had poisoned the envoy in his hotel.",
             "The government of {} denied that its spies had stolen the plans of the port."]


def make():
    for i, sentence in enumerate(SENTENCES):
        for state in STATES:
            print(json.dumps({"id": f"{i}-{state}", "text": sentence.format(state)}))


def count():
    found = collections.defaultdict(set)
    for number, line in enumerate(sys.stdin, 1):
        try:
            i, state = json.loads(line)["doc_id"].split("-", 1)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Wrong(f"line {number}: expected a row of `fecit show --json` with a doc_id like "
                        f"3-Peru, found {line.strip()[:60]}") from None
        if i not in tuple("01234") or state not in STATES:
            raise Wrong(f"line {number}: doc_id {i}-{state} is none that this script made")
        found[i].add(state)
    n = [len(found[str(i)]) for i in range(len(SENTENCES))]
    for k, sentence in zip(n, SENTENCES):
        print(f"{k:3} of {len(STATES)}  {sentence}")
    return 1 if any(k not in (0, len(STATES)) for k in n) or not any(n[2:]) else 0


def main():
    if sys.argv[1:] == ["count"]:
        return count()
    if sys.argv[1:]:
        raise Wrong("usage: exchange.py [count]; see the first lines of the file")
    return make()


if __name__ == "__main__":
    run(main)
