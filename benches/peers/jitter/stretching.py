#!/usr/bin/env python3
"""PESQ (narrow band) of speech made 10 % longer and shorter, beside an offline WSOLA of the same.

Optional: needs espeak-ng and sox, and `pip install numpy pesq`. From the root:

    cargo build --release --manifest-path benches/peers/jitter/Cargo.toml
    python3 benches/peers/jitter/stretching.py benches/peers/jitter/target/release/stretch

Prompts in the folder given as the second argument (8 kHz mono, 16-bit raw, *.raw) are used instead of spoken ones.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy
from pesq import pesq

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "g711"))

WINDOW, HOP, REACH = 240, 120, 80  # 30 ms, half of it, 10 ms either way


def wsola(sound, ratio):
    """Waveform similarity overlap-add (Verhelst and Roelands, 1993): sees the whole recording and searches everywhere."""
    length = int(len(sound) * ratio)
    padded = numpy.concatenate([numpy.zeros(REACH + WINDOW), sound.astype(float), numpy.zeros(2 * WINDOW + REACH)])
    fade = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * (numpy.arange(WINDOW) + 0.5) / WINDOW)
    out, weight = numpy.zeros(length + 2 * WINDOW), numpy.full(length + 2 * WINDOW, 1e-9)
    at = REACH + WINDOW  # where the last piece was taken from
    for start in range(0, length, HOP):
        if start:
            wanted = padded[at + HOP:at + HOP + WINDOW]  # what would follow naturally
            middle = REACH + WINDOW + int(start / ratio)
            span = padded[middle - REACH:middle + REACH + WINDOW]
            products = numpy.correlate(span, wanted, "valid")
            energies = numpy.convolve(span * span, numpy.ones(WINDOW), "valid")
            at = middle - REACH + int(numpy.argmax(products / numpy.sqrt(energies + 1e3)))
        piece = padded[at:at + WINDOW]
        if len(piece) < WINDOW:
            break
        out[start:start + WINDOW] += piece * fade
        weight[start:start + WINDOW] += fade
    return numpy.clip(out[:length] / weight[:length], -32768, 32767).astype("<i2")


def main():
    program = sys.argv[1]

    def ours(sound, percent):
        done = subprocess.run([program, str(percent)], input=sound.astype("<i2").tobytes(), capture_output=True, check=True)
        return numpy.frombuffer(done.stdout, "<i2")

    with tempfile.TemporaryDirectory() as name:
        if len(sys.argv) > 2:
            files = sorted(pathlib.Path(sys.argv[2]).glob("*.raw"))
        else:
            from concealment import prompts

            files = prompts(pathlib.Path(name))
        sounds = [numpy.fromfile(file, "<i2") for file in files]
    print(f"{len(sounds)} prompts\n")
    print("| | reached | ours, heard against WSOLA | there and back: ours | there and back: WSOLA |\n|---|---|---|---|---|")
    for percent, back in [(10, -9), (-10, 11)]:
        reached, beside, returned, returned_wsola = [], [], [], []
        for sound in sounds:
            stretched = ours(sound, percent)
            ratio = len(stretched) / len(sound)
            reference = wsola(sound, ratio)
            reached.append(100 * (ratio - 1))
            beside.append(pesq(8000, reference, stretched, "nb"))
            returned.append(pesq(8000, sound, ours(stretched, back), "nb"))
            returned_wsola.append(pesq(8000, sound, wsola(reference, 1 / ratio), "nb"))
        means = [numpy.mean(scores) for scores in (beside, returned, returned_wsola)]
        print(f"| {percent:+} % | {numpy.mean(reached):+.1f} % | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")


if __name__ == "__main__":
    main()
