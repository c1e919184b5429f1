//! The protocol: who may believe what was read.
//!
//! Positions count records since the ring was made and wrap with the machine word. The writer announces how
//! far it is going to write (`claimed`), writes, and announces that it has (`written`). A reader reads up to
//! `written`, then looks at `claimed`: what lies a whole ring or more before it may have been overwritten
//! while it was read, everything else was not.

use alloc::boxed::Box;
use core::array;
use core::sync::atomic::Ordering;

use super::Record;
use crate::atomic::{AtomicWord, CachePadded};

/// Slots of `N` words and the two positions that order them.
#[derive(Debug)]
pub(super) struct Slots<A, const N: usize> {
    claimed: CachePadded<A>,
    written: CachePadded<A>,
    /// A power of two long.
    slots: Box<[[A; N]]>,
}

impl<A: AtomicWord, const N: usize> Slots<A, N> {
    /// Slots whose first record has position `origin`; tests start close to the wrap.
    pub(super) fn new(capacity: usize, origin: usize) -> Self {
        let capacity = capacity.max(1).checked_next_power_of_two().expect("capacity overflow");
        Self {
            claimed: CachePadded(A::new(origin)),
            written: CachePadded(A::new(origin)),
            slots: (0..capacity).map(|_| array::from_fn(|_| A::new(0))).collect(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The position after the newest record.
    pub(super) fn written(&self) -> usize {
        self.written.0.load(Ordering::Acquire)
    }

    /// Writes `items` from `position` on and returns the position after them. Only one thread may write,
    /// and only where it left off.
    #[inline]
    pub(super) fn write<T: Record<N>>(&self, position: usize, items: &[T]) -> usize {
        let end = position.wrapping_add(items.len());
        self.claimed.0.store(end, Ordering::Relaxed);
        // Pairs with the fence in `read`: who sees one word written below sees `claimed` as well.
        A::fence(Ordering::Release);
        // More than a ring of them: the first would be overwritten by the last at once.
        let passed = items.len().saturating_sub(self.slots.len());
        let (_, items) = items.split_at(passed);
        let start = self.slot_of(position.wrapping_add(passed));
        let run = items.len().min(self.slots.len() - start);
        let (first, second) = items.split_at(run);
        Self::store(&self.slots[start..], first);
        Self::store(&self.slots, second);
        self.written.0.store(end, Ordering::Release);
        end
    }

    /// Reads records from `position` on into the front of `into`. Returns how many records had been
    /// overwritten before they could be read, and how many were read.
    #[inline]
    pub(super) fn read<T: Record<N>>(&self, position: usize, into: &mut [T]) -> (usize, usize) {
        let behind = self.written.0.load(Ordering::Acquire).wrapping_sub(position);
        let mut lost = behind.saturating_sub(self.slots.len());
        let count = (behind - lost).min(into.len());
        let from = position.wrapping_add(lost);
        let start = self.slot_of(from);
        let run = count.min(self.slots.len() - start);
        let (first, second) = into[..count].split_at_mut(run);
        Self::load(&self.slots[start..], first);
        Self::load(&self.slots, second);
        // Pairs with the fence in `write`.
        A::fence(Ordering::Acquire);
        let claimed = self.claimed.0.load(Ordering::Relaxed).wrapping_sub(from);
        // A writer that went on after `written` was read may have gone over the front of what was read,
        // or over more than that.
        let torn = claimed.saturating_sub(self.slots.len());
        lost += torn;
        let good = count.saturating_sub(torn);
        into.copy_within(count - good..count, 0);
        (lost, good)
    }

    #[inline]
    fn store<T: Record<N>>(slots: &[[A; N]], items: &[T]) {
        for (slot, item) in slots.iter().zip(items) {
            for (word, value) in slot.iter().zip(item.into_words()) {
                word.store(value, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    fn load<T: Record<N>>(slots: &[[A; N]], items: &mut [T]) {
        for (slot, item) in slots.iter().zip(items) {
            *item = T::from_words(array::from_fn(|word| slot[word].load(Ordering::Relaxed)));
        }
    }

    #[inline]
    fn slot_of(&self, position: usize) -> usize {
        position & (self.slots.len() - 1)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::atomic::model::Weakened;
    use alloc::vec::Vec;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize as LoomWord;

    /// One thread writes the numbers 1 to `items`, each in both words; this one reads and must get the
    /// records it was not told to be lost, whole, and account for each.
    fn write_and_read<A: AtomicWord + Send + Sync + 'static>(
        capacity: usize,
        items: usize,
        batch: usize,
        reads: usize,
    ) {
        loom::model(move || {
            let origin = usize::MAX;
            let slots = Arc::new(Slots::<A, 2>::new(capacity, origin));
            let writer = loom::thread::spawn({
                let slots = slots.clone();
                move || {
                    let mut position = origin;
                    let mut number = 0;
                    while number < items {
                        let count = batch.min(items - number);
                        let records: Vec<[usize; 2]> =
                            (number + 1..=number + count).map(|n| [n, n]).collect();
                        position = slots.write(position, &records);
                        number += count;
                    }
                }
            });
            let mut seen = 0;
            let mut follow = |into: &mut [[usize; 2]]| {
                let (lost, count) = slots.read(origin.wrapping_add(seen), into);
                for (at, record) in into[..count].iter().enumerate() {
                    let expected = seen + lost + at + 1;
                    assert_eq!(*record, [expected; 2], "a record is whole and in its place");
                }
                seen += lost + count;
                count
            };
            for _ in 0..reads {
                follow(&mut [[0; 2]; 2]);
            }
            writer.join().unwrap();
            while follow(&mut [[0; 2]; 2]) > 0 {}
            assert_eq!(seen, items, "read and lost add up");
        });
    }

    #[test]
    fn loom_one_slot() {
        write_and_read::<LoomWord>(1, 2, 1, 2);
    }

    #[test]
    fn loom_batches() {
        write_and_read::<LoomWord>(2, 4, 2, 1);
    }

    #[test]
    fn loom_batches_longer_than_the_ring() {
        write_and_read::<LoomWord>(1, 3, 2, 1);
    }

    #[test]
    #[should_panic(expected = "a record is whole and in its place")]
    fn loom_catches_weakened_orderings() {
        write_and_read::<Weakened>(1, 2, 1, 2);
    }

    /// Orderings as they should be, but without the fences that tell a torn record.
    struct Unfenced(LoomWord);

    impl AtomicWord for Unfenced {
        fn new(value: usize) -> Self {
            Self(LoomWord::new(value))
        }
        fn load(&self, order: Ordering) -> usize {
            self.0.load(order)
        }
        fn store(&self, value: usize, order: Ordering) {
            self.0.store(value, order);
        }
        fn fetch_or(&self, bits: usize, order: Ordering) -> usize {
            self.0.fetch_or(bits, order)
        }
        fn fetch_add(&self, count: usize, order: Ordering) -> usize {
            self.0.fetch_add(count, order)
        }
        fn fetch_sub(&self, count: usize, order: Ordering) -> usize {
            self.0.fetch_sub(count, order)
        }
        fn compare_exchange_weak(
            &self,
            current: usize,
            new: usize,
            success: Ordering,
        ) -> Result<usize, usize> {
            self.0.compare_exchange_weak(current, new, success, Ordering::Relaxed)
        }
        fn fence(_: Ordering) {}
    }

    #[test]
    #[should_panic(expected = "a record is whole and in its place")]
    fn loom_catches_missing_fences() {
        write_and_read::<Unfenced>(1, 2, 1, 2);
    }
}
