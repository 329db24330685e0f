"""Between sieve and reader: a tiny encoder that learns from the reader what to let through.

    middle.py label ar=ar.txt en=en.txt ... --model models --output read.jsonl
    middle.py fit read.jsonl --output middle.pt
    middle.py curve middle.pt read.jsonl

`label` has every sentence (one a line, one file a language; build/bench/split_sentences makes
them) read by `./fecit score --no-sieve` and by the sieve alone, and writes rows with the reader's
four probabilities `p_class` (which `fecit train` takes, too), whether it is a statement
(`found`), and the sieve's p (`sieve`). It goes on where an earlier run ended.

`fit` trains on nine rows of ten (by a hash of the text): rows of the vocabulary and of the places,
as they are, added and projected from 384 to --dim columns, --layers post-norm layers with heads
of 32, the mean, one logit against the reader's p(statement). `curve` prints, on the tenth row, which share of the
sentences passes when a share of the reader's finds is kept: by this encoder and by the sieve.
Needs msgpack, numpy, torch; no GPU.
"""

import argparse
import collections
import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

from strip import sieve_only
from teacher import BOS, EOS, PAD, batches, e5_tensors, read_rows
from tokenise import Tokeniser, read_tensors
from vocabulary import DIM, dequantise

MOST = 128  # pieces
EPSILON = 1e-12  # of the norms, as the reader's
PART = 20000  # sentences read between two saves
RECALLS = (.999, .995, .99, .98, .95, .9, .8)


# ---- what the reader says ----------------------------------------------------------------

def scores(folder):
    import msgpack
    with open(f"{folder}/sentences-00000.msgpack", "rb") as f:
        return [r for r in msgpack.Unpacker(f) if "p_class" in r]


def label(a):
    done = {r["text"] for r in read_rows(a.output)} if os.path.exists(a.output) else set()
    todo = []
    for spec in a.texts:
        lang, path = spec.split("=", 1)
        with open(path, encoding="utf-8", newline="\n") as f:
            texts = dict.fromkeys(line.rstrip("\n") for line in f if line.strip())
        texts = sorted((t for t in texts if len(t) < 2000),
                       key=lambda t: hashlib.sha256(t.encode()).digest())[:a.most]
        todo += [(i / len(texts), lang, t) for i, t in enumerate(texts) if t not in done]
    todo.sort(key=lambda x: x[0])  # all languages side by side, so that it may be stopped
    print(f"{len(done)} sentences read, {len(todo)} to read", flush=True)
    for i in range(0, len(todo), PART):
        folder = tempfile.mkdtemp(prefix="fecit-middle-")
        try:
            part = todo[i:i + PART]
            with open(f"{folder}/in.jsonl", "w", encoding="utf-8") as out:
                for n, (_, lang, text) in enumerate(part):
                    print(json.dumps({"id": str(n), "lang": lang, "text": text},
                                     ensure_ascii=False), file=out)
            sieve = sieve_only(f"{a.model}/attribution.safetensors", folder)
            for name, options in (("a", ["--model", sieve]),
                                  ("b", ["--model", a.model, "--no-sieve"])):
                subprocess.run(["./fecit", "score", f"{folder}/in.jsonl", "--sentences", "--all",
                                "--quiet", "--lang-field", "lang", "-o", f"{folder}/{name}",
                                *options], check=True)
            with open(a.output, "a", encoding="utf-8") as out:
                for (_, lang, text), s, r in zip(part, scores(f"{folder}/a"),
                                                 scores(f"{folder}/b"), strict=True):
                    four = [round(float(x), 4) for x in r["p_class"]]
                    four[0] = round(1 - sum(four[1:]), 4)
                    row = {"lang": lang, "text": text, "p_class": four,
                           "found": r["class"] != "none",
                           "sieve": round(1 - s["p_class"][0], 5)}
                    print(json.dumps(row, ensure_ascii=False), file=out)
        finally:
            shutil.rmtree(folder)
        print(f"{i + len(part)} of {len(todo)}", flush=True)


# ---- the encoder -------------------------------------------------------------------------

class Middle(torch.nn.Module):
    def __init__(self, vocabulary, dim=128, layers=2):
        super().__init__()
        self.words = torch.tensor(dequantise(vocabulary["embedding.nibbles"],
                                             vocabulary["embedding.scales"]))
        start = e5_tensors()
        self.places = torch.tensor(start["emb.pos"].reshape(-1, DIM) +
                                   start["emb.type"].reshape(-1, DIM)[0])
        self.dim = dim
        self.project = torch.nn.Linear(DIM, dim)
        self.norm = torch.nn.LayerNorm(dim, EPSILON)
        self.layers = torch.nn.ModuleList(
            torch.nn.ModuleDict({"qkv": torch.nn.Linear(dim, 3 * dim),
                                 "out": torch.nn.Linear(dim, dim),
                                 "up": torch.nn.Linear(dim, 4 * dim),
                                 "down": torch.nn.Linear(4 * dim, dim),
                                 "attention_norm": torch.nn.LayerNorm(dim, EPSILON),
                                 "norm": torch.nn.LayerNorm(dim, EPSILON)}) for _ in range(layers))
        self.head = torch.nn.Linear(dim, 1)

    def forward(self, ids, mask):
        """ids, mask [B][T] -> logit [B]"""
        n, length = ids.shape
        x = self.norm(self.project(self.words[ids] + self.places[:length]))
        for p in self.layers:
            q, k, v = (t.view(n, length, -1, 32).transpose(1, 2)
                       for t in p["qkv"](x).split(self.dim, 2))
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
            x = p["attention_norm"](x + p["out"](a.transpose(1, 2).reshape(n, length, -1)))
            x = p["norm"](x + p["down"](F.gelu(p["up"](x))))
        m = mask[:, :, None].float()
        return self.head((x * m).sum(1) / m.sum(1))[:, 0]


