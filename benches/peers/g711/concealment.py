#!/usr/bin/env python3
"""PESQ (narrow band) of concealment beside plain repetition and Appendix I, over spoken prompts.

Optional: needs espeak-ng and sox, and `pip install numpy pesq`. Build the program first, then run from the root:

    cargo build --release -p g711
    python3 benches/peers/g711/concealment.py target/release/g711

Prompts in the folder given as the second argument (8 kHz mono, 16-bit raw, *.raw) are used instead of spoken ones.
"""

import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from pesq import pesq

FRAME = 160
SEEDS = range(3)
CONDITIONS = [("random", 1), ("random", 3), ("random", 5), ("random", 10), ("bursts of 3", 5), ("bursts of 3", 10)]
VOICES = ["en-us", "en-gb", "de", "ru", "fr-fr", "en-us+f3", "en-gb+m3", "es+f2", "it", "en-us+f5"]
SENTENCES = {
    "en": "Thank you for calling. All of our operators are busy. Please stay on the line, your call will be answered soon.",
    "de": "Willkommen bei der Telefonzentrale. Bitte warten Sie einen Augenblick, wir verbinden Sie sofort.",
    "ru": "Здравствуйте. Вы позвонили в нашу компанию. Пожалуйста, оставайтесь на линии, оператор скоро ответит.",
    "fr": "Bonjour et bienvenue. Toutes nos lignes sont actuellement occupées. Veuillez patienter quelques instants.",
    "es": "Gracias por su llamada. En este momento todos nuestros agentes están ocupados. Por favor, espere en línea.",
    "it": "Grazie per aver chiamato. Al momento tutti gli operatori sono occupati. Vi preghiamo di rimanere in linea.",
}


def prompts(folder):
    for number, voice in enumerate(VOICES):
        spoken, raw = folder / "spoken.wav", folder / f"prompt{number}.raw"
        subprocess.run(["espeak-ng", "-v", voice, "-w", spoken, SENTENCES[voice[:2]]], check=True)
        subprocess.run(
            ["sox", spoken, "-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-t", "raw", raw, "norm", "-5"],
            check=True,
        )
    return sorted(folder.glob("prompt*.raw"))


def pattern(kind, percent, frames, seed):
    """Marks of lost frames; the first frame always arrives."""
    draw = random.Random(seed)
    share = percent / 100
    lost = [False] * frames
    if kind == "random":
        lost = [draw.random() < share for _ in lost]
    else:
        at = 1
        while at < frames:
            if draw.random() < share / 3 / (1 - share + share / 3):
                lost[at:at + 3] = [True] * len(lost[at:at + 3])
                at += 4
            else:
                at += 1
    lost[0] = False
    return lost


def repetition(clean, lost):
    heard, last = clean.copy(), None
    for number, is_lost in enumerate(lost):
        frame = slice(number * FRAME, (number + 1) * FRAME)
        if is_lost and len(heard[frame]) == FRAME:
            heard[frame] = last
        elif not is_lost:
            last = heard[frame].copy()
    return heard


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = sorted(pathlib.Path(sys.argv[2]).glob("*.raw")) if len(sys.argv) > 2 else prompts(folder)
        print(f"{len(files)} prompts, {len(SEEDS)} patterns each, frames of 20 ms\n")
        print("| losses | repetition | Appendix I | two-sided |\n|---|---|---|---|")
        for kind, percent in CONDITIONS:
            scores = {"repetition": [], "appendix-i": [], "two-sided": []}
            for number, file in enumerate(files):
                codes, out, marks = folder / "codes", folder / "out.raw", folder / "marks"
                subprocess.run([program, "encode", "--law", "a", file, codes], check=True)
                subprocess.run([program, "decode", "--law", "a", codes, out], check=True)
                clean = numpy.fromfile(out, "<i2")
                for seed in SEEDS:
                    lost = pattern(kind, percent, -(-len(clean) // FRAME), f"{kind} {percent} {number} {seed}")
                    scores["repetition"].append(pesq(8000, clean, repetition(clean, lost), "nb"))
                    marks.write_text("".join("01"[is_lost] for is_lost in lost))
                    for mode in ["appendix-i", "two-sided"]:
                        subprocess.run(
                            [program, "plc", "--law", "a", "--loss", marks, "--mode", mode, codes, out],
                            check=True,
                            stderr=subprocess.DEVNULL,
                        )
                        scores[mode].append(pesq(8000, clean, numpy.fromfile(out, "<i2"), "nb"))
            means = [numpy.mean(values) for values in scores.values()]
            print(f"| {percent} %, {kind} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)


if __name__ == "__main__":
    main()
