#!/bin/sh
# The data set keeps its own rules, and the bundled sample is what its labels say it is.
. "$(dirname "$0")/lib.sh"

check 'datasets/check.py' python3 datasets/check.py
fecit eval datasets/sample-labels.jsonl
expect 0 'eval on the sample'
check 'eval prints every language' test "$(grep -cE '^(ar|en|ru|zh|fr|es|tr|fa|de|he|ja|pt) ' "$T/log")" = 12
fecit eval datasets/sample-labels.jsonl --json
expect 0 'eval --json'
check 'it is JSON' python3 -m json.tool "$T/log" /dev/null
python3 datasets/exchange.py > "$T/exchange.jsonl"
fecit score "$T/exchange.jsonl" --sentences -o "$T/exchange"
expect 0 'score forty states in five sentences'
"$FECIT" show "$T/exchange" --json > "$T/found.jsonl" 2> /dev/null
check 'no state is guilty by name' sh -c "python3 datasets/exchange.py count < $T/found.jsonl"
echo '{"text":"A.","class":"maybe"}' > "$T/wrong.jsonl"
fecit eval "$T/wrong.jsonl"
expect 2 'labels that are none of the four' 'none, asserted, hedged, denied'
fecit eval "$T/nowhere.jsonl"
expect 2 'no such labels' 'nowhere'
fecit train "$T/nowhere.jsonl" -o "$T/m.safetensors"
expect 2 'train: no such file' 'nowhere'
fecit train datasets/sample-labels.jsonl -o "$T/no/such/place.safetensors" --validation .5 --epochs 1 --seeds 1 -q
expect 4 'train: unwritable place' 'no/such'
fecit train datasets/sample-labels.jsonl -o "$T/attribution.safetensors" --validation .5 --epochs 1 --seeds 1 -q
expect 0 'train on a few sentences'
ln -s "$MODELS/vocabulary.safetensors" "$T/vocabulary.safetensors"
fecit score datasets/sample --model "$T" -o "$T/out"
expect 0 'score with the model just trained'
finish
