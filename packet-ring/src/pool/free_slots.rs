//! Which slots are free: a bitmap of atomic words.
//!
//! A bitmap rather than a linked free list, because a set bit means "free" whatever happened in
//! between: there is no ABA case to argue away, returning a slot is one wait-free `fetch_or`, and a
//! batch of neighbours is claimed by one exchange.

use alloc::boxed::Box;
use core::ops::Range;
use core::sync::atomic::Ordering;

use crate::atomic::AtomicWord;

/// Slots `0..len`, each free or claimed. Who claims a slot owns it until releasing it.
#[derive(Debug)]
pub(crate) struct FreeSlots<A> {
    words: Box<[A]>,
    /// Where the last claim succeeded, or before that what was released since. Starting there keeps the same slots in
    /// use, however long some are held: who went round would touch all of the memory in turn, and find none of it in
    /// cache. Only a hint: any value is correct.
    hint: A,
}

const BITS: usize = usize::BITS as usize;

impl<A: AtomicWord> FreeSlots<A> {
    /// `len` slots, all free.
    pub(crate) fn new(len: usize) -> Self {
        let words = (0..len.div_ceil(BITS))
            .map(|word| {
                let here = (len - word * BITS).min(BITS);
                A::new(usize::MAX >> (BITS - here))
            })
            .collect();
        Self { words, hint: A::new(0) }
    }

    /// Claims up to `limit` slots that share a word: `None` when every slot is claimed.
    ///
    /// A slot released by another thread while this one searches may be missed.
    #[inline]
    pub(crate) fn claim(&self, limit: usize) -> Option<Claim> {
        if limit == 0 {
            return None;
        }
        let start = self.hint.load(Ordering::Relaxed);
        for step in 0..self.words.len() {
            let index = (start + step) % self.words.len();
            if let Some(bits) = self.claim_in(&self.words[index], limit) {
                if step > 0 {
                    self.hint.store(index, Ordering::Relaxed);
                }
                return Some(Claim { base: index * BITS, bits });
            }
        }
        None
    }

    /// Gives a claimed slot back. What its owner wrote is visible to the next owner.
    #[inline]
    pub(crate) fn release(&self, slot: usize) {
        let (word, bit) = Self::place(slot);
        self.release_of(word, bit);
    }

    /// Gives claimed slots of one word back, told by [`place`](Self::place).
    #[inline]
    pub(crate) fn release_of(&self, word: usize, bits: usize) {
        let before = self.words[word].fetch_or(bits, Ordering::Release);
        debug_assert_eq!(before & bits, 0, "slot released twice");
        if word < self.hint.load(Ordering::Relaxed) {
            self.hint.store(word, Ordering::Relaxed);
        }
    }

    /// Which word a slot is in, and its bit there.
    #[inline]
    pub(crate) fn place(slot: usize) -> (usize, usize) {
        (slot / BITS, 1 << (slot % BITS))
    }

    /// Calls `each` with free slots that are neighbours, which are claimed until it returns; some twice. A run of any
    /// length comes whole or in overlapping parts: any [`BITS`] neighbours of it are together in one of them.
    pub(crate) fn each_run(&self, mut each: impl FnMut(Range<usize>)) {
        let mut earlier = 0;
        for (index, word) in self.words.iter().enumerate() {
            let bits = self.claim_in(word, BITS).unwrap_or(0);
            let first = index.saturating_sub(1) * BITS;
            let both = if index == 0 { bits as u128 } else { pair(earlier, bits) };
            runs(both).for_each(|run| each(first + run.start..first + run.end));
            if let Some(before) = index.checked_sub(1) {
                self.release_of(before, earlier);
            }
            earlier = bits;
        }
        if let Some(last) = self.words.len().checked_sub(1) {
            self.release_of(last, earlier);
        }
        // From here on the first ones are used again.
        self.hint.store(0, Ordering::Relaxed);
    }

    /// How many slots are free; exact when no other thread is at work.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.load(Ordering::Relaxed).count_ones() as usize).sum()
    }

    #[inline]
    fn claim_in(&self, word: &A, limit: usize) -> Option<usize> {
        let mut free = word.load(Ordering::Relaxed);
        while free != 0 {
            let bits = lowest_bits(free, limit);
            // Acquire pairs with `release`: other claims in between are read-modify-writes and so
            // continue its release sequence.
            match word.compare_exchange_weak(free, free & !bits, Ordering::Acquire) {
                Ok(_) => return Some(bits),
                Err(now) => free = now,
            }
        }
        None
    }
}

/// Slots just claimed, counted out by iteration. Those not iterated over stay claimed.
#[derive(Debug)]
pub(crate) struct Claim {
    base: usize,
    bits: usize,
}

impl Iterator for Claim {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return None;
        }
        let slot = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(slot)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.bits.count_ones() as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Claim {}

/// Two words, one behind the other.
fn pair(low: usize, high: usize) -> u128 {
    low as u128 | (high as u128) << BITS
}

/// Neighbouring set bits.
fn runs(mut bits: u128) -> impl Iterator<Item = Range<usize>> {
    core::iter::from_fn(move || {
        let start = bits.trailing_zeros();
        let length = bits.checked_shr(start)?.trailing_ones();
        let end = start + length;
        bits &= u128::MAX.checked_shl(end).unwrap_or(0);
        Some(start as usize..end as usize)
    })
}

