//! Where a message came from and where it is to go.

use core::net::SocketAddr;

use bytes::Bytes;

use crate::Transport;

/// One connection of a driver.
///
/// A driver numbers its connections as it likes and raises `generation` when it uses a number
/// again, so that a message meant for a closed connection is never sent into its successor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId {
    /// The driver's number of the connection.
    pub index: u32,
    /// How often the number was used before.
    pub generation: u32,
}

/// A path between two addresses over one transport: what RFC 5626 calls a flow.
///
/// A message that arrived carries the flow it arrived on; a message to be sent carries the flow to
/// send it on. On a datagram transport `connection` is `None`. On a stream it names the connection
/// that the driver reported; `None` asks the driver to use one that it has to `remote`, or to open
/// one, with `local` as the address it listens on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flow {
    /// The transport.
    pub transport: Transport,
    /// Our address: that of the socket the message arrived on or leaves from.
    pub local: SocketAddr,
    /// The peer's address as seen from here.
    pub remote: SocketAddr,
    /// The connection, on a stream that is already open.
    pub connection: Option<ConnectionId>,
}

impl Flow {
    /// A flow over UDP.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, local, remote, connection: None }
    }

    /// A flow over TCP for which the driver finds or opens the connection.
    pub const fn tcp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, local, remote, connection: None }
    }

    /// Whether the transport delivers whole messages in order, so that none is sent twice.
    pub const fn is_reliable(&self) -> bool {
        self.transport.is_reliable()
    }
}

/// A message that a driver is asked to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// The whole message.
    pub bytes: Bytes,
}
