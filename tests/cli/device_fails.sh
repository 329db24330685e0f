#!/bin/sh
# A device that fails in mid-run, at whichever call: either the run goes on and its results are
# those of an undisturbed run, or it ends with exit 3, the call's name and nothing that looks
# finished; the same command then does it.
. "$(dirname "$0")/lib.sh"
LIB=${BUILD:-build}/tests/failing_opencl.so

i=0
while [ $i -lt 40 ]; do
    printf '{"id":"d%d","text":"The ministry blamed Oslo for the fire number %d. ' $i $i
    printf 'Rain is expected on day %d. Hackers of the service broke into the mail %d times."}\n' $i $i
    i=$((i + 1))
done > "$T/in.jsonl"
score() { # OUT environment...: score with some of the environment set
    out=$1
    shift
    env "$@" LD_PRELOAD="$LIB" "$FECIT" score "$T/in.jsonl" --all --batch 16 -o "$out" \
        > "$T/log" 2> "$T/err" < /dev/null
    code=$?
}
sums() { for f in documents statements sentences; do cksum < "$1/$f-00000.msgpack"; done; }

score "$T/whole" FAIL_COUNT="$T/calls"
expect 0 'undisturbed, behind the counting library'
calls=$(cat "$T/calls")
check 'calls were counted' test "$calls" -gt 30
sums "$T/whole" > "$T/want"

wrong=0 silent=0 recovered=0 refused=0
for part in 1 2 10 30 50 60 70 80 85 90 95 98 99; do
    at=$((calls * part / 100 + 1))
    for failure in -5 -36; do # out of resources; an invalid queue
        rm -rf "$T/out"
        score "$T/out" FAIL_AT=$at FAIL_CODE=$failure
        case $code in
        0)
            recovered=$((recovered + 1))
            sums "$T/out" | cmp -s - "$T/want" || wrong=$((wrong + 1))
            ;;
        3)
            refused=$((refused + 1))
            grep -qE 'cl(CreateBuffer|Enqueue[A-Za-z]*|WaitForEvents) answered' "$T/err" || silent=$((silent + 1))
            if [ -e "$T/out/run.json" ] && ! grep -q '"complete": false' "$T/out/run.json"; then
                wrong=$((wrong + 1))
            fi
            fecit score "$T/in.jsonl" --all --batch 16 -o "$T/out"
            { [ "$code" = 0 ] && sums "$T/out" | cmp -s - "$T/want"; } || wrong=$((wrong + 1))
            ;;
        *) wrong=$((wrong + 1)) ;;
        esac
    done
done
check 'no lost or changed row, nothing half looks finished' test $wrong = 0
check 'every refusal names the call' test $silent = 0
check 'some runs went on' test $recovered -gt 0
check 'some were refused' test $refused -gt 0

score "$T/gone" FAIL_AT=$((calls * 70 / 100)) FAIL_ALL=1
expect 3 'a device that is gone for good' 'answered'
check 'and nothing looks finished' sh -c "! grep -q '\"complete\": true' '$T/gone/run.json'"
finish
