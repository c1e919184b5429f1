#!/usr/bin/env bash
# Kamailio as registrar of our phone, in front of our registrar, and in the way of calls from and to
# our examples: the requests of both sides within a call have to pass it.
source "$(dirname "$0")/../lib.sh" "$1"
here=.ci/interop
need kamailio:kamailio sipsak:sipsak
build_sip_examples

mapfile -t port < <(free_ports 3)
sed "s/@PORT@/${port[0]}/g; s/@CALLEE@/${port[1]}/g; s/@BEHIND@/${port[2]}/g" "$here/kamailio.cfg" >"$work/kamailio.cfg"
mkdir "$work/run"
modules=$(dirname "$(dpkg -L kamailio | grep '/tm.so$')")
log=$work/kamailio.log
kamailio -DD -E -m 64 -M 8 -L "$modules" -Y "$work/run" -P "$work/run/pid" -f "$work/kamailio.cfg" >"$log" 2>&1 &
server=$!
# Ready when it answers, whatever it answers, over UDP and then over TCP.
for transport in udp tcp; do
    until=$((SECONDS + patience))
    while true; do
        status=0
        ask_sipsak -E "$transport" -s "sip:nobody@127.0.0.1:${port[0]}" >"$work/ready.txt" 2>&1 || status=$?
        if [ "$status" -lt 2 ]; then break; fi
        kill -0 "$server" 2>/dev/null || { tail -n 30 "$log"; fail "kamailio does not start"; }
        ((SECONDS < until)) || { cat "$work/ready.txt"; tail -n 30 "$log"; fail "kamailio does not answer over $transport"; }
        sleep 0.1
    done
done

# register NAME TRANSPORT PASSWORD: our phone in the background, until the end of its input, $keys. Sets $phone and $out.
register() {
    out=$work/register-$1.txt
    : >"$out"
    mkfifo "$out.keys"
    "$examples/register" 127.0.0.1:0 "sip:101@127.0.0.1:${port[0]}" "$3" "$2" <"$out.keys" >"$out" 2>&1 &
    phone=$!
    exec {keys}>"$out.keys"
}

# Our phone at its registrar: registered by digest, unregistered when its input ends.
for transport in udp tcp; do
    register "$transport" "$transport" one-oh-one
    wait_for "$out" "^Registered" "$phone"
    exec {keys}>&-
    await "$phone" || { cat "$out"; fail "register over $transport"; }
    grep -q "^Unregistered" "$out" || { cat "$out"; fail "unregister over $transport"; }
    echo "registered and unregistered over $transport"
done

# A wrong password is said once, and not tried again.
register wrong udp wrong
wait_for "$out" "^Failed" "$phone"
exec {keys}>&-
await "$phone" || { cat "$out"; fail "the phone with a wrong password"; }
[ "$(grep -c "^Failed" "$out")" = 1 ] && grep -q "again: None" "$out" || { cat "$out"; fail "a wrong password"; }

# In front of our registrar, with a Path.
"$examples/registrar" "127.0.0.1:${port[2]}" 102:one-oh-two >"$work/registrar.txt" 2>&1 &
registrar=$!
wait_for "$work/registrar.txt" "^WS " "$registrar"
ask_sipsak -U -s "sip:102@127.0.0.1:${port[0]}" -u 102 -a one-oh-two -C "sip:102@127.0.0.1:9999" -x 600 \
    >"$work/sipsak-path.txt" 2>&1 || { cat "$work/sipsak-path.txt"; fail "sipsak through kamailio"; }
wait_for "$work/registrar.txt" "^Registered.*path: \[NameAddr.*Some(${port[0]}), params: \";lr\"" "$registrar"
echo "registered through kamailio, with its Path"

# passed COUNT: the ACKs and BYEs of so many calls have gone through kamailio, and nothing else. What a slow machine
# sends twice is the same request still.
passed() {
    local until=$((SECONDS + patience)) found
    while true; do
        found=$(sed -n 's/.*PASSED \([A-Z]* [^ ]*\) *$/\1/p' "$log" | sort -u | cut -d' ' -f1 | uniq -c | tr -s ' \n' ' ')
        if [ "$found" = " $1 ACK $1 BYE " ]; then return 0; fi
        ((SECONDS < until)) || fail "through kamailio went:$found"
        sleep 0.1
    done
}

# Our caller, kamailio, our called phone: ACK and BYE pass.
"$examples/uas" "127.0.0.1:${port[1]}" >"$work/uas.txt" 2>&1 &
callee=$!
wait_for "$work/uas.txt" "^TCP " "$callee"
timeout "$patience" "$examples/uac" "sip:600@127.0.0.1:${port[0]}" 101 one-oh-one >"$work/uac.txt" 2>&1 ||
    { cat "$work/uac.txt"; fail "a call through kamailio"; }
wait_for "$work/uas.txt" "^BYE" "$callee"
passed 1
stop "$callee"
echo "a call by way of kamailio, ended by the caller"

# The called party, SIPp, hangs up: its BYE comes back by way of kamailio.
sipp -sf "$here/uas_bye.xml" -i 127.0.0.1 -p "${port[1]}" -m 1 -nostdin >"$work/sipp-bye.txt" 2>&1 &
callee=$!
wait_port udp "${port[1]}" "$callee"
timeout "$patience" "$examples/uac" "sip:600@127.0.0.1:${port[0]}" 101 one-oh-one >"$work/uac-bye.txt" 2>&1 ||
    { cat "$work/uac-bye.txt"; fail "a call that the called party ends"; }
await "$callee" || { tail -n 40 "$work/sipp-bye.txt"; fail "sipp as called party"; }
passed 2
echo "a call by way of kamailio, ended by the called party"
stop "$server"
