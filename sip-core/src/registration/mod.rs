//! The side that registers (RFC 3261 §10.2, RFC 5626 §4): keeps an address of record reachable.
//!
//! A [`Registration`] says which REGISTER to send next, learns what came of it, and knows when to
//! come again: before the registration ends, with longer times after a 423, with credentials after
//! a challenge, at the next server or after a growing pause when one fails. It keeps flows through
//! NATs open, notices when they die, and tells what the registrar told: Service-Route, GRUUs, and
//! where we were seen.
//!
//! ```text
//!              poll_request ──> Outgoing ──> user sends it (Endpoint::request)
//! Registration                                     │
//!              <── handle_response, handle_failure ┘
//!              poll_transmit ──> keep-alives ──> sockets ──> handle_keep_alive
//!              poll_event ───> Registered, Failed, Lost, Unregistered
//! ```
//!
//! ```
//! use std::time::Duration;
//! use rand_chacha::rand_core::SeedableRng;
//! use sip_core::auth::client::Credentials;
//! use sip_core::registration::{Config, Event, Registration};
//! use sip_core::{Flow, Response, StatusCode};
//!
//! let now = Duration::ZERO;
//! let aor = "sip:alice@example.com".parse()?;
//! let contact = "sip:alice@192.0.2.7:5060".parse()?;
//! let mut config = Config::new(aor, contact);
//! config.credentials = Some(Credentials::new("alice", "secret"));
//! let random = Box::new(rand_chacha::ChaCha8Rng::seed_from_u64(1));
//! let mut registration = Registration::new(now, config, random)?;
//! let outgoing = registration.poll_request().unwrap();
//! // … sent, and answered over this flow:
//! let flow = Flow::udp("192.0.2.7:5060".parse()?, "192.0.2.1:5060".parse()?);
//! let answer = Response::to(&outgoing.request, StatusCode::OK);
//! registration.handle_response(now, outgoing.id, &answer, flow);
//! assert!(matches!(registration.poll_event(), Some(Event::Registered { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backoff;
mod config;
mod event;
mod keep_alive;
mod leg;
mod machine;
mod stun;

pub use backoff::Backoff;
pub use config::{Config, KeepAlive, Outbound};
pub use event::{AttemptId, Event, Outgoing, Reason};
pub use machine::Registration;
