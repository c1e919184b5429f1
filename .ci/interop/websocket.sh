#!/usr/bin/env bash
# A WebSocket client that others wrote (Python's standard library) registers over WebSocket.
source "$(dirname "$0")/../lib.sh" "$1"
build_sip_examples

mapfile -t port < <(free_ports 1)
log=$work/registrar.txt
"$examples/registrar" "127.0.0.1:${port[0]}" 101:one-oh-one >"$log" 2>&1 &
registrar=$!
wait_for "$log" "^WS " "$registrar"
python3 .ci/interop/websocket.py "$(sed -n 's/^WS .*://p' "$log")" 101 one-oh-one
wait_for "$log" '^Registered.*transport: Ws' "$registrar"
