#!/bin/sh
# fecit bench: refuses what it cannot read; a broken tune.conf stops every command that scores.
. "$(dirname "$0")/lib.sh"

fecit bench --help
expect 0 'help'
check 'tells of --tune' grep -q -- --tune "$T/log"
fecit bench fast
expect 1 'an argument'
fecit bench --device nosuch
expect 3 'no such device'

name=$("$FECIT" devices | sed -n 's/^ *0  //p')
driver=$("$FECIT" devices | sed -n 's/.*, driver //p' | head -n 1)
echo "$name | $driver: panel_rows=5" > "$T/tune.conf"
FECIT_TUNE=$T/tune.conf
export FECIT_TUNE
fecit explain --device 0 'The minister blamed Norway.'
expect 3 'a tune.conf that says what cannot be'
check 'names the line' grep -q 'tune.conf, line 1' "$T/err"
check 'and the way out' grep -q 'bench --tune' "$T/err"
echo "$name | $driver: panel_rows=4" > "$T/tune.conf"
fecit explain --device 0 'The minister blamed Norway.'
expect 0 'one that can be'
cp "$T/log" "$T/cut"
rm "$T/tune.conf"
fecit explain --device 0 'The minister blamed Norway.'
expect 0 'none'
check 'says the same' cmp -s "$T/log" "$T/cut"

finish
