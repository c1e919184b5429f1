//! The audio helpers on wider vectors. Gain and level are the portable code compiled for more instructions;
//! mixing with AVX-512 multiplies two streams by one and adds them up in a single instruction.

use core::arch::x86_64::*;

use crate::audio::{self, Sums};

#[target_feature(enable = "avx2")]
pub(super) fn mix_avx2(streams: &[&[i16]], out: &mut [i16]) {
    audio::add_up(streams, out);
}

#[target_feature(enable = "avx2")]
pub(super) fn scale_avx2(samples: &mut [i16], factor: f32) {
    audio::scale(samples, factor);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn scale_avx512(samples: &mut [i16], factor: f32) {
    audio::scale(samples, factor);
}

#[target_feature(enable = "avx2")]
pub(super) fn level_avx2(samples: &[i16]) -> Sums {
    Sums::over(samples)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn level_avx512(samples: &[i16]) -> Sums {
    Sums::over(samples)
}

/// Samples in a vector.
const LANES: usize = 32;

/// Mixes; five vectors at a time are a frame of 20 ms.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn mix_avx512(streams: &[&[i16]], out: &mut [i16]) {
    let (frames, rest) = out.as_chunks_mut::<{ 5 * LANES }>();
    let mut at = 0;
    for frame in frames {
        mix_block::<5>(streams, at, frame);
        at += frame.len();
    }
    for block in rest.chunks_mut(LANES) {
        mix_block::<1>(streams, at, block);
        at += block.len();
    }
}

/// Mixes the samples from `at` on into a block of at most `VECTORS` vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn mix_block<const VECTORS: usize>(streams: &[&[i16]], at: usize, out: &mut [i16]) {
    let one = _mm512_set1_epi16(1);
    let zero = _mm512_setzero_si512();
    let mut low = [zero; VECTORS];
    let mut high = [zero; VECTORS];
    let (pairs, single) = streams.as_chunks::<2>();
    for [first, second] in pairs {
        let first = first.get(at..).unwrap_or_default();
        let second = second.get(at..).unwrap_or_default();
        for vector in 0..VECTORS {
            let first = load(first, vector * LANES);
            let second = load(second, vector * LANES);
            low[vector] =
                _mm512_dpwssd_epi32(low[vector], _mm512_unpacklo_epi16(first, second), one);
            high[vector] =
                _mm512_dpwssd_epi32(high[vector], _mm512_unpackhi_epi16(first, second), one);
        }
    }
    if let [stream] = single {
        let stream = stream.get(at..).unwrap_or_default();
        for vector in 0..VECTORS {
            let samples = load(stream, vector * LANES);
            low[vector] =
                _mm512_dpwssd_epi32(low[vector], _mm512_unpacklo_epi16(samples, zero), one);
            high[vector] =
                _mm512_dpwssd_epi32(high[vector], _mm512_unpackhi_epi16(samples, zero), one);
        }
    }
    for ((low, high), out) in low.into_iter().zip(high).zip(out.chunks_mut(LANES)) {
        let mixed = _mm512_packs_epi32(low, high);
        let mask = first_lanes(out.len());
        // SAFETY: lanes beyond the slice are masked, and masked lanes are not written.
        unsafe { _mm512_mask_storeu_epi16(out.as_mut_ptr(), mask, mixed) }
    }
}

/// A vector of samples from `at` on; silence beyond their end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(samples: &[i16], at: usize) -> __m512i {
    let samples = samples.get(at..).unwrap_or_default();
    if samples.len() >= LANES {
        // SAFETY: 32 samples are a vector; the load needs no alignment.
        return unsafe { _mm512_loadu_si512(samples.as_ptr().cast()) };
    }
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not read.
    unsafe { _mm512_maskz_loadu_epi16(first_lanes(samples.len()), samples.as_ptr()) }
}

fn first_lanes(count: usize) -> u32 {
    if count >= LANES { u32::MAX } else { (1 << count) - 1 }
}
