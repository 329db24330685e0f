#!/usr/bin/env python3
"""Peak memory of `fecit score` on a small and a ten times larger input of the same kind.

usage: bench/memory.py [--mb 100] [TEXT.jsonl]     (TEXT is repeated to size)
"""
import argparse
import os
import shutil
import tempfile

import run as bench


def fill(path, source, megabytes):
    lines = open(source, "rb").read()
    with open(path, "wb") as out:
        while out.tell() < megabytes * 1_000_000:
            out.write(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("text", nargs="?")
    parser.add_argument("--mb", type=int, default=100)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fecit-memory-")
    try:
        text = options.text
        if not text:
            text = f"{folder}/seed.jsonl"
            bench.make_text(text, 5)
        peaks = []
        for kind in ("jsonl", "txt"):
            for size in (options.mb, 10 * options.mb):
                path = f"{folder}/text.{kind}"
                fill(path, text, size)
                _, peak = bench.measure([["./fecit", "score", path, "--quiet", "--force",
                                          "-o", f"{folder}/out"]])
                print(f"{kind:6} {os.path.getsize(path) / 1e6:7.0f} MB: peak {peak:.0f} MiB")
                peaks.append(peak)
        print(f"ratio large to small: jsonl {peaks[1] / peaks[0]:.2f}, "
              f"plain text {peaks[3] / peaks[2]:.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
