//! The transactions of one endpoint or proxy, and what they have to send.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use rand_core::Rng;

use super::key::ServerTag;
use super::{Action, Failure, Timer, Timing};
use super::{invite_client, invite_server, non_invite_client, non_invite_server};
use crate::flow::{Flow, Transmit};
use crate::header::{CSeq, MAGIC_COOKIE, MaxForwards, To, Via};
use crate::keyed::{KeyedHash, push_hex};
use crate::slab::{Key, Slab};
use crate::timer::{TimerKey, Wheel};
use crate::{HeaderName, HostPort, Method, Request, Response, StatusCode};

/// Names a client transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientKey(pub(crate) Key);

/// Names a server transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerKey(pub(crate) Key);

/// What [`Transactions::receive_request`] found for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// No transaction: a request to make one for, or an ACK for a 2xx.
    Unmatched,
    /// A repetition; it has been dealt with.
    Absorbed,
    /// An ACK for a 2xx, within the transaction of its INVITE (RFC 6026).
    Ack(ServerKey),
}

/// What [`Transactions::receive_response`] found for a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The user is to see it: it is provisional, final for the first time, or a 2xx to an INVITE,
    /// repetitions included.
    Deliver(ClientKey),
    /// A repetition; it has been dealt with.
    Absorbed,
    /// No transaction of ours.
    Stray,
}

/// What became of a transaction when nobody was asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<C, S> {
    /// A client transaction is over; with a failure its user has got no final response from it.
    ClientEnded {
        /// Which.
        key: ClientKey,
        /// What its user had attached.
        user: C,
        /// Why, when it failed.
        failure: Option<Failure>,
    },
    /// A server transaction is over.
    ServerEnded {
        /// Which.
        key: ServerKey,
        /// What its user had attached.
        user: S,
        /// Why, when it failed.
        failure: Option<Failure>,
    },
    /// A response could not be sent; the transaction goes on (RFC 6026 §8.7).
    ServerTrouble {
        /// Which.
        key: ServerKey,
        /// Why.
        failure: Failure,
    },
}

/// How much [`Transactions`] may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tables {
    /// Client transactions. Default 65,536.
    pub clients: usize,
    /// Server transactions. Default 65,536.
    pub servers: usize,
    /// Messages waiting for [`Transactions::poll_transmit`]; more are dropped as a full network
    /// would drop them. Default 16,384.
    pub transmits: usize,
}

impl Default for Tables {
    fn default() -> Self {
        Self { clients: 65_536, servers: 65_536, transmits: 16_384 }
    }
}

/// The transaction layer. `C` and `S` are what the user attaches to client and server
/// transactions; they come back when a transaction ends.
#[derive(Debug)]
pub struct Transactions<C, S> {
    timing: Timing,
    tables: Tables,
    clients: Slab<Client<C>>,
    client_keys: HashMap<(u128, bool), ClientKey, KeyedHash>,
    servers: Slab<Server<S>>,
    server_keys: HashMap<ServerTag, ServerKey, KeyedHash>,
    timers: Wheel<(Side, Timer)>,
    transmits: VecDeque<Transmit>,
    outcomes: VecDeque<Outcome<C, S>>,
    dropped: u64,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client(Key),
    Server(Key),
}

#[derive(Debug)]
struct Client<C> {
    state: ClientState,
    flow: Flow,
    branch: u128,
    cancels: bool,
    request: Bytes,
    /// The INVITE, until its final response: what ACK and CANCEL are made from.
    invite: Option<Box<Request>>,
    ack: Bytes,
    clock: Clock,
    user: C,
}

#[derive(Debug)]
struct Server<S> {
    state: ServerState,
    tag: ServerTag,
    flow: Flow,
    /// Where a stream's response goes when its connection is lost (§18.2.2).
    fallback_port: u16,
    response: Bytes,
    /// The INVITE, until its final response: what the first responses are made from.
    invite: Option<Box<Request>>,
    clock: Clock,
    user: S,
}

