//! A frame of G.711, by kernels named one by one: which of them is the best differs from machine to
//! machine. The first two are on every x86-64.

use std::hint::black_box;

use gungraun::prelude::*;
use trunkline_benches::g711::{self as jobs, Frame, frame};
use trunkline_benches::warm;

#[library_benchmark]
#[bench::portable(warm(|| frame("portable"), jobs::alaw_encode))]
#[bench::sse2(warm(|| frame("sse2"), jobs::alaw_encode))]
#[bench::avx2(warm(|| frame("avx2"), jobs::alaw_encode))]
fn alaw_encode(frame: Frame) -> Frame {
    jobs::alaw_encode(black_box(frame))
}

#[library_benchmark]
#[bench::portable(warm(|| frame("portable"), jobs::ulaw_encode))]
#[bench::sse2(warm(|| frame("sse2"), jobs::ulaw_encode))]
#[bench::avx2(warm(|| frame("avx2"), jobs::ulaw_encode))]
fn ulaw_encode(frame: Frame) -> Frame {
    jobs::ulaw_encode(black_box(frame))
}

#[library_benchmark]
#[bench::portable(warm(|| frame("portable"), jobs::alaw_decode))]
#[bench::sse2(warm(|| frame("sse2"), jobs::alaw_decode))]
#[bench::avx2(warm(|| frame("avx2"), jobs::alaw_decode))]
fn alaw_decode(frame: Frame) -> Frame {
    jobs::alaw_decode(black_box(frame))
}

#[library_benchmark]
#[bench::portable(warm(|| frame("portable"), jobs::ulaw_decode))]
#[bench::sse2(warm(|| frame("sse2"), jobs::ulaw_decode))]
#[bench::avx2(warm(|| frame("avx2"), jobs::ulaw_decode))]
fn ulaw_decode(frame: Frame) -> Frame {
    jobs::ulaw_decode(black_box(frame))
}

library_benchmark_group!(
    name = g711,
    benchmarks = [alaw_encode, ulaw_encode, alaw_decode, ulaw_decode]
);
