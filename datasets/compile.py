#!/usr/bin/env python3
"""Writers' notation -> the set's form (code-point spans, pairs, split).

usage: datasets/compile.py FILE.txt... > rows.jsonl        LANG-HAND-... .txt, e.g. ar-07-1.txt

    @d wire                             a document begins; each line below is a sentence of it
    @s headline                         single sentences follow
    @one NAME                           what follows is one scenario, also across files and languages
    # words                             ignored
    a cyber organ V=TR | {S:TR:Ankara} says {AG:GR:EYP} emptied its mail servers.
    x | The ministry confirmed the outage.
    a/h kinetic state | {A:OM:Oman} <shelled|may have shelled> the {V:YE:Yemeni} port.

Before the bar: class (a asserted, h hedged, d denied, n none, x none that looks like a claim),
act, tie, and roles known from context (A=, S=, V= code or kind). After it the sentence, names
as {ROLES:CODE:words}; roles A accused, S accuser, V victim, G group. <one|other> makes a pair
(or three): the n-th alternatives everywhere make the n-th sentence; classes, acts, ties and
context roles may alternate too, with a slash. Roles of a sentence without claim are dropped.
Spans are widened to whole words where words have spaces between them. All files of a hand go into
one run, for its documents are numbered through. Exit 1 and a list when a line cannot be read; the
other lines are written.
"""
import argparse
import hashlib
import json
import os
import re
import sys

from check import ACTS, GENRES, KINDS, TIES, known_code
from rows import Wrong, run

CLASSES = {"a": "asserted", "h": "hedged", "d": "denied", "n": "none", "x": "none"}
ROLES = {"A": "accused", "S": "accuser", "V": "victim", "G": "groups"}
NO_SPACES = {"ja", "ko", "zh"}
NAME = re.compile(r"\{([ASVG]+):([A-Za-z]*):([^{}]+)\}")


def split_of(scenario):
    n = int(hashlib.sha256(scenario.encode()).hexdigest()[:8], 16) % 10
    return "test" if n == 0 else "validation" if n == 1 else "train"


def alternatives(text):
    """"a <b|c> d" -> ["a b d", "a c d"]; the text alone when nothing alternates."""
    parts = re.split(r"<([^<>]*)>", text)
    n = {len(p.split("|")) for p in parts[1::2]}
    if len(n) > 1 or n == {1}:
        raise Wrong("alternatives <...|...> of different number")
    if re.search(r"[<>|]", "".join(parts[0::2])):
        raise Wrong("stray < > or | in the sentence")
    n = n.pop() if n else 1
    return ["".join(p.split("|")[i] if k % 2 else p for k, p in enumerate(parts))
            for i in range(n)]


def widen(text, start, end, lang):
    if lang in NO_SPACES:
        return start, end
    inside = re.compile(r"[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
                        r"\u0900-\u0903\u093a-\u094f\u200c\u200d]")
    while start > 0 and inside.match(text[start - 1]) and inside.match(text[start]):
        start -= 1
    while end < len(text) and inside.match(text[end]) and inside.match(text[end - 1]):
        end += 1
    return start, end


def known(letter, code, words):
    if not known_code(ROLES[letter], code):
        raise Wrong(f"\"{code}\" of \"{words}\" is no code" +
                    ("" if letter == "A" else f", nor one of {' '.join(KINDS)}"))


def sentence(marked, lang):
    """-> plain text, {role: [entry]}"""
    roles = {r: [] for r in ROLES.values()}
    text, at = "", 0
    found = []
    for m in NAME.finditer(marked):
        if m.group(3) != m.group(3).strip():
            raise Wrong(f"blanks at the edge of \"{m.group(0)}\"")
        text += marked[at:m.start()]
        found.append((m.group(1), m.group(2), len(text), len(text) + len(m.group(3))))
        text += m.group(3)
        at = m.end()
    text += marked[at:]
    if re.search(r"[{}]", text):
        raise Wrong("braces that are no {ROLES:CODE:words}")
    text_ = text.strip()
    if not text_:
        raise Wrong("no sentence after the bar")
    shift = len(text) - len(text.lstrip())
    for letters, code, start, end in found:
        start, end = widen(text_, start - shift, end - shift, lang)
        for letter in dict.fromkeys(letters):
            entry = ({"text": text_[start:end]} if letter == "G" else {"code": code})
            entry.update(start=start, end=end)
            if letter != "G":
                known(letter, code, text_[start:end])
            roles[ROLES[letter]].append(entry)
    return text_, roles


