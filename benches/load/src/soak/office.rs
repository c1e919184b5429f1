//! All calls and registrations of a soak, on one endpoint: what [`acts`] do, what [`events`] come of it, and when a
//! call is over.

mod acts;
mod events;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sip_core::DialogId;
use sip_core::endpoint::{ClientId, SubscriptionId};

use super::leg::Leg;
use super::registrations::Registrations;
use super::scene::{Scene, pairs};
use super::script::{Act, Kind, Role, script};
use super::{Options, PATIENCE};
use crate::agent::Agent;
use crate::latency::Latency;
use crate::media::Media;
use crate::registrant::Account;

/// All calls and registrations of a soak.
pub(crate) struct Office {
    pub(crate) agent: Agent,
    pub(crate) registrations: Registrations,
    pub(crate) media: Media,
    pub(crate) tally: Tally,
    pub(crate) setup: Latency,
    accounts: Vec<Account>,
    hold: Duration,
    ports: VecDeque<u16>,
    random: ChaCha20Rng,
    /// What calls are like is decided apart, so that it does not depend on when something happens.
    plans: ChaCha20Rng,
    scenes: HashMap<u64, Scene>,
    next: u64,
    by_client: HashMap<ClientId, (u64, Role, Why)>,
    by_dialog: HashMap<DialogId, (u64, Role)>,
    by_subscription: HashMap<SubscriptionId, u64>,
    /// Who is to be called, by the numbers of caller and called.
    expected: HashMap<(String, String), (u64, Role)>,
    timers: BinaryHeap<Reverse<(Duration, u64)>>,
    requests: u64,
}

/// What has become of it all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Calls begun and calls that went as they should, by kind.
    pub(crate) calls: [(u64, u64); 4],
    /// Holds and resumptions.
    pub(crate) changes: u64,
    pub(crate) transfers: u64,
    /// Calls that were refused for the moment with 503, and made again.
    pub(crate) put_off: u64,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) most_at_once: usize,
}

/// What a request of ours is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Call,
    Change,
    Bye,
}

impl Office {
    pub(crate) fn new(
        agent: Agent,
        accounts: Vec<Account>,
        media: Media,
        ports: Vec<u16>,
        options: &Options,
    ) -> Self {
        let every = Duration::from_secs_f64(options.register);
        Self {
            registrations: Registrations::new(accounts.clone(), every, options.seed),
            agent,
            media,
            tally: Tally::default(),
            setup: Latency::new(),
            accounts,
            hold: Duration::from_secs_f64(options.hold),
            ports: ports.into(),
            random: ChaCha20Rng::seed_from_u64(options.seed),
            plans: ChaCha20Rng::seed_from_u64(!options.seed),
            scenes: HashMap::new(),
            next: 0,
            by_client: HashMap::new(),
            by_dialog: HashMap::new(),
            by_subscription: HashMap::new(),
            expected: HashMap::new(),
            timers: BinaryHeap::new(),
            requests: 0,
        }
    }

    /// Calls under way.
    pub(crate) fn calls(&self) -> usize {
        self.scenes.len()
    }

    /// Requests that had to be sent again, or were lost on their way.
    pub(crate) fn retransmissions(&self) -> u64 {
        self.agent.requests_sent.saturating_sub(self.requests + self.registrations.requests)
    }

    /// When something is to be done.
    pub(crate) fn due(&self) -> Option<Duration> {
        let timer = self.timers.peek().map(|next| next.0.0);
        let due = [timer, self.registrations.due(), self.agent.endpoint.poll_timeout()];
        due.into_iter().flatten().min()
    }

    pub(crate) fn work(&mut self, now: Duration) {
        self.agent.receive(now);
        while let Some(event) = self.agent.event() {
            self.take(now, event);
        }
        while let Some(Reverse((at, id))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            self.wake(now, id);
        }
        self.registrations.work(now, &mut self.agent);
        self.agent.send();
    }

