#!/bin/sh
# The scripts of the data set say what is wrong with wrong data, and join what belongs together.
. "$(dirname "$0")/lib.sh"

# rows WHERE EDIT: three good rows of one document in WHERE/xx.jsonl, changed by EDIT (sed)
rows() {
    mkdir -p "$1"
    for i in 0 1 2; do
        printf '{"id":"a-1#%s","lang":"en","doc":"a-1","sent":%s,"scenario":"s1","split":"train","genre":"wire","text":"Oslo shelled %s.","class":"asserted","accused":[{"code":"NO","start":0,"end":4}],"accuser":[],"victim":[],"groups":[],"act":"kinetic","tie":"state","pair":null,"note":""}\n' $i $i $i
    done | sed "$2" > "$1/en.jsonl"
}
# refused NAME EDIT PATTERN: check.py exits 1 over the changed rows and says why
refused() {
    rows "$T/own" "$2"
    python3 datasets/check.py "$T/own" > "$T/log" 2> "$T/err"
    code=$?
    expect 1 "check.py: $1" "$3"
}
rows "$T/own" ''
check 'check.py takes good rows' python3 datasets/check.py "$T/own"
refused 'a class that is none of the four' '2s/asserted/maybe/' "en.jsonl:2: class 'maybe'"
refused 'a state that is none' '2s/"NO"/"QQ"/' "en.jsonl:2: accused code 'QQ'"
refused 'a span beyond the sentence' '3s/"end":4/"end":99/' 'en.jsonl:3: accused span 0-99'
refused 'the same sentence twice' '2s/shelled 1/shelled 0/' 'same text as en.jsonl:1'
refused 'a scenario on two sides' '2s/"train"/"test"/' 'lies on two sides'
refused 'a gap in a document' '2s/"sent":1/"sent":7/' 'a-1: sentences'
refused 'a pair of one' '2s/"pair":null/"pair":"p1"/' 'p1: is alone'
refused 'a missing field' '2s/"act":"kinetic",//' 'en.jsonl:2: lacks act'
refused 'a line that is no JSON' '2s/}$//' 'en.jsonl:2: expected a JSON object'
refused 'a wrong type' '2s/"accused":\[.*"accuser"/"accused":"NO","accuser"/' 'en.jsonl:2: accused: found'
refused 'a code that is a list' '2s/"code":"NO"/"code":["NO"]/' 'en.jsonl:2: accused: expected code, start, end'
refused 'a span without a code' '2s/"code":"NO",//' 'en.jsonl:2: accused: expected code, start, end'
refused 'a role twice' '2s/"accused":\[\({[^}]*}\)\]/"accused":[\1,\1]/' 'en.jsonl:2: accused: one of them stands twice'
printf '{"id":%s' "$(printf '%50000s' '' | tr ' ' '[')" > "$T/own/en.jsonl"
python3 datasets/check.py "$T/own" > "$T/log" 2> "$T/err"
code=$?
expect 1 'check.py: brackets without end' 'en.jsonl:1: expected a JSON object'
: > "$T/own/en.jsonl"
for script in 'check.py' 'voice.py --own' 'agree.py --second'; do
    python3 datasets/${script%% *} $(echo "$script " | cut -d' ' -f2) "$T/own" > "$T/log" 2> "$T/err"
    code=$?
    expect 2 "$script: nothing in it" 'no row in it|no second reading'
done

# Stand-off labels and a corpus of one document.
mkdir -p "$T/news" "$T/standoff"
echo '{"id":"n:1","text":"A first one. Oslo shelled it."}' > "$T/news/news-en.jsonl"
standoff='{"corpus":"a/b","path":"f","document":"n:1","start":13,"length":16,"sha256":"SHA","lang":"en","split":"train","class":"none","accused":[],"accuser":[],"victim":[],"groups":[],"act":null,"tie":null,"hard":true}'
sha=$(printf 'Oslo shelled it.' | sha256sum | cut -c1-16)
echo "$standoff" | sed "s/SHA/$sha/" > "$T/standoff/en.jsonl"
rows "$T/own" ''
check 'check.py takes both parts' python3 datasets/check.py "$T/own" "$T/standoff"
python3 datasets/join.py "$T/news" --standoff "$T/standoff" > "$T/log" 2> "$T/err"
code=$?
expect 0 'join.py finds the sentence' '1 of 1 sentences joined'
check 'join.py gives its text' grep -q '"text": "Oslo shelled it."' "$T/log"
sed -i 's/A first one/A very first one/' "$T/news/news-en.jsonl"
python3 datasets/join.py "$T/news" --standoff "$T/standoff" > "$T/log" 2> "$T/err"
code=$?
expect 0 'join.py finds it in another edition' '1 of 1'
sed -i 's/shelled it/shelled us/' "$T/news/news-en.jsonl"
python3 datasets/join.py "$T/news" --standoff "$T/standoff" > "$T/log" 2> "$T/err"
code=$?
expect 1 'join.py refuses a changed sentence' '1 not found in a/b: text differs'

# A writer's notation, and runs shared with other text.
printf '@s headline\na/x kinetic state V=SE | {A:NO:Oslo} <shelled|repaired> the port.\n' > "$T/en-01-1.txt"
python3 datasets/compile.py "$T/en-01-1.txt" > "$T/log" 2> "$T/err"
code=$?
expect 0 'compile.py reads a pair'
check 'of a claim and none' sh -c "grep -c '\"class\": \"none\"' $T/log | grep -qx 1 && grep -q '\"code\": \"NO\"' $T/log"
printf '@s headline\na kinetic nothing | {A:NO:Oslo} shelled the port.\n' > "$T/en-01-1.txt"
python3 datasets/compile.py "$T/en-01-1.txt" > "$T/log" 2> "$T/err"
code=$?
expect 1 'compile.py names a wrong line' 'en-01-1.txt:2'
rows "$T/own" 's/Oslo shelled/Oslo shelled the old harbour of this small town again today and/'
echo '{"text":"In May Oslo shelled the old harbour of this small town again today."}' > "$T/other.jsonl"
python3 datasets/voice.py --own "$T/own" --against "$T/other.jsonl" > "$T/log" 2> "$T/err"
code=$?
expect 1 'voice.py finds a shared run of words'
echo '{"text":"An other thing.","lang":"de"}' > "$T/other.jsonl"
python3 datasets/voice.py --own "$T/own" --against "$T/other.jsonl" > "$T/log" 2> "$T/err"
code=$?
expect 2 'voice.py says when nothing could be compared' 'nothing in it could be compared'
python3 datasets/join.py "$T/nowhere" > "$T/log" 2> "$T/err"
code=$?
expect 2 'join.py without a corpus' 'nowhere: no such file or folder'
python3 datasets/exchange.py count < /dev/null > "$T/log" 2> "$T/err"
code=$?
expect 1 'exchange.py: nothing scored is no success'
check 'agree.py compares two readings' python3 datasets/agree.py
check 'agree.py compares two readings of real sentences' python3 datasets/agree.py --standoff
finish
