#!/usr/bin/env bash
# The commands of examples/workdays/README.md, and the shared cases where they are at hand.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/workdays" info 2026-11 >"$work/workdays.txt"
[ "$("$bin/workdays" add 2026-12-30 3)" = 2027-01-13 ] || fail "add 2026-12-30 3"
"$bin/workdays" count 2026-01-01 2027-01-01 >>"$work/workdays.txt"
"$bin/workdays" norm 2025 >>"$work/workdays.txt"
if [ -d "$TRUNKLINE_SHARED/calendar" ]; then
    for cases in "$TRUNKLINE_SHARED"/calendar/*.csv; do
        "$bin/workdays" --cases "$cases" >"$work/cases.txt" || { head "$work/cases.txt"; fail "$cases"; }
    done
    echo "all shared calendar cases agree"
else
    echo "skipped: no shared calendar cases"
fi
