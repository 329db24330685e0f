#!/usr/bin/env python3
"""Check datasets/own and datasets/standoff: schema, spans, codes, splits, duplicates; print the
balance.

usage: datasets/check.py [FOLDER [FOLDER]]          exit 1 when anything is wrong

Documents are 4 to 14 sentences, numbered from 0 without a gap, or single sentences; a pair is
two or more sentences of one scenario; a scenario, in whatever languages it is written, lies in
one split. Stand-off rows hold no text: their spans must lie within `length`.
"""
import collections
import glob
import json
import os
import re
import sys

CLASSES = ("none", "asserted", "hedged", "denied")
ACTS = ("cyber", "information", "espionage", "covert", "kinetic", "abuse", "other")
TIES = ("state", "organ", "directed", "linked", "territory", "group")
KINDS = ("EU", "NATO", "UN", "igo", "firm", "ngo", "media", "expert", "court", "people", "person",
         "group")
MOST = 40  # problems that are printed; all are counted
LEAST = 1000  # sentences from which on the balance of the own part is held to its limits
STANDOFF_KEYS = ("corpus path document start length sha256 lang split class accused accuser victim "
                 "groups act tie hard").split()
KEYS = ("id lang doc sent scenario split genre text class accused accuser victim groups "
        "act tie pair note").split()
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


def problems(r):
    missing = [k for k in KEYS if k not in r]
    if missing:
        yield f"lacks {', '.join(missing)}"
        return
    text = r["text"]
    if not text.strip() or text != text.strip() or "\n" in text:
        yield "text is empty, untrimmed or has a line break"
    yield from label_problems(r, len(text), text)


def standoff_problems(r):
    missing = [k for k in STANDOFF_KEYS if k not in r]
    if missing:
        yield f"lacks {', '.join(missing)}"
        return
    if "text" in r:
        yield "text of a corpus in the repository"
    if not re.fullmatch("[0-9a-f]{16}", r["sha256"]) or r["start"] < 0 or r["length"] < 1:
        yield "digest, start or length"
    yield from label_problems(r, r["length"], None)


def label_problems(r, length, text):
    """text: None where it is not at hand"""
    if r["class"] not in CLASSES:
        yield f"class {r['class']!r}"
    none = r["class"] == "none"
    if none and (r["accused"] or r["accuser"] or r["victim"] or r["groups"] or r["act"]
                 or r["tie"]):
        yield "class none with roles, act or tie"
    if not none and (r["act"] not in ACTS or r["tie"] not in TIES):
        yield f"act {r['act']!r} or tie {r['tie']!r}"
    if r["split"] not in ("train", "validation", "test"):
        yield f"split {r['split']!r}"
    for role in ("accused", "accuser", "victim", "groups"):
        for e in r[role]:
            a, b = e.get("start"), e.get("end")
            if not (isinstance(a, int) and isinstance(b, int) and 0 <= a <= b <= length):
                yield f"{role} span {a}-{b}"
            elif text and text[a:b] != text[a:b].strip():
                yield f"{role} span {a}-{b} has white space at its edge"
            if role == "groups":
                if text and b and text[a:b] != e.get("text"):
                    yield f"groups text {e.get('text')!r} is not at {a}-{b}"
            elif e.get("code") not in CODES and (role == "accused"
                                                  or e.get("code") not in KINDS):
                yield f"{role} code {e.get('code')!r}"


class Report:
    def __init__(self):
        self.bad = 0

    def __call__(self, where, what):
        self.bad += 1
        if self.bad <= MOST:
            print(f"{where}: {what}", file=sys.stderr)


def read_rows(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            yield f"{os.path.basename(path)}:{number}", json.loads(line)


def check_own(folder, report):
    rows, ids, texts, side = [], set(), {}, {}
    docs, pairs = collections.defaultdict(list), collections.defaultdict(set)
    for where, r in read_rows(folder):
        wrong = list(problems(r))
        for p in wrong:
            report(where, p)
        if wrong and "lacks" in wrong[0]:
            continue
        if r["id"] in ids:
            report(where, f"id {r['id']} stands twice")
        ids.add(r["id"])
        key = re.sub(r"\W+", " ", r["text"].lower())
        if key in texts:
            report(where, f"same text as {texts[key]}")
        texts[key] = where
        if side.setdefault(r["scenario"], r["split"]) != r["split"]:
            report(where, f"scenario {r['scenario']} lies on two sides")
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
    inside = sum(len(s) for s in docs.values() if len(s) > 1)
    print(f"own: {len(rows)} sentences, {inside} of them in documents of several, "
          f"{len(pairs)} pairs")
    return rows


def check_standoff(folder, report):
    rows, seen, side = [], set(), {}
    for where, r in read_rows(folder):
        for p in standoff_problems(r):
            report(where, p)
        key = r["document"], r["start"]
        if key in seen:
            report(where, "stands twice")
        seen.add(key)
        if side.setdefault(r["document"], r["split"]) != r["split"]:
            report(where, f"document {r['document']} lies on two sides")
        rows.append(r)
    print(f"standoff: {len(rows)} sentences of {len(side)} documents")
    return rows


def held(rows, report):
    """the limits of the own part (README, Composition)"""
    claims = [r for r in rows if r["class"] != "none"]
    none = [r for r in rows if r["class"] == "none"]
    if len(rows) < LEAST:
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
            if n > 0.07 * k.total():
                report("own", f"{code} is {n / k.total():.1%} of the {role}, at most 7% wanted")
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
          f" of the others; {len(accused)} accused states")
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
    folders = sys.argv[1:] or [os.path.join(here, "own"), os.path.join(here, "standoff")]
    report = Report()
    own = check_own(folders[0], report)
    if own:
        balance(own)
        held(own, report)
    else:
        report(folders[0], "no data")
    if len(folders) > 1:
        rows = check_standoff(folders[1], report)
        if rows:
            balance(rows)
        else:
            report(folders[1], "no data")
    if report.bad:
        print(f"{report.bad} problems", file=sys.stderr)
    sys.exit(1 if report.bad else 0)


if __name__ == "__main__":
    main()
