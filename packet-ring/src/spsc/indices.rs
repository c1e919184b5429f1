//! The index protocol: who may touch which slots, and how the other side learns of it.
//!
//! Indices count items since the ring was made and wrap at the word size; slots are indices modulo the
//! storage length. Slots in `head..tail` belong to the consumer, the others to the producer. Moving
//! one's own index with `Release` hands slots over; reading the other's with `Acquire` takes them.

use core::sync::atomic::Ordering;

use crate::atomic::{AtomicWord, CachePadded};

/// The two indices that both sides see.
#[derive(Debug)]
pub(crate) struct Indices<A> {
    head: CachePadded<A>,
    tail: CachePadded<A>,
    capacity: usize,
}

impl<A: AtomicWord> Indices<A> {
    /// An empty ring whose first item has index `origin`; tests start close to the wrap.
    pub(crate) fn new(capacity: usize, origin: usize) -> Self {
        debug_assert!((1..=usize::MAX / 2).contains(&capacity));
        Self { head: CachePadded(A::new(origin)), tail: CachePadded(A::new(origin)), capacity }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Items in the ring: exact for the side that asks about its own doing, a moment old for the rest.
    pub(crate) fn len(&self) -> usize {
        // Head first: it never passes the tail, so a later tail keeps the difference positive.
        let head = self.head.0.load(Ordering::Relaxed);
        let tail = self.tail.0.load(Ordering::Relaxed);
        tail.wrapping_sub(head).min(self.capacity)
    }

    /// The indices, for whoever owns both sides.
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.head.0.load(Ordering::Acquire), self.tail.0.load(Ordering::Acquire))
    }
}

/// The producer's own index and what it last knew of the consumer's.
#[derive(Debug)]
pub(crate) struct WriteCursor {
    tail: usize,
    cached_head: usize,
}

impl WriteCursor {
    pub(crate) fn new<A: AtomicWord>(indices: &Indices<A>) -> Self {
        let (head, tail) = indices.range();
        Self { tail, cached_head: head }
    }

    /// The index of the next slot to write.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.tail
    }

    /// How many slots from [`position`](Self::position) on may be written; looks at the consumer's
    /// index only when fewer than `wanted` are known to be free.
    #[inline]
    pub(crate) fn writable<A: AtomicWord>(&mut self, indices: &Indices<A>, wanted: usize) -> usize {
        let free = indices.capacity - self.tail.wrapping_sub(self.cached_head);
        if free >= wanted {
            return free;
        }
        self.cached_head = indices.head.0.load(Ordering::Acquire);
        indices.capacity - self.tail.wrapping_sub(self.cached_head)
    }

    /// Hands the next `count` slots, all written and all writable, to the consumer.
    #[inline]
    pub(crate) fn publish<A: AtomicWord>(&mut self, indices: &Indices<A>, count: usize) {
        self.tail = self.tail.wrapping_add(count);
        indices.tail.0.store(self.tail, Ordering::Release);
    }
}

/// The consumer's own index and what it last knew of the producer's.
#[derive(Debug)]
pub(crate) struct ReadCursor {
    head: usize,
    cached_tail: usize,
}

impl ReadCursor {
    pub(crate) fn new<A: AtomicWord>(indices: &Indices<A>) -> Self {
        let (head, tail) = indices.range();
        Self { head, cached_tail: tail }
    }

