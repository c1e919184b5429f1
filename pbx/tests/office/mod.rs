//! An office in a virtual world: an exchange with its media machine, and telephones around it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialplan::plan::Plan;
use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::directory::{self, Directory, Extension, Route, Trunk};
use pbx::exchange::{Event, Exchange, Input, Settings};
use pbx::feature::{EchoTest, Menu, MenuChoice, MenuSettings};
use pbx::front::Front;
use pbx::media::{Audio, Machine, Port, PortId};
use pbx::record::CallRecord;
use pbx::store::Write;
use sip_core::auth::server::Secret;
use sip_core::{Flow, Transport, endpoint};
use testkit::{
    Answering, Datagram, Faults, Ladder, Network, Node, NodeId, Phone, PhoneSettings, Seen, World,
};

pub const PASSWORD: &str = "secret of the test";

/// Where the exchange listens.
pub fn exchange_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 100], 5060))
}

fn rtp_address(n: u32) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 100], 20_000 + 2 * n as u16))
}

/// Where telephone `n` lives: extension `100 + n`.
pub fn phone_address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 5060))
}

/// An extension, as records name it.
pub fn extension(number: &str) -> directory::Party {
    directory::Party::Extension(number.into())
}

/// The wall clock when a test begins.
pub fn epoch() -> jiff::Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

/// An exchange and its media machine as one node.
pub struct Office {
    /// What messages pass first, in tests of that.
    pub front: Option<Front>,
    pub exchange: Exchange,
    pub media: Machine,
    pool: PacketPool,
    pub records: Vec<CallRecord>,
    pub writes: Vec<Write>,
    pub events: Vec<(Duration, Event)>,
    transmits: VecDeque<Datagram>,
}

impl Office {
    pub fn new(settings: Settings, directory: Directory, ports: u32, seed: u8) -> Self {
        let pool = PacketPool::new(PoolConfig::default()).unwrap();
        let mut exchange = Exchange::new(settings, directory, epoch(), 1, [seed; 32]);
        for n in 0..ports {
            let port = Port { id: PortId(n), advertised: rtp_address(n) };
            exchange.handle_input(Duration::ZERO, Input::Port(port));
        }
        Self {
            front: None,
            exchange,
            media: Machine::new(pool.clone(), [!seed; 32]),
            pool,
            records: Vec::new(),
            writes: Vec::new(),
            events: Vec::new(),
            transmits: VecDeque::new(),
        }
    }

    pub fn input(&mut self, now: Duration, input: Input) {
        self.exchange.handle_input(now, input);
        self.exchange_news(now);
    }

    /// A message reaches the exchange, if the front lets it.
    fn message(&mut self, now: Duration, flow: Flow, message: Bytes) {
        let Some(front) = &mut self.front else {
            let input = endpoint::Input::Received { flow, message };
            return self.exchange.handle_input(now, Input::Sip(input));
        };
        front.handle_message(now, flow, &message);
        while let Some(input) = front.poll_input(now) {
            self.exchange.handle_input(now, Input::Sip(input));
        }
        while let Some(proof) = self.exchange.poll_proof() {
            front.handle_proof(now, proof);
        }
    }

    /// Carries commands, events and packets between the two machines until both rest.
    fn exchange_news(&mut self, now: Duration) {
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
        while let Some(transmit) = self.media.poll_transmit() {
            self.transmits.push_back(Datagram {
                source: rtp_address(transmit.port.0),
                destination: transmit.destination,
                bytes: Bytes::from(transmit.packet),
            });
        }
        while let Some(write) = self.exchange.poll_store() {
            if let Write::Record(record) = &write {
                self.records.push(record.clone());
            }
            self.writes.push(write);
        }
        while let Some(event) = self.exchange.poll_event() {
            self.events.push((now, event));
        }
    }
}

impl Node for Office {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        if datagram.destination == exchange_address() {
            let flow = Flow::udp(datagram.destination, datagram.source);
            self.message(now, flow, datagram.bytes);
        } else if let Some(mut packet) = self.pool.take() {
            let port = PortId(u32::from(datagram.destination.port() - 20_000) / 2);
            packet.extend_from_slice(&datagram.bytes).unwrap();
            self.media.handle_packet(now, port, datagram.source, packet);
        }
        self.exchange_news(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        if let Some(front) = &mut self.front {
            front.handle_timeout(now);
        }
        if self.media.poll_timeout().is_some_and(|at| at <= now) {
            self.media.handle_timeout(now);
        }
        if self.exchange.poll_timeout().is_some_and(|at| at <= now) {
            self.exchange.handle_timeout(now);
        }
        self.exchange_news(now);
    }

