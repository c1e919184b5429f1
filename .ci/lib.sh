# Shared by the scripts of .ci/interop and .ci/examples: `source .ci/lib.sh WORKDIR`.
# shellcheck shell=bash
set -euo pipefail

work=$1
bin=${CARGO_TARGET_DIR:-target}/release
pids=()

cleanup() {
    local pid
    for pid in "${pids[@]:-}"; do
        [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    done
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Ports that nobody uses now, one a line: `free_ports 3`. They are even, as RTP likes them, and the next is free for TCP.
free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
held, ports = [], []
while len(ports) < int(sys.argv[1]):
    udp, tcp, after = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(), socket.socket()
    udp.bind(("127.0.0.1", 0))
    port = udp.getsockname()[1]
    held.append(udp)
    try:
        tcp.bind(("127.0.0.1", port))
        after.bind(("127.0.0.1", port + 1))
    except OSError:
        continue
    finally:
        tcp.close()
        after.close()
    if port % 2 == 0:
        ports.append(port)
print("\n".join(map(str, ports)))
PY
}

# wait_for FILE TEXT [SECONDS]: until the text stands in the file.
wait_for() {
    local n
    for ((n = 0; n < ${3:-30} * 10; n++)); do
        if grep -q -- "$2" "$1" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    tail -n 30 "$1" >&2 || true
    fail "'$2' did not appear in $1"
}

# start_pbx NAME ARGUMENTS…: office-pbx in the background, until it listens. Sets $pbx and $log.
start_pbx() {
    log=$work/$1.log
    shift
    "$bin/office-pbx" "$@" >"$log" 2>&1 &
    pbx=$!
    pids+=("$pbx")
    wait_for "$log" "Ctrl-C stops it"
}

stop_pbx() {
    kill -TERM "$pbx"
    wait "$pbx" || fail "office-pbx ended with an error: $(tail -n 3 "$log")"
    wait_for "$log" "entries are durable" 1
}

# query DATABASE SQL: the rows, with | between the columns.
query() {
    python3 - "$1" "$2" <<'PY'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print("|".join("" if value is None else str(value) for value in row))
PY
}
