//! The exchange: call control of one tenant as one sans-IO machine.
//!
//! Everything that two calls must agree on (who is busy, which leg belongs to whom, what a feature
//! does) is decided here, by one owner, without locks. It talks to four neighbours through queues:
//! SIP (in [`Input::Sip`], out [`Exchange::poll_transmit`]), the media machine
//! ([`Input::Media`], [`Exchange::poll_media`]), the store ([`Exchange::poll_store`]) and the
//! program around it ([`Input::Command`], [`Exchange::poll_event`]).
//!
//! The files of this folder follow a call: `admission` lets it in, `routing` finds whom to ring,
//! `signalling` moves its legs, `modification` passes hold through, `transfer` leads a party elsewhere,
//! `media` lets them hear each other, `ending` says goodbye and writes the record.

mod admission;
mod attended;
mod command;
mod destination;
mod ending;
mod event;
mod info;
mod keeping;
mod media;
mod modification;
mod reach;
mod registration;
mod renewal;
mod routing;
mod settings;
mod signalling;
mod transfer;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::Transmit;
use sip_core::auth::server::Authenticator;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{self, ClientId, Endpoint, ServerId, Stateless};
use sip_core::registrar::Registrar;

pub use command::Command;
pub use event::Event;
pub use reach::MediaNetworks;
pub use settings::Settings;

use keeping::Keeping;
use transfer::Referral;

use crate::call::{Call, CallId, Hearing, Leg, LegId};
use crate::directory::Directory;
use crate::feature::Feature;
use crate::front::Proof;
use crate::media::{self as media_machine, Port, PortId, PortPool};
use crate::record::EndedBy;
use crate::store::{StoredBinding, Write};

/// What happened outside the exchange.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// News from the SIP transports.
    Sip(endpoint::Input),
    /// News from the media machine.
    Media(media_machine::Event),
    /// The driver has bound a further media port.
    Port(Port),
    /// The wall clock was found to differ from what the exchange assumed.
    Clock(Timestamp),
    /// A registration that a store kept over a restart.
    Restore(StoredBinding),
    /// Somebody asks for something.
    Command(Command),
}

/// Call control of one tenant.
pub struct Exchange {
    settings: Settings,
    directory: Directory,
    endpoint: Endpoint,
    /// Challenges whoever has not shown who it is.
    stateless: Stateless,
    authenticator: Authenticator,
    registrar: Registrar,
    keeping: Keeping,
    ports: PortPool,
    // Boxed: a tree keeps its nodes half empty.
    calls: BTreeMap<CallId, Box<Call>>,
    legs: BTreeMap<LegId, Box<Leg>>,
    by_client: HashMap<ClientId, (LegId, Purpose)>,
    by_server: HashMap<ServerId, LegId>,
    by_dialog: HashMap<DialogId, LegId>,
    by_port: HashMap<PortId, LegId>,
    /// Transfers whose outcome is open, by the call that the transferee is in meanwhile.
    referrals: BTreeMap<CallId, Referral>,
    timers: BTreeSet<(Duration, Timer)>,
    next_call: u64,
    next_leg: u64,
    /// Wall-clock time at `now` zero.
    epoch: Timestamp,
    random: ChaCha20Rng,
    stopping: bool,
    media: VecDeque<media_machine::Command>,
    events: VecDeque<Event>,
    for_features: VecDeque<Event>,
    store: VecDeque<Write>,
    proofs: VecDeque<Proof>,
}

/// By then a challenge was answered (RFC 3261, 64*T1), or is not any more.
const ANSWERED: Duration = Duration::from_secs(32);

/// Why we sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Invite,
    Modify,
    Renew,
    Bye,
}

/// What is to be done at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Nobody has answered.
    Ring(CallId),
    /// A feature wants to be woken.
    Feature(CallId),
    /// A re-INVITE of ours was never finally answered.
    Guard(LegId),
    /// A leg whose partner has changed can be told of it again.
    Renew(LegId),
    /// A transferor has had its time to hang up.
    Part(LegId),
}

