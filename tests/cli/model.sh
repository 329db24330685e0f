#!/bin/sh
# Models that must be refused, devices that are not there: exit 3 and a reason.
. "$(dirname "$0")/lib.sh"

echo '{"id":"a","text":"The ministry blamed Oslo for the fire."}' > "$T/in.jsonl"
try() { fecit score "$T/in.jsonl" --model "$T/m" -o "$T/out"; }

fecit score "$T/in.jsonl" --model "$T/nowhere" -o "$T/out"
expect 3 'missing model folder' 'nowhere'
mkdir "$T/m"
cp models/attribution.safetensors "$T/m/"
try
expect 3 'missing vocabulary' 'vocabulary\.safetensors'
cp models/vocabulary.safetensors "$T/m/"
try
expect 0 'a copied model works'
rm -rf "$T/out"
size=$(wc -c < models/attribution.safetensors)
head -c $((size / 2)) models/attribution.safetensors > "$T/m/attribution.safetensors"
try
expect 3 'truncated model' 'attribution\.safetensors'
: > "$T/m/attribution.safetensors"
try
expect 3 'empty model file' 'attribution\.safetensors'
cp models/attribution.safetensors "$T/m/"
printf '\252\125\252\125' | dd of="$T/m/attribution.safetensors" bs=1 seek=$((size - 5000)) conv=notrunc 2> /dev/null
try
expect 3 'damaged weights' 'attribution\.safetensors|digest|known'
cp models/attribution.safetensors "$T/m/"
vsize=$(wc -c < models/vocabulary.safetensors)
printf '\252\125\252\125' | dd of="$T/m/vocabulary.safetensors" bs=1 seek=$((vsize - 9000000)) conv=notrunc 2> /dev/null
try
expect 3 'a vocabulary that does not belong to the model' 'vocabulary'
check 'no output is made' test ! -e "$T/out"

mkdir "$T/novendors"
OCL_ICD_VENDORS="$T/novendors" "$FECIT" score "$T/in.jsonl" -o "$T/out" > "$T/log" 2> "$T/err" < /dev/null
code=$?
expect 3 'no OpenCL platform' 'pocl-opencl-icd'
OCL_ICD_VENDORS="$T/novendors" "$FECIT" devices > "$T/log" 2> "$T/err" < /dev/null
code=$?
expect 3 'devices says so too' 'pocl-opencl-icd'
fecit score "$T/in.jsonl" --device 'no such thing' -o "$T/out"
expect 3 'unknown device' 'fecit devices'
fecit doctor
expect 0 'doctor on a working machine'
fecit devices
expect 0 'devices lists something'
finish
