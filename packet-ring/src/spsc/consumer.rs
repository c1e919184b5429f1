use alloc::sync::Arc;
use core::fmt;

use super::indices::ReadCursor;
use super::storage::{self, Ring};

/// The reading end of a [`ring`](super::ring).
pub struct Consumer<T> {
    ring: Arc<Ring<T>>,
    cursor: ReadCursor,
}

impl<T> Consumer<T> {
    pub(super) fn new(ring: Arc<Ring<T>>) -> Self {
        let cursor = ReadCursor::new(&ring.indices);
        Self { ring, cursor }
    }

    /// Takes the oldest item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.cursor.readable(&self.ring.indices, 1) == 0 {
            return None;
        }
        // SAFETY: `readable` says that the slot holds an item and is the consumer's.
        let item = unsafe { self.ring.read(self.cursor.position()) };
        self.cursor.advance(1);
        self.cursor.publish(&self.ring.indices);
        Some(item)
    }

    /// Copies the oldest items into the front of `items`, in one step. Returns how many came.
    #[inline]
    pub fn pop_slice(&mut self, items: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = self.cursor.readable(&self.ring.indices, items.len()).min(items.len());
        if count > 0 {
            // SAFETY: `readable` says that `count` slots hold items and are the consumer's.
            unsafe { self.ring.read_slice(self.cursor.position(), &mut items[..count]) };
            self.cursor.advance(count);
            self.cursor.publish(&self.ring.indices);
        }
        count
    }

    /// Takes up to `limit` of the items there are now, oldest first. Their slots go back to the
    /// producer together when the iterator is dropped; items it did not yield stay in the ring.
    #[inline]
    pub fn drain(&mut self, limit: usize) -> Drain<'_, T> {
        let left = self.cursor.readable(&self.ring.indices, limit).min(limit);
        Drain { consumer: self, found: left, left }
    }

    /// Looks at the oldest item.
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        if self.cursor.readable(&self.ring.indices, 1) == 0 {
            return None;
        }
        // SAFETY: `readable` says that the slot holds an item and is the consumer's, and the borrow of
        // `self` keeps it from being popped.
        Some(unsafe { self.ring.peek(self.cursor.position()) })
    }

    /// How many items there are now; the producer can only make it more.
    #[inline]
    pub fn len(&self) -> usize {
        self.ring.indices.len()
    }

    /// Whether there is no item now.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most items the ring holds.
    pub fn capacity(&self) -> usize {
        self.ring.indices.capacity()
    }

    /// Whether the producer is gone: once the ring is empty too, nothing will come any more.
    pub fn is_abandoned(&self) -> bool {
        storage::is_sole(&self.ring)
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // A `Drain` that was leaked has taken items without handing their slots back; the ring's drop
        // must not take them again.
        self.cursor.publish(&self.ring.indices);
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Items being taken, from [`Consumer::drain`].
#[derive(Debug)]
pub struct Drain<'a, T> {
    consumer: &'a mut Consumer<T>,
    found: usize,
    left: usize,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `readable` said that the slots up to `left` hold items and are the consumer's. The
        // cursor moves at once, so that not even leaking this iterator yields the item twice.
        let item = unsafe { self.consumer.ring.read(self.consumer.cursor.position()) };
        self.consumer.cursor.advance(1);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Drain<'_, T> {}

impl<T> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        // An idle poll leaves the index alone, so that the producer's core keeps its copy.
        if self.left < self.found {
            self.consumer.cursor.publish(&self.consumer.ring.indices);
        }
    }
}
