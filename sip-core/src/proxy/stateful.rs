//! A proxy that keeps transactions and forks (RFC 3261 §16).

mod marked;
mod receive;
mod targets;

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use rand_core::Rng;

use self::marked::Marked;
use super::context::{ResponseContext, Step};
use super::{Ours, Passed, RecordRoute, forward, routing_mark};
use crate::endpoint::{Address, Input};
use crate::flow::{Flow, Transmit};
use crate::header::{Contact, NameAddr, To};
use crate::keyed::push_hex;
use crate::redirection::Redirection;
use crate::slab::{Key, Slab};
use crate::timer::{TimerKey, Wheel};
use crate::transaction::{
    ClientKey, Failure, Outcome, ServerKey, Tables, Timing, Transactions, invite_client,
};
use crate::{
    HeaderError, HeaderName, Limits, Message, Method, Request, Response, StatusCode, Token, Uri,
};

/// How a [`Proxy`] behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who we are.
    pub ours: Ours,
    /// How we name ourselves in Via; `ours` must know it. Default by the local address of a flow.
    pub address: Address,
    /// As [`endpoint::Config::alias`](crate::endpoint::Config::alias).
    pub alias: bool,
    /// What Proxy-Require may ask for. Default nothing.
    pub supported: Vec<Token>,
    /// How long a message may be.
    pub message: Limits,
    /// T1, T2 and T4.
    pub timing: Timing,
    /// How many transactions there may be.
    pub tables: Tables,
    /// Timer C: how long an INVITE may go without a provisional response, more than 3 minutes.
    /// Default 181 s.
    pub timer_c: Duration,
    /// How many targets of one group are tried. Default 16; more are passed over.
    pub branches: usize,
    /// How many targets in all the redirections (300, 301, 302) of one request may add. Default 0: they go back
    /// to the sender like any other response. With more, [`Event::Redirected`] offers them first
    /// (§16.5).
    pub redirections: usize,
    /// Among how many branches a request without Max-Breadth may be divided. Default 60 (RFC 5393
    /// §5.3.3.1).
    pub breadth: u32,
}

impl Config {
    /// The defaults.
    pub fn new(ours: Ours) -> Self {
        Self {
            ours,
            address: Address::default(),
            alias: false,
            supported: Vec::new(),
            message: Limits::default(),
            timing: Timing::default(),
            tables: Tables::default(),
            timer_c: Duration::from_secs(181),
            branches: 16,
            redirections: 0,
            breadth: 60,
        }
    }
}

/// Names a request that waits to be forwarded or answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContextId(Key);

/// One target of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The new Request-URI; `None` leaves it as it is, as within dialogs.
    pub target: Option<Uri>,
    /// The flow to the next hop.
    pub flow: Flow,
    /// Whether and how we stay in the way.
    pub record_route: RecordRoute,
}

/// What the user of a proxy is told.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request wants [`Proxy::forward`] or [`Proxy::respond`].
    Request {
        /// Names it.
        id: ContextId,
        /// It, its source noted and its routes repaired: it goes to its next Route, or where the
        /// user says.
        request: Request,
        /// The flow it came on.
        flow: Flow,
        /// The Routes that were us.
        passed: Passed,
    },
    /// An ACK for a 2xx wants [`Proxy::forward_ack`]; nobody answers it.
    Ack {
        /// It, as above.
        request: Request,
        /// The flow it came on.
        flow: Flow,
        /// The Routes that were us.
        passed: Passed,
    },
    /// A branch was redirected to these contacts, the preferred first, none of which was tried
    /// before. The request waits for [`Proxy::forward`] or [`Proxy::forward_in_turn`] with their
    /// hops; with no hops the redirection itself counts, and may go back to the sender.
    Redirected {
        /// The request.
        id: ContextId,
        /// Where to.
        contacts: Vec<NameAddr>,
    },
    /// The sender has its final response.
    Answered {
        /// The request.
        id: ContextId,
        /// The status.
        status: StatusCode,
    },
}

