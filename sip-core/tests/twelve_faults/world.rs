//! Four endpoints, their clocks, and what is going to happen to them.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, Config, Endpoint, Input, ServerId, SubscriptionId};
use sip_core::header::{From, NameAddr};
use sip_core::resolve::{Answer, Dispatch, DispatchId, Question};
use sip_core::{Flow, Method, Request, Transport, Uri};

use crate::books::{Counts, sum};
use crate::common::{extended, ms, secs};
use crate::faults::Faults;
use crate::names::{self, Asks};
use crate::users::Plan;

pub(crate) const AGENTS: usize = 4;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);

/// When the faults end and everybody leaves.
pub(crate) const END: Duration = Duration::from_secs(300);

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) random: ChaCha8Rng,
    pub(crate) faults: Faults,
    pub(crate) agents: Vec<Agent>,
    pub(crate) queue: BinaryHeap<Due>,
    pub(crate) order: u64,
    pub(crate) trace: DefaultHasher,
    /// Until when the two halves of the network do not hear each other.
    pub(crate) parted: Duration,
    /// Until when nobody can open a connection.
    pub(crate) exhausted: Duration,
    /// Generations of the connections between two agents.
    pub(crate) connections: BTreeMap<(usize, usize), u32>,
    /// What was sent under each branch.
    pub(crate) sent: HashMap<(usize, String), u64>,
    pub(crate) counts: Counts,
}

#[derive(PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Duration,
    pub(crate) order: u64,
    pub(crate) what: What,
}

#[derive(PartialEq, Eq)]
pub(crate) enum What {
    Arrive {
        to: usize,
        flow: Flow,
        bytes: Bytes,
        whole: bool,
    },
    /// The plan of a user, void when its endpoint has crashed since.
    Do(usize, u32, Plan),
    /// The answer of a name server, void as well.
    Resolve(usize, u32, Question, Answer),
    /// A fault that may happen now.
    Trouble,
    Fail {
        who: usize,
        flow: Flow,
    },
    Leave,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A user and its books.
pub(crate) struct Agent {
    pub(crate) endpoint: Endpoint,
    /// How much its clock is ahead.
    pub(crate) ahead: Duration,
    /// How often it has crashed.
    pub(crate) epoch: u32,
    pub(crate) asked: BTreeMap<ClientId, (Method, Duration)>,
    pub(crate) finished: BTreeSet<(ClientId, Option<DialogId>)>,
    /// Our 2xx without their ACK: the INVITE, and when the outcome is due.
    pub(crate) accepted: BTreeMap<DialogId, (ServerId, Duration)>,
    pub(crate) dialogs: BTreeSet<DialogId>,
    pub(crate) subscriptions: BTreeSet<SubscriptionId>,
    /// Our BYEs: one that had to wait for an ACK is the outcome of that wait too.
    pub(crate) byes: BTreeMap<ClientId, DialogId>,
    pub(crate) dispatch: Dispatch,
    /// Requests that wait for the address of a name.
    pub(crate) looked_up: BTreeMap<DispatchId, Asks>,
    /// The latest attempt of those that were found.
    pub(crate) journeys: BTreeMap<DispatchId, (ClientId, Method)>,
    /// The INVITEs that are about to be sent: outside dialogs in their order, and in dialogs by Call-ID
    /// and CSeq.
    pub(crate) calling: VecDeque<ClientId>,
    pub(crate) renewing: HashMap<(String, u32), ClientId>,
    /// The branches of all that were.
    pub(crate) called: HashSet<String>,
    /// Those that were, by branch, and until when a 2xx may be repeated.
    pub(crate) invites: HashMap<String, (ClientId, Option<Duration>)>,
}

fn endpoint(seed: u64) -> Endpoint {
    let mut config = Config::default();
    extended(&["100rel", "timer", "replaces", "norefersub"])(&mut config);
    config.session_timer.interval = 90;
    Endpoint::new(config, Box::new(ChaCha8Rng::seed_from_u64(seed)))
}

impl Agent {
    pub(crate) fn new(seed: u64, epoch: u32) -> Self {
        Self {
            endpoint: endpoint(seed * 100 + u64::from(epoch)),
            ahead: Duration::ZERO,
            epoch,
            asked: BTreeMap::new(),
            finished: BTreeSet::new(),
            accepted: BTreeMap::new(),
            dialogs: BTreeSet::new(),
            subscriptions: BTreeSet::new(),
            byes: BTreeMap::new(),
            dispatch: names::dispatch(seed * 100 + u64::from(epoch)),
            looked_up: BTreeMap::new(),
            journeys: BTreeMap::new(),
            calling: VecDeque::new(),
            renewing: HashMap::new(),
            called: HashSet::new(),
            invites: HashMap::new(),
        }
    }
}

pub(crate) fn address(agent: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, agent as u8 + 1], 5060))
}

pub(crate) fn agent_at(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else { return None };
    let last = usize::from(address.ip().octets()[3]);
    (address.ip().octets()[..3] == [192, 0, 2] && (1..=AGENTS).contains(&last)).then(|| last - 1)
}

