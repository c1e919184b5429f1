use alloc::sync::Arc;
use core::{fmt, mem};

use super::indices::WriteCursor;
use super::storage::{self, Ring};

/// The writing end of a [`ring`](super::ring).
pub struct Producer<T> {
    ring: Arc<Ring<T>>,
    cursor: WriteCursor,
}

/// The ring is full; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full")]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> Producer<T> {
    pub(super) fn new(ring: Arc<Ring<T>>) -> Self {
        let cursor = WriteCursor::new(&ring.indices);
        Self { ring, cursor }
    }

    /// Appends one item.
    ///
    /// # Errors
    ///
    /// [`Full`] with the item when there is no room.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        if self.cursor.writable(&self.ring.indices, 1) == 0 {
            return Err(Full(item));
        }
        // SAFETY: `writable` says that the slot is the producer's.
        unsafe { self.ring.write(self.cursor.position(), item) };
        self.cursor.publish(&self.ring.indices, 1);
        Ok(())
    }

    /// Appends copies of as many items from the front of `items` as fit, in one step. Returns how many.
    #[inline]
    pub fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let count = self.cursor.writable(&self.ring.indices, items.len()).min(items.len());
        if count > 0 {
            // SAFETY: `writable` says that `count` slots are the producer's.
            unsafe { self.ring.write_slice(self.cursor.position(), &items[..count]) };
            self.cursor.publish(&self.ring.indices, count);
        }
        count
    }

    /// Appends what `items` yields for as long as there is room, in one step. Returns how many.
    ///
    /// An item is asked for only when there is room for it, so nothing is lost: go on later with the
    /// same iterator. (`vec.drain(..)` discards what was not asked for; limit its range to
    /// [`free`](Self::free).)
    #[inline]
    pub fn push_from(&mut self, items: &mut impl Iterator<Item = T>) -> usize {
        let mut batch = self.reserve(items.size_hint().0);
        while batch.has_room() {
            let Some(item) = items.next() else { break };
            batch.write(item);
        }
        batch.commit()
    }

    /// Starts a batch that the consumer sees all at once on [`Reservation::commit`], or never.
    /// `expected` items are looked for room for at once; the batch may grow to whatever is free.
    #[inline]
    pub fn reserve(&mut self, expected: usize) -> Reservation<'_, T> {
        let room = self.cursor.writable(&self.ring.indices, expected);
        Reservation { producer: self, room, written: 0 }
    }

    /// How many items fit now; the consumer can only make it more.
    #[inline]
    pub fn free(&self) -> usize {
        self.ring.indices.capacity() - self.ring.indices.len()
    }

    /// The most items the ring holds.
    pub fn capacity(&self) -> usize {
        self.ring.indices.capacity()
    }

    /// Whether the consumer is gone, so that nobody will pop what is pushed.
    pub fn is_abandoned(&self) -> bool {
        storage::is_sole(&self.ring)
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("free", &self.free())
            .finish_non_exhaustive()
    }
}

/// A batch being written, from [`Producer::reserve`]. Dropped without [`commit`](Self::commit), it
/// drops its items.
#[derive(Debug)]
pub struct Reservation<'a, T> {
    producer: &'a mut Producer<T>,
    room: usize,
    written: usize,
}

impl<T> Reservation<'_, T> {
    /// Adds an item to the batch.
    ///
    /// # Errors
    ///
    /// [`Full`] with the item when the ring has no more room.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        if !self.has_room() {
            return Err(Full(item));
        }
        self.write(item);
        Ok(())
    }

    /// How many more items the batch is sure to have room for.
    #[inline]
    pub fn left(&self) -> usize {
        self.room - self.written
    }

    /// Shows the batch to the consumer. Returns how many items it had.
    #[inline]
    pub fn commit(mut self) -> usize {
        let count = mem::take(&mut self.written);
        if count > 0 {
            self.producer.cursor.publish(&self.producer.ring.indices, count);
        }
        count
    }

    #[inline]
    fn has_room(&mut self) -> bool {
        if self.written == self.room {
            let Producer { ring, cursor } = &mut *self.producer;
            self.room = cursor.writable(&ring.indices, self.written + 1);
        }
        self.written < self.room
    }

    #[inline]
    fn write(&mut self, item: T) {
        assert!(self.written < self.room, "callers look for room first");
        // SAFETY: `writable` said that `room` slots are the producer's, and this one is among them.
        unsafe { self.producer.ring.write(self.index(self.written), item) };
        self.written += 1;
    }

    fn index(&self, at: usize) -> usize {
        self.producer.cursor.position().wrapping_add(at)
    }
}

impl<T> Drop for Reservation<'_, T> {
    fn drop(&mut self) {
        while self.written > 0 {
            self.written -= 1;
            // SAFETY: the slot was written by `push` and not committed, so it is still the producer's
            // and holds an item. The count went down first: a panicking drop does not see it again.
            drop(unsafe { self.producer.ring.read(self.index(self.written)) });
        }
    }
}
