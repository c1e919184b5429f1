//! 256-bit kernels.
//!
//! Encoding: the exponent and the four highest mantissa bits of a float conversion are the code. Decoding: a
//! byte multiplication of a mantissa by a signed power of two, both looked up by nibble.

use core::arch::x86_64::*;

use super::sse;
use super::tables::{self, NibbleTable};

/// Exponent and mantissa of 128 as they stand in the high bits of a float.
const BITS_OF_128: i16 = (127 + 7) << 4;
/// What 16 more binary places add to them.
const BITS_OF_16_PLACES: i16 = 16 << 4;

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<32>(), codes.last_chunk_mut::<32>())
    else {
        return sse::alaw_encode(pcm, codes);
    };
    store_bytes(last_codes, alaw_codes(load_words(last)));
    for (block, codes) in pcm.as_chunks::<32>().0.iter().zip(codes.as_chunks_mut::<32>().0) {
        store_bytes(codes, alaw_codes(load_words(block)));
    }
}

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<32>(), codes.last_chunk_mut::<32>())
    else {
        return sse::ulaw_encode(pcm, codes);
    };
    store_bytes(last_codes, ulaw_codes(load_words(last)));
    for (block, codes) in pcm.as_chunks::<32>().0.iter().zip(codes.as_chunks_mut::<32>().0) {
        store_bytes(codes, ulaw_codes(load_words(block)));
    }
}

/// Decodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn alaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let (Some(last), Some(last_pcm)) = (codes.last_chunk::<32>(), pcm.last_chunk_mut::<32>())
    else {
        return sse::alaw_decode(codes, pcm);
    };
    let table = Nibbles::load(&tables::ALAW_NIBBLES);
    store_words(last_pcm, table.products(load_bytes(last)));
    for (block, pcm) in codes.as_chunks::<32>().0.iter().zip(pcm.as_chunks_mut::<32>().0) {
        store_words(pcm, table.products(load_bytes(block)));
    }
}

/// Decodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn ulaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let (Some(last), Some(last_pcm)) = (codes.last_chunk::<32>(), pcm.last_chunk_mut::<32>())
    else {
        return sse::ulaw_decode(codes, pcm);
    };
    let table = Nibbles::load(&tables::ULAW_NIBBLES);
    store_words(last_pcm, without_bias(table.products(load_bytes(last))));
    for (block, pcm) in codes.as_chunks::<32>().0.iter().zip(pcm.as_chunks_mut::<32>().0) {
        store_words(pcm, without_bias(table.products(load_bytes(block))));
    }
}

type Pair = (__m256i, __m256i);

