//! 128-bit kernels: encoding for SSE2, which every x86-64 has, decoding for SSE2 and for SSSE3. The ideas are
//! those of the 256-bit kernels; without byte shuffles, SSE2 decodes by multiplying.

use core::arch::x86_64::*;

use super::portable;
use super::tables::{self, NibbleTable};

/// Exponent and mantissa of 128 as they stand in the high bits of a float.
const BITS_OF_128: i16 = (127 + 7) << 4;
/// What 16 more binary places add to them.
const BITS_OF_16_PLACES: i16 = 16 << 4;

/// Runs `$vectors` on blocks of 16 and on an overlapping last block, on two overlapping halves when there are
/// fewer than 16, and `$scalar` when there are fewer than 8.
macro_rules! blocks_of_16 {
    ($from:ident, $to:ident, $load:ident, $load_half:ident, $store:ident, $store_half:ident,
     |$vector:ident| $result:expr, $scalar:expr) => {
        if let (Some(last), Some(last_to)) = ($from.last_chunk::<16>(), $to.last_chunk_mut::<16>())
        {
            let $vector = $load(last);
            $store(last_to, $result);
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

/// Decodes without byte shuffles; the slices are of one length.
#[target_feature(enable = "sse2")]
pub(super) fn alaw_decode_sse2(codes: &[u8], pcm: &mut [i16]) {
    blocks_of_16!(
        codes,
        pcm,
        load_bytes,
        load_half_bytes,
        store_words,
        store_half_words,
        |vector| {
            let codes = widen(_mm_xor_si128(vector, _mm_set1_epi8(0x55)));
            (alaw_samples(codes.0), alaw_samples(codes.1))
        },
        portable::alaw_decode
    );
}

/// Decodes without byte shuffles; the slices are of one length.
#[target_feature(enable = "sse2")]
pub(super) fn ulaw_decode_sse2(codes: &[u8], pcm: &mut [i16]) {
    blocks_of_16!(
        codes,
        pcm,
        load_bytes,
        load_half_bytes,
        store_words,
        store_half_words,
        |vector| {
            let codes = widen(_mm_xor_si128(vector, _mm_set1_epi8(0x7F)));
            (ulaw_samples(codes.0), ulaw_samples(codes.1))
        },
        portable::ulaw_decode
    );
}

type Pair = (__m128i, __m128i);

#[inline]
#[target_feature(enable = "sse2")]
fn alaw_codes(samples: Pair) -> __m128i {
    let magnitudes = (magnitude(samples.0), magnitude(samples.1));
    // Below segment 1 the conversion is held at 255, the last code of segment 0, and the linear part counts
    // down from there; above, the linear part is held at its end.
    let floor = _mm_set1_epi16(255);
    let base = odd_words_differ(BITS_OF_128 + 15);
    let exponents = _mm_packus_epi16(
        _mm_sub_epi16(float_bits(_mm_max_epi16(magnitudes.0, floor)), base),
        _mm_sub_epi16(float_bits(_mm_max_epi16(magnitudes.1, floor)), base),
    );
    let linear = _mm_srli_epi16::<4>(_mm_packus_epi16(magnitudes.0, magnitudes.1));
    let code = _mm_add_epi8(exponents, _mm_and_si128(linear, _mm_set1_epi8(15)));
    _mm_or_si128(_mm_xor_si128(code, _mm_set1_epi8(0x55)), positive_bits(samples))
}

#[inline]
#[target_feature(enable = "sse2")]
fn ulaw_codes(samples: Pair) -> __m128i {
    let bias = _mm_set1_epi16(132);
    // Subtracting from the highest code inverts the code on the way.
    let top = odd_words_differ(BITS_OF_128 + 127);
    let first = float_bits(_mm_adds_epi16(magnitude(samples.0), bias));
    let second = float_bits(_mm_adds_epi16(magnitude(samples.1), bias));
    let code = _mm_packus_epi16(_mm_sub_epi16(top, first), _mm_sub_epi16(top, second));
    _mm_or_si128(code, positive_bits(samples))
}

/// The one's complement of negative samples, positive samples as they are.
#[inline]
#[target_feature(enable = "sse2")]
fn magnitude(samples: __m128i) -> __m128i {
    _mm_max_epi16(samples, _mm_xor_si128(samples, _mm_set1_epi16(-1)))
}

/// For each word its exponent and four mantissa bits as a float; those of odd words are scaled by 2 to the 16.
#[inline]
#[target_feature(enable = "sse2")]
fn float_bits(words: __m128i) -> __m128i {
    let odd_words = _mm_set1_epi32(0xFFFF << 16);
    let even = _mm_castps_si128(_mm_cvtepi32_ps(_mm_andnot_si128(odd_words, words)));
    let odd = _mm_castps_si128(_mm_cvtepi32_ps(_mm_and_si128(words, odd_words)));
    _mm_or_si128(_mm_srli_epi32::<19>(even), _mm_srli_epi16::<3>(_mm_and_si128(odd, odd_words)))
}

/// A constant for what `float_bits` returns.
#[inline]
#[target_feature(enable = "sse2")]
fn odd_words_differ(even: i16) -> __m128i {
    let odd = i32::from(even + BITS_OF_16_PLACES);
    _mm_set1_epi32(odd << 16 | i32::from(even))
}

/// 0x80 for each sample that is not negative.
#[inline]
#[target_feature(enable = "sse2")]
fn positive_bits(samples: Pair) -> __m128i {
    _mm_andnot_si128(_mm_packs_epi16(samples.0, samples.1), _mm_set1_epi8(i8::MIN))
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

/// The samples of A-law codes whose even bits are no longer inverted, one a word.
#[inline]
#[target_feature(enable = "sse2")]
fn alaw_samples(codes: __m128i) -> __m128i {
    // Segment 0 has the step of segment 1 and lacks only its leading bit.
    let segments = _mm_and_si128(codes, _mm_set1_epi16(0x70));
    let lowest = _mm_cmpeq_epi16(segments, _mm_setzero_si128());
    let mantissa = _mm_slli_epi16::<3>(_mm_and_si128(codes, _mm_set1_epi16(15)));
    let leading = _mm_andnot_si128(lowest, _mm_set1_epi16(128));
    let mantissa = _mm_or_si128(_mm_or_si128(mantissa, _mm_set1_epi16(4)), leading);
    let steep = _mm_or_si128(codes, _mm_and_si128(lowest, _mm_set1_epi16(0x10)));
    let magnitude = shifted_by_segment(mantissa, steep);
    // Bit 7 stands for a positive sample.
    let negative = _mm_cmpgt_epi16(_mm_set1_epi16(0x80), codes);
    _mm_sub_epi16(_mm_xor_si128(magnitude, negative), negative)
}

/// The samples of mu-law codes whose low seven bits are no longer inverted, one a word.
#[inline]
#[target_feature(enable = "sse2")]
fn ulaw_samples(codes: __m128i) -> __m128i {
    let bias = _mm_set1_epi16(132);
    let mantissa = _mm_slli_epi16::<3>(_mm_and_si128(codes, _mm_set1_epi16(15)));
    let biased = shifted_by_segment(_mm_add_epi16(mantissa, bias), codes);
    let magnitude = _mm_sub_epi16(biased, bias);
    let negative = _mm_cmpgt_epi16(_mm_set1_epi16(0x80), codes);
    _mm_sub_epi16(_mm_xor_si128(magnitude, negative), negative)
}

/// Multiplies by two to the power of bits 4 to 6 of a code, one bit after the other.
#[inline]
#[target_feature(enable = "sse2")]
fn shifted_by_segment(words: __m128i, codes: __m128i) -> __m128i {
    let bit = |place: i16| _mm_and_si128(codes, _mm_set1_epi16(place));
    let is_set = |place: i16| _mm_cmpeq_epi16(bit(place), _mm_set1_epi16(place));
    let one = _mm_set1_epi16(1);
    let factor = |place: i16, more: i16| {
        _mm_add_epi16(one, _mm_and_si128(is_set(place), _mm_set1_epi16(more)))
    };
    let words = _mm_mullo_epi16(words, factor(0x10, 1));
    let words = _mm_mullo_epi16(words, factor(0x20, 3));
    _mm_mullo_epi16(words, factor(0x40, 15))
}

#[inline]
#[target_feature(enable = "sse2")]
fn widen(bytes: __m128i) -> Pair {
    let zero = _mm_setzero_si128();
    (_mm_unpacklo_epi8(bytes, zero), _mm_unpackhi_epi8(bytes, zero))
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
