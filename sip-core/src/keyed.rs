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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    let mut rest = value;
    for place in text.iter_mut().rev() {
        *place = DIGITS[rest as usize & 15];
        rest >>= 4;
    }
    text
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
    }
}
