//! Which packets have been taken before (RFC 3711 section 3.3.2).

const WORDS: usize = 8;
const BITS: u64 = 64 * WORDS as u64;

/// The widest window. One word is always being filled, so a window cannot use all of them.
pub(super) const MAX_WINDOW: u16 = 64 * (WORDS as u16 - 1);

/// What a packet is to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    Seen,
    TooOld,
}

/// The last packets of a stream as bits: that of index `i` is bit `i` modulo 512, so that the window
/// moves on without shifting (as in RFC 6479).
#[derive(Debug, Clone)]
pub(super) struct ReplayWindow {
    highest: Option<u64>,
    words: [u64; WORDS],
}

impl ReplayWindow {
    pub(super) const fn new() -> ReplayWindow {
        ReplayWindow { highest: None, words: [0; WORDS] }
    }

    /// The highest index so far.
    #[inline]
    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Forgets what came, and counts on from `highest`.
    pub(super) fn restart(&mut self, highest: Option<u64>) {
        *self = ReplayWindow { highest, words: [0; WORDS] };
    }

    /// What `index` is to a window of `size` packets.
    #[inline]
    pub(super) fn check(&self, index: u64, size: u16) -> Novelty {
        let size = u64::from(size.clamp(64, MAX_WINDOW));
        match self.highest {
            Some(highest) if index <= highest => {
                if highest - index >= size {
                    Novelty::TooOld
                } else if self.words[word(index)] & bit(index) != 0 {
                    Novelty::Seen
                } else {
                    Novelty::New
                }
            }
            _ => Novelty::New,
        }
    }

    /// Marks `index`, which [`ReplayWindow::check`] has called new.
    #[inline]
    pub(super) fn record(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => {}
            Some(highest) => {
                let steps = (index / 64 - highest / 64).min(WORDS as u64);
                for step in 1..=steps {
                    self.words[word(highest + 64 * step)] = 0;
                }
                self.highest = Some(index);
            }
            None => self.highest = Some(index),
        }
        self.words[word(index)] |= bit(index);
    }
}

#[inline]
const fn word(index: u64) -> usize {
    (index % BITS / 64) as usize
}

#[inline]
const fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn the_edges_of_the_window() {
        let mut window = ReplayWindow::new();
        assert_eq!(window.check(0, 64), Novelty::New);
        window.record(1_000);
        assert_eq!(window.check(1_000, 64), Novelty::Seen);
        assert_eq!(window.check(937, 64), Novelty::New);
        assert_eq!(window.check(936, 64), Novelty::TooOld);
        assert_eq!(window.check(1_000 - 447, 448), Novelty::New);
        assert_eq!(window.check(1_000 - 448, u16::MAX), Novelty::TooOld);
        assert_eq!(window.check(937, 0), Novelty::New);
        assert_eq!(window.check(936, 0), Novelty::TooOld);
    }

    #[test]
    fn agrees_with_a_set_over_any_walk() {
        for size in [64, 128, 200, 448] {
            let (mut window, mut set) = (ReplayWindow::new(), BTreeSet::new());
            let mut random = 12_345u64;
            let mut base = 70_000u64;
            for _ in 0..20_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let chance = random >> 33;
                base += [0, 1, 1, 1, 2, 63, 64, 65, 600][(chance % 9) as usize];
                let index = base - chance / 16 % 500;
                let highest: Option<u64> = set.last().copied();
                let expected = match highest {
                    Some(highest) if index + u64::from(size) <= highest => Novelty::TooOld,
                    _ if set.contains(&index) => Novelty::Seen,
                    _ => Novelty::New,
                };
                assert_eq!(window.check(index, size), expected, "{index} of {highest:?}");
                if expected == Novelty::New {
                    window.record(index);
                    set.insert(index);
                }
            }
        }
    }
}
