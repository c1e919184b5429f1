//! 128-bit kernels: encoding for SSE2, which every x86-64 has, decoding for SSSE3. The ideas are those of the
//! 256-bit kernels; without byte shuffles, a table decodes faster than SSE2 does.

use core::arch::x86_64::*;

use super::portable;
use super::tables::{self, NibbleTable};
use super::ulaw_float;

/// Runs `$vectors` on blocks of 16 and on an overlapping last block, on two overlapping halves when there are
/// fewer than 16, and `$scalar` when there are fewer than 8.
macro_rules! blocks_of_16 {
    ($from:ident, $to:ident, $load:ident, $load_half:ident, $store:ident, $store_half:ident,
     |$vector:ident| $result:expr, $scalar:expr) => {
        if let (Some(last), Some(last_to)) = ($from.last_chunk::<16>(), $to.last_chunk_mut::<16>())
        {
            if !$from.len().is_multiple_of(16) {
                let $vector = $load(last);
                $store(last_to, $result);
            }
            for (block, to) in $from.as_chunks::<16>().0.iter().zip($to.as_chunks_mut::<16>().0) {
                let $vector = $load(block);
                $store(to, $result);
            }
        } else if let (Some(first), Some(last)) =
            ($from.first_chunk::<8>(), $from.last_chunk::<8>())
        {
            if let Some(to) = $to.first_chunk_mut::<8>() {
                let $vector = $load_half(first);
                $store_half(to, $result);
            }
            if let Some(to) = $to.last_chunk_mut::<8>() {
                let $vector = $load_half(last);
                $store_half(to, $result);
            }
        } else {
            $scalar($from, $to);
        }
    };
}

/// Encodes; the slices are of one length.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    blocks_of_16!(
        pcm,
        codes,
        load_words,
        load_half_words,
        store_bytes,
        store_half_bytes,
        |samples| alaw_codes(samples),
        portable::alaw_encode_each
    );
}

/// Encodes; the slices are of one length.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    blocks_of_16!(
        pcm,
        codes,
        load_words,
        load_half_words,
        store_bytes,
        store_half_bytes,
        |samples| ulaw_codes(samples),
        portable::ulaw_encode_each
    );
}

/// Decodes with byte shuffles; the slices are of one length.
#[inline]
#[target_feature(enable = "ssse3")]
pub(super) fn alaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let table = Nibbles::load(&tables::ALAW_NIBBLES);
    blocks_of_16!(
        codes,
        pcm,
        load_bytes,
        load_half_bytes,
        store_words,
        store_half_words,
        |vector| table.products(vector),
        portable::alaw_decode
    );
}

/// Decodes with byte shuffles; the slices are of one length.
#[inline]
#[target_feature(enable = "ssse3")]
pub(super) fn ulaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let table = Nibbles::load(&tables::ULAW_NIBBLES);
    blocks_of_16!(
        codes,
        pcm,
        load_bytes,
        load_half_bytes,
        store_words,
        store_half_words,
        |vector| without_bias(table.products(vector)),
        portable::ulaw_decode
    );
}

type Pair = (__m128i, __m128i);

#[inline]
#[target_feature(enable = "sse2")]
fn alaw_codes(samples: Pair) -> __m128i {
    let (first, second) = (magnitude(samples.0), magnitude(samples.1));
    // The magnitude divided by 16, as far as it fits, and by 256.
    let middle = _mm_packus_epi16(_mm_srli_epi16::<4>(first), _mm_srli_epi16::<4>(second));
    let high = _mm_packus_epi16(_mm_srli_epi16::<8>(first), _mm_srli_epi16::<8>(second));
    let upper = _mm_cmpgt_epi8(high, _mm_set1_epi8(15));
    let code = least_of_lines(where_full(upper, high, middle));
    let sign = _mm_and_si128(_mm_packs_epi16(samples.0, samples.1), _mm_set1_epi8(i8::MIN));
    let flip = _mm_xor_si128(sign, _mm_set1_epi8(0xD5u8 as i8));
    let flip = _mm_xor_si128(flip, _mm_and_si128(upper, _mm_set1_epi8(64)));
    _mm_xor_si128(code, flip)
}

#[inline]
#[target_feature(enable = "sse2")]
fn ulaw_codes(samples: Pair) -> __m128i {
    let codes = _mm_packus_epi16(ulaw_magnitudes(samples.0), ulaw_magnitudes(samples.1));
    let signs = _mm_packs_epi16(samples.0, samples.1);
    _mm_sub_epi8(_mm_or_si128(signs, _mm_set1_epi8(i8::MAX)), codes)
}

/// The codes of the magnitudes with 128 on top, as the 256-bit kernel gets them.
#[inline]
#[target_feature(enable = "sse2")]
fn ulaw_magnitudes(samples: __m128i) -> __m128i {
    let complement = _mm_min_epi16(samples, _mm_xor_si128(samples, _mm_set1_epi16(-1)));
    let exponent = _mm_set1_epi16((ulaw_float::ONE >> 16) as i16);
    let low = _mm_unpacklo_epi16(complement, exponent);
    let high = _mm_unpackhi_epi16(complement, exponent);
    _mm_packs_epi32(ulaw_leading_bits(low), ulaw_leading_bits(high))
}

