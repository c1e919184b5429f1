#!/usr/bin/env bash
# baresip as 101 calls 102, holds it and transfers it to 103; 102 and 103 are softphones, which then hear each other.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 2)
cat >"$work/transfer.toml" <<TOML
[listen]
udp = ["127.0.0.1:${port[0]}"]
tcp = ["127.0.0.1:${port[0]}"]

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
modules=$(dirname "$(dpkg -L baresip-core | grep '/g711.so$')")
here=$(dirname "$0")
for n in 1 2 3; do python3 "$here/wav.py" make "$work/from-10$n.wav" "$n"; done

home=$work/baresip-transfer
mkdir -p "$home"
cat >"$home/config" <<CONF
module_path $modules
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${port[1]}
audio_source aufile,$work/from-101.wav
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
CONF
echo "<sip:101@127.0.0.1:${port[0]}>;auth_pass=one-oh-one;answermode=manual;audio_codecs=PCMA" >"$home/accounts"
: >"$home/contacts"

start_pbx pbx-transfer --config "$work/transfer.toml" --data "$work/transfer-data"
phones=()
for n in 2 3; do
    options=(--server "127.0.0.1:${port[0]}" --user "10$n" --play "$work/from-10$n.wav"
        --record "$work/heard-by-10$n-transfer.wav")
    if [ "$n" = 2 ]; then options+=(--password one-oh-two); else options+=(--password one-oh-three --seconds 8); fi
    "$bin/softphone" answer "${options[@]}" >"$work/softphone-transfer-$n.txt" 2>&1 &
    phones+=($!)
    pids+=($!)
    wait_for "$log" "extension=\"10$n\""
done
timeout 120 baresip -4 -f "$home" >"$home/log" 2>&1 &
pids+=($!)
wait_for "$log" 'extension="101"'
python3 "$here/ctrl.py" "${port[1]}" "dial sip:102@127.0.0.1:${port[0]}" '!CALL_ESTABLISHED' \
    hold "transfer sip:103@127.0.0.1:${port[0]}" '!CALL_CLOSED' ||
    { tail "$home/log"; fail "baresip did not transfer"; }
wait_for "$log" "transferred from call"
for n in 0 1; do wait "${phones[$n]}" || { cat "$work"/softphone-transfer-*.txt; fail "a softphone failed"; }; done
stop_pbx
rows=$(query "$work/transfer-data/office-pbx.sqlite" \
    "SELECT caller, dialled, answered_by, status, transferred_by FROM record ORDER BY call")
[ "$rows" = "101|102|102|200|
102|103|103|200|101" ] || fail "records: $rows"
grep -Eq "^RTP sent [1-9][0-9]{2,}, received [1-9][0-9]{2,}" "$work/softphone-transfer-3.txt" ||
    { cat "$work/softphone-transfer-3.txt"; fail "103 has heard nothing"; }
echo "$rows"
