//! 512-bit kernels for machines with AVX-512 VBMI, VBMI2 and VNNI (Intel since Ice Lake, AMD since Zen 4).
//!
//! Encoding: the high byte of a magnitude names the segment, so one permute of a 128-entry table gives the
//! segment and how far to shift the mantissa; with FP16, a conversion to half precision gives both.
//! Decoding: two permutes give the two bytes of a negative value, a masked subtraction makes it positive.

use core::arch::x86_64::*;
use core::mem::take;

use super::tables::{self, DecodeTable, EncodeTable};

/// `select(mask, a, b)`: bits of `a` where the mask has ones, bits of `b` elsewhere.
const SELECT: i32 = 0xCA;

/// Picks the even or odd bytes of two vectors.
const fn every_other_byte(first: u8) -> [u8; 64] {
    let mut indices = [0; 64];
    let mut at = 0;
    while at < 64 {
        indices[at] = 2 * at as u8 + first;
        at += 1;
    }
    indices
}

static EVEN_BYTES: [u8; 64] = every_other_byte(0);
static ODD_BYTES: [u8; 64] = every_other_byte(1);

/// The loop around an encoder of 32 samples. `$narrow` picks the bytes of the two resulting vectors that
/// hold the codes and `$flip` is applied to them.
macro_rules! encode_loop {
    ($pcm:ident, $codes:ident, $narrow:expr, $flip:expr, |$samples:ident| $words:expr) => {{
        let narrow = load_bytes($narrow);
        let flip = _mm512_set1_epi8($flip);
        let (blocks, mut rest) = $pcm.as_chunks::<64>();
        let (code_blocks, mut rest_codes) = $codes.as_chunks_mut::<64>();
        for (block, codes) in blocks.iter().zip(code_blocks) {
            let (first, second) = load_words(block);
            let $samples = first;
            let first = $words;
            let $samples = second;
            let second = $words;
            let bytes = _mm512_permutex2var_epi8(first, narrow, second);
            store_bytes(codes, _mm512_xor_si512(bytes, flip));
        }
        // The frames of telephony leave exactly half a block, which goes without a mask.
        if let Some((half, after)) = rest.split_first_chunk::<32>()
            && let Some((half_codes, codes_after)) = take(&mut rest_codes).split_first_chunk_mut()
        {
            let $samples = load_half_words(half);
            let words = $words;
            let bytes = _mm512_permutex2var_epi8(words, narrow, words);
            store_half_bytes(half_codes, _mm512_xor_si512(bytes, flip));
            (rest, rest_codes) = (after, codes_after);
        }
        if !rest.is_empty() {
            let $samples = load_some_words(rest);
            let words = $words;
            let bytes = _mm512_permutex2var_epi8(words, narrow, words);
            store_some_bytes(rest_codes, _mm512_xor_si512(bytes, flip));
        }
    }};
}

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let table = load_encode_table(&tables::ALAW_ENCODE);
    encode_loop!(pcm, codes, &EVEN_BYTES, 0xD5u8 as i8, |samples| {
        encode_words(samples, magnitude(samples), table)
    });
}

/// Encodes; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let table = load_encode_table(&tables::ULAW_ENCODE);
    let bias = _mm512_set1_epi16(132);
    encode_loop!(pcm, codes, &EVEN_BYTES, 0xFFu8 as i8, |samples| {
        encode_words(samples, _mm512_adds_epi16(magnitude(samples), bias), table)
    });
}

/// Encodes with half-precision conversions; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512fp16")]
pub(super) fn alaw_encode_fp16(pcm: &[i16], codes: &mut [u8]) {
    // Scaled so that segment 0 becomes the subnormal numbers, which are linear as segment 0 is.
    let scale = _mm512_castsi512_ph(_mm512_set1_epi16(super::half::TWO_TO_MINUS_22));
    let sign = _mm512_set1_epi16(i16::MIN);
    encode_loop!(pcm, codes, &ODD_BYTES, 0xD5u8 as i8, |samples| {
        let half = _mm512_cvt_roundepi16_ph::<TOWARDS_ZERO>(magnitude(samples));
        let half = _mm512_castph_si512(_mm512_mul_round_ph::<TOWARDS_ZERO>(half, scale));
        _mm512_ternarylogic_epi32::<SELECT>(sign, samples, _mm512_slli_epi16::<2>(half))
    });
}

