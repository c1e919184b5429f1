//! The one hash of this crate: a folded multiplication, keyed so that strangers cannot aim at a bucket.

/// Mixes two words into one.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    product as u64 ^ (product >> 64) as u64
}

/// Mixes words under a key.
#[inline]
pub(super) fn keyed<const N: usize>(key: u64, words: [u64; N]) -> u64 {
    // The key goes in at both ends, since a product with zero forgets what was before it.
    let hash =
        words.into_iter().fold(mix(key, 1), |hash, word| mix(hash, word ^ key.rotate_left(32)));
    mix(hash, key)
}
