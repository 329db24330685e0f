#!/bin/sh
# What a night can hand in: each gives one clear error or a counted reject.
. "$(dirname "$0")/lib.sh"

story='The interior ministry accused Tehran of breaking into its mail servers.'
line() { printf '{"id":"%s","text":"%s"}\n' "$1" "$story"; }

fecit score "$T/missing.txt" -o "$T/o1"
expect 2 'missing file' 'missing\.txt'
check 'missing file makes no output' test ! -e "$T/o1"

mkdir "$T/empty_folder"
fecit score "$T/empty_folder" -o "$T/o2"
expect 2 'folder without text' 'empty_folder'

: > "$T/empty.txt"
fecit score "$T/empty.txt" -o "$T/o3"
expect 2 'empty file alone' 'no document'
check 'empty file is listed' grep -q 'empty' "$T/o3/rejects.jsonl"

head -c 5000 /dev/zero > "$T/zeros.txt"
line a > "$T/good.jsonl"
fecit score "$T/zeros.txt" "$T/good.jsonl" -o "$T/o4"
expect 0 'binary file beside a good one'
check 'binary file is listed' grep -q 'zeros.txt' "$T/o4/rejects.jsonl"
check 'one reject counted' test "$(field "$T/o4/run.json" rejects)" = 1

{ line a; echo 'not json'; line b; echo '{"id":"c"}'; echo '{"id":"d","text":7}'
  echo '[1,2]'; line e; } > "$T/mixed.jsonl"
fecit score "$T/mixed.jsonl" -o "$T/o5"
expect 0 'bad lines among good ones'
check 'three documents' test "$(field "$T/o5/run.json" documents)" = 3
check 'four rejects' test "$(wc -l < "$T/o5/rejects.jsonl")" = 4
check 'line numbers' grep -q '"line": *2' "$T/o5/rejects.jsonl"
fecit score "$T/mixed.jsonl" -o "$T/o6" --max-rejects 2
expect 2 'more rejects than allowed' 'max-rejects'
fecit score "$T/mixed.jsonl" -o "$T/o6b" --max-rejects 4
expect 0 'as many rejects as allowed'

printf '{"id":"x","text":"Caf\351 news. %s"}\n' "$story" > "$T/latin.jsonl"
printf 'Broken \377\376 bytes. %s\n' "$story" > "$T/broken.txt"
fecit score "$T/latin.jsonl" "$T/broken.txt" -o "$T/o7"
expect 0 'invalid UTF-8 is repaired'
check 'repairs are counted' test "$(field "$T/o7/run.json" repaired)" = 3

printf '{"id":"n","text":"Nul \\u0000 here. %s"}\n' "$story" > "$T/nul.jsonl"
fecit score "$T/nul.jsonl" -o "$T/o8"
expect 0 'NUL in a string'
check 'NUL counted' test "$(field "$T/o8/run.json" repaired)" = 1

{ printf '{"id":"long","text":"'
  yes "$story" | head -c 50000000 | tr '\n' ' '
  printf '"}\n'; line after; } > "$T/long.jsonl"
fecit score "$T/long.jsonl" -o "$T/o9"
expect 0 'a 50 MB line'
check 'the line and the one after it' test "$(field "$T/o9/run.json" documents)" = 2
yes "$story" | head -c 50000000 | tr '\n' ' ' > "$T/long.txt"
fecit score "$T/long.txt" -o "$T/o9b"
expect 0 'a 50 MB plain text of one line'
rm -rf "$T/long.jsonl" "$T/long.txt" "$T/o9" "$T/o9b"

fecit score "$T/good.jsonl" -o "$T/o4"
expect 4 'finished output is not overwritten' '--force'
before=$(cksum "$T"/o4/*)
fecit score "$T/missing.jsonl" -o "$T/o4" --force
expect 2 'force with bad input'
check 'earlier results intact' test "$before" = "$(cksum "$T"/o4/*)"
fecit score "$T/good.jsonl" -o "$T/o4" --force
expect 0 'force replaces'
fecit verify "$T/o4"
expect 0 'replaced output verifies'

mkdir "$T/foreign"
echo 'my thesis' > "$T/foreign/thesis.txt"
fecit score "$T/good.jsonl" -o "$T/foreign" --force
expect 4 'a folder with other files is refused' 'foreign'
echo x > "$T/file"
fecit score "$T/good.jsonl" -o "$T/file"
expect 4 'output is a file' 'file'
fecit score "$T/good.jsonl" -o /proc/fecit-no-such-place
expect 4 'unwritable output place' '/proc/fecit-no-such-place'
fecit score "$T/good.jsonl"
expect 1 'no output named' '-o'
fecit score -o "$T/o10"
expect 1 'no input named'
fecit score "$T/good.jsonl" -o "$T/o10" --colour blue
expect 1 'unknown option'
fecit score "$T/good.jsonl" -o "$T/o10" --threads many
expect 1 'threads is no number'
fecit score "$T/good.jsonl" -o "$T/o10" --recall 1.5
expect 1 'recall out of range'
fecit score "$T/good.jsonl" -o "$T/o10" --no-sieve
expect 0 'without the sieve'
check 'nothing was sieved' grep -q '"sieve": {"sentences": 0,' "$T/o10/run.json"
fecit nonsense
expect 1 'unknown command' 'nonsense'

# A full disk: a tmpfs when we may mount one, else a limit on file sizes.
yes "$(line z)" | head -n 30000 > "$T/many.jsonl"
(ulimit -f 64; trap '' XFSZ; "$FECIT" score "$T/many.jsonl" --all -o "$T/full") > "$T/log" 2> "$T/err" < /dev/null
code=$?
expect 4 'output place is full' 'full'
check 'full: nothing looks finished' test ! -e "$T/full/statements-00000.msgpack"
fecit score "$T/many.jsonl" --all -o "$T/full"
expect 0 'same command after making room'
finish
