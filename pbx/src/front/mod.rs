//! The front of an exchange: what is decided about a message before call control takes it up.
//!
//! ```text
//!   message --> banned? limited? --> queues by class --> too late? --> Exchange
//!                 |        |           (urgent first)        |
//!               dropped   503                               503, Retry-After
//! ```
//!
//! Under load it is here that time is won: a call that cannot be served well is refused by a few lines
//! made from the message where it lies, before it is copied, authenticated or looked into; what
//! belongs to calls that were let in, and calls for help, go first. [`overload`] says when.
//!
//! Against attackers it keeps count of what each source asks for ([`Rate`]), and who guesses passwords
//! or calls itself a scanner is not listened to for a time ([`Ban`]). Every table is bounded.
//!
//! A [`Front`] is a machine without sockets or clock, as the exchange is: a driver gives it what
//! arrives with the time it arrived, and takes from it what the exchange shall handle now.

mod ban;
mod class;
mod counts;
mod generations;
mod head;
mod network;
pub mod overload;
mod queues;
mod refusals;
mod repeats;
mod settings;
mod source;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sip_core::endpoint::{Input, Stateless};
use sip_core::{Flow, Limits, Transmit};

pub use ban::{Ban, Reason};
pub use class::Class;
pub(crate) use class::is_emergency;
pub use counts::Counts;
pub use network::{Network, NetworkError};
pub use settings::{BanSettings, Settings};
pub use source::Rate;

use ban::Bans;
use class::{Kind, is_scanner};
use generations::Generations;
use head::Head;
use overload::Overload;
use queues::{Queues, Waiting};
use refusals::Refusals;
use repeats::Repeats;
use source::Source;

/// How often bans that have run out are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// Events that wait for a driver; further ones are not made.
const UNTOLD: usize = 8_192;
/// For so long after a refusal its ACK may come.
const ACKS: Duration = Duration::from_secs(32);

/// What a front has to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A source is not listened to from now on.
    Banned(Ban),
    /// A source is listened to again.
    Lifted(Ban),
    /// There is more to do than can be done: new calls are being refused.
    Overloaded,
    /// That is over.
    KeepsUp,
}

/// What an exchange has found out about the sender of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Where the request came from.
    pub source: SocketAddr,
    /// Whether it has proved who it is; otherwise it has tried and failed.
    pub proved: bool,
}

/// The front of an exchange. See the [module](self).
pub struct Front {
    settings: Settings,
    limits: Limits,
    stateless: Stateless,
    random: ChaCha20Rng,
    queues: Queues,
    /// One a class: each has its own share of the turns.
    overload: [Overload; 4],
    /// Whether [`Event::Overloaded`] was told.
    told_overloaded: bool,
    sources: Generations<IpAddr, Source>,
    known: Generations<SocketAddr, Duration>,
    bans: Bans,
    sweep: Option<Duration>,
    last_refusal: Option<Duration>,
    refusals: Refusals,
    repeats: Repeats,
    events: VecDeque<Event>,
    counts: Counts,
}

/// How a sender stands with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Configured: neither limited nor banned.
    Peer,
    /// In a trusted network: neither limited nor banned.
    Trusted,
    /// Has proved who it is.
    Known,
    Stranger,
}

