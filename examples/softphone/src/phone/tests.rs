//! Phones in virtual time: against each other, against a scripted telephone, against a registrar.

mod calls;
mod errands;
mod modification;
mod registration;
mod server;
mod sound;

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketPool, PoolConfig};
use sip_core::sdp::Codec;
use sip_core::{Flow, SipUri, endpoint};
use testkit::{Datagram, Faults, Ladder, Network, Node, NodeId, World};

use super::{Answering, Ending, Event, Input, Phone, Script, Settings, Transmit};
use crate::errand::Run;
use crate::failure::Failure;
use server::Server;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Where the phone `n` has its signalling; its media are at port 4000.
fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 5060))
}

fn uri(user: &str, n: u8) -> SipUri {
    SipUri::new(user, address(n).ip(), None)
}

fn settings(user: &str) -> Settings {
    Settings {
        user: user.to_owned(),
        domain: None,
        login: None,
        media_port: 4_000,
        codecs: vec![Codec::PCMA, Codec::PCMU],
        ptime: None,
        answering: Answering::After(secs(1)),
        patience: secs(60),
        longest: None,
        script: Script { key_length: ms(100), ..Script::default() },
    }
}

/// A phone with its addresses, and all that it said; perhaps on an errand.
struct Handset {
    phone: Phone,
    run: Option<Run>,
    /// When its errand was done, and how.
    outcome: Option<(Duration, Result<(), Failure>)>,
    pool: PacketPool,
    address: SocketAddr,
    events: Vec<(Duration, Event)>,
    recorded: Vec<i16>,
}

impl Handset {
    fn media(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), 4_000)
    }

    fn said(&self, wanted: impl Fn(&Event) -> bool) -> Vec<&Event> {
        self.events.iter().map(|(_, event)| event).filter(|event| wanted(event)).collect()
    }

    fn ending(&self) -> Option<&Ending> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Ended { ending, .. } => Some(ending),
            _ => None,
        })
    }

    fn collect(&mut self, now: Duration) {
        while let Some(event) = self.phone.poll_event() {
            if let Some(run) = &mut self.run {
                run.handle_event(now, &event, &mut self.phone);
            }
            self.events.push((now, event));
        }
        if let (Some(run), None) = (&self.run, &self.outcome) {
            self.outcome = run.outcome(now, &self.phone).map(|outcome| (now, outcome));
        }
        while let Some(block) = self.phone.poll_block() {
            self.recorded.extend(block.samples);
        }
    }
}

/// Whoever lives in the world.
enum Somebody {
    Handset(Box<Handset>),
    Scripted(Box<testkit::Phone>),
    Server(Box<Server>),
}

impl Somebody {
    fn node(&mut self) -> &mut dyn Node {
        match self {
            Self::Handset(handset) => &mut **handset,
            Self::Scripted(phone) => &mut **phone,
            Self::Server(server) => &mut **server,
        }
    }
}

impl Node for Somebody {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        self.node().handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.node().handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Duration) -> Option<Datagram> {
        self.node().poll_transmit(now)
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Handset(handset) => handset.poll_timeout(),
            Self::Scripted(phone) => phone.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }
}

impl Node for Handset {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        let input = if datagram.destination == self.media() {
            let mut packet = self.pool.take().expect("a buffer");
            packet.extend_from_slice(&datagram.bytes).expect("room");
            Input::Packet { source: datagram.source, packet }
        } else {
            let flow = Flow::udp(datagram.destination, datagram.source);
            Input::Signal(endpoint::Input::Received { flow, message: datagram.bytes })
        };
        self.phone.handle_input(now, input);
        self.collect(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.phone.handle_timeout(now);
        self.collect(now);
    }

