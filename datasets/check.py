#!/usr/bin/env python3
"""Check datasets/own and datasets/standoff: fields and types, spans, codes, splits, duplicates,
balance; print the balance.

usage: datasets/check.py [OWN [STANDOFF]]     exit 1 when anything is wrong, 2 when nothing is read

Documents are 3 to 14 sentences, numbered from 0 without a gap, or single sentences; a pair is
two or more sentences of one scenario; a scenario, in whatever languages it is written, lies in
one split. Stand-off rows hold no text: their spans must lie within `length`, do not overlap, and
no sentence (by its digest) is labelled twice.
"""
import argparse
import collections
import os
import re
import sys

from rows import ROLES, Wrong, entry_problem, read, run

CLASSES = ("none", "asserted", "hedged", "denied")
ACTS = ("cyber", "information", "espionage", "covert", "kinetic", "abuse", "other")
TIES = ("state", "organ", "directed", "linked", "territory", "group")
KINDS = ("EU", "NATO", "UN", "igo", "firm", "ngo", "media", "expert", "court", "people", "person",
         "group")
GENRES = ("wire communique analysis transcript threat-report editorial social parliament archive "
          "sport economy headline court letter feature").split()
MOST = 40  # problems that are printed; all are counted
LEAST = 1000  # sentences from which on the balance of the own part is held to its limits
LABELS = {"lang": str, "split": str, "class": str, "accused": list, "accuser": list,
          "victim": list, "groups": list, "act": (str, type(None)), "tie": (str, type(None))}
OWN = {"id": str, "doc": str, "sent": int, "scenario": str, "genre": str, "text": str,
       "pair": (str, type(None)), "note": str, **LABELS}
STANDOFF = {"corpus": str, "path": str, "document": str, "start": int, "length": int,
            "sha256": str, "hard": bool, **LABELS}
# ISO 3166-1 alpha-2 and the documented extras (annotation guide).
CODES = set("""AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL
BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE
DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ
GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM
KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN
PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY
SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF
WS YE YT ZA ZM ZW XK SU YU DD CS""".split())


def field_problems(r, fields):
    """Wrong fields and types: what follows may trust the rest."""
    lacks = [k for k in fields if k not in r]
    if lacks:
        yield f"lacks {', '.join(lacks)}"
    more = [k for k in r if k not in fields]
    if more:
        yield f"has {', '.join(more)}, which is no field of it"
    for k, kind in fields.items():
        if k in r and (not isinstance(r[k], kind) or kind is int and isinstance(r[k], bool)):
            yield f"{k}: found {r[k]!r:.40}"
    for role in ROLES:
        word = "code" if role != "groups" else "text" in fields and "text"
        for e in r.get(role) if isinstance(r.get(role), list) else []:
            wrong = entry_problem(e, word)
            if wrong:
                yield f"{role}: {wrong}"


def known_code(role, code):
    return code in CODES or role != "accused" and code in KINDS


def span_problems(role, e, length, text):
    a, b = e["start"], e["end"]
    if not (0 <= a < b <= length or a == b == 0):
        yield f"{role} span {a}-{b}"
        return
    if text and text[a:b] != text[a:b].strip():
        yield f"{role} span {a}-{b} has white space at its edge"
    if role == "groups":
        if text and text[a:b] != e["text"]:
            yield f"groups text {e['text']!r} is not at {a}-{b}"
    elif not known_code(role, e["code"]):
        yield f"{role} code {e['code']!r}"


def label_problems(r, length, text):
    """text: None where it is not at hand"""
    if r["class"] not in CLASSES:
        yield f"class {r['class']!r}"
    none = r["class"] == "none"
    if none and (any(r[role] for role in ROLES) or r["act"] or r["tie"]):
        yield "class none with roles, act or tie"
    if not none and (r["act"] not in ACTS or r["tie"] not in TIES):
        yield f"act {r['act']!r} or tie {r['tie']!r}"
    if r["split"] not in ("train", "validation", "test"):
        yield f"split {r['split']!r}"
    for role in ROLES:
        for e in r[role]:
            yield from span_problems(role, e, length, text)
        if len({str(e) for e in r[role]}) < len(r[role]):
            yield f"{role}: one of them stands twice"


