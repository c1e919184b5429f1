//! mu-law as single-precision numbers (IEEE 754 binary32), as bits.
//!
//! The biased magnitude, 132 to 32,899, in units of 2 to the power -126: the segments, which start at 128 and
//! its doubles, get the exponents 8 to 15, and the exponent and the first four bits of the mantissa together
//! are 128 and the code. All numbers are normal ones and all differences exact, so neither the rounding mode
//! nor a processor set to take denormal numbers for zero changes a code.

/// 2 to the power 23 of the units, so that the last bit of the mantissa is one unit: the bits of this and of a
/// number below 2 to the power 23 are the bits of their sum.
pub(super) const ONE: u32 = 24 << 23;

/// That and what a magnitude's one's complement without sign lacks to the biased magnitude: `TOP` less the sum of `ONE`
/// and the complement is the biased magnitude.
pub(super) const TOP: u32 = ONE | (0xFFFF + 132);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ulaw;

    #[test]
    fn the_leading_bits_are_the_codes() {
        for sample in i16::MIN..=i16::MAX {
            let complement = u32::from(sample.min(!sample) as u16);
            let biased = f32::from_bits(TOP) - f32::from_bits(ONE | complement);
            let code = (biased.to_bits() >> 19).min(255) as u8;
            let top = sample.to_be_bytes()[0] | 0x7F;
            assert_eq!(top.wrapping_sub(code), ulaw::encode_sample(sample));
        }
    }

    #[test]
    fn no_number_is_denormal() {
        let least = f32::from_bits(TOP) - f32::from_bits(ONE | 0xFFFF);
        assert!(least.is_normal() && f32::from_bits(ONE).is_normal());
        assert_eq!(least.to_bits() >> 19, 128);
    }
}
