//! The audio helpers on vectors. Gain, level and the search for the pitch are the portable code compiled for more instructions; mixing
//! is written out, since no compiler finds that a multiplication by one is the fastest sum.

use core::arch::x86_64::*;

use crate::audio::{self, Sums};
use crate::plc::{Match, Search};

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

#[target_feature(enable = "avx2")]
pub(super) fn find_pitch_avx2(search: Search, past: &[i16]) -> Match {
    search.run(past)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn find_pitch_avx512(search: Search, past: &[i16]) -> Match {
    search.run(past)
}

/// Mixes with SSE2: pairs of streams are interleaved, so that multiplying by one and adding neighbours gives
/// their exact sum.
#[target_feature(enable = "sse2")]
pub(super) fn mix_sse2(streams: &[&[i16]], out: &mut [i16]) {
    let one = _mm_set1_epi16(1);
    let (blocks, rest) = out.as_chunks_mut::<32>();
    let mut at = 0;
    for block in blocks {
        let mut low = [_mm_setzero_si128(); 4];
        let mut high = [_mm_setzero_si128(); 4];
        let (pairs, single) = streams.as_chunks::<2>();
        let mut add = |first: &[i16; 32], second: &[i16; 32]| {
            for (index, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
                let (first, second) = (load_128(first, index), load_128(second, index));
                let sums = _mm_madd_epi16(_mm_unpacklo_epi16(first, second), one);
                *low = _mm_add_epi32(*low, sums);
                let sums = _mm_madd_epi16(_mm_unpackhi_epi16(first, second), one);
                *high = _mm_add_epi32(*high, sums);
            }
        };
        for [first, second] in pairs {
            let mut copies = [[0; 32]; 2];
            let [first_copy, second_copy] = &mut copies;
            add(part(first, at, first_copy), part(second, at, second_copy));
        }
        if let [stream] = single {
            add(part(stream, at, &mut [0; 32]), &[0; 32]);
        }
        for (index, (low, high)) in low.into_iter().zip(high).enumerate() {
            store_128(block, index, _mm_packs_epi32(low, high));
        }
        at += 32;
    }
    audio::add_up_from(streams, at, rest);
}

/// Mixes with AVX2 in the same way.
#[target_feature(enable = "avx2")]
pub(super) fn mix_avx2(streams: &[&[i16]], out: &mut [i16]) {
    let one = _mm256_set1_epi16(1);
    let (blocks, rest) = out.as_chunks_mut::<32>();
    let mut at = 0;
    for block in blocks {
        let mut low = [_mm256_setzero_si256(); 2];
        let mut high = [_mm256_setzero_si256(); 2];
        let (pairs, single) = streams.as_chunks::<2>();
        let mut add = |first: &[i16; 32], second: &[i16; 32]| {
            for (index, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
                let (first, second) = (load_256(first, index), load_256(second, index));
                let sums = _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), one);
                *low = _mm256_add_epi32(*low, sums);
                let sums = _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), one);
                *high = _mm256_add_epi32(*high, sums);
            }
        };
        for [first, second] in pairs {
            let mut copies = [[0; 32]; 2];
            let [first_copy, second_copy] = &mut copies;
            add(part(first, at, first_copy), part(second, at, second_copy));
        }
        if let [stream] = single {
            add(part(stream, at, &mut [0; 32]), &[0; 32]);
        }
        for (index, (low, high)) in low.into_iter().zip(high).enumerate() {
            store_256(block, index, _mm256_packs_epi32(low, high));
        }
        at += 32;
    }
    audio::add_up_from(streams, at, rest);
}