def own_problems(r, where):
    text = r["text"]
    if not text.strip() or text != text.strip() or re.search("[\n\r\u2028\u2029]", text):
        yield "text is empty, untrimmed or has a line break"
    if r["genre"] not in GENRES:
        yield f"genre {r['genre']!r}"
    if r["note"] not in ("", "hard", "via group"):
        yield f"note {r['note']!r}"
    if r["id"] != f"{r['doc']}#{r['sent']}":
        yield f"id {r['id']!r} is not doc#sent"
    if r["lang"] != where.split(".")[0]:
        yield f"lang {r['lang']!r} in this file"
    yield from label_problems(r, len(text), text)


def standoff_problems(r, where):
    if not re.fullmatch("[0-9a-f]{16}", r["sha256"]):
        yield f"sha256 {r['sha256']!r}, expected 16 hex digits"
    if r["start"] < 0 or r["length"] < 1:
        yield f"start {r['start']}, length {r['length']}"
    if not re.fullmatch("[^/]+/[^/]+", r["corpus"]):
        yield f"corpus {r['corpus']!r}, expected owner/name"
    if any(set(e) - {"code", "start", "end"} for role in ROLES for e in r[role]):
        yield "text of a corpus in the repository"
    if r["hard"] and r["class"] != "none":
        yield "hard, and a statement"
    if r["lang"] != where.split(".")[0]:
        yield f"lang {r['lang']!r} in this file"
    yield from label_problems(r, r["length"], None)


class Report:
    def __init__(self):
        self.bad = 0

    def __call__(self, where, what):
        self.bad += 1
        if self.bad <= MOST:
            print(f"{where}: {what}", file=sys.stderr)


def good_rows(folder, fields, problems, report):
    """(where, row) of rows whose fields are sound; all their problems are reported."""
    for where, r in read(folder, report):
        wrong = list(field_problems(r, fields))
        sound = not wrong
        wrong += problems(r, where) if sound else []
        for p in wrong:
            report(where, p)
        if sound:
            yield where, r


def one_side(side, key, r, where, report):
    if side.setdefault(key, r["split"]) != r["split"]:
        report(where, f"{key} lies on two sides")


def check_own(folder, report):
    rows, ids, texts, side = [], set(), {}, {}
    docs, pairs = collections.defaultdict(list), collections.defaultdict(set)
    for where, r in good_rows(folder, OWN, own_problems, report):
        if r["id"] in ids:
            report(where, f"id {r['id']} stands twice")
        ids.add(r["id"])
        key = re.sub(r"\W+", " ", r["text"].lower())
        if key in texts:
            report(where, f"same text as {texts[key]}")
        texts[key] = where
        one_side(side, f"scenario {r['scenario']}", r, where, report)
        one_side(side, f"doc {r['doc']}", r, where, report)
        docs[r["doc"]].append(r["sent"])
        if r["pair"]:
            pairs[r["pair"]].add((r["scenario"], r["id"]))
        rows.append(r)
    for doc, sents in docs.items():
        if sents != list(range(len(sents))) or not (len(sents) == 1 or 3 <= len(sents) <= 14):
            report(doc, f"sentences {sents}")
    for pair, members in pairs.items():
        if len(members) < 2 or len({s for s, _ in members}) > 1:
            report(pair, "is alone or lies in several scenarios")
    many = [s for s in docs.values() if len(s) > 1]
    print(f"own: {len(rows)} sentences, {sum(map(len, many))} of them in {len(many)} documents of "
          f"several, {len(pairs)} pairs")
    return rows


def check_standoff(folder, report):
    rows, seen, side, spans = [], {}, {}, collections.defaultdict(list)
    for where, r in good_rows(folder, STANDOFF, standoff_problems, report):
        if r["sha256"] in seen:
            report(where, f"same sentence as {seen[r['sha256']]}")
        seen[r["sha256"]] = where
        one_side(side, f"document {r['document']}", r, where, report)
        spans[r["document"]].append((r["start"], r["start"] + r["length"], where))
        rows.append(r)
    for some in spans.values():
        some.sort()
        for (_, end, _), (start, _, where) in zip(some, some[1:]):
            if start < end:
                report(where, "overlaps the sentence before it in its document")
    print(f"standoff: {len(rows)} sentences of {len(side)} documents")
    return rows


