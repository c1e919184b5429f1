//! 128-bit kernels for aarch64, where counting leading zeros and shifting each lane by its own amount are
//! single instructions.

use core::arch::aarch64::*;

use super::portable;

/// Encodes; the slices are of one length.
#[target_feature(enable = "neon")]
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<16>(), codes.last_chunk_mut::<16>())
    else {
        return portable::alaw_encode_each(pcm, codes);
    };
    store_bytes(last_codes, alaw_codes(load_words(last)));
    for (block, codes) in pcm.as_chunks::<16>().0.iter().zip(codes.as_chunks_mut::<16>().0) {
        store_bytes(codes, alaw_codes(load_words(block)));
    }
}

/// Encodes; the slices are of one length.
#[target_feature(enable = "neon")]
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    let (Some(last), Some(last_codes)) = (pcm.last_chunk::<16>(), codes.last_chunk_mut::<16>())
    else {
        return portable::ulaw_encode_each(pcm, codes);
    };
    store_bytes(last_codes, ulaw_codes(load_words(last)));
    for (block, codes) in pcm.as_chunks::<16>().0.iter().zip(codes.as_chunks_mut::<16>().0) {
        store_bytes(codes, ulaw_codes(load_words(block)));
    }
}

/// Decodes; the slices are of one length.
#[target_feature(enable = "neon")]
pub(super) fn alaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let (Some(last), Some(last_pcm)) = (codes.last_chunk::<16>(), pcm.last_chunk_mut::<16>())
    else {
        return portable::alaw_decode(codes, pcm);
    };
    store_words(last_pcm, alaw_samples(load_bytes(last)));
    for (block, pcm) in codes.as_chunks::<16>().0.iter().zip(pcm.as_chunks_mut::<16>().0) {
        store_words(pcm, alaw_samples(load_bytes(block)));
    }
}

/// Decodes; the slices are of one length.
#[target_feature(enable = "neon")]
pub(super) fn ulaw_decode(codes: &[u8], pcm: &mut [i16]) {
    let (Some(last), Some(last_pcm)) = (codes.last_chunk::<16>(), pcm.last_chunk_mut::<16>())
    else {
        return portable::ulaw_decode(codes, pcm);
    };
    store_words(last_pcm, ulaw_samples(load_bytes(last)));
    for (block, pcm) in codes.as_chunks::<16>().0.iter().zip(pcm.as_chunks_mut::<16>().0) {
        store_words(pcm, ulaw_samples(load_bytes(block)));
    }
}

/// Maps each byte through a table of 256; the slices are of one length.
#[target_feature(enable = "neon")]
pub(super) fn map(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    let (blocks, rest) = from.as_chunks::<16>();
    let (out_blocks, rest_out) = to.as_chunks_mut::<16>();
    let quarters = load_map(table);
    for (block, out) in blocks.iter().zip(out_blocks) {
        store_bytes(out, map_bytes(load_bytes(block), quarters));
    }
    portable::map(table, rest, rest_out);
}

/// Maps each byte through a table of 256, where it is.
#[target_feature(enable = "neon")]
pub(super) fn map_in_place(table: &[u8; 256], bytes: &mut [u8]) {
    let (blocks, rest) = bytes.as_chunks_mut::<16>();
    let quarters = load_map(table);
    for block in blocks {
        store_bytes(block, map_bytes(load_bytes(block), quarters));
    }
    portable::map_in_place(table, rest);
}

#[inline]
#[target_feature(enable = "neon")]
fn map_bytes(bytes: uint8x16_t, table: [uint8x16x4_t; 4]) -> uint8x16_t {
    // A lookup beyond its 64 entries leaves what the one before found.
    let quarter = vdupq_n_u8(64);
    let mut mapped = vqtbl4q_u8(table[0], bytes);
    let mut index = vsubq_u8(bytes, quarter);
    mapped = vqtbx4q_u8(mapped, table[1], index);
    index = vsubq_u8(index, quarter);
    mapped = vqtbx4q_u8(mapped, table[2], index);
    index = vsubq_u8(index, quarter);
    vqtbx4q_u8(mapped, table[3], index)
}

#[inline]
#[target_feature(enable = "neon")]
fn load_map(table: &[u8; 256]) -> [uint8x16x4_t; 4] {
    // SAFETY: 256 bytes are four times four vectors; the loads need no alignment.
    unsafe { [0, 64, 128, 192].map(|offset| vld1q_u8_x4(table.as_ptr().add(offset))) }
}

#[inline]
#[target_feature(enable = "neon")]
fn alaw_codes(samples: int16x8x2_t) -> uint8x16_t {
    let first = alaw_words(samples.0);
    let second = alaw_words(samples.1);
    let codes = vcombine_u8(vmovn_u16(first), vmovn_u16(second));
    veorq_u8(codes, vdupq_n_u8(0xD5))
}

#[inline]
#[target_feature(enable = "neon")]
fn ulaw_codes(samples: int16x8x2_t) -> uint8x16_t {
    let first = ulaw_words(samples.0);
    let second = ulaw_words(samples.1);
    vmvnq_u8(vcombine_u8(vmovn_u16(first), vmovn_u16(second)))
}

