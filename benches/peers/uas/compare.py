#!/usr/bin/env python3
"""Calls both servers with SIPp, turn about, and prints what each took.

    compare.py                    calls: CPU seconds a thousand calls
    compare.py --held             calls held: memory each

Options: --calls N, --rate N a second, --rounds N, --threads N, --drain SECONDS (waits that long after the last call,
so that the end of the transactions is counted, too), --count (counts instructions by `perf`, which itself takes time). The programs are built before: see README.md.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")) / "release"
PROGRAMS = ["trunkline-uas", "rsipstack-uas"]
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """One of the programs while it runs, on a port of its own choice."""

    def __init__(self, name, threads):
        self.process = subprocess.Popen(
            [TARGET / name, "127.0.0.1:0", str(threads)], stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        self.port = re.fullmatch(r"listening on \S+:(\d+)\n", line)[1]

    def cpu(self):
        """Seconds of user and system time so far, to the nanosecond; then the user's part, by the kernel's ticks."""
        place = pathlib.Path(f"/proc/{self.process.pid}")
        ran = sum(int(task.read_text().split()[0]) for task in place.glob("task/*/schedstat"))
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        return ran / 1e9, int(fields[11]) / TICK

    def count(self):
        """Counts instructions from now on."""
        command = ["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "-p", str(self.process.pid)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def memory(self):
        """Bytes of its own and its share of common pages (PSS)."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) * 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def sipp(server, calls, rate, *more):
    where = tempfile.mkdtemp()
    command = ["sipp", "-sn", "uac", "-i", "127.0.0.1", "-r", str(rate), "-m", str(calls), "-nostdin"]
    command += ["-l", str(calls + 1), *more, f"127.0.0.1:{server.port}"]
    with open(f"{where}/screen", "wb") as screen:
        process = subprocess.Popen(command, cwd=where, stdout=screen, stderr=subprocess.STDOUT)
    return process, where


def succeeded(where):
    """How many calls SIPp says went well, and how many messages it sent again."""
    screen = pathlib.Path(f"{where}/screen").read_text(errors="replace")
    calls = re.findall(r"Successful call +\| +\d+ +\| +(\d+)", screen)
    again = re.findall(r"(?:INVITE|BYE) ---------->\s+\d+\s+(\d+)", screen)
    shutil.rmtree(where)
    return int(calls[-1]) if calls else 0, sum(map(int, again[-2:]))


def call(name, options):
    with Server(name, options.threads) as server:
        # The first call makes what is made once.
        warm, where = sipp(server, 1, 1)
        warm.wait()
        succeeded(where)
        counter = server.count() if options.count else None
        before = server.cpu()
        run, where = sipp(server, options.calls, options.rate)
        run.wait()
        time.sleep(options.drain)
        took, user = (now - then for now, then in zip(server.cpu(), before))
        well, again = succeeded(where)
        if well != options.calls:
            sys.exit(f"{name}: {well} of {options.calls} calls succeeded")
        thousand = 1000 / options.calls
        text = f"{name:14}  {took * thousand:.3f} s a thousand calls, {user * thousand:.3f} of it the user's; {again} sent again"
        if counter:
            counter.send_signal(signal.SIGINT)
            counts = re.findall(r"^(\d+),", counter.communicate()[1], re.MULTILINE)
            if len(counts) == 2:
                own, kernel = (int(count) / options.calls / 1000 for count in counts)
                text += f"; {own:.0f} thousand instructions a call and {kernel:.0f} of the kernel"
        print(text, flush=True)
        return took * thousand


def hold(name, options):
    with Server(name, options.threads) as server:
        warm, where = sipp(server, 1, 1)
        warm.wait()
        succeeded(where)
        before = server.memory()
        run, where = sipp(server, options.calls, options.rate, "-d", "600000")
        try:
            time.sleep(options.calls / options.rate + 2)
            set_up = server.memory() - before
            # Until the transactions of the INVITEs are over.
            time.sleep(max(options.drain, 34))
            held = server.memory() - before
        finally:
            run.kill()
            run.wait()
            shutil.rmtree(where)
        each = [bytes / options.calls / 1024 for bytes in (set_up, held)]
        print(f"{name:14}  {each[0]:.2f} KiB a call at first, {each[1]:.2f} KiB when its INVITE is over", flush=True)
        return each[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--drain", type=float, default=0)
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    if not shutil.which("sipp"):
        sys.exit("skipped: there is no sipp")
    measure = hold if options.held else call
    took = {name: [] for name in PROGRAMS}
    for number in range(options.rounds):
        # Who goes first in one round goes last in the next.
        for name in PROGRAMS if number % 2 == 0 else reversed(PROGRAMS):
            took[name].append(measure(name, options))
    for what, of in (("median", statistics.median), ("least", min)):
        ours, theirs = (of(took[name]) for name in PROGRAMS)
        print(f"{PROGRAMS[0]} takes {ours / theirs:.2f} times what {PROGRAMS[1]} does ({what} of {options.rounds} each)")


if __name__ == "__main__":
    main()
