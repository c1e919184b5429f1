#!/usr/bin/env bash
# The load program against office-pbx: every call completes, nothing is refused or sent again without need;
# and a short soak, with transfers and losses.
source "$(dirname "$0")/../lib.sh" "$1"

# play NAME ARGUMENTS…: a scenario that has to go well, and what its report must say (in Python, of r).
play() {
    local name=$1 expected=$2
    shift 2
    timeout 600 "$bin/load" run "$name" --quiet --json "$work/load-$name.json" "$@" >"$work/load-$name.txt" 2>&1 ||
        { cat "$work/load-$name.txt"; fail "load run $name"; }
    python3 -c "import json, sys
r = json.load(open(sys.argv[1]))
sys.exit(not ($expected))" "$work/load-$name.json" || { cat "$work/load-$name.txt"; fail "$name: not $expected"; }
    echo "$name: $(sed -n 2p "$work/load-$name.txt")"
}

all="r['completed'] == r['begun'] and r['failed'] == 0"
play answered "$all and r['begun'] == 100" --rate 50 --seconds 2
play bridged "$all and r['begun'] == 100" --rate 50 --seconds 2
play register "$all and r['begun'] == 100" --rate 50 --seconds 2 --users 20
play media "$all and r['rtp_received'] > 100" --rate 10 --calls 5 --seconds 2
play flood "$all and r['amplification'] <= 1.5" --rate 20 --seconds 2 --hostile 200
timeout 900 "$bin/load" soak --quiet --rate 4 --seconds 20 --hold 9 --users 30 --register 8 --rest 2 --json "$work/soak.json" \
    >"$work/soak.txt" 2>&1 || { cat "$work/soak.txt"; fail "load soak"; }
python3 -c "import json, sys
r = json.load(open(sys.argv[1]))
assert all(c['begun'] > 3 for c in r['calls']) and r['transfers'] > 6 and r['sip_datagrams_lost'] > 0, r" "$work/soak.json"
sed -n 2,8p "$work/soak.txt"
"$bin/load" compare "$work/load-answered.json" "$work/load-bridged.json" >"$work/compare.txt"
grep -q "CPU seconds per 1,000" "$work/compare.txt" || fail "load compare"
