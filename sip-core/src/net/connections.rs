//! The connections of one process: who is connected, and who is to be found over which.

use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Config;
use super::census::{Place, Shared};
use super::connection::{self, Link, Queue};
#[cfg(feature = "tls")]
use super::names::ProvedNames;
#[cfg(feature = "tls")]
use super::tls::Tls;
#[cfg(feature = "tls")]
use crate::Limits;
use crate::endpoint::Input;
use crate::flow::{ConnectionId, Flow};
use crate::{Host, Transport};

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

/// Every connection, with a task of its own.
#[derive(Debug)]
pub(super) struct Connections {
    config: Config,
    connections: HashMap<ConnectionId, Connection>,
    by_peer: HashMap<Peer, ConnectionId>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    failures: VecDeque<Flow>,
    /// What was learned while waiting.
    heard: VecDeque<Input>,
    reports: mpsc::Receiver<Report>,
    reporter: mpsc::Sender<Report>,
    /// One task for each connection.
    streams: JoinSet<()>,
    shared: Arc<Shared>,
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

impl Connections {
    pub(super) fn new(config: Config) -> Self {
        let (reporter, reports) = mpsc::channel(config.receive_queue.max(1));
        Self {
            config,
            connections: HashMap::new(),
            by_peer: HashMap::new(),
            #[cfg(feature = "tls")]
            tls: None,
            failures: VecDeque::new(),
            heard: VecDeque::new(),
            reports,
            reporter,
            streams: JoinSet::new(),
            shared: Arc::default(),
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn use_tls(&mut self, tls: Tls) {
        self.tls = Some(tls);
    }

    /// Who the peer of a connection has shown to be.
    #[cfg(feature = "tls")]
    pub(super) fn names(&self, flow: &Flow) -> Option<&ProvedNames> {
        self.connections.get(&flow.connection?)?.names.as_ref()
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn shrink(&mut self) {
        self.connections.shrink_to_fit();
        self.by_peer.shrink_to_fit();
        self.failures.shrink_to_fit();
        self.heard.shrink_to_fit();
        self.shared.shrink();
    }

    /// What accepting tasks need.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where tasks report.
    pub(super) fn reporter(&self) -> mpsc::Sender<Report> {
        self.reporter.clone()
    }

    /// The flow over a connection on which the peer proves to be `host`, which is opened unless
    /// there is one.
    pub(super) fn connect(&mut self, host: &Host, flow: Flow) -> Flow {
        let peer = Peer::named(&flow, host);
        if let Some(id) = self.by_peer.get(&peer) {
            return Flow { connection: Some(*id), ..flow };
        }
        let connection = self.open(flow, Some(host), None);
        Flow { connection, ..flow }
    }

    /// Has a flow told of as failed.
    pub(super) fn fail(&mut self, flow: Flow) {
        self.failures.push_back(flow);
    }

    /// Ready when [`try_next`](Self::try_next) gives something; the task is woken otherwise.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.failures.is_empty() && self.heard.is_empty() {
            // The sender that we keep ourselves keeps the channel open.
            if let Some(report) = ready!(self.reports.poll_recv(context))
                && let Some(input) = self.heed(report)
            {
                self.heard.push_back(input);
            }
        }
        Poll::Ready(())
    }

    /// The next message or failure that is there already.
    pub(super) fn try_next(&mut self) -> Option<Input> {
        loop {
            if let Some(flow) = self.failures.pop_front() {
                return Some(Input::FlowFailed { flow });
            }
            if let Some(input) = self.heard.pop_front() {
                return Some(input);
            }
            while self.streams.try_join_next().is_some() {}
            let report = self.reports.try_recv().ok()?;
            if let Some(input) = self.heed(report) {
                return Some(input);
            }
        }
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

    /// Sends a message over the connection of its flow, or over one that is opened for it.
    pub(super) fn send(&mut self, flow: Flow, bytes: Bytes) {
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

    /// Writes what is queued, for at most [`Config::linger`], and closes everything.
    pub(super) async fn close(mut self) {
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
        match transport {
            Transport::Tcp => true,
            Transport::Tls => self.has_tls(),
            Transport::Ws => cfg!(feature = "ws"),
            Transport::Wss => self.has_tls() && cfg!(feature = "ws"),
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
    pub(super) fn has_identity(&self) -> bool {
        self.tls.as_ref().is_some_and(Tls::listens)
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn has_identity(&self) -> bool {
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
