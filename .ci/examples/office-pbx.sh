#!/usr/bin/env bash
# The commands of examples/office-pbx/README.md, as its reader runs them.
source "$(dirname "$0")/../lib.sh" "$1"
pbx_command=$(cd "$(dirname "$bin")" && pwd)/release/office-pbx

"$pbx_command" --help | grep -q -- --print-config || fail "--help"
"$pbx_command" --version | grep -q office-pbx || fail "--version"
"$pbx_command" --print-config >"$work/printed.toml"
grep -q '^\[\[extension\]\]' "$work/printed.toml" || fail "--print-config"

# A mistake names file, line and key.
printf '[calls]\nring_seconds = "soon"\n' >"$work/wrong.toml"
if "$pbx_command" --config "$work/wrong.toml" --data "$work/wrong" 2>"$work/wrong.txt"; then
    fail "a wrong configuration was taken"
fi
grep -q "wrong.toml:2: ring_seconds" "$work/wrong.txt" || fail "$(cat "$work/wrong.txt")"

# A port in use is said plainly.
mapfile -t port < <(free_ports 1)
printf '[listen]\nudp = ["127.0.0.1:%s"]\ntcp = ["127.0.0.1:%s"]\n' "${port[0]}" "${port[0]}" >"$work/port.toml"
start_pbx port --config "$work/port.toml" --data "$work/port"
if "$pbx_command" --config "$work/port.toml" --data "$work/port2" 2>"$work/inuse.txt"; then
    fail "a port in use was taken"
fi
grep -q "another program uses this port" "$work/inuse.txt" || fail "$(cat "$work/inuse.txt")"
stop_pbx
echo "help, version, configuration, mistakes and a port in use are as the README says"
