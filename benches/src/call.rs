//! Whole calls in memory: an exchange with an idle media machine, between two telephones.
//!
//! A [`Scene`] lets them talk to each other under a virtual clock. A [`Rehearsal`] is what reached the
//! exchange meanwhile: since all randomness comes from seeds, an exchange made in the same way
//! answers it in the same way, and what the telephones cost is left out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dialplan::plan::Plan;
use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::Exchange;
use pbx::directory::{Directory, Extension, Route, Trunk};
use pbx::exchange::{Input, Settings};
use pbx::media::{Machine, Port, PortId};
use pbx::record::CallRecord;
use pbx::store::Write;
use sip_core::auth::server::Secret;
use sip_core::{Flow, Transmit, Transport, endpoint};
use testkit::{Answering, Datagram, Node, Phone, PhoneSettings};

/// How long the called telephone rings.
pub const RINGING: Duration = Duration::from_secs(2);
/// How long they talk.
pub const TALK: Duration = Duration::from_secs(60);

const PASSWORD: &str = "a password of the benches";

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Extension 101, which has to prove that by a digest.
    Extension,
    /// A trunk, which is known by its address.
    Trunk,
}

/// Something that reaches an exchange.
#[derive(Clone, Debug)]
enum Step {
    Received { now: Duration, flow: Flow, message: Bytes },
    Timeout { now: Duration },
}

/// An exchange, its media machine, and what came out of them.
pub struct Office {
    exchange: Exchange,
    media: Machine,
    transmits: VecDeque<Transmit>,
    records: Vec<CallRecord>,
}

impl Office {
    fn new() -> Self {
        let settings = Settings {
            silence_limit: None,
            listens: vec![(Transport::Udp, exchange_address())],
            ..Settings::default()
        };
        let epoch = "2026-11-23T09:00:00Z".parse().expect("a timestamp");
        let mut exchange = Exchange::new(settings, directory(), epoch, 1, [1; 32]);
        for n in 0..8 {
            let advertised = SocketAddr::from(([192, 0, 2, 100], 20_000 + 2 * n as u16));
            let port = Port { id: PortId(n), advertised };
            exchange.handle_input(Duration::ZERO, Input::Port(port));
        }
        let pool = PacketPool::new(PoolConfig::default()).expect("memory for packets");
        let media = Machine::new(pool, [2; 32]);
        Self { exchange, media, transmits: VecDeque::new(), records: Vec::new() }
    }

    /// Does what a driver does with something that happened.
    fn take(&mut self, step: Step) {
        let now = match step {
            Step::Received { now, flow, message } => {
                let input = endpoint::Input::Received { flow, message };
                self.exchange.handle_input(now, Input::Sip(input));
                now
            }
            Step::Timeout { now } => {
                self.exchange.handle_timeout(now);
                now
            }
        };
        loop {
            let mut idle = true;
            while let Some(command) = self.exchange.poll_media() {
                self.media.handle_command(now, command);
                idle = false;
            }
            while let Some(event) = self.media.poll_event() {
                self.exchange.handle_input(now, Input::Media(event));
                idle = false;
            }
            if idle {
                break;
            }
        }
        while let Some(transmit) = self.exchange.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        while let Some(write) = self.exchange.poll_store() {
            if let Write::Record(record) = write {
                self.records.push(record);
            }
        }
        while self.exchange.poll_event().is_some() {}
    }
}

/// An office and two telephones under one clock, on a network that takes no time.
pub struct Scene {
    office: Office,
    caller: Phone,
    callee: Phone,
    now: Duration,
    steps: Vec<Step>,
    keeps_steps: bool,
}

impl Scene {
    /// Extension 102 is registered and has been called twice, so that tables have their size.
    pub fn new(origin: Origin) -> Self {
        Self::begin(origin, false)
    }

    fn begin(origin: Origin, keeps_steps: bool) -> Self {
        let (number, address) = match origin {
            Origin::Extension => ("101", phone_address(1)),
            Origin::Trunk => ("4420791", trunk_address()),
        };
        let mut scene = Self {
            office: Office::new(),
            caller: phone(number, address, 1),
            callee: phone("102", phone_address(2), 2),
            now: Duration::ZERO,
            steps: Vec::new(),
            keeps_steps,
        };
        scene.callee.register(scene.now);
        scene.settle();
        for _ in 0..2 {
            scene.call();
            scene.rest();
        }
        scene
    }

    fn call(&mut self) -> CallRecord {
        self.caller.call(self.now, "102");
        self.settle();
        self.run_for(RINGING + TALK);
        self.caller.hang_up(self.now);
        self.settle();
        self.office.records.pop().expect("a record of the call")
    }

    /// Lets every timer of the last call run out.
    fn rest(&mut self) {
        self.run_for(Duration::from_secs(70));
        assert_eq!(self.office.exchange.occupancy(), Default::default(), "nothing is left");
    }

    fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            let timeouts = [
                self.office.exchange.poll_timeout(),
                self.office.media.poll_timeout(),
                self.caller.poll_timeout(),
                self.callee.poll_timeout(),
            ];
            let Some(at) = timeouts.into_iter().flatten().min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            let due = |timeout: Option<Duration>| timeout.is_some_and(|at| at <= self.now);
            let [exchange, _, caller, callee] = timeouts.map(due);
            if exchange {
                self.take(Step::Timeout { now: self.now });
            }
            if caller {
                self.caller.handle_timeout(self.now);
            }
            if callee {
                self.callee.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = until;
    }

