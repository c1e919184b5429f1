//! A bounded ring between one producer and one consumer, batch first.
//!
//! Each side owns one index and keeps a cached copy of the other's, so that a batch costs one atomic
//! store, and a load only when the cached copy no longer suffices. Nothing blocks and nothing wakes
//! anybody: a full ring refuses, an empty one yields nothing, and the driver decides when to look again.
//!
//! ```text
//!   Producer                                             Consumer
//!   push, push_slice, push_from, reserve ─┐        ┌── pop, pop_slice, drain
//!                                         ▼        ▼
//!                [ . . . |oldest . . . . newest| . . . ]
//!                         ▲ head                ▲ tail
//!                         moved by the consumer  moved by the producer
//! ```
//!
//! ```
//! let (mut producer, mut consumer) = packet_ring::spsc::ring(4);
//! assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5]), 4, "what fits");
//! assert_eq!(producer.push(5).unwrap_err().0, 5, "a full ring gives the item back");
//! assert_eq!(consumer.pop(), Some(1));
//! assert_eq!(consumer.drain(2).collect::<Vec<_>>(), [2, 3]);
//! assert_eq!(consumer.len(), 1);
//! ```

mod consumer;
mod indices;
mod producer;
mod storage;

pub use consumer::{Consumer, Drain};
pub use producer::{Full, Producer, Reservation};

use alloc::sync::Arc;

/// Makes a ring of exactly `capacity` items; a capacity of zero is taken as one.
///
/// Memory for `capacity` rounded up to a power of two items is allocated here, and none later.
///
/// # Panics
///
/// When that memory cannot be had, like `Vec::with_capacity`.
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let ring = Arc::new(storage::Ring::new(capacity.max(1)));
    (Producer::new(ring.clone()), Consumer::new(ring))
}
