#!/usr/bin/env bash
# The commands of examples/jitter-sim/README.md, and the shared traces with their judge where they are at hand.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/jitter-sim" --generate wifi --seed 7 >"$work/wifi.csv"
"$bin/jitter-sim" --trace "$work/wifi.csv" --tick 20 --plot "$work/wifi.svg" --wav "$work/wifi.wav" >"$work/figures.txt"
grep "MOS" "$work/figures.txt" || fail "no figures"
grep -q "<svg" "$work/wifi.svg" || fail "no plot"
"$bin/jitter-sim" --generate wifi --seed 7 | cmp - "$work/wifi.csv" || fail "a seed gives two traces"
if [ -d "$TRUNKLINE_SHARED/jitter/traces" ]; then
    for trace in "$TRUNKLINE_SHARED"/jitter/traces/*.csv*; do
        "$bin/jitter-sim" --trace "$trace" --log "$work/jitter.log" >"$work/jitter.txt" || fail "$trace"
        grep -q "MOS" "$work/jitter.txt" || fail "$trace: no figures"
    done
else
    echo "skipped: no shared traces"
fi
