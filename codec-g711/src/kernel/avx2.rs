//! 256-bit kernels.
//!
//! Encoding: both laws are concave chains of straight segments, each half as steep as the one before, so a
//! code is the least of its segments' lines, and the average of one line with a constant is the next line.
//! The lines of four segments fit in bytes, which makes the work for 32 samples three averages and three
//! minima; the upper segments are the lower ones of the sample divided by 16, 64 codes higher. A-law is encoded
//! so. For mu-law, whose bias would cost more that way, the exponent and the leading bits of the mantissa of a
//! floating-point number are the code ([`ulaw_float`]).
//!
//! Decoding: a byte multiplication of a mantissa by a signed power of two, both looked up by nibble.

use core::arch::x86_64::*;

use super::sse;
use super::tables::{self, NibbleTable};
use super::ulaw_float;

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<32>(), codes.last_chunk_mut::<32>())
    else {
        return sse::alaw_encode(pcm, codes);
    };
    if !pcm.len().is_multiple_of(32) {
        store_bytes(last_codes, alaw_codes(last));
    }
    for (block, codes) in pcm.as_chunks::<32>().0.iter().zip(codes.as_chunks_mut::<32>().0) {
        store_bytes(codes, alaw_codes(block));
    }
}

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<32>(), codes.last_chunk_mut::<32>())
    else {
        return sse::ulaw_encode(pcm, codes);
    };
    if !pcm.len().is_multiple_of(32) {
        store_bytes(last_codes, ulaw_codes(last));
    }
    for (block, codes) in pcm.as_chunks::<32>().0.iter().zip(codes.as_chunks_mut::<32>().0) {
        store_bytes(codes, ulaw_codes(block));
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
    if !codes.len().is_multiple_of(32) {
        store_words(last_pcm, table.products(load_bytes(last)));
    }
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
    if !codes.len().is_multiple_of(32) {
        store_words(last_pcm, without_bias(table.products(load_bytes(last))));
    }
    for (block, pcm) in codes.as_chunks::<32>().0.iter().zip(pcm.as_chunks_mut::<32>().0) {
        store_words(pcm, without_bias(table.products(load_bytes(block))));
    }
}

type Pair = (__m256i, __m256i);

#[inline]
#[target_feature(enable = "avx2")]
fn alaw_codes(samples: &[i16; 32]) -> __m256i {
    let (first, second) = load_words(samples);
    // The samples are split into bytes two by two: of each pair of bytes the low one belongs to a sample of
    // the first 16, the high one to a sample of the second 16. Read one byte further, the high bytes of the
    // first 16 are where the low ones were.
    let low_bytes = _mm256_set1_epi16(0xFF);
    let high = _mm256_blendv_epi8(second, load_words_one_byte_on(samples), low_bytes);
    let middle = _mm256_blendv_epi8(
        _mm256_slli_epi16::<4>(second),
        _mm256_srli_epi16::<4>(first),
        low_bytes,
    );
    // The high byte tells whether the magnitude, its one's complement if negative, is beyond the lower lines:
    // whether it lies outside of -16 to 15, which two's complement turns into one comparison.
    let upper = _mm256_cmpgt_epi8(
        _mm256_add_epi8(high, _mm256_set1_epi8(i8::MIN + 16)),
        _mm256_set1_epi8(i8::MIN + 31),
    );
    let negative = _mm256_cmpgt_epi8(_mm256_setzero_si256(), high);
    let magnitude = _mm256_xor_si256(_mm256_blendv_epi8(middle, high, upper), negative);
    let code = least_of_lines(magnitude, [31, 47, 63]);

    let even_bits = _mm256_set1_epi8(0xD5u8 as i8);
    let flip = _mm256_blendv_epi8(even_bits, _mm256_set1_epi8((0xD5u8 ^ 64) as i8), upper);
    let sign = _mm256_and_si256(negative, _mm256_set1_epi8(i8::MIN));
    let flip = _mm256_xor_si256(flip, sign);
    let apart = _mm256_setr_epi8(
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, //
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
    );
    in_order(_mm256_shuffle_epi8(_mm256_xor_si256(code, flip), apart))
}

#[inline]
#[target_feature(enable = "avx2")]
fn ulaw_codes(samples: &[i16; 32]) -> __m256i {
    let (first, second) = load_words(samples);
    let codes = _mm256_packus_epi16(ulaw_magnitudes(first), ulaw_magnitudes(second));
    // A negative sample is sent as 127 less its code, a positive one as 255 less its code, and 128 is in the
    // codes already.
    let signs = _mm256_packs_epi16(first, second);
    let top = _mm256_or_si256(signs, _mm256_set1_epi8(i8::MAX));
    in_order(_mm256_sub_epi8(top, codes))
}

/// The codes of the magnitudes with 128 on top: 128 to 255, and 256 for the loudest, which packing into bytes
/// makes 255.
#[inline]
#[target_feature(enable = "avx2")]
fn ulaw_magnitudes(samples: __m256i) -> __m256i {
    let ones = _mm256_set1_epi16(-1);
    // Of a sample and its one's complement the negative one is -1 less the magnitude, as a word without sign
    // 65,535 less the magnitude.
    let complement = _mm256_min_epi16(samples, _mm256_xor_si256(samples, ones));
    // With the exponent in front of it, it is the end of a number's mantissa.
    let exponent = _mm256_set1_epi16((ulaw_float::ONE >> 16) as i16);
    let low = _mm256_unpacklo_epi16(complement, exponent);
    let high = _mm256_unpackhi_epi16(complement, exponent);
    _mm256_packus_epi32(ulaw_leading_bits(low), ulaw_leading_bits(high))
}

/// What remains of `ulaw_float::TOP` is the biased magnitude; its leading bits.
#[inline]
#[target_feature(enable = "avx2")]
fn ulaw_leading_bits(numbers: __m256i) -> __m256i {
    let top = _mm256_set1_ps(f32::from_bits(ulaw_float::TOP));
    let biased = _mm256_sub_ps(top, _mm256_castsi256_ps(numbers));
    _mm256_srli_epi32::<19>(_mm256_castps_si256(biased))
}

/// The least of four lines: the byte itself and three averages, each of the one before with a constant.
#[inline]
#[target_feature(enable = "avx2")]
fn least_of_lines(bytes: __m256i, constants: [i8; 3]) -> __m256i {
    let half = _mm256_avg_epu8(bytes, _mm256_set1_epi8(constants[0]));
    let quarter = _mm256_avg_epu8(half, _mm256_set1_epi8(constants[1]));
    let eighth = _mm256_avg_epu8(quarter, _mm256_set1_epi8(constants[2]));
    _mm256_min_epu8(_mm256_min_epu8(bytes, half), _mm256_min_epu8(quarter, eighth))
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

/// The first 16 words, from their second byte on.
#[inline]
#[target_feature(enable = "avx2")]
fn load_words_one_byte_on(words: &[i16; 32]) -> __m256i {
    // SAFETY: bytes 1 to 32 of 64; the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast::<u8>().add(1).cast()) }
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
