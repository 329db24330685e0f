#!/bin/sh
# Run the tests and end with "N passed, N failed". Arguments name kinds (unit kernels cli
# rooms golden); none means all. Needs BUILD, the folder with the built tests.
# A test program speaks TAP: "ok ..." and "not ok ...", "# SKIP" counts as skipped.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}"
kinds=${*:-unit kernels cli rooms}
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
FECIT_CACHE=$(mktemp -d)
export FECIT_CACHE
trap 'rm -rf "$out" "$FECIT_CACHE"' EXIT

run_one() { # label, command...
    label=$1
    shift
    "$@" > "$out" 2>&1 < /dev/null
    code=$?
    # grep -c prints 0 and fails when there is none
    ok=$(grep -cE '^ok' "$out")
    skip=$(grep -cE '^(not )?ok.*# SKIP' "$out") # cmocka writes "not ok ... # SKIP"
    bad=$(grep -E '^not ok' "$out" | grep -cv '# SKIP')
    if [ $code -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ $code -eq 0 ] && [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then
        echo "$label ran no test"
        bad=1
    fi
    passed=$((passed + $(grep -E '^ok' "$out" | grep -cv '# SKIP')))
    skipped=$((skipped + skip))
    failed=$((failed + bad))
    if [ "$bad" -gt 0 ]; then
        echo "FAILED $label (exit $code)"
        grep -v '^ok' "$out" | tail -n 40
    else
        echo "  $label: $ok"
    fi
}

for kind in $kinds; do
    case $kind in
    unit | kernels)
        for t in "$BUILD"/tests/$kind/test_*; do
            [ -x "$t" ] && [ -f "$t" ] && case $t in *.d) ;; *) run_one "$kind/${t##*/}" "$t" ;; esac
        done
        ;;
    cli)
        for t in tests/cli/*.sh; do
            [ "${t##*/}" = lib.sh ] || run_one "cli/${t##*/}" sh "$t"
        done
        ;;
    rooms) run_one rooms sh -c 'sh tests/rooms.sh && echo "ok - rooms"' ;;
    esac
done
[ $skipped -eq 0 ] && tail='' || tail=", $skipped skipped"
echo "$passed passed, $failed failed$tail"
[ $failed -eq 0 ]