pub(crate) fn request(method: Method, from: usize, to: usize, transport: Transport) -> Request {
    let uri = |agent| -> Uri {
        let secure = transport == Transport::Tls;
        let scheme = if secure { "sips" } else { "sip" };
        let host = match method {
            Method::Subscribe => address(agent).to_string(),
            _ => names::name(agent),
        };
        let param = if transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("{scheme}:{agent}@{host}{param}").parse().unwrap()
    };
    let mut request = Request::new(method.clone(), uri(to));
    request.headers.push(From(NameAddr::new(uri(from))));
    request
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: Duration::ZERO,
            random: ChaCha8Rng::seed_from_u64(seed),
            faults,
            agents: (0..AGENTS).map(|n| Agent::new(seed * 10 + n as u64, 0)).collect(),
            queue: BinaryHeap::new(),
            order: 0,
            trace: DefaultHasher::new(),
            parted: Duration::ZERO,
            exhausted: Duration::ZERO,
            connections: BTreeMap::new(),
            sent: HashMap::new(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.random.next_u32() % limit
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn later(&mut self, limit: u32) -> Duration {
        ms(u64::from(self.below(limit)))
    }

    pub(crate) fn plan(&mut self, delay: Duration, what: What) {
        self.order += 1;
        self.queue.push(Due { at: self.now + delay, order: self.order, what });
    }

    pub(crate) fn intend(&mut self, agent: usize, delay: Duration, plan: Plan) {
        let epoch = self.agents[agent].epoch;
        self.plan(delay, What::Do(agent, epoch, plan));
    }

    pub(crate) fn clock(&self, agent: usize) -> Duration {
        self.now + self.agents[agent].ahead
    }

    /// Runs until nothing is planned and no endpoint waits for anything.
    pub(crate) fn run(&mut self) {
        loop {
            let planned = self.queue.peek().map(|due| due.at);
            let timers = self.agents.iter().filter_map(|agent| {
                let resolver = agent.dispatch.resolver.poll_timeout();
                let next = [agent.endpoint.poll_timeout(), resolver].into_iter().flatten().min();
                Some(next?.saturating_sub(agent.ahead))
            });
            let timer = timers.min();
            let Some(next) = [planned, timer].into_iter().flatten().min() else { break };
            self.now = self.now.max(next);
            assert!(self.now < END * 20, "nobody comes to rest");
            if planned.is_some_and(|at| timer.is_none_or(|timer| at <= timer)) {
                if let Some(due) = self.queue.pop() {
                    self.happen(due.what);
                }
            } else {
                for agent in 0..AGENTS {
                    let clock = self.clock(agent);
                    self.agents[agent].endpoint.handle_timeout(clock);
                    self.agents[agent].dispatch.resolver.handle_timeout(clock);
                    self.attend(agent);
                }
            }
        }
    }

    pub(crate) fn happen(&mut self, what: What) {
        match what {
            What::Arrive { to, flow, bytes, whole } => {
                let needs_ack = whole && self.knows_2xx(to, &bytes);
                let clock = self.clock(to);
                let input = Input::Received { flow, message: bytes };
                self.agents[to].endpoint.handle_input(clock, input);
                let sent = self.attend(to);
                assert!(!needs_ack || sent.iter().any(|name| name == "ACK"), "a 2xx without ACK");
            }
            // Users come back after a crash, and call all the same.
            What::Do(agent, epoch, plan)
                if epoch == self.agents[agent].epoch
                    || matches!(plan, Plan::Call(..) | Plan::Ask(..) | Plan::Watch(_)) =>
            {
                self.act(agent, plan);
                self.attend(agent);
            }
            What::Do(..) => {}
            What::Resolve(agent, epoch, question, answer) => {
                if epoch == self.agents[agent].epoch {
                    let clock = self.clock(agent);
                    self.agents[agent].dispatch.resolver.handle_answer(clock, &question, answer);
                    self.attend(agent);
                }
            }
            What::Fail { who, flow } => {
                let clock = self.clock(who);
                self.agents[who].endpoint.handle_input(clock, Input::FlowFailed { flow });
                self.attend(who);
            }
            What::Trouble => self.trouble(),
            What::Leave => self.leave(),
        }
    }
}

/// Five minutes of calls; the digest of all that was sent, and what has happened.
pub(crate) fn simulate(seed: u64, faults: Faults) -> (u64, Counts) {
    let mut world = World::new(seed, faults);
    for _ in 0..10 {
        let (from, step) = (world.below(AGENTS as u32) as usize, world.below(AGENTS as u32 - 1));
        let to = (from + 1 + step as usize) % AGENTS;
        let at = world.later(250_000);
        let transport = [Transport::Udp, Transport::Udp, Transport::Tcp, Transport::Tls];
        let transport = transport[world.below(4) as usize];
        let plan = match world.below(10) {
            0 => Plan::Ask(to, transport),
            1 => Plan::Watch(to),
            _ => Plan::Call(to, transport),
        };
        world.plan(at, What::Do(from, 0, plan));
    }
    world.plan(secs(10), What::Trouble);
    world.plan(END, What::Leave);
    world.run();
    for (n, agent) in world.agents.iter().enumerate() {
        assert!(agent.looked_up.is_empty(), "seed {seed}, {n}: {:?}", agent.looked_up);
        assert!(agent.asked.is_empty(), "seed {seed}, {n}: {:?}", agent.asked);
        assert!(agent.accepted.is_empty(), "seed {seed}, {n}: {:?}", agent.accepted);
        assert!(agent.endpoint.is_idle(), "seed {seed}, {n}: {:?}", agent.endpoint);
    }
    (world.trace.finish(), world.counts)
}

pub(crate) fn simulate_all(seeds: core::ops::Range<u64>, faults: Faults) -> Counts {
    let mut total = Counts::default();
    for seed in seeds {
        sum(&mut total, &simulate(seed, faults).1);
    }
    total
}