def held(rows, report):
    """the limits of the own part (README, Composition)"""
    claims = [r for r in rows if r["class"] != "none"]
    none = [r for r in rows if r["class"] == "none"]
    if len(rows) < LEAST:
        return
    if not claims:
        report("own", "no statement in it")
        return
    for cls, least in (("hedged", 0.22), ("denied", 0.12)):
        share = sum(r["class"] == cls for r in claims) / len(claims)
        if share < least:
            report("own", f"{cls} {share:.1%} of the statements, at least {least:.0%} wanted")
    if sum(r["note"] == "hard" for r in none) * 2 <= len(none):
        report("own", "half of the negatives or fewer are hard")
    for role in ("accused", "accuser"):
        k = collections.Counter(e["code"] for r in claims for e in r[role] if e["code"] in CODES)
        for code, n in k.most_common(1):
            share = n / sum(k.values())
            if share > 0.07:
                report("own", f"{code} is {share:.1%} of the {role}, at most 7% wanted")
        if role == "accused" and len(k) < 90:
            report("own", f"{len(k)} accused states, at least 90 wanted")
    for lang in sorted({r["lang"] for r in rows}):
        for key, all_of in (("act", ACTS), ("tie", TIES)):
            lacks = set(all_of) - {r[key] for r in claims if r["lang"] == lang}
            if lacks:
                report(lang, f"no {key} {', '.join(sorted(lacks))}")


def balance(rows):
    count = collections.Counter
    claims = [r for r in rows if r["class"] != "none"]
    n = max(1, len(claims))
    c = count(r["class"] for r in claims)
    none = [r for r in rows if r["class"] == "none"]
    hard = sum(bool(r.get("hard") or r.get("note") == "hard") for r in none)
    accused = count(e["code"] for r in claims for e in r["accused"])
    accuser = count(e["code"] for r in claims for e in r["accuser"]
                    if re.fullmatch("[A-Z]{2}", e["code"]) and e["code"] not in ("EU", "UN"))
    print(f"  statements {len(claims)} ({len(claims) / len(rows):.0%}): hedged "
          f"{c['hedged'] / n:.0%}, denied {c['denied'] / n:.0%}; hard {hard / max(1, len(none)):.0%}"
          f" of the others; {len(accused)} states accused, {len(accuser)} accusing")
    for lang in sorted({r["lang"] for r in rows}):
        k = count(r["class"] for r in rows if r["lang"] == lang)
        print(f"  {lang} {sum(k.values()):5d}  " + "  ".join(f"{x} {k[x]}" for x in CLASSES))
    for key in ("act", "tie"):
        print(f"  {key}s  " + "  ".join(f"{k} {v}" for k, v in
                                        count(r[key] for r in claims).most_common()))
    for name, k in (("accused", accused), ("accusing", accuser)):
        total = max(1, sum(k.values()))
        print(f"  {name}  " + "  ".join(f"{x} {v / total:.1%}" for x, v in k.most_common(8)))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("own", nargs="?", help="a folder; without it both parts beside this file")
    p.add_argument("standoff", nargs="?")
    a = p.parse_args()
    if a.own is None:
        a.own, a.standoff = os.path.join(here, "own"), os.path.join(here, "standoff")
    report = Report()
    own = check_own(a.own, report)
    if own:
        balance(own)
        held(own, report)
    rows = []
    if a.standoff:
        rows = check_standoff(a.standoff, report)
        if rows:
            balance(rows)
    if not own and not rows and not report.bad:
        raise Wrong(f"{a.own}: no row in it")
    if report.bad:
        print(f"{report.bad} problems" + (f", the first {MOST} are shown" if report.bad > MOST
                                          else ""), file=sys.stderr)
    return 1 if report.bad else 0


if __name__ == "__main__":
    run(main)
