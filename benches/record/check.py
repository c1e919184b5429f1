#!/usr/bin/env python3
"""Compares the instruction counts of the benches with the committed record.

    check.py                  run the benches and compare; fails when a count grew by more than 5 %
    check.py --write          run the benches and renew the record
    check.py --explain NAME   run the benches and show where the instructions of one of them went
    check.py --from DIR       take what an earlier run left (gungraun's home) instead of running

What is counted, and why that is the same on every machine, stands in ../README.md.
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WORKSPACE = HERE.parent.parent
RECORD = HERE / "instructions.json"
BENCH = "instructions"

LIMIT = 0.05
# Another compiler makes other instructions of the same source, which is nobody's fault.
LIMIT_OF_ANOTHER_COMPILER = 0.25

# Code that is chosen when the program runs by what the processor has: which it is, and so its length,
# depends on the machine. The calls to it are counted, it is not.
CHOSEN_AT_RUN_TIME = re.compile(
    r"memchr::arch::|std_detect::|ring_core_|sha2::|chacha20::|cpufeatures::"
)
# Rust's way to the allocator; what that does inside is libc's and not counted.
ALLOCATING = re.compile(r"__rdl_(alloc|alloc_zeroed|realloc)$")


class Profile:
    """What callgrind wrote about one bench (format: valgrind's manual, "Callgrind Format")."""

    def __init__(self, path):
        self.ours = collections.Counter()
        self.others = collections.Counter()
        # By function: its first instruction, and how often that was executed. Callgrind's own numbers of
        # calls include those before and after what is measured.
        entries = {}
        names = {}
        ours = function = None
        of_a_call = False

        def name(kind, text):
            # "(7) name" gives a name a number, "(7)" repeats it.
            match = re.fullmatch(r"\((\d+)\)(?: (.*))?", text)
            if not match:
                return text
            key = (kind, match[1])
            if match[2] is not None:
                names[key] = match[2]
            return names[key]

        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, equals, value = line.rstrip("\n").partition("=")
                if line.startswith("positions:") and line.split()[1] != "instr":
                    raise ValueError(f"{path}: was not written with --dump-instr=yes")
                elif line.startswith("events:") and line.split()[1] != "Ir":
                    raise ValueError(f"{path}: the first event is not Ir")
                elif equals and key == "ob":
                    obj = pathlib.PurePath(name("object", value)).name
                    ours = re.fullmatch(rf"{BENCH}-[0-9a-f]+", obj) is not None
                elif equals and key == "fn":
                    function = name("function", value)
                elif equals and key in ("cob", "cfn", "fl", "fi", "fe", "cfi", "cfl"):
                    kinds = {"cob": "object", "cfn": "function"}
                    name(kinds.get(key, "file"), value)
                elif equals and key == "calls":
                    # The next line repeats what the called function itself is charged with.
                    of_a_call = True
                elif line.startswith("0x"):
                    if not of_a_call:
                        address, _, count = line.split()[:3]
                        address, count = int(address, 16), int(count)
                        counted = ours and not CHOSEN_AT_RUN_TIME.search(function)
                        (self.ours if counted else self.others)[function] += count
                        if ALLOCATING.search(function):
                            entries[function] = min(
                                entries.get(function, (address, count)), (address, count)
                            )
                    of_a_call = False
                elif line[:1] in "+-*" or line[:1].isdigit():
                    raise ValueError(f"{path}: positions are relative; see --compress-pos")
        self.instructions = sum(self.ours.values())
        self.allocations = sum(count for _, count in entries.values())


def run(home):
    environment = dict(os.environ, GUNGRAUN_HOME=str(home), CARGO_TERM_COLOR="never")
    # Flags of the caller's would make another program than the one recorded.
    for variable in list(environment):
        if re.fullmatch(r"(CARGO_(ENCODED|BUILD)_)?RUSTFLAGS|CARGO_PROFILE_.*", variable):
            del environment[variable]
    command = ["cargo", "bench", "--locked", "-p", "trunkline-benches", "--bench", BENCH]
    ended = subprocess.run(
        command, cwd=WORKSPACE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if ended.returncode != 0:
        sys.stderr.buffer.write(ended.stdout)
        sys.exit(f"check.py: {' '.join(command)} failed")


def profiles(home):
    """The profiles below gungraun's home by name: group::function::case."""
    found = {}
    for path in sorted(home.glob(f"**/{BENCH}/*/*/callgrind.*.out")):
        function, _, case = path.parent.name.partition(".")
        found["::".join([path.parent.parent.name, function, case])] = Profile(path)
    if not found:
        sys.exit(f"check.py: no profiles below {home}")
    return found


def compiler():
    return subprocess.run(
        ["rustc", "--version"], cwd=WORKSPACE, check=True, capture_output=True, text=True
    ).stdout.strip()


def has_avx2():
    try:
        return " avx2 " in pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return True


def measured(found):
    """Counts by name, without those of kernels that this machine cannot run."""
    left_out = {name for name in found if name.endswith("::avx2") and not has_avx2()}
    counts = {
        name: {"instructions": profile.instructions, "allocations": profile.allocations}
        for name, profile in found.items()
        if name not in left_out
    }
    return counts, left_out


def write(counts, left_out):
    kept = {}
    if left_out:
        old = json.loads(RECORD.read_text())["benches"]
        kept = {name: old[name] for name in left_out if name in old}
    record = {"compiler": compiler(), "benches": {**counts, **kept}}
    text = json.dumps(record, indent=2)
    # One bench a line, so that a change of the record reads as a list of changes.
    text = re.sub(r"\{\s+(\"instructions\": \d+),\s+(\"allocations\": \d+)\s+\}", r"{ \1, \2 }", text)
    RECORD.write_text(text + "\n")
    print(f"wrote {len(record['benches'])} counts to {RECORD.relative_to(WORKSPACE)}")


def change(old, new):
    return (new - old) / old if old else float(new > 0)


def compare(counts, left_out):
    record = json.loads(RECORD.read_text())
    limit = LIMIT
    if record["compiler"] != compiler():
        limit = LIMIT_OF_ANOTHER_COMPILER
        print(f"The record is of {record['compiler']}, this is {compiler()}: only changes of more")
        print(f"than {limit:.0%} count. Renew the record with `{renewing()}`.\n")

    width = max(map(len, counts))
    print(f"{'':{width}}  instructions               allocations")
    print(f"{'bench':{width}}    record       now            record   now")
    grown, shrunk, unknown = [], [], []
    for name, now in counts.items():
        old = record["benches"].get(name)
        if old is None:
            unknown.append(name)
            verdict = "not in the record"
            old = {"instructions": 0, "allocations": 0}
            percent = "      "
        else:
            changes = [change(old[what], now[what]) for what in ("instructions", "allocations")]
            percent = f"{changes[0]:+6.1%}"
            verdict = ""
            if max(changes) > limit:
                grown.append(name)
                verdict = "GREW"
            elif min(changes) < -limit:
                shrunk.append(name)
                verdict = "shrank"
        line = (
            f"{name:{width}}  {old['instructions']:>8}  {now['instructions']:>8}  {percent}"
            f"  {old['allocations']:>6}  {now['allocations']:>6}  {verdict}"
        )
        print(line.rstrip())
    vanished = [name for name in record["benches"] if name not in counts and name not in left_out]
    for name in sorted(left_out):
        print(f"{name:{width}}  not on this machine")

    print()
    if grown:
        print(f"Grew by more than {limit:.0%}: {', '.join(grown)}.")
        print(f"See why: `python3 benches/record/check.py --explain {grown[0]}`.")
    if vanished:
        print(f"In the record but not measured: {', '.join(vanished)}.")
    if unknown:
        print(f"Measured but not in the record: {', '.join(unknown)}.")
    if shrunk:
        print(f"Shrank by more than {limit:.0%}: {', '.join(shrunk)}.")
    if grown or vanished or unknown or shrunk:
        print(f"If that is as it should be, renew the record with `{renewing()}` and commit it.")
    if grown or vanished or unknown:
        return 1
    print(f"{len(counts)} counts, none of them more than {limit:.0%} above the record.")
    return 0


def renewing():
    return "python3 benches/record/check.py --write"


def explain(found, wanted):
    chosen = [name for name in found if wanted in name]
    if not chosen:
        sys.exit(f"check.py: no bench is called {wanted}; there are: {', '.join(found)}")
    for name in chosen:
        profile = found[name]
        others = sum(profile.others.values())
        print(f"{name}: {profile.instructions} instructions, {profile.allocations} allocations")
        for function, count in profile.ours.most_common(40):
            print(f"{count:>9}  {count / profile.instructions:6.1%}  {function[:120]}")
        print(f"not counted, since it differs from machine to machine: {others}")
        for function, count in profile.others.most_common(12):
            print(f"{count:>9}          {function[:120]}")
        print()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--explain", metavar="NAME")
    parser.add_argument("--from", dest="home", metavar="DIR", type=pathlib.Path)
    arguments = parser.parse_args()

    if platform.machine() not in ("x86_64", "AMD64"):
        print(f"skipped: the record is of x86-64, this is {platform.machine()}")
        return 0
    if arguments.home:
        found = profiles(arguments.home)
    else:
        # A home of its own: what an earlier run left there would look like a bench of today's.
        with tempfile.TemporaryDirectory() as home:
            run(home)
            found = profiles(pathlib.Path(home))
    if arguments.explain:
        explain(found, arguments.explain)
        return 0
    counts, left_out = measured(found)
    if arguments.write:
        write(counts, left_out)
        return 0
    return compare(counts, left_out)


if __name__ == "__main__":
    sys.exit(main())
