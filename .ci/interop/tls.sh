#!/usr/bin/env bash
# OpenSSL's client at our TLS server: the certificate is good for its name, versions before 1.2 are
# refused, a client certificate names its owner. SIPp's calls over TLS are in sipp-tls.sh.
source "$(dirname "$0")/../lib.sh" "$1"

command -v openssl >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssl
}
examples=${EXAMPLES:-}
if [ -z "$examples" ]; then
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
fi

cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \
    -keyout tls-ca.key -out tls-ca.pem 2>/dev/null
# certificate NAME SAN
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "tls-$1.key" \
        -out "tls-$1.csr" 2>/dev/null
    openssl x509 -req -in "tls-$1.csr" -CA tls-ca.pem -CAkey tls-ca.key -CAcreateserial -days 2 \
        -extfile <(echo "subjectAltName=$2") -out "tls-$1.pem" 2>/dev/null
}
certificate server DNS:pbx.example.com,IP:127.0.0.1
certificate trunk URI:sip:trunk.example.net
cd - >/dev/null

mapfile -t port < <(free_ports 1)
log=$work/tls-server.txt
"$examples/tls_server" "127.0.0.1:${port[0]}" "$work/tls-server.pem" "$work/tls-server.key" "$work/tls-ca.pem" \
    >"$log" 2>&1 &
pids+=("$!")
wait_for "$log" "^TLS "

# ask NAME ARGUMENTS…: sends OPTIONS, waits for the answer.
ask() {
    local out=$work/tls-$1.txt
    shift
    printf 'OPTIONS sip:pbx.example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.net>;tag=1\r\nTo: <sip:pbx.example.com>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n' \
        "$RANDOM" "$RANDOM" >"$out.request"
    # The input stays open until the answer is there.
    { cat "$out.request"; for ((n = 0; n < 100; n++)); do grep -q "^SIP/2.0 200" "$out" && break; sleep 0.1; done; } |
        timeout 20 openssl s_client -connect "127.0.0.1:${port[0]}" -CAfile "$work/tls-ca.pem" -verify_return_error \
            -verify_hostname pbx.example.com -quiet "$@" >"$out" 2>&1 || true
    grep -q "^SIP/2.0 200" "$out"
}

for version in tls1_2 tls1_3; do
    ask "$version" -"$version" || { cat "$work/tls-$version.txt"; fail "$version"; }
done
ask trunk -cert "$work/tls-trunk.pem" -key "$work/tls-trunk.key" || { cat "$work/tls-trunk.txt"; fail "a client certificate"; }
[ "$(grep -c '^OPTIONS from .* \[\]$' "$log")" = 2 ] || { cat "$log"; fail "who came without a certificate"; }
[ "$(grep -c '^OPTIONS from .* \["trunk.example.net"\]$' "$log")" = 1 ] || { cat "$log"; fail "the trunk's name"; }
if timeout 10 openssl s_client -connect "127.0.0.1:${port[0]}" -tls1_1 </dev/null >"$work/tls-old.txt" 2>&1; then
    fail "TLS 1.1 was taken"
fi
echo "OpenSSL over TLS 1.2 and 1.3, with and without a certificate"
