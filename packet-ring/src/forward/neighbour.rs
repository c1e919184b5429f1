//! Who on a link has which MAC address (RFC 826, RFC 1122 2.3.2, RFC 4861 7.3): a table that asks, waits
//! with the packets, and forgets.
//!
//! ```text
//!            first packet               answer                    reachable_time
//!   (none) ───────────────▶ Incomplete ─────────▶ Reachable ─────────────────────▶ Stale
//!                               │                    ▲  ▲                            │ packet
//!                 no answer     ▼             answer │  └────────── answer ────┐     ▼
//!                            Failed                Probe ◀──────────────────── Delay
//!                               │ hold_down          │ no answer      delay_time
//!                               ▼                    ▼
//!                            (none)               (none)
//! ```
//!
//! It knows no packets and no sockets: `P` is whatever waits, and the driver writes the frames with
//! [`Discovery`](super::discovery::Discovery).

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;
use core::net::IpAddr;
use core::time::Duration;

use super::MacAddress;

/// Limits and times of a [`NeighbourTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourConfig {
    /// The most neighbours known or asked for. Default 4096.
    pub capacity: usize,
    /// The most packets that wait for one address. Default 16; the oldest gives way (RFC 1122, 2.3.2.2).
    pub queue: usize,
    /// The most packets that wait altogether. Default 1024.
    pub queue_total: usize,
    /// How long an answer is good for. Default 30 s (RFC 4861, 10).
    pub reachable_time: Duration,
    /// How long a packet may wait to be confirmed before the neighbour is asked. Default 5 s.
    pub delay_time: Duration,
    /// Pause between questions. Default 1 s.
    pub retransmit: Duration,
    /// Questions before a neighbour is given up. Default 3.
    pub attempts: u8,
    /// How long a neighbour that did not answer is not asked again. Default 3 s.
    pub hold_down: Duration,
}

impl Default for NeighbourConfig {
    fn default() -> Self {
        Self {
            capacity: 4096,
            queue: 16,
            queue_total: 1024,
            reachable_time: Duration::from_secs(30),
            delay_time: Duration::from_secs(5),
            retransmit: Duration::from_secs(1),
            attempts: 3,
            hold_down: Duration::from_secs(3),
        }
    }
}

/// An address on an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbour {
    /// The interface, numbered by the user.
    pub interface: u16,
    /// The address.
    pub address: IpAddr,
}

/// What becomes of a packet for a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution<P> {
    /// Send it there.
    Known(MacAddress, P),
    /// It waits for the answer.
    Waits,
    /// The neighbour does not answer, or the table is full: the packet comes back.
    Refused(P),
}

/// A question to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Who is looked for, and where.
    pub neighbour: Neighbour,
    /// Its last known address, when the question is whether it is still there; else everybody is asked.
    pub to: Option<MacAddress>,
}

/// What became of packets that waited.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeighbourEvent<P> {
    /// The neighbour answered: send these, in this order.
    Resolved {
        /// Who.
        neighbour: Neighbour,
        /// Where.
        mac: MacAddress,
        /// What waited; empty when only the address changed.
        packets: Vec<P>,
    },
    /// It did not: these cannot be delivered.
    Unreachable {
        /// Who.
        neighbour: Neighbour,
        /// What waited.
        packets: Vec<P>,
    },
    /// A packet gave way to a later one.
    Overflowed(P),
}

/// Neighbours of all interfaces.
#[derive(Debug)]
pub struct NeighbourTable<P> {
    config: NeighbourConfig,
    entries: BTreeMap<Neighbour, Entry<P>>,
    timers: BTreeSet<(Duration, Neighbour)>,
    questions: VecDeque<Question>,
    events: VecDeque<NeighbourEvent<P>>,
    waiting: usize,
}

#[derive(Debug)]
struct Entry<P> {
    state: State<P>,
    /// When the state ends, as it stands in `timers`.
    until: Option<Duration>,
}

#[derive(Debug)]
enum State<P> {
    Incomplete {
        queue: VecDeque<P>,
        asked: u8,
    },
    Reachable(MacAddress),
    Stale(MacAddress),
    Delay(MacAddress),
    Probe {
        mac: MacAddress,
        asked: u8,
    },
    Failed,
    /// Set by hand; never asked.
    Permanent(MacAddress),
}

