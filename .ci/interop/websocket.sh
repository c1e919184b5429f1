#!/usr/bin/env bash
# A WebSocket client that others wrote (Python's standard library) registers over WebSocket.
source "$(dirname "$0")/../lib.sh" "$1"

examples=${EXAMPLES:-}
if [ -z "$examples" ]; then
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
fi
mapfile -t port < <(free_ports 1)
log=$work/websocket-registrar.txt
"$examples/registrar" "127.0.0.1:${port[0]}" 101:one-oh-one >"$log" 2>&1 &
pids+=("$!")
wait_for "$log" "^WS "
timeout 60 python3 "$(dirname "$0")/websocket.py" "$((port[0] + 1))" 101 one-oh-one
wait_for "$log" '^Registered.*transport: Ws' 5
# The connection is closed, and what was registered over it is gone.
