//! Sort keys: each pattern as a row of small numbers whose plain order is Asterisk's order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::pattern::{ByteSet, Element, Elements};

/// The rank of the end of an exact extension: a shorter one comes first.
pub(super) const EXACT_END: u32 = 0;

/// What the ranks of a context mean. Rank 0 is [`EXACT_END`], then come the sets in order, then
/// `.`, `!` and the end of a pattern.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    sets: Vec<ByteSet>,
    singles: BTreeMap<u8, u32>,
    others: BTreeMap<[u8; 32], u32>,
}

/// The meaning of a rank.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'r> {
    Set(&'r ByteSet),
    AtLeastOne,
    Anything,
    End,
}

/// The keys of all extensions of a context, one after the other.
#[derive(Debug, Default)]
pub(super) struct Keys {
    ranks: Vec<u32>,
    starts: Vec<u32>,
}

/// Gathers the sets that occur.
#[derive(Debug)]
pub(super) struct Census {
    singles: ByteSet,
    others: BTreeMap<[u8; 32], ByteSet>,
}

impl Census {
    pub(super) fn new() -> Census {
        Census { singles: ByteSet::default(), others: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, pattern: &str) {
        for element in Elements::new(pattern) {
            let Element::One(set) = element else { continue };
            match (set.len(), set.first()) {
                (1, Some(byte)) => self.singles.insert(byte),
                (0, _) => {}
                _ => {
                    self.others.entry(set.to_bytes()).or_insert(set);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Ranks {
        let mut sets: Vec<ByteSet> =
            (0..=255).filter(|&byte| self.singles.contains(byte)).map(ByteSet::of).collect();
        sets.extend(self.others.values());
        sets.sort_by(|a, b| {
            let score = |set: &ByteSet| (set.len(), set.first());
            score(a).cmp(&score(b)).then_with(|| a.compare(b))
        });
        let mut ranks = Ranks { sets, ..Ranks::default() };
        for (index, set) in ranks.sets.iter().enumerate() {
            let rank = index as u32 + 1;
            match (set.len(), set.first()) {
                (1, Some(byte)) => ranks.singles.insert(byte, rank),
                _ => ranks.others.insert(set.to_bytes(), rank),
            };
        }
        ranks
    }
}

impl Ranks {
    pub(super) fn part(&self, rank: u32) -> Part<'_> {
        let index = rank as usize;
        match index.checked_sub(1).and_then(|index| self.sets.get(index)) {
            Some(set) => Part::Set(set),
            None if rank == self.at_least_one() => Part::AtLeastOne,
            None if rank == self.anything() => Part::Anything,
            None => Part::End,
        }
    }

    /// How many ranks there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len() + 4
    }

    fn at_least_one(&self) -> u32 {
        self.sets.len() as u32 + 1
    }

    fn anything(&self) -> u32 {
        self.sets.len() as u32 + 2
    }

    fn end(&self) -> u32 {
        self.sets.len() as u32 + 3
    }

    fn rank(&self, set: &ByteSet) -> Option<u32> {
        match (set.len(), set.first()) {
            (0, _) => None,
            (1, Some(byte)) => self.singles.get(&byte).copied(),
            _ => self.others.get(&set.to_bytes()).copied(),
        }
    }
}

impl Keys {
    /// Appends the key of an extension.
    ///
    /// Its layout: 0 exact or 1 pattern, the ranks, the end; then 0 and the same of the caller's
    /// pattern, or 1 when there is none.
    pub(super) fn push(&mut self, ranks: &Ranks, pattern: &str, caller_pattern: Option<&str>) {
        self.starts.push(self.ranks.len() as u32);
        self.push_one(ranks, pattern);
        match caller_pattern {
            None => self.ranks.push(1),
            Some(caller_pattern) => {
                self.ranks.push(0);
                self.push_one(ranks, caller_pattern);
            }
        }
    }

    fn push_one(&mut self, ranks: &Ranks, pattern: &str) {
        let is_pattern = pattern.starts_with('_');
        self.ranks.push(u32::from(is_pattern));
        for element in Elements::new(pattern) {
            let rank = match element {
                Element::One(set) => ranks.rank(&set),
                Element::EmptySet => None,
                Element::AtLeastOne => Some(ranks.at_least_one()),
                Element::Anything => Some(ranks.anything()),
            };
            self.ranks.extend(rank);
        }
        self.ranks.push(if is_pattern { ranks.end() } else { EXACT_END });
    }

    /// The key of an extension.
    pub(super) fn key(&self, index: usize) -> &[u32] {
        let start = self.starts.get(index).map_or(self.ranks.len(), |&start| start as usize);
        let end = self.starts.get(index + 1).map_or(self.ranks.len(), |&start| start as usize);
        self.ranks.get(start..end).unwrap_or_default()
    }

    /// The rank at a position of an extension's pattern.
    pub(super) fn rank(&self, index: usize, position: usize) -> u32 {
        let start = self.starts.get(index).map_or(0, |&start| start as usize);
        self.ranks.get(start + 1 + position).copied().unwrap_or(EXACT_END)
    }

    /// The indices of all keys in the order of the keys; equal ones stay in the order written.
    pub(super) fn sorted(&self, ranks: &Ranks) -> Vec<u32> {
        // Most comparisons are decided by the first few ranks, kept beside the index.
        let (bits, count) = match ranks.len() {
            ..=256 => (8, 7),
            257..=65_536 => (16, 3),
            _ => (32, 1),
        };
        let mut order: Vec<(u64, u32)> = (0..self.starts.len())
            .map(|index| {
                let key = self.key(index);
                let ahead = |at: usize| u64::from(key.get(at).copied().unwrap_or_default());
                let prefix = (1..=count).fold(ahead(0), |prefix, at| prefix << bits | ahead(at));
                (prefix, index as u32)
            })
            .collect();
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0)
                .then_with(|| self.key(a.1 as usize).cmp(self.key(b.1 as usize)))
                .then_with(|| a.1.cmp(&b.1))
        });
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// The same keys in another order, the indices left out of `order` gone.
    pub(super) fn reordered(&self, order: impl Iterator<Item = u32>) -> Keys {
        let mut keys = Keys::default();
        for index in order {
            keys.starts.push(keys.ranks.len() as u32);
            keys.ranks.extend_from_slice(self.key(index as usize));
        }
        keys
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }
}
