#!/usr/bin/env bash
# follow-up says what it can do; its processes are tested by `cargo test`.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/follow-up" --help >"$work/follow-up.txt" || fail "--help"
grep -qi "dry" "$work/follow-up.txt" || fail "no dry run: $(cat "$work/follow-up.txt")"
