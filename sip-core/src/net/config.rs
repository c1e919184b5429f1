//! How sockets behave.

use core::time::Duration;

use crate::Limits;

/// How [`Transports`](super::Transports) behave.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long a message on a stream may be.
    pub message: Limits,
    /// Connections in all, both ways. Default 10,000; more are closed as soon as they open.
    pub connections: usize,
    /// Connections that one address may open to us. Default 100.
    pub connections_each: usize,
    /// Messages that wait to be written to one connection. Default 256. A peer that reads slower
    /// than that loses the connection.
    pub queue: usize,
    /// Messages of connections that wait to be taken by [`Transports::receive`](super::Transports::receive). Default 1,024; then
    /// reading stops. Datagrams wait in the kernel.
    pub receive_queue: usize,
    /// How long a connection may be silent. Default 15 minutes.
    pub idle: Duration,
    /// How long a message may take from its first byte to its last. Default 10 s.
    pub partial: Duration,
    /// How long opening a connection may take. Default 5 s.
    pub connect: Duration,
    /// How long TLS and WebSocket may take to agree, each. Default 10 s.
    pub handshake: Duration,
    /// How long writing one message may take. Default 10 s.
    pub write: Duration,
    /// How long [`Transports::close`](super::Transports::close) waits for what is still to be written. Default 2 s.
    pub linger: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            message: Limits::default(),
            connections: 10_000,
            connections_each: 100,
            queue: 256,
            receive_queue: 1024,
            idle: Duration::from_secs(900),
            partial: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            write: Duration::from_secs(10),
            linger: Duration::from_secs(2),
        }
    }
}
