#!/usr/bin/env python3
"""Five own sentences, each with forty states in turn: the class must not depend on the name.

    datasets/exchange.py | fecit score - --format jsonl --sentences -o OUT
    fecit show OUT --json | datasets/exchange.py count     statements of forty, by sentence

Exit 1 of `count` when a sentence is a statement for some states and none for others. The
state names are English; the first two sentences hold no claim, the other three do.
"""
import collections
import json
import sys

STATES = """Norway Cuba Iran Israel Italy Russia China Peru Chad Japan Malta Ghana Qatar Nepal
Fiji France Brazil Kenya India Spain Turkey Egypt Syria Ukraine Poland Greece Vietnam Chile
Canada Iceland Mexico Iraq Libya Sudan Serbia Cyprus Angola Bolivia Latvia Oman""".split()
SENTENCES = ["The trade minister of {} will open a fair for farm machines on Thursday.",
             "A football team from {} won the evening match by two goals.",
             "The interior ministry accused {} of breaking into the mail servers of parliament.",
             "Investigators said that agents of {} had poisoned the envoy in his hotel.",
             "The government of {} denied that its spies had stolen the plans of the port."]


def main():
    if sys.argv[1:] != ["count"]:
        for i, sentence in enumerate(SENTENCES):
            for state in STATES:
                print(json.dumps({"id": f"{i}-{state}", "text": sentence.format(state)}))
        return
    found = collections.Counter(json.loads(line)["doc_id"][0] for line in sys.stdin)
    for i, sentence in enumerate(SENTENCES):
        print(f"{found[str(i)]:3} of {len(STATES)}  {sentence}")
    sys.exit(any(found[str(i)] not in (0, len(STATES)) for i in range(len(SENTENCES))))


if __name__ == "__main__":
    main()
