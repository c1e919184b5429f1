#!/usr/bin/env bash
# baresip registers as 101 with digest and calls 102, held by the softphone: both record what the
# other plays; first the caller hangs up, then the called party. Over UDP and TCP.
source "$(dirname "$0")/../lib.sh" "$1"

mapfile -t port < <(free_ports 1)
cat >"$work/office.toml" <<TOML
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
tool=.ci/interop/wav.py
python3 "$tool" make "$work/from-101.wav" 1
python3 "$tool" make "$work/from-102.wav" 2

for transport in udp tcp; do
    for ends in caller callee; do
        name=$transport-$ends
        server="127.0.0.1:${port[0]};transport=$transport"
        start_pbx "pbx-$name" --config "$work/office.toml" --data "$work/data-$name"
        options=(--server "127.0.0.1:${port[0]}" --user 102 --password one-oh-two
            --play "$work/from-102.wav" --record "$work/heard-by-102-$name.wav")
        [ "$transport" = udp ] || options+=(--tcp)
        heard=$work/softphone-$name.txt
        "$bin/softphone" answer "${options[@]}" >"$heard" 2>&1 &
        phone=$!
        wait_for "$log" 'extension="102"' "$pbx"

        start_baresip "$name" "$server" one-oh-one "$work/from-101.wav" "module sndfile.so" "snd_path ."
        wait_for "$log" 'extension="101"' "$pbx"
        tell_baresip "dial sip:102@$server" '!CALL_ESTABLISHED'
        # Four seconds of sound each way, however long they take.
        wait_for "$heard" "RTP sent [2-9][0-9][0-9], received [2-9][0-9][0-9]$" "$phone"
        if [ "$ends" = caller ]; then tell_baresip hangup '!CALL_CLOSED'; else kill -TERM "$phone"; fi
        await "$phone" || { cat "$heard"; tail "$home/log"; fail "the softphone failed"; }
        wait_for "$log" "ended by the $ends" "$pbx"
        # Its recording is complete when it is gone.
        stop "$baresip"
        stop_pbx
        row=$(query "$work/data-$name/office-pbx.sqlite" \
            "SELECT caller, dialled, answered_by, cause, ended_by, billable_seconds FROM record")
        [[ $row =~ ^101\|102\|102\|16\|$ends\|([3-9]|[1-9][0-9]+)$ ]] || fail "$name: record $row"
        python3 "$tool" compare "$work/from-101.wav" "$work/heard-by-102-$name.wav" 0.9
        recorded=("$home"/*dec.wav)
        python3 "$tool" compare "$work/from-102.wav" "${recorded[0]}" 0.9
        echo "$name: $row"
    done
done