/// Sign (bit 7), segment and mantissa of A-law, not inverted.
#[inline]
#[target_feature(enable = "neon")]
fn alaw_words(samples: int16x8_t) -> uint16x8_t {
    let magnitude = magnitude(samples);
    // Segments 0 and 1 share their step: 1 + 3 places, less for each leading zero below the seventh.
    let zeros = vminq_s16(vreinterpretq_s16_u16(vclzq_u16(magnitude)), vdupq_n_s16(7));
    let above = vsubq_s16(vdupq_n_s16(7), zeros);
    let right = vsubq_s16(zeros, vdupq_n_s16(11));
    let mantissa = vshlq_u16(magnitude, right);
    let code = vaddq_u16(mantissa, vreinterpretq_u16_s16(vshlq_n_s16::<4>(above)));
    with_sign(code, samples)
}

/// Sign (bit 7), segment and mantissa of mu-law, not inverted.
#[inline]
#[target_feature(enable = "neon")]
fn ulaw_words(samples: int16x8_t) -> uint16x8_t {
    let biased = vminq_u16(vaddq_u16(magnitude(samples), vdupq_n_u16(132)), vdupq_n_u16(0x7FFF));
    let zeros = vreinterpretq_s16_u16(vclzq_u16(biased));
    let segment = vsubq_s16(vdupq_n_s16(8), zeros);
    let mantissa = vshlq_u16(biased, vsubq_s16(zeros, vdupq_n_s16(11)));
    let mantissa = vandq_u16(mantissa, vdupq_n_u16(15));
    let code = vaddq_u16(mantissa, vreinterpretq_u16_s16(vshlq_n_s16::<4>(segment)));
    with_sign(code, samples)
}

/// The one's complement of negative samples, positive samples as they are.
#[inline]
#[target_feature(enable = "neon")]
fn magnitude(samples: int16x8_t) -> uint16x8_t {
    vreinterpretq_u16_s16(vmaxq_s16(samples, vmvnq_s16(samples)))
}

#[inline]
#[target_feature(enable = "neon")]
fn with_sign(codes: uint16x8_t, samples: int16x8_t) -> uint16x8_t {
    let sign = vshrq_n_u16::<8>(vreinterpretq_u16_s16(samples));
    vbslq_u16(vdupq_n_u16(0x80), sign, codes)
}

#[inline]
#[target_feature(enable = "neon")]
fn alaw_samples(codes: uint8x16_t) -> int16x8x2_t {
    let codes = veorq_u8(codes, vdupq_n_u8(0x55));
    let words = |bytes: uint8x8_t| {
        let codes = vmovl_u8(bytes);
        let segment = vandq_u16(vshrq_n_u16::<4>(codes), vdupq_n_u16(7));
        // Segment 0 has the step of segment 1 and lacks only its leading bit.
        let leading = vandq_u16(vtstq_u16(segment, segment), vdupq_n_u16(256));
        let mantissa = vshlq_n_u16::<4>(vandq_u16(codes, vdupq_n_u16(15)));
        let mantissa = vorrq_u16(vorrq_u16(mantissa, vdupq_n_u16(8)), leading);
        let left = vqsubq_u16(segment, vdupq_n_u16(1));
        let magnitude = vshlq_u16(mantissa, vreinterpretq_s16_u16(left));
        signed(vreinterpretq_s16_u16(magnitude), vtstq_u16(codes, vdupq_n_u16(0x80)))
    };
    int16x8x2_t(words(vget_low_u8(codes)), words(vget_high_u8(codes)))
}

#[inline]
#[target_feature(enable = "neon")]
fn ulaw_samples(codes: uint8x16_t) -> int16x8x2_t {
    let codes = veorq_u8(codes, vdupq_n_u8(0x7F));
    let words = |bytes: uint8x8_t| {
        let codes = vmovl_u8(bytes);
        let segment = vandq_u16(vshrq_n_u16::<4>(codes), vdupq_n_u16(7));
        let mantissa = vshlq_n_u16::<3>(vandq_u16(codes, vdupq_n_u16(15)));
        let biased = vaddq_u16(mantissa, vdupq_n_u16(132));
        let biased = vshlq_u16(biased, vreinterpretq_s16_u16(segment));
        let magnitude = vsubq_u16(biased, vdupq_n_u16(132));
        signed(vreinterpretq_s16_u16(magnitude), vtstq_u16(codes, vdupq_n_u16(0x80)))
    };
    int16x8x2_t(words(vget_low_u8(codes)), words(vget_high_u8(codes)))
}

#[inline]
#[target_feature(enable = "neon")]
fn signed(magnitude: int16x8_t, positive: uint16x8_t) -> int16x8_t {
    vbslq_s16(positive, magnitude, vnegq_s16(magnitude))
}

#[inline]
#[target_feature(enable = "neon")]
fn load_bytes(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: 16 bytes are a vector; the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_bytes(bytes: &mut [u8; 16], vector: uint8x16_t) {
    // SAFETY: 16 bytes are a vector; the store needs no alignment.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_words(words: &[i16; 16]) -> int16x8x2_t {
    // SAFETY: 16 words are two vectors; the load needs no alignment.
    unsafe { vld1q_s16_x2(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_words(words: &mut [i16; 16], pair: int16x8x2_t) {
    // SAFETY: 16 words are two vectors; the store needs no alignment.
    unsafe { vst1q_s16_x2(words.as_mut_ptr(), pair) }
}
