//! A forwarding table: the longest prefix that an address begins with.
//!
//! The first 17 bits index a table of 131,072 entries directly; each further 7 bits lead through a node of
//! 128 slots, of which only the first of every run of equal ones is stored, found by counting bits
//! (Asai and Ohara, *Poptrie*, SIGCOMM 2015, is the model). So most lookups of IPv4 read two places of
//! memory. A prefix lives in one node only and the lookup keeps the last value it met, so adding or
//! removing one repaints one node; one of up to 17 bits marks the entries it covers.
//!
//! The prefixes themselves are kept beside it in a sorted tree, for updates only: [`Fib::memory`] counts
//! what lookups touch, [`Fib::prefix_memory`] estimates the rest.
//!
//! ```
//! use core::net::Ipv4Addr;
//! use packet_ring::forward::fib::{Fib, NextHop};
//!
//! let mut fib = Fib::<Ipv4Addr>::new();
//! let [office, internet] = [7, 9].map(|id| NextHop::new(id).unwrap());
//! fib.insert("10.0.0.0/8".parse()?, office)?;
//! fib.insert("0.0.0.0/0".parse()?, internet)?;
//! assert_eq!(fib.lookup("10.1.2.3".parse()?), Some(office));
//! assert_eq!(fib.lookup("192.0.2.1".parse()?), Some(internet));
//! fib.remove("0.0.0.0/0".parse()?);
//! assert_eq!(fib.lookup("192.0.2.1".parse()?), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arena;
mod node;
mod prefix;
mod table;

pub use prefix::{Address, Prefix, PrefixError};
pub use table::{Fib, FibError, NextHop};
