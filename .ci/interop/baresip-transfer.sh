#!/usr/bin/env bash
# baresip as 101 calls 102, holds it and at once transfers it to 103; 102 and 103 are softphones, which then hear each
# other.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 1)
server=127.0.0.1:${port[0]}
cat >"$work/office.toml" <<TOML
[listen]
udp = ["$server"]
tcp = ["$server"]

[[extension]]
number = "101"
password = "one-oh-one"

[[extension]]
number = "102"
password = "one-oh-two"

[[extension]]
number = "103"
password = "one-oh-three"
TOML
for n in 1 2 3; do python3 .ci/interop/wav.py make "$work/from-10$n.wav" "$n"; done

start_pbx pbx --config "$work/office.toml" --data "$work/data"
# answer NUMBER PASSWORD: a softphone, which becomes the last of $phones.
phones=()
answer() {
    "$bin/softphone" answer --server "$server" --user "$1" --password "$2" --play "$work/from-$1.wav" \
        --record "$work/heard-by-$1.wav" >"$work/softphone-$1.txt" 2>&1 &
    phones+=($!)
    wait_for "$log" "extension=\"$1\"" "$pbx"
}
answer 102 one-oh-two
answer 103 one-oh-three
start_baresip phone "$server" one-oh-one "$work/from-101.wav"
wait_for "$log" 'extension="101"' "$pbx"
# Nothing between hold and transfer: what a person does within a second is as good as at once on a slow machine.
tell_baresip "dial sip:102@$server" '!CALL_ESTABLISHED' hold "transfer sip:103@$server" '!CALL_CLOSED'
wait_for "$log" "transferred from call" "$pbx"
wait_for "$work/softphone-103.txt" "RTP sent [1-9][0-9][0-9], received [1-9][0-9][0-9]$" "${phones[1]}"
kill -TERM "${phones[1]}"
for phone in "${phones[@]}"; do await "$phone" || { tail "$work"/softphone-*.txt; fail "a softphone failed"; }; done
stop "$baresip"
stop_pbx
rows=$(query "$work/data/office-pbx.sqlite" \
    "SELECT caller, dialled, answered_by, status, transferred_by FROM record ORDER BY call")
[ "$rows" = "101|102|102|200|
102|103|103|200|101" ] || fail "records: $rows"
python3 .ci/interop/wav.py compare "$work/from-103.wav" "$work/heard-by-102.wav" 0.9
python3 .ci/interop/wav.py compare "$work/from-102.wav" "$work/heard-by-103.wav" 0.9
echo "$rows"
