#!/usr/bin/env bash
# The commands of examples/rtp-relay/README.md: a flow from a file, another from the control socket.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 5)
cat >"$work/flows.toml" <<TOML
[[flow]]
left = { local = "127.0.0.1:${port[0]}", peer = "127.0.0.1:${port[1]}" }
right = { local = "127.0.0.1:${port[2]}", peer = "127.0.0.1:${port[3]}" }
TOML
"$bin/rtp-relay" --flows "$work/flows.toml" --control "127.0.0.1:${port[4]}" --report 1 \
    >"$work/rtp-relay.log" 2>&1 &
wait_for "$work/rtp-relay.log" "Ctrl-C stops it" "$!"
python3 - "${port[@]}" "$patience" <<'PY'
import socket, sys, time
left_local, left, right_local, right, control, patience = map(int, sys.argv[1:])
def bound(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(patience)
    s.bind(("127.0.0.1", port))
    return s
a, b, c = bound(left), bound(right), bound(0)
for n in range(100):
    a.sendto(bytes([n]) * 172, ("127.0.0.1", left_local))
    assert b.recvfrom(2000) == (bytes([n]) * 172, ("127.0.0.1", right_local))
# A packet is counted when it has been sent, which is after it has come.
deadline = time.monotonic() + patience
while True:
    c.sendto(b"stats", ("127.0.0.1", control))
    stats = c.recv(2000).decode()
    if "sent 100" in stats or time.monotonic() > deadline:
        break
    time.sleep(0.1)
assert "flows 1 " in stats and "sent 100" in stats, stats
print(stats)
PY
