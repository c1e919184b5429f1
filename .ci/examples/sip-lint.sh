#!/usr/bin/env bash
# The commands of examples/sip-lint/README.md, and the shared corpora where they are at hand.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/sip-lint" --help >"$work/help.txt"
grep -q -- --sdp "$work/help.txt" || fail "--help"
printf 'OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nno colon\r\n\r\n' >"$work/broken.sip"
"$bin/sip-lint" "$work/broken.sip" >"$work/broken.txt"
grep -q "a UAS answers 400 Bad Request" "$work/broken.txt" || fail "a broken message"
"$bin/sip-lint" --json - <"$work/broken.sip" >"$work/broken.json"
grep -q '"verdict":"reject"' "$work/broken.json" || fail "standard input"
printf 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n' | "$bin/sip-lint" --sdp --json - >"$work/sdp.json"
if "$bin/sip-lint" "$work/missing.sip" 2>"$work/missing.txt"; then fail "a missing file was judged"; fi
grep -q "missing.sip" "$work/missing.txt" || fail "$(cat "$work/missing.txt")"
if [ -d "$TRUNKLINE_SHARED/corpus" ]; then
    find "$TRUNKLINE_SHARED/corpus" -type f \( -name '*.sip' -o -name '*.dat' \) -print0 |
        sort -z | xargs -0 "$bin/sip-lint" --json >"$work/messages.json"
    "$bin/sip-lint" --json --sdp "$TRUNKLINE_SHARED"/corpus/sdp/*/*.sdp >"$work/sdp.json"
    echo "$(cat "$work/messages.json" "$work/sdp.json" | wc -l) files judged"
else
    echo "skipped: no shared corpora"
fi
