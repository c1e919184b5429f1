#!/usr/bin/env bash
# The commands of examples/packet-switch/README.md: a switch between two namespaces.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/packet-switch" --help >"$work/packet-switch.txt" || fail "--help"
tag=sw$$
if ! ip netns add "${tag}s" 2>/dev/null; then
    echo "skipped: no network namespaces here (root and iproute2 are needed)"
    exit 0
fi
trap 'cleanup; for n in s a b; do ip netns del "$tag$n" 2>/dev/null || true; done' EXIT
for n in a b; do
    ip netns add "$tag$n"
    ip -n "${tag}s" link add "v$n" type veth peer name e0 netns "$tag$n"
    ip -n "${tag}s" link set "v$n" up
    ip -n "$tag$n" link set e0 up
done
ip -n "${tag}a" addr add 10.1.0.1/24 dev e0
ip -n "${tag}b" addr add 10.1.0.2/24 dev e0
ip netns exec "${tag}s" "$bin/packet-switch" --bridge va,vb --pcap "$work/seen.pcap" \
    >"$work/packet-switch.log" 2>&1 &
pids+=("$!")
wait_for "$work/packet-switch.log" "Ctrl-C stops it"
ip netns exec "${tag}b" python3 -c '
import socket
s = socket.create_server(("10.1.0.2", 7000))
c, _ = s.accept()
n = 0
while b := c.recv(65536): n += len(b)
print(n, "bytes came through the switch")
assert n == 2_000_000' >"$work/sink.txt" &
sink=$!
ip netns exec "${tag}a" python3 -c '
import socket, time
for _ in range(100):
    try:
        s = socket.create_connection(("10.1.0.2", 7000), timeout=10)
        break
    except OSError: time.sleep(0.1)
s.sendall(bytes(2_000_000))'
wait "$sink" || fail "the stream"
cat "$work/sink.txt"
wait_for "$work/packet-switch.log" "stations 2"
[ -s "$work/seen.pcap" ] || fail "no capture"
