#!/usr/bin/env bash
# rtp-doctor over a capture that is written here: one way, a tenth lost.
source "$(dirname "$0")/../lib.sh" "$1"

python3 - "$work/call.pcap" <<'PY'
import struct, sys
with open(sys.argv[1], "wb") as capture:
    # pcap of raw IP.
    capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for n in range(500):
        if n % 10 == 9:
            continue
        rtp = struct.pack(">BBHII", 0x80, 8, n, 160 * n, 7) + b"\xd5" * 160
        udp = struct.pack(">HHHH", 4000, 5000, 8 + len(rtp), 0) + rtp
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])) + udp
        capture.write(struct.pack("<IIII", n // 50, n % 50 * 20000, len(ip), len(ip)) + ip)
PY
status=0
"$bin/rtp-doctor" "$work/call.pcap" >"$work/doctor.txt" || status=$?
[ "$status" = 1 ] || fail "status $status"
grep -q '^! one-way' "$work/doctor.txt" || fail "one-way was not seen"
grep -q '^! loss: 9.. %\|^! loss: 10.. %' "$work/doctor.txt" || fail "the loss was not seen"
status=0
"$bin/rtp-doctor" --json "$work/call.pcap" >"$work/doctor.json" || status=$?
[ "$status" = 1 ] || fail "status $status with --json"
python3 -c 'import json, sys; streams = json.load(sys.stdin)["streams"]; assert streams[0]["packets"] == 449, streams' \
    <"$work/doctor.json"
tail -n 1 "$work/doctor.txt"