#[inline]
#[target_feature(enable = "sse2")]
fn ulaw_leading_bits(numbers: __m128i) -> __m128i {
    let top = _mm_set1_ps(f32::from_bits(ulaw_float::TOP));
    let biased = _mm_sub_ps(top, _mm_castsi128_ps(numbers));
    _mm_srli_epi32::<19>(_mm_castps_si128(biased))
}

/// The one's complement of negative samples, positive samples as they are.
#[inline]
#[target_feature(enable = "sse2")]
fn magnitude(samples: __m128i) -> __m128i {
    _mm_max_epi16(samples, _mm_xor_si128(samples, _mm_set1_epi16(-1)))
}

/// `high` where the mask is set, where `middle` has all its bits set; `middle` elsewhere.
#[inline]
#[target_feature(enable = "sse2")]
fn where_full(mask: __m128i, high: __m128i, middle: __m128i) -> __m128i {
    _mm_andnot_si128(_mm_andnot_si128(high, mask), middle)
}

/// The least of four lines: the byte itself and three averages, each of the one before with a constant.
#[inline]
#[target_feature(enable = "sse2")]
fn least_of_lines(bytes: __m128i) -> __m128i {
    let half = _mm_avg_epu8(bytes, _mm_set1_epi8(31));
    let quarter = _mm_avg_epu8(half, _mm_set1_epi8(47));
    let eighth = _mm_avg_epu8(quarter, _mm_set1_epi8(63));
    _mm_min_epu8(_mm_min_epu8(bytes, half), _mm_min_epu8(quarter, eighth))
}

struct Nibbles {
    mantissa: __m128i,
    leading: __m128i,
    factors: [__m128i; 2],
}

impl Nibbles {
    #[inline]
    #[target_feature(enable = "ssse3")]
    fn load(table: &NibbleTable) -> Self {
        Self {
            mantissa: load_bytes(&table.mantissa),
            leading: load_bytes(&table.leading),
            factors: [
                load_bytes(&table.factors[0].map(|factor| factor as u8)),
                load_bytes(&table.factors[1].map(|factor| factor as u8)),
            ],
        }
    }

    #[inline]
    #[target_feature(enable = "ssse3")]
    fn products(&self, codes: __m128i) -> Pair {
        let low = _mm_and_si128(codes, _mm_set1_epi8(15));
        let high = _mm_and_si128(_mm_srli_epi16::<4>(codes), _mm_set1_epi8(15));
        let mantissa = _mm_add_epi8(
            _mm_shuffle_epi8(self.mantissa, low),
            _mm_shuffle_epi8(self.leading, high),
        );
        let first = _mm_shuffle_epi8(self.factors[0], high);
        let second = _mm_shuffle_epi8(self.factors[1], high);
        (
            _mm_maddubs_epi16(
                _mm_unpacklo_epi8(mantissa, mantissa),
                _mm_unpacklo_epi8(first, second),
            ),
            _mm_maddubs_epi16(
                _mm_unpackhi_epi8(mantissa, mantissa),
                _mm_unpackhi_epi8(first, second),
            ),
        )
    }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn without_bias(biased: Pair) -> Pair {
    let bias = _mm_set1_epi16(132);
    (
        _mm_sub_epi16(biased.0, _mm_sign_epi16(bias, biased.0)),
        _mm_sub_epi16(biased.1, _mm_sign_epi16(bias, biased.1)),
    )
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_bytes(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 bytes are a vector; the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_half_bytes(bytes: &[u8; 8]) -> __m128i {
    // SAFETY: 8 bytes are the lower half of a vector; the load needs no alignment.
    unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_bytes(bytes: &mut [u8; 16], vector: __m128i) {
    // SAFETY: 16 bytes are a vector; the store needs no alignment.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_half_bytes(bytes: &mut [u8; 8], vector: __m128i) {
    // SAFETY: 8 bytes are the lower half of a vector; the store needs no alignment.
    unsafe { _mm_storel_epi64(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[i16; 16]) -> Pair {
    // SAFETY: 16 words are two vectors; the loads need no alignment.
    unsafe {
        let at = words.as_ptr();
        (_mm_loadu_si128(at.cast()), _mm_loadu_si128(at.add(8).cast()))
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_half_words(words: &[i16; 8]) -> Pair {
    // SAFETY: 8 words are a vector; the load needs no alignment.
    unsafe { (_mm_loadu_si128(words.as_ptr().cast()), _mm_setzero_si128()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_words(words: &mut [i16; 16], pair: Pair) {
    // SAFETY: 16 words are two vectors; the stores need no alignment.
    unsafe {
        let at = words.as_mut_ptr();
        _mm_storeu_si128(at.cast(), pair.0);
        _mm_storeu_si128(at.add(8).cast(), pair.1);
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_half_words(words: &mut [i16; 8], pair: Pair) {
    // SAFETY: 8 words are a vector; the store needs no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), pair.0) }
}
