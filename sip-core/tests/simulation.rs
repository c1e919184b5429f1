//! Calls between four endpoints over a network that loses, repeats and reorders.
//!
//! Each seed is ten minutes of calls. Every user answers at once what it is told, and keeps books: each
//! request gets one outcome in time, each 2xx its ACK, and in the end nothing is left anywhere.

mod common;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use common::{ms, secs};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, Config, Endpoint, Event, Input, ServerId, within};
use sip_core::header::{CSeq, From, NameAddr};
use sip_core::{Flow, Limits, Message, Method, Request, Response, StatusCode, Uri};

const AGENTS: usize = 4;
/// 64*T1.
const TIMEOUT: Duration = Duration::from_secs(32);
const T4: Duration = Duration::from_secs(5);
/// How long a caller lets it ring, at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// In percent.
#[derive(Clone, Copy)]
struct Faults {
    loss: u32,
    duplication: u32,
    reordering: u32,
}

struct World {
    now: Duration,
    random: ChaCha8Rng,
    faults: Faults,
    agents: Vec<Agent>,
    queue: BinaryHeap<Due>,
    order: u64,
    trace: DefaultHasher,
    packets: u64,
}

/// Something that happens at a time; of one time, in the order in which it was planned.
#[derive(PartialEq, Eq)]
struct Due {
    at: Duration,
    order: u64,
    what: What,
}

#[derive(PartialEq, Eq)]
enum What {
    Arrive { from: usize, to: usize, bytes: Bytes },
    Do(usize, Plan),
}

/// What a user means to do.
#[derive(PartialEq, Eq)]
enum Plan {
    Call(usize),
    Ask(usize),
    Answer(ServerId, Box<Request>, StatusCode),
    Cancel(ClientId),
    ReInvite(DialogId),
    Info(DialogId),
    HangUp(DialogId),
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        // The heap gives the greatest first.
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A user and its books.
struct Agent {
    endpoint: Endpoint,
    /// Requests without their outcome: what they are and when the outcome is due at the latest.
    asked: BTreeMap<ClientId, (Method, Duration)>,
    /// INVITEs with a final response.
    finished: BTreeSet<(ClientId, Option<DialogId>)>,
    /// Our 2xx without their ACK, and when that or its absence is to be known.
    accepted: BTreeMap<DialogId, Duration>,
    outcomes: u64,
    calls_up: u64,
}

fn address(agent: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, agent as u8 + 1], 5060))
}

fn flow(from: usize, to: usize) -> Flow {
    Flow::udp(address(from), address(to))
}

