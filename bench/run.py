#!/usr/bin/env python3
"""Raw JSONL -> results: `fecit score` by its sieve alone beside an ICU splitter piped into
Debian's `fasttext predict-prob`, on the same text, in the same run, interleaved; then both
stages, as shipped. Medians. Needs fasttext and python3-msgpack (`make bench` installs them).

usage: bench/run.py [--build DIR] [--mb N] [--mb-both N] [--rounds N] [TEXT.jsonl]

Without a text, the own labelled sentences are dealt into documents and repeated to N MB, 3 % of
them of the kind that the sieve lets through (caches are flattered by that; name a real archive
for honest figures). fastText is trained here on the same own sentences: 16 dimensions, word
bigrams, 2^20 buckets, as in published use. It does less than fecit (no normalisation, no
offsets, no rows) and scores only; both are bags, so that is the fair comparison. Both stages
are timed on the text's first --mb-both MB: on a CPU the reader decides the time.
"""
import argparse
import glob
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
from strip import sieve_only


def own_sentences():
    for path in sorted(glob.glob("datasets/own/*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


CANDIDATES = 0.03  # of the sentences


def by_stage(folder):
    """The own sentences -> those that the sieve keeps back, those that are read."""
    import msgpack
    rows = [r["text"] for r in own_sentences()]
    with open(f"{folder}/own.txt", "w", encoding="utf-8") as out:
        out.writelines(" ".join(r.split()) + "\n" for r in rows)
    subprocess.run(["./fecit", "score", f"{folder}/own.txt", "--sentences", "--all", "--quiet",
                    "-o", f"{folder}/own"], check=True)
    with open(f"{folder}/own/sentences-00000.msgpack", "rb") as f:
        stages = [r["stage"] for r in msgpack.Unpacker(f) if "stage" in r]
    return ([r for r, stage in zip(rows, stages) if stage == "sieve"],
            [r for r, stage in zip(rows, stages) if stage == "reader"])


def make_text(path, megabytes, folder):
    """Documents of 12 sentences drawn by a fixed seed until the file is large enough."""
    calm, read = by_stage(folder)
    if not calm:
        print("the sieve lets every own sentence through: the share of candidates is not set")
        calm = read
    if not read:
        print("the sieve lets no own sentence through: there are no candidates")
        read = calm
    draw = random.Random(1)
    size = number = 0
    with open(path, "w", encoding="utf-8") as out:
        while size < megabytes * 1_000_000:
            text = " ".join(draw.choice(read if draw.random() < CANDIDATES else calm)
                            for _ in range(12))
            line = json.dumps({"id": f"d{number}", "text": text}, ensure_ascii=False) + "\n"
            size += len(line.encode())
            number += 1
            out.write(line)


def train_fasttext(folder):
    with open(f"{folder}/train.txt", "w", encoding="utf-8") as out:
        for r in own_sentences():
            out.write(f"__label__{r['class']} " + " ".join(r["text"].split()) + "\n")
    subprocess.run(
        ["fasttext", "supervised", "-input", f"{folder}/train.txt", "-output",
         f"{folder}/peer", "-dim", "16", "-wordNgrams", "2", "-bucket", str(1 << 20),
         "-epoch", "5", "-thread", "1", "-verbose", "0"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f"{folder}/peer.bin"


def measure(commands, stdin=None, env=None):
    """Run a pipe; seconds, summed peak MiB."""
    begin = time.monotonic()
    previous = open(stdin, "rb") if stdin else subprocess.DEVNULL
    children = []
    for i, command in enumerate(commands):
        last = i == len(commands) - 1
        child = subprocess.Popen(
            command, stdin=previous, env=env,
            stdout=subprocess.DEVNULL if last else subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        if previous not in (None, subprocess.DEVNULL):
            previous.close()
        previous = child.stdout
        children.append(child)
    peak = 0
    for child in children:
        _, status, usage = os.wait4(child.pid, 0)
        peak += usage.ru_maxrss / 1024
        if status != 0:
            sys.exit(f"failed with status {status}: {' '.join(child.args)}")
    return time.monotonic() - begin, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("text", nargs="?")
    parser.add_argument("--build", default="build")
    parser.add_argument("--mb", type=int, default=20)
    parser.add_argument("--mb-both", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not shutil.which("fasttext"):
        sys.exit("fasttext is missing; `make bench` installs it")
    folder = tempfile.mkdtemp(prefix="fecit-bench-")
    try:
        run(options, folder)
    finally:
        shutil.rmtree(folder)


def run(options, folder):
    text = options.text
    if not text:
        text = f"{folder}/text.jsonl"
        make_text(text, options.mb, folder)
    megabytes = os.path.getsize(text) / 1e6
    peer_model, sieve = train_fasttext(folder), sieve_only("models/attribution.safetensors", folder)
    cores = os.cpu_count() or 1
    print(f"{text if options.text else 'own sentences, repeated'}: {megabytes:.1f} MB")
    for name, pin, threads in (("one core, one thread", ["taskset", "-c", "0"], 1),
                               (f"one tokenising thread, device and peer free to use all "
                                f"{cores} cores", [], 1),
                               (f"all {cores} cores", [], cores)):
        env = dict(os.environ)
        if pin:
            env["POCL_MAX_PTHREAD_COUNT"] = "1"
        ours, theirs, peaks, peer_peaks = [], [], [], []
        out = f"{folder}/out"
        for i in range(options.rounds + 1):
            shutil.rmtree(out, ignore_errors=True)
            a, peak = measure([pin + ["./fecit", "score", text, "--threads", str(threads),
                                      "--model", sieve, "--quiet", "-o", out]], env=env)
            b, peer_peak = measure(
                [pin + [f"{options.build}/bench/split_sentences"],
                 pin + ["fasttext", "predict-prob", peer_model, "-", "4"]], stdin=text, env=env)
            if i == 0:
                continue  # warm-up: kernels are compiled, files are cached
            ours.append(a), theirs.append(b), peaks.append(peak), peer_peaks.append(peer_peak)
        run_json = json.load(open(f"{out}/run.json", encoding="utf-8"))
        a, b = statistics.median(ours), statistics.median(theirs)
        sentences = run_json["counts"]["sentences"]
        print(f"\n{name}, {options.rounds} rounds, medians")
        print(f"  fecit, sieve alone  {a:7.2f} s  {megabytes / a:7.1f} MB/s "
              f"{sentences / a:10,.0f} sentences/s  peak {statistics.median(peaks):6.0f} MiB")
        print(f"  ICU | fasttext      {b:7.2f} s  {megabytes / b:7.1f} MB/s "
              f"{sentences / b:10,.0f} sentences/s  peak "
              f"{statistics.median(peer_peaks):6.0f} MiB")
        print(f"  ratio               {b / a:7.2f}   (spread of the pairs "
              f"{min(y / x for x, y in zip(ours, theirs)):.2f}"
              f"-{max(y / x for x, y in zip(ours, theirs)):.2f})")
        seconds = run_json["seconds"]
        total = sum(v for k, v in seconds.items() if k != "wall")
        print("  where the host's time goes: " + ", ".join(
            f"{k} {v:.2f} s ({100 * v / total:.0f} %)" for k, v in seconds.items()
            if k != "wall"))
    both_stages(options, text, folder, cores)


def both_stages(options, text, folder, cores):
    """As shipped; the time that loading and checking the model takes is told apart."""
    short, out = f"{folder}/short.jsonl", f"{folder}/out"
    with open(text, "rb") as f, open(short, "wb") as to:
        to.writelines(f.readlines(int(options.mb_both * 1e6)))
    megabytes = os.path.getsize(short) / 1e6
    with open(f"{folder}/nothing.jsonl", "w") as to:
        to.write('{"id": "", "text": "Rain."}\n')
    walls, starts = [], []
    for i in range(3):
        for source, to in ((f"{folder}/nothing.jsonl", starts), (short, walls)):
            shutil.rmtree(out, ignore_errors=True)
            to.append(measure([["./fecit", "score", source, "--quiet", "-o", out]])[0])
    steps = json.load(open(f"{out}/run.json", encoding="utf-8"))
    n, read = steps["counts"]["sentences"], steps["steps"]["reader"]
    a = statistics.median(walls) - statistics.median(starts)
    print(f"\nboth stages, all {cores} cores, {megabytes:.2f} MB, medians of 3")
    print(f"  fecit               {a:7.2f} s  {megabytes / a:7.2f} MB/s {n / a:10,.0f} "
          f"sentences/s after {statistics.median(starts):.2f} s to load and check the model")
    print(f"  read                {read['candidates']} of {n} sentences "
          f"({100 * read['candidates'] / max(1, n):.1f} %), {read['sentences']} different, "
          f"{read['pieces'] / max(1, read['sentences']):.0f} pieces each, "
          f"{read['sentences'] / max(1e-9, read['seconds']):.0f} sentences/s")


if __name__ == "__main__":
    main()
