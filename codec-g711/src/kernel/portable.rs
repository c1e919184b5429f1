//! Kernels for every machine. Encoding is written so that a compiler turns it into vector instructions where
//! the target has them; decoding is a table.

use crate::{alaw, ulaw};

/// Encodes; the slices are of one length.
pub(super) fn alaw_encode(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        let magnitude = i32::from((*sample ^ (*sample >> 15)) & 0x7FFF);
        // Exponent and mantissa of the float are the code; below 256 the law is linear.
        let bits = (magnitude.max(255) as f32).to_bits() as i32 >> 19;
        let code7 = bits - (((127 + 7) << 4) + 15) + (magnitude.min(255) >> 4);
        *code = (code7 | (!(*sample >> 8) as i32 & 0x80)) as u8 ^ 0x55;
    }
}

/// Encodes; the slices are of one length.
pub(super) fn ulaw_encode(pcm: &[i16], codes: &mut [u8]) {
    for (code, sample) in codes.iter_mut().zip(pcm) {
        let magnitude = i32::from((*sample ^ (*sample >> 15)) & 0x7FFF);
        let biased = (magnitude + 132).min(0x7FFF);
        let bits = (biased as f32).to_bits() as i32 >> 19;
        let code7 = bits - ((127 + 7) << 4);
        *code = !(code7 | (i32::from(*sample >> 8) & 0x80)) as u8;
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