impl World {
    fn new(seed: u64, faults: Faults) -> Self {
        let agents = (0..AGENTS)
            .map(|n| Agent {
                endpoint: Endpoint::new(
                    Config::default(),
                    Box::new(ChaCha8Rng::seed_from_u64(seed * 100 + n as u64)),
                ),
                asked: BTreeMap::new(),
                finished: BTreeSet::new(),
                accepted: BTreeMap::new(),
                outcomes: 0,
                calls_up: 0,
            })
            .collect();
        Self {
            now: Duration::ZERO,
            random: ChaCha8Rng::seed_from_u64(seed),
            faults,
            agents,
            queue: BinaryHeap::new(),
            order: 0,
            trace: DefaultHasher::new(),
            packets: 0,
        }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.random.next_u32() % limit
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn plan(&mut self, delay: Duration, what: What) {
        self.order += 1;
        self.queue.push(Due { at: self.now + delay, order: self.order, what });
    }

    /// Runs until nothing is planned and no endpoint waits for anything.
    fn run(&mut self) {
        loop {
            let planned = self.queue.peek().map(|due| due.at);
            let timer = self.agents.iter().filter_map(|a| a.endpoint.poll_timeout()).min();
            let Some(next) = [planned, timer].into_iter().flatten().min() else { break };
            self.now = self.now.max(next);
            if planned.is_some_and(|at| timer.is_none_or(|timer| at <= timer)) {
                let due = self.queue.pop().unwrap();
                self.happen(due.what);
            } else {
                for agent in 0..AGENTS {
                    self.agents[agent].endpoint.handle_timeout(self.now);
                    self.attend(agent);
                }
            }
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrive { from, to, bytes } => {
                let needs_ack = accepts_invite(&bytes);
                let input = Input::Received { flow: flow(to, from), message: bytes };
                self.agents[to].endpoint.handle_input(self.now, input);
                let sent = self.attend(to);
                // Also the repetitions of a 2xx, and the late ones, get their ACK.
                if needs_ack {
                    assert!(sent.iter().any(|name| name == "ACK"), "{to}: a 2xx without ACK");
                }
            }
            What::Do(agent, plan) => {
                self.act(agent, plan);
                self.attend(agent);
            }
        }
    }

    fn act(&mut self, agent: usize, plan: Plan) {
        let now = self.now;
        match plan {
            Plan::Call(to) => {
                let request = request(Method::Invite, agent, to);
                let endpoint = &mut self.agents[agent].endpoint;
                let id = endpoint.invite(now, request, flow(agent, to)).unwrap();
                let latest = now + PATIENCE + TIMEOUT;
                self.agents[agent].asked.insert(id, (Method::Invite, latest));
                let patience = ms(u64::from(self.below(PATIENCE.as_millis() as u32)));
                self.plan(patience, What::Do(agent, Plan::Cancel(id)));
            }
            Plan::Ask(to) => {
                let request = request(Method::Options, agent, to);
                let endpoint = &mut self.agents[agent].endpoint;
                let id = endpoint.request(now, request, flow(agent, to)).unwrap();
                self.agents[agent].asked.insert(id, (Method::Options, now + TIMEOUT));
            }
            Plan::Answer(id, request, status) => {
                let response = Response::to(&request, status);
                // The call may have been cancelled in the meantime.
                let Ok(dialog) = self.agents[agent].endpoint.respond(now, id, response) else {
                    return;
                };
                if request.method == Method::Invite && status.is_success() {
                    let dialog = dialog.unwrap();
                    self.agents[agent].accepted.insert(dialog, now + TIMEOUT);
                }
            }
            Plan::Cancel(id) => {
                // The call may have been answered in the meantime.
                let _ = self.agents[agent].endpoint.cancel(now, id);
            }
            Plan::ReInvite(dialog) => self.ask_in(agent, dialog, Method::Invite),
            Plan::Info(dialog) => self.ask_in(agent, dialog, Method::Info),
            Plan::HangUp(dialog) => self.ask_in(agent, dialog, Method::Bye),
        }
    }

    fn ask_in(&mut self, agent: usize, dialog: DialogId, method: Method) {
        let request = within(method.clone());
        // The peer may have hung up or begun an INVITE of its own.
        let endpoint = &mut self.agents[agent].endpoint;
        let Ok(id) = endpoint.request_in(self.now, dialog, request) else { return };
        // A callee's BYE may have to wait for an ACK first.
        let patience = match method {
            Method::Invite => PATIENCE + TIMEOUT,
            Method::Bye if self.agents[agent].accepted.contains_key(&dialog) => TIMEOUT * 2,
            _ => TIMEOUT,
        };
        self.agents[agent].asked.insert(id, (method.clone(), self.now + patience));
        if method == Method::Invite {
            self.plan(PATIENCE, What::Do(agent, Plan::Cancel(id)));
        }
    }

    /// Deals with all that an endpoint has to say and to send; gives the names of what it sent.
    fn attend(&mut self, agent: usize) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            while let Some(event) = self.agents[agent].endpoint.poll_event() {
                self.react(agent, event);
            }
            let Some(transmit) = self.agents[agent].endpoint.poll_transmit() else { break };
            let to = usize::from(match transmit.flow.remote {
                SocketAddr::V4(address) => address.ip().octets()[3] - 1,
                SocketAddr::V6(_) => panic!("nobody is there"),
            });
            sent.push(name(&transmit.bytes));
            self.network(agent, to, transmit.bytes);
        }
        let now = self.now;
        let Agent { asked, accepted, .. } = &self.agents[agent];
        for (id, (method, due)) in asked {
            assert!(now <= *due, "{agent}: {method} {id:?} has no outcome in time");
        }
        for (dialog, due) in accepted {
            assert!(now <= *due, "{agent}: {dialog:?} has neither ACK nor time-out");
        }
        sent
    }

    fn network(&mut self, from: usize, to: usize, bytes: Bytes) {
        (self.now, from, to, &bytes).hash(&mut self.trace);
        self.packets += 1;
        let mut copies = 1;
        if self.chance(self.faults.duplication) {
            copies += 1;
        }
        for _ in 0..copies {
            if self.chance(self.faults.loss) {
                continue;
            }
            let mut delay = ms(20);
            if self.chance(self.faults.reordering) {
                delay += ms(u64::from(self.below(800)));
            }
            self.plan(delay, What::Arrive { from, to, bytes: bytes.clone() });
        }
    }

    /// The books of a request are closed.
    fn outcome(&mut self, agent: usize, id: ClientId, dialog: Option<DialogId>) {
        let books = &mut self.agents[agent];
        let first = books.asked.remove(&id).is_some();
        let unheard = books.finished.insert((id, dialog));
        assert!(first && unheard, "{agent}: {id:?} has two outcomes");
        books.outcomes += 1;
    }

    fn react(&mut self, agent: usize, event: Event) {
        let now = self.now;
        match event {
            Event::Request { id, dialog, request, .. } => match request.method {
                Method::Invite if dialog.is_none() => self.ring(agent, id, request),
                Method::Bye => {
                    let response = Response::to(&request, StatusCode::OK);
                    self.agents[agent].endpoint.respond(now, id, response).unwrap();
                    self.agents[agent].accepted.remove(&dialog.unwrap());
                }
                Method::Invite => {
                    let code = if self.chance(80) { 200 } else { 488 };
                    let status = StatusCode::new(code).unwrap();
                    self.act(agent, Plan::Answer(id, Box::new(request), status));
                }
                _ => self.act(agent, Plan::Answer(id, Box::new(request), StatusCode::OK)),
            },
            Event::Ack { dialog, .. } => {
                assert!(self.agents[agent].accepted.remove(&dialog).is_some(), "an ACK too many");
            }
            Event::AckTimeout { dialog } => {
                assert!(self.agents[agent].accepted.remove(&dialog).is_some());
                self.act(agent, Plan::HangUp(dialog));
            }
            Event::Response { id, dialog, response, .. } => {
                if response.status.is_provisional() {
                    return;
                }
                let method = response.headers.require::<CSeq>().unwrap().method;
                self.outcome(agent, id, dialog);
                if method == Method::Invite && response.status.is_success() {
                    let dialog = dialog.unwrap();
                    // A dialog that ended meanwhile has been acknowledged by the endpoint.
                    if self.agents[agent].endpoint.ack(now, dialog, None).is_ok() {
                        self.talk(agent, dialog);
                    }
                }
            }
            Event::Failed { id, .. } => self.outcome(agent, id, None),
            Event::Cancelled { .. } | Event::ResponseFailed { .. } => {}
            other => panic!("{agent}: {other:?}"),
        }
    }

    /// A call comes in: perhaps it rings, then it is taken or not.
    fn ring(&mut self, agent: usize, id: ServerId, request: Request) {
        let request = Box::new(request);
        if self.chance(70) {
            self.act(agent, Plan::Answer(id, request.clone(), StatusCode::RINGING));
        }
        let code = [200, 200, 200, 200, 486, 603][self.below(6) as usize];
        let status = StatusCode::new(code).unwrap();
        let delay = ms(u64::from(self.below(15_000)));
        self.plan(delay, What::Do(agent, Plan::Answer(id, request, status)));
    }

    /// A call is up: things happen in it, and either side ends it.
    fn talk(&mut self, agent: usize, dialog: DialogId) {
        self.agents[agent].calls_up += 1;
        for _ in 0..self.below(3) {
            let plan = match self.below(3) {
                0 => Plan::ReInvite(dialog),
                _ => Plan::Info(dialog),
            };
            let delay = ms(u64::from(self.below(20_000)));
            self.plan(delay, What::Do(agent, plan));
        }
        let delay = ms(u64::from(self.below(30_000)));
        self.plan(delay, What::Do(agent, Plan::HangUp(dialog)));
    }
}

