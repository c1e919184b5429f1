//! Server nonces that need no table: time and randomness, signed.

use core::time::Duration;
use std::collections::BTreeMap;

use rand_core::Rng;
use ring::hmac;
use subtle::ConstantTimeEq;

use super::digest::{Hex, unhex};

const SIGNATURE: usize = 16;
const LENGTH: usize = 8 + 8 + SIGNATURE;

/// Makes nonces and knows its own again.
#[derive(Debug)]
pub(super) struct Nonces {
    key: hmac::Key,
    realm: String,
}

/// When a nonce of ours was made and what sets it apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Nonce {
    /// Milliseconds.
    pub(super) issued: u64,
    unique: u64,
}

impl Nonces {
    pub(super) fn new(key: [u8; 32], realm: &str) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), realm: realm.to_owned() }
    }

    pub(super) fn issue(&self, now: Duration, random: &mut dyn Rng) -> Hex {
        let nonce = Nonce { issued: milliseconds(now), unique: random.next_u64() };
        let mut bytes = [0; LENGTH];
        let (issued, rest) = bytes.split_at_mut(8);
        let (unique, signature) = rest.split_at_mut(8);
        issued.copy_from_slice(&nonce.issued.to_be_bytes());
        unique.copy_from_slice(&nonce.unique.to_be_bytes());
        signature.copy_from_slice(&self.signature(nonce));
        Hex::of(&bytes)
    }

    /// Reads a nonce; `None` when it is not one of ours.
    pub(super) fn read(&self, text: &str) -> Option<Nonce> {
        let bytes: [u8; LENGTH] = unhex(text)?;
        let (issued, rest) = bytes.split_first_chunk::<8>()?;
        let (unique, signature) = rest.split_first_chunk::<8>()?;
        let nonce =
            Nonce { issued: u64::from_be_bytes(*issued), unique: u64::from_be_bytes(*unique) };
        bool::from(self.signature(nonce)[..].ct_eq(signature)).then_some(nonce)
    }

    fn signature(&self, nonce: Nonce) -> [u8; SIGNATURE] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&nonce.issued.to_be_bytes());
        context.update(&nonce.unique.to_be_bytes());
        context.update(self.realm.as_bytes());
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&context.sign().as_ref()[..SIGNATURE]);
        signature
    }
}

/// Which nonce counts were seen: a window of 64 below the highest for each nonce in use. When
/// there are too many nonces the oldest one is given up, together with every older one, so that
/// forgetting never makes a replay possible.
#[derive(Debug)]
pub(super) struct Replays {
    seen: BTreeMap<Nonce, Window>,
    capacity: usize,
    /// Nonces issued up to here are no longer known.
    forgotten: Option<u64>,
}

#[derive(Debug)]
struct Window {
    highest: u32,
    /// Bit n: `highest - n` was seen.
    seen: u64,
}

impl Replays {
    pub(super) fn new(capacity: usize) -> Self {
        Self { seen: BTreeMap::new(), capacity: capacity.max(1), forgotten: None }
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Notes a use; `false` when it is a replay or can no longer be told from one.
    pub(super) fn note(&mut self, nonce: Nonce, count: u32) -> bool {
        if let Some(window) = self.seen.get_mut(&nonce) {
            return window.note(count);
        }
        if count == 0 || self.forgotten.is_some_and(|forgotten| nonce.issued <= forgotten) {
            return false;
        }
        if self.seen.len() >= self.capacity
            && let Some((oldest, _)) = self.seen.pop_first()
        {
            self.forgotten = self.forgotten.max(Some(oldest.issued));
            if nonce.issued <= oldest.issued {
                return false;
            }
        }
        self.seen.insert(nonce, Window { highest: count, seen: 1 });
        true
    }

    /// Drops what was issued before `issued`, and takes nothing of it any more.
    pub(super) fn forget(&mut self, issued: u64) {
        let Some(last) = issued.checked_sub(1) else { return };
        self.expire(issued);
        self.forgotten = self.forgotten.max(Some(last));
    }

    /// Drops what was issued before `issued`: such nonces are refused for their age.
    pub(super) fn expire(&mut self, issued: u64) {
        while self.seen.first_key_value().is_some_and(|(nonce, _)| nonce.issued < issued) {
            self.seen.pop_first();
        }
    }
}

impl Window {
    fn note(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if count == 0 || behind >= 64 || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    fn nonce(issued: u64) -> Nonce {
        Nonce { issued, unique: 7 }
    }

    #[test]
    fn only_its_own_nonces_are_read() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let nonces = Nonces::new([1; 32], "here");
        let text = nonces.issue(Duration::from_millis(77), &mut random);
        let text = text.as_str();
        assert_eq!(nonces.read(text).map(|nonce| nonce.issued), Some(77));
        assert_eq!(Nonces::new([2; 32], "here").read(text), None);
        assert_eq!(Nonces::new([1; 32], "there").read(text), None);
        for n in 0..text.len() {
            let mut other = text.as_bytes().to_vec();
            other[n] = if other[n] == b'0' { b'1' } else { b'0' };
            assert_eq!(nonces.read(core::str::from_utf8(&other).expect("ASCII")), None);
        }
        assert_eq!(nonces.read(""), None);
        assert_eq!(nonces.read(&"é".repeat(LENGTH)), None);
    }

    #[test]
    fn counts_may_arrive_out_of_order_but_only_once() {
        let mut replays = Replays::new(10);
        let nonce = nonce(1);
        assert!(!replays.note(nonce, 0));
        for count in [1, 3, 2, 100, 40] {
            assert!(replays.note(nonce, count), "{count}");
            assert!(!replays.note(nonce, count), "{count} again");
        }
        assert!(!replays.note(nonce, 36), "too far behind to be known");
        assert!(replays.note(nonce, 37));
        assert!(replays.note(nonce, u32::MAX));
        assert!(!replays.note(nonce, 100));
    }

    #[test]
    fn forgetting_never_allows_a_replay() {
        let mut replays = Replays::new(2);
        for issued in [10, 20, 30] {
            assert!(replays.note(nonce(issued), 1));
        }
        assert_eq!(replays.len(), 2);
        assert!(!replays.note(nonce(10), 1), "forgotten");
        assert!(!replays.note(nonce(5), 1), "older than what was forgotten");
        assert!(!replays.note(nonce(20), 1) && !replays.note(nonce(30), 1));
        replays.expire(25);
        assert_eq!(replays.len(), 1);
        replays.forget(0);
        replays.forget(31);
        assert_eq!(replays.len(), 0);
        assert!(!replays.note(nonce(30), 2), "one in use");
        assert!(!replays.note(Nonce { issued: 30, unique: 8 }, 1), "one never used");
        assert!(replays.note(nonce(31), 1));
    }
}
