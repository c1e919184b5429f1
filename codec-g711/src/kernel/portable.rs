//! Kernels for every machine. Encoding is written so that a compiler turns it into vector instructions where
//! the target has them; decoding is a table.

use core::mem::take;

use crate::{alaw, ulaw};

/// Samples encoded together: what fills a vector of bytes on most machines.
const BLOCK: usize = 16;

/// Encodes; the slices are of one length.
pub(super) fn alaw_encode(mut pcm: &[i16], mut codes: &mut [u8]) {
    // One block after the other, rather than over an iterator of blocks: a compiler that tries to encode
    // several blocks at once loses.
    while let Some((block, pcm_after)) = pcm.split_first_chunk() {
        let Some((block_codes, codes_after)) = take(&mut codes).split_first_chunk_mut() else {
            return;
        };
        alaw_encode_block(block, block_codes);
        (pcm, codes) = (pcm_after, codes_after);
    }
    alaw_encode_each(pcm, codes);
}

/// Encodes; the slices are of one length.
pub(super) fn ulaw_encode(mut pcm: &[i16], mut codes: &mut [u8]) {
    while let Some((block, pcm_after)) = pcm.split_first_chunk() {
        let Some((block_codes, codes_after)) = take(&mut codes).split_first_chunk_mut() else {
            return;
        };
        ulaw_encode_block(block, block_codes);
        (pcm, codes) = (pcm_after, codes_after);
    }
    ulaw_encode_each(pcm, codes);
}

#[inline(always)]
fn alaw_encode_block(pcm: &[i16; BLOCK], codes: &mut [u8; BLOCK]) {
    let mut parts = Parts::default();
    for (index, sample) in pcm.iter().enumerate() {
        let magnitude = (*sample ^ (*sample >> 15)) as u16 & 0x7FFF;
        parts.middle[index] = (magnitude >> 4).min(255) as u8;
        parts.high[index] = (magnitude >> 8) as u8;
        parts.upper[index] = beyond(magnitude, 4095);
        parts.sign[index] = (*sample >> 15) as u8;
    }
    for (index, code) in codes.iter_mut().enumerate() {
        let line = parts.least_of_lines(index);
        *code = line ^ (parts.upper[index] & 64) ^ (parts.sign[index] & 0x80) ^ 0xD5;
    }
}

#[inline(always)]
fn ulaw_encode_block(pcm: &[i16; BLOCK], codes: &mut [u8; BLOCK]) {
    let mut parts = Parts::default();
    for (index, sample) in pcm.iter().enumerate() {
        let biased = (*sample ^ (*sample >> 15)).saturating_add(132) as u16 & 0x7FFF;
        parts.middle[index] = (biased >> 3).min(255) as u8;
        parts.high[index] = (biased >> 7) as u8;
        parts.upper[index] = beyond(biased, 2039);
        parts.sign[index] = (*sample >> 15) as u8;
    }
    for (index, code) in codes.iter_mut().enumerate() {
        let line = parts.least_of_lines(index);
        // The biased scale starts at 16.
        let inverted = (127u8 + 16).wrapping_sub(parts.upper[index] & 64).wrapping_sub(line);
        *code = inverted | (!parts.sign[index] & 0x80);
    }
}

/// All bits set when a magnitude below 0x8000 is greater than a limit.
///
/// A comparison would be as short, but compilers were seen to make a jump of it, and then no vector of the loop.
#[inline(always)]
fn beyond(magnitude: u16, limit: i16) -> u8 {
    (limit.wrapping_sub(magnitude as i16) >> 15) as u8
}

/// Magnitudes cut down to bytes: for the lower four segments and for the upper four, and which of them count.
#[derive(Default)]
struct Parts {
    middle: [u8; BLOCK],
    high: [u8; BLOCK],
    upper: [u8; BLOCK],
    sign: [u8; BLOCK],
}

impl Parts {
    /// The least of four lines: a byte and three averages, each of the one before with a constant. The
    /// 256-bit kernels explain it.
    #[inline(always)]
    fn least_of_lines(&self, index: usize) -> u8 {
        let upper = self.upper[index];
        let byte = (self.high[index] & upper) | (self.middle[index] & !upper);
        let average = |a: u8, b: u16| ((u16::from(a) + b + 1) >> 1) as u8;
        let half = average(byte, 31);
        let quarter = average(half, 47);
        let eighth = average(quarter, 63);
        byte.min(half).min(quarter.min(eighth))
    }
}

/// Encodes sample by sample, for a handful of them.
pub(super) fn alaw_encode_each(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        *code = alaw::encode_sample(*sample);
    }
}

/// Encodes sample by sample, for a handful of them.
pub(super) fn ulaw_encode_each(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        *code = ulaw::encode_sample(*sample);
    }
}

/// Decodes; the slices are of one length.
pub(super) fn alaw_decode(codes: &[u8], pcm: &mut [i16]) {
    for (sample, code) in pcm.iter_mut().zip(codes) {
        *sample = alaw::decode_sample(*code);
    }
}

/// Decodes; the slices are of one length.
pub(super) fn ulaw_decode(codes: &[u8], pcm: &mut [i16]) {
    for (sample, code) in pcm.iter_mut().zip(codes) {
        *sample = ulaw::decode_sample(*code);
    }
}

/// Maps each byte through a table of 256; the slices are of one length.
pub(super) fn map(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = table[usize::from(*from)];
    }
}

/// Maps each byte through a table of 256, where it is.
pub(super) fn map_in_place(table: &[u8; 256], bytes: &mut [u8]) {
    for byte in bytes {
        *byte = table[usize::from(*byte)];
    }
}
