//! A-law (PCMA, RTP payload type 8), ITU-T G.711 table 1.
//!
//! The 13-bit law is applied to the 13 high bits of a 16-bit sample as ITU-T G.191 does it: the magnitude
//! of a negative sample is its one's complement, low bits are cut off, and even bits of the code are
//! inverted.

use crate::kernel::Kernel;

/// The code of a silent line (the smallest positive value; the law has no zero).
pub const SILENCE: u8 = 0xD5;

static DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand(code as u8);
        code += 1;
    }
    table
};

/// Encodes samples until one of the slices ends; returns how many were encoded.
pub fn encode(pcm: &[i16], codes: &mut [u8]) -> usize {
    Kernel::best().alaw_encode(pcm, codes)
}

/// Decodes codes until one of the slices ends; returns how many were decoded.
///
/// Decoded samples are multiples of 8 between -32256 and 32256.
pub fn decode(codes: &[u8], pcm: &mut [i16]) -> usize {
    Kernel::best().alaw_decode(codes, pcm)
}

/// Encodes one sample.
#[inline]
pub const fn encode_sample(sample: i16) -> u8 {
    let magnitude = (sample ^ (sample >> 15)) as u16 & 0x7FFF;
    // Segments 0 and 1 share their step, so both are cut as segment 1.
    let above = match 7u32.saturating_sub(magnitude.leading_zeros()) {
        above if above < 7 => above,
        _ => 6,
    };
    let code = ((above as u16) << 4) + (magnitude >> (above + 4));
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

/// Decodes one code.
#[inline]
pub fn decode_sample(code: u8) -> i16 {
    DECODED[usize::from(code)]
}

/// The decoding rule itself, for the table and for constants.
pub(crate) const fn expand(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let half_step_up = ((code as i16 & 15) << 4) + 8;
    let magnitude = if segment == 0 { half_step_up } else { (half_step_up + 256) << (segment - 1) };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_code_of_zero() {
        assert_eq!(encode_sample(0), SILENCE);
        assert_eq!(decode_sample(SILENCE), 8);
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255 {
            assert_eq!(encode_sample(decode_sample(code)), code);
        }
    }

    #[test]
    fn a_decoded_sample_is_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let heard = decode_sample(encode_sample(sample));
            let step = (sample.unsigned_abs() / 16).next_power_of_two().max(16);
            assert!(sample.abs_diff(heard) <= step, "{sample} became {heard}");
        }
    }

    #[test]
    fn slices_stop_at_the_shorter_one() {
        let mut codes = [1; 4];
        assert_eq!(encode(&[0; 3], &mut codes), 3);
        assert_eq!(codes, [SILENCE, SILENCE, SILENCE, 1]);
        let mut pcm = [1; 2];
        assert_eq!(decode(&codes, &mut pcm), 2);
        assert_eq!(pcm, [8, 8]);
    }
}
