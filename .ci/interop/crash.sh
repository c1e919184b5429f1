#!/usr/bin/env bash
# SIGKILL at a random moment under load, CRASHES times (3): ready again, whoever had registered over UDP is reached,
# whoever had over a connection is marked as gone, every call that was announced as ended has one record, and nothing is
# corrupt. How soon it is ready is said, and judged with READY_MS, which a machine at rest keeps at 1000.
source "$(dirname "$0")/../lib.sh" "$1"

crashes=${CRASHES:-3}
need sipp:sip-tester
RANDOM=${SEED:-1}
mapfile -t port < <(free_ports 3)
server=127.0.0.1:${port[0]}
cat >"$work/crash.toml" <<TOML
[listen]
udp = ["$server"]
tcp = ["$server"]

[[extension]]
number = "101"
password = "one-oh-one"

[[extension]]
number = "102"
password = "one-oh-two"

[[extension]]
number = "103"
password = "one-oh-three"

[[service]]
number = "600"
kind = "echo"

[[trunk]]
name = "uac"
address = "127.0.0.1:${port[1]}"
TOML
data=$work/crash-data
database=$data/office-pbx.sqlite

# start NAME: office-pbx; sets $ready to the milliseconds that it took.
start() {
    local begun now
    begun=$(date +%s%N)
    start_pbx "$1" --config "$work/crash.toml" --data "$data" --log info
    now=$(date +%s%N)
    ready=$(((now - begun) / 1000000))
    ((ready <= ${READY_MS:-ready})) || fail "ready after $ready ms"
}

# 103 registers over TCP, by hand, and keeps the connection as long as it lasts.
register_over_tcp() {
    # The last crash's is not this one's.
    : >"$1"
    python3 - "${port[0]}" >"$1" <<'PY' &
import hashlib, re, socket, sys
port = int(sys.argv[1])
link = socket.create_connection(("127.0.0.1", port))
own = link.getsockname()[1]
uri = "sip:127.0.0.1"
def send(number, more):
    link.sendall((f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{own};branch=z9hG4bK{own}{number}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:103@127.0.0.1>;tag=t{own}\r\nTo: <sip:103@127.0.0.1>\r\n"
        f"Call-ID: tcp{own}\r\nCSeq: {number} REGISTER\r\nContact: <sip:103@127.0.0.1:9;transport=tcp>\r\n"
        f"Expires: 600\r\n{more}Content-Length: 0\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = link.recv(4096)
        assert more, answer
        answer += more
    return answer.decode()
answer = send(1, "")
challenge = next(line for line in answer.splitlines() if line.startswith("WWW-Auth") and "MD5" in line)
nonce, realm = re.search('nonce="([^"]*)"', challenge)[1], re.search('realm="([^"]*)"', challenge)[1]
md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
response = md5(f"{md5(f'103:{realm}:one-oh-three')}:{nonce}:00000001:c:auth:{md5(f'REGISTER:{uri}')}")
answer = send(2, f'Authorization: Digest username="103",realm="{realm}",nonce="{nonce}",uri="{uri}",'
    f'response="{response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"\r\n')
print(answer.splitlines()[0], flush=True)
try:
    link.recv(4096)
except ConnectionError:
    pass
PY
    wait_for "$1" "200 OK" "$!"
}

announced=$work/crash-announced.txt
: >"$announced"
for ((n = 1; n <= crashes; n++)); do
    start "crash-$n-before"
    "$bin/softphone" answer --server "$server" --user 102 --password one-oh-two >"$work/crash-phone.txt" 2>&1 &
    phone=$!
    wait_for "$log" 'extension="102"' "$pbx"
    register_over_tcp "$work/crash-tcp.txt"
    sipp -sn uac -s 600 -i 127.0.0.1 -p "${port[1]}" -r 100 -l 400 -d 200 -nostdin "$server" \
        >"$work/crash-sipp.txt" 2>&1 &
    sipp=$!
    wait_for "$log" 'ended by the' "$pbx"
    sleep "0.$(printf %03d $((RANDOM % 1000)))"
    kill -9 "$pbx"
    wait "$pbx" 2>/dev/null || true
    stop "$sipp"
    sed -n '/ended by the/s/.*call=\([0-9]*\) .*/\1/p' "$log" >>"$announced"

    start "crash-$n-after"
    wait_for "$log" 'no longer registered.*extension="103"' "$pbx"
    "$bin/softphone" call 102 --server "$server" --user 101 --password one-oh-one --seconds 1 \
        >"$work/crash-call.txt" 2>&1 || { cat "$work/crash-call.txt"; fail "102 is not reached after crash $n"; }
    await "$phone" || { cat "$work/crash-phone.txt"; fail "the called softphone"; }
    stop_pbx
    sed -n '/ended by the/s/.*call=\([0-9]*\) .*/\1/p' "$log" >>"$announced"
    python3 - "$database" "$announced" <<'PY' || fail "after crash $n"
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the database is corrupt"
rows = [call for (call,) in database.execute("SELECT call FROM record")]
assert len(rows) == len(set(rows)), "a record is there twice"
announced = [int(line) for line in open(sys.argv[2])]
assert announced, "no call was announced"
assert len(announced) == len(set(announced)), "a call was announced twice, or its number given twice"
lost = set(announced) - set(rows)
assert not lost, f"announced calls without a record: {sorted(lost)[:10]}"
PY
    echo "crash $n: ready after $ready ms, $(wc -l <"$announced") calls announced so far, each with one record"
done
