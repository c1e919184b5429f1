//! A hundred frames of G.711, by kernels named one by one: which of them is the best differs from
//! machine to machine. The first two are on every x86-64.

use std::hint::black_box;

use gungraun::prelude::*;
use trunkline_benches::g711::{self as jobs, Frame, frame};

/// One frame is done so quickly that calling for it would be a good part of its count.
const FRAMES: usize = 100;

#[library_benchmark]
#[bench::portable(frame("portable"))]
#[bench::sse2(frame("sse2"))]
#[bench::avx2(frame("avx2"))]
fn alaw_encode(mut frame: Frame) -> Frame {
    for _ in 0..FRAMES {
        jobs::alaw_encode(black_box(&mut frame));
    }
    frame
}

#[library_benchmark]
#[bench::portable(frame("portable"))]
#[bench::sse2(frame("sse2"))]
#[bench::avx2(frame("avx2"))]
fn ulaw_encode(mut frame: Frame) -> Frame {
    for _ in 0..FRAMES {
        jobs::ulaw_encode(black_box(&mut frame));
    }
    frame
}

#[library_benchmark]
#[bench::portable(frame("portable"))]
#[bench::sse2(frame("sse2"))]
#[bench::avx2(frame("avx2"))]
fn alaw_decode(mut frame: Frame) -> Frame {
    for _ in 0..FRAMES {
        jobs::alaw_decode(black_box(&mut frame));
    }
    frame
}

#[library_benchmark]
#[bench::portable(frame("portable"))]
#[bench::sse2(frame("sse2"))]
#[bench::avx2(frame("avx2"))]
fn ulaw_decode(mut frame: Frame) -> Frame {
    for _ in 0..FRAMES {
        jobs::ulaw_decode(black_box(&mut frame));
    }
    frame
}

library_benchmark_group!(
    name = g711,
    benchmarks = [alaw_encode, ulaw_encode, alaw_decode, ulaw_decode]
);