/// Encodes with half-precision conversions; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512fp16")]
pub(super) fn ulaw_encode_fp16(pcm: &[i16], codes: &mut [u8]) {
    let bias = _mm512_set1_epi16(132);
    let lowest = _mm512_set1_epi16(super::half::BITS_OF_128);
    let sign = _mm512_set1_epi16(i16::MIN);
    encode_loop!(pcm, codes, &ODD_BYTES, 0xFFu8 as i8, |samples| {
        let biased = _mm512_adds_epi16(magnitude(samples), bias);
        let half = _mm512_castph_si512(_mm512_cvt_roundepi16_ph::<TOWARDS_ZERO>(biased));
        let code = _mm512_slli_epi16::<2>(_mm512_sub_epi16(half, lowest));
        _mm512_ternarylogic_epi32::<SELECT>(sign, samples, code)
    });
}

const TOWARDS_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

/// Decodes A-law; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn alaw_decode(codes: &[u8], pcm: &mut [i16]) {
    decode(codes, pcm, &tables::ALAW_DECODE);
}

/// Decodes mu-law; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn ulaw_decode(codes: &[u8], pcm: &mut [i16]) {
    decode(codes, pcm, &tables::ULAW_DECODE);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn decode(codes: &[u8], pcm: &mut [i16], table: &DecodeTable) {
    let low = load_halves(&table.low);
    let high = load_halves(&table.high);
    let (blocks, mut rest) = codes.as_chunks::<64>();
    let (pcm_blocks, mut rest_pcm) = pcm.as_chunks_mut::<64>();
    for (block, pcm) in blocks.iter().zip(pcm_blocks) {
        let (first, second) = decode_bytes(load_bytes(block), low, high);
        store_words(pcm, first, second);
    }
    if let Some((half, after)) = rest.split_first_chunk::<32>()
        && let Some((half_pcm, pcm_after)) = take(&mut rest_pcm).split_first_chunk_mut()
    {
        let (first, _) = decode_bytes(load_half_bytes(half), low, high);
        store_half_words(half_pcm, first);
        (rest, rest_pcm) = (after, pcm_after);
    }
    if !rest.is_empty() {
        let (first, _) = decode_bytes(load_some_bytes(rest), low, high);
        store_some_words(rest_pcm, first);
    }
}

/// Maps each byte through a table of 256; the slices are of one length.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn map(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    let table = load_map(table);
    let (blocks, rest) = from.as_chunks::<64>();
    let (out_blocks, rest_out) = to.as_chunks_mut::<64>();
    for (block, out) in blocks.iter().zip(out_blocks) {
        store_bytes(out, map_bytes(load_bytes(block), table));
    }
    store_some_bytes(rest_out, map_bytes(load_some_bytes(rest), table));
}

/// Maps each byte through a table of 256, where it is.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn map_in_place(table: &[u8; 256], bytes: &mut [u8]) {
    let table = load_map(table);
    let (blocks, rest) = bytes.as_chunks_mut::<64>();
    for block in blocks {
        store_bytes(block, map_bytes(load_bytes(block), table));
    }
    let mapped = map_bytes(load_some_bytes(rest), table);
    store_some_bytes(rest, mapped);
}

/// The one's complement of negative samples, positive samples as they are.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn magnitude(samples: __m512i) -> __m512i {
    _mm512_max_epi16(samples, _mm512_xor_si512(samples, _mm512_set1_epi16(-1)))
}

/// In the low byte of each word: the sign of the sample, the segment and the mantissa of its magnitude.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
fn encode_words(samples: __m512i, magnitude: __m512i, table: [__m512i; 2]) -> __m512i {
    // Only the lookup by the high byte matters; the index ignores its bit 7.
    let entry = _mm512_permutex2var_epi8(table[0], magnitude, table[1]);
    let sign = _mm512_set1_epi16(i16::MIN);
    let entry = _mm512_srli_epi16::<8>(_mm512_ternarylogic_epi32::<SELECT>(sign, samples, entry));
    // The shift counts modulo 16, so the segment above the count does no harm.
    let mantissa = _mm512_shrdv_epi16(magnitude, _mm512_setzero_si512(), entry);
    _mm512_ternarylogic_epi32::<SELECT>(_mm512_set1_epi16(15), mantissa, entry)
}