/// A stateful forking proxy. Targets are its user's to find; sending, cancelling, choosing among
/// responses, time-outs and repetitions are its own.
pub struct Proxy {
    config: Config,
    random: Box<dyn Rng + Send>,
    transactions: Transactions<Branch, Key>,
    contexts: Slab<Context>,
    timers: Wheel<Key>,
    events: VecDeque<Event>,
}

/// Whose a client transaction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Branch {
    Of(Key),
    Cancel,
}

#[derive(Debug)]
struct Context {
    /// Gone when the server transaction is.
    server: Option<ServerKey>,
    request: Request,
    mark: u64,
    tag: String,
    responses: ResponseContext<ClientKey>,
    /// Cancelled before they had answered provisionally.
    waiting: Vec<ClientKey>,
    /// What open branches hold of the request's Max-Breadth.
    breadth: Vec<(ClientKey, u32)>,
    /// Groups of targets that are tried when those before have failed.
    groups: VecDeque<Vec<Hop>>,
    redirection: Redirection,
    /// Redirections that the user has not decided about.
    offered: Vec<Offered>,
    /// Client transactions that are not over.
    open: usize,
    timer: Option<TimerKey>,
    /// Cancelled or answered: no further targets are tried.
    closed: bool,
}

/// A redirection that may be followed.
#[derive(Debug)]
struct Offered {
    response: Response,
    /// What is left of it when it is.
    rest: Option<Response>,
}

impl Context {
    fn new(request: Request, mark: u64, tag: String, config: &Config) -> Self {
        let invite = request.method == Method::Invite;
        Self {
            server: None,
            redirection: Redirection::new(&request.uri, config.redirections),
            offered: Vec::new(),
            request,
            mark,
            tag,
            responses: ResponseContext::new(invite, config.timer_c, config.timing.timeout()),
            waiting: Vec::new(),
            breadth: Vec::new(),
            groups: VecDeque::new(),
            open: 0,
            timer: None,
            closed: false,
        }
    }
}

impl Proxy {
    /// A proxy at rest. `random` makes branches.
    pub fn new(config: Config, mut random: Box<dyn Rng + Send>) -> Self {
        let mut transactions = Transactions::new(config.timing, config.tables, &mut *random);
        transactions.offer_reuse(config.alias);
        Self {
            transactions,
            config,
            random,
            contexts: Slab::default(),
            timers: Wheel::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes what happened outside.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Received { flow, message } => {
                // What is no message cannot be answered: a proxy has no user to tell.
                match Message::parse(message, &self.config.message) {
                    Ok(Message::Request(request)) => self.receive_request(now, flow, request),
                    Ok(Message::Response(response)) => self.receive_response(now, response),
                    Err(_) => {}
                }
            }
            Input::FlowFailed { flow } => self.transactions.flow_failed(now, flow),
        }
        self.settle(now);
    }

