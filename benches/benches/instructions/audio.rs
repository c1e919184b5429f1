//! Digits and tones in audio.

use std::hint::black_box;

use gungraun::prelude::*;
use rtp_core::dtmf::Generator;
use rtp_core::tone::ToneGenerator;
use trunkline_benches::dtmf::{self as jobs, Audio};
use trunkline_benches::warm;

#[library_benchmark]
#[bench::digits(warm(jobs::digits, jobs::detect))]
#[bench::held_digit(warm(jobs::held_digit, jobs::detect))]
#[bench::voice(warm(jobs::voice, jobs::detect))]
fn detect(audio: Audio) -> (Audio, usize) {
    jobs::detect(black_box(audio))
}

#[library_benchmark]
#[bench::digit(warm(jobs::generator, jobs::generate))]
fn generate(input: (Generator, Audio)) -> Audio {
    jobs::generate(black_box(input))
}

#[library_benchmark]
#[bench::dial(warm(jobs::dial_tone, jobs::sound))]
fn tone(input: (ToneGenerator, Audio)) -> Audio {
    jobs::sound(black_box(input))
}

library_benchmark_group!(name = dtmf, benchmarks = [detect, generate, tone]);
