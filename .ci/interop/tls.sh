#!/usr/bin/env bash
# OpenSSL's client at our TLS server: the certificate is good for its name, versions before 1.2 are
# refused, a client certificate names its owner. SIPp's calls over TLS are in sipp-tls.sh.
source "$(dirname "$0")/../lib.sh" "$1"
need openssl:openssl
build_sip_examples

authority ca
certificate ca server DNS:pbx.example.com,IP:127.0.0.1
certificate ca trunk URI:sip:trunk.example.net

mapfile -t port < <(free_ports 1)
log=$work/server.txt
"$examples/tls_server" "127.0.0.1:${port[0]}" "$work/server.pem" "$work/server.key" "$work/ca.pem" >"$log" 2>&1 &
server=$!
wait_for "$log" "^TLS " "$server"

# ask NAME ARGUMENTS…: sends OPTIONS, waits for the answer.
ask() {
    local out=$work/$1.txt keys client
    shift
    mkfifo "$out.keys"
    : >"$out"
    openssl s_client -connect "127.0.0.1:${port[0]}" -CAfile "$work/ca.pem" -verify_return_error \
        -verify_hostname pbx.example.com -quiet "$@" <"$out.keys" >"$out" 2>&1 &
    client=$!
    # Its input stays open until the answer is there.
    exec {keys}>"$out.keys"
    printf 'OPTIONS sip:pbx.example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.net>;tag=1\r\nTo: <sip:pbx.example.com>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n' \
        "$RANDOM" "$RANDOM" >&"$keys"
    wait_for "$out" "^SIP/2.0 200" "$client"
    exec {keys}>&-
    stop "$client"
}

for version in tls1_2 tls1_3; do ask "$version" -"$version"; done
ask trunk-cert -cert "$work/trunk.pem" -key "$work/trunk.key"
[ "$(grep -c '^OPTIONS from .* \[\]$' "$log")" = 2 ] || { cat "$log"; fail "who came without a certificate"; }
[ "$(grep -c '^OPTIONS from .* \["trunk.example.net"\]$' "$log")" = 1 ] || { cat "$log"; fail "the trunk's name"; }
# OpenSSL itself offers so old a version at the lowest level of security only.
timeout "$patience" openssl s_client -connect "127.0.0.1:${port[0]}" -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null \
    >"$work/old.txt" 2>&1 && fail "TLS 1.1 was taken"
grep -q "alert \(protocol version\|handshake failure\)" "$work/old.txt" || { cat "$work/old.txt"; fail "TLS 1.1 was not refused"; }
echo "OpenSSL over TLS 1.2 and 1.3, with and without a certificate"
