//! Digest authentication (RFC 7616, RFC 8760, RFC 3261 §22).
//!
//! [`server::Authenticator`] challenges and verifies; [`client::Credentials`] answers challenges.

pub mod client;
mod digest;
mod nonce;
pub mod server;

pub use digest::{Algorithm, Qop, stored_digest};
