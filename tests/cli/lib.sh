# lib.sh -- for whole-program cases: sourced, not run. Each case prints TAP lines.
cd "$(dirname "$0")/../.." || exit 1
FECIT=${FECIT:-$PWD/fecit}
MODELS=$PWD/models
export FECIT_MODEL="$MODELS"
unset NO_COLOR
T=$(mktemp -d)
trap 'chmod -R u+w "$T" 2> /dev/null; rm -rf "$T"' EXIT
n=0 bad=0

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() {
    n=$((n + 1)) bad=1
    echo "not ok $n - $1"
    shift
    printf '# %s\n' "$@"
}
# expect CODE NAME [PATTERN]: `code`, $T/err and $T/log come from the last `fecit` call.
expect() {
    if [ "$code" != "$1" ]; then
        not_ok "$2" "exit $code, expected $1" "$(tail -n 3 "$T/err")"
    elif [ -n "${3:-}" ] && ! grep -qE -- "$3" "$T/err"; then
        not_ok "$2" "stderr lacks: $3" "$(tail -n 3 "$T/err")"
    else
        ok "$2"
    fi
}
fecit() {
    "$FECIT" "$@" > "$T/log" 2> "$T/err" < /dev/null
    code=$?
}
check() { # NAME command...: true or false
    name=$1
    shift
    if "$@" > "$T/check" 2>&1; then ok "$name"; else not_ok "$name" "$(tail -n 3 "$T/check")"; fi
}
# field FILE KEY: a value of run.json; among the counts when it is there, else the first.
field() {
    { grep '"counts"' "$1"; cat "$1"; } | tr ',{' '\n\n' |
        sed -n "s/.*\"$2\": *\"\{0,1\}\([^\"}]*\).*/\1/p" | head -n 1
}
finish() {
    echo "1..$n"
    exit $bad
}