    /// The index of the next slot to read.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.head
    }

    /// How many slots from [`position`](Self::position) on may be read; looks at the producer's index
    /// only when fewer than `wanted` are known to be filled.
    #[inline]
    pub(crate) fn readable<A: AtomicWord>(&mut self, indices: &Indices<A>, wanted: usize) -> usize {
        let filled = self.cached_tail.wrapping_sub(self.head);
        if filled >= wanted {
            return filled;
        }
        self.cached_tail = indices.tail.0.load(Ordering::Acquire);
        self.cached_tail.wrapping_sub(self.head)
    }

    /// Notes that the next `count` slots, all readable, were read. The producer learns of it by
    /// [`publish`](Self::publish), so that a batch costs one store.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.head = self.head.wrapping_add(count);
    }

    /// Hands every slot advanced over back to the producer.
    #[inline]
    pub(crate) fn publish<A: AtomicWord>(&self, indices: &Indices<A>) {
        indices.head.0.store(self.head, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;

    #[test]
    fn indices_wrap_with_the_word() {
        let indices = Indices::<AtomicUsize>::new(3, usize::MAX - 1);
        let (mut write, mut read) = (WriteCursor::new(&indices), ReadCursor::new(&indices));
        for round in 0..10 {
            assert_eq!(write.writable(&indices, 3), 3, "round {round}");
            write.publish(&indices, 2);
            assert_eq!((indices.len(), read.readable(&indices, 1)), (2, 2));
            read.advance(2);
            assert_eq!(write.writable(&indices, 2), 1, "not handed back yet");
            read.publish(&indices);
        }
        assert_eq!(read.position(), 18);
    }

    #[test]
    fn the_other_index_is_read_only_when_needed() {
        let indices = Indices::<AtomicUsize>::new(4, 0);
        let (mut write, mut read) = (WriteCursor::new(&indices), ReadCursor::new(&indices));
        write.publish(&indices, 3);
        assert_eq!(read.readable(&indices, 1), 3);
        write.publish(&indices, 1);
        assert_eq!(read.readable(&indices, 3), 3, "three were known, three suffice");
        assert_eq!(read.readable(&indices, 4), 4);
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

    /// The protocol with loom's cells for slots: loom reports any two accesses that are not ordered.
    struct Model<A> {
        indices: Indices<A>,
        slots: Vec<UnsafeCell<usize>>,
    }

    /// Sends `items` numbers in batches through a ring of `capacity` and checks their order.
    fn send_and_receive<A: AtomicWord + Send + Sync + 'static>(
        capacity: usize,
        items: usize,
        batch: usize,
    ) {
        loom::model(move || {
            let ring = Arc::new(Model {
                indices: Indices::<A>::new(capacity, usize::MAX),
                slots: (0..capacity.next_power_of_two()).map(|_| UnsafeCell::new(0)).collect(),
            });
            let mask = ring.slots.len() - 1;

            let producer = loom::thread::spawn({
                let ring = ring.clone();
                move || {
                    let mut cursor = WriteCursor::new(&ring.indices);
                    let mut sent = 0;
                    while sent < items {
                        let batch = batch.min(items - sent);
                        let count = cursor.writable(&ring.indices, batch).min(batch);
                        for at in 0..count {
                            let slot = cursor.position().wrapping_add(at) & mask;
                            sent += 1;
                            // SAFETY: loom checks that the consumer is not in this slot now.
                            ring.slots[slot].with_mut(|cell| unsafe { *cell = sent });
                        }
                        if count > 0 {
                            cursor.publish(&ring.indices, count);
                        } else {
                            loom::thread::yield_now();
                        }
                    }
                }
            });

            let mut cursor = ReadCursor::new(&ring.indices);
            let mut received = 0;
            while received < items {
                let count = cursor.readable(&ring.indices, 1).min(batch);
                for _ in 0..count {
                    let slot = cursor.position() & mask;
                    // SAFETY: loom checks that the producer is not in this slot now.
                    let value = ring.slots[slot].with(|cell| unsafe { *cell });
                    cursor.advance(1);
                    received += 1;
                    assert_eq!(value, received);
                }
                if count > 0 {
                    cursor.publish(&ring.indices);
                } else {
                    loom::thread::yield_now();
                }
            }
            producer.join().unwrap();
            assert_eq!(ring.indices.len(), 0);
        });
    }

    #[test]
    fn loom_one_slot() {
        send_and_receive::<LoomWord>(1, 3, 1);
    }

    #[test]
    fn loom_batches() {
        send_and_receive::<LoomWord>(2, 4, 2);
    }

    #[test]
    fn loom_capacity_below_the_storage_length() {
        send_and_receive::<LoomWord>(3, 4, 2);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn loom_catches_weakened_orderings() {
        send_and_receive::<Weakened>(2, 3, 1);
    }
}