    /// Begins a call.
    pub(crate) fn call(&mut self, now: Duration) {
        let kind = Kind::of(self.plans.next_u32());
        let chance = self.plans.next_u32();
        let Some(users) = self.free_users(kind) else {
            return self.note("no pair of telephones was free");
        };
        let id = self.next;
        self.next += 1;
        for (pair, role) in pairs(kind, &users) {
            self.expected.insert(pair, (id, role));
        }
        let deadline = now + self.hold + PATIENCE;
        let mut script = script(kind, self.hold, chance);
        let act = script.pop_front().unwrap_or(Act::Call);
        let scene = Scene {
            kind,
            users,
            begun: now,
            script,
            act,
            legs: [const { None }; 4],
            wakes: None,
            deadline,
            tries: 0,
            transferred: false,
            heard: [0; 2],
        };
        self.scenes.insert(id, scene);
        self.tally.calls[kind as usize].0 += 1;
        self.tally.most_at_once = self.tally.most_at_once.max(self.scenes.len());
        self.timers.push(Reverse((deadline, id)));
        self.perform(now, id);
    }

    /// Three users whose calls to each other cannot be taken for others'.
    fn free_users(&mut self, kind: Kind) -> Option<[String; 3]> {
        let count = self.accounts.len() as u32;
        for _ in 0..200 {
            let draw = [(); 3].map(|()| self.random.next_u32() % count);
            if draw[0] == draw[1] || draw[1] == draw[2] || draw[0] == draw[2] {
                continue;
            }
            let users = draw.map(|n| self.accounts[n as usize].user.clone());
            if pairs(kind, &users).iter().all(|(pair, _)| !self.expected.contains_key(pair)) {
                return Some(users);
            }
        }
        None
    }

    fn note(&mut self, failure: impl Into<String>) {
        *self.tally.failures.entry(failure.into()).or_default() += 1;
    }

    /// The act under way is over: the next one.
    fn proceed(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        scene.wakes = None;
        scene.tries = 0;
        if let Some(act) = scene.script.pop_front() {
            scene.act = act;
            self.perform(now, id);
        }
    }

    fn wake(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get(&id) else { return };
        if now >= scene.deadline {
            let act = format!("{:?}", scene.act);
            let act = act.split(['(', ' ']).next().unwrap_or_default();
            let failure = format!("a call {} was not over in time: {act}", scene.name());
            return self.fail(now, id, failure);
        }
        if scene.wakes.is_none_or(|at| at > now) {
            return;
        }
        match scene.act {
            Act::Wait(_) => self.proceed(now, id),
            _ => self.perform(now, id),
        }
    }

    /// One party is out of the call.
    fn leave(&mut self, id: u64, role: Role) {
        let leg = self.scenes.get_mut(&id).and_then(|scene| scene.legs[role as usize].take());
        if let Some(leg) = leg {
            self.release(leg);
        }
        self.end_if_over(id);
    }

    fn release(&mut self, leg: Leg) -> Option<DialogId> {
        self.media.be_silent(leg.port);
        self.ports.push_back(leg.port);
        if let Some(dialog) = leg.dialog {
            self.by_dialog.remove(&dialog);
        }
        leg.dialog
    }

    fn end_if_over(&mut self, id: u64) {
        let over = self.scenes.get(&id).is_some_and(|scene| {
            matches!(scene.act, Act::HangUp(_)) && scene.legs.iter().all(Option::is_none)
        });
        if over && let Some(scene) = self.scenes.remove(&id) {
            self.forget_pairs(id, &scene);
            self.tally.calls[scene.kind as usize].1 += 1;
        }
    }

    fn forget_pairs(&mut self, id: u64, scene: &Scene) {
        for (pair, _) in pairs(scene.kind, &scene.users) {
            if self.expected.get(&pair).is_some_and(|(expects, _)| *expects == id) {
                self.expected.remove(&pair);
            }
        }
    }

    /// A call has failed: it is counted, and everybody hangs up.
    fn fail(&mut self, now: Duration, id: u64, failure: impl Into<String>) {
        let Some(mut scene) = self.scenes.remove(&id) else { return };
        self.note(failure);
        self.forget_pairs(id, &scene);
        for role in Role::ALL {
            let dialog = scene.legs[role as usize].take().and_then(|leg| self.release(leg));
            if let Some(dialog) = dialog {
                self.say_bye(now, dialog);
            }
        }
    }
}
