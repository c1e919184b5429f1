#!/usr/bin/env bash
# The commands of examples/office-pbx/README.md, as its reader runs them.
source "$(dirname "$0")/../lib.sh" "$1"
pbx_command=$(cd "$(dirname "$bin")" && pwd)/release/office-pbx

"$pbx_command" --help >"$work/help.txt"
grep -q -- --print-config "$work/help.txt" || fail "--help"
[[ $("$pbx_command" --version) == *office-pbx* ]] || fail "--version"
"$pbx_command" --print-config >"$work/printed.toml"
grep -q '^\[\[extension\]\]' "$work/printed.toml" || fail "--print-config"

# A mistake names file, line and key.
printf '[calls]\nring_seconds = "soon"\n' >"$work/wrong.toml"
if "$pbx_command" --config "$work/wrong.toml" --data "$work/wrong" 2>"$work/wrong.txt"; then
    fail "a wrong configuration was taken"
fi
grep -q "wrong.toml:2: ring_seconds" "$work/wrong.txt" || fail "$(cat "$work/wrong.txt")"

# A port in use is said plainly.
mapfile -t port < <(free_ports 1)
printf '[listen]\nudp = ["127.0.0.1:%s"]\ntcp = ["127.0.0.1:%s"]\n' "${port[0]}" "${port[0]}" >"$work/port.toml"
start_pbx port --config "$work/port.toml" --data "$work/port"
timeout "$patience" "$pbx_command" --config "$work/port.toml" --data "$work/port2" 2>"$work/inuse.txt" &&
    fail "a port in use was taken"
grep -q "another program uses this port" "$work/inuse.txt" || fail "$(cat "$work/inuse.txt")"
stop_pbx
echo "help, version, configuration, mistakes and a port in use are as the README says"

# Metrics, bans and captures.
mapfile -t port < <(free_ports 2)
cat >"$work/watch.toml" <<TOML
[listen]
udp = ["127.0.0.1:${port[0]}"]
tcp = ["127.0.0.1:${port[0]}"]
[guard]
trusted = []
ban_failures = 2
[watch]
http = "127.0.0.1:${port[1]}"
kept_messages_kib = 256
[[extension]]
number = "101"
password = "one-oh-one"
[[service]]
number = "600"
kind = "echo"
TOML
start_pbx watch --config "$work/watch.toml" --data "$work/watch"
"$bin/softphone" call 600 --server "127.0.0.1:${port[0]}" --user 101 --password one-oh-one --seconds 1 \
    >"$work/watch-call.txt" 2>&1 || { cat "$work/watch-call.txt"; fail "the call"; }
for guess in one two; do
    "$bin/softphone" register --server "127.0.0.1:${port[0]}" --user 101 --password "$guess" \
        >/dev/null 2>&1 && fail "a guess was right"
done
wait_for "$log" 'banned source=127.0.0.1' "$pbx"
python3 - "${port[1]}" "$work/watch/office-pbx.sqlite" "$patience" <<'PY' || fail "what is shown over HTTP"
import sqlite3, sys, time, urllib.error, urllib.request
patience = int(sys.argv[3])
def soon(what):
    """What is true in the end: the call has ended for the phone before it has for the books."""
    deadline = time.monotonic() + patience
    while not (it := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return it
def ask(path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}{path}", method=method)
    with urllib.request.urlopen(request, timeout=patience) as answer:
        return answer.status, answer.read()
def metrics():
    return ask("/metrics")[1].decode().splitlines()
for line in ["pbx_calls_answered_total 1", "pbx_bans_total 1", "pbx_credentials_refused_total 2", "pbx_calls 0"]:
    assert soon(lambda: line in metrics()), f"{line} in {metrics()}"
assert ask("/bans")[1].startswith(b"127.0.0.1\twrong credentials\t"), "the ban"
assert ask("/bans/127.0.0.1", "DELETE")[0] == 204 and ask("/bans")[1] == b"", "lifted"
database = sqlite3.connect(sys.argv[2], timeout=patience)
record = soon(lambda: database.execute("SELECT sip_call_id FROM record").fetchone())
assert record, "the call's record"
call_id = record[0]
capture = ask(f"/pcap/{call_id}")[1]
assert capture[:4] == b"\xd4\xc3\xb2\xa1" and capture.count(b"INVITE sip:600@") >= 1, "the capture"
try:
    ask("/pcap/nobody")
    raise AssertionError("a capture of nothing")
except urllib.error.HTTPError as error:
    assert error.code == 404
PY
stop_pbx
echo "metrics, bans and a capture are shown"
