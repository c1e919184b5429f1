#!/usr/bin/env bash
# sipsak asks for options and registers with digest, over UDP and TCP; a wrong password is refused.
source "$(dirname "$0")/../lib.sh" "$1"
need sipsak:sipsak
build_sip_examples

mapfile -t port < <(free_ports 1)
log=$work/registrar.txt
"$examples/registrar" "127.0.0.1:${port[0]}" 101:one-oh-one 102:one-oh-two >"$log" 2>&1 &
registrar=$!
wait_for "$log" "^WS " "$registrar"

# ask NAME ARGUMENTS…
ask() {
    local out=$work/sipsak-$1.txt
    shift
    ask_sipsak -v "$@" >"$out" 2>&1 || { cat "$out"; return 1; }
}

for transport in udp tcp; do
    ask "options-$transport" -E "$transport" -s "sip:101@127.0.0.1:${port[0]}" || fail "OPTIONS over $transport"
    ask "register-$transport" -E "$transport" -U -s "sip:101@127.0.0.1:${port[0]}" -u 101 -a one-oh-one \
        -C "sip:101@127.0.0.1:1$([ $transport = udp ] && echo 111 || echo 222)" -x 600 || fail "REGISTER over $transport"
    echo "options and registered over $transport"
done
wait_for "$log" '^Registered.*port: Some(1111)' "$registrar"
wait_for "$log" '^Registered.*port: Some(1222)' "$registrar"
before=$(grep -c "^Registered" "$log")
if ask wrong -U -s "sip:102@127.0.0.1:${port[0]}" -u 102 -a wrong -C sip:102@127.0.0.1:9 -x 600 >/dev/null; then
    fail "a wrong password was taken"
fi
# The right name and password, and somebody else's address of record.
if ask other -U -s "sip:101@127.0.0.1:${port[0]}" -u 102 -a one-oh-two -C sip:102@127.0.0.1:9 -x 600 >/dev/null; then
    fail "102 registered as 101"
fi
[ "$(grep -c "^Registered" "$log")" = "$before" ] || { cat "$log"; fail "a registration too many"; }
echo "a wrong password and somebody else's address are refused"
