#!/usr/bin/env bash
# SIPp over TLS, both ways. Debian's SIPp has none, so stunnel does it for SIPp, with checked certificates: SIPp's calls
# at the example `tls_phones`, which asks for a password, over one connection and over one each; then the example
# `tls_uac`, whose calls SIPp takes. `CALLS=2000 RATE=400 .ci/interop/sipp-tls.sh DIR` makes it longer.
source "$(dirname "$0")/../lib.sh" "$1"
here=.ci/interop
calls=${CALLS:-200} rate=${RATE:-100}
need stunnel4:stunnel4 sipp:sip-tester openssl:openssl
build_sip_examples

authority ca
authority stranger
certificate ca pbx.example.com DNS:pbx.example.com

# Ours; where stunnel takes what SIPp sends; where stunnel takes TLS for SIPp; SIPp.
mapfile -t port < <(free_ports 4)
cat >"$work/stunnel.conf" <<CONF
foreground = yes
pid =
debug = notice
output = $work/stunnel.txt
libwrap = no

[from-sipp]
client = yes
accept = 127.0.0.1:${port[1]}
connect = 127.0.0.1:${port[0]}
CAfile = $work/ca.pem
verifyChain = yes
checkHost = pbx.example.com

[to-sipp]
accept = 127.0.0.1:${port[2]}
connect = 127.0.0.1:${port[3]}
cert = $work/pbx.example.com.pem
key = $work/pbx.example.com.key
CONF
stunnel4 "$work/stunnel.conf" 2>"$work/stunnel-errors.txt" &
stunnel=$!
wait_port tcp "${port[1]}" "$stunnel"
wait_port tcp "${port[2]}" "$stunnel"

log=$work/phones.txt
"$examples/tls_phones" "127.0.0.1:${port[0]}" "$work/pbx.example.com.pem" "$work/pbx.example.com.key" 101:one-oh-one \
    >"$log" 2>&1 &
office=$!
wait_for "$log" "^TLS " "$office"
# No more calls at a time than the server takes connections from one address (100), however late they are.
for transport in t1 tn; do
    out=$work/$transport.txt
    timeout 600 sipp -sf "$here/uac_tls.xml" -auth_uri "600@pbx.example.com;transport=tls" -i 127.0.0.1 \
        -t "$transport" -max_socket "$((calls + 50))" -r "$rate" -l 50 -m "$calls" -nostdin "127.0.0.1:${port[1]}" \
        >"$out" 2>&1 || { tail -n 40 "$out"; fail "sipp over TLS, $transport"; }
    grep -aqE "Successful call +\| +[0-9]+ +\| +$calls " "$out" || { tail -n 40 "$out"; fail "$transport: not every call succeeded"; }
done
[ "$(grep -c '^a call is up$' "$log")" = "$((2 * calls))" ] || fail "not every call was acknowledged"
[ "$(grep -c '^BYE from .*: 200$' "$log")" = "$((2 * calls))" ] || fail "not every call was hung up"
echo "SIPp at ours over TLS: $calls calls over one connection and $calls over one each, 0 failed"

out=$work/uas.txt
timeout 900 sipp -sf "$here/uas_tls.xml" -key tls "${port[2]}" -i 127.0.0.1 -p "${port[3]}" -t t1 -m "$calls" -nostdin \
    >"$out" 2>&1 &
uas=$!
wait_port tcp "${port[3]}" "$uas"
call() {
    timeout 600 "$examples/tls_uac" "$1" "127.0.0.1:${port[2]}" "sip:600@$2;transport=tls" "$calls" \
        >"$work/uac.txt" 2>&1
}
if call "$work/stranger.pem" pbx.example.com; then fail "a certificate of a stranger's was taken"; fi
if call "$work/ca.pem" other.example.com; then fail "a certificate for another name was taken"; fi
call "$work/ca.pem" pbx.example.com || { tail -n 5 "$work/uac.txt"; fail "ours at sipp over TLS"; }
[ "$(grep -c 'was answered and is over$' "$work/uac.txt")" = "$calls" ] || fail "not every call was answered"
await "$uas" || { tail -n 40 "$out"; fail "sipp has not taken every call"; }
grep -aqE "Successful call +\| +[0-9]+ +\| +$calls " "$out" || { tail -n 40 "$out"; fail "sipp: not every call succeeded"; }
echo "Ours at SIPp over TLS: $calls calls, 0 failed; certificates of strangers and for other names refused"
