//! Sockets over tokio: UDP and TCP, IPv4 and IPv6 (feature `tokio`); TLS (feature `tls`);
//! WebSocket (feature `ws`), with both also WSS; answers from DNS (feature `resolver`).
//!
//! [`Transports`] binds and connects, cuts streams into messages and keeps every queue bounded;
//! [`Driver`] runs an [`Endpoint`](crate::Endpoint) on it. A server with threads and batches of
//! its own uses neither: the endpoint needs no driver of a particular kind.
//!
//! ```no_run
//! use sip_core::endpoint::{Config, Event};
//! use sip_core::net::{Driver, SystemRandom, Transports};
//! use sip_core::{Endpoint, Response, StatusCode};
//!
//! # async fn run() -> std::io::Result<()> {
//! let mut transports = Transports::new(Default::default());
//! transports.bind_udp("127.0.0.1:5060".parse().unwrap()).await?;
//! transports.bind_tcp("127.0.0.1:5060".parse().unwrap()).await?;
//! let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
//! let mut driver = Driver::new(endpoint, transports);
//! loop {
//!     if let Event::Request { id, request, .. } = driver.event().await {
//!         let response = Response::to(&request, StatusCode::OK);
//!         let _ = driver.endpoint.respond(driver.now(), id, response);
//!     }
//! }
//! # }
//! ```

mod census;
mod config;
mod connection;
mod connections;
#[cfg(feature = "resolver")]
mod dns;
mod driver;
mod listen;
#[cfg(feature = "tls")]
mod names;
mod random;
#[cfg(feature = "tls")]
mod tls;
mod transports;
mod udp;
mod ways;
#[cfg(feature = "ws")]
mod websocket;

pub use config::Config;
#[cfg(feature = "resolver")]
pub use dns::Dns;
pub use driver::Driver;
#[cfg(feature = "tls")]
pub use names::ProvedNames;
pub use random::SystemRandom;
#[cfg(feature = "tls")]
pub use tls::{ClientCertificates, Identity, Roots, Tls, TlsError};
pub use transports::Transports;
