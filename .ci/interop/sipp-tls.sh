#!/usr/bin/env bash
# SIPp over TLS, both ways. Debian's SIPp has none, so stunnel does it for SIPp, with checked certificates: SIPp's calls
# at the example `tls_phones`, which asks for a password, over one connection and over one each; then the example
# `tls_uac`, whose calls SIPp takes. `CALLS=2000 RATE=400 .ci/interop/sipp-tls.sh DIR` makes it longer.
source "$(dirname "$0")/../lib.sh" "$1"
here=$(cd "$(dirname "$0")" && pwd)
calls=${CALLS:-200} rate=${RATE:-100}

command -v stunnel4 >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends stunnel4
}
examples=${EXAMPLES:-}
if [ -z "$examples" ]; then
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
fi

# authority NAME: who signs certificates.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
        -keyout "$work/sipp-tls-$1.key" -out "$work/sipp-tls-$1.pem" 2>/dev/null
}
authority ca
authority stranger
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=pbx.example.com" \
    -keyout "$work/sipp-tls-pbx.key" -out "$work/sipp-tls-pbx.csr" 2>/dev/null
openssl x509 -req -in "$work/sipp-tls-pbx.csr" -CA "$work/sipp-tls-ca.pem" -CAkey "$work/sipp-tls-ca.key" \
    -CAcreateserial -days 2 -extfile <(echo "subjectAltName=DNS:pbx.example.com") -out "$work/sipp-tls-pbx.pem" 2>/dev/null

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
CAfile = $work/sipp-tls-ca.pem
verifyChain = yes
checkHost = pbx.example.com

[to-sipp]
accept = 127.0.0.1:${port[2]}
connect = 127.0.0.1:${port[3]}
cert = $work/sipp-tls-pbx.pem
key = $work/sipp-tls-pbx.key
CONF
stunnel4 "$work/stunnel.conf" 2>/dev/null &
pids+=("$!")
wait_for "$work/stunnel.txt" "Configuration successful"

log=$work/sipp-tls-phones.txt
"$examples/tls_phones" "127.0.0.1:${port[0]}" "$work/sipp-tls-pbx.pem" "$work/sipp-tls-pbx.key" 101:one-oh-one \
    >"$log" 2>&1 &
pids+=("$!")
wait_for "$log" "^TLS "
for transport in t1 tn; do
    out=$work/sipp-tls-$transport.txt
    timeout 120 sipp -sf "$here/uac_tls.xml" -auth_uri "600@pbx.example.com;transport=tls" -i 127.0.0.1 \
        -t "$transport" -max_socket "$((calls + 50))" -r "$rate" -m "$calls" -nostdin "127.0.0.1:${port[1]}" \
        >"$out" 2>&1 || { tail -n 40 "$out"; fail "sipp over TLS, $transport"; }
    grep -aqE "Successful call +\| +0 +\| +$calls " "$out" || { tail -n 40 "$out"; fail "$transport: not every call succeeded"; }
done
[ "$(grep -c '^a call is up$' "$log")" = "$((2 * calls))" ] || fail "not every call was acknowledged"
[ "$(grep -c '^BYE from .*: 200$' "$log")" = "$((2 * calls))" ] || fail "not every call was hung up"
echo "SIPp at ours over TLS: $calls calls over one connection and $calls over one each, 0 failed"

out=$work/sipp-tls-uas.txt
timeout 120 sipp -sf "$here/uas_tls.xml" -key tls "${port[2]}" -i 127.0.0.1 -p "${port[3]}" -t t1 -m "$calls" -nostdin \
    >"$out" 2>&1 &
uas=$!
pids+=("$uas")
for ((n = 0; n < 100; n++)); do
    [ -z "$(ss -Hltn "sport = :${port[3]}")" ] || break
    sleep 0.1
done
call() {
    timeout 120 "$examples/tls_uac" "$1" "127.0.0.1:${port[2]}" "sip:600@$2;transport=tls" "$calls" \
        >"$work/sipp-tls-uac.txt" 2>&1
}
if call "$work/sipp-tls-stranger.pem" pbx.example.com; then fail "a certificate of a stranger's was taken"; fi
if call "$work/sipp-tls-ca.pem" other.example.com; then fail "a certificate for another name was taken"; fi
call "$work/sipp-tls-ca.pem" pbx.example.com || { tail -n 5 "$work/sipp-tls-uac.txt"; fail "ours at sipp over TLS"; }
[ "$(grep -c 'was answered and is over$' "$work/sipp-tls-uac.txt")" = "$calls" ] || fail "not every call was answered"
wait "$uas" || { tail -n 40 "$out"; fail "sipp has not taken every call"; }
grep -aqE "Successful call +\| +0 +\| +$calls " "$out" || { tail -n 40 "$out"; fail "sipp: not every call succeeded"; }
echo "Ours at SIPp over TLS: $calls calls, 0 failed; certificates of strangers and for other names refused"
