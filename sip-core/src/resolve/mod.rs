//! Locating SIP servers (RFC 3263): which transport, address and port a request goes to.
//!
//! Nothing here asks DNS itself. A [`Resolver`] turns a [`Destination`] into a list of
//! [`Target`]s, the best first; what it has to know it asks its driver, and keeps for as long as
//! the answers say:
//!
//! ```text
//!   resolve(Destination) ──> Resolver ──> poll_question ──> driver asks DNS
//!                               │   <──── handle_answer <──┘
//!   targets, best first <── poll_event
//! ```
//!
//! [`Dispatch`] joins it to an [`Endpoint`](crate::Endpoint): a request for a host name is sent to the
//! first target, and to the next one when that one fails or answers 503 (§4.3). With the feature
//! `resolver`, `net::Dns` asks the system's name servers.
//!
//! ```
//! use std::time::Duration;
//! use rand_chacha::rand_core::SeedableRng;
//! use sip_core::resolve::{Answer, Config, Destination, Kind, Record, Resolver};
//!
//! let random = Box::new(rand_chacha::ChaCha8Rng::seed_from_u64(1));
//! let mut resolver = Resolver::new(Config::default(), random);
//! let uri = "sip:bob@pbx.example.com:5070;transport=tcp".parse()?;
//! resolver.resolve(Duration::ZERO, Destination::of(&uri).unwrap());
//! while let Some(question) = resolver.poll_question() {
//!     let answer = match question.kind {
//!         Kind::A => Answer::found(vec![Record::Address([192, 0, 2, 9].into())], 300),
//!         _ => Answer::absent(60),
//!     };
//!     resolver.handle_answer(Duration::ZERO, &question, answer);
//! }
//! let found = resolver.poll_event().unwrap().outcome?;
//! assert_eq!(found.first().unwrap().to_string(), "TCP 192.0.2.9:5070");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod destination;
mod dispatch;
mod plan;
mod question;
mod resolver;
mod srv;

pub use destination::{Destination, Target, Targets, Trouble};
pub use dispatch::{Dispatch, DispatchError, DispatchEvent, DispatchId, Ways};
pub use question::{Answer, Kind, Naptr, Question, Record, Srv};
pub use resolver::{Config, Error, Event, Families, LookupId, Resolver};