impl Front {
    /// A front at rest. `limits` are those of the messages that the exchange takes; `seed` spreads
    /// the times at which the refused may come back.
    pub fn new(settings: Settings, limits: Limits, seed: [u8; 32]) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        Self {
            stateless: Stateless::new(&mut random),
            random,
            limits,
            queues: Queues::new(settings.waiting, settings.waiting_bytes),
            overload: std::array::from_fn(|_| Overload::new(settings.overload)),
            told_overloaded: false,
            sources: Generations::new(settings.sources),
            known: Generations::new(settings.known),
            bans: Bans::new(settings.bans.most),
            sweep: None,
            last_refusal: None,
            refusals: Refusals::default(),
            repeats: Repeats::default(),
            events: VecDeque::new(),
            counts: Counts::default(),
            settings,
        }
    }

    /// A message has arrived. It is copied only if it is to wait for its turn.
    pub fn handle_message(&mut self, now: Duration, flow: Flow, message: &[u8]) {
        self.counts.received += 1;
        let standing = self.standing(now, flow.remote);
        if standing == Standing::Stranger && self.is_banned(now, flow.remote.ip()) {
            self.counts.banned += 1;
            return;
        }
        if message.starts_with(b"ACK ")
            && self.awaits_acks(now)
            && self.stateless.knows_at_sight(message)
        {
            self.counts.acks += 1;
            return;
        }
        let (kind, head) = Kind::of(message, &self.limits, &self.settings.emergency);
        if let Some(head) = &head
            && kind.begins
            && standing != Standing::Peer
            && standing != Standing::Known
            && is_scanner(head, &self.settings.bans.scanners)
        {
            self.counts.banned += 1;
            if standing == Standing::Stranger {
                self.ban(now, flow.remote.ip(), Reason::Scanner);
            }
            return;
        }
        let mark = head.as_ref().filter(|_| kind.refusable && !flow.is_reliable());
        let mark = mark.map(|head| self.repeats.mark(flow.remote, head));
        let repeats = mark.is_some_and(|mark| self.repeats.knows(mark));
        if matches!(standing, Standing::Known | Standing::Stranger)
            && !self.has_room(now, flow.remote.ip(), standing, kind)
        {
            return self.limit(now, &flow, head.as_ref().filter(|_| !repeats));
        }
        if let Some(head) = &head
            && kind.refusable
            && !repeats
            && self.queues.len_of(kind.class) >= self.overload[kind.class as usize].room()
        {
            // It would be too late when its turn comes: that is known now, and costs less now.
            self.overload[kind.class as usize].refused();
            self.count_shed(kind.class);
            return self.refuse(now, kind.class, &flow, head);
        }
        let message = Bytes::copy_from_slice(message);
        let kind = Kind { refusable: kind.refusable && !repeats, ..kind };
        match self.queues.push(Waiting { since: now, kind, flow, message }) {
            None if repeats => {}
            None => mark.into_iter().for_each(|mark| self.repeats.note(now, mark)),
            Some(waiting) => {
                self.counts.overflowed += 1;
                if waiting.kind.begins && !repeats {
                    self.refuse_waiting(now, &waiting);
                }
            }
        }
    }

    /// What the exchange shall handle now; the first call after `now` has passed on is what the wait of a
    /// message is measured by.
    pub fn poll_input(&mut self, now: Duration) -> Option<Input> {
        let mut next = self.queues.pop();
        while let Some(waiting) = next {
            let class = waiting.kind.class;
            if waiting.kind.refusable {
                let wait = now.saturating_sub(waiting.since);
                let refuses = self.overload[class as usize].refuses(now, wait);
                self.tell_overload();
                if refuses {
                    self.count_shed(class);
                    self.refuse_waiting(now, &waiting);
                    // A refusal is no turn of its class.
                    next = self.queues.pop_of(class).or_else(|| self.queues.pop());
                    continue;
                }
            }
            self.counts.passed += 1;
            return Some(Input::Received { flow: waiting.flow, message: waiting.message });
        }
        self.overload.iter_mut().for_each(Overload::idle);
        None
    }

    /// The exchange has found out something about a sender.
    pub fn handle_proof(&mut self, now: Duration, proof: Proof) {
        let Proof { source, proved } = proof;
        if proved {
            let until = now + self.settings.known_for;
            *self.known.entry(source, || until) = until;
            return;
        }
        let BanSettings { failures, window, .. } = self.settings.bans;
        if self.standing(now, source) != Standing::Stranger || failures == 0 {
            return;
        }
        let entry = self.sources.entry(network::source(source.ip()), Source::default);
        if entry.fail(now, window) >= failures {
            self.ban(now, source.ip(), Reason::Failures);
        }
    }

    /// The instant of [`poll_timeout`](Self::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.sweep.is_some_and(|at| at <= now) {
            let over = self.bans.expire(now);
            over.into_iter().for_each(|ban| self.tell(Event::Lifted(ban)));
            self.sweep = self.bans.iter().next().map(|_| now + SWEEP);
        }
    }

    /// Listens to a source again at once. `false` when it was not banned.
    pub fn lift(&mut self, address: IpAddr) -> bool {
        let lifted = self.bans.lift(address);
        lifted.into_iter().for_each(|ban| self.tell(Event::Lifted(ban)));
        lifted.is_some()
    }

    /// A busy time is over: gives back what is not needed any more, and the room of tables.
    pub fn shrink(&mut self, now: Duration) {
        self.repeats.clear();
        self.queues.shrink();
        self.refusals.shrink();
        self.events.shrink_to_fit();
        let window = self.settings.bans.window;
        self.sources.retain(|source| !source.is_spent(now, window));
        self.sources.shrink();
        self.known.retain(|until| *until > now);
        self.known.shrink();
        self.bans.shrink();
    }

    /// The next refusal to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.refusals.pop()
    }

    /// Gives up to `most` refusals to send where they lie: the same as
    /// [`poll_transmit`](Self::poll_transmit) without a copy of each.
    pub fn take_refusals(&mut self, most: usize, taker: &mut dyn FnMut(&Flow, &[u8])) {
        self.refusals.take(most, taker);
    }

    /// Refusals that wait to be sent.
    pub fn refusals(&self) -> usize {
        self.refusals.len()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.sweep
    }

    /// Who is not listened to now.
    pub fn bans(&self) -> impl Iterator<Item = Ban> {
        self.bans.iter()
    }

    /// Messages that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.queues.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Whether new calls are being refused.
    pub fn is_overloaded(&self) -> bool {
        self.overload.iter().any(Overload::is_overloaded)
    }

    /// Sources and addresses remembered: bounded by the settings, whoever sends.
    pub fn remembered(&self) -> usize {
        self.sources.len() + self.known.len() + self.bans.iter().count()
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn standing(&self, now: Duration, remote: SocketAddr) -> Standing {
        let Settings { trusted, peers, .. } = &self.settings;
        if peers.contains(&remote) {
            return Standing::Peer;
        }
        if trusted.iter().any(|network| network.contains(remote.ip())) {
            return Standing::Trusted;
        }
        match self.known.get(&remote) {
            Some(until) if *until > now => Standing::Known,
            _ => Standing::Stranger,
        }
    }

    fn is_banned(&mut self, now: Duration, address: IpAddr) -> bool {
        let (banned, over) = self.bans.is_banned(now, address);
        over.into_iter().for_each(|ban| self.tell(Event::Lifted(ban)));
        banned
    }

    fn ban(&mut self, now: Duration, address: IpAddr, reason: Reason) {
        let until = now + self.settings.bans.lasts;
        let ban = Ban { source: network::source(address), reason, until };
        if self.bans.begin(ban) {
            self.counts.bans += 1;
            self.tell(Event::Banned(ban));
        }
        self.sweep.get_or_insert(now + SWEEP);
    }

    /// Whether a source may ask for one more.
    fn has_room(&mut self, now: Duration, from: IpAddr, standing: Standing, kind: Kind) -> bool {
        if standing == Standing::Known && !kind.begins {
            return true;
        }
        let Settings { requests, strangers, .. } = self.settings;
        let source = self.sources.entry(network::source(from), Source::default);
        if standing == Standing::Known {
            return source.requests.take(now, requests);
        }
        source.strangers.take(now, strangers)
            && (!kind.begins || source.strange_requests.take(now, requests))
    }

    fn limit(&mut self, now: Duration, flow: &Flow, head: Option<&Head<'_>>) {
        let rate = self.settings.refusals;
        let seconds = self.retry_after(3);
        let Self { refusals, stateless, sources, .. } = self;
        let source = sources.entry(network::source(flow.remote.ip()), Source::default);
        match head {
            Some(head)
                if source.refusals.take(now, rate)
                    && refusals.push(|out| head.refuse(stateless, flow, seconds, out)) =>
            {
                self.counts.limited += 1;
                self.last_refusal = Some(now);
            }
            _ => self.counts.limited_silently += 1,
        }
    }

    fn count_shed(&mut self, class: Class) {
        match class {
            Class::Registration => self.counts.registrations_shed += 1,
            Class::Call => self.counts.calls_shed += 1,
            _ => self.counts.others_shed += 1,
        }
    }

    fn refuse_waiting(&mut self, now: Duration, waiting: &Waiting) {
        if let Some(head) = Head::of(&waiting.message, &self.limits) {
            self.refuse(now, waiting.kind.class, &waiting.flow, &head);
        }
    }

    fn refuse(&mut self, now: Duration, class: Class, flow: &Flow, head: &Head<'_>) {
        let spread = if class == Class::Registration { 10 } else { 3 };
        let seconds = self.retry_after(spread);
        let Self { refusals, stateless, .. } = self;
        if refusals.push(|out| head.refuse(stateless, flow, seconds, out)) {
            self.last_refusal = Some(now);
        }
    }

    /// Seconds, from the least to `spread` times that.
    fn retry_after(&mut self, spread: u32) -> u32 {
        let least = u32::try_from(self.settings.retry_after.as_secs()).unwrap_or(u32::MAX).max(1);
        let more = least.saturating_mul(spread.saturating_sub(1)).saturating_add(1);
        least.saturating_add(self.random.next_u32() % more)
    }

    fn awaits_acks(&self, now: Duration) -> bool {
        self.last_refusal.is_some_and(|at| now <= at + ACKS)
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() < UNTOLD {
            self.events.push_back(event);
        }
    }

    fn tell_overload(&mut self) {
        let overloaded = self.is_overloaded();
        if overloaded == self.told_overloaded {
            return;
        }
        self.told_overloaded = overloaded;
        if overloaded {
            self.counts.overloads += 1;
        }
        self.tell(if overloaded { Event::Overloaded } else { Event::KeepsUp });
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front")
            .field("waiting", &self.waiting())
            .field("overloaded", &self.is_overloaded())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
