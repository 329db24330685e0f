#!/usr/bin/env python3
"""Check datasets/own: schema, spans, codes, splits, duplicates; print the balance.

usage: datasets/check.py [FOLDER]          exit 1 when anything is wrong
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
KINDS = ("EU", "NATO", "UN", "igo", "firm", "ngo", "media", "expert", "court", "person",
         "group")
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
            if not (isinstance(a, int) and isinstance(b, int) and 0 <= a <= b <= len(text)):
                yield f"{role} span {a}-{b}"
            elif text[a:b] != text[a:b].strip():
                yield f"{role} span {a}-{b} has white space at its edge"
            if role == "groups":
                if b and text[a:b] != e.get("text"):
                    yield f"groups text {e.get('text')!r} is not at {a}-{b}"
            elif e.get("code") not in CODES and (role == "accused"
                                                  or e.get("code") not in KINDS):
                yield f"{role} code {e.get('code')!r}"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__),
                                                                "own")
    bad = 0
    rows, ids, texts, side = [], set(), {}, {}

    def report(where, what):
        nonlocal bad
        bad += 1
        print(f"{where}: {what}", file=sys.stderr)

    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            where = f"{os.path.basename(path)}:{number}"
            r = json.loads(line)
            for p in problems(r):
                report(where, p)
            if r["id"] in ids:
                report(where, f"id {r['id']} stands twice")
            ids.add(r["id"])
            key = re.sub(r"\W+", " ", r["text"].lower())
            if key in texts:
                report(where, f"same text as {texts[key]}")
            texts[key] = where
            if side.setdefault(r["scenario"], r["split"]) != r["split"]:
                report(where, f"scenario {r['scenario']} lies on two sides")
            rows.append(r)
    if not rows:
        report(folder, "no data")
    count = collections.Counter
    positive = [r for r in rows if r["class"] != "none"]
    accused = count(e["code"] for r in positive for e in r["accused"])
    print(f"{len(rows)} sentences, {len(positive)} statements, {len(accused)} accused states,"
          f" {len({r['pair'] for r in rows if r['pair']})} pairs")
    for lang in sorted({r["lang"] for r in rows}):
        c = count(r["class"] for r in rows if r["lang"] == lang)
        print(f"  {lang}  " + "  ".join(f"{k} {c[k]}" for k in CLASSES))
    print("  acts  " + "  ".join(f"{k} {v}" for k, v in count(r["act"] for r in positive)
                                 .most_common()))
    print("  ties  " + "  ".join(f"{k} {v}" for k, v in count(r["tie"] for r in positive)
                                 .most_common()))
    print("  accused  " + "  ".join(f"{k} {v}" for k, v in accused.most_common(12)))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
