//! The sockets of one process.

use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::{self, Queue};
use super::udp;
use crate::endpoint::Input;
use crate::flow::{ConnectionId, Flow, Transmit};
use crate::{Limits, Transport};

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
    /// Messages that wait to be taken by [`Transports::receive`]. Default 1,024; then reading stops.
    pub receive_queue: usize,
    /// How long a connection may be silent. Default 15 minutes.
    pub idle: Duration,
    /// How long a message may take from its first byte to its last. Default 10 s.
    pub partial: Duration,
    /// How long opening a connection may take. Default 5 s.
    pub connect: Duration,
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
    /// A connection of ours could not be opened.
    Refused {
        connection: ConnectionId,
    },
    /// A connection is over.
    Closed {
        connection: ConnectionId,
    },
}

/// UDP and TCP sockets that receive and send SIP messages.
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
    udp: Vec<(SocketAddr, UdpSocket)>,
    tcp: Vec<SocketAddr>,
    connections: HashMap<ConnectionId, Connection>,
    by_peer: HashMap<SocketAddr, ConnectionId>,
    failures: VecDeque<Flow>,
    reports: mpsc::Receiver<Report>,
    reporter: mpsc::Sender<Report>,
    /// One task for each socket.
    sockets: JoinSet<()>,
    /// One task for each connection.
    streams: JoinSet<()>,
    shared: Arc<Shared>,
    dropped: u64,
}

/// What accepting tasks share.
#[derive(Debug, Default)]
struct Shared {
    next: AtomicU64,
    open: Mutex<Census>,
}

#[derive(Debug, Default)]
struct Census {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Connection {
    flow: Flow,
    queue: Queue,
    /// Flows without a connection for which this one was used, to be told of its end.
    asked: Vec<Flow>,
}

/// A place in the census, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Transports {
    /// Nothing bound yet.
    pub fn new(config: Config) -> Self {
        let (reporter, reports) = mpsc::channel(config.receive_queue.max(1));
        Self {
            config,
            udp: Vec::new(),
            tcp: Vec::new(),
            connections: HashMap::new(),
            by_peer: HashMap::new(),
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
        let (receiver, sender) = udp::bind(address)?;
        let bound = receiver.local_addr()?;
        self.udp.push((bound, sender));
        self.sockets.spawn(udp::receive(receiver, bound, self.reporter.clone()));
        Ok(bound)
    }

    /// Listens on TCP; otherwise as [`bind_udp`](Self::bind_udp).
    ///
    /// # Errors
    ///
    /// The address is in use, or not ours.
    pub async fn bind_tcp(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = listen(address)?;
        let bound = listener.local_addr()?;
        self.tcp.push(bound);
        let (shared, reporter) = (Arc::clone(&self.shared), self.reporter.clone());
        self.sockets.spawn(accept(listener, bound, shared, self.config.clone(), reporter));
        Ok(bound)
    }

    /// The addresses bound for UDP.
    pub fn udp_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.udp.iter().map(|(address, _)| *address)
    }