def padded(lines):
    length = max(map(len, lines)) + 2
    ids = np.full((len(lines), length), PAD)
    for i, line in enumerate(lines):
        ids[i, :len(line) + 2] = [BOS, *line, EOS]
    return torch.tensor(ids), torch.tensor(ids != PAD)


def is_held(row):
    return hashlib.sha256(row["text"].encode()).digest()[0] < 26


def prepare(path, vocabulary):
    tokeniser = Tokeniser(vocabulary)
    rows = [r for r in read_rows(path) if "p_class" in r]
    for r in rows:
        r["ids"] = np.array(tokeniser.encode(r["text"], True)[:MOST], np.int32)
    return [r for r in rows if len(r["ids"]) >= 4]


def predict(model, rows):
    model.eval()
    order = np.argsort([len(r["ids"]) for r in rows], kind="stable")
    out = np.zeros(len(rows), "f4")
    with torch.inference_mode():
        for i in range(0, len(order), 64):
            some = order[i:i + 64]
            out[some] = torch.sigmoid(model(*padded([rows[k]["ids"].tolist()
                                                     for k in some]))).numpy()
    return out


def passes(p, found, recall):
    """Share of all that has p at least as high as what keeps `recall` of the found."""
    kept = np.sort(p[found])[::-1]
    least = kept[min(len(kept) - 1, math.ceil(recall * len(kept)) - 1)]
    return (p >= least).mean()


def print_curve(rows, p):
    found = np.array([r["found"] for r in rows])
    sieve = np.array([r["sieve"] for r in rows])
    print(f"{len(rows)} sentences, the reader finds {found.sum()}; passed at recall " +
          ", ".join(map(str, RECALLS)))
    for name, x in (("sieve", sieve), ("middle", p)):
        print(f"  {name:8s}" + "  ".join(f"{100 * passes(x, found, r):5.1f} %"
                                         for r in RECALLS))
    langs = collections.Counter(r["lang"] for r in rows)
    for lang in sorted(langs):
        k = np.array([r["lang"] == lang for r in rows])
        if found[k].sum() >= 20:
            print(f"    {lang}: {found[k].sum()} found; middle " + "  ".join(
                f"{100 * passes(p[k], found[k], r):5.1f} %" for r in RECALLS), flush=True)


def fit(a):
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    rows = prepare(a.labelled, a.vocabulary)
    train, held = [r for r in rows if not is_held(r)], [r for r in rows if is_held(r)]
    model = Middle(read_tensors(a.vocabulary)[0], a.dim, a.layers)
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    steps, step = a.epochs * math.ceil(len(train) / a.batch), 0
    print(f"{len(train)} sentences to train on, {len(held)} held out", flush=True)
    for epoch in range(a.epochs):
        model.train()
        total, begin = 0.0, time.time()
        for batch in batches(train, a.batch, rng):
            for group in optimiser.param_groups:
                group["lr"] = a.rate * min(1, 20 * (step + 1) / steps) * max(0.02, 1 - step / steps)
            p = torch.tensor([1 - r["p_class"][0] for r in batch])
            weight = 1 + a.found_weight * torch.tensor([float(r["found"]) for r in batch])
            loss = (F.binary_cross_entropy_with_logits(
                model(*padded([r["ids"].tolist() for r in batch])), p,
                reduction="none") * weight).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            total += loss.item()
            step += 1
        print(f"epoch {epoch + 1}: loss {total * a.batch / len(train):.4f}, "
              f"{time.time() - begin:.0f} s", flush=True)
        torch.save({"model": {k: v for k, v in model.state_dict().items()}, "dim": a.dim,
                    "layers": a.layers}, a.output)
        print_curve(held, predict(model, held))


def curve(a):
    state = torch.load(a.model_file, weights_only=False)
    model = Middle(read_tensors(a.vocabulary)[0], state["dim"], state["layers"])
    model.load_state_dict(state["model"])
    held = [r for r in prepare(a.labelled, a.vocabulary) if is_held(r)]
    print_curve(held, predict(model, held))


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vocabulary",
                   default=os.path.join(os.path.dirname(__file__), "vocabulary.safetensors"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    commands = p.add_subparsers(required=True)
    c = commands.add_parser("label")
    c.set_defaults(run=label)
    c.add_argument("texts", nargs="+", metavar="LANG=FILE")
    c.add_argument("--model", default="models")
    c.add_argument("--most", type=int, default=1 << 30, help="sentences of a language")
    c.add_argument("--output", required=True)
    c = commands.add_parser("fit")
    c.set_defaults(run=fit)
    c.add_argument("labelled")
    c.add_argument("--output", required=True)
    c.add_argument("--dim", type=int, default=128)
    c.add_argument("--layers", type=int, default=2)
    c.add_argument("--epochs", type=int, default=4)
    c.add_argument("--batch", type=int, default=64)
    c.add_argument("--rate", type=float, default=1e-3)
    c.add_argument("--found-weight", type=float, default=4)
    c = commands.add_parser("curve")
    c.set_defaults(run=curve)
    c.add_argument("model_file")
    c.add_argument("labelled")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.run(a)


if __name__ == "__main__":
    main()
