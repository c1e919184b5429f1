#!/usr/bin/env bash
# baresip over TLS at the example `tls_phones`: it logs in with digest, calls, and hangs up; a wrong password lets
# nobody in. Debian's baresip does not check certificates: tls.sh has OpenSSL for that.
source "$(dirname "$0")/../lib.sh" "$1"
build_sip_examples

authority ca
certificate ca 127.0.0.1 IP:127.0.0.1,DNS:127.0.0.1
mapfile -t port < <(free_ports 1)
server="127.0.0.1:${port[0]};transport=tls"
log=$work/tls-phones.txt
"$examples/tls_phones" "127.0.0.1:${port[0]}" "$work/127.0.0.1.pem" "$work/127.0.0.1.key" 101:one-oh-one >"$log" 2>&1 &
office=$!
wait_for "$log" "^TLS " "$office"
python3 .ci/interop/wav.py make "$work/from-phone.wav" 1

start_baresip good "$server" one-oh-one "$work/from-phone.wav" "sip_cafile ../ca.pem"
wait_for "$log" "^REGISTER from sip:101@.*: 200$" "$office"
tell_baresip "dial sip:600@$server" '!CALL_ESTABLISHED'
wait_for "$log" "^INVITE from sip:101@.*: 200$" "$office"
wait_for "$log" "^a call is up$" "$office"
sleep 1
[ "$(grep -c '^BYE' "$log")" = 0 ] || { cat "$log" "$home/log"; fail "the call did not stay up"; }
# It hangs up before it goes.
stop "$baresip"
wait_for "$log" "^BYE from sip:101@.*: 200$" "$office"
echo "baresip over TLS: in with its password, a call taken and over"

in=$(grep -c '^REGISTER from sip:101@.*: 200$' "$log")
refused=$(grep -c '^REGISTER from sip:101@.*: 401$' "$log")
start_baresip wrong "$server" one-oh-two "$work/from-phone.wav" "sip_cafile ../ca.pem"
# Once without the password, once with it.
wait_for "$log" '^REGISTER from sip:101@.*: 401$' "$office" $((refused + 2))
stop "$baresip"
[ "$(grep -c '^REGISTER from sip:101@.*: 200$' "$log")" = "$in" ] || { cat "$log"; fail "a wrong password was taken"; }
echo "baresip over TLS: not in with another password"