    /// The addresses listening on TCP.
    pub fn tcp_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.tcp.iter().copied()
    }

    /// How many connections are open or being opened.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How many datagrams were dropped because the kernel did not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits for the next message or failure. May be dropped and called again at any time.
    pub async fn receive(&mut self) -> Input {
        loop {
            if let Some(flow) = self.failures.pop_front() {
                return Input::FlowFailed { flow };
            }
            while self.streams.try_join_next().is_some() {}
            // The sender that we keep ourselves keeps the channel open.
            let Some(report) = self.reports.recv().await else {
                core::future::pending::<()>().await;
                continue;
            };
            match report {
                Report::Input(input) => return input,
                Report::Accepted { stream, flow, place } => self.serve(stream, flow, place),
                Report::Refused { connection } | Report::Closed { connection } => {
                    self.forget(connection, true);
                }
            }
        }
    }

    /// Sends a message, or has its flow reported as failed by [`receive`](Self::receive).
    pub fn send(&mut self, transmit: Transmit) {
        let Transmit { flow, bytes } = transmit;
        match flow.transport {
            Transport::Udp => self.send_datagram(flow, &bytes),
            Transport::Tcp => self.send_on_stream(flow, bytes),
            _ => self.failures.push_back(flow),
        }
    }

    /// Writes what is queued, for at most [`Config::linger`], and closes everything.
    pub async fn close(mut self) {
        self.sockets.abort_all();
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
            .find(|(bound, _)| *bound == flow.local)
            .or_else(|| self.udp.iter().find(|(bound, _)| covers(bound, &flow)));
        let sent = match socket {
            Some((_, socket)) => socket.send_to(bytes, flow.remote),
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        };
        match sent {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.dropped += 1,
            Err(_) => self.failures.push_back(flow),
        }
    }

    fn send_on_stream(&mut self, flow: Flow, bytes: Bytes) {
        let known = flow.connection.or_else(|| self.by_peer.get(&flow.remote).copied());
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
        self.open(flow, bytes);
    }

    fn serve(&mut self, stream: TcpStream, flow: Flow, place: Place) {
        let Some(id) = flow.connection else { return };
        let (queue, messages) = mpsc::channel(self.config.queue.max(1));
        let kept = queue.clone();
        let (config, reporter) = (self.config.clone(), self.reporter.clone());
        self.streams.spawn(async move {
            let _place = place;
            connection::run(stream, flow, false, (queue, messages), config, reporter).await;
        });
        self.by_peer.insert(flow.remote, id);
        self.connections.insert(id, Connection { flow, queue: kept, asked: Vec::new() });
    }

    fn open(&mut self, flow: Flow, first: Bytes) {
        let Some(place) =
            Place::take(&self.shared, flow.remote.ip(), self.config.connections, None)
        else {
            self.failures.push_back(flow);
            return;
        };
        let id = self.shared.next_id();
        let own = Flow { connection: Some(id), ..flow };
        let (queue, messages) = mpsc::channel(self.config.queue.max(1));
        // The queue is new and has room for at least one.
        let _ = queue.try_send(first);
        let kept = queue.clone();
        let (config, reporter) = (self.config.clone(), self.reporter.clone());
        self.streams.spawn(async move {
            let _place = place;
            match connection::open(&own, &config).await {
                Ok(stream) => {
                    connection::run(stream, own, true, (queue, messages), config, reporter).await;
                }
                Err(_) => {
                    let _ = reporter.send(Report::Refused { connection: id }).await;
                }
            }
        });
        self.by_peer.insert(flow.remote, id);
        self.connections.insert(id, Connection { flow: own, queue: kept, asked: vec![flow] });
    }

    /// Drops a connection and says which flows failed with it.
    fn forget(&mut self, id: ConnectionId, asked_too: bool) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if self.by_peer.get(&connection.flow.remote) == Some(&id) {
            self.by_peer.remove(&connection.flow.remote);
        }
        self.failures.push_back(connection.flow);
        if asked_too {
            self.failures.extend(connection.asked);
        }
    }
}

impl Shared {
    fn next_id(&self) -> ConnectionId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        ConnectionId { index: number as u32, generation: (number >> 32) as u32 }
    }
}

impl Place {
    /// `None` when there is no more room, in all or for this peer.
    fn take(shared: &Arc<Shared>, peer: IpAddr, all: usize, each: Option<usize>) -> Option<Self> {
        let mut census = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = census.each.get(&peer).copied().unwrap_or(0);
        if census.all >= all || each.is_some_and(|each| own >= each) {
            return None;
        }
        census.all += 1;
        census.each.insert(peer, own + 1);
        Some(Self { shared: Arc::clone(shared), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut census = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        census.all -= 1;
        if let Some(own) = census.each.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                census.each.remove(&self.peer);
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart need not wait for the old connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn accept(
    listener: TcpListener,
    bound: SocketAddr,
    shared: Arc<Shared>,
    config: Config,
    reporter: mpsc::Sender<Report>,
) {
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            // Out of descriptors, most likely: others have to close first.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let each = Some(config.connections_each);
        let Some(place) = Place::take(&shared, remote.ip(), config.connections, each) else {
            continue;
        };
        let local = stream.local_addr().unwrap_or(bound);
        let connection = Some(shared.next_id());
        let flow = Flow { transport: Transport::Tcp, local, remote, connection };
        if reporter.send(Report::Accepted { stream, flow, place }).await.is_err() {
            return;
        }
    }
}

/// Whether a socket bound to every address of a family is the one to send on.
fn covers(bound: &SocketAddr, flow: &Flow) -> bool {
    bound.ip().is_unspecified()
        && bound.is_ipv4() == flow.remote.is_ipv4()
        && (bound.port() == flow.local.port() || flow.local.port() == 0)
}