    /// Runs every timer that is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.transactions.handle_timeout(now);
        while let Some(key) = self.timers.expire(now) {
            let Some(context) = self.contexts.get_mut(key) else { continue };
            context.timer = None;
            let steps = context.responses.handle_timeout(now);
            self.act(now, key, steps);
        }
        self.settle(now);
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.transactions.poll_timeout(), self.timers.next()].into_iter().flatten().min()
    }

    /// How many requests are being worked on, or were so recently that they may be repeated.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Whether nothing is kept.
    pub fn is_idle(&self) -> bool {
        self.contexts.len() == 0 && self.transactions.is_idle() && self.timers.is_empty()
    }

    /// Forwards a request to all of these targets at once. A request that was cancelled meanwhile,
    /// or is over, is left alone.
    ///
    /// # Errors
    ///
    /// The request has a header that cannot be read; it has been answered.
    pub fn forward(
        &mut self,
        now: Duration,
        id: ContextId,
        hops: Vec<Hop>,
    ) -> Result<(), HeaderError> {
        self.forward_in_turn(now, id, vec![hops])
    }

    /// Forwards it to the first group of targets, and to the next one when all of a group have
    /// failed: by descending `q`, or one flow of a phone after the other. With no targets at all
    /// it is answered 480, or with the redirection that offered them ([`Event::Redirected`]).
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_in_turn(
        &mut self,
        now: Duration,
        id: ContextId,
        groups: Vec<Vec<Hop>>,
    ) -> Result<(), HeaderError> {
        if let Some(context) = self.contexts.get_mut(id.0)
            && !context.closed
        {
            let groups: Vec<_> = groups.into_iter().filter(|group| !group.is_empty()).collect();
            let targets = groups.iter().flatten().filter_map(|hop| hop.target.as_ref());
            targets.for_each(|target| context.redirection.add(target));
            let offered = core::mem::take(&mut context.offered);
            let (waited, follows) = (!offered.is_empty(), !groups.is_empty());
            // Targets of a redirection take the place of the branch that named them.
            let others =
                if waited { core::mem::take(&mut context.groups) } else { VecDeque::new() };
            context.groups.extend(groups.into_iter().chain(others));
            for Offered { response, rest } in offered {
                self.keep(now, id.0, if follows { rest } else { Some(response) });
            }
            if follows || !waited || self.is_stuck(id.0) {
                self.try_next(now, id.0)?;
            }
        }
        self.settle(now);
        Ok(())
    }

    /// Gives up the targets that are ringing and goes on to the next group: its user's ring timer.
    /// Without another group, it cancels the request's branches, and their answer goes back.
    pub fn give_up(&mut self, now: Duration, id: ContextId) {
        let Some(context) = self.contexts.get_mut(id.0) else { return };
        let last = context.groups.is_empty();
        // What is cancelled does not fork any more.
        context.breadth.clear();
        let steps = context.responses.cancel(now);
        self.act(now, id.0, steps);
        if !last {
            let _ = self.try_next(now, id.0);
        }
        self.settle(now);
    }

    /// Answers a request that is not forwarded, or not yet. What may not be sent is left alone: what
    /// comes after a final response; and to anything but an INVITE a 408, or a provisional response
    /// (RFC 4320 §4), but for a 100 over a reliable transport.
    pub fn respond(&mut self, now: Duration, id: ContextId, response: Response) {
        self.answer(now, id.0, response);
        self.settle(now);
    }

    /// Sends an ACK for a 2xx on.
    ///
    /// # Errors
    ///
    /// It has a header that cannot be read.
    pub fn forward_ack(&mut self, request: &Request, hop: &Hop) -> Result<(), HeaderError> {
        let mark = routing_mark(request)?;
        let copy = forward(request, hop.target.as_ref(), &hop.record_route)?;
        let sent_by = self.config.address.on(&hop.flow);
        let mut branch = Marked::new(&mut *self.random, mark);
        self.transactions.send_alone(copy, hop.flow, sent_by, &mut branch);
        Ok(())
    }

    /// Lets what is left of a redirection count.
    fn keep(&mut self, now: Duration, key: Key, response: Option<Response>) {
        let Some(context) = self.contexts.get_mut(key) else { return };
        let more = !context.groups.is_empty();
        let step = response.and_then(|response| context.responses.keep(response, more));
        self.act(now, key, step.into_iter().collect());
    }

    /// Nothing more can be tried: says so, unless a branch may still do better.
    fn fail(&mut self, now: Duration, key: Key, status: StatusCode) {
        let Some(context) = self.contexts.get(key) else { return };
        if context.responses.is_over() && !context.responses.is_decided() {
            let response = Response::to(&context.request, status);
            self.answer(now, key, response);
        }
    }

    fn act(&mut self, now: Duration, key: Key, steps: Vec<Step<ClientKey>>) {
        for step in steps {
            match step {
                Step::Forward(response) => self.answer(now, key, response),
                Step::Cancel(client) => {
                    // Before a provisional response it has to wait (§9.1).
                    match self.transactions.invite_state(client) {
                        Some(invite_client::State::Proceeding) => {
                            self.transactions.send_cancel(now, client, Branch::Cancel);
                        }
                        Some(_) => {
                            if let Some(context) = self.contexts.get_mut(key) {
                                context.waiting.push(client);
                            }
                        }
                        None => {}
                    }
                }
                Step::GiveUp(client) => self.transactions.abandon(client, Failure::Timeout),
            }
        }
        self.arm(key);
    }

    fn arm(&mut self, key: Key) {
        let Some(context) = self.contexts.get_mut(key) else { return };
        if let Some(timer) = context.timer.take() {
            self.timers.stop(timer);
        }
        context.timer = context.responses.poll_timeout().map(|at| self.timers.start(at, key));
    }

    fn answer(&mut self, now: Duration, key: Key, mut response: Response) {
        let Some(context) = self.contexts.get(key) else { return };
        let Some(server) = context.server else { return };
        let status = response.status;
        // To anything but an INVITE some would come too late, and do harm (RFC 4320 §4).
        if !self.transactions.takes(server, status) {
            return;
        }
        if status != StatusCode::TRYING
            && response.headers.require::<To>().is_ok_and(|to| to.tag().is_none())
            && response.set_to_tag(&context.tag).is_err()
        {
            return;
        }
        let bytes: Bytes = response.to_bytes();
        let first = self.transactions.is_pending(server);
        self.transactions.respond(now, server, status, bytes);
        if status.is_final() && first {
            if let Some(context) = self.contexts.get_mut(key) {
                context.closed = true;
                context.groups.clear();
            }
            self.events.push_back(Event::Answered { id: ContextId(key), status });
        }
    }

    /// Deals with the transactions that ended meanwhile.
    fn settle(&mut self, now: Duration) {
        while let Some(outcome) = self.transactions.poll_outcome() {
            match outcome {
                Outcome::ClientEnded { key, user: Branch::Of(context), failure } => {
                    if let Some(failure) = failure {
                        self.branch_failed(now, context, key, failure);
                    }
                    if let Some(context) = self.contexts.get_mut(context) {
                        context.open = context.open.saturating_sub(1);
                        context.waiting.retain(|waiting| *waiting != key);
                    }
                    self.remove_if_over(context);
                }
                Outcome::ServerEnded { user: key, .. } => {
                    if let Some(context) = self.contexts.get_mut(key) {
                        context.server = None;
                    }
                    self.remove_if_over(key);
                }
                Outcome::ClientEnded { user: Branch::Cancel, .. }
                | Outcome::ServerTrouble { .. } => {}
            }
        }
    }

    /// A branch without an answer counts as 408, one that could not be sent as 503 (§16.9).
    fn branch_failed(&mut self, now: Duration, key: Key, client: ClientKey, failure: Failure) {
        let Some(context) = self.contexts.get(key) else { return };
        let status = match failure {
            Failure::Transport(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::REQUEST_TIMEOUT,
        };
        let response = Response::to(&context.request, status);
        self.deliver(now, key, client, response);
    }

    fn remove_if_over(&mut self, key: Key) {
        let over = |context: &Context| context.server.is_none() && context.open == 0;
        if self.contexts.get(key).is_some_and(over)
            && let Some(context) = self.contexts.remove(key)
            && let Some(timer) = context.timer
        {
            self.timers.stop(timer);
        }
    }

    fn tag(&mut self) -> String {
        let mut tag = String::with_capacity(16);
        push_hex(&mut tag, self.random.next_u64());
        tag
    }
}

impl core::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Proxy").field("contexts", &self.contexts.len()).finish_non_exhaustive()
    }
}

/// What a redirection says beside these contacts; `None` when that is nothing (§16.7, step 4).
fn without(response: &Response, contacts: &[NameAddr]) -> Option<Response> {
    let mut rest = response.clone();
    rest.headers.remove(HeaderName::Contact);
    let left = response.headers.all::<Contact>().flatten().filter(|contact| match contact {
        Contact::Address(address) => !contacts.iter().any(|taken| same_place(taken, address)),
        Contact::Star => false,
    });
    left.for_each(|contact| rest.headers.push(contact));
    rest.headers.contains(HeaderName::Contact).then_some(rest)
}

fn same_place(one: &NameAddr, other: &NameAddr) -> bool {
    match (&one.uri, &other.uri) {
        (Uri::Sip(one), Uri::Sip(other)) => {
            let mut bare = other.clone();
            bare.clear_headers();
            bare.params_mut().remove("method");
            one.equivalent(&bare)
        }
        (one, other) => one.equivalent(other),
    }
}
