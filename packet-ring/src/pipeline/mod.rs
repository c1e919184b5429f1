//! Stages joined by rings: the way of a packet through the device.
//!
//! ```text
//!   receive ──ring──▶ steps before ──ring──▶ switch or route ──ring──▶ steps after ──ring──▶ transmit
//!            input queue            (filter,                            (translation)
//!                                    translation)                        output queue
//! ```
//!
//! A [`Stage`] turns a batch into a batch: it may pass packets on, drop them, answer some, or, as the
//! first one, receive them. All stages run in turn on one thread ([`Pipeline::run_once`]), or each on its own
//! ([`Pipeline::spawn`]); the packets move as handles. What happens when a ring is full is chosen for each:
//! [`WhenFull::Wait`] holds the stages before back, down to the socket, where the kernel's queue fills;
//! [`WhenFull::TailDrop`] drops the newest and counts them.
//!
//! ```
//! use std::time::Duration;
//! use packet_ring::pipeline::{Joint, Pipeline, WhenFull};
//!
//! let mut numbers = 0..1000_u32;
//! let mut pipeline = Pipeline::new()
//!     .stage("receive", move |_now, _input: &mut Vec<u32>, output: &mut Vec<u32>| {
//!         output.extend(numbers.by_ref().take(64));
//!     })
//!     .joint(Joint { capacity: 128, when_full: WhenFull::TailDrop })
//!     .stage("even ones", |_now, input: &mut Vec<u32>, output: &mut Vec<u32>| {
//!         output.extend(input.drain(..).filter(|number| number % 2 == 0));
//!     })
//!     .stage("transmit", |_now, input: &mut Vec<u32>, output: &mut Vec<u32>| output.append(input));
//! while pipeline.run_once(Duration::ZERO) {}
//! let counters = pipeline.counters();
//! assert_eq!((counters[0].passed, counters[1].passed, counters[1].dropped), (1000, 500, 500));
//! assert_eq!(counters[2].passed, 500);
//! ```

mod filter;
mod nat;
mod stages;

pub use filter::{FilterConfig, StatefulFilter};
pub use nat::{NatConfig, SourceNat};
pub use stages::{Joint, Pipeline, Running, Stage, StageCounters, WhenFull};

use crate::pool::PacketBuf;

/// A packet that knows from which side it came, for steps that guard a border. It begins with its IP
/// header.
#[derive(Debug)]
pub struct Directed<P = PacketBuf> {
    /// Whether it comes from the inside.
    pub from_inside: bool,
    /// The packet.
    pub packet: P,
}
