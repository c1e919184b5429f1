//! Packet buffer pools and single-producer single-consumer rings: handles move, packets do not.
//!
//! A receiver takes an empty buffer from the [`pool`], lets the socket fill it, and pushes the handle
//! into a ring ([`spsc`]) towards whoever processes it; the slot returns to the pool when the handle is
//! dropped, on whatever thread that is.
//!
//! ```
//! use packet_ring::pool::{PacketPool, PoolConfig};
//! use packet_ring::spsc;
//!
//! let pool = PacketPool::new(PoolConfig::default())?;
//! let (mut producer, mut consumer) = spsc::ring(256);
//!
//! let receiver = std::thread::spawn(move || {
//!     for number in 0_u8..100 {
//!         let Some(mut packet) = pool.take() else { continue }; // counted by the pool
//!         packet.extend_from_slice(&[number; 160]).expect("160 bytes fit 1984");
//!         producer.push(packet).expect("the ring holds 256");
//!     }
//!     pool
//! });
//! let pool = receiver.join().unwrap();
//! assert_eq!(pool.stats().free, 1024 - 100);
//! for (number, packet) in (0_u8..).zip(consumer.drain(64)) {
//!     assert_eq!(packet[..], [number; 160]);
//! }
//! assert_eq!(consumer.len(), 36);
//! drop(consumer);
//! assert_eq!(pool.stats().free, 1024);
//! # Ok::<(), packet_ring::pool::PoolError>(())
//! ```
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod atomic;
#[cfg(feature = "net")]
pub mod batch;
pub mod forward;
pub mod overwrite;
#[cfg(feature = "std")]
pub mod pipeline;
pub mod pool;
pub mod spsc;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
