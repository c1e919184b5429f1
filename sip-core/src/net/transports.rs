//! The sockets of one process.

use core::future::poll_fn;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::connections::Connections;
#[cfg(feature = "tls")]
use super::names::ProvedNames;
#[cfg(feature = "tls")]
use super::tls::Tls;
use super::udp::Udp;
use super::{Config, listen};
use crate::endpoint::Input;
use crate::flow::{Flow, Transmit};
use crate::{Host, Transport};

/// Sockets that receive and send SIP messages: UDP and TCP, with the features `tls` and `ws` also
/// TLS, WebSocket and both together.
///
/// Sending never waits. A datagram that the kernel does not take at once is dropped, as the
/// network may drop it; retransmission is for that. A stream's message waits in a bounded queue,
/// also while the connection is being opened.
///
/// A message on a connection that we have opened carries as local address the one that was asked
/// for, not the port the kernel chose, so that Via and Contact name an address that listens.
#[derive(Debug)]
pub struct Transports {
    config: Config,
    udp: Vec<Udp>,
    /// Room for one datagram.
    buffer: Vec<u8>,
    /// Datagrams that [`Transports::receive`] has taken and not given yet.
    inbox: VecDeque<Input>,
    /// Whether connections have their turn before datagrams: neither keeps the other waiting.
    streams_first: bool,
    listening: Vec<(Transport, SocketAddr)>,
    /// One task for each socket that listens.
    sockets: JoinSet<()>,
    connections: Connections,
    dropped: u64,
}

impl Transports {
    /// Nothing bound yet.
    pub fn new(config: Config) -> Self {
        Self {
            connections: Connections::new(config.clone()),
            config,
            udp: Vec::new(),
            buffer: Vec::new(),
            inbox: VecDeque::new(),
            streams_first: false,
            listening: Vec::new(),
            sockets: JoinSet::new(),
            dropped: 0,
        }
    }