/// A transaction's two running timers: the one that repeats and the one that ends a state.
#[derive(Debug, Default)]
struct Clock {
    repeats: Option<TimerKey>,
    ends: Option<TimerKey>,
    count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ClientState {
    Invite(invite_client::State),
    NonInvite(non_invite_client::State),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ServerState {
    Invite(invite_server::State),
    NonInvite(non_invite_server::State),
}

/// What happened, before a machine gives it its own name.
#[derive(Clone, Copy, Debug)]
enum Stimulus {
    Request,
    Ack,
    Response(StatusCode),
    Fired(Timer),
    TransportError,
}

impl<C, S> Transactions<C, S> {
    /// An empty layer. `random` keys its tables.
    pub fn new(timing: Timing, tables: Tables, random: &mut dyn Rng) -> Self {
        Self {
            timing,
            tables,
            clients: Slab::default(),
            client_keys: HashMap::with_hasher(KeyedHash::new(random)),
            servers: Slab::default(),
            server_keys: HashMap::with_hasher(KeyedHash::new(random)),
            timers: Wheel::new(),
            transmits: VecDeque::new(),
            outcomes: VecDeque::new(),
            dropped: 0,
        }
    }

    /// How many client transactions there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How many server transactions there are.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Whether there is no transaction, no timer and nothing to send or to tell.
    pub fn is_idle(&self) -> bool {
        self.clients.len() == 0
            && self.servers.len() == 0
            && self.client_keys.is_empty()
            && self.server_keys.is_empty()
            && self.timers.is_empty()
            && self.transmits.is_empty()
            && self.outcomes.is_empty()
    }

    /// How many messages were dropped because [`Tables::transmits`] were waiting.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Makes a client transaction for `request` and sends it on `flow`: puts a Via with `sent_by`
    /// and a fresh branch on top. Gives the user's value back when the table is full.
    ///
    /// # Errors
    ///
    /// [`Tables::clients`] transactions exist.
    pub fn send(
        &mut self,
        now: Duration,
        mut request: Request,
        flow: Flow,
        sent_by: HostPort,
        random: &mut dyn Rng,
        user: C,
    ) -> Result<ClientKey, C> {
        if self.clients.len() >= self.tables.clients {
            return Err(user);
        }
        let branch = push_via(&mut request, &flow, sent_by, random);
        let bytes = request.to_bytes();
        let invite = (request.method == Method::Invite).then(|| {
            request.body = Bytes::new();
            Box::new(request)
        });
        Ok(self.start_client(now, Client::new(flow, branch, bytes, invite, user)))
    }

    /// Sends a request that makes no transaction, an ACK for a 2xx, and gives its bytes back.
    pub fn send_alone(
        &mut self,
        mut request: Request,
        flow: Flow,
        sent_by: HostPort,
        random: &mut dyn Rng,
    ) -> Bytes {
        push_via(&mut request, &flow, sent_by, random);
        let bytes = request.to_bytes();
        self.transmit(flow, bytes.clone());
        bytes
    }

    /// Makes the client transaction of the CANCEL for the INVITE transaction `key` (§9.1). `None`
    /// when that is over or no INVITE, or when the table is full.
    pub fn send_cancel(&mut self, now: Duration, key: ClientKey, user: C) -> Option<ClientKey> {
        if self.clients.len() >= self.tables.clients {
            return None;
        }
        let client = self.clients.get(key.0)?;
        let cancel = derived(client.invite.as_deref()?, Method::Cancel, None)?;
        let cancel = Client::new(client.flow, client.branch, cancel.to_bytes(), None, user);
        Some(self.start_client(now, Client { cancels: true, ..cancel }))
    }

    fn start_client(&mut self, now: Duration, client: Client<C>) -> ClientKey {
        let tag = (client.branch, client.cancels);
        let start = match client.state {
            ClientState::Invite(_) => invite_client::State::START,
            ClientState::NonInvite(_) => non_invite_client::State::START,
        };
        let key = ClientKey(self.clients.insert(client));
        self.client_keys.insert(tag, key);
        self.client_acts(now, key, start, None);
        key
    }

    /// Takes a response with its top Via and CSeq: finds its transaction (§17.1.3) and says whether
    /// that wants its user to see it.
    pub fn receive_response(
        &mut self,
        now: Duration,
        response: &Response,
        via: &Via,
        cseq: &CSeq,
    ) -> Answer {
        let key = via
            .branch()
            .and_then(own_branch)
            .and_then(|branch| self.client_keys.get(&(branch, cseq.method == Method::Cancel)));
        let Some(&key) = key else { return Answer::Stray };
        let is_invite =
            matches!(self.clients.get(key.0), Some(Client { state: ClientState::Invite(_), .. }));
        if is_invite != (cseq.method == Method::Invite) {
            return Answer::Stray;
        }
        let stimulus = Stimulus::Response(response.status);
        match self.client_step(now, key, stimulus, Some(response)) {
            true => Answer::Deliver(key),
            false => Answer::Absorbed,
        }
    }

    /// Takes a request: finds its transaction, if there is one, and deals with a repetition.
    pub fn receive_request(&mut self, now: Duration, method: &Method, tag: &ServerTag) -> Incoming {
        let Some(&key) = self.server_keys.get(tag) else { return Incoming::Unmatched };
        let stimulus = if *method == Method::Ack { Stimulus::Ack } else { Stimulus::Request };
        if self.server_step(now, key, stimulus) { Incoming::Ack(key) } else { Incoming::Absorbed }
    }

    /// The server transaction with this tag.
    pub fn find(&self, tag: &ServerTag) -> Option<ServerKey> {
        self.server_keys.get(tag).copied()
    }

    /// Makes a server transaction for a request. Responses go to `flow`; when that is a stream and
    /// gets lost, to its address with `fallback_port`, that of the top Via's sent-by.
    ///
    /// # Errors
    ///
    /// Gives the user's value back: [`Tables::servers`] transactions exist.
    pub fn accept(
        &mut self,
        now: Duration,
        request: &Request,
        tag: ServerTag,
        flow: Flow,
        fallback_port: u16,
        user: S,
    ) -> Result<ServerKey, S> {
        if self.servers.len() >= self.tables.servers {
            return Err(user);
        }
        let (state, start, invite) = if request.method == Method::Invite {
            let invite = Request { body: Bytes::new(), ..request.clone() };
            (
                ServerState::Invite(invite_server::State::Proceeding),
                invite_server::State::START,
                Some(Box::new(invite)),
            )
        } else {
            (
                ServerState::NonInvite(non_invite_server::State::Trying),
                non_invite_server::State::START,
                None,
            )
        };
        let key = ServerKey(self.servers.insert(Server {
            state,
            tag: tag.clone(),
            flow,
            fallback_port,
            response: Bytes::new(),
            invite,
            clock: Clock::default(),
            user,
        }));
        self.server_keys.insert(tag, key);
        self.server_acts(now, key, start);
        Ok(key)
    }

    /// Sends a response in a server transaction. A 2xx to an INVITE may be sent again and again;
    /// anything else after a final response is ignored.
    pub fn respond(&mut self, now: Duration, key: ServerKey, status: StatusCode, bytes: Bytes) {
        let Some(server) = self.servers.get_mut(key.0) else { return };
        if !server.state.takes(status) {
            return;
        }
        server.response = bytes;
        if status.is_final() {
            server.invite = None;
        }
        self.server_step(now, key, Stimulus::Response(status));
    }

    /// Whether the transaction waits for its user's final response.
    pub fn is_pending(&self, key: ServerKey) -> bool {
        self.servers.get(key.0).is_some_and(|server| match server.state {
            ServerState::Invite(state) => state == invite_server::State::Proceeding,
            ServerState::NonInvite(state) => {
                matches!(
                    state,
                    non_invite_server::State::Trying | non_invite_server::State::Proceeding
                )
            }
        })
    }

    /// The last response sent, empty when there is none.
    pub fn last_response(&self, key: ServerKey) -> Option<&Bytes> {
        self.servers.get(key.0).map(|server| &server.response)
    }

    /// The state of an INVITE client transaction.
    pub fn invite_state(&self, key: ClientKey) -> Option<invite_client::State> {
        match self.clients.get(key.0)?.state {
            ClientState::Invite(state) => Some(state),
            ClientState::NonInvite(_) => None,
        }
    }

    /// The INVITE of a client transaction, without its body, until its final response.
    pub fn sent_invite(&self, key: ClientKey) -> Option<&Request> {
        self.clients.get(key.0)?.invite.as_deref()
    }

    /// The INVITE of a server transaction, without its body, until its final response.
    pub fn received_invite(&self, key: ServerKey) -> Option<&Request> {
        self.servers.get(key.0)?.invite.as_deref()
    }

    /// What the user attached to a client transaction.
    pub fn client(&self, key: ClientKey) -> Option<&C> {
        self.clients.get(key.0).map(|client| &client.user)
    }

    /// What the user attached to a server transaction.
    pub fn server(&self, key: ServerKey) -> Option<&S> {
        self.servers.get(key.0).map(|server| &server.user)
    }

    /// What the user attached to a server transaction.
    pub fn server_mut(&mut self, key: ServerKey) -> Option<&mut S> {
        self.servers.get_mut(key.0).map(|server| &mut server.user)
    }

    /// The flow of a server transaction's responses.
    pub fn server_flow(&self, key: ServerKey) -> Option<Flow> {
        self.servers.get(key.0).map(|server| server.flow)
    }

    /// Ends a client transaction at once, with a failure told in its [`Outcome`].
    pub fn abandon(&mut self, key: ClientKey, failure: Failure) {
        self.end_client(key, Some(failure));
    }

    /// Sends bytes that belong to no transaction: an ACK for a 2xx, a stateless response.
    pub fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        if self.transmits.len() >= self.tables.transmits {
            self.dropped += 1;
            return;
        }
        self.transmits.push_back(Transmit { flow, bytes });
    }

    /// The driver could not send on `flow`, or its connection is lost.
    pub fn flow_failed(&mut self, now: Duration, flow: Flow) {
        let clients: Vec<ClientKey> = self
            .clients
            .iter()
            .filter(|(_, client)| client.flow == flow)
            .map(|(key, _)| ClientKey(key))
            .collect();
        for key in clients {
            self.client_step(now, key, Stimulus::TransportError, None);
        }
        let mut servers = Vec::new();
        for (key, server) in self.servers.iter_mut().filter(|(_, server)| server.flow == flow) {
            if flow.connection.is_some() {
                server.flow.connection = None;
                server.flow.remote.set_port(server.fallback_port);
            }
            // A response that is still to come takes the other way; only one that was sent may be
            // lost. A 2xx is its user's to repeat, until it is acknowledged.
            let accepted = server.state == ServerState::Invite(invite_server::State::Accepted);
            let lost = !(accepted && flow.connection.is_some());
            if lost && !server.response.is_empty() {
                servers.push((ServerKey(key), server.flow, server.response.clone()));
            }
        }
        for (key, fallback, response) in servers {
            // §18.2.2: when the connection is lost, another one to the sender is opened.
            if flow.connection.is_some() {
                self.transmit(fallback, response);
            }
            self.server_step(now, key, Stimulus::TransportError);
        }
    }

    /// Runs every timer that is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((side, timer)) = self.timers.expire(now) {
            match side {
                Side::Client(key) => {
                    self.client_step(now, ClientKey(key), Stimulus::Fired(timer), None);
                }
                Side::Server(key) => {
                    self.server_step(now, ServerKey(key), Stimulus::Fired(timer));
                }
            }
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next transaction that ended or is in trouble.
    pub fn poll_outcome(&mut self) -> Option<Outcome<C, S>> {
        self.outcomes.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Moves a client transaction; says whether its user is to see the response.
    fn client_step(
        &mut self,
        now: Duration,
        key: ClientKey,
        stimulus: Stimulus,
        response: Option<&Response>,
    ) -> bool {
        let Some(client) = self.clients.get_mut(key.0) else { return false };
        let Some((state, actions)) = client.state.on(stimulus) else { return false };
        client.state = state;
        self.client_acts(now, key, actions, response);
        if state.is_terminated() {
            let failure =
                actions.contains(&Action::Fail).then(|| self.client_failure(key, stimulus));
            self.end_client(key, failure.flatten());
        }
        actions.contains(&Action::Deliver)
    }

    fn client_acts(
        &mut self,
        now: Duration,
        key: ClientKey,
        actions: &[Action],
        response: Option<&Response>,
    ) {
        for action in actions {
            let Some(client) = self.clients.get_mut(key.0) else { return };
            match action {
                Action::Send => {
                    let (flow, bytes) = (client.flow, client.request.clone());
                    self.transmit(flow, bytes);
                }
                Action::SendAck => {
                    client.acknowledge(response);
                    let (flow, bytes) = (client.flow, client.ack.clone());
                    self.transmit(flow, bytes);
                }
                Action::Start(timer) => {
                    let proceeding = client.state
                        == ClientState::NonInvite(non_invite_client::State::Proceeding);
                    let reliable = client.flow.is_reliable();
                    client.clock.start(
                        &mut self.timers,
                        Side::Client(key.0),
                        *timer,
                        now,
                        self.timing.duration(*timer, client.clock.count, reliable, proceeding),
                    );
                }
                Action::Stop(timer) => client.clock.stop(&mut self.timers, *timer),
                Action::Deliver | Action::Fail | Action::Report | Action::SendTrying => {}
            }
        }
    }

    fn client_failure(&self, key: ClientKey, stimulus: Stimulus) -> Option<Failure> {
        match stimulus {
            Stimulus::TransportError => {
                self.clients.get(key.0).map(|client| Failure::Transport(client.flow))
            }
            _ => Some(Failure::Timeout),
        }
    }

    fn end_client(&mut self, key: ClientKey, failure: Option<Failure>) {
        let Some(mut client) = self.clients.remove(key.0) else { return };
        client.clock.stop_all(&mut self.timers);
        self.client_keys.remove(&(client.branch, client.cancels));
        self.outcomes.push_back(Outcome::ClientEnded { key, user: client.user, failure });
    }

    /// Moves a server transaction; says whether its user is to see the ACK.
    fn server_step(&mut self, now: Duration, key: ServerKey, stimulus: Stimulus) -> bool {
        let Some(server) = self.servers.get_mut(key.0) else { return false };
        let flow = server.flow;
        let Some((state, actions)) = server.state.on(stimulus) else { return false };
        server.state = state;
        self.server_acts(now, key, actions);
        let failure = match stimulus {
            Stimulus::TransportError => Failure::Transport(flow),
            Stimulus::Fired(Timer::Unanswered) => Failure::Unanswered,
            _ => Failure::Timeout,
        };
        if actions.contains(&Action::Report) {
            self.outcomes.push_back(Outcome::ServerTrouble { key, failure });
        }
        if state.is_terminated() {
            self.end_server(key, actions.contains(&Action::Fail).then_some(failure));
        }
        actions.contains(&Action::Deliver)
    }

    fn server_acts(&mut self, now: Duration, key: ServerKey, actions: &[Action]) {
        for action in actions {
            let Some(server) = self.servers.get_mut(key.0) else { return };
            match action {
                Action::Send | Action::SendTrying => {
                    if *action == Action::SendTrying {
                        server.try_on();
                    }
                    if !server.response.is_empty() {
                        let (flow, bytes) = (server.flow, server.response.clone());
                        self.transmit(flow, bytes);
                    }
                }
                Action::Start(timer) => {
                    let reliable = server.flow.is_reliable();
                    server.clock.start(
                        &mut self.timers,
                        Side::Server(key.0),
                        *timer,
                        now,
                        self.timing.duration(*timer, server.clock.count, reliable, false),
                    );
                }
                Action::Stop(timer) => server.clock.stop(&mut self.timers, *timer),
                Action::Deliver | Action::Fail | Action::Report | Action::SendAck => {}
            }
        }
    }

    fn end_server(&mut self, key: ServerKey, failure: Option<Failure>) {
        let Some(mut server) = self.servers.remove(key.0) else { return };
        server.clock.stop_all(&mut self.timers);
        self.server_keys.remove(&server.tag);
        self.outcomes.push_back(Outcome::ServerEnded { key, user: server.user, failure });
    }
}

impl<C> Client<C> {
    fn new(
        flow: Flow,
        branch: u128,
        request: Bytes,
        invite: Option<Box<Request>>,
        user: C,
    ) -> Self {
        let state = match &invite {
            Some(_) => ClientState::Invite(invite_client::State::Calling),
            None => ClientState::NonInvite(non_invite_client::State::Trying),
        };
        Self {
            state,
            flow,
            branch,
            cancels: false,
            request,
            invite,
            ack: Bytes::new(),
            clock: Clock::default(),
            user,
        }
    }

    /// Makes the ACK for a final response other than 2xx (§17.1.1.3); one and the same for all its
    /// repetitions.
    fn acknowledge(&mut self, response: Option<&Response>) {
        let Some(invite) = self.invite.take() else { return };
        let to = response.and_then(|response| response.headers.require::<To>().ok());
        if let Some(ack) = derived(&invite, Method::Ack, to) {
            self.ack = ack.to_bytes();
        }
    }
}

impl<S> Server<S> {
    fn try_on(&mut self) {
        if let (true, Some(invite)) = (self.response.is_empty(), &self.invite) {
            self.response = Response::to(invite, StatusCode::TRYING).to_bytes();
        }
    }
}

impl Clock {
    fn slot(&mut self, timer: Timer) -> &mut Option<TimerKey> {
        match timer {
            Timer::A | Timer::E | Timer::G | Timer::Trying => &mut self.repeats,
            _ => &mut self.ends,
        }
    }

    fn start(
        &mut self,
        timers: &mut Wheel<(Side, Timer)>,
        side: Side,
        timer: Timer,
        now: Duration,
        after: Option<Duration>,
    ) {
        self.stop(timers, timer);
        if matches!(timer, Timer::A | Timer::E | Timer::G) {
            self.count += 1;
        }
        *self.slot(timer) = after.map(|after| timers.start(now + after, (side, timer)));
    }

    fn stop(&mut self, timers: &mut Wheel<(Side, Timer)>, timer: Timer) {
        if let Some(key) = self.slot(timer).take() {
            timers.stop(key);
        }
    }

    fn stop_all(&mut self, timers: &mut Wheel<(Side, Timer)>) {
        self.stop(timers, Timer::A);
        self.stop(timers, Timer::B);
    }
}

impl ClientState {
    /// `None` when the stimulus is none that this machine knows.
    fn on(self, stimulus: Stimulus) -> Option<(Self, &'static [Action])> {
        match self {
            Self::Invite(state) => {
                use invite_client::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(status) if status.is_success() => Event::Success,
                    Stimulus::Response(_) => Event::Failure,
                    Stimulus::Fired(Timer::A) => Event::TimerA,
                    Stimulus::Fired(Timer::B) => Event::TimerB,
                    Stimulus::Fired(Timer::D) => Event::TimerD,
                    Stimulus::Fired(Timer::M) => Event::TimerM,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::Invite(next), actions))
            }
            Self::NonInvite(state) => {
                use non_invite_client::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(_) => Event::Final,
                    Stimulus::Fired(Timer::E) => Event::TimerE,
                    Stimulus::Fired(Timer::F) => Event::TimerF,
                    Stimulus::Fired(Timer::K) => Event::TimerK,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::NonInvite(next), actions))
            }
        }
    }

    fn is_terminated(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_client::State::Terminated)
                | Self::NonInvite(non_invite_client::State::Terminated)
        )
    }
}

