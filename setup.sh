#!/bin/sh
# Install the Debian packages that fecit needs: setup.sh build|test|lint|bench ...
# Asks nothing when all are there. Says what it does before it does it.
set -eu

build='g++ make pkg-config libicu-dev ocl-icd-opencl-dev opencl-c-headers pocl-opencl-icd
    libmsgpack-dev libxxhash-dev libsimdjson-dev libcld2-dev'
test='libcmocka-dev python3 python3-msgpack python3-xxhash zstd'
lint='clang clang-format cppcheck'
bench='fasttext python3 python3-msgpack util-linux libopenblas-dev'

want=''
for set_name in "$@"; do
    case $set_name in
    build) want="$want $build" ;;
    test) want="$want $test" ;;
    lint) want="$want $lint" ;;
    bench) want="$want $bench" ;;
    *) echo "setup.sh: unknown set $set_name (build, test, lint, bench)" >&2; exit 1 ;;
    esac
done

if ! command -v dpkg-query > /dev/null; then
    echo "setup.sh: this is no Debian system; install the equivalents of:$want" >&2
    exit 0
fi
missing=''
for package in $want; do
    case " $missing " in *" $package "*) continue ;; esac
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=''
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || {
        echo "setup.sh: run as root: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "setup: installing Debian packages:$missing${as_root:+ (sudo may ask for your password)}"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends \
    $missing; } > "$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup.sh: apt-get failed; its last lines are above, all of them in $log" >&2
    exit 1
fi
rm -f "$log"
