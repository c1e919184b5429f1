#!/usr/bin/env bash
# dialplan-tool over the shared cases where they are at hand.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/dialplan-tool" --help >"$work/help.txt"
grep -q explain "$work/help.txt" || fail "--help"
if [ -d "$TRUNKLINE_SHARED/dialplan" ]; then
    "$bin/dialplan-tool" match --cases "$TRUNKLINE_SHARED/dialplan/dialplan_cases.csv" >"$work/match.txt"
    "$bin/dialplan-tool" normalise --cases "$TRUNKLINE_SHARED/dialplan/number_cases.csv" >"$work/numbers.txt"
    "$bin/dialplan-tool" rate --cases "$TRUNKLINE_SHARED/dialplan/rating_cases.csv" >"$work/rates.txt"
    echo "$(cat "$work/match.txt" "$work/numbers.txt" "$work/rates.txt" | wc -l) rows answered"
else
    echo "skipped: no shared dialplan cases"
fi