def variant(head, i, n):
    out = []
    for word in head:
        key, _, value = word.rpartition("=")
        some = value.split("/")
        if len(some) not in (1, n):
            raise Wrong(f"\"{word}\" has {len(some)} alternatives, the sentence {n}")
        out.append((key, some[i if len(some) > 1 else 0]))
    return out


def row(head, marked, lang):
    text, roles = sentence(marked, lang)
    _, letter = head[0]
    if letter not in CLASSES:
        raise Wrong(f"class \"{letter}\", not one of a h d n x")
    act = tie = None
    for key, value in head[1:]:
        if key in ("A", "S", "V"):
            if value in ("", "-"):
                continue
            known(key, value, key + "=")
            if all(e["code"] != value for e in roles[ROLES[key]]):
                roles[ROLES[key]].append({"code": value, "start": 0, "end": 0})
        elif key:
            raise Wrong(f"\"{key}=\"")
        elif value in ACTS and not act:
            act = value
        elif value in TIES:
            tie = value
        elif value != "-":
            raise Wrong(f"\"{value}\" is no act or tie")
    cls = CLASSES[letter]
    if cls == "none":
        roles = {r: [] for r in roles}
        act = tie = None
    elif not act or not tie:
        raise Wrong("a statement without act or tie")
    return text, cls, roles, act, tie, "hard" if letter == "x" else ""


def text_lines(path):
    try:
        with open(path, encoding="utf-8-sig") as f:
            return f.readlines()
    except ValueError as e:
        raise Wrong(f"{path}: expected UTF-8, found {e}") from None


def hand_of(path):
    m = re.fullmatch(r"([a-z]{2})-([0-9a-z]+)(-.*)?", os.path.basename(path).split(".")[0])
    if not m:
        raise Wrong(f"{path}: expected a name like ar-07-1.txt: language, hand, number")
    return m.group(1), m.group(2)


def read(path, first):
    """Rows of one file; first: how many documents of this hand came before."""
    lang, hand = hand_of(path)
    number, sent, mode, genre, one = first, 0, None, "", None
    rows, wrong = [], []
    for at, line in enumerate(text_lines(path), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if line.startswith("@one "):
                one = "s-" + line.split()[1]
                continue
            if line.startswith("@"):
                mode, genre = line[1:2], line.split()[1] if len(line.split()) > 1 else ""
                if line[:3] not in ("@d ", "@s ") or genre not in GENRES:
                    mode = None  # what follows has no genre until a sound header comes
                    raise Wrong(f"@d or @s and one of {' '.join(GENRES)}")
                number, sent = number + 1, 0
                continue
            if not mode or "|" not in line:
                raise Wrong("no @ line above" if not mode else "no bar after the head")
            head, marked = line.split("|", 1)
            texts = alternatives(marked.strip())
            n = len(texts)
            made = [row(variant(head.split(), i, n), t, lang) for i, t in enumerate(texts)]
            if n > 1 and mode == "d":
                raise Wrong("alternatives stand in single sentences (@s) only")
            if mode == "s":
                number, sent = number + 1, 0
            for i, (text, cls, roles, act, tie, note) in enumerate(made):
                doc = f"{lang}{hand}-{genre}-{number:03d}" + (chr(97 + i) if n > 1 else "")
                scenario = one or f"s-{lang}{hand}-{number:03d}"
                rows.append(dict(
                    id=f"{doc}#{sent}", lang=lang, doc=doc, sent=sent, scenario=scenario,
                    split=split_of(scenario), genre=genre, text=text, **{"class": cls}, **roles,
                    act=act, tie=tie, pair=f"p-{lang}{hand}-{number:03d}" if n > 1 else None,
                    note=note))
            sent += 1
        except Wrong as w:
            wrong.append(f"{path}:{at}: {w}: {line[:90]}")
        except IndexError:
            wrong.append(f"{path}:{at}: nothing before the bar: {line[:90]}")
    return rows, wrong, number


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    rows, wrong, counts, seen, ids = [], [], {}, {}, set()
    for path in a.files:
        hand = hand_of(path)
        some, bad, counts[hand] = read(path, counts.get(hand, 0))
        for r in some:
            if r["text"] in seen:
                bad.append(f"{path}: \"{r['text'][:60]}\" stands in {seen[r['text']]} already")
            elif r["id"] in ids:
                bad.append(f"{path}: {r['id']} is made twice; name the hands apart")
            else:
                rows.append(r)
            ids.add(r["id"])
            seen[r["text"]] = path
        wrong += bad
    for r in rows:
        print(json.dumps(r, ensure_ascii=False))
    for w in wrong:
        print(w, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    run(main)
