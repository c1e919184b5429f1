//! Half-precision numbers (IEEE 754 binary16) as bits, for the kernels that use their conversions.

/// The number by which A-law's magnitudes are scaled: 256, where its segment 1 starts, becomes the smallest
/// normal number.
pub(super) const TWO_TO_MINUS_22: i16 = 4;

/// 128, where the biased magnitudes of mu-law's segment 0 start.
pub(super) const BITS_OF_128: i16 = (7 + 15) << 10;

/// The FP16 kernels in words, over a model of the two instructions they rest on: few machines have them, and
/// no emulator at hand does.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alaw, ulaw};

    /// A number as binary16, rounded towards zero.
    fn towards_zero(number: f64) -> u16 {
        assert!((0.0..65536.0).contains(&number));
        if number < 2f64.powi(-14) {
            return (number * 2f64.powi(24)) as u16;
        }
        let exponent = number.log2().floor() as i32;
        let mantissa = (number / 2f64.powi(exponent) * 1024.0) as u16 - 1024;
        ((exponent + 15) as u16) << 10 | mantissa
    }

    fn value(bits: u16) -> f64 {
        let mantissa = f64::from(bits & 0x3FF);
        match i32::from(bits >> 10) {
            0 => mantissa * 2f64.powi(-24),
            exponent => (mantissa / 1024.0 + 1.0) * 2f64.powi(exponent - 15),
        }
    }

    /// What the kernels do to the shifted number: sign on top, high byte taken, constant applied.
    fn finished(sample: i16, shifted: u16, flip: u8) -> u8 {
        (((sample as u16 & 0x8000) | (shifted & 0x7FFF)) >> 8) as u8 ^ flip
    }

    #[test]
    fn the_model_converts_and_back() {
        for bits in 0..0x7800 {
            assert_eq!(towards_zero(value(bits)), bits);
        }
        assert_eq!(value(TWO_TO_MINUS_22 as u16), 2f64.powi(-22));
        assert_eq!(value(BITS_OF_128 as u16), 128.0);
    }

    #[test]
    fn half_precision_gives_the_codes_of_both_laws() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = sample.max(!sample);

            let half = value(towards_zero(f64::from(magnitude)));
            let scaled = towards_zero(half * value(TWO_TO_MINUS_22 as u16));
            assert_eq!(finished(sample, scaled << 2, 0xD5), alaw::encode_sample(sample));

            let half = towards_zero(f64::from(magnitude.saturating_add(132)));
            let code = half - BITS_OF_128 as u16;
            assert_eq!(finished(sample, code << 2, 0xFF), ulaw::encode_sample(sample));
        }
    }
}
