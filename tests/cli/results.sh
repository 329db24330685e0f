#!/bin/sh
# The bundled sample: the same bytes for any thread and batch size, damage is found.
. "$(dirname "$0")/lib.sh"

fecit score datasets/sample --all -o "$T/a"
expect 0 'score the sample'
check 'complete' test "$(field "$T/a/run.json" complete)" = true
check '12 documents' test "$(field "$T/a/run.json" documents)" = 12
i=0
for options in '--threads 1' '--threads 7' '--batch 1' '--batch 3 --threads 3' '--batch 100000'; do
    i=$((i + 1))
    # shellcheck disable=SC2086
    fecit score datasets/sample --all -o "$T/b$i" $options
    expect 0 "score with $options"
    for f in documents sentences statements; do
        check "$f: same bytes with $options" cmp "$T/a/$f-00000.msgpack" "$T/b$i/$f-00000.msgpack"
    done
done
fecit verify "$T/a" "$T/b1"
expect 0 'verify'
cp -r "$T/a" "$T/flip"
printf '\001' | dd of="$T/flip/sentences-00000.msgpack" bs=1 seek=700 conv=notrunc 2> /dev/null
fecit verify "$T/flip"
expect 2 'a flipped byte' 'sentences-00000'
cp -r "$T/a" "$T/cut"
truncate -s -9 "$T/cut/documents-00000.msgpack"
fecit verify "$T/cut"
expect 2 'a cut tail' 'documents-00000'
rm "$T/cut/statements-00000.msgpack"
fecit verify "$T/cut"
expect 2 'a missing file' 'statements-00000'
fecit verify "$T/nowhere"
expect 2 'no such results'

fecit show "$T/a"
expect 0 'show'
check 'show prints rows' test -s "$T/log"
fecit show "$T/a" --json --lang ar
expect 0 'show --json'
fecit show "$T/cut"
expect 2 'show of damaged results'

# --sentences: one row for each record, under the caller's id, in order
{ echo '{"id":"s-1","text":"Rain fell. Then the sun came out."}'
  echo '{"id":2,"text":""}'
  echo '{"id":"s-3","text":"  \u0633\u0644\u0627\u0645  "}'; } > "$T/s.jsonl"
fecit score "$T/s.jsonl" --sentences --all -o "$T/s"
expect 0 'sentences'
check 'a row for each record' test "$(field "$T/s/run.json" sentences)" = 3
"$FECIT" score - --format jsonl --sentences --all -o "$T/stdin" < "$T/s.jsonl" > "$T/log" 2> "$T/err"
code=$?
expect 0 'sentences on stdin'
check 'stdin gives the same rows' cmp "$T/s/sentences-00000.msgpack" "$T/stdin/sentences-00000.msgpack"
fecit score "$T/s.jsonl" --min-p 1 -o "$T/none"
expect 0 'nothing found is no failure'
check 'no statement' test "$(field "$T/none/run.json" statements)" = 0

# A signal: exit 75, nothing looks finished, the same command then finishes.
mkfifo "$T/pipe"
"$FECIT" score "$T/pipe" --format jsonl -o "$T/sig" > "$T/log" 2> "$T/err" < /dev/null &
pid=$!
exec 3> "$T/pipe"
echo '{"id":"a","text":"The ministry blamed Oslo."}' >&3
sleep 1
kill -TERM $pid
sleep 1
exec 3>&-
wait $pid
code=$?
expect 75 'SIGTERM'
check 'stopped run is not complete' test "$(field "$T/sig/run.json" complete)" = false
fecit verify "$T/sig"
expect 2 'verify of a stopped run' 'not finished|unfinished|incomplete'
fecit score datasets/sample -o "$T/sig"
expect 0 'the place can be used again'

for c in score show eval train verify devices doctor; do
    fecit $c --help
    expect 0 "$c --help"
    check "$c --help is on stdout" test -s "$T/log"
done
finish