#[inline]
#[target_feature(enable = "avx2")]
fn alaw_codes(samples: Pair) -> __m256i {
    let magnitudes = (magnitude(samples.0), magnitude(samples.1));
    // Below segment 1 the conversion is held at 255, the last code of segment 0, and the linear part counts
    // down from there; above, the linear part is held at its end.
    let floor = _mm256_set1_epi16(255);
    let base = odd_words_differ(BITS_OF_128 + 15);
    let exponents = _mm256_packus_epi16(
        _mm256_sub_epi16(float_bits(_mm256_max_epi16(magnitudes.0, floor)), base),
        _mm256_sub_epi16(float_bits(_mm256_max_epi16(magnitudes.1, floor)), base),
    );
    let linear = _mm256_srli_epi16::<4>(_mm256_packus_epi16(magnitudes.0, magnitudes.1));
    let code = _mm256_add_epi8(exponents, _mm256_and_si256(linear, _mm256_set1_epi8(15)));
    let inverted = _mm256_xor_si256(code, _mm256_set1_epi8(0x55));
    in_order(_mm256_or_si256(inverted, positive_bits(samples)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn ulaw_codes(samples: Pair) -> __m256i {
    let bias = _mm256_set1_epi16(132);
    // Subtracting from the highest code inverts the code on the way.
    let top = odd_words_differ(BITS_OF_128 + 127);
    let first = float_bits(_mm256_adds_epi16(magnitude(samples.0), bias));
    let second = float_bits(_mm256_adds_epi16(magnitude(samples.1), bias));
    let code = _mm256_packus_epi16(_mm256_sub_epi16(top, first), _mm256_sub_epi16(top, second));
    in_order(_mm256_or_si256(code, positive_bits(samples)))
}

/// The one's complement of negative samples, positive samples as they are.
#[inline]
#[target_feature(enable = "avx2")]
fn magnitude(samples: __m256i) -> __m256i {
    _mm256_max_epi16(samples, _mm256_xor_si256(samples, _mm256_set1_epi16(-1)))
}

/// For each word its exponent and four mantissa bits as a float; those of odd words are scaled by 2 to the 16.
#[inline]
#[target_feature(enable = "avx2")]
fn float_bits(words: __m256i) -> __m256i {
    let even = _mm256_and_si256(words, _mm256_set1_epi32(0xFFFF));
    let odd = _mm256_and_si256(words, _mm256_set1_epi32(0xFFFF << 16));
    let even = _mm256_castps_si256(_mm256_cvtepi32_ps(even));
    let odd = _mm256_castps_si256(_mm256_cvtepi32_ps(odd));
    let high = _mm256_blend_epi16::<0xAA>(_mm256_srli_epi32::<16>(even), odd);
    _mm256_srli_epi16::<3>(high)
}

/// A constant for what `float_bits` returns.
#[inline]
#[target_feature(enable = "avx2")]
fn odd_words_differ(even: i16) -> __m256i {
    let odd = i32::from(even + BITS_OF_16_PLACES);
    _mm256_set1_epi32(odd << 16 | i32::from(even))
}

/// 0x80 for each sample that is not negative, in the order that packing leaves.
#[inline]
#[target_feature(enable = "avx2")]
fn positive_bits(samples: Pair) -> __m256i {
    _mm256_andnot_si256(_mm256_packs_epi16(samples.0, samples.1), _mm256_set1_epi8(i8::MIN))
}

/// Undoes what packing two vectors does to the order of their halves.
#[inline]
#[target_feature(enable = "avx2")]
fn in_order(packed: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(packed)
}

struct Nibbles {
    mantissa: __m256i,
    leading: __m256i,
    factors: [__m256i; 2],
}

impl Nibbles {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(table: &NibbleTable) -> Self {
        Self {
            mantissa: twice(&table.mantissa),
            leading: twice(&table.leading),
            factors: [
                twice(&table.factors[0].map(|factor| factor as u8)),
                twice(&table.factors[1].map(|factor| factor as u8)),
            ],
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn products(&self, codes: __m256i) -> Pair {
        let codes = in_order(codes);
        let low = _mm256_and_si256(codes, _mm256_set1_epi8(15));
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), _mm256_set1_epi8(15));
        let mantissa = _mm256_add_epi8(
            _mm256_shuffle_epi8(self.mantissa, low),
            _mm256_shuffle_epi8(self.leading, high),
        );
        let first = _mm256_shuffle_epi8(self.factors[0], high);
        let second = _mm256_shuffle_epi8(self.factors[1], high);
        (
            _mm256_maddubs_epi16(
                _mm256_unpacklo_epi8(mantissa, mantissa),
                _mm256_unpacklo_epi8(first, second),
            ),
            _mm256_maddubs_epi16(
                _mm256_unpackhi_epi8(mantissa, mantissa),
                _mm256_unpackhi_epi8(first, second),
            ),
        )
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn without_bias(biased: Pair) -> Pair {
    let bias = _mm256_set1_epi16(132);
    (
        _mm256_sub_epi16(biased.0, _mm256_sign_epi16(bias, biased.0)),
        _mm256_sub_epi16(biased.1, _mm256_sign_epi16(bias, biased.1)),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn twice(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: 16 bytes are half a vector; the load needs no alignment.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_bytes(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are a vector; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_bytes(bytes: &mut [u8; 32], vector: __m256i) {
    // SAFETY: 32 bytes are a vector; the store needs no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[i16; 32]) -> Pair {
    // SAFETY: 32 words are two vectors; the loads need no alignment.
    unsafe {
        let at = words.as_ptr();
        (_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(16).cast()))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_words(words: &mut [i16; 32], pair: Pair) {
    // SAFETY: 32 words are two vectors; the stores need no alignment.
    unsafe {
        let at = words.as_mut_ptr();
        _mm256_storeu_si256(at.cast(), pair.0);
        _mm256_storeu_si256(at.add(16).cast(), pair.1);
    }
}
