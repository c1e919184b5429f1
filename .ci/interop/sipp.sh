#!/usr/bin/env bash
# SIPp's stock scenarios over UDP and TCP: uac to the echo test, and uac through the exchange to uas.
# CALLS and RATE make it longer: `CALLS=2000 RATE=200 .ci/interop/sipp.sh DIR`.
source "$(dirname "$0")/../lib.sh" "$1"
calls=${CALLS:-200} rate=${RATE:-20}
need sipp:sip-tester

mapfile -t port < <(free_ports 3)
cat >"$work/sipp.toml" <<TOML
[listen]
udp = ["127.0.0.1:${port[0]}"]
tcp = ["127.0.0.1:${port[0]}"]

[[extension]]
number = "101"

[[service]]
number = "600"
kind = "echo"

[[trunk]]
name = "uac"
address = "127.0.0.1:${port[1]}"

[[trunk]]
name = "uas"
address = "127.0.0.1:${port[2]}"

[[route]]
pattern = "_9X."
trunk = "uas"
strip = 1
from = ["uac"]
TOML

# run NAME TRANSPORT NUMBER
run() {
    local out=$work/sipp-$1.txt
    timeout 600 sipp -sn uac -s "$3" -i 127.0.0.1 -p "${port[1]}" -t "$2" -r "$rate" -l "$rate" -m "$calls" \
        -nostdin "127.0.0.1:${port[0]}" >"$out" 2>&1 || { tail -n 40 "$out"; fail "sipp $1"; }
    grep -aqE "Successful call +\| +[0-9]+ +\| +$calls " "$out" || { tail -n 40 "$out"; fail "$1: not every call succeeded"; }
    echo "$1: $calls calls at $rate/s, 0 failed"
}

for transport in u1 t1; do
    sed "s/address = \"127.0.0.1:${port[2]}\"/&\ntransport = \"$([ $transport = u1 ] && echo udp || echo tcp)\"/" \
        "$work/sipp.toml" >"$work/sipp-$transport.toml"
    start_pbx "sipp-$transport" --config "$work/sipp-$transport.toml" --data "$work/sipp-$transport" --log warn
    run "echo-$transport" "$transport" 600
    sipp -sn uas -i 127.0.0.1 -p "${port[2]}" -t "$transport" -nostdin >"$work/uas-$transport.txt" 2>&1 &
    uas=$!
    wait_port "$([ $transport = u1 ] && echo udp || echo tcp)" "${port[2]}" "$uas"
    run "bridged-$transport" "$transport" 9123
    stop "$uas"
    stop_pbx
    records=$(query "$work/sipp-$transport/office-pbx.sqlite" \
        "SELECT count(*), count(DISTINCT call), min(status), max(status), min(cause), max(cause) FROM record")
    [ "$records" = "$((2 * calls))|$((2 * calls))|200|200|16|16" ] || fail "records of $transport: $records"
done
