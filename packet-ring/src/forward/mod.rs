//! Forwarding: where a packet goes, and what changes on its way.
//!
//! | question | answered by |
//! |---|---|
//! | behind which port lives this station? | [`MacTable`] |
//! | which of the parallel links? | [`LinkAggregate`] |
//! | which route has the longest prefix? | [`fib::Fib`] |
//! | which of the equal next hops? | [`ecmp::Group`], by the hash of a [`FlowKey`] |
//! | what is the next hop's MAC address? | [`neighbour::NeighbourTable`], with frames of [`discovery`] |
//! | what changes in the packet? | [`rewrite::hop`], [`ethernet::CachedHeader`], [`checksum`] |
//! | what is its sender told, if it goes nowhere? | [`icmp`] |
//!
//! Nothing here opens a socket or reads a clock; addresses, time and seeds come in.

mod aggregate;
pub mod checksum;
pub mod discovery;
pub mod ecmp;
pub mod ethernet;
pub mod fib;
mod flow;
mod hash;
pub mod icmp;
pub mod ip;
mod mac;
mod mac_table;
pub mod neighbour;
pub mod rewrite;

pub use aggregate::LinkAggregate;
pub use flow::{FlowKey, frame_hash};
pub use mac::{MacAddress, MacSyntax};
pub use mac_table::{Learned, MacTable, MacTableConfig};
