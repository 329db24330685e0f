#!/bin/sh
# The room rules of the house that grep can check. Silent when all hold.
cd "$(dirname "$0")/.." || exit 1
bad=0

only() { # pattern, files allowed (egrep on the path after host/), what it is
    hits=$(grep -rnE --include='*.[ch]' --include='*.cc' "$1" host |
        grep -vE '^[^:]*:[0-9]*: *(/\*| \*|//)' | grep -vE "^host/($2)" || true)
    [ -z "$hits" ] && return
    printf '%s outside its room:\n%s\n' "$3" "$hits"
    bad=1
}
size() { # folder, pattern, most lines, what
    for f in $(find "$1" -name "$2"); do
        n=$(wc -l < "$f")
        [ "$n" -le "$3" ] || { printf '%s: %s lines, at most %s for %s\n' "$f" "$n" "$3" "$4"; bad=1; }
    done
}

only '\bcl(Create|Enqueue|Set|Get|Release|Retain|Build|Finish|Flush|Wait)[A-Z]' \
    'device|program|ops_cl|batch|train/ops_back_cl' 'OpenCL'
only '\b(ubrk|utext|unorm2|ucnv|ucsdet|ucol)_[a-zA-Z0-9]+\(' 'text|segment|clean' 'ICU'
only '\b(printf|vprintf|puts|putchar|perror|exit|_exit|abort)\(|\bstd(out|err)\b' \
    'cli/' 'talking to the user'
only '\b(malloc|calloc|realloc|strdup|strndup|free)\(' 'base/mem' 'raw allocation'
only '\bmsgpack_' 'results|records|verify' 'msgpack'
only '\bsimdjson' 'base/json' 'simdjson'
only '#include "(\.\./)?train/' 'train/|cli/' 'training'

# A station knows only those above it: the order is the Makefile's STATIONS line.
order=$(sed -n '/^STATIONS :=/,/[^\\]$/p' Makefile | tr -d '\\' | sed 's/STATIONS :=//')
seen=' '
for s in $order; do
    for f in host/$s.c host/$s.cc host/$s.h; do
        [ -f "$f" ] || continue
        for i in $(sed -n 's/^#include "\([a-z_]*\)\.h"$/\1/p' "$f"); do
            [ "$i" = fecit ] || [ "$i" = "$s" ] && continue
            case " $order " in *" $i "*) ;; *) [ -f "host/$i.c" ] || continue ;; esac
            case "$seen" in
            *" $i "*) ;;
            *) printf '%s includes %s.h, a station below it\n' "$f" "$i"; bad=1 ;;
            esac
        done
    done
    seen="$seen$s "
done

size host '*.c' 600 'a host file'
size kernels '*.cl' 300 'a kernel file'
grep -rnE '/(work|home|root|tmp)/[a-z]' --include='*' host kernels models datasets docs README.md Makefile 2>/dev/null |
    grep -vE 'Binary|\.safetensors' && { echo 'machine paths in the tree'; bad=1; }
exit $bad
