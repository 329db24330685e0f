#!/bin/sh
# The reader with the shipped model: odd sentences, roles in the rows, explain, eval.
. "$(dirname "$0")/lib.sh"

# one word; 100,000 words; punctuation; emoji; a script no piece knows; mixed direction
{
    echo '{"id":"word","text":"Moscow"}'
    printf '{"id":"long","text":"The ministry accused Norway of'
    yes ' hacking the mail of parliament and' | head -n 16000 | tr -d '\n'
    echo ' leaving."}'
    echo '{"id":"marks","text":"?!... --- «»“” ;;; ()[]{} // ،؛؟ 、。！"}'
    echo '{"id":"emoji","text":"🔥🔥🔥 🇳🇴🇷🇺 👩‍👩‍👧 💣💣 🙂🙂"}'
    echo '{"id":"script","text":"ⰀⰁⰂⰃ ⰄⰅⰆⰇ ⰈⰉⰊⰋ ⰌⰍⰎⰏ"}'
    echo '{"id":"mixed","text":"اتهمت وزارة الخارجية APT29 و\u202bGRU\u202c باختراق mail.gov.no يوم 12/3."}'
    echo '{"id":"empty","text":""}'
} > "$T/odd.jsonl"
for how in '' --no-sieve; do
    rm -rf "$T/o"
    # shellcheck disable=SC2086
    fecit score "$T/odd.jsonl" --sentences --all $how -o "$T/o"
    expect 0 "odd sentences${how:+, }$how"
    check 'a row each' test "$(field "$T/o/run.json" sentences)" = 7
done
fecit verify "$T/o"
expect 0 'and they are whole'

# Roles: whole words, by bytes in the document.
cat > "$T/in.jsonl" <<'IN'
{"id":"ar","lang":"ar","text":"قال الوزير إن الطقس جميل. اتهمت وزارة الخارجية الفرنسية إيران بالوقوف وراء الهجوم الإلكتروني على مستشفيات باريس."}
{"id":"en","lang":"en","text":"It rained. The Norwegian government accused Russia of hacking the parliament in Oslo."}
IN
fecit score "$T/in.jsonl" --lang-field lang --no-sieve -o "$T/r"
expect 0 'two stories'
fecit show "$T/r" --json
expect 0 'their rows'
check 'roles lie where the text says' python3 - "$T/in.jsonl" "$T/log" <<'PY'
import json, sys
texts = {r["id"]: r["text"].encode() for r in map(json.loads, open(sys.argv[1]))}
rows = [json.loads(line) for line in open(sys.argv[2])]
assert {r["doc_id"] for r in rows} == {"ar", "en"}, rows
accused = {}
for r in rows:
    assert r["act"] and r["tie"], r
    for role in ("accused", "accuser", "victim", "groups"):
        for s in r[role]:
            assert texts[r["doc_id"]][s["start"]:s["end"]].decode() == s["text"], s
            assert r["start"] <= s["start"] < s["end"] <= r["end"], s
            assert s["text"] == s["text"].strip(" .,"), s
            if role == "accused":
                accused.setdefault(r["doc_id"], []).append(s["text"])
assert any("إيران" in a for a in accused["ar"]) and "Russia" in accused["en"], accused
PY

fecit explain 'The ministry accused Norway of hacking its mail.' 'Rain is likely.' ''
expect 0 'explain'
check 'it shows class, pieces and words' sh -c \
    "grep -q '^class    asserted' '$T/log' && grep -q '^pieces ' '$T/log' && grep -q 'log-odds' '$T/log'"
printf 'The ministry accused Norway of hacking its mail.\n' > "$T/one.txt"
"$FECIT" explain --json - < "$T/one.txt" > "$T/log" 2> "$T/err"
check 'explain reads lines and writes JSON' python3 -c "
import json, sys
r = json.loads(open('$T/log').read())
assert r['class'] == 'asserted' and r['p'] > .5 and r['words'] and r['pieces'], r"
printf 'caf\351\n' | "$FECIT" explain - > "$T/log" 2> "$T/err"
code=$?
expect 2 'explain wants UTF-8' 'UTF-8'
fecit explain
expect 1 'explain wants a sentence' 'sentence'

fecit eval datasets/sample-labels.jsonl
expect 0 'eval'
check 'it tells classes, calibration' sh -c \
    "grep -q '^asserted' '$T/log' && grep -q 'calibration error' '$T/log'"
fecit eval datasets/sample-labels.jsonl --json
check 'eval writes JSON' python3 -c "
import json
r = json.loads(open('$T/log').read())
assert r['all']['f1'] > .6 and 0 < r['threshold'] < 1 and r['reliability'], r"
fecit eval datasets/sample-labels.jsonl --stage both
expect 0 'eval of both stages'
fecit eval datasets/sample-labels.jsonl --stage middle
expect 1 'eval knows its stages' 'middle'
fecit eval --cascade
expect 0 'the curve'
check 'the curve falls' sh -c "grep -q '98.0 %' '$T/log'"
fecit eval --cascade datasets/sample-labels.jsonl
expect 1 'the curve wants no file'
fecit eval datasets/own/he.jsonl --split test --json
check 'pairs and roles are told' python3 -c "
import json
r = json.loads(open('$T/log').read())
assert r['pairs']['same'] and r['roles']['accused']['labelled'], r"
finish
