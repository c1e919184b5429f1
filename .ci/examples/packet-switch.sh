#!/usr/bin/env bash
# The commands of examples/packet-switch/README.md: a switch between two namespaces.
source "$(dirname "$0")/../lib.sh" "$1"

"$bin/packet-switch" --help >"$work/packet-switch.txt" || fail "--help"
tag=sw$$
trap 'cleanup; for n in s a b; do ip netns del "$tag$n" 2>/dev/null || true; done' EXIT
if ! { ip netns add "${tag}s" && ip -n "${tag}s" link add probe type veth peer name other; } 2>"$work/ip.txt"; then
    echo "skipped: no network namespaces or virtual links here (root and iproute2 are needed): $(tail -n 1 "$work/ip.txt")"
    exit 0
fi
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
switch=$!
wait_for "$work/packet-switch.log" "Ctrl-C stops it" "$switch"
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
import socket, sys, time
patience = int(sys.argv[1])
deadline = time.monotonic() + patience
while True:
    try:
        s = socket.create_connection(("10.1.0.2", 7000), timeout=patience)
        break
    except OSError:
        if time.monotonic() > deadline: raise
        time.sleep(0.1)
s.sendall(bytes(2_000_000))' "$patience" || fail "nobody is reached through the switch"
await "$sink" || fail "the stream"
cat "$work/sink.txt"
wait_for "$work/packet-switch.log" "stations 2" "$switch"
[ -s "$work/seen.pcap" ] || fail "no capture"
