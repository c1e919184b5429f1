//! The memory behind a ring, and the only place that touches it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use super::indices::Indices;

/// Slots and indices, shared by the two ends.
#[derive(Debug)]
pub(super) struct Ring<T> {
    pub(super) indices: Indices<AtomicUsize>,
    /// A power of two long, so that an index becomes a slot by masking even as indices wrap.
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

// SAFETY: items move from the producer's thread to the consumer's (`T: Send`). References to items are
// given out by neither `&Producer` nor `&Consumer`, so `T: Sync` is not needed. Slots are accessed
// under the index protocol only, which orders a slot's write before its read and its read before the
// next write.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self::with_origin(capacity, 0)
    }

    pub(super) fn with_origin(capacity: usize, origin: usize) -> Self {
        let slots = capacity.checked_next_power_of_two().expect("capacity overflow");
        // Made in place, so that memory which is not used yet is not touched either.
        let slots = Box::new_uninit_slice(slots);
        // SAFETY: a cell of what may be uninitialised needs no initialising.
        let slots = unsafe { slots.assume_init() };
        Self { indices: Indices::new(capacity, origin), slots }
    }

    /// Moves `item` into the slot of `index`; what was there is overwritten, not dropped.
    ///
    /// # Safety
    ///
    /// The slot belongs to the producer, and the caller is the producer.
    #[inline]
    pub(super) unsafe fn write(&self, index: usize, item: T) {
        // SAFETY: by the caller's promise nobody else accesses the slot.
        unsafe { (*self.slot(index)).write(item) };
    }

    /// Moves the item out of the slot of `index`.
    ///
    /// # Safety
    ///
    /// The slot holds an item that has not been moved out, and the caller is the side that owns it.
    #[inline]
    pub(super) unsafe fn read(&self, index: usize) -> T {
        // SAFETY: by the caller's promise the slot is initialised and nobody else accesses it.
        unsafe { (*self.slot(index)).assume_init_read() }
    }

    /// Borrows the item in the slot of `index`.
    ///
    /// # Safety
    ///
    /// As for [`read`](Self::read), for as long as the reference lives.
    #[inline]
    pub(super) unsafe fn peek(&self, index: usize) -> &T {
        // SAFETY: by the caller's promise the slot is initialised and nobody writes to it.
        unsafe { (*self.slot(index)).assume_init_ref() }
    }

    #[inline]
    fn slot(&self, index: usize) -> *mut MaybeUninit<T> {
        self.slots[index & (self.slots.len() - 1)].get()
    }
}

impl<T: Copy> Ring<T> {
    /// Copies `items` into the slots from `index` on: at most two runs, as the storage wraps once.
    ///
    /// # Safety
    ///
    /// As for [`write`](Self::write), for each of the slots.
    #[inline]
    pub(super) unsafe fn write_slice(&self, index: usize, items: &[T]) {
        let (first, second) = items.split_at(self.run(index, items.len()));
        // SAFETY: a run ends before the storage does, the second one starts at slot 0, and by the
        // caller's promise nobody else accesses these slots. `UnsafeCell<MaybeUninit<T>>` has the
        // layout of `T`; the pointer is to the whole storage, so it may be moved along it.
        unsafe {
            let base = self.base();
            base.add(index & (self.slots.len() - 1))
                .copy_from_nonoverlapping(first.as_ptr(), first.len());
            base.copy_from_nonoverlapping(second.as_ptr(), second.len());
        }
    }

    /// Copies the slots from `index` on into `items`.
    ///
    /// # Safety
    ///
    /// As for [`read`](Self::read), for each of the slots.
    #[inline]
    pub(super) unsafe fn read_slice(&self, index: usize, items: &mut [T]) {
        let (first, second) = items.split_at_mut(self.run(index, items.len()));
        // SAFETY: as in `write_slice`, and by the caller's promise the slots are initialised.
        unsafe {
            let base = self.base();
            base.add(index & (self.slots.len() - 1))
                .copy_to_nonoverlapping(first.as_mut_ptr(), first.len());
            base.copy_to_nonoverlapping(second.as_mut_ptr(), second.len());
        }
    }

    /// How many of `count` slots from `index` on lie before the end of the storage.
    #[inline]
    fn run(&self, index: usize, count: usize) -> usize {
        count.min(self.slots.len() - (index & (self.slots.len() - 1)))
    }

    #[inline]
    fn base(&self) -> *mut T {
        UnsafeCell::raw_get(self.slots.as_ptr()).cast()
    }
}

/// Whether the other end has dropped its share of the ring. When it has, everything it did before is
/// visible to the caller.
pub(super) fn is_sole<T>(ring: &Arc<Ring<T>>) -> bool {
    let sole = Arc::strong_count(ring) == 1;
    // The count is read with `Relaxed`; the fence pairs with the `Release` of the other end's drop.
    fence(Ordering::Acquire);
    sole
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let (mut head, tail) = self.indices.range();
        while head != tail {
            // SAFETY: both ends are gone and have published where they were, so `head..tail` are the
            // items pushed and not popped.
            drop(unsafe { self.read(head) });
            head = head.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spsc::{Consumer, Producer};
    use alloc::vec::Vec;

    #[test]
    fn indices_may_wrap_at_the_word_size() {
        let ring = Arc::new(Ring::with_origin(5, usize::MAX - 6));
        let (mut producer, mut consumer) = (Producer::new(ring.clone()), Consumer::new(ring));
        let mut sent = 0..100_u8;
        let mut received = Vec::new();
        while received.len() < 100 {
            producer.push_from(&mut sent);
            let mut some = [0; 3];
            let count = consumer.pop_slice(&mut some);
            received.extend_from_slice(&some[..count]);
        }
        assert_eq!(received, (0..100).collect::<Vec<u8>>());
    }

    #[test]
    fn slices_go_round_the_end_of_the_storage() {
        for start in 0..8 {
            let ring = Arc::new(Ring::with_origin(8, start));
            let (mut producer, mut consumer) = (Producer::new(ring.clone()), Consumer::new(ring));
            assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), 8);
            let mut out = [0; 9];
            assert_eq!(consumer.pop_slice(&mut out), 8);
            assert_eq!(out, [1, 2, 3, 4, 5, 6, 7, 8, 0]);
        }
    }
}
