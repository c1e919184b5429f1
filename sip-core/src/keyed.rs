//! Hashing with a secret from the injected randomness, so that a peer cannot choose what collides
//! and the same seed still gives the same run.

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use std::hash::DefaultHasher;
use std::sync::Arc;

use rand_core::Rng;

use crate::text::str;

/// Builds the hashers of one table. Holds one that has taken the secret.
#[derive(Clone)]
pub(crate) struct KeyedHash(DefaultHasher);

impl KeyedHash {
    pub(crate) fn new(random: &mut dyn Rng) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(random.next_u64());
        hasher.write_u64(random.next_u64());
        Self(hasher)
    }
}

impl fmt::Debug for KeyedHash {
    /// What the hasher would show is as good as the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash")
    }
}

/// For keys that are hashes themselves, made with a secret.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Prehashed(u64);

impl BuildHasher for Prehashed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Prehashed {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Joins the parts of a key, with one allocation unless it is long.
pub(crate) fn joined(parts: &[&[u8]]) -> Arc<[u8]> {
    with_joined(parts, |key| Arc::from(key))
}

/// Shows the parts of a key joined, without an allocation unless it is long.
pub(crate) fn with_joined<T>(parts: &[&[u8]], see: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0; 192];
    let mut rest = &mut buffer[..];
    for part in parts {
        let Some((room, after)) = rest.split_at_mut_checked(part.len()) else {
            return see(&parts.concat());
        };
        room.copy_from_slice(part);
        rest = after;
    }
    let left = rest.len();
    see(buffer.get(..buffer.len() - left).unwrap_or_default())
}

impl BuildHasher for KeyedHash {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

/// Appends `value` as 16 hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, value: u64) {
    out.push_str(str(&hex(value)));
}

/// Sixteen lower-case hexadecimal digits.
pub(crate) fn hex(value: u64) -> [u8; 16] {
    let (high, low) = (value >> 32, value & 0xffff_ffff);
    let mut text = [0; 16];
    text[..8].copy_from_slice(&hex_of_half(high).to_be_bytes());
    text[8..].copy_from_slice(&hex_of_half(low).to_be_bytes());
    text
}

/// The digits of a number of 32 bits, all at once: its halves, quarters and eighths are moved apart,
/// and what is above nine goes on with the letters.
fn hex_of_half(value: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let halves = (value << 16 | value) & 0x0000_ffff_0000_ffff;
    let bytes = (halves << 8 | halves) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes << 4 | bytes) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = (nibbles + 6 * ONES) >> 4 & ONES;
    nibbles + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'9' - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joints() {
        for length in [0, 1, 90, 95, 96, 97, 200] {
            let part = vec![b'a'; length];
            let parts: [&[u8]; 3] = [&part, b" ", &part];
            assert_eq!(*joined(&parts), *parts.concat(), "{length}");
        }
    }

    #[test]
    fn hexadecimal() {
        let mut out = String::new();
        push_hex(&mut out, 0x0123_4567_89ab_cdef);
        assert_eq!(out, "0123456789abcdef");
        for value in [0, u64::MAX, 0xfedc_ba98_7654_3210, 0x9a9a_9a9a_0000_ffff] {
            out.clear();
            push_hex(&mut out, value);
            assert_eq!(out, format!("{value:016x}"));
        }
    }
}