    /// Binds a UDP socket and gives its address, with the port that the system chose for port 0.
    /// Bound to all addresses (`0.0.0.0`, `[::]`), flows name the one that the peer is answered
    /// from. IPv6 sockets take no IPv4.
    ///
    /// # Errors
    ///
    /// The address is in use, or not ours.
    pub async fn bind_udp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let udp = Udp::bind(address)?;
        let bound = udp.bound;
        self.udp.push(udp);
        Ok(bound)
    }

    /// Listens on TCP; otherwise as [`bind_udp`](Self::bind_udp).
    ///
    /// # Errors
    ///
    /// The address is in use, or not ours.
    pub async fn bind_tcp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.bind(Transport::Tcp, address).await
    }

    /// Binds or listens on any transport; otherwise as [`bind_udp`](Self::bind_udp). For TLS and
    /// WSS, `use_tls` comes first.
    ///
    /// # Errors
    ///
    /// The address is in use, or not ours; the transport's feature is off, or there is no identity
    /// to listen with.
    pub async fn bind(
        &mut self,
        transport: Transport,
        address: SocketAddr,
    ) -> io::Result<SocketAddr> {
        if transport == Transport::Udp {
            return self.bind_udp(address).await;
        }
        if !self.speaks(transport) || (transport.is_secure() && !self.connections.has_identity()) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let listener = listen::listen(address)?;
        let bound = listener.local_addr()?;
        self.listening.push((transport, bound));
        let shared = Arc::clone(self.connections.shared());
        let reporter = self.connections.reporter();
        let config = self.config.clone();
        self.sockets.spawn(listen::accept(listener, transport, bound, shared, config, reporter));
        Ok(bound)
    }

    /// Binds one port in both families: `(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)` for every
    /// address of the host. With port 0 the system chooses one for IPv4, and IPv6 gets the same.
    /// `None` in place of the second says that the system has no IPv6.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind); the port may be free in one family and not in the other.
    pub async fn bind_dual(
        &mut self,
        transport: Transport,
        (v4, v6): (Ipv4Addr, Ipv6Addr),
        port: u16,
    ) -> io::Result<(SocketAddr, Option<SocketAddr>)> {
        let v4 = self.bind(transport, (v4, port).into()).await?;
        match self.bind(transport, (v6, v4.port()).into()).await {
            Ok(v6) => Ok((v4, Some(v6))),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
            Err(_) => Ok((v4, None)),
        }
    }

    /// Sets what TLS connections that begin from now on use.
    #[cfg(feature = "tls")]
    pub fn use_tls(&mut self, tls: Tls) {
        self.connections.use_tls(tls);
    }

    /// Who the peer of a connection has shown to be; `None` without TLS, and before the handshake
    /// is over. A peer without a certificate has no names.
    #[cfg(feature = "tls")]
    pub fn names(&self, flow: &Flow) -> Option<&ProvedNames> {
        self.connections.names(flow)
    }

    /// The flow to `host` at the address of `flow`: over TLS a connection on which the peer proves
    /// that name, which is opened unless there is one (RFC 5923); otherwise `flow` as it is.
    ///
    /// When the connection is lost, ask again: a flow without a connection is one to the address
    /// alone, which a certificate rarely names.
    ///
    /// A connection that the peer has opened is used as well when its certificate proves the name
    /// and its first request had `alias` in its Via, which then names the port.
    pub fn connect(&mut self, host: &Host, flow: Flow) -> Flow {
        if !flow.transport.is_secure() || !self.speaks(flow.transport) {
            return flow;
        }
        self.connections.connect(host, flow)
    }

    /// The addresses bound for UDP.
    pub fn udp_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.udp.iter().map(|udp| udp.bound)
    }

    /// The addresses listening on TCP.
    pub fn tcp_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses(Transport::Tcp)
    }

    /// The addresses of a transport.
    pub fn addresses(&self, transport: Transport) -> impl Iterator<Item = SocketAddr> {
        let udp = self.udp.iter().map(|udp| (Transport::Udp, udp.bound));
        let all = udp.chain(self.listening.iter().copied());
        all.filter(move |(of, _)| *of == transport).map(|(_, address)| address)
    }

    /// How many connections are open or being opened.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How often a connection could not be accepted, for want of descriptors most likely. Accepting
    /// pauses for 50 ms then; who waits is not turned away.
    pub fn accept_failures(&self) -> u64 {
        self.connections.shared().failures()
    }

    /// How many datagrams were dropped because the kernel did not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits for the next message or failure. May be dropped and called again at any time.
    pub async fn receive(&mut self) -> Input {
        loop {
            if let Some(input) = self.next_input() {
                return input;
            }
            self.ready().await;
        }
    }

    /// Waits until something has come that [`take_datagrams`](Self::take_datagrams) or
    /// [`try_receive`](Self::try_receive) gives, for a driver that works on batches. May be dropped
    /// and called again at any time.
    pub async fn ready(&mut self) {
        poll_fn(|context| self.poll_ready(context)).await;
    }

    /// What [`ready`](Self::ready) waits for, to be waited for together with something else.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = !self.inbox.is_empty();
        for udp in &mut self.udp {
            ready |= udp.poll_readable(context).is_ready();
        }
        if ready { Poll::Ready(()) } else { self.connections.poll_ready(context) }
    }

    /// Gives datagrams that have arrived to `taker` where they lie, so that what is not wanted costs no
    /// copy; how many there were. A batch of each socket at most; 0 says that there is none.
    pub fn take_datagrams(&mut self, taker: &mut dyn FnMut(Flow, &[u8])) -> usize {
        self.udp.iter_mut().map(|udp| udp.take(&mut self.buffer, taker)).sum()
    }

    /// The UDP sockets and the addresses they are bound to, once more: for a driver that reads and sends
    /// in batches where there is much. What it leaves is to be read by
    /// [`take_datagrams`](Self::take_datagrams), which alone learns that there is no more.
    ///
    /// # Errors
    ///
    /// The system gives no descriptor.
    pub fn udp_sockets(&self) -> io::Result<Vec<(SocketAddr, UdpSocket)>> {
        self.udp.iter().map(|udp| Ok((udp.bound, udp.socket()?))).collect()
    }

    /// The flow of a datagram from `remote` that such a socket has received.
    pub fn udp_flow(&mut self, bound: SocketAddr, remote: SocketAddr) -> Flow {
        let udp = self.udp.iter_mut().find(|udp| udp.bound == bound);
        udp.map_or_else(|| Flow::udp(bound, remote), |udp| udp.flow(remote))
    }

    /// The next message of a connection, or failure, that is there already. `None` says that there
    /// is none until [`ready`](Self::ready) has ended again.
    pub fn try_receive(&mut self) -> Option<Input> {
        self.connections.try_next().or_else(|| self.inbox.pop_front())
    }

    /// The same with datagrams, which are copied.
    fn next_input(&mut self) -> Option<Input> {
        if self.inbox.is_empty() {
            let Self { udp, buffer, inbox, .. } = self;
            let mut keep = |flow, message: &[u8]| {
                inbox.push_back(Input::Received { flow, message: Bytes::copy_from_slice(message) });
            };
            udp.iter_mut().for_each(|udp| {
                udp.take(buffer, &mut keep);
            });
        }
        self.streams_first = !self.streams_first;
        match self.streams_first {
            true => self.connections.try_next().or_else(|| self.inbox.pop_front()),
            false => self.inbox.pop_front().or_else(|| self.connections.try_next()),
        }
    }

    /// Sends a message, or has its flow reported as failed by [`receive`](Self::receive).
    pub fn send(&mut self, transmit: Transmit) {
        let Transmit { flow, bytes } = transmit;
        match flow.transport {
            Transport::Udp => self.send_datagram(flow, &bytes),
            transport if self.speaks(transport) => self.connections.send(flow, bytes),
            _ => self.connections.fail(flow),
        }
    }

    /// As [`send`](Self::send), of bytes that are somebody else's: a datagram is not copied.
    pub fn send_bytes(&mut self, flow: &Flow, bytes: &[u8]) {
        match flow.transport {
            Transport::Udp => self.send_datagram(*flow, bytes),
            _ => self.send(Transmit { flow: *flow, bytes: Bytes::copy_from_slice(bytes) }),
        }
    }

    /// Gives back the room that a busier time has needed: to be called when there is little to do.
    pub fn shrink(&mut self) {
        self.udp.iter_mut().for_each(Udp::shrink);
        // Made again for the next datagram.
        self.buffer = Vec::new();
        self.inbox.shrink_to_fit();
        self.connections.shrink();
    }

    /// Writes what is queued, for at most [`Config::linger`], and closes everything.
    pub async fn close(mut self) {
        self.sockets.abort_all();
        self.udp.clear();
        self.connections.close().await;
    }

    fn send_datagram(&mut self, flow: Flow, bytes: &[u8]) {
        let socket = self
            .udp
            .iter()
            .find(|udp| udp.bound == flow.local)
            .or_else(|| self.udp.iter().find(|udp| covers(&udp.bound, &flow)));
        let sent = match socket {
            Some(udp) => udp.send(bytes, flow.remote),
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        };
        match sent {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.dropped += 1,
            Err(_) => self.connections.fail(flow),
        }
    }

    /// Whether there is a driver for this transport.
    pub(super) fn speaks(&self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => !self.udp.is_empty(),
            transport => self.connections.speaks(transport),
        }
    }
}

/// Whether a socket bound to every address of a family is the one to send on.
fn covers(bound: &SocketAddr, flow: &Flow) -> bool {
    bound.ip().is_unspecified()
        && bound.is_ipv4() == flow.remote.is_ipv4()
        && (bound.port() == flow.local.port() || flow.local.port() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_a_datagram_is_there_while_it_is_needed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut transports = Transports::new(Config::default());
            let bound = transports.bind_udp("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
            for n in 0..3 {
                peer.send_to(&[n; 9], bound).unwrap();
                transports.ready().await;
                let mut got = Vec::new();
                while transports.take_datagrams(&mut |_, bytes| got.extend_from_slice(bytes)) > 0 {}
                assert_eq!(got, [n; 9]);
                assert!(transports.buffer.capacity() > 0);
                transports.shrink();
                assert_eq!(transports.take_datagrams(&mut |_, _| unreachable!()), 0);
                assert_eq!(transports.buffer.capacity() + transports.inbox.capacity(), 0);
            }
            transports.close().await;
        });
    }
}
