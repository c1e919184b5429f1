//! SIP messages, transactions, dialogs, digest authentication, registrar logic and SDP, sans-IO.
//!
//! Nothing here opens a socket, reads a clock or draws randomness: bytes and time come in as
//! arguments, bytes and events come out.
//!
//! ```
//! use bytes::Bytes;
//! use sip_core::header::{CSeq, To};
//! use sip_core::{Limits, Message, Response, StatusCode};
//!
//! let datagram = Bytes::from_static(
//!     b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
//!       Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n\
//!       Max-Forwards: 70\r\n\
//!       From: <sip:alice@example.com>;tag=1928301774\r\n\
//!       To: <sip:bob@example.com>\r\n\
//!       Call-ID: a84b4c76e66710@192.0.2.1\r\n\
//!       CSeq: 63104 OPTIONS\r\n\
//!       Content-Length: 0\r\n\r\n",
//! );
//! let Message::Request(request) = Message::parse(datagram, &Limits::default())? else { panic!() };
//! assert_eq!(request.headers.require::<CSeq>()?.number, 63104);
//!
//! let mut response = Response::to(&request, StatusCode::OK);
//! let mut to = request.headers.require::<To>()?;
//! to.set_tag("314159")?;
//! response.headers.set(to);
//! assert!(response.to_bytes().starts_with(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod auth;
pub mod dialog;
pub mod endpoint;
pub mod error;
pub mod flow;
pub mod framing;
pub mod header;
mod keyed;
pub mod limits;
pub mod message;
#[cfg(feature = "tokio")]
pub mod net;
pub mod package;
pub mod proxy;
pub mod publication;
pub mod redirection;
pub mod registrar;
pub mod registration;
pub mod resolve;
pub mod sdp;
mod sealed;
mod slab;
pub mod text;
pub mod timer;
pub mod transaction;
pub mod transport;
pub mod uri;

pub use dialog::{Dialog, DialogId};
pub use endpoint::Endpoint;
pub use error::{Fault, HeaderError, ParseError, Rejection, ValueError};
pub use flow::{ConnectionId, Flow, Transmit};
pub use header::{HeaderName, Headers, TypedHeader};
pub use limits::{Limit, Limits};
pub use message::{Message, MessageView, Method, Request, Response, StatusCode};
pub use text::Token;
pub use transport::Transport;
pub use uri::{Host, HostPort, SipUri, TelUri, Uri};

/// Keeps the README's example compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