impl ServerState {
    /// `None` when the stimulus is none that this machine knows.
    fn on(self, stimulus: Stimulus) -> Option<(Self, &'static [Action])> {
        match self {
            Self::Invite(state) => {
                use invite_server::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Request => Event::Invite,
                    Stimulus::Ack => Event::Ack,
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(status) if status.is_success() => Event::Success,
                    Stimulus::Response(_) => Event::Failure,
                    Stimulus::Fired(Timer::Trying) => Event::TimerTrying,
                    Stimulus::Fired(Timer::G) => Event::TimerG,
                    Stimulus::Fired(Timer::H) => Event::TimerH,
                    Stimulus::Fired(Timer::I) => Event::TimerI,
                    Stimulus::Fired(Timer::L) => Event::TimerL,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::Invite(next), actions))
            }
            Self::NonInvite(state) => {
                use non_invite_server::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Request => Event::Request,
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(_) => Event::Final,
                    Stimulus::Fired(Timer::J) => Event::TimerJ,
                    Stimulus::Fired(Timer::Unanswered) => Event::TimerUnanswered,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::NonInvite(next), actions))
            }
        }
    }

    /// Whether a response of this status may still be sent.
    fn takes(self, status: StatusCode) -> bool {
        match self {
            Self::Invite(invite_server::State::Proceeding)
            | Self::NonInvite(
                non_invite_server::State::Trying | non_invite_server::State::Proceeding,
            ) => true,
            Self::Invite(invite_server::State::Accepted) => status.is_success(),
            _ => false,
        }
    }

    fn is_terminated(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_server::State::Terminated)
                | Self::NonInvite(non_invite_server::State::Terminated)
        )
    }
}

