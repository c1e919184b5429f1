//! Call control that joins Trunkline's crates into a telephone exchange, sans-IO, with a tokio server.
//!
//! Two machines do the work, and none opens a socket or reads a clock:
//!
//! - [`exchange::Exchange`] controls the calls of one tenant: it takes SIP messages, events of the
//!   media machine and commands, and gives SIP messages, commands for the media machine, things to
//!   keep and events.
//! - [`media::Machine`] carries the voices: it takes packets and commands, and gives packets and events.
//!
//! Before the first stands a third, [`front::Front`], which decides what call control shall see at all.
//!
//! Feature `server` drives both with sockets and threads, feature `sqlite` keeps what must survive.
#![forbid(unsafe_code)]

pub mod call;
pub mod directory;
pub mod exchange;
pub mod feature;
pub mod front;
pub mod media;
pub mod record;
pub mod redact;
#[cfg(feature = "server")]
pub mod server;
pub mod store;

pub use exchange::Exchange;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
