#!/bin/sh
# fecit show and verify on folders that were made without a model: filters, forms, texts
# that try to take over the terminal, damage.
. "$(dirname "$0")/lib.sh"

tool=${BUILD:-build}/tests/tool_results
$tool "$T/a" sample > /dev/null || echo 'Bail out! tool_results failed'
$tool "$T/h" hostile > /dev/null
rows() { grep -c . "$T/log"; }
is() { check "$1" test "$(rows)" = "$2"; } # NAME LINES

fecit show "$T/a"
expect 0 'show'
is 'a head and three statements' 4
check 'whole texts in a pipe' grep -q 'accused Norway of hacking its mail\.$' "$T/log"
check 'no colour in a pipe' sh -c "! grep -q '$(printf '\033')' '$T/log'"
fecit show "$T/a" --json
is 'three JSON lines' 3
fecit show "$T/a" --json --lang AR
is 'by language' 2
fecit show "$T/a" --json --class denied
is 'by class' 1
fecit show "$T/a" --json --min-p .75
is 'by p' 2
fecit show "$T/a" --json --min-p .75 --lang en
is 'both' 1
fecit show "$T/a" --json --doc a-1
is 'by document' 1
fecit show "$T/a" --json --doc A-1
is 'ids are compared exactly' 0
fecit show "$T/a" --json --limit 2
is 'a limit' 2
fecit show "$T/a" --sort p --json --limit 1
check 'the surest first' grep -q Norway "$T/log"
fecit show "$T/h" --sort p --json --limit 1
check 'the surest, though it comes last' grep -q backslashes "$T/log"
fecit show "$T/a" --count
expect 0 'counts'
is 'head, two languages, all' 4
fecit show "$T/a" --full
expect 0 'full'
check 'full shows all scores' grep -q 'none 0.200 asserted 0.100 hedged 0.600 denied 0.100' "$T/log"
fecit show "$T/a" "$T/h" --json
is 'two folders' 9
fecit show "$T/a" "$T/h"
check 'two folders have heads' grep -q "^== $T/h ==" "$T/log"
fecit show "$T/a" --accused RU
expect 0 'nothing matches' 'codes of states'
fecit show "$T/a" --lang xx
expect 0 'no such language' 'none of 3 statements'

fecit show "$T/h" --full
check 'no control character' sh -c "! tr -d '\n' < '$T/log' | LC_ALL=C grep -q '[[:cntrl:]]'"
check 'no C1 control' sh -c "! LC_ALL=C grep -q '$(printf '\302\233')' '$T/log'"
check 'no bidi override' sh -c "! LC_ALL=C grep -q '$(printf '\342\200\256')' '$T/log'"
fecit show "$T/h" --json
check 'none in JSON either' sh -c "! tr -d '\n' < '$T/log' | LC_ALL=C grep -q '[[:cntrl:]]'"
check 'escaped instead' grep -q 'red \\u001b\[31malert' "$T/log"

fecit show
expect 1 'no folder' 'no result folder'
fecit show "$T/a" --class none
expect 1 'no such class' 'asserted, hedged or denied'
fecit show "$T/a" --sort size
expect 1 'no such order' 'order or p'
fecit show "$T/a" --limit 0
expect 1 'limit 0' 'limit'
fecit show "$T/a" --colour
expect 1 'unknown option' 'show --help'
fecit show "$T/nowhere"
expect 2 'no such folder' 'nowhere'
fecit show "$T/a" "$T/nowhere"
expect 2 'one of two missing' 'nowhere'
check 'then nothing is printed' test ! -s "$T/log"
(cd "$T" && mkdir u && cp a/statements-00000.msgpack u/statements-00000.msgpack.part)
fecit show "$T/u"
expect 2 'unfinished' 'not finished'
"$FECIT" show "$T/a" > /dev/full 2> "$T/err"
code=$?
expect 4 'output is full' 'standard output'
"$FECIT" show "$T/a" 2> "$T/err" | head -n 1 > "$T/log"
check 'a closed pipe is no complaint' test ! -s "$T/err"

fecit verify "$T/a"
expect 0 'verify'
check 'verify counts' grep -q '3 documents, 5 sentences (all written), 3 statements, 2 rejects' "$T/log"
fecit verify -q "$T/a"
check 'quiet' test ! -s "$T/log"
fecit verify "$T/a" "$T/u"
expect 2 'one of two is unfinished' 'u/run.json'
check 'the whole one is named' grep -q "^$T/a: whole" "$T/log"
fecit verify
expect 1 'verify without a folder' 'no result folder'
size=$(wc -c < "$T/a/statements-00000.msgpack")
for at in 5 300 $((size - 3)); do
    cp "$T/a/statements-00000.msgpack" "$T/keep"
    printf '\176' | dd of="$T/a/statements-00000.msgpack" bs=1 seek="$at" conv=notrunc 2> /dev/null
    fecit verify "$T/a"
    expect 2 "damage at byte $at" 'statements-00000'
    fecit show "$T/a" --sort p
    expect 2 "show of it" 'statements-00000.*byte'
    check 'sorted output shows no doubtful row' test ! -s "$T/log"
    mv "$T/keep" "$T/a/statements-00000.msgpack"
done
fecit verify "$T/a"
expect 0 'mended'
finish