fn name(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Whether this is a 2xx to an INVITE.
fn accepts_invite(bytes: &Bytes) -> bool {
    match Message::parse(bytes.clone(), &Limits::default()).unwrap() {
        Message::Response(response) => {
            response.status.is_success()
                && response.headers.require::<CSeq>().unwrap().method == Method::Invite
        }
        Message::Request(_) => false,
    }
}

fn request(method: Method, from: usize, to: usize) -> Request {
    let uri = |agent| -> Uri { format!("sip:{agent}@{}", address(agent)).parse().unwrap() };
    let mut request = Request::new(method, uri(to));
    request.headers.push(From(NameAddr::new(uri(from))));
    request
}

/// Ten minutes of calls; gives the digest of all that was sent, and how many calls came about.
fn simulate(seed: u64, faults: Faults) -> (u64, u64) {
    let mut world = World::new(seed, faults);
    for _ in 0..16 {
        let (from, step) = (world.below(AGENTS as u32) as usize, world.below(AGENTS as u32 - 1));
        let to = (from + 1 + step as usize) % AGENTS;
        let at = ms(u64::from(world.below(600_000)));
        let plan = if world.chance(80) { Plan::Call(to) } else { Plan::Ask(to) };
        world.plan(at, What::Do(from, plan));
    }
    world.run();

    let mut calls_up = 0;
    for (n, agent) in world.agents.iter_mut().enumerate() {
        assert!(agent.asked.is_empty(), "seed {seed}, {n}: {:?}", agent.asked);
        assert!(agent.accepted.is_empty(), "seed {seed}, {n}: {:?}", agent.accepted);
        assert!(agent.endpoint.is_idle(), "seed {seed}, {n}: {:?}", agent.endpoint);
        calls_up += agent.calls_up;
    }
    world.packets.hash(&mut world.trace);
    (world.trace.finish(), calls_up)
}

const TEN_PERCENT: Faults = Faults { loss: 10, duplication: 10, reordering: 10 };

#[test]
fn five_hundred_seeds_at_ten_percent() {
    let calls: u64 = (0..500).map(|seed| simulate(seed, TEN_PERCENT).1).sum();
    assert!(calls > 2000, "{calls} calls: hardly anybody talked");
}

#[test]
fn a_hundred_seeds_at_thirty_percent() {
    let faults = Faults { loss: 30, duplication: 30, reordering: 30 };
    let calls: u64 = (0..100).map(|seed| simulate(seed, faults).1).sum();
    assert!(calls > 300, "{calls} calls: hardly anybody talked");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..10 {
        let trace = simulate(seed, TEN_PERCENT);
        assert_eq!(simulate(seed, TEN_PERCENT), trace);
        assert_ne!(simulate(seed + 1000, TEN_PERCENT), trace);
    }
}

/// 64*T1 + T4 after the last event that a user saw or caused, every table is empty.
#[test]
fn tables_are_empty_in_time() {
    for seed in 0..100 {
        let mut world = World::new(seed, TEN_PERCENT);
        for agent in 0..AGENTS {
            let to = (agent + 1) % AGENTS;
            world.plan(ms(0), What::Do(agent, Plan::Call(to)));
            world.plan(secs(1), What::Do(agent, Plan::Ask(to)));
        }
        let mut last = Duration::ZERO;
        let mut seen = 0;
        loop {
            let planned = world.queue.peek().map(|due| due.at);
            let timer = world.agents.iter().filter_map(|a| a.endpoint.poll_timeout()).min();
            let Some(next) = [planned, timer].into_iter().flatten().min() else { break };
            world.now = world.now.max(next);
            if planned.is_some_and(|at| timer.is_none_or(|timer| at <= timer)) {
                let due = world.queue.pop().unwrap();
                // What a user does, or an arriving message, is an event.
                last = world.now;
                world.happen(due.what);
            } else {
                for agent in 0..AGENTS {
                    world.agents[agent].endpoint.handle_timeout(world.now);
                    world.attend(agent);
                }
            }
            let outcomes: u64 = world.agents.iter().map(|agent| agent.outcomes).sum();
            if outcomes > seen {
                seen = outcomes;
                last = world.now;
            }
            let idle = world.agents.iter().all(|agent| agent.endpoint.is_idle());
            assert!(idle || world.now <= last + TIMEOUT + T4, "seed {seed}");
        }
    }
}