/// The `count` lowest set bits of `word`, or all of them.
#[inline]
fn lowest_bits(word: usize, count: usize) -> usize {
    if count >= word.count_ones() as usize {
        return word;
    }
    let mut rest = word;
    for _ in 0..count {
        // Clearing the lowest set bit of zero must stay zero.
        rest &= rest.wrapping_sub(1);
    }
    word & !rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use core::sync::atomic::AtomicUsize;
    use proptest::prelude::*;

    #[test]
    fn lowest_bits_of_a_word() {
        assert_eq!(lowest_bits(0b1011_0100, 2), 0b1_0100);
        assert_eq!(lowest_bits(0b1011_0100, 9), 0b1011_0100);
        assert_eq!(lowest_bits(usize::MAX, BITS), usize::MAX);
        assert_eq!(lowest_bits(0, 3), 0);
    }

    #[test]
    fn runs_of_bits() {
        assert_eq!(runs(0).count(), 0);
        assert!(runs(0b1101_1000).eq([3..5, 6..8]));
        assert!(runs(u128::MAX).eq(core::iter::once(0..128)));
        assert!(runs(1 << 127 | 1).eq([0..1, 127..128]));
        assert_eq!(pair(0, 1), 1 << BITS);
    }

    #[test]
    fn runs_of_free_slots_are_claimed_while_they_are_looked_at() {
        for (len, used) in [(1, 0..0), (1, 0..1), (200, 0..0), (200, 60..70), (300, 0..300)] {
            let slots = FreeSlots::<AtomicUsize>::new(len);
            let claimed: Vec<_> =
                core::iter::from_fn(|| slots.claim(usize::MAX)).flatten().collect();
            let free: Vec<_> = claimed.into_iter().filter(|slot| !used.contains(slot)).collect();
            free.iter().for_each(|slot| slots.release(*slot));
            let mut seen = BTreeSet::new();
            let mut together = BTreeSet::new();
            slots.each_run(|run| {
                assert!(slots.count() + run.len() <= free.len(), "they are nobody else's");
                together.extend((run.start + 1..run.end).map(|slot| (slot - 1, slot)));
                seen.extend(run);
            });
            assert_eq!(seen.into_iter().collect::<Vec<_>>(), free);
            let neighbours = free.windows(2).filter(|two| two[0] + 1 == two[1]);
            assert_eq!(together.len(), neighbours.count(), "those of two words are together");
            assert_eq!(slots.count(), free.len());
        }
    }

    #[test]
    fn every_slot_is_claimed_once_whatever_the_length() {
        for len in [1, BITS - 1, BITS, BITS + 1, 3 * BITS + 7] {
            let slots = FreeSlots::<AtomicUsize>::new(len);
            assert_eq!(slots.count(), len);
            let mut seen = BTreeSet::new();
            while let Some(claim) = slots.claim(5) {
                assert!(claim.len() <= 5);
                seen.extend(claim);
            }
            assert_eq!(seen.into_iter().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            assert_eq!(slots.count(), 0);
        }
    }

    #[test]
    fn slots_that_are_held_for_a_while_are_few_and_the_same() {
        let slots = FreeSlots::<AtomicUsize>::new(64 * BITS);
        let mut held = alloc::collections::VecDeque::new();
        let mut touched = BTreeSet::new();
        for _ in 0..10_000 {
            held.extend(slots.claim(3).unwrap());
            touched.extend(held.iter().copied());
            while held.len() > 100 {
                slots.release(held.pop_front().unwrap());
            }
        }
        assert!(touched.len() < 3 * BITS, "{} slots for a hundred", touched.len());
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(len in 1_usize..200, steps in prop::collection::vec((any::<bool>(), 0_usize..70), 1..200)) {
            let slots = FreeSlots::<AtomicUsize>::new(len);
            let mut free: BTreeSet<usize> = (0..len).collect();
            let mut claimed = Vec::new();
            for (claim, n) in steps {
                if claim {
                    let got: Vec<_> = slots.claim(n).into_iter().flatten().collect();
                    prop_assert!(got.len() <= n);
                    prop_assert_eq!(got.is_empty(), n == 0 || free.is_empty());
                    for slot in got {
                        prop_assert!(free.remove(&slot));
                        claimed.push(slot);
                    }
                } else if !claimed.is_empty() {
                    let slot = claimed.swap_remove(n % claimed.len());
                    slots.release(slot);
                    free.insert(slot);
                }
                prop_assert_eq!(slots.count(), free.len());
            }
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::atomic::model::Weakened;
    use alloc::vec::Vec;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize as LoomWord;

    /// Threads write to the slots they claim; loom reports any two accesses that are not ordered.
    fn claim_write_release<A: AtomicWord + Send + Sync + 'static>(slots: usize, threads: usize) {
        loom::model(move || {
            let free = Arc::new(FreeSlots::<A>::new(slots));
            let cells: Arc<Vec<_>> =
                Arc::new((0..slots).map(|_| UnsafeCell::new(0_usize)).collect());
            let work = {
                let (free, cells) = (free.clone(), cells.clone());
                move |limit: usize| {
                    let claim = free.claim(limit);
                    for slot in claim.into_iter().flatten() {
                        // SAFETY: loom checks that no other thread accesses the cell at this time;
                        // that is the property under test.
                        cells[slot].with_mut(|cell| unsafe { *cell += 1 });
                        free.release(slot);
                    }
                }
            };
            let others: Vec<_> = (1..threads)
                .map(|limit| {
                    loom::thread::spawn({
                        let work = work.clone();
                        move || work(limit)
                    })
                })
                .collect();
            work(1);
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(free.count(), slots, "every slot came back");
        });
    }

    #[test]
    fn loom_one_slot_three_threads() {
        claim_write_release::<LoomWord>(1, 3);
    }

    #[test]
    fn loom_two_slots_batch_claims() {
        claim_write_release::<LoomWord>(2, 3);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn loom_catches_weakened_orderings() {
        claim_write_release::<Weakened>(1, 2);
    }
}
