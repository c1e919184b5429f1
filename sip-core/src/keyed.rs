//! Hashing with a secret from the injected randomness, so that a peer cannot choose what collides
//! and the same seed still gives the same run.

use core::hash::{BuildHasher, Hasher};
use std::hash::DefaultHasher;

use rand_core::Rng;

/// Builds the hashers of one table.
#[derive(Clone, Debug)]
pub(crate) struct KeyedHash([u64; 2]);

impl KeyedHash {
    pub(crate) fn new(random: &mut dyn Rng) -> Self {
        Self([random.next_u64(), random.next_u64()])
    }
}

impl BuildHasher for KeyedHash {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0[0]);
        hasher.write_u64(self.0[1]);
        hasher
    }
}

/// Appends `value` as 16 hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, value: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for shift in (0..16).rev() {
        out.push(char::from(DIGITS[(value >> (shift * 4)) as usize & 15]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        let mut out = String::new();
        push_hex(&mut out, 0x0123_4567_89ab_cdef);
        assert_eq!(out, "0123456789abcdef");
    }
}