    fn poll_transmit(&mut self, _now: Duration) -> Option<Datagram> {
        if let Some(datagram) = self.transmits.pop_front() {
            return Some(datagram);
        }
        let refusal = self.front.as_mut().and_then(Front::poll_transmit);
        let transmit = refusal.or_else(|| self.exchange.poll_transmit())?;
        Some(Datagram {
            source: transmit.flow.local,
            destination: transmit.flow.remote,
            bytes: transmit.bytes,
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let front = self.front.as_ref().and_then(Front::poll_timeout);
        let timers = [front, self.exchange.poll_timeout(), self.media.poll_timeout()];
        timers.into_iter().flatten().min()
    }
}

/// Whoever lives in the world.
pub enum Party {
    Office(Box<Office>),
    Phone(Box<Phone>),
}

impl Node for Party {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        match self {
            Self::Office(office) => office.handle_datagram(now, datagram),
            Self::Phone(phone) => phone.handle_datagram(now, datagram),
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        match self {
            Self::Office(office) => office.handle_timeout(now),
            Self::Phone(phone) => phone.handle_timeout(now),
        }
    }

    fn poll_transmit(&mut self, now: Duration) -> Option<Datagram> {
        match self {
            Self::Office(office) => office.poll_transmit(now),
            Self::Phone(phone) => phone.poll_transmit(now),
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Office(office) => office.poll_timeout(),
            Self::Phone(phone) => phone.poll_timeout(),
        }
    }
}

/// A test's world: an office and telephones 101, 102, …, registered.
pub struct Scene {
    pub world: World<Party>,
    office: NodeId,
    phones: Vec<NodeId>,
}

impl Scene {
    /// A scene for long simulations: no ladder is kept, nobody is missed for sending no voice.
    pub fn for_long(phones: u8, seed: u64) -> Self {
        let settings = Settings { silence_limit: None, ..Settings::default() };
        let mut scene = Self::with(phones, Faults::NONE, seed, settings);
        scene.world.network().keep_no_record();
        scene
    }

    /// `phones` extensions on a perfect network.
    pub fn new(phones: u8) -> Self {
        Self::with(phones, Faults::NONE, 7, Settings::default())
    }

    pub fn with(phones: u8, faults: Faults, seed: u64, settings: Settings) -> Self {
        let mut scene = Self::unregistered(phones, faults, seed, settings);
        scene.register_all();
        scene
    }

    pub fn unregistered(phones: u8, faults: Faults, seed: u64, settings: Settings) -> Self {
        let mut world = World::new(Network::new(faults, seed));
        let settings = Settings { listens: vec![(Transport::Udp, exchange_address())], ..settings };
        let ports = 64;
        let office = Office::new(settings, directory_of(phones), ports, seed as u8);
        let addresses = (0..ports).map(rtp_address).chain([exchange_address()]);
        let office = world.add(Party::Office(Box::new(office)), addresses);
        let phones = (1..=phones)
            .map(|n| {
                let address = phone_address(n);
                let number = (100 + u16::from(n)).to_string();
                let mut settings =
                    PhoneSettings::new(&number, PASSWORD, address, exchange_address());
                settings.answering = Answering::After(Duration::from_secs(2));
                let phone = Phone::new(settings, seed * 1_000 + u64::from(n));
                world.add(Party::Phone(Box::new(phone)), [address])
            })
            .collect();
        Self { world, office, phones }
    }

    /// Registers all telephones; the ladder begins behind that.
    pub fn register_all(&mut self) {
        for n in self.numbers() {
            self.act(n, |phone, now| phone.register(now));
        }
        self.run_for_seconds(1);
        self.forget();
    }

    /// Alice calls Bob, and they talk; the ladder begins behind that.
    pub fn talk(&mut self) {
        self.act(1, |alice, now| alice.call(now, "102"));
        self.run_for_seconds(3);
        self.forget();
    }

    /// What happened so far stands in no ladder, and no telephone has seen it.
    pub fn forget(&mut self) {
        self.world.network().forget();
        for n in self.numbers() {
            self.act(n, |phone, _| phone.forget());
        }
    }

    fn numbers(&self) -> RangeInclusive<u8> {
        1..=self.phones.len() as u8
    }

    /// Makes telephone `n` do something.
    pub fn act<R>(&mut self, n: u8, act: impl FnOnce(&mut Phone, Duration) -> R) -> R {
        self.world.act(self.phones[usize::from(n) - 1], |party, now| match party {
            Party::Phone(phone) => act(phone, now),
            Party::Office(_) => unreachable!("telephones are telephones"),
        })
    }

    /// Makes the office do something.
    pub fn office_acts<R>(&mut self, act: impl FnOnce(&mut Office, Duration) -> R) -> R {
        self.world.act(self.office, |party, now| match party {
            Party::Office(office) => act(office, now),
            Party::Phone(_) => unreachable!("the office is the office"),
        })
    }

    pub fn office(&self) -> &Office {
        match self.world.node(self.office) {
            Party::Office(office) => office,
            Party::Phone(_) => unreachable!("the office is the office"),
        }
    }

    pub fn phone(&self, n: u8) -> &Phone {
        match self.world.node(self.phones[usize::from(n) - 1]) {
            Party::Phone(phone) => phone,
            Party::Office(_) => unreachable!("telephones are telephones"),
        }
    }

    pub fn seen(&self, n: u8) -> Vec<Seen> {
        self.phone(n).seen().cloned().collect()
    }

    pub fn answering(&mut self, n: u8, answering: Answering) {
        self.act(n, |phone, _| phone.settings().answering = answering);
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.world.run_for(duration);
    }

    pub fn run_for_seconds(&mut self, seconds: u64) {
        self.run_for(Duration::from_secs(seconds));
    }

    /// The one record of the test.
    pub fn record(&self) -> &CallRecord {
        match &self.office().records[..] {
            [record] => record,
            records => panic!("one record expected: {records:#?}"),
        }
    }

    /// Lets everything come to rest, and looks for what was left behind.
    pub fn rest(&mut self) {
        self.run_for_seconds(70);
        assert_eq!(self.office().exchange.occupancy(), Default::default());
        assert_eq!(self.office().media.streams(), 0);
        for n in self.numbers() {
            let phone = self.phone(n);
            assert_eq!((phone.endpoint().transactions(), phone.endpoint().dialogs()), (0, 0));
        }
    }

    /// The ladder of what has happened since the telephones registered.
    pub fn ladder(&mut self) -> String {
        let mut ladder = Ladder::new();
        let names = ["alice", "bob", "carol", "dave"];
        let mut phones = self.numbers().zip(names);
        if let Some((n, name)) = phones.next() {
            ladder = ladder.participant(name, [phone_address(n)]);
        }
        ladder = ladder.participant("pbx", [exchange_address()]);
        for (n, name) in phones {
            ladder = ladder.participant(name, [phone_address(n)]);
        }
        ladder.draw(self.world.network().passages())
    }
}

fn directory_of(phones: u8) -> Directory {
    let mut builder = Plan::builder();
    for n in 1..=phones {
        let number = (100 + u16::from(n)).to_string();
        builder.context("office").add(&number, Route::Extension(number.clone())).unwrap();
    }
    for (number, service) in [("600", "echo"), ("700", "menu")] {
        builder.context("office").add(number, Route::Service(service.into())).unwrap();
    }
    let city = Route::Trunk { trunk: "city".into(), strip: 1, prefix: String::new() };
    builder.context("internal").add("_9X.", city).unwrap();
    builder.context("internal").include("office");
    builder.context("from city").include("office");
    let mut directory = Directory::new(builder.build().unwrap());
    for n in 1..=phones {
        directory.add_extension(Extension {
            number: (100 + u16::from(n)).to_string(),
            name: String::new(),
            secret: Secret::Password(PASSWORD.into()),
        });
    }
    directory.add_trunk(Trunk {
        name: "city".into(),
        address: trunk_address(),
        transport: Transport::Udp,
        context: "from city".into(),
    });
    directory.add_service("echo", Arc::new(|| Box::new(EchoTest)));
    directory.add_service("menu", Arc::new(|| Box::new(Menu::new(menu()))));
    directory
}

/// Where the trunk's other end lives.
pub fn trunk_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 200], 5060))
}

fn menu() -> MenuSettings {
    let second = |level| Audio { samples: vec![level; 8_000].into(), repeat: false };
    MenuSettings {
        greeting: second(1_000),
        sorry: second(2_000),
        choices: vec![
            MenuChoice { key: '1', number: "101".into() },
            MenuChoice { key: '2', number: "102".into() },
            MenuChoice { key: '9', number: "600".into() },
        ],
        direct_digits: 3,
        patience: Duration::from_secs(5),
        between_digits: Duration::from_secs(2),
        attempts: 2,
    }
}
