#!/usr/bin/env bash
# What holds unsafe code in packet-ring, under AddressSanitizer (where a nightly toolchain is present) and under
# valgrind: pool, rings, tables, and the tables of pointers that go to the kernel.
source "$(dirname "$0")/../lib.sh" "$1"

target=${CARGO_TARGET_DIR:-$PWD/target}/sanitizers
# Property tests run their cases many times slower here.
export PROPTEST_CASES=16

if [[ $(rustup toolchain list 2>/dev/null) == *nightly* ]]; then
    RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR="$target/address" \
        cargo +nightly test --quiet --locked -p trunkline-packet-ring --features net --lib --tests \
        --target "$(rustc -vV | sed -n 's/^host: //p')" >"$work/address.txt" 2>&1 ||
        { tail -n 60 "$work/address.txt"; fail "AddressSanitizer"; }
    echo "AddressSanitizer: $(grep -c '^test result: ok' "$work/address.txt") test programs without a finding"
else
    echo "skipped: AddressSanitizer needs a nightly toolchain"
fi

command -v valgrind >/dev/null || { echo "skipped: no valgrind"; exit 0; }
# Valgrind knows no io_uring and no AF_PACKET rings, so the sockets are left out; it runs one thread at a time,
# so what waits by turning round is left to the sanitizer.
CARGO_TARGET_DIR="$target/valgrind" cargo test --locked -p trunkline-packet-ring --lib --tests --no-run \
    --message-format=json 2>"$work/valgrind-build.txt" |
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("profile", {}).get("test") and message.get("executable"):
        print(message["target"]["name"], message["executable"])' >"$work/programs.txt" ||
    { cat "$work/valgrind-build.txt"; fail "the test programs"; }
while read -r name program; do
    case $name in
    *_threads | batch_io) continue ;;
    esac
    valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
        --fair-sched=yes "$program" --quiet --test-threads=1 \
        --skip a_million_random_operations --skip thousands_in_and_out --skip a_flood_of_addresses \
        --skip buffers_return_from_other_threads --skip a_thread_for_each_stage \
        >"$work/valgrind-$name.txt" 2>&1 || { tail -n 60 "$work/valgrind-$name.txt"; fail "valgrind: $name"; }
    echo "valgrind: $name without a finding"
done <"$work/programs.txt"
