//! The jitter buffer.

use std::hint::black_box;

use gungraun::prelude::*;
use trunkline_benches::jitter::{self as jobs, Stream};
use trunkline_benches::warm;

#[library_benchmark]
#[bench::adaptive(warm(jobs::adaptive, jobs::push_and_pull))]
#[bench::fixed(warm(jobs::fixed, jobs::push_and_pull))]
fn push_and_pull(stream: Stream) -> (Stream, u32) {
    jobs::push_and_pull(black_box(stream))
}

#[library_benchmark]
#[bench::adaptive(warm(jobs::adaptive, jobs::play))]
fn play(stream: Stream) -> (Stream, u32) {
    jobs::play(black_box(stream))
}

library_benchmark_group!(name = jitter, benchmarks = [push_and_pull, play]);