/// The samples of codes 0 to 31 and of codes 32 to 63.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn decode_bytes(codes: __m512i, low: [__m512i; 2], high: [__m512i; 2]) -> (__m512i, __m512i) {
    let positive = _mm512_movepi8_mask(codes);
    // Interleaving works within 128 bits, so the codes are dealt out to where it will find them.
    let dealt = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), codes);
    let low = _mm512_permutex2var_epi8(low[0], dealt, low[1]);
    let high = _mm512_permutex2var_epi8(high[0], dealt, high[1]);
    let first = _mm512_unpacklo_epi8(low, high);
    let second = _mm512_unpackhi_epi8(low, high);
    let zero = _mm512_setzero_si512();
    (
        _mm512_mask_sub_epi16(first, positive as u32, zero, first),
        _mm512_mask_sub_epi16(second, (positive >> 32) as u32, zero, second),
    )
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn map_bytes(bytes: __m512i, table: [__m512i; 4]) -> __m512i {
    let lower = _mm512_permutex2var_epi8(table[0], bytes, table[1]);
    let upper = _mm512_permutex2var_epi8(table[2], bytes, table[3]);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), lower, upper)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_encode_table(table: &EncodeTable) -> [__m512i; 2] {
    load_halves(table)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_halves(table: &[u8; 128]) -> [__m512i; 2] {
    // SAFETY: 128 bytes are two vectors; the loads need no alignment.
    unsafe {
        let at = table.as_ptr();
        [_mm512_loadu_si512(at.cast()), _mm512_loadu_si512(at.add(64).cast())]
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_map(table: &[u8; 256]) -> [__m512i; 4] {
    // SAFETY: 256 bytes are four vectors; the loads need no alignment.
    unsafe {
        let at = table.as_ptr();
        [0, 64, 128, 192].map(|offset| _mm512_loadu_si512(at.add(offset).cast()))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are a vector; the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_bytes(bytes: &mut [u8; 64], vector: __m512i) {
    // SAFETY: 64 bytes are a vector; the store needs no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(words: &[i16; 64]) -> (__m512i, __m512i) {
    // SAFETY: 64 words are two vectors; the loads need no alignment.
    unsafe {
        let at = words.as_ptr();
        (_mm512_loadu_si512(at.cast()), _mm512_loadu_si512(at.add(32).cast()))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_words(words: &mut [i16; 64], first: __m512i, second: __m512i) {
    // SAFETY: 64 words are two vectors; the stores need no alignment.
    unsafe {
        let at = words.as_mut_ptr();
        _mm512_storeu_si512(at.cast(), first);
        _mm512_storeu_si512(at.add(32).cast(), second);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_half_bytes(bytes: &[u8; 32]) -> __m512i {
    // SAFETY: 32 bytes are half a vector; the load needs no alignment.
    unsafe { _mm512_castsi256_si512(_mm256_loadu_si256(bytes.as_ptr().cast())) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_half_bytes(bytes: &mut [u8; 32], vector: __m512i) {
    // SAFETY: 32 bytes are half a vector; the store needs no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), _mm512_castsi512_si256(vector)) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_half_words(words: &[i16; 32]) -> __m512i {
    // SAFETY: 32 words are a vector; the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_half_words(words: &mut [i16; 32], vector: __m512i) {
    // SAFETY: 32 words are a vector; the store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
}

/// A mask of the first `count` of 32 lanes.
fn first_words(count: usize) -> u32 {
    if count >= 32 { u32::MAX } else { (1 << count) - 1 }
}

/// A mask of the first `count` of 64 lanes.
fn first_bytes(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_some_words(words: &[i16]) -> __m512i {
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not read.
    unsafe { _mm512_maskz_loadu_epi16(first_words(words.len()), words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_some_words(words: &mut [i16], vector: __m512i) {
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not written.
    unsafe { _mm512_mask_storeu_epi16(words.as_mut_ptr(), first_words(words.len()), vector) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_some_bytes(bytes: &[u8]) -> __m512i {
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not read.
    unsafe { _mm512_maskz_loadu_epi8(first_bytes(bytes.len()), bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_some_bytes(bytes: &mut [u8], vector: __m512i) {
    // SAFETY: lanes beyond the slice are masked, and masked lanes are not written.
    unsafe {
        _mm512_mask_storeu_epi8(bytes.as_mut_ptr().cast(), first_bytes(bytes.len()), vector);
    }
}