    fn poll_transmit(&mut self, now: Duration) -> Option<Datagram> {
        self.collect(now);
        Some(match self.phone.poll_transmit()? {
            Transmit::Signal(transmit) => Datagram {
                source: transmit.flow.local,
                destination: transmit.flow.remote,
                bytes: transmit.bytes,
            },
            Transmit::Packet { destination, packet } => {
                Datagram { source: self.media(), destination, bytes: packet.to_vec().into() }
            }
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let run = self.run.as_ref().filter(|_| self.outcome.is_none()).and_then(Run::poll_timeout);
        [self.phone.poll_timeout(), run].into_iter().flatten().min()
    }
}

/// The world of a test.
struct Town {
    world: World<Somebody>,
    ladder: Ladder,
}

impl Town {
    fn new(faults: Faults) -> Self {
        Self { world: World::new(Network::new(faults, 7)), ladder: Ladder::new() }
    }

    fn add(&mut self, somebody: Somebody, name: &str, n: u8) -> NodeId {
        let media = SocketAddr::new(address(n).ip(), 4_000);
        self.ladder = std::mem::take(&mut self.ladder).participant(name, [address(n)]);
        self.world.add(somebody, [address(n), media])
    }

    /// Adds the phone `n`.
    fn phone(&mut self, n: u8, settings: Settings) -> NodeId {
        let pool =
            PacketPool::new(PoolConfig { slots: 64, ..PoolConfig::default() }).expect("a pool");
        let name = settings.user.clone();
        let handset = Handset {
            phone: Phone::new(settings, pool.clone(), [n; 32]),
            run: None,
            outcome: None,
            pool,
            address: address(n),
            events: Vec::new(),
            recorded: Vec::new(),
        };
        self.add(Somebody::Handset(Box::new(handset)), &name, n)
    }

    /// Makes a phone do something.
    fn act<R>(&mut self, id: NodeId, act: impl FnOnce(&mut Phone, Duration) -> R) -> R {
        self.world.act(id, |somebody, now| match somebody {
            Somebody::Handset(handset) => act(&mut handset.phone, now),
            _ => panic!("no phone of ours"),
        })
    }

    fn handset(&self, id: NodeId) -> &Handset {
        match self.world.node(id) {
            Somebody::Handset(handset) => handset,
            _ => panic!("no phone of ours"),
        }
    }

    fn server(&mut self, n: u8) -> NodeId {
        self.add(Somebody::Server(Box::new(Server::new(address(n)))), "server", n)
    }

    /// Changes what a server does.
    fn tell(&mut self, id: NodeId, tell: impl FnOnce(&mut Server)) {
        self.world.act(id, |somebody, _| match somebody {
            Somebody::Server(server) => tell(server),
            _ => panic!("no server"),
        });
    }

    /// Adds the telephone `n` of the testkit, which does as it is told; its server is the phone `peer`.
    fn scripted(&mut self, n: u8, peer: u8, answering: testkit::Answering) -> NodeId {
        let mut settings = testkit::PhoneSettings::new("scripted", "", address(n), address(peer));
        settings.answering = answering;
        let phone = testkit::Phone::new(settings, n.into());
        self.add(Somebody::Scripted(Box::new(phone)), "scripted", n)
    }

    fn act_scripted(&mut self, id: NodeId, act: impl FnOnce(&mut testkit::Phone, Duration)) {
        self.world.act(id, |somebody, now| match somebody {
            Somebody::Scripted(phone) => act(phone, now),
            _ => panic!("not scripted"),
        });
    }

    fn seen(&self, id: NodeId) -> Vec<testkit::Seen> {
        match self.world.node(id) {
            Somebody::Scripted(phone) => phone.seen().cloned().collect(),
            _ => panic!("not scripted"),
        }
    }

    /// Lets the phone `from` call the one at address `to`.
    fn call(&mut self, from: NodeId, to: u8) {
        let local = self.handset(from).address;
        self.act(from, |phone, now| {
            phone.call(now, uri("bob", to), Flow::udp(local, address(to))).expect("a call");
        });
    }

    fn run_for(&mut self, duration: Duration) {
        self.world.run_for(duration);
    }

    /// Compares what SIP crossed the network; lines may be indented as the test likes.
    #[track_caller]
    fn ladder_is(&mut self, expected: &str) {
        let passages = self.world.network().passages().to_vec();
        let drawn = self.ladder.draw(&passages);
        let trim = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect()
        };
        assert_eq!(trim(&drawn), trim(expected), "\n{drawn}");
    }
}

/// Whether nothing is open any more.
fn at_rest(handset: &Handset) -> bool {
    handset.phone.is_quiet()
}
