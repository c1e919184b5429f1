//! A ring whose writer never waits: it overwrites whatever is oldest, read or not.
//!
//! This is the receive ring of a device: one pointer that advances and wraps. It suits what may be lost but
//! not delayed: taps, traces, quality samples. Any number of readers follow, each at its own pace, and each
//! learns exactly how many records went by unread.
//!
//! ```text
//!   Writer: push, push_slice         Reader: read, pop         Reader
//!              │                        │                        │
//!              ▼ position               ▼                        ▼
//!   [ . . . . |o l d e s t . . . . . . . . . . . . . . newest| . . . ]
//! ```
//!
//! Records are copied through atomic words ([`Record`]), so a record that is overwritten while it is read
//! is torn but no data race; the reader finds out afterwards, discards it and counts it. There is no
//! `unsafe` here.
//!
//! ```
//! use packet_ring::overwrite;
//!
//! let (mut writer, mut reader) = overwrite::ring::<usize, 1>(4);
//! writer.push_slice(&[1, 2, 3, 4, 5, 6]);
//! let mut records = [0; 8];
//! let read = reader.read(&mut records);
//! assert_eq!((read.lost, read.count), (2, 4));
//! assert_eq!(records[..read.count], [3, 4, 5, 6]);
//! ```

mod ends;
mod record;
mod slots;

pub use ends::{Read, Reader, Writer};
pub use record::Record;

/// Makes a ring of `capacity` records, rounded up to a power of two of at least one.
///
/// All memory is allocated here. The reader starts at the first record; more are made by
/// [`Writer::subscribe`] and by cloning.
///
/// # Panics
///
/// When the memory cannot be had, like `Vec::with_capacity`.
pub fn ring<T: Record<N>, const N: usize>(capacity: usize) -> (Writer<T, N>, Reader<T, N>) {
    ends::pair(capacity, 0)
}
