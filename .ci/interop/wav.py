#!/usr/bin/env python3
"""Makes voices for tests, and says how alike two recordings are. Standard library only.

make FILE SEED            ten seconds of noise in bursts, which correlates with nothing else
compare A B LEAST         looks for parts of B within A; fails when none has LEAST correlation
"""

import array
import random
import sys
import wave


def make(path, seed):
    rng = random.Random(int(seed))
    samples, level = array.array("h"), 0.0
    for block in range(10 * 50):
        loud = rng.choice([300, 3000, 9000])
        for _ in range(160):
            # Low-passed noise: what a telephone line carries.
            level = 0.6 * level + 0.4 * rng.uniform(-1, 1)
            samples.append(int(level * loud))
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(samples.tobytes())


def read(path):
    with wave.open(path, "rb") as source:
        assert source.getframerate() == 8000, (path, source.getframerate())
        samples = array.array("h", source.readframes(source.getnframes()))
        return samples[:: source.getnchannels()]


def correlation(a, b):
    count = min(len(a), len(b))
    if count == 0:
        return 0.0
    a, b = a[:count], b[:count]
    ab = sum(x * y for x, y in zip(a, b))
    aa, bb = sum(x * x for x in a), sum(y * y for y in b)
    return ab / (aa * bb) ** 0.5 if aa and bb else 0.0


def compare(played, heard, least):
    a, b = read(played), read(heard)
    assert len(b) >= 16000, f"{heard} holds {len(b) / 8000:.1f} s only"
    # A fifth of a second of what was heard is looked for in what was played (which repeats): from the middle first,
    # where calls are quiet; then elsewhere, since a machine that did not get round to a packet has a gap there.
    best = (0.0, 0.0)
    for at in sorted(range(0, len(b) - PROBE, PROBE), key=lambda at: abs(at - len(b) // 2)):
        best = max(best, (found(a + a[:PROBE], b[at : at + PROBE]), at / 8000))
        if best[0] >= float(least):
            break
    print(f"{heard}: correlation {best[0]:.3f} at {best[1]:.1f} s")
    if best[0] < float(least):
        sys.exit(f"{heard} does not hold what {played} played")


# Long enough that no other place of the noise looks like it: those stay below 0.4.
PROBE = 1600


def found(a, probe):
    """How well the probe fits where it fits best."""
    # Energies of 10 ms blocks find the neighbourhood, samples the place.
    def blocks(x, offset=0):
        return [sum(s * s for s in x[i : i + 80]) for i in range(offset, len(x) - 79, 80)]

    coarse, eb = [], blocks(probe)
    for shift in range(0, 80, 8):
        ea = blocks(a, shift)
        for at in range(len(ea) - len(eb) + 1):
            coarse.append((correlation(ea[at : at + len(eb)], eb), at * 80 + shift))
    best = 0.0
    for _, at in sorted(coarse, reverse=True)[:12]:
        for place in range(max(0, at - 16), at + 17):
            best = max(best, correlation(a[place : place + len(probe)], probe))
    return best


{"make": make, "compare": compare}[sys.argv[1]](*sys.argv[2:])
