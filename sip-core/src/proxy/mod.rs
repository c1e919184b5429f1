//! Proxies (RFC 3261 §16): what to check, how to route, which response to choose.
//!
//! The rules are functions on messages, for proxies of any build: [`check`] what came in,
//! [`preprocess`] its routes, [`forward`] it with [`RecordRoute`] and Max-Forwards, send responses
//! where their Via says ([`pop_via`], [`response_flow`]). On them stand two machines without I/O:
//! [`Stateless`] remembers nothing; [`Proxy`] keeps transactions, forks, and chooses among
//! responses with a [`ResponseContext`].
//!
//! Beside them, for the borders of a network: [`identity`] between trusted and other neighbours (RFC
//! 3325), [`diversion`] (RFC 5806, RFC 7044), and [`topology`] hiding.

mod check;
mod context;
pub mod diversion;
pub mod identity;
mod route;
mod stateful;
mod stateless;
pub mod topology;
mod via;

pub use check::{Ours, Refusal, check, routing_mark};
pub use context::{ResponseContext, Step};
pub use route::{Passed, RecordRoute, forward, next_hop, preprocess};
pub use stateful::{Config, ContextId, Event, Hop, Proxy};
pub use stateless::{Arrival, Stateless};
pub use via::{mark_source, pop_via, response_flow};
