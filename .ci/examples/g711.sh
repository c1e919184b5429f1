#!/usr/bin/env bash
# The commands of examples/g711/README.md: to A-law, back, and across.
source "$(dirname "$0")/../lib.sh" "$1"

python3 .ci/interop/wav.py make "$work/speech.wav" 3
"$bin/g711" encode --law a "$work/speech.wav" "$work/speech.al"
"$bin/g711" decode --law a "$work/speech.al" "$work/heard.wav"
"$bin/g711" transcode --law a "$work/speech.al" "$work/speech.ul"
"$bin/g711" decode --law u "$work/speech.ul" "$work/heard-u.wav"
for heard in heard heard-u; do
    python3 .ci/interop/wav.py compare "$work/speech.wav" "$work/$heard.wav" 0.99
done
