#!/usr/bin/env bash
# The commands of examples/dtmf/README.md, and speech that holds no digit.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/dtmf" encode '0123456789*#ABCD' "$work/keys.wav"
"$bin/dtmf" decode "$work/keys.wav" >"$work/keys.txt"
[ "$(cut -d' ' -f3 "$work/keys.txt" | tr -d '\n')" = '0123456789*#ABCD' ] || fail "$(cat "$work/keys.txt")"
"$bin/dtmf" encode --tone 40 --pause 40 5551234 "$work/short.wav"
[ "$("$bin/dtmf" decode "$work/short.wav" | cut -d' ' -f3 | tr -d '\n')" = 5551234 ] || fail "short tones"

# A call with two sides: the keys on the second.
python3 - "$work/keys.wav" "$work/call.wav" <<'PY'
import sys, wave
with wave.open(sys.argv[1]) as keys, wave.open(sys.argv[2], "w") as call:
    call.setparams((2, 2, 8000, 0, "NONE", "not compressed"))
    audio = keys.readframes(keys.getnframes())
    call.writeframes(b"".join(b"\0\0" + audio[n : n + 2] for n in range(0, len(audio), 2)))
PY
"$bin/dtmf" decode --channel 2 "$work/call.wav" | cmp - "$work/keys.txt" || fail "the second side of a call"
[ -z "$("$bin/dtmf" decode --channel 1 "$work/call.wav")" ] || fail "digits in silence"

python3 .ci/interop/wav.py make "$work/talk.wav" 60
[ -z "$("$bin/dtmf" decode "$work/talk.wav")" ] || fail "digits in speech"