impl<P> NeighbourTable<P> {
    /// A table that knows nobody.
    pub fn new(config: NeighbourConfig) -> Self {
        Self {
            config,
            entries: BTreeMap::new(),
            timers: BTreeSet::new(),
            questions: VecDeque::new(),
            events: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Finds out where a packet for a neighbour goes, or keeps it until that is known.
    pub fn resolve(&mut self, now: Duration, neighbour: Neighbour, packet: P) -> Resolution<P> {
        let config = self.config;
        let Some(entry) = self.entries.get_mut(&neighbour) else {
            if !self.has_room() || self.waiting >= config.queue_total || config.queue == 0 {
                return Resolution::Refused(packet);
            }
            let queue = VecDeque::from([packet]);
            self.waiting += 1;
            self.enter(now, neighbour, State::Incomplete { queue, asked: 1 });
            self.questions.push_back(Question { neighbour, to: None });
            return Resolution::Waits;
        };
        match &mut entry.state {
            State::Reachable(mac)
            | State::Delay(mac)
            | State::Probe { mac, .. }
            | State::Permanent(mac) => Resolution::Known(*mac, packet),
            State::Stale(mac) => {
                let mac = *mac;
                self.enter(now, neighbour, State::Delay(mac));
                Resolution::Known(mac, packet)
            }
            State::Failed => Resolution::Refused(packet),
            State::Incomplete { queue, .. } => {
                if queue.len() >= config.queue || self.waiting >= config.queue_total {
                    // The latest is worth most (RFC 4861, 7.2.2).
                    let Some(oldest) = queue.pop_front() else {
                        return Resolution::Refused(packet);
                    };
                    self.events.push_back(NeighbourEvent::Overflowed(oldest));
                } else {
                    self.waiting += 1;
                }
                queue.push_back(packet);
                Resolution::Waits
            }
        }
    }

    /// The address of a neighbour, if known, without asking for it.
    pub fn peek(&self, neighbour: Neighbour) -> Option<MacAddress> {
        self.entries.get(&neighbour)?.state.mac()
    }

    /// Fixes a neighbour's address by hand. Returns whether there was room.
    pub fn set_permanent(&mut self, now: Duration, neighbour: Neighbour, mac: MacAddress) -> bool {
        if !self.entries.contains_key(&neighbour) && !self.has_room() {
            return false;
        }
        let before = self.enter(now, neighbour, State::Permanent(mac));
        self.deliver(neighbour, mac, before);
        true
    }

    /// A question from this neighbour came in: it is there, whether or not it hears us. `create` makes it
    /// known; give that for questions after an own address only, or strangers fill the table.
    pub fn heard(&mut self, now: Duration, neighbour: Neighbour, mac: MacAddress, create: bool) {
        match self.entries.get(&neighbour).map(|entry| &entry.state) {
            Some(State::Permanent(_)) => return,
            Some(state) if state.mac() == Some(mac) => return,
            Some(_) => {}
            None => {
                if !create || !self.has_room() {
                    return;
                }
            }
        }
        let before = self.enter(now, neighbour, State::Stale(mac));
        self.deliver(neighbour, mac, before);
    }

    /// An advertisement came in (RFC 4861, 7.2.5). Those that nobody waits for make no entry.
    pub fn advertised(
        &mut self,
        now: Duration,
        neighbour: Neighbour,
        mac: MacAddress,
        solicited: bool,
        overrides: bool,
    ) {
        let Some(entry) = self.entries.get(&neighbour) else { return };
        let next = if solicited { State::Reachable(mac) } else { State::Stale(mac) };
        match &entry.state {
            State::Permanent(_) => {}
            State::Incomplete { .. } | State::Failed => {
                let before = self.enter(now, neighbour, next);
                self.deliver(neighbour, mac, before);
            }
            known if known.mac() == Some(mac) && !solicited => {}
            known if known.mac() == Some(mac) => {
                self.enter(now, neighbour, next);
            }
            _ if overrides => {
                let before = self.enter(now, neighbour, next);
                self.deliver(neighbour, mac, before);
            }
            State::Reachable(known) => {
                // Somebody else says so, without authority: ask again before the next packets.
                let known = *known;
                self.enter(now, neighbour, State::Stale(known));
            }
            _ => {}
        }
    }

    /// Progress of a higher layer shows that the neighbour is reachable.
    pub fn confirm(&mut self, now: Duration, neighbour: Neighbour) {
        let Some(entry) = self.entries.get(&neighbour) else { return };
        if let State::Reachable(mac)
        | State::Stale(mac)
        | State::Delay(mac)
        | State::Probe { mac, .. } = entry.state
        {
            self.enter(now, neighbour, State::Reachable(mac));
        }
    }

    /// Forgets all neighbours of an interface, as when its link goes down; what waited is unreachable.
    pub fn forget_interface(&mut self, interface: u16) {
        let gone: Vec<_> =
            self.entries.keys().filter(|key| key.interface == interface).copied().collect();
        for neighbour in gone {
            self.drop_entry(neighbour);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(&(at, neighbour)) = self.timers.first() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&neighbour) else { continue };
            entry.until = None;
            let attempts = self.config.attempts;
            match &mut entry.state {
                State::Incomplete { asked, .. } if *asked < attempts => {
                    *asked += 1;
                    self.questions.push_back(Question { neighbour, to: None });
                    self.set_timer(neighbour, now + self.config.retransmit);
                }
                State::Incomplete { queue, .. } => {
                    let packets: Vec<P> = mem::take(queue).into();
                    self.waiting -= packets.len();
                    self.events.push_back(NeighbourEvent::Unreachable { neighbour, packets });
                    self.enter(now, neighbour, State::Failed);
                }
                State::Reachable(mac) => {
                    let mac = *mac;
                    self.enter(now, neighbour, State::Stale(mac));
                }
                State::Delay(mac) => {
                    let mac = *mac;
                    self.enter(now, neighbour, State::Probe { mac, asked: 1 });
                    self.questions.push_back(Question { neighbour, to: Some(mac) });
                }
                State::Probe { mac, asked } if *asked < attempts => {
                    *asked += 1;
                    let to = Some(*mac);
                    self.questions.push_back(Question { neighbour, to });
                    self.set_timer(neighbour, now + self.config.retransmit);
                }
                State::Probe { .. } | State::Failed => self.drop_entry(neighbour),
                State::Stale(_) | State::Permanent(_) => {}
            }
        }
    }

    /// What to ask.
    pub fn poll_transmit(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// What became of packets that waited.
    pub fn poll_event(&mut self) -> Option<NeighbourEvent<P>> {
        self.events.pop_front()
    }

    /// Neighbours known or asked for.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Packets that wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Neighbours whose address is known.
    pub fn iter(&self) -> impl Iterator<Item = (Neighbour, MacAddress)> {
        self.entries.iter().filter_map(|(key, entry)| Some((*key, entry.state.mac()?)))
    }

    /// Puts an entry into a state with the time it lasts; returns the packets that waited before.
    fn enter(&mut self, now: Duration, neighbour: Neighbour, state: State<P>) -> VecDeque<P> {
        let lasts = match &state {
            State::Incomplete { .. } | State::Probe { .. } => Some(self.config.retransmit),
            State::Reachable(_) => Some(self.config.reachable_time),
            State::Delay(_) => Some(self.config.delay_time),
            State::Failed => Some(self.config.hold_down),
            State::Stale(_) | State::Permanent(_) => None,
        };
        let old = self.entries.insert(neighbour, Entry { state, until: None });
        let mut waited = VecDeque::new();
        if let Some(old) = old {
            if let Some(at) = old.until {
                self.timers.remove(&(at, neighbour));
            }
            if let State::Incomplete { queue, .. } = old.state {
                self.waiting -= queue.len();
                waited = queue;
            }
        }
        if let Some(lasts) = lasts {
            self.set_timer(neighbour, now + lasts);
        }
        waited
    }

    fn set_timer(&mut self, neighbour: Neighbour, at: Duration) {
        if let Some(entry) = self.entries.get_mut(&neighbour) {
            entry.until = Some(at);
            self.timers.insert((at, neighbour));
        }
    }

    fn deliver(&mut self, neighbour: Neighbour, mac: MacAddress, waited: VecDeque<P>) {
        self.events.push_back(NeighbourEvent::Resolved { neighbour, mac, packets: waited.into() });
    }

    fn drop_entry(&mut self, neighbour: Neighbour) {
        let Some(entry) = self.entries.remove(&neighbour) else { return };
        if let Some(at) = entry.until {
            self.timers.remove(&(at, neighbour));
        }
        if let State::Incomplete { queue, .. } = entry.state {
            self.waiting -= queue.len();
            self.events.push_back(NeighbourEvent::Unreachable { neighbour, packets: queue.into() });
        }
    }

    /// Whether there is room for one more; a neighbour not in use gives way.
    fn has_room(&mut self) -> bool {
        if self.entries.len() < self.config.capacity {
            return true;
        }
        let idle = |state: &State<P>| matches!(state, State::Stale(_) | State::Failed);
        let victim = self
            .entries
            .iter()
            .find(|(_, entry)| idle(&entry.state))
            .map(|(neighbour, _)| *neighbour);
        match victim {
            Some(victim) => {
                self.drop_entry(victim);
                true
            }
            None => false,
        }
    }
}

impl<P> State<P> {
    fn mac(&self) -> Option<MacAddress> {
        match self {
            Self::Reachable(mac)
            | Self::Stale(mac)
            | Self::Delay(mac)
            | Self::Probe { mac, .. }
            | Self::Permanent(mac) => Some(*mac),
            Self::Incomplete { .. } | Self::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const B: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

    fn host(number: u32) -> Neighbour {
        Neighbour {
            interface: 1,
            address: core::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into(),
        }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn table() -> NeighbourTable<u32> {
        NeighbourTable::new(NeighbourConfig::default())
    }

    #[test]
    fn packets_wait_for_the_answer_in_order() {
        let mut table = table();
        assert_eq!(table.resolve(at(0), host(1), 1), Resolution::Waits);
        assert_eq!(table.resolve(at(0), host(1), 2), Resolution::Waits);
        assert_eq!(table.poll_transmit(), Some(Question { neighbour: host(1), to: None }));
        assert_eq!(table.poll_transmit(), None, "one question, however many packets");
        table.advertised(at(0), host(1), A, true, true);
        let event =
            NeighbourEvent::Resolved { neighbour: host(1), mac: A, packets: alloc::vec![1, 2] };
        assert_eq!(table.poll_event(), Some(event));
        assert_eq!(table.resolve(at(1), host(1), 3), Resolution::Known(A, 3));
        assert_eq!(table.waiting(), 0);
        table.advertised(at(1), host(2), A, true, true);
        assert_eq!(table.len(), 1, "an answer that nobody asked for");
    }

    #[test]
    fn no_answer_no_delivery() {
        let mut table = table();
        table.resolve(at(0), host(1), 1);
        let mut asked = 0;
        while let Some(next) = table.poll_timeout().filter(|next| *next <= at(3)) {
            table.handle_timeout(next);
            asked += core::iter::from_fn(|| table.poll_transmit()).count();
        }
        assert_eq!(asked, 3);
        let event = NeighbourEvent::Unreachable { neighbour: host(1), packets: alloc::vec![1] };
        assert_eq!(table.poll_event(), Some(event));
        assert_eq!(table.resolve(at(4), host(1), 2), Resolution::Refused(2));
        table.handle_timeout(at(6));
        assert_eq!(table.resolve(at(6), host(1), 3), Resolution::Waits, "tried anew");
    }

    #[test]
    fn a_silent_neighbour_is_asked_by_name_and_then_forgotten() {
        let mut table = table();
        table.resolve(at(0), host(1), 1);
        table.advertised(at(0), host(1), A, true, true);
        table.handle_timeout(at(30));
        assert_eq!(table.poll_timeout(), None, "stale, and nobody needs it");
        assert_eq!(table.resolve(at(100), host(1), 2), Resolution::Known(A, 2));
        table.poll_transmit();
        for (time, left) in [(105, 1), (106, 1), (107, 1), (108, 0)] {
            table.handle_timeout(at(time));
            let to = table.poll_transmit().map(|question| question.to);
            assert_eq!(to, (left == 1).then_some(Some(A)), "{time}");
            assert_eq!(table.len(), left);
        }
    }

    #[test]
    fn confirmation_spares_questions() {
        let mut table = table();
        table.resolve(at(0), host(1), 1);
        table.poll_transmit();
        table.advertised(at(0), host(1), A, true, true);
        table.handle_timeout(at(30));
        table.resolve(at(31), host(1), 2);
        table.confirm(at(32), host(1));
        table.handle_timeout(at(40));
        assert_eq!(table.poll_transmit(), None);
        // It moves, and says so with and without authority.
        table.advertised(at(41), host(1), B, false, false);
        assert_eq!(table.peek(host(1)), Some(A));
        table.advertised(at(41), host(1), B, false, true);
        assert_eq!(table.peek(host(1)), Some(B));
        table.heard(at(42), host(1), A, false);
        assert_eq!(table.peek(host(1)), Some(A));
        table.set_permanent(at(43), host(1), B);
        table.heard(at(44), host(1), A, true);
        table.advertised(at(44), host(1), A, true, true);
        assert_eq!(table.peek(host(1)), Some(B));
        table.handle_timeout(at(1000));
        assert_eq!((table.peek(host(1)), table.poll_timeout()), (Some(B), None));
    }

    #[test]
    fn a_scan_of_the_network_stays_within_the_limits() {
        let config = NeighbourConfig {
            capacity: 50,
            queue: 2,
            queue_total: 60,
            ..NeighbourConfig::default()
        };
        let mut table = NeighbourTable::new(config);
        for number in 0..10_000 {
            for packet in 0..3 {
                table.resolve(at(0), host(number), packet);
            }
            while table.poll_transmit().is_some() || table.poll_event().is_some() {}
            assert!(table.len() <= 50 && table.waiting() <= 60);
        }
        table.forget_interface(1);
        assert_eq!((table.len(), table.waiting(), table.poll_timeout()), (0, 0, None));
        let lost: usize = core::iter::from_fn(|| table.poll_event())
            .map(|event| match event {
                NeighbourEvent::Unreachable { packets, .. } => packets.len(),
                _ => 0,
            })
            .sum();
        assert!(lost >= 50);
    }
}
