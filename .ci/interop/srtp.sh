#!/usr/bin/env bash
# SRTP and SRTCP with libsrtp2: each suite, with and without a master key identifier, both ways, over several wraps of
# the sequence numbers, with a tenth of the packets lost and the others out of order. What one end protects without RTCP
# is octet for octet what the other does.
source "$(dirname "$0")/../lib.sh" "$1"

if ! pkg-config --exists libsrtp2 || ! command -v cc >/dev/null; then
    bash .ci/apt.sh gcc libc6-dev libsrtp2-dev pkg-config
fi
cargo build --quiet --release --locked -p trunkline-rtp-core --features srtp --example srtp_records
ours=$bin/examples/srtp_records
# Beside ours: where temporary files are, programs may not be allowed to run.
theirs=$bin/examples/libsrtp
# shellcheck disable=SC2046
cc -O2 -Wall -Wextra -Werror -o "$theirs" .ci/interop/srtp/libsrtp.c $(pkg-config --cflags --libs libsrtp2)

# check SUITE PLAIN EXPECTED [MKI]: both ways.
check() {
    local suite=$1 plain=$2 expected=$3 mki=${4:-} way from to
    for way in "$ours $theirs" "$theirs $ours"; do
        read -r from to <<<"$way"
        # shellcheck disable=SC2086
        "$from" protect "$suite" $mki <"$plain" | "$ours" disturb | "$to" unprotect "$suite" $mki >"$work/srtp-heard"
        cmp "$expected" "$work/srtp-heard" || fail "$suite $mki: $(basename "$from") to $(basename "$to")"
    done
}

packets=200000
"$ours" generate "$packets" >"$work/srtp-long"
"$ours" disturb <"$work/srtp-long" >"$work/srtp-long-expected"
for kind in generate generate-rtp; do
    "$ours" "$kind" 20000 >"$work/srtp-$kind"
    "$ours" disturb <"$work/srtp-$kind" >"$work/srtp-$kind-expected"
done
for suite in AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32 AES_256_CM_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 \
    AEAD_AES_128_GCM AEAD_AES_256_GCM; do
    check "$suite" "$work/srtp-long" "$work/srtp-long-expected"
    # libsrtp2 looks for the identifier of RTCP behind a tag of RTP's length, which is another one here.
    kind=generate
    [[ $suite != *_32 ]] || kind=generate-rtp
    check "$suite" "$work/srtp-$kind" "$work/srtp-$kind-expected" 200
    for mki in "" 200; do
        for end in "$ours" "$theirs"; do
            # shellcheck disable=SC2086
            "$end" protect "$suite" $mki <"$work/srtp-generate-rtp" >"$work/srtp-by-$(basename "$end")"
        done
        cmp "$work/srtp-by-srtp_records" "$work/srtp-by-libsrtp" || fail "$suite $mki: not the same octets"
    done
    echo "$suite: $packets packets each way, and the same octets"
done
