"""Between sieve and reader: a tiny encoder that learns from the reader what to let through.

    middle.py label ar=ar.txt en=en.txt ... --model models --output read.jsonl
    middle.py sieve read.jsonl --model models --output read-again.jsonl
    middle.py fit read.jsonl --output middle.pt
    middle.py write middle.pt read.jsonl --own datasets/own --model models/attribution.safetensors

`label` has every sentence (one a line, one file a language; build/bench/split_sentences makes
them) read by `./fecit score --no-sieve` and by the sieve alone, and writes rows with the reader's
four probabilities `p_class` (which `fecit train` takes, too), whether it is a statement
(`found`), and the sieve's p (`sieve`). It goes on where an earlier run ended. `sieve` writes the
rows with the p of another sieve.

`fit` trains on three rows of four (by a hash of the text), and on whatever labelled rows it is
given beside them: rows of the vocabulary and of the places,
as they are, added and projected from 384 to --dim columns, --layers post-norm layers with heads
of 32, the mean, one logit against the reader's p(statement). It prints, on the other rows, which
share of the sentences passes when a share of the reader's finds is kept: by this encoder and by
the sieve.

`write` puts the encoder into the model file (weights as int8) with known answers, and, measured on
those other rows, both curves: from which p on sieve and encoder let a sentence through so that
together they keep a share of the finds (metadata `cascade`, `middle_cascade`); `fecit eval
--cascade` prints them. Needs msgpack, numpy, torch; no GPU.
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

import pilot
from ship import digest_of, rounded, save
from strip import sieve_only
from teacher import BOS, EOS, PAD, batches, e5_tensors, is_held, read_rows
from tokenise import Tokeniser, read_tensors
from vocabulary import DIM, dequantise

MOST = 128  # pieces of a sentence learned from
READ = 254  # that are read later, as host/reading.h
EPSILON = 1e-12  # of the norms, as the reader's
HEADS = 17  # logits of a sentence in the model file
PART = 20000  # sentences read between two saves
RECALLS = (1, .995, .99, .98, .97, .95, .93, .9, .85, .8, .7, .5)
LEAST = 40  # finds that a language needs for curves of its own
KNOWN, TOLERANCE = 8, 0.02  # as ship.py


# ---- what the reader says ----------------------------------------------------------------

def scores(folder):
    import msgpack
    with open(f"{folder}/sentences-00000.msgpack", "rb") as f:
        return [r for r in msgpack.Unpacker(f) if "p_class" in r]


def score(folder, name, *options):
    subprocess.run(["./fecit", "score", f"{folder}/in.jsonl", "--sentences", "--all", "--quiet",
                    "--lang-field", "lang", "-o", f"{folder}/{name}", *options], check=True)
    return scores(f"{folder}/{name}")


def write_input(folder, rows):
    """rows: [(lang, text)]"""
    with open(f"{folder}/in.jsonl", "w", encoding="utf-8") as out:
        for n, (lang, text) in enumerate(rows):
            print(json.dumps({"id": str(n), "lang": lang, "text": text}, ensure_ascii=False),
                  file=out)


def p_of(row):
    """Of the sieve, to five digits, never more than it is: thresholds are taken from it."""
    return math.floor((1 - row["p_class"][0]) * 1e5) / 1e5


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
            write_input(folder, [(lang, text) for _, lang, text in part])
            sieve = sieve_only(f"{a.model}/attribution.safetensors", folder)
            by_sieve = score(folder, "a", "--model", sieve)
            by_reader = score(folder, "b", "--model", a.model, "--no-sieve")
            with open(a.output, "a", encoding="utf-8") as out:
                for (_, lang, text), s, r in zip(part, by_sieve, by_reader, strict=True):
                    four = [round(float(x), 4) for x in r["p_class"]]
                    four[0] = round(1 - sum(four[1:]), 4)
                    row = {"lang": lang, "text": text, "p_class": four,
                           "found": r["class"] != "none",
                           "sieve": p_of(s)}
                    print(json.dumps(row, ensure_ascii=False), file=out)
        finally:
            shutil.rmtree(folder)
        print(f"{i + len(part)} of {len(todo)}", flush=True)


def sieve(a):
    rows = read_rows(a.labelled)
    folder = tempfile.mkdtemp(prefix="fecit-middle-")
    try:
        write_input(folder, [(r["lang"], r["text"]) for r in rows])
        path = sieve_only(f"{a.model}/attribution.safetensors", folder)
        with open(a.output, "w", encoding="utf-8") as out:
            for r, s in zip(rows, score(folder, "a", "--model", path), strict=True):
                print(json.dumps(dict(r, sieve=p_of(s)), ensure_ascii=False), file=out)
    finally:
        shutil.rmtree(folder)


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


def prepare(path, vocabulary, most=MOST):
    tokeniser = Tokeniser(vocabulary)
    rows = [r for r in read_rows(path) if r.get("split", "train") == "train"]
    for r in rows:
        r["ids"] = np.array(tokeniser.encode(r["text"], True)[:most], np.int32)
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


def target_of(row, a):
    """-> what the logit shall be, the row's weight. The least tenth of a reader's p is doubt
    about everything, and no sign."""
    if "p_class" not in row:
        return float(row["class"] != "none"), a.label_weight
    p = max(0.0, (0.9 - row["p_class"][0]) / 0.9)
    return p, 1 + a.found_weight * (row["found"] if "found" in row else p)


def fit(a):
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    rows = [r for path in a.labelled for r in prepare(path, a.vocabulary)]
    held = [r for r in rows if "found" in r and is_held(r)]
    texts = {r["text"] for r in held}
    train = [r for r in rows if r["text"] not in texts]
    for r in train:
        r["target"], r["weight"] = target_of(r, a)
    model = Middle(read_tensors(a.vocabulary)[0], a.dim, a.layers)
    if a.start:
        model.load_state_dict(torch.load(a.start, weights_only=False)["model"])
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    steps, step = a.epochs * math.ceil(len(train) / a.batch), 0
    print(f"{len(train)} sentences to train on, {len(held)} held out", flush=True)
    for epoch in range(a.epochs):
        model.train()
        total, begin = 0.0, time.time()
        for batch in batches(train, a.batch, rng):
            for group in optimiser.param_groups:
                group["lr"] = a.rate * min(1, 20 * (step + 1) / steps) * max(0.02, 1 - step / steps)
            p = torch.tensor([r["target"] for r in batch])
            weight = torch.tensor([r["weight"] for r in batch])
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


# ---- into the model file -----------------------------------------------------------------

def tensors_of(model):
    out = {}

    def linear(name, layer):
        out[f"middle.{name}.weight"], out[f"middle.{name}.scale"] = rounded(
            layer.weight.detach().numpy())
        out[f"middle.{name}.bias"] = layer.bias.detach().numpy().astype("f2")

    def norm(name, layer):
        out[f"middle.{name}.weight"] = layer.weight.detach().numpy()
        out[f"middle.{name}.bias"] = layer.bias.detach().numpy()
    linear("projection", model.project)
    norm("norm", model.norm)
    for i, p in enumerate(model.layers):
        for key, layer in p.items():
            (norm if "norm" in key else linear)(f"layers.{i}.{key}", layer)
    heads = np.zeros((HEADS, model.dim), "f4")  # as the reader's; the first is the logit
    heads[0] = model.head.weight.detach().numpy()[0]
    out["middle.heads.weight"] = heads
    out["middle.heads.bias"] = np.zeros(HEADS, "f4")
    out["middle.heads.bias"][0] = model.head.bias.item()
    return {k: np.ascontiguousarray(v if v.dtype in ("i1", "f2") else v.astype("f4"))
            for k, v in out.items()}


def fill(model, tensors):
    """The weights as the file holds them, into the model."""
    t = {k: torch.tensor(np.array(v, "f4")) for k, v in tensors.items()
         if k.startswith("middle.")}

    def linear(name, layer):
        layer.weight.data = t[f"middle.{name}.weight"] * t[f"middle.{name}.scale"][:, None]
        layer.bias.data = t[f"middle.{name}.bias"]
    linear("projection", model.project)
    for i, p in enumerate(model.layers):
        for key in p:
            if "norm" not in key:
                linear(f"layers.{i}.{key}", p[key])
    model.places = torch.tensor(np.array(tensors["reader.positions"], "f4"))


def thresholds(found, sieve, middle, lost, by_sieve):
    """-> from which p on each lets through, when `lost` finds may be, `by_sieve` of them there"""
    at = max(0, np.sort(sieve[found])[by_sieve] - 1e-5)
    left = np.sort(middle[found & (sieve >= at)])
    return at, max(0, left[min(lost - by_sieve, len(left) - 1)] - 1e-5)


def curves(found, sieve, middle):
    """-> two lists of [recall, threshold, pass], for recalls of both steps together: of all ways
    to share the loss between them the one that reads least"""
    of_sieve, of_middle = [], []
    for recall in RECALLS:
        lost = int((1 - recall) * found.sum() + 1e-9)
        ways = [thresholds(found, sieve, middle, lost, k) for k in range(lost + 1)]
        read = [float(((sieve >= a) & (middle >= b)).mean()) for a, b in ways]
        least = int(np.argmin(read))
        at, then = ways[least]
        of_sieve.append([recall, round(float(at), 6), round(float((sieve >= at).mean()), 4)])
        of_middle.append([recall, round(float(then), 6), round(read[least], 4)])
    return of_sieve, of_middle


def write(a):
    tensors, notes = read_tensors(a.model)
    state = torch.load(a.middle, weights_only=False)
    model = Middle(read_tensors(a.vocabulary)[0], state["dim"], state["layers"])
    model.load_state_dict(state["model"])
    tensors = {k: v for k, v in tensors.items() if not k.startswith("middle.")}
    tensors.update(tensors_of(model))
    fill(model, tensors)
    held = [r for r in prepare(a.labelled, a.vocabulary, READ) if is_held(r)]
    found, sieve = (np.array([r[k] for r in held]) for k in ("found", "sieve"))
    langs, p = np.array([r["lang"] for r in held]), predict(model, held).astype("f8")
    parts = {"": np.ones(len(held), bool)}
    parts.update({lang: langs == lang for lang in sorted(set(langs))
                  if (found & (langs == lang)).sum() >= LEAST})
    both = {k: curves(found[m], sieve[m], p[m]) for k, m in parts.items()}
    print(f"{len(held)} sentences, the reader finds {found.sum()}; read / through the sieve")
    for k, (one, two) in both.items():
        print(f"  {k or 'all':4s}" + "  ".join(f"{r:g}: {100 * q:.1f} / {100 * x[2]:.1f} %"
                                              for x, (r, _, q) in zip(one, two)))
    rows = sorted((r for r in pilot.own_rows(a.own) if r["split"] == "test"),
                  key=lambda r: hashlib.sha256(r["id"].encode()).hexdigest())[:KNOWN]
    tokeniser = Tokeniser(a.vocabulary)
    with torch.inference_mode():
        logits = [float(model(*padded([tokeniser.encode(r["text"], True)]))[0]) for r in rows]
    notes["cascade"] = json.dumps({k: v[0] for k, v in both.items()})
    notes["middle_cascade"] = json.dumps({k: v[1] for k, v in both.items()})
    notes["middle_known_answers"] = json.dumps({"tolerance": TOLERANCE, "answers": [
        {"text": r["text"], "logits": [round(z, 5), 0, 0, 0]} for r, z in zip(rows, logits)]},
        ensure_ascii=False)
    notes["digest"] = digest_of(tensors)
    save(a.model, {k: np.ascontiguousarray(v) for k, v in tensors.items()}, notes)
    print(f"{a.model}: {os.path.getsize(a.model)} bytes")


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
    c.add_argument("labelled", nargs="+", help="rows of `label`; also a teacher's (p_class "
                   "without found) and labelled ones (class), which train only")
    c.add_argument("--output", required=True)
    c.add_argument("--start", help="weights to start from")
    c.add_argument("--dim", type=int, default=96)
    c.add_argument("--layers", type=int, default=2)
    c.add_argument("--epochs", type=int, default=4)
    c.add_argument("--batch", type=int, default=64)
    c.add_argument("--rate", type=float, default=1e-3)
    c.add_argument("--found-weight", type=float, default=4)
    c.add_argument("--label-weight", type=float, default=0.5)
    c = commands.add_parser("sieve")
    c.set_defaults(run=sieve)
    c.add_argument("labelled")
    c.add_argument("--model", default="models")
    c.add_argument("--output", required=True)
    c = commands.add_parser("write")
    c.set_defaults(run=write)
    c.add_argument("middle")
    c.add_argument("labelled")
    c.add_argument("--own", required=True, help="folder of the own part, for known answers")
    c.add_argument("--model", required=True, help="the file it is written into")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.run(a)


if __name__ == "__main__":
    main()
