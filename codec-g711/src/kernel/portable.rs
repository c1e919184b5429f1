//! Kernels for every machine. Encoding is written so that a compiler turns it into vector instructions where
//! the target has them; decoding is a table.

use crate::{alaw, ulaw};

/// Encodes; the slices are of one length.
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        let magnitude = (*sample ^ (*sample >> 15)) as u16;
        // Divided by 16, as far as it fits, and by 256.
        let middle = (magnitude >> 4).min(255) as u8;
        let high = (magnitude >> 8).min(255) as u8;
        let upper = if high > 15 { 0xFF } else { 0 };
        let magnitude = least_of_lines((high & upper) | (middle & !upper));
        *code = magnitude ^ (upper & 64) ^ ((*sample >> 8) as u8 & 0x80) ^ 0xD5;
    }
}

/// Encodes; the slices are of one length.
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        let magnitude = (*sample ^ (*sample >> 15)) as u16;
        let biased = (magnitude + 132).min(0x7FFF);
        // Divided by 8, as far as it fits, and by 128.
        let middle = (biased >> 3).min(255) as u8;
        let high = (biased >> 7).min(255) as u8;
        let upper = if middle == 255 { 0xFF } else { 0 };
        let magnitude = least_of_lines((high & upper) | (middle & !upper));
        // The biased scale starts at 16.
        let inverted = (127u8 + 16).wrapping_sub(upper & 64).wrapping_sub(magnitude);
        *code = inverted | (!(*sample >> 8) as u8 & 0x80);
    }
}

/// The least of four lines: the byte itself and three averages, each of the one before with a constant. The
/// 256-bit kernels explain it.
#[inline(always)]
fn least_of_lines(byte: u8) -> u8 {
    let average = |a: u8, b: u16| ((u16::from(a) + b + 1) >> 1) as u8;
    let half = average(byte, 31);
    let quarter = average(half, 47);
    let eighth = average(quarter, 63);
    byte.min(half).min(quarter.min(eighth))
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
