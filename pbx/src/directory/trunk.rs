//! Trunks: other exchanges, known by the address and port they call from.

use std::net::SocketAddr;

use sip_core::Transport;

/// A line to another exchange or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its name in the configuration, in records and in routes.
    pub name: String,
    /// The address and port that its requests come from and that calls to it are sent to.
    pub address: SocketAddr,
    /// How calls are sent to it. Requests are recognised on any transport.
    pub transport: Transport,
    /// The dialplan context that its callers dial in.
    pub context: String,
}
