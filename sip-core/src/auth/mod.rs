//! Digest authentication (RFC 7616, RFC 8760, RFC 3261 §22).
//!
//! [`server::Authenticator`] challenges and verifies; [`client::Credentials`] answers challenges;
//! [`session::Session`] remembers what a server has said, so that the next request need not be challenged.

pub mod client;
mod digest;
mod info;
mod nonce;
pub mod server;
pub mod session;

pub use digest::{Algorithm, Qop, stored_digest};
