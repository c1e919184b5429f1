#!/usr/bin/env bash
# baresip over TLS at the example `tls_phones`: it logs in with digest, calls, and hangs up; a wrong password lets
# nobody in. Debian's baresip does not check certificates: tls.sh has OpenSSL for that.
source "$(dirname "$0")/../lib.sh" "$1"

examples=${EXAMPLES:-}
if [ -z "$examples" ]; then
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
fi

cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout phones-ca.key \
    -out phones-ca.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=127.0.0.1" -keyout phones-server.key \
    -out phones-server.csr 2>/dev/null
openssl x509 -req -in phones-server.csr -CA phones-ca.pem -CAkey phones-ca.key -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:127.0.0.1") -out phones-server.pem 2>/dev/null
cd - >/dev/null

mapfile -t port < <(free_ports 1)
log=$work/tls-phones.txt
"$examples/tls_phones" "127.0.0.1:${port[0]}" "$work/phones-server.pem" "$work/phones-server.key" 101:one-oh-one \
    >"$log" 2>&1 &
pids+=("$!")
wait_for "$log" "^TLS "
modules=$(dirname "$(dpkg -L baresip-core | grep '/g711.so$')")

python3 "$(dirname "$0")/wav.py" make "$work/from-phone.wav" 1

# phone NAME PASSWORD: baresip, which calls 600; sets $phone.
phone() {
    local home=$work/tls-phone-$1
    mkdir -p "$home"
    cat >"$home/config" <<CONF
module_path $modules
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
audio_source aufile,$work/from-phone.wav
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
sip_listen 127.0.0.1:0
sip_cafile $work/phones-ca.pem
net_interface 127.0.0.1
CONF
    echo "<sip:101@127.0.0.1:${port[0]};transport=tls>;auth_pass=$2;answermode=manual;audio_codecs=PCMA" \
        >"$home/accounts"
    : >"$home/contacts"
    timeout 60 baresip -4 -f "$home" -t 30 -e "/dial sip:600@127.0.0.1:${port[0]};transport=tls" \
        >"$home/log" 2>&1 &
    phone=$!
    pids+=("$phone")
}

phone good one-oh-one
wait_for "$log" "^REGISTER from sip:101@.*: 200$"
wait_for "$log" "^INVITE from sip:101@.*: 200$"
wait_for "$log" "^a call is up$"
sleep 1
[ "$(grep -c '^BYE' "$log")" = 0 ] || { cat "$log" "$work/tls-phone-good/log"; fail "the call did not stay up"; }
# It hangs up before it goes.
kill -TERM "$phone"
wait_for "$log" "^BYE from sip:101@.*: 200$"
wait "$phone" || true
echo "baresip over TLS: in with its password, a call taken and over"

in=$(grep -c '^REGISTER from sip:101@.*: 200$' "$log")
phone wrong one-oh-two
wait_for "$work/tls-phone-wrong/log" "401 Unauthorized"
kill -TERM "$phone"
wait "$phone" || true
[ "$(grep -c '^REGISTER from sip:101@.*: 200$' "$log")" = "$in" ] || { cat "$log"; fail "a wrong password was taken"; }
echo "baresip over TLS: not in with another password"
