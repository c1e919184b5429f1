//! Virtual clock and network, scripted user agents and a SIP ladder printer for tests.
//!
//! A [`World`] owns every machine of a test as a [`Node`], carries their datagrams through a
//! [`Network`] with the [`Faults`] of one seed, and moves virtual time from one happening to the
//! next. Nothing sleeps, nothing reads a clock: a day passes in seconds, and the same seed gives the
//! same trace. What crossed the network is printed by [`Ladder`].
#![forbid(unsafe_code)]

mod ladder;
mod network;
mod phone;
mod world;

pub use ladder::Ladder;
pub use network::{Datagram, Faults, Network, Passage};
pub use phone::{Answering, Phone, PhoneSettings, Seen};
pub use world::{Node, NodeId, World};
