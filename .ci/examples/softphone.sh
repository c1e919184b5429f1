#!/usr/bin/env bash
# The first five minutes of the root README: a call to the echo test, recorded and compared.
source "$(dirname "$0")/../lib.sh" "$1"
here=$(pwd)
wav=$here/.ci/interop/wav.py
bin=$(cd "$bin" && pwd)

cd "$work"
mapfile -t port < <(free_ports 1)
sed "s/127.0.0.1:5060/127.0.0.1:${port[0]}/" >office.toml <<TOML
[listen]
udp = ["127.0.0.1:5060"]
tcp = ["127.0.0.1:5060"]

[[extension]]
number = "101"

[[extension]]
number = "102"

[[service]]
number = "600"
kind = "echo"

[[service]]
number = "700"
kind = "menu"
menu = "main"

[[menu]]
name = "main"
keys = { 1 = "101", 2 = "102", 9 = "600" }
TOML
start_pbx first --config office.toml
python3 "$wav" make x.wav 7
for transport in "" --tcp; do
    "$bin/softphone" call 600 --play x.wav --record y.wav --seconds 5 $transport
    python3 "$wav" compare x.wav y.wav 0.9
done
# Through the menu: 9 for the echo test.
"$bin/softphone" call 700 --dtmf '9#' --play x.wav --record z.wav --seconds 8
# Failures say why and are failures.
if "$bin/softphone" call 555 >no.txt 2>&1; then fail "555 was reached"; fi
grep -q 404 no.txt || fail "$(cat no.txt)"
if "$bin/softphone" call 600 --server "127.0.0.1:${port[0]}" --user 101 --password wrong >no.txt 2>&1; then
    fail "a wrong password was taken"
fi
if "$bin/softphone" call 102 >no.txt 2>&1; then fail "102 is not registered"; fi
"$bin/softphone" register
stop_pbx
