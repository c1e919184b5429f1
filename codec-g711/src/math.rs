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
}
