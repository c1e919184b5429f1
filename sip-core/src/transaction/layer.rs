//! The transactions of one endpoint or proxy, and what they have to send.

use core::hash::BuildHasher as _;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use rand_core::Rng;

use super::entry::{Client, ClientState, Clock, Server, ServerState, Side, Stimulus};
use super::key::ServerTag;
use super::make::{derived, own_branch, push_via};
use super::{Answer, ClientKey, Incoming, Outcome, ServerKey, Tables};
use super::{Failure, Timer, Timing, invite_client, invite_server};
use super::{non_invite_client, non_invite_server};
use crate::flow::{Flow, Transmit};
use crate::header::{CSeq, Via};
use crate::keyed::{KeyedHash, Prehashed};
use crate::slab::Slab;
use crate::timer::Wheel;
use crate::{HostPort, Method, Request, Response, StatusCode};

/// Room for so many server transactions is made at once.
const FIRST: usize = 32;

/// The transaction layer. `C` and `S` are what the user attaches to client and server
/// transactions; they come back when a transaction ends.
#[derive(Debug)]
pub struct Transactions<C, S> {
    pub(super) timing: Timing,
    pub(super) tables: Tables,
    pub(super) clients: Slab<Client<C>>,
    pub(super) client_keys: HashMap<(u128, bool), ClientKey, KeyedHash>,
    pub(super) servers: Slab<Server<S>>,
    /// By the keyed hash of their tag, which each has itself.
    pub(super) server_keys: HashMap<u64, ServerKey, Prehashed>,
    pub(super) hash: KeyedHash,
    pub(super) timers: Wheel<(Side, Timer)>,
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) outcomes: VecDeque<Outcome<C, S>>,
    pub(super) dropped: u64,
    pub(super) alias: bool,
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
            hash: KeyedHash::new(random),
            server_keys: HashMap::with_capacity_and_hasher(FIRST, Prehashed::default()),
            timers: Wheel::new(),
            transmits: VecDeque::new(),
            outcomes: VecDeque::new(),
            dropped: 0,
            alias: false,
        }
    }

    /// Whether requests over TLS ask for their connection to be used the other way too, by `alias`
    /// in Via (RFC 5923). They do not unless told to.
    pub fn offer_reuse(&mut self, offers: bool) {
        self.alias = offers;
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

    /// Gives back the room that a busier time has needed. Takes time for each transaction that there was
    /// room for: to be called when there is little to do.
    pub fn shrink(&mut self) {
        self.clients.shrink();
        self.client_keys.shrink_to_fit();
        self.servers.shrink();
        self.server_keys.shrink_to_fit();
        self.timers.shrink();
        self.transmits.shrink_to_fit();
        self.outcomes.shrink_to_fit();
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
        let branch = push_via(&mut request, &flow, sent_by, random, self.alias);
        let bytes = request.to_bytes();
        let invite = (request.method == Method::Invite).then(|| {
            request.body = Bytes::new();
            request.headers.shrink();
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
        push_via(&mut request, &flow, sent_by, random, self.alias);
        let bytes = request.to_bytes();
        self.transmit(flow, bytes.clone());
        bytes
    }

    /// Makes the client transaction of the CANCEL for the INVITE transaction `key` (§9.1). `None`
    /// when that is over or no INVITE, or when its CANCEL is out already.
    pub fn send_cancel(&mut self, now: Duration, key: ClientKey, user: C) -> Option<ClientKey> {
        let client = self.clients.get(key.0)?;
        if client.cancels || self.client_keys.contains_key(&(client.branch, true)) {
            return None;
        }
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
        self.receive_hashed(now, method, tag, self.hash(tag))
    }

    /// The same, given the hash of the tag.
    pub(crate) fn receive_hashed(
        &mut self,
        now: Duration,
        method: &Method,
        tag: &ServerTag,
        hash: u64,
    ) -> Incoming {
        let Some(key) = self.find_hashed(tag, hash) else { return Incoming::Unmatched };
        let stimulus = if *method == Method::Ack { Stimulus::Ack } else { Stimulus::Request };
        if self.server_step(now, key, stimulus) { Incoming::Ack(key) } else { Incoming::Absorbed }
    }

    /// The server transaction with this tag.
    pub fn find(&self, tag: &ServerTag) -> Option<ServerKey> {
        self.find_hashed(tag, self.hash(tag))
    }

    /// What this layer keeps a server transaction by.
    pub(crate) fn hash(&self, tag: &ServerTag) -> u64 {
        self.hash.hash_one(tag)
    }

    fn find_hashed(&self, tag: &ServerTag, hash: u64) -> Option<ServerKey> {
        let key = self.server_keys.get(&hash).copied()?;
        self.servers.get(key.0).filter(|server| server.tag == *tag).map(|_| key)
    }

    /// Makes a server transaction for a request. Responses go to `flow`; when that is a stream and
    /// gets lost, to its address with `fallback_port`, that of the top Via's sent-by.
    ///
    /// # Errors
    ///
    /// Gives the user's value back: [`Tables::servers`] transactions exist, or one for this request.
    pub fn accept(
        &mut self,
        now: Duration,
        request: &Request,
        tag: ServerTag,
        flow: Flow,
        fallback_port: u16,
        user: S,
    ) -> Result<ServerKey, S> {
        let hash = self.hash(&tag);
        self.accept_hashed(now, request, tag, hash, flow, fallback_port, user)
    }

    /// The same, given the hash of the tag.
    #[expect(clippy::too_many_arguments, reason = "one more than its public face")]
    pub(crate) fn accept_hashed(
        &mut self,
        now: Duration,
        request: &Request,
        tag: ServerTag,
        hash: u64,
        flow: Flow,
        fallback_port: u16,
        user: S,
    ) -> Result<ServerKey, S> {
        // That two tags have one hash is not to be expected in the life of any endpoint.
        if self.servers.len() >= self.tables.servers || self.server_keys.contains_key(&hash) {
            return Err(user);
        }
        let (state, start, invite, response) = if request.method == Method::Invite {
            let invite = Request { body: Bytes::new(), ..request.clone() };
            (
                ServerState::Invite(invite_server::State::Proceeding),
                invite_server::State::START,
                Some(Box::new(invite)),
                Bytes::new(),
            )
        } else {
            (
                ServerState::NonInvite(non_invite_server::State::Trying),
                non_invite_server::State::START,
                None,
                Response::trying(request, || self.timing.until_t2()),
            )
        };
        let key = ServerKey(self.servers.insert(Server {
            state,
            tag,
            hash,
            flow,
            fallback_port,
            response,
            invite,
            clock: Clock::default(),
            user,
        }));
        self.server_keys.insert(hash, key);
        self.server_acts(now, key, start);
        Ok(key)
    }

    /// Whether a response of this status may be sent in a server transaction now. After a final
    /// response none may, only a 2xx to an INVITE again and again; and to anything but an INVITE
    /// what [`non_invite_server::State::takes`] says.
    pub fn takes(&self, key: ServerKey, status: StatusCode) -> bool {
        self.servers
            .get(key.0)
            .is_some_and(|server| server.state.takes(status, server.flow.is_reliable()))
    }

    /// Sends a response in a server transaction; one that it does not [take](Self::takes) is
    /// ignored.
    pub fn respond(&mut self, now: Duration, key: ServerKey, status: StatusCode, bytes: Bytes) {
        let Some(server) = self.servers.get_mut(key.0) else { return };
        if !server.state.takes(status, server.flow.is_reliable()) {
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

    /// Whether the transaction is that of an INVITE with a 2xx, which may have been acknowledged since.
    pub fn is_accepted(&self, key: ServerKey) -> bool {
        let accepted = ServerState::Invite(invite_server::State::Accepted);
        self.servers.get(key.0).is_some_and(|server| server.state == accepted)
    }

    /// The last response sent, empty when there is none; a 2xx to an INVITE is not kept.
    pub fn last_response(&self, key: ServerKey) -> Option<&Bytes> {
        self.servers.get(key.0).map(Server::sent)
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

    /// The flow of a client transaction.
    pub fn client_flow(&self, key: ClientKey) -> Option<Flow> {
        self.clients.get(key.0).map(|client| client.flow)
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
            // lost. A 2xx is its user's to repeat, who takes the other way as well, if there is one.
            let lost = match server.state {
                ServerState::Invite(invite_server::State::Accepted) => flow.connection.is_none(),
                _ => !server.sent().is_empty(),
            };
            if lost {
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
}
