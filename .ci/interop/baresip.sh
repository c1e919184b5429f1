#!/usr/bin/env bash
# baresip registers as 101 with digest and calls 102, held by the softphone: both record what the
# other plays; first the caller hangs up, then the called party. Over UDP and TCP.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 1)
cat >"$work/baresip.toml" <<TOML
[listen]
udp = ["127.0.0.1:${port[0]}"]
tcp = ["127.0.0.1:${port[0]}"]

[[extension]]
number = "101"
password = "one-oh-one"

[[extension]]
number = "102"
password = "one-oh-two"
TOML
modules=$(dirname "$(dpkg -L baresip-core | grep '/g711.so$')")
tool=$(dirname "$0")/wav.py
python3 "$tool" make "$work/from-101.wav" 1
python3 "$tool" make "$work/from-102.wav" 2

# baresip_calls NAME TRANSPORT SECONDS: calls 102 and hangs up after that long.
baresip_calls() {
    local home=$work/baresip-$1
    mkdir -p "$home/rec"
    cat >"$home/config" <<CONF
module_path $modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
audio_source aufile,$work/from-101.wav
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
snd_path $home/rec
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
CONF
    echo "<sip:101@127.0.0.1:${port[0]};transport=$2>;auth_pass=one-oh-one;answermode=manual;audio_codecs=PCMA" \
        >"$home/accounts"
    : >"$home/contacts"
    timeout 60 baresip -4 -f "$home" -t "$3" -e "/dial sip:102@127.0.0.1:${port[0]};transport=$2" >"$home/log" 2>&1 || true
}

for transport in udp tcp; do
    for ends in caller callee; do
        name=$transport-$ends
        start_pbx "baresip-$name" --config "$work/baresip.toml" --data "$work/baresip-data-$name"
        options=(--server "127.0.0.1:${port[0]}" --user 102 --password one-oh-two
            --play "$work/from-102.wav" --record "$work/heard-by-102-$name.wav")
        [ "$transport" = udp ] || options+=(--tcp)
        [ "$ends" = caller ] || options+=(--seconds 5)
        "$bin/softphone" answer "${options[@]}" >"$work/softphone-$name.txt" 2>&1 &
        phone=$!
        pids+=("$phone")
        wait_for "$log" 'extension="102"'
        if [ "$ends" = caller ]; then baresip_calls "$name" "$transport" 8; else baresip_calls "$name" "$transport" 14; fi
        wait "$phone" || { cat "$work/softphone-$name.txt"; tail "$work/baresip-$name/log"; fail "the softphone failed"; }
        grep -q 'extension="101"' "$log" || fail "baresip did not register"
        stop_pbx
        row=$(query "$work/baresip-data-$name/office-pbx.sqlite" \
            "SELECT caller, dialled, answered_by, cause, ended_by, billable_seconds FROM record")
        [[ $row =~ ^101\|102\|102\|16\|$ends\|[3-9]$ ]] || fail "$name: record $row"
        python3 "$tool" compare "$work/from-101.wav" "$work/heard-by-102-$name.wav" 0.9
        # shellcheck disable=SC2012
        recorded=$(ls "$work/baresip-$name/rec/"*dec.wav | head -n 1)
        python3 "$tool" compare "$work/from-102.wav" "$recorded" 0.9
        echo "$name: $row"
    done
done
