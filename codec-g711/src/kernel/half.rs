//! Half-precision numbers (IEEE 754 binary16) as bits, for the kernels that use their conversions.

/// The number by which A-law's magnitudes are scaled: 256, where its segment 1 starts, becomes the smallest
/// normal number.
pub(super) const TWO_TO_MINUS_22: i16 = 4;

/// 128, where the biased magnitudes of mu-law's segment 0 start.
pub(super) const BITS_OF_128: i16 = (7 + 15) << 10;
