//! Requests that came a moment ago, known again when they are repeated (RFC 3261 §17.1).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use super::head::Head;

/// For so long a request is remembered, and at most twice as long. One that was let in has been answered
/// 100 by then, which ends its repetition.
const REMEMBERED: Duration = Duration::from_secs(4);
/// At most so many, twice; further ones are not known again.
const MOST: usize = 16_384;
/// Nobody repeats a request more often (RFC 3261 §17.1.2.2 has ten times, §17.1.1.2 six).
const TIMES: u8 = 10;

/// Marks of requests over datagrams.
///
/// Who repeats a request that was let in would take a refusal for its answer, and hang up on a call that
/// is being made.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// How often each was repeated.
    young: HashMap<u64, u8>,
    old: HashMap<u64, u8>,
    /// When the young ones become old.
    turns: Duration,
    hasher: RandomState,
}

impl Repeats {
    /// What a request has in common with its repetitions alone.
    pub(super) fn mark(&self, remote: SocketAddr, head: &Head<'_>) -> u64 {
        self.hasher.hash_one((remote, head.name()))
    }

    pub(super) fn note(&mut self, now: Duration, mark: u64) {
        if now >= self.turns {
            self.old = mem::take(&mut self.young);
            if now >= self.turns + REMEMBERED {
                self.old = HashMap::new();
            }
            self.turns = now + REMEMBERED;
        }
        if self.young.len() < MOST {
            self.young.entry(mark).or_insert(0);
        }
    }

    /// Whether a request that comes now repeats one, and may still do so.
    pub(super) fn knows(&mut self, mark: u64) -> bool {
        let times = self.young.get_mut(&mark).or_else(|| self.old.get_mut(&mark));
        let Some(times) = times.filter(|times| **times < TIMES) else { return false };
        *times += 1;
        true
    }

    /// Forgets all, when nobody has asked for anything for long.
    pub(super) fn clear(&mut self) {
        (self.young, self.old) = Default::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_known_for_a_while_and_no_longer() {
        let mut repeats = Repeats::default();
        let second = Duration::from_secs(1);
        repeats.note(second * 10, 1);
        repeats.note(second * 13, 2);
        repeats.note(second * 14, 3);
        assert_eq!([1, 2, 3].map(|mark| repeats.knows(mark)), [true; 3]);
        repeats.note(second * 18, 4);
        assert_eq!([1, 2, 3, 4].map(|mark| repeats.knows(mark)), [false, false, true, true]);
        repeats.note(second * 60, 5);
        assert_eq!([3, 4, 5].map(|mark| repeats.knows(mark)), [false, false, true]);
        assert_eq!((0..50).filter(|_| repeats.knows(5)).count(), 9, "ten times in all");
        (0..50_000).for_each(|mark| repeats.note(second * 61, mark));
        assert!(repeats.young.len() <= MOST);
        repeats.clear();
        assert!(!repeats.knows(5));
    }
}
