//! A SIP endpoint on a UDP socket of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use mio::Interest;
use mio::net::UdpSocket;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use sip_core::endpoint::{Config, Event, Input};
use sip_core::header::{Contact, Expires, From, NameAddr, To};
use sip_core::{Endpoint, Flow, Method, Request, SipUri};

use crate::loss::Loss;

/// What the kernel may hold for us between two reads.
const KERNEL_BUFFER: usize = 4 << 20;

/// A SIP endpoint on a UDP socket of its own.
pub(crate) struct Agent {
    pub(crate) endpoint: Endpoint,
    socket: UdpSocket,
    /// Between us and the server.
    pub(crate) flow: Flow,
    /// Requests sent that are no ACK, repetitions included.
    pub(crate) requests_sent: u64,
    buffer: Vec<u8>,
    /// What gets lost on the way, in both directions.
    pub(crate) loss: Option<Loss>,
}

impl Agent {
    /// An agent on a free port, that `poll` wakes by `token`.
    pub(crate) fn new(
        server: SocketAddr,
        poll: &mio::Poll,
        token: usize,
        seed: u64,
    ) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
        Self::on(socket, server, poll, token, seed)
    }

    /// An agent on a socket.
    pub(crate) fn on(
        socket: std::net::UdpSocket,
        server: SocketAddr,
        poll: &mio::Poll,
        token: usize,
        seed: u64,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let random = ChaCha20Rng::seed_from_u64(seed);
        let mut config = Config::default();
        config.user_agent = Some("load".into());
        // The server is to be measured, not what we can remember or the kernel holds for us.
        config.capacity.transactions.clients = 1 << 21;
        config.capacity.transactions.servers = 1 << 21;
        config.capacity.transactions.transmits = 1 << 16;
        config.capacity.dialogs = 1 << 21;
        config.capacity.events = 1 << 16;
        let _ = set_socket_recv_buffer_size(&socket, KERNEL_BUFFER);
        let mut socket = UdpSocket::from_std(socket);
        poll.registry().register(&mut socket, mio::Token(token), Interest::READABLE)?;
        Ok(Self {
            endpoint: Endpoint::new(config, Box::new(random)),
            socket,
            flow: Flow::udp(local, server),
            requests_sent: 0,
            buffer: vec![0; 65_536],
            loss: None,
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.flow.local
    }

    /// A REGISTER of a user for so many seconds, without credentials.
    pub(crate) fn registration(&self, user: &str, expires: u32) -> Request {
        let (server, local) = (self.flow.remote, self.flow.local);
        let of_record = SipUri::new(user, server.ip(), Some(server.port()));
        let registrar = SipUri::new("", server.ip(), Some(server.port()));
        let mut request = Request::new(Method::Register, registrar);
        request.headers.push(From(NameAddr::new(of_record.clone())));
        request.headers.push(To(NameAddr::new(of_record)));
        let contact = SipUri::new(user, local.ip(), Some(local.port()));
        request.headers.push(Contact::from(NameAddr::new(contact)));
        request.headers.push(Expires(expires));
        request
    }

    /// Takes what has arrived and what is due; the events are for [`event`](Self::event).
    pub(crate) fn receive(&mut self, now: Duration) {
        while let Ok((length, from)) = self.socket.recv_from(&mut self.buffer) {
            if from == self.flow.remote && !self.is_lost() {
                let message = Bytes::copy_from_slice(&self.buffer[..length]);
                self.endpoint.handle_input(now, Input::Received { flow: self.flow, message });
            }
        }
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
        }
    }

    pub(crate) fn event(&mut self) -> Option<Event> {
        self.endpoint.poll_event()
    }

    /// Sends what waits. What the system does not take is lost, as on any network.
    pub(crate) fn send(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let bytes = &transmit.bytes;
            if !bytes.starts_with(b"SIP/") && !bytes.starts_with(b"ACK ") {
                self.requests_sent += 1;
            }
            if !self.is_lost() {
                let _ = self.socket.send_to(&transmit.bytes, transmit.flow.remote);
            }
        }
    }

    fn is_lost(&mut self) -> bool {
        self.loss.as_mut().is_some_and(Loss::strikes)
    }
}