impl Exchange {
    /// An exchange at `now` zero, which is `epoch` on the wall clock.
    ///
    /// `seed` feeds every tag, branch, Call-ID and nonce: from the operating system's generator in
    /// production, a constant in tests. `first_call` is one more than the highest call number that
    /// the store has seen.
    pub fn new(
        settings: Settings,
        directory: Directory,
        epoch: Timestamp,
        first_call: u64,
        seed: [u8; 32],
    ) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut fork = || {
            let mut seed = [0; 32];
            random.fill_bytes(&mut seed);
            seed
        };
        let endpoint = Endpoint::new(settings.endpoint(), Box::new(ChaCha20Rng::from_seed(fork())));
        let authenticator =
            Authenticator::new(settings.realm.clone(), fork(), settings.authentication.clone());
        let registrar = Registrar::new(settings.registrar.clone());
        // Of a stream of its own, since all else goes on as before without it.
        let mut strangers = ChaCha20Rng::from_seed(seed);
        strangers.set_stream(1);
        Self {
            endpoint,
            stateless: Stateless::new(&mut strangers),
            authenticator,
            registrar,
            keeping: Keeping::default(),
            directory,
            settings,
            ports: PortPool::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            by_client: HashMap::new(),
            by_server: HashMap::new(),
            by_dialog: HashMap::new(),
            by_port: HashMap::new(),
            referrals: BTreeMap::new(),
            timers: BTreeSet::new(),
            next_call: first_call,
            next_leg: 0,
            epoch,
            random,
            stopping: false,
            media: VecDeque::new(),
            events: VecDeque::new(),
            for_features: VecDeque::new(),
            store: VecDeque::new(),
            proofs: VecDeque::new(),
        }
    }

    /// Something happened.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Sip(endpoint::Input::Received { flow, message })
                if self.challenge_at_sight(now, &flow, &message) =>
            {
                return;
            }
            Input::Sip(input) => {
                if let endpoint::Input::FlowFailed { flow } = &input {
                    self.registrar.flow_failed(flow);
                }
                self.endpoint.handle_input(now, input);
            }
            Input::Media(event) => self.on_media(now, event),
            Input::Port(port) => self.ports.add(port),
            Input::Clock(time) => {
                self.epoch = time
                    .checked_sub(jiff::SignedDuration::try_from(now).unwrap_or_default())
                    .unwrap_or(time);
            }
            Input::Restore(binding) => self.restore(now, &binding),
            Input::Command(command) => self.carry_out(now, command),
        }
        self.react(now);
    }

    /// The instant of [`Exchange::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.registrar.handle_timeout(now);
        self.keep_refreshed(now);
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            self.on_timer(now, timer);
        }
        self.react(now);
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.endpoint.poll_transmit()
    }

    /// The next instruction for the media machine.
    pub fn poll_media(&mut self) -> Option<media_machine::Command> {
        self.media.pop_front()
    }

    /// The next thing to keep.
    pub fn poll_store(&mut self) -> Option<Write> {
        self.store.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next thing found out about the sender of a request, for a [`Front`](crate::front::Front).
    pub fn poll_proof(&mut self) -> Option<Proof> {
        self.proofs.pop_front()
    }

    /// When to call [`Exchange::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let registrar = self.registrar.poll_timeout();
        [timer, self.endpoint.poll_timeout(), registrar, self.keeping.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// A call that has not ended yet.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id).map(|call| &**call)
    }

    /// Calls under way.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Sizes of every table, which are all zero after rest: a leak would show here.
    pub fn occupancy(&self) -> Occupancy {
        Occupancy {
            calls: self.calls.len(),
            legs: self.legs.len(),
            names: self.by_client.len()
                + self.by_server.len()
                + self.by_dialog.len()
                + self.by_port.len(),
            timers: self.timers.len(),
            referrals: self.referrals.len(),
            subscriptions: self.endpoint.subscriptions(),
            transactions: self.endpoint.transactions(),
            dialogs: self.endpoint.dialogs(),
            ports_leased: self.ports.leased(),
        }
    }

    /// Lets go of ports when more than `keep` are free. The driver closes them, and may give their numbers to others
    /// afterwards.
    pub fn release_ports(&mut self, keep: usize) -> Vec<Port> {
        self.ports.release(keep)
    }

    /// Gives back the room that tables have needed in a busier time. Takes time for each entry that there
    /// was room for: to be called when there is little to do. Nonces that are still used after half a minute become
    /// stale.
    pub fn shrink(&mut self, now: Duration) {
        self.endpoint.shrink();
        self.registrar.shrink();
        self.authenticator.forget(now, ANSWERED);
        self.keeping.shrink();
        self.ports.shrink();
        // A tree that was in use once keeps a node when it is empty.
        if self.calls.is_empty() {
            self.calls = BTreeMap::new();
        }
        if self.legs.is_empty() {
            self.legs = BTreeMap::new();
        }
        if self.timers.is_empty() {
            self.timers = BTreeSet::new();
        }
        self.by_client.shrink_to_fit();
        self.by_server.shrink_to_fit();
        self.by_dialog.shrink_to_fit();
        self.by_port.shrink_to_fit();
        self.media.shrink_to_fit();
        self.events.shrink_to_fit();
        self.for_features.shrink_to_fit();
        self.store.shrink_to_fit();
        self.proofs.shrink_to_fit();
    }

    /// Moves what stays, the registrations, to other memory, so that it can lie together: to be called after
    /// [`shrink`](Self::shrink) when nothing goes on.
    pub fn compact(&mut self) {
        self.registrar.compact();
        self.keeping.rename(self.registrar.all());
    }

    /// What the SIP endpoint has counted.
    pub fn statistics(&self) -> endpoint::Statistics {
        self.endpoint.statistics()
    }

    /// Ports that can be leased now; the driver binds more when they run low.
    pub fn ports_available(&self) -> usize {
        self.ports.available()
    }

    /// Wall-clock time at `now`.
    fn wall_clock(&self, now: Duration) -> Timestamp {
        jiff::SignedDuration::try_from(now)
            .ok()
            .and_then(|since| self.epoch.checked_add(since).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Handles what the last input has set off, until nothing is left.
    fn react(&mut self, now: Duration) {
        loop {
            while let Some(event) = self.endpoint.poll_event() {
                self.on_endpoint(now, event);
            }
            match self.for_features.pop_front() {
                Some(event) => self.tell_feature(now, &event),
                None => break,
            }
        }
        self.keep_registrations(now);
        if self.stopping && self.calls.is_empty() && self.legs.is_empty() {
            self.stopping = false;
            self.settings.accepts_calls = false;
            self.events.push_back(Event::Stopped);
        }
    }

    fn emit(&mut self, event: Event) {
        let conducted = event
            .call()
            .and_then(|call| self.calls.get(&call))
            .is_some_and(|call| call.feature.is_some());
        if conducted {
            self.for_features.push_back(event.clone());
        }
        self.events.push_back(event);
    }

    fn tell_feature(&mut self, now: Duration, event: &Event) {
        let Some(id) = event.call() else { return };
        self.conduct(now, id, |feature, commands| feature.handle_event(now, event, commands));
    }

    /// Lets a call's feature act, carries out what it wants, and notes when it wants to be woken.
    fn conduct(
        &mut self,
        now: Duration,
        id: CallId,
        act: impl FnOnce(&mut dyn Feature, &mut Vec<Command>),
    ) {
        let Some(feature) = self.calls.get_mut(&id).and_then(|call| call.feature.as_mut()) else {
            return;
        };
        let mut commands = Vec::new();
        act(feature.as_mut(), &mut commands);
        if let Some(at) = feature.poll_timeout() {
            self.timers.insert((at, Timer::Feature(id)));
        }
        for command in commands {
            self.carry_out(now, command);
        }
    }

    fn on_timer(&mut self, now: Duration, timer: Timer) {
        match timer {
            Timer::Ring(id) => self.on_no_answer(now, id),
            Timer::Feature(id) => {
                let due = self
                    .calls
                    .get(&id)
                    .and_then(|call| call.feature.as_ref()?.poll_timeout())
                    .is_some_and(|at| at <= now);
                if due {
                    self.conduct(now, id, |feature, commands| {
                        feature.handle_timeout(now, commands);
                    });
                }
            }
            Timer::Guard(id) => self.on_guard(now, id),
            Timer::Renew(id) => self.renew(now, id),
            Timer::Part(id) => self.on_parting(now, id),
        }
    }

    fn carry_out(&mut self, now: Duration, command: Command) {
        match command {
            Command::Answer { call } => self.answer_caller(now, call, None),
            Command::Play { call, audio } => {
                self.let_caller_hear(call, Hearing::Audio(audio));
            }
            Command::Quiet { call } => {
                self.let_caller_hear(call, Hearing::Nothing);
            }
            Command::Echo { call } => self.let_caller_hear(call, Hearing::Echo),
            Command::Dial { call, number } => self.dial(now, call, &number),
            Command::HangUp { call, cause } => {
                self.end(now, call, cause, EndedBy::Exchange, cause.status());
            }
            Command::Stop => self.stop(now),
        }
    }

    fn leg_id(&mut self) -> LegId {
        self.next_leg += 1;
        LegId(self.next_leg)
    }

    fn call_id(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        id
    }

    fn set_timer(&mut self, at: Duration, timer: Timer) {
        self.timers.insert((at, timer));
    }

    fn clear_timer(&mut self, at: Option<Duration>, timer: Timer) {
        if let Some(at) = at {
            self.timers.remove(&(at, timer));
        }
    }

    /// Unique with the address, as `o=` of SDP wants it.
    fn session_id(&mut self) -> u64 {
        self.random.next_u64()
    }
}

/// Sizes of an exchange's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Calls whose record is not written yet.
    pub calls: usize,
    /// Legs whose signalling or media is not finished yet.
    pub legs: usize,
    /// Entries that lead from transactions, dialogs and ports to legs.
    pub names: usize,
    /// Timers of call control.
    pub timers: usize,
    /// Transfers whose outcome is open.
    pub referrals: usize,
    /// Subscriptions, which REFER makes.
    pub subscriptions: usize,
    /// SIP transactions.
    pub transactions: usize,
    /// SIP dialogs.
    pub dialogs: usize,
    /// Media ports in use.
    pub ports_leased: usize,
}
