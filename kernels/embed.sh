#!/bin/sh
# Print C source that holds each named kernel file: kernels_files[], ended by a NULL name.
# Used by the Makefile; host/program.c declares the table.
set -eu
echo '/* made by kernels/embed.sh */'
n=0
for f in "$@"; do
    printf 'static const unsigned char file_%d[] = {\n' "$n"
    od -An -v -tx1 "$f" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '0};'
    n=$((n + 1))
done
echo 'struct kernel_file { const char *name; const unsigned char *text; };'
echo 'extern const struct kernel_file kernels_files[];'
echo 'const struct kernel_file kernels_files[] = {'
n=0
for f in "$@"; do
    printf '    {"%s", file_%d},\n' "$(basename "$f")" "$n"
    n=$((n + 1))
done
echo '    {0, 0}};'
