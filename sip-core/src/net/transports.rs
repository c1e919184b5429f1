//! The sockets of one process.

use core::future::poll_fn;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::{Poll, ready};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::census::{Place, Shared};
use super::connection::{self, Link, Queue};
use super::listen;
#[cfg(feature = "tls")]
use super::names::ProvedNames;
#[cfg(feature = "tls")]
use super::tls::Tls;
use super::udp::Udp;
use crate::endpoint::Input;
use crate::flow::{ConnectionId, Flow, Transmit};
use crate::{Host, Limits, Transport};

/// How [`Transports`] behave.
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
    /// Messages of connections that wait to be taken by [`Transports::receive`]. Default 1,024; then
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
    /// How long [`Transports::close`] waits for what is still to be written. Default 2 s.
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

/// What the tasks tell their owner.
#[derive(Debug)]
pub(super) enum Report {
    Input(Input),
    /// A peer has connected.
    Accepted {
        stream: TcpStream,
        flow: Flow,
        place: Place,
    },
    /// A peer has shown who it is.
    #[cfg(feature = "tls")]
    Proved {
        connection: ConnectionId,
        names: ProvedNames,
    },
    /// A connection is over, or could not be opened.
    Closed {
        connection: ConnectionId,
    },
}

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
    /// Datagrams that were read and not taken yet.
    inbox: VecDeque<Input>,
    /// Whether connections have their turn before datagrams: neither keeps the other waiting.
    streams_first: bool,
    listening: Vec<(Transport, SocketAddr)>,
    connections: HashMap<ConnectionId, Connection>,
    by_peer: HashMap<Peer, ConnectionId>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    failures: VecDeque<Flow>,
    reports: mpsc::Receiver<Report>,
    reporter: mpsc::Sender<Report>,
    /// One task for each socket that listens.
    sockets: JoinSet<()>,
    /// One task for each connection.
    streams: JoinSet<()>,
    shared: Arc<Shared>,
    dropped: u64,
}

/// Whom a connection leads to: one to a host that had to prove its name is not used for another
/// host at the same address (RFC 5923 §5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Peer {
    transport: Transport,
    remote: SocketAddr,
    /// The name that was asked for; `None` where none was, or nothing can be proved.
    host: Option<Host>,
}

#[derive(Debug)]
struct Connection {
    flow: Flow,
    queue: Queue,
    /// What it is found by.
    peers: Vec<Peer>,
    /// Who the peer has shown to be.
    #[cfg(feature = "tls")]
    names: Option<ProvedNames>,
    /// Whether a message has come that could have asked for reuse.
    #[cfg(feature = "tls")]
    heard: bool,
    /// Flows without a connection for which this one was used, to be told of its end.
    asked: Vec<Flow>,
}