/// The 32 samples from `at` on: in the stream itself, or copied and followed by silence when it ends before.
#[inline]
fn part<'a>(stream: &'a [i16], at: usize, copy: &'a mut [i16; 32]) -> &'a [i16; 32] {
    let rest = stream.get(at..).unwrap_or_default();
    if let Some(samples) = rest.first_chunk() {
        return samples;
    }
    for (to, from) in copy.iter_mut().zip(rest) {
        *to = *from;
    }
    copy
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_128(samples: &[i16; 32], index: usize) -> __m128i {
    let (vectors, _) = samples.as_chunks::<8>();
    // SAFETY: 8 samples are a vector; the load needs no alignment.
    unsafe { _mm_loadu_si128(vectors[index & 3].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_128(samples: &mut [i16; 32], index: usize, vector: __m128i) {
    let (vectors, _) = samples.as_chunks_mut::<8>();
    // SAFETY: 8 samples are a vector; the store needs no alignment.
    unsafe { _mm_storeu_si128(vectors[index & 3].as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_256(samples: &[i16; 32], index: usize) -> __m256i {
    let (vectors, _) = samples.as_chunks::<16>();
    // SAFETY: 16 samples are a vector; the load needs no alignment.
    unsafe { _mm256_loadu_si256(vectors[index & 1].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_256(samples: &mut [i16; 32], index: usize, vector: __m256i) {
    let (vectors, _) = samples.as_chunks_mut::<16>();
    // SAFETY: 16 samples are a vector; the store needs no alignment.
    unsafe { _mm256_storeu_si256(vectors[index & 1].as_mut_ptr().cast(), vector) }
}

/// Samples in a vector of 512 bits.
const LANES: usize = 32;
/// Vectors in a frame of 20 ms, whose sums all stay in registers.
const FRAME: usize = 5;

/// Mixes with AVX-512, where the multiplication adds to the sum as well.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn mix_avx512(streams: &[&[i16]], out: &mut [i16]) {
    let (frames, rest) = out.as_chunks_mut::<{ FRAME * LANES }>();
    let mut at = 0;
    for frame in frames {
        mix_frame(streams, at, frame);
        at += frame.len();
    }
    for block in rest.chunks_mut(LANES) {
        let mut sums = Sums512::zero();
        let (pairs, single) = streams.as_chunks::<2>();
        for [first, second] in pairs {
            sums.add(load_some(first, at), load_some(second, at));
        }
        if let [stream] = single {
            sums.add(load_some(stream, at), _mm512_setzero_si512());
        }
        let mask = first_lanes(block.len());
        // SAFETY: lanes beyond the slice are masked, and masked lanes are not written.
        unsafe { _mm512_mask_storeu_epi16(block.as_mut_ptr(), mask, sums.saturated()) }
        at += block.len();
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn mix_frame(streams: &[&[i16]], at: usize, out: &mut [i16; FRAME * LANES]) {
    let mut sums = [Sums512::zero(); FRAME];
    let (pairs, single) = streams.as_chunks::<2>();
    for [first, second] in pairs {
        let whole = |stream: &[i16]| -> Option<[__m512i; FRAME]> {
            Some(load_frame(stream.get(at..)?.first_chunk()?))
        };
        if let (Some(first), Some(second)) = (whole(first), whole(second)) {
            for ((sums, first), second) in sums.iter_mut().zip(first).zip(second) {
                sums.add(first, second);
            }
        } else {
            for (index, sums) in sums.iter_mut().enumerate() {
                let at = at + index * LANES;
                sums.add(load_some(first, at), load_some(second, at));
            }
        }
    }
    if let [stream] = single {
        for (index, sums) in sums.iter_mut().enumerate() {
            sums.add(load_some(stream, at + index * LANES), _mm512_setzero_si512());
        }
    }
    for (sums, out) in sums.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // SAFETY: 32 samples are a vector; the store needs no alignment.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sums.saturated()) }
    }
}

/// The sums of 32 samples, in the order that interleaving leaves and packing undoes.
#[derive(Clone, Copy)]
struct Sums512 {
    low: __m512i,
    high: __m512i,
}

impl Sums512 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn zero() -> Self {
        Self { low: _mm512_setzero_si512(), high: _mm512_setzero_si512() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn add(&mut self, first: __m512i, second: __m512i) {
        let one = _mm512_set1_epi16(1);
        self.low = _mm512_dpwssd_epi32(self.low, _mm512_unpacklo_epi16(first, second), one);
        self.high = _mm512_dpwssd_epi32(self.high, _mm512_unpackhi_epi16(first, second), one);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn saturated(&self) -> __m512i {
        _mm512_packs_epi32(self.low, self.high)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_frame(samples: &[i16; FRAME * LANES]) -> [__m512i; FRAME] {
    let at = samples.as_ptr();
    // SAFETY: 160 samples are five vectors; the loads need no alignment.
    unsafe { [0, 1, 2, 3, 4].map(|index| _mm512_loadu_si512(at.add(index * LANES).cast())) }
}

/// A vector of samples from `at` on; silence beyond their end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_some(samples: &[i16], at: usize) -> __m512i {
    let samples = samples.get(at..).unwrap_or_default();
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not read.
    unsafe { _mm512_maskz_loadu_epi16(first_lanes(samples.len()), samples.as_ptr()) }
}

fn first_lanes(count: usize) -> u32 {
    if count >= LANES { u32::MAX } else { (1 << count) - 1 }
}