    fn take(&mut self, step: Step) {
        if self.keeps_steps {
            self.steps.push(step.clone());
        }
        self.office.take(step);
    }

    /// Carries messages until nobody has anything more to say.
    fn settle(&mut self) {
        loop {
            let mut idle = true;
            while let Some(datagram) =
                self.caller.poll_transmit(self.now).or_else(|| self.callee.poll_transmit(self.now))
            {
                let flow = Flow::udp(datagram.destination, datagram.source);
                self.take(Step::Received { now: self.now, flow, message: datagram.bytes });
                idle = false;
            }
            while let Some(transmit) = self.office.transmits.pop_front() {
                let destination = transmit.flow.remote;
                let datagram =
                    Datagram { source: exchange_address(), destination, bytes: transmit.bytes };
                let phone = if destination == phone_address(2) {
                    &mut self.callee
                } else {
                    &mut self.caller
                };
                phone.handle_datagram(self.now, datagram);
                idle = false;
            }
            if idle {
                return;
            }
        }
    }
}

/// An office that is about to get a call, and all that will reach it.
pub struct Rehearsal {
    office: Office,
    steps: Vec<Step>,
}

impl Rehearsal {
    /// Listens to a [`Scene`] up to the end of its third call, and brings another office to the
    /// beginning of that.
    pub fn new(origin: Origin) -> Self {
        let mut scene = Scene::begin(origin, true);
        let before = scene.steps.len();
        scene.call();
        let mut steps = scene.steps;
        // Each message in memory of its own, as a driver has it.
        for step in &mut steps {
            if let Step::Received { message, .. } = step {
                *message = Bytes::copy_from_slice(message);
            }
        }
        let call = steps.split_off(before);
        let mut office = Office::new();
        for step in steps {
            office.take(step);
        }
        office.records.clear();
        office.transmits.clear();
        Self { office, steps: call }
    }
}

/// One call with its telephones, from its first byte to its record.
///
/// # Panics
///
/// When the call leaves no record: nothing would have been measured.
pub fn with_telephones(mut scene: Scene) -> (Scene, CallRecord) {
    let record = scene.call();
    (scene, record)
}

/// One call as the exchange sees it, from its first byte to its record.
///
/// # Panics
///
/// When the call leaves no record: nothing would have been measured.
pub fn exchange(rehearsal: Rehearsal) -> (Office, CallRecord) {
    let Rehearsal { mut office, steps } = rehearsal;
    for step in steps {
        office.take(step);
        office.transmits.clear();
    }
    let record = office.records.pop().expect("a record of the call");
    (office, record)
}

fn exchange_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 100], 5060))
}

fn trunk_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 200], 5060))
}

fn phone_address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 5060))
}

fn phone(number: &str, address: SocketAddr, seed: u64) -> Phone {
    let mut settings = PhoneSettings::new(number, PASSWORD, address, exchange_address());
    settings.answering = Answering::After(RINGING);
    Phone::new(settings, seed)
}

fn directory() -> Directory {
    let mut builder = Plan::builder();
    for number in ["101", "102"] {
        let route = Route::Extension(number.to_owned());
        builder.context("internal").add(number, route).expect("a number");
    }
    builder.context("from city").include("internal");
    let mut directory = Directory::new(builder.build().expect("a plan"));
    for number in ["101", "102"] {
        directory.add_extension(Extension {
            number: number.to_owned(),
            name: String::new(),
            secret: Secret::Password(PASSWORD.to_owned()),
        });
    }
    directory.add_trunk(Trunk {
        name: "city".to_owned(),
        address: trunk_address(),
        transport: Transport::Udp,
        context: "from city".to_owned(),
    });
    directory
}

#[cfg(test)]
mod tests {
    use super::*;
    use pbx::call::Cause;
    use pbx::directory::Party;
    use pbx::record::EndedBy;

    fn check(record: &CallRecord, origin: Origin) {
        assert_eq!(record.billable_seconds(), TALK.as_secs());
        assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Caller));
        assert_eq!(record.answered_by, Some(Party::Extension("102".into())));
        let from_trunk = matches!(record.caller, Party::Trunk { .. });
        assert_eq!(from_trunk, origin == Origin::Trunk);
        assert!(record.caller_media.is_some() && record.callee_media.is_some());
    }

    #[test]
    fn a_scene_is_a_whole_call_and_leaves_nothing() {
        for origin in [Origin::Extension, Origin::Trunk] {
            let (mut scene, record) = with_telephones(Scene::new(origin));
            check(&record, origin);
            scene.rest();
        }
    }

    #[test]
    fn a_rehearsal_is_the_same_call() {
        for origin in [Origin::Extension, Origin::Trunk] {
            let (office, record) = exchange(Rehearsal::new(origin));
            check(&record, origin);
            assert_eq!(record, Scene::new(origin).call());
            assert_eq!(office.exchange.calls(), 0);
        }
    }
}
