//! Extensions: the people and devices that may register and call.

use sip_core::auth::server::Secret;

/// One extension: a number, and what its owner proves it with.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The number, which is also the digest username and the user part of its address of record.
    pub number: String,
    /// Shown to those it calls; may be empty.
    pub name: String,
    /// What digest authentication is checked against. Never printed.
    pub secret: Secret,
}
