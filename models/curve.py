"""What the sieve lets through of what the reader would find, at which cost: measured on news, put
into the model file.

    curve.py models/attribution.safetensors ar=ar.txt en=en.txt ... [--most 2000] [--write]

Each text file holds sentences, one a line (build/bench/split_sentences makes them), that neither
stage was trained on. `./fecit` reads them twice: every sentence by the reader (--no-sieve), and
every one by the sieve alone. For each recall the curve says from which p of the sieve on a
sentence is let through, and which share of all sentences that is: over all languages (each
counted alike), and for those in which the reader found --least statements. --write puts it into
the file (metadata `cascade`); `fecit eval --cascade` prints it. Needs msgpack.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import msgpack
import numpy as np

from ship import save
from strip import sieve_only
from tokenise import read_tensors

RECALLS = [1, .995, .99, .98, .97, .96, .95, .93, .9, .85, .8, .7, .6, .5]


def scored(folder):
    """-> p of every sentence, whether it is a statement"""
    with open(f"{folder}/sentences-00000.msgpack", "rb") as f:
        rows = [r for r in msgpack.Unpacker(f) if "p_class" in r]
    return (np.array([np.float32(1) - np.float32(r["p_class"][0]) for r in rows], "f4"),
            np.array([r["class"] != "none" for r in rows]))


def run(folder, name, *options):
    subprocess.run(["./fecit", "score", f"{folder}/in.jsonl", "--sentences", "--all", "--quiet",
                    "--lang-field", "lang", "-o", f"{folder}/{name}", *options], check=True)
    return scored(f"{folder}/{name}")


def choose(path, most):
    with open(path, encoding="utf-8", newline="\n") as f:
        texts = list(dict.fromkeys(line.rstrip("\n") for line in f if line.strip()))
    return sorted(texts, key=lambda t: hashlib.sha256(t.encode()).digest())[:most]


def curve(sieve, found, weights):
    """[[recall, threshold, pass], ...]"""
    if not found.any():
        raise SystemExit("curve.py: the reader finds nothing in these sentences")
    p = np.sort(sieve[found])[::-1]
    w = weights[found][np.argsort(-sieve[found], kind="stable")]
    kept = np.cumsum(w) / w.sum()
    points = []
    for recall in RECALLS:
        k = min(int(np.searchsorted(kept, recall - 1e-9)), len(p) - 1)
        threshold = np.floor(float(p[k]) * 1e6) / 1e6
        passed = weights[sieve >= threshold].sum() / weights.sum()
        points.append([recall, round(threshold, 6), round(float(passed), 4)])
    return points


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+", metavar="LANG=FILE")
    parser.add_argument("--most", type=int, default=2000, help="sentences of a language")
    parser.add_argument("--least", type=int, default=40,
                        help="statements for a curve of a language's own")
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fecit-curve-")
    try:
        langs = []
        with open(f"{folder}/in.jsonl", "w", encoding="utf-8") as out:
            for spec in a.texts:
                lang, path = spec.split("=", 1)
                for text in choose(path, a.most):
                    langs.append(lang)
                    row = {"id": str(len(langs)), "lang": lang, "text": text}
                    print(json.dumps(row, ensure_ascii=False), file=out)
        home = os.path.dirname(os.path.abspath(a.model))
        if os.path.basename(a.model) != "attribution.safetensors":
            parser.error(f"{a.model}: fecit reads attribution.safetensors of a folder")
        sieve, _ = run(folder, "a", "--model", sieve_only(a.model, folder))
        _, found = run(folder, "b", "--model", home, "--no-sieve")
    finally:
        shutil.rmtree(folder)
    langs = np.array(langs)
    weights = np.ones(len(langs))
    for lang in set(langs):
        weights[langs == lang] = 1 / (langs == lang).sum()
    curves = {"": curve(sieve, found, weights)}
    for lang in sorted(set(langs)):
        k = langs == lang
        print(f"{lang}: {k.sum()} sentences, the reader finds {found[k].sum()} "
              f"({100 * found[k].mean():.1f} %)")
        if found[k].sum() >= a.least:
            curves[lang] = curve(sieve[k], found[k], np.ones(k.sum()))
    for lang, points in curves.items():
        print(f"{lang or 'all':4s} recall: passed " + "  ".join(
            f"{r:g}: {100 * p:.1f} %" for r, _, p in points))
    if a.write:
        tensors, notes = read_tensors(a.model)
        notes["cascade"] = json.dumps(curves)
        save(a.model, {k: np.ascontiguousarray(v) for k, v in tensors.items()}, notes)


if __name__ == "__main__":
    main()