/// Puts our Via on top, asking for the port (RFC 3581), and gives its branch back.
fn push_via(request: &mut Request, flow: &Flow, sent_by: HostPort, random: &mut dyn Rng) -> u128 {
    let branch = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    let mut text = String::with_capacity(MAGIC_COOKIE.len() + 32);
    text.push_str(MAGIC_COOKIE);
    push_hex(&mut text, (branch >> 64) as u64);
    push_hex(&mut text, branch as u64);
    // The branch is a token by construction, so that nothing can be refused.
    if let Ok(mut via) = Via::new(flow.transport, sent_by, &text) {
        via.set_rport(None);
        request.headers.push_front(via);
    }
    branch
}

/// The number in a branch of ours.
fn own_branch(branch: &str) -> Option<u128> {
    let digits = branch.strip_prefix(MAGIC_COOKIE)?;
    if digits.len() != 32 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

/// The ACK or CANCEL that belongs to an INVITE (§17.1.1.3, §9.1); an ACK has the To of the
/// response and, as §22.1 asks, the INVITE's credentials.
fn derived(invite: &Request, method: Method, to: Option<To>) -> Option<Request> {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    let (from, headers) = (&invite.headers, &mut request.headers);
    headers.push(from.require::<Via>().ok()?);
    headers.push(MaxForwards(70));
    headers.copy(HeaderName::Route, from);
    headers.copy(HeaderName::From, from);
    match to {
        Some(to) => headers.push(to),
        None => headers.copy(HeaderName::To, from),
    }
    headers.copy(HeaderName::CallId, from);
    let number = from.require::<CSeq>().ok()?.number;
    headers.push(CSeq { number, method: method.clone() });
    if method == Method::Ack {
        headers.copy(HeaderName::Authorization, from);
        headers.copy(HeaderName::ProxyAuthorization, from);
    }
    Some(request)
}
