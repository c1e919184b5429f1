#!/usr/bin/env bash
# Kamailio as registrar of our phone, in front of our registrar, and in the way of calls from and to
# our examples: the requests of both sides within a call have to pass it.
source "$(dirname "$0")/../lib.sh" "$1"
here=$(dirname "$0")

for pair in kamailio:kamailio sipsak:sipsak; do
    command -v "${pair%%:*}" >/dev/null || {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${pair##*:}"
    }
done
examples=${EXAMPLES:-}
if [ -z "$examples" ]; then
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
fi

mapfile -t port < <(free_ports 3)
sed "s/@PORT@/${port[0]}/g; s/@CALLEE@/${port[1]}/g; s/@BEHIND@/${port[2]}/g" "$here/kamailio.cfg" >"$work/kamailio.cfg"
mkdir -p "$work/kamailio-run"
modules=$(dirname "$(dpkg -L kamailio | grep '/tm.so$')")
log=$work/kamailio.log
kamailio -DD -E -m 64 -M 8 -L "$modules" -Y "$work/kamailio-run" -P "$work/kamailio-run/pid" \
    -f "$work/kamailio.cfg" >"$log" 2>&1 &
server=$!
pids+=("$server")
# Ready when it answers, whatever it answers.
for ((n = 0; n < 100; n++)); do
    if sipsak -q -s "sip:nobody@127.0.0.1:${port[0]}" >"$work/sipsak-ready.txt" 2>&1; [ $? -lt 2 ]; then break; fi
    kill -0 "$server" 2>/dev/null || { tail -n 30 "$log"; fail "kamailio does not start"; }
    sleep 0.1
done

# Our phone at its registrar: registered by digest, unregistered when its input ends.
for transport in udp tcp; do
    mkfifo "$work/keys-$transport"
    out=$work/register-$transport.txt
    timeout 60 "$examples/register" 127.0.0.1:0 "sip:101@127.0.0.1:${port[0]}" one-oh-one "$transport" \
        <"$work/keys-$transport" >"$out" 2>&1 &
    phone=$!
    pids+=("$phone")
    exec {keys}>"$work/keys-$transport"
    wait_for "$out" "^Registered"
    sipsak -q -s "sip:101@127.0.0.1:${port[0]}" >"$work/sipsak-$transport.txt" 2>&1 || true
    exec {keys}>&-
    wait "$phone" || { cat "$out"; fail "register over $transport"; }
    grep -q "^Unregistered" "$out" || { cat "$out"; fail "unregister over $transport"; }
    echo "registered and unregistered over $transport"
done

# A wrong password is said once, and not tried again.
out=$work/register-wrong.txt
timeout 3 "$examples/register" 127.0.0.1:0 "sip:101@127.0.0.1:${port[0]}" wrong udp \
    < <(sleep 3) >"$out" 2>&1 || true
[ "$(grep -c "^Failed" "$out")" = 1 ] && grep -q "again: None" "$out" || { cat "$out"; fail "a wrong password"; }

# In front of our registrar, with a Path.
"$examples/registrar" "127.0.0.1:${port[2]}" 102:one-oh-two >"$work/registrar.txt" 2>&1 &
pids+=("$!")
wait_for "$work/registrar.txt" "^WS "
timeout 30 sipsak -U -s "sip:102@127.0.0.1:${port[0]}" -u 102 -a one-oh-two -C "sip:102@127.0.0.1:9999" -x 600 \
    >"$work/sipsak-path.txt" 2>&1 || { cat "$work/sipsak-path.txt"; fail "sipsak through kamailio"; }
grep "^Registered" "$work/registrar.txt" | grep -q "path: \[NameAddr.*Some(${port[0]}), params: \";lr\"" ||
    { cat "$work/registrar.txt"; fail "the Path of kamailio is not known"; }
echo "registered through kamailio, with its Path"

# passed COUNT: so many ACKs and so many BYEs have gone through kamailio, and nothing else.
passed() {
    local n found
    for ((n = 0; n < 100; n++)); do
        found=$(grep -o "PASSED [A-Z]*" "$log" | sort | uniq -c | tr -s ' \n' ' ')
        if [ "$found" = " $1 PASSED ACK $1 PASSED BYE " ]; then return 0; fi
        sleep 0.1
    done
    fail "through kamailio went:$found"
}

# Our caller, kamailio, our called phone: ACK and BYE pass.
"$examples/uas" "127.0.0.1:${port[1]}" >"$work/uas.txt" 2>&1 &
callee=$!
pids+=("$callee")
wait_for "$work/uas.txt" "^TCP "
timeout 60 "$examples/uac" "sip:600@127.0.0.1:${port[0]}" 101 one-oh-one >"$work/uac.txt" 2>&1 ||
    { cat "$work/uac.txt"; fail "a call through kamailio"; }
wait_for "$work/uas.txt" "^BYE"
passed 1
kill "$callee"
wait "$callee" 2>/dev/null || true
echo "a call by way of kamailio, ended by the caller"

# The called party, SIPp, hangs up: its BYE comes back by way of kamailio.
timeout 60 sipp -sf "$here/uas_bye.xml" -i 127.0.0.1 -p "${port[1]}" -m 1 -nostdin >"$work/sipp-bye.txt" 2>&1 &
callee=$!
pids+=("$callee")
wait_for /proc/net/udp "$(printf ':%04X 00000000:0000' "${port[1]}")"
timeout 60 "$examples/uac" "sip:600@127.0.0.1:${port[0]}" 101 one-oh-one >"$work/uac-bye.txt" 2>&1 ||
    { cat "$work/uac-bye.txt"; fail "a call that the called party ends"; }
wait "$callee" || { tail -n 40 "$work/sipp-bye.txt"; fail "sipp as called party"; }
passed 2
echo "a call by way of kamailio, ended by the called party"
kill "$server"
wait "$server" 2>/dev/null || true