impl Transports {
    /// Nothing bound yet.
    pub fn new(config: Config) -> Self {
        let (reporter, reports) = mpsc::channel(config.receive_queue.max(1));
        Self {
            config,
            udp: Vec::new(),
            buffer: Vec::new(),
            inbox: VecDeque::new(),
            streams_first: false,
            listening: Vec::new(),
            connections: HashMap::new(),
            by_peer: HashMap::new(),
            #[cfg(feature = "tls")]
            tls: None,
            failures: VecDeque::new(),
            reports,
            reporter,
            sockets: JoinSet::new(),
            streams: JoinSet::new(),
            shared: Arc::default(),
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
        if !self.speaks(transport) || (transport.is_secure() && !self.has_identity()) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let listener = listen::listen(address)?;
        let bound = listener.local_addr()?;
        self.listening.push((transport, bound));
        let (shared, reporter) = (Arc::clone(&self.shared), self.reporter.clone());
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
        self.tls = Some(tls);
    }

    /// Who the peer of a connection has shown to be; `None` without TLS, and before the handshake
    /// is over. A peer without a certificate has no names.
    #[cfg(feature = "tls")]
    pub fn names(&self, flow: &Flow) -> Option<&ProvedNames> {
        self.connections.get(&flow.connection?)?.names.as_ref()
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
        let peer = Peer::named(&flow, host);
        if let Some(id) = self.by_peer.get(&peer) {
            return Flow { connection: Some(*id), ..flow };
        }
        let connection = self.open(flow, Some(host), None);
        Flow { connection, ..flow }
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
        self.shared.failures()
    }

    /// How many datagrams were dropped because the kernel did not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits for the next message or failure. May be dropped and called again at any time.
    pub async fn receive(&mut self) -> Input {
        poll_fn(|context| {
            loop {
                if let Some(input) = self.try_receive() {
                    return Poll::Ready(input);
                }
                let mut came = false;
                for udp in &mut self.udp {
                    let polled = udp.poll_receive(context, &mut self.buffer, &mut self.inbox);
                    came |= polled.is_ready();
                }
                // The sender that we keep ourselves keeps the channel open.
                if !came
                    && let Some(report) = ready!(self.reports.poll_recv(context))
                    && let Some(input) = self.heed(report)
                {
                    return Poll::Ready(input);
                }
            }
        })
        .await
    }

    /// Waits until something has come that [`take_datagrams`](Self::take_datagrams) or
    /// [`try_receive`](Self::try_receive) gives. May be dropped and called again at any time.
    pub async fn ready(&mut self) {
        poll_fn(|context| {
            let mut ready = !self.failures.is_empty() || !self.inbox.is_empty();
            for udp in &mut self.udp {
                ready |= udp.poll_readable(context).is_ready();
            }
            while !ready && let Some(report) = ready!(self.reports.poll_recv(context)) {
                if let Some(input) = self.heed(report) {
                    self.inbox.push_back(input);
                    ready = true;
                }
            }
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
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

    /// The next message or failure that is there already: what has come together with the one that
    /// [`receive`](Self::receive) gave, or what made [`ready`](Self::ready) end. `None` says that one of
    /// them is to be called again.
    pub fn try_receive(&mut self) -> Option<Input> {
        if let Some(flow) = self.failures.pop_front() {
            return Some(Input::FlowFailed { flow });
        }
        self.streams_first = !self.streams_first;
        if !self.streams_first
            && let Some(input) = self.inbox.pop_front()
        {
            return Some(input);
        }
        while self.streams.try_join_next().is_some() {}
        while let Ok(report) = self.reports.try_recv() {
            if let Some(input) = self.heed(report) {
                return Some(input);
            }
        }
        self.failures
            .pop_front()
            .map(|flow| Input::FlowFailed { flow })
            .or_else(|| self.inbox.pop_front())
    }

    /// Does what a task's report asks for; gives what is the caller's to know.
    fn heed(&mut self, report: Report) -> Option<Input> {
        match report {
            Report::Input(input) => {
                #[cfg(feature = "tls")]
                self.hear(&input);
                return Some(input);
            }
            Report::Accepted { stream, flow, place } => self.serve(stream, flow, place),
            #[cfg(feature = "tls")]
            Report::Proved { connection, names } => {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.names = Some(names);
                }
            }
            Report::Closed { connection } => self.forget(connection, true),
        }
        None
    }

    /// Sends a message, or has its flow reported as failed by [`receive`](Self::receive).
    pub fn send(&mut self, transmit: Transmit) {
        let Transmit { flow, bytes } = transmit;
        match flow.transport {
            Transport::Udp => self.send_datagram(flow, &bytes),
            transport if self.speaks(transport) => self.send_on_stream(flow, bytes),
            _ => self.failures.push_back(flow),
        }
    }

    /// As [`send`](Self::send), of bytes that are somebody else's: a datagram is not copied.
    pub fn send_bytes(&mut self, flow: &Flow, bytes: &[u8]) {
        match flow.transport {
            Transport::Udp => self.send_datagram(*flow, bytes),
            _ => self.send(Transmit { flow: *flow, bytes: Bytes::copy_from_slice(bytes) }),
        }
    }

    /// Writes what is queued, for at most [`Config::linger`], and closes everything.
    pub async fn close(mut self) {
        self.sockets.abort_all();
        self.udp.clear();
        self.connections.clear();
        drop(self.reporter);
        let linger = self.config.linger;
        let _ = timeout(linger, async {
            // Tasks that still report must not wait for somebody to listen.
            loop {
                tokio::select! {
                    joined = self.streams.join_next() => if joined.is_none() { break },
                    Some(_) = self.reports.recv() => {}
                }
            }
        })
        .await;
        self.streams.abort_all();
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
            Err(_) => self.failures.push_back(flow),
        }
    }

    fn send_on_stream(&mut self, flow: Flow, bytes: Bytes) {
        let known = flow.connection.or_else(|| self.by_peer.get(&Peer::of(&flow)).copied());
        if let Some(id) = known
            && let Some(connection) = self.connections.get_mut(&id)
        {
            match connection.queue.try_send(bytes.clone()) {
                Ok(()) => {
                    if flow.connection.is_none() && !connection.asked.contains(&flow) {
                        connection.asked.push(flow);
                    }
                    return;
                }
                // A peer that does not read is as good as gone.
                Err(mpsc::error::TrySendError::Full(_)) => {
                    self.forget(id, true);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => self.forget(id, false),
            }
        }
        if flow.connection.is_some() {
            self.failures.push_back(flow);
            return;
        }
        self.open(flow, None, Some(bytes));
    }

    fn serve(&mut self, stream: TcpStream, flow: Flow, place: Place) {
        let Some(id) = flow.connection else { return };
        let (link, queue) = self.link(flow, None);
        self.streams.spawn(async move {
            let _place = place;
            connection::run(stream, link).await;
        });
        // Over TLS, an address alone does not say who is there.
        let peers = if flow.transport.is_secure() { Vec::new() } else { vec![Peer::of(&flow)] };
        self.add(id, Connection::new(flow, queue, peers, Vec::new()));
    }

    /// Opens a connection, and says that it failed when there is no room for it.
    fn open(
        &mut self,
        flow: Flow,
        host: Option<&Host>,
        first: Option<Bytes>,
    ) -> Option<ConnectionId> {
        let id = self.shared.next_id();
        let own = Flow { connection: Some(id), ..flow };
        let Some(place) =
            Place::take(&self.shared, flow.remote.ip(), self.config.connections, None)
        else {
            self.failures.push_back(if host.is_some() { own } else { flow });
            return Some(id);
        };
        let ip = Host::from(flow.remote.ip());
        let (link, queue) = self.link(own, Some(host.unwrap_or(&ip).clone()));
        if let Some(first) = first {
            // The queue is new and has room for at least one.
            let _ = queue.try_send(first);
        }
        self.streams.spawn(async move {
            let _place = place;
            connection::open(link).await;
        });
        let (peer, asked) = match host {
            Some(host) => (Peer::named(&flow, host), Vec::new()),
            None => (Peer::of(&flow), vec![flow]),
        };
        self.add(id, Connection::new(own, queue, vec![peer], asked));
        Some(id)
    }

    fn link(&self, flow: Flow, opened_for: Option<Host>) -> (Link, Queue) {
        let (queue, messages) = mpsc::channel(self.config.queue.max(1));
        let kept = queue.clone();
        let link = Link {
            flow,
            opened_for,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
            queue: (queue, messages),
            config: self.config.clone(),
            reports: self.reporter.clone(),
        };
        (link, kept)
    }

    fn add(&mut self, id: ConnectionId, connection: Connection) {
        for peer in &connection.peers {
            self.by_peer.insert(peer.clone(), id);
        }
        self.connections.insert(id, connection);
    }

    /// Learns from the first message of a peer that has shown its names where it asks to be
    /// reached over this connection (RFC 5923 §8).
    #[cfg(feature = "tls")]
    fn hear(&mut self, input: &Input) {
        let Input::Received { flow, message } = input else { return };
        let Some(id) = flow.connection.filter(|_| flow.transport.is_secure()) else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if core::mem::replace(&mut connection.heard, true) {
            return;
        }
        let Some(names) = connection.names.as_ref().filter(|names| !names.is_empty()) else {
            return;
        };
        let Some(port) = alias(message, &self.config.message) else { return };
        let remote = SocketAddr::new(flow.remote.ip(), port);
        let domains = names.domains().filter_map(|name| Host::parse(name).ok());
        let addresses = names.addresses().map(Host::from);
        let hosts: Vec<Host> = domains.chain(addresses).collect();
        let there = Flow { remote, ..*flow };
        for host in hosts {
            let peer = Peer::named(&there, &host);
            if !self.by_peer.contains_key(&peer) {
                self.by_peer.insert(peer.clone(), id);
                connection.peers.push(peer);
            }
        }
    }

    /// Whether there is a driver for this transport.
    pub(super) fn speaks(&self, transport: Transport) -> bool {
        let secure = self.has_tls();
        match transport {
            Transport::Udp => !self.udp.is_empty(),
            Transport::Tcp => true,
            Transport::Tls => secure,
            Transport::Ws => cfg!(feature = "ws"),
            Transport::Wss => secure && cfg!(feature = "ws"),
            _ => false,
        }
    }

    #[cfg(feature = "tls")]
    fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn has_tls(&self) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    fn has_identity(&self) -> bool {
        self.tls.as_ref().is_some_and(Tls::listens)
    }

    #[cfg(not(feature = "tls"))]
    fn has_identity(&self) -> bool {
        false
    }

    /// Drops a connection and says which flows failed with it.
    fn forget(&mut self, id: ConnectionId, asked_too: bool) {
        let Some(connection) = self.connections.remove(&id) else { return };
        for peer in &connection.peers {
            if self.by_peer.get(peer) == Some(&id) {
                self.by_peer.remove(peer);
            }
        }
        self.failures.push_back(connection.flow);
        if asked_too {
            self.failures.extend(connection.asked);
        }
    }
}

impl Peer {
    fn of(flow: &Flow) -> Self {
        Self { transport: flow.transport, remote: flow.remote, host: None }
    }

    fn named(flow: &Flow, host: &Host) -> Self {
        Self { host: Some(host.clone()), ..Self::of(flow) }
    }
}

impl Connection {
    fn new(flow: Flow, queue: Queue, peers: Vec<Peer>, asked: Vec<Flow>) -> Self {
        Self {
            flow,
            queue,
            peers,
            #[cfg(feature = "tls")]
            names: None,
            #[cfg(feature = "tls")]
            heard: false,
            asked,
        }
    }
}

/// The port at which a request says that its connection may be used as an alias.
#[cfg(feature = "tls")]
fn alias(message: &[u8], limits: &Limits) -> Option<u16> {
    let view = crate::MessageView::parse(message, limits).ok()?;
    let via: crate::header::ViaRef<'_> = view.is_request().then(|| view.require().ok())??;
    via.params().find("alias")?;
    Some(via.port().unwrap_or_else(|| via.transport().default_port()))
}

/// Whether a socket bound to every address of a family is the one to send on.
fn covers(bound: &SocketAddr, flow: &Flow) -> bool {
    bound.ip().is_unspecified()
        && bound.is_ipv4() == flow.remote.is_ipv4()
        && (bound.port() == flow.local.port() || flow.local.port() == 0)
}
