# Shared by the scripts of .ci/interop and .ci/examples: `source .ci/lib.sh WORKDIR`.
# shellcheck shell=bash
set -euo pipefail
# Patterns, sorting and decimal points are the same for everybody.
export LC_ALL=C

# What is waited for comes at once on a machine at rest; any other gets so many seconds, each time.
patience=${PATIENCE:-120}
bin=${CARGO_TARGET_DIR:-target}/release

# A folder of the script's own: what another one, or an earlier run, has left there is never taken for its own.
work=$(realpath -e -- "${1:?a folder to work in}")
work+=/$(basename "$0" .sh)
rm -rf "$work"
mkdir "$work"

cleanup() {
    local left n
    mapfile -t left < <(jobs -pr)
    ((${#left[@]})) || return 0
    # Some have children, which they end themselves when they are asked to.
    kill -TERM "${left[@]}" 2>/dev/null || true
    for ((n = 0; n < 50; n++)); do
        mapfile -t left < <(jobs -pr)
        ((${#left[@]})) || return 0
        sleep 0.1
    done
    kill -KILL "${left[@]}" 2>/dev/null || true
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# need COMMAND:PACKAGE…: installs what is not there.
need() {
    local pair missing=()
    for pair; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    ((${#missing[@]} == 0)) || bash .ci/apt.sh "${missing[@]}"
}

# The example programs of sip-core, with all its transports: sets $examples to their folder.
build_sip_examples() {
    examples=${EXAMPLES:-}
    [ -z "$examples" ] || return 0
    cargo build --quiet --release --locked -p trunkline-sip-core --features tls,ws --examples
    examples=$bin/examples
}

# free_ports COUNT: even ports that nobody uses, as the ones after them, one a line. Nobody gets them by chance before
# they are bound: they are not of those that the system gives to whoever asks for any port, nor of those that
# office-pbx (from 16384 on) and start_baresip (to 9998) use for RTP.
free_ports() {
    python3 - "$1" <<'PY'
import random, socket, sys
try:
    low, high = map(int, open("/proc/sys/net/ipv4/ip_local_port_range").read().split())
except OSError:
    low, high = 32768, 60999
own = range(10_000, 16_384, 2)
candidates = [port for port in own if not low - 1 <= port <= high] or list(own)
random.SystemRandom().shuffle(candidates)

def is_free(kind, port):
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

free = (port for port in candidates if all(
    is_free(kind, number) for number in (port, port + 1) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)))
for _ in range(int(sys.argv[1])):
    print(next(free))
PY
}

# wait_for FILE PATTERN [PROCESS [COUNT]]: until so many lines (1) of the file match. PROCESS, if given, writes them: when
# it has ended none will come.
wait_for() {
    local until=$((SECONDS + patience)) count=${4:-1} writes=yes found
    while [ "$writes" ] && ((SECONDS < until)); do
        # Asked before the last look: what it has written until its end counts.
        if [ -n "${3:-}" ] && ! kill -0 "$3" 2>/dev/null; then writes=; fi
        found=$(grep -c -- "$2" "$1" 2>/dev/null) || true
        if ((found >= count)); then return 0; fi
        [ -z "$writes" ] || sleep 0.1
    done
    [[ $1 == /proc/* ]] || tail -n 30 "$1" >&2 || true
    fail "'$2' did not appear in $1${writes:+ within $patience s}"
}

# wait_port udp|tcp PORT [PROCESS]: until somebody has it.
wait_port() {
    local state=07
    [ "$1" = udp ] || state=0A
    wait_for "/proc/net/$1" "$(printf ':%04X 00000000:0000 %s' "$2" "$state")" "${3:-}"
}

# await PROCESS: its status, when it has ended by itself.
await() {
    local until=$((SECONDS + patience))
    while kill -0 "$1" 2>/dev/null; do
        ((SECONDS < until)) || fail "a process does not end: $(tr '\0' ' ' <"/proc/$1/cmdline")"
        sleep 0.1
    done
    wait "$1"
}

# stop PROCESS: asks it to end, and waits until it has, with whatever status.
stop() {
    kill -TERM "$1" 2>/dev/null || true
    await "$1" || true
}

# start_pbx NAME ARGUMENTS…: office-pbx in the background, until it listens. Sets $pbx and $log.
start_pbx() {
    log=$work/$1.log
    shift
    # Before it starts: a log of the same name is not to be taken for this one's.
    : >"$log"
    "$bin/office-pbx" "$@" >"$log" 2>&1 &
    pbx=$!
    wait_for "$log" "Ctrl-C stops it" "$pbx"
}

stop_pbx() {
    kill -TERM "$pbx"
    await "$pbx" || fail "office-pbx ended with an error: $(tail -n 3 "$log")"
    grep -q "entries are durable" "$log" || fail "office-pbx did not say goodbye: $(tail -n 3 "$log")"
}

# query DATABASE SQL: the rows, with | between the columns.
query() {
    python3 - "$1" "$2" <<'PY'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1], timeout=60).execute(sys.argv[2]):
    print("|".join("" if value is None else str(value) for value in row))
PY
}

# ask_sipsak ARGUMENTS…: sipsak, which does not ask the network for this machine's name.
ask_sipsak() {
    timeout "$patience" sipsak -H 127.0.0.1 "$@"
}

# authority NAME: a key and certificate of that name, to sign others with.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.pem" 2>"$work/openssl.txt" || { cat "$work/openssl.txt"; fail "authority $1"; }
}

# certificate AUTHORITY NAME SUBJECT-ALT-NAME: a key and certificate of that name.
certificate() {
    local file=$work/$2
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$file.key" \
            -out "$file.csr" &&
            openssl x509 -req -in "$file.csr" -CA "$work/$1.pem" -CAkey "$work/$1.key" -CAcreateserial -days 2 \
                -extfile <(echo "subjectAltName=$3") -out "$file.pem"
    } 2>"$work/openssl.txt" || { cat "$work/openssl.txt"; fail "certificate $2"; }
}

# start_baresip NAME SERVER PASSWORD SOUND [LINE…]: baresip as 101 at HOST:PORT;transport=…, with further lines of its
# configuration; what it says is SOUND. Sets $baresip, its process, and $home, its folder, which its configuration calls
# ".": paths in there may have no spaces.
start_baresip() {
    home=$work/baresip-$1
    local server=$2 password=$3 sound=$4 modules
    shift 4
    need baresip:baresip-core
    modules=$(dirname "$(dpkg -L baresip-core | grep '/g711.so$')")
    control=$(free_ports 1)
    mkdir "$home"
    ln -s "$sound" "$home/sound.wav"
    printf '%s\n' "module_path $modules" "module g711.so" "module aufile.so" "module aubridge.so" \
        "module_tmp account.so" "module_app menu.so" "module_app ctrl_tcp.so" "ctrl_tcp_listen 127.0.0.1:$control" \
        "audio_source aufile,sound.wav" "audio_player aubridge,nowhere" "audio_alert aubridge,nowhere" \
        "sip_listen 127.0.0.1:0" "net_interface 127.0.0.1" "rtp_ports 6000-9998" "$@" >"$home/config"
    echo "<sip:101@$server>;auth_pass=$password;answermode=manual;audio_codecs=PCMA" >"$home/accounts"
    : >"$home/contacts"
    : >"$home/log"
    (cd "$home" && exec baresip -4 -f .) >"$home/log" 2>&1 &
    baresip=$!
}

# tell_baresip STEP…: see ctrl.py.
tell_baresip() {
    python3 .ci/interop/ctrl.py "$control" "$patience" "$@" || { tail -n 30 "$home/log"; fail "baresip: $*"; }
}
