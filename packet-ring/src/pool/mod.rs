//! A pool of fixed-size packet slots in one allocation.
//!
//! [`PacketPool`] hands out [`PacketBuf`]s. A `PacketBuf` is an owned handle of 24 bytes: it moves
//! through rings and queues while the packet stays where the driver received it. Dropped on any
//! thread, or frozen into [`bytes::Bytes`] and dropped as the last of its clones, it returns its slot
//! to the pool.
//!
//! ```text
//!            slot (slot_size bytes, starts on a cache line)
//!  ├── headroom ──┼────── packet: len ──────┼────── tailroom (spare) ──────┤
//!                 deref to [u8]
//! ```
//!
//! ```
//! use packet_ring::pool::{PacketPool, PoolConfig};
//!
//! let pool = PacketPool::new(PoolConfig { slots: 2, ..PoolConfig::default() })?;
//! let mut packet = pool.take().expect("both slots are free");
//! packet.extend_from_slice(b"payload")?;
//! packet.prepend(4)?.copy_from_slice(b"head");
//! assert_eq!(&packet[..], b"headpayload");
//!
//! let other = pool.take();
//! assert!(pool.take().is_none(), "an empty pool is an event, not a panic");
//! assert_eq!(pool.stats().exhausted, 1);
//!
//! let bytes = packet.freeze();
//! let part = bytes.slice(4..);
//! drop((other, bytes));
//! assert_eq!(pool.stats().free, 1, "`part` still holds the first slot");
//! drop(part);
//! assert_eq!(pool.stats().free, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod free_slots;
mod packet_buf;
mod packet_pool;
mod references;
mod slot_memory;

pub use config::{PoolConfig, PoolError};
pub use packet_buf::{NoRoom, PacketBuf};
pub use packet_pool::{PacketPool, PoolStats};
