//! The few functions of `std`'s floats that `core` lacks.

/// The square root of a non-negative number, to about one part in ten million; 0 for anything else.
pub(crate) fn sqrt(x: f32) -> f32 {
    if x <= f32::MIN_POSITIVE {
        return 0.0;
    }
    // Halving the exponent gives a guess within 4 %; each of Newton's steps squares the error.
    let mut root = f32::from_bits((x.to_bits() >> 1) + 0x1FBD_1DF5);
    for _ in 0..3 {
        root = 0.5 * (root + x / root);
    }
    root
}

/// The nearest integer, the even one in the middle, of a number between -32768 and 32767.
#[inline(always)]
pub(crate) fn round_to_i16(x: f32) -> i16 {
    // Adding three times two to the 22 leaves no room for a fraction, so the sum is rounded as the processor
    // rounds, and its low bits are the integer. A cast would have to look at every other case as well.
    (x + 12_582_912.0).to_bits() as i16
}

/// The logarithm to base 2 of a positive normal number; minus infinity for anything below.
pub(crate) fn log2(x: f32) -> f32 {
    if x < f32::MIN_POSITIVE {
        return f32::NEG_INFINITY;
    }
    // Split so that the mantissa lies around 1, where the series converges fast.
    let offset = x.to_bits().wrapping_sub(core::f32::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = (offset as i32) >> 23;
    let mantissa = f32::from_bits(x.to_bits().wrapping_sub((exponent as u32) << 23));
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series =
        1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square / 9.0)));
    exponent as f32 + 2.0 * core::f32::consts::LOG2_E * ratio * series
}

/// Two to the power of `x`, 0 below the smallest normal number and the greatest number above it.
pub(crate) fn exp2(x: f32) -> f32 {
    if x < -126.0 || x.is_nan() {
        return 0.0;
    }
    if x >= 128.0 {
        return f32::MAX;
    }
    let whole = if x < 0.0 { x - 0.5 } else { x + 0.5 } as i32;
    let rest = (x - whole as f32) * core::f32::consts::LN_2;
    let series = 1.0
        + rest
            * (1.0
                + rest / 2.0
                    * (1.0
                        + rest / 3.0
                            * (1.0 + rest / 4.0 * (1.0 + rest / 5.0 * (1.0 + rest / 6.0)))));
    // In two steps, since 2 to the 128 is no number of its own.
    let half = whole / 2;
    series * power_of_two(half) * power_of_two(whole - half)
}

/// Ten times the logarithm to base 10 of a ratio of powers.
pub(crate) fn decibels(ratio: f32) -> f32 {
    10.0 * core::f32::consts::LOG10_2 * log2(ratio)
}

/// The ratio of powers for a number of decibels.
pub(crate) fn power_ratio(decibels: f32) -> f32 {
    exp2(decibels * (core::f32::consts::LOG2_10 / 10.0))
}

fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_as_good_as_the_type() {
        let mut x = 1e-30f32;
        while x < 1e30 {
            let error = (sqrt(x) / x.sqrt() - 1.0).abs();
            assert!(error < 2e-7, "{x}: {error}");
            x *= 1.37;
        }
        assert_eq!(sqrt(0.0), 0.0);
        assert_eq!(sqrt(-1.0), 0.0);
    }

    #[test]
    fn logarithms_and_powers_are_good_to_a_millionth() {
        let mut x = 1e-37f32;
        while x < 1e38 {
            assert!((log2(x) - x.log2()).abs() <= 2e-6 * x.log2().abs().max(1.0), "{x}");
            x *= 1.13;
        }
        assert_eq!(log2(0.0), f32::NEG_INFINITY);
        let mut x = -125.9f32;
        while x < 127.9 {
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 3e-6, "{x}");
            x += 0.173;
        }
        assert_eq!(exp2(-200.0), 0.0);
        assert_eq!(exp2(300.0), f32::MAX);
        assert_eq!(exp2(f32::NAN), 0.0);
        assert!((decibels(power_ratio(-37.5)) + 37.5).abs() < 1e-4);
    }
}
