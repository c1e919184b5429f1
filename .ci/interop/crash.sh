#!/usr/bin/env bash
# SIGKILL during 50 calls: registrations and finished records are there after a new start, and nothing
# is corrupt.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 3)
cat >"$work/crash.toml" <<TOML
[listen]
udp = ["127.0.0.1:${port[0]}"]
tcp = ["127.0.0.1:${port[0]}"]

[[extension]]
number = "101"
password = "one-oh-one"

[[extension]]
number = "102"
password = "one-oh-two"

[[service]]
number = "600"
kind = "echo"

[[trunk]]
name = "uac"
address = "127.0.0.1:${port[1]}"
TOML
data=$work/crash-data
start_pbx crash-1 --config "$work/crash.toml" --data "$data" --log info
"$bin/softphone" answer --server "127.0.0.1:${port[0]}" --user 102 --password one-oh-two \
    >"$work/crash-phone.txt" 2>&1 &
phone=$!
pids+=("$phone")
wait_for "$log" 'extension="102"'
# Ten calls that end, then fifty that are under way.
timeout 60 sipp -sn uac -s 600 -i 127.0.0.1 -p "${port[1]}" -r 20 -m 10 -nostdin "127.0.0.1:${port[0]}" \
    >"$work/crash-sipp-1.txt" 2>&1 || fail "the ten calls"
wait_for "$log" 'call=10 '
sleep 1
timeout 60 sipp -sn uac -s 600 -i 127.0.0.1 -p "${port[1]}" -r 100 -m 50 -l 50 -d 60000 -nostdin \
    "127.0.0.1:${port[0]}" >"$work/crash-sipp-2.txt" 2>&1 &
sipp=$!
pids+=("$sipp")
wait_for "$log" 'call=60'
kill -9 "$pbx"
wait "$pbx" 2>/dev/null || true
kill -9 "$sipp" 2>/dev/null || true
wait "$sipp" 2>/dev/null || true
start_pbx crash-2 --config "$work/crash.toml" --data "$data" --log info
[ "$(query "$data/office-pbx.sqlite" 'PRAGMA integrity_check')" = ok ] || fail "the database is corrupt"
records=$(query "$data/office-pbx.sqlite" "SELECT count(*) FROM record WHERE status = 200 AND cause = 16")
[ "$records" -ge 10 ] || fail "$records records of ten finished calls"
# 102 did not register again, and is reached all the same.
"$bin/softphone" call 102 --server "127.0.0.1:${port[0]}" --user 101 --password one-oh-one --seconds 2 \
    >"$work/crash-call.txt" 2>&1 || { cat "$work/crash-call.txt"; fail "102 is not reached after the crash"; }
wait "$phone" || fail "the called softphone"
stop_pbx
echo "after SIGKILL: $records records, the registration stands, the database is whole"
