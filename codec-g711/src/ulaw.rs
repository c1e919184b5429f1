//! mu-law (PCMU, RTP payload type 0), ITU-T G.711 table 2.
//!
//! The 14-bit law is applied to the 14 high bits of a 16-bit sample as ITU-T G.191 does it: the magnitude
//! of a negative sample is its one's complement, low bits are cut off, and the code 0x00 is sent as any
//! other (some line equipment replaces it; RTP has no need to).

use crate::kernel::Kernel;

/// The code of a silent line (positive zero).
pub const SILENCE: u8 = 0xFF;

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
    Kernel::best().ulaw_encode(pcm, codes)
}

/// Decodes codes until one of the slices ends; returns how many were decoded.
///
/// Decoded samples are multiples of 4 between -32124 and 32124.
pub fn decode(codes: &[u8], pcm: &mut [i16]) -> usize {
    Kernel::best().ulaw_decode(codes, pcm)
}

/// Encodes one sample.
#[inline]
pub const fn encode_sample(sample: i16) -> u8 {
    let magnitude = (sample ^ (sample >> 15)) as u16 & 0x7FFF;
    let biased = if magnitude > 0x7FFF - 132 { 0x7FFF } else { magnitude + 132 };
    // 132 <= biased < 32768, so the segment is 0 to 7.
    let segment = 8u32.saturating_sub(biased.leading_zeros()) & 7;
    let code = (segment << 4) as u8 | ((biased >> (segment + 3)) & 15) as u8;
    let sign = if sample < 0 { 0x7F } else { 0xFF };
    code ^ sign
}

/// Decodes one code.
#[inline]
pub fn decode_sample(code: u8) -> i16 {
    DECODED[usize::from(code)]
}

/// The decoding rule itself, for the table and for constants.
pub(crate) const fn expand(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let magnitude = ((((code as i16 & 15) << 3) + 132) << segment) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_code_of_zero() {
        assert_eq!(encode_sample(0), SILENCE);
        assert_eq!(decode_sample(SILENCE), 0);
        assert_eq!(decode_sample(0x7F), 0);
    }

    #[test]
    fn every_code_but_negative_zero_survives_decoding_and_encoding() {
        for code in 0..=255 {
            // 0x7F is negative zero; a 16-bit zero has no sign to give back.
            let expected = if code == 0x7F { SILENCE } else { code };
            let pcm = decode_sample(code);
            // One's complement moves a negative multiple of 4 just inside its own interval.
            assert_eq!(encode_sample(pcm), expected);
        }
    }

    #[test]
    fn loud_samples_clip_at_the_last_interval() {
        assert_eq!(encode_sample(i16::MAX), 0x80);
        assert_eq!(encode_sample(i16::MIN), 0x00);
        assert_eq!(decode_sample(0x00), -32124);
    }

    #[test]
    fn slices_stop_at_the_shorter_one() {
        let mut codes = [1; 4];
        assert_eq!(encode(&[0; 3], &mut codes), 3);
        assert_eq!(codes, [SILENCE, SILENCE, SILENCE, 1]);
        let mut pcm = [1; 2];
        assert_eq!(decode(&codes, &mut pcm), 2);
        assert_eq!(pcm, [0, 0]);
    }
}
