//! A stateful proxy among peers who do anything in any order: whatever happens, what it sends can be
//! read, nobody gets two outcomes, and nothing is left when all is over.

use core::time::Duration;
use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::endpoint::Input;
use sip_core::header::{CSeq, Via};
use sip_core::proxy::{Config, ContextId, Event, Hop, Ours, Proxy, RecordRoute};
use sip_core::{
    Flow, Limits, Message, Method, Request, Response, SipUri, StatusCode, Transmit, Uri,
};

const SEEDS: u64 = 300;
const STEPS: usize = 150;

struct World {
    random: ChaCha8Rng,
    proxy: Proxy,
    now: Duration,
    ids: Vec<ContextId>,
    acks: Vec<Request>,
    /// Requests that the proxy has sent, to be answered.
    asked: Vec<Transmit>,
    /// What it has received and when: repeated much later it would be something new.
    heard: Vec<(Duration, Flow, bytes::Bytes)>,
    /// How many transactions callers have begun.
    begun: u64,
    /// The final responses that each request of a caller's got.
    outcomes: HashMap<(String, Method), Vec<StatusCode>>,
}

fn flow(last: u64) -> Flow {
    let remote = format!("192.0.2.{}:5060", 2 + last % 9);
    Flow::udp("192.0.2.1:5060".parse().unwrap(), remote.parse().unwrap())
}

impl World {
    fn new(seed: u64) -> Self {
        let mut config = Config::new(Ours::at(vec!["192.0.2.1:5060".parse().unwrap()]));
        config.tables.servers = 20;
        config.tables.clients = 40;
        config.branches = 4;
        let random = Box::new(ChaCha8Rng::seed_from_u64(!seed));
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            proxy: Proxy::new(config, random),
            now: Duration::ZERO,
            ids: Vec::new(),
            acks: Vec::new(),
            asked: Vec::new(),
            heard: Vec::new(),
            begun: 0,
            outcomes: HashMap::new(),
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random.next_u64() % below
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let at = self.draw(from.len().max(1) as u64);
        from.get(at as usize).cloned()
    }

    fn receive(&mut self, flow: Flow, message: bytes::Bytes) {
        self.heard.push((self.now, flow, message.clone()));
        self.proxy.handle_input(self.now, Input::Received { flow, message });
    }

    fn ask(&mut self) {
        let methods = ["INVITE", "INVITE", "INVITE", "OPTIONS", "BYE", "CANCEL", "CANCEL", "ACK"];
        let method = self.pick(&methods).unwrap();
        // CANCEL and ACK are for what has been before.
        self.begun += u64::from(!matches!(method, "CANCEL" | "ACK"));
        let back = if matches!(method, "CANCEL" | "ACK") { self.draw(6) } else { 0 };
        let branch = self.begun.saturating_sub(back);
        let (caller, hops) = (branch % 3, self.draw(4));
        let route = match self.draw(4) {
            0 => "Route: <sip:192.0.2.1;lr>\r\n",
            1 => "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.7>\r\n",
            _ => "",
        };
        let breadth = match self.draw(3) {
            0 => format!("Max-Breadth: {}\r\n", self.draw(4)),
            _ => String::new(),
        };
        let text = format!(
            "{method} sip:bob@example.com SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.{};branch=z9hG4bK{caller}x{branch}\r\n\
             From: <sip:{caller}@example.com>;tag={caller}\r\nTo: <sip:bob@example.com>\r\n\
             Call-ID: {caller}\r\nCSeq: {branch} {method}\r\nMax-Forwards: {hops}\r\n{route}{breadth}\r\n",
            2 + caller
        );
        self.receive(flow(caller), text.into());
    }

    fn groups(&mut self) -> Vec<Vec<Hop>> {
        let count = self.draw(4);
        (0..count)
            .map(|_| {
                let size = self.draw(6);
                (0..size).map(|_| self.hop()).collect()
            })
            .collect()
    }

    fn hop(&mut self) -> Hop {
        let last = self.draw(9);
        let us = || SipUri::parse("sip:192.0.2.1").unwrap();
        let record_route = match self.draw(3) {
            0 => RecordRoute::Single(us()),
            1 => RecordRoute::Double { inward: us(), outward: us() },
            _ => RecordRoute::No,
        };
        let target =
            (self.draw(3) > 0).then(|| format!("sip:{last}@192.0.2.9").parse::<Uri>().unwrap());
        Hop { target, flow: flow(last), record_route }
    }

    fn answer(&mut self) {
        let Some(asked) = self.pick(&self.asked.clone()) else { return };
        let Ok(request) = Request::parse(asked.bytes, &Limits::default()) else { return };
        let statuses = [100, 180, 183, 200, 200, 302, 401, 404, 407, 408, 486, 487, 500, 503, 603];
        let status = self.pick(&statuses).unwrap();
        let mut response = Response::to(&request, StatusCode::new(status).unwrap());
        let tag = self.draw(2);
        let _ = response.set_to_tag(&format!("t{tag}"));
        self.receive(asked.flow, response.to_bytes());
    }

    fn step(&mut self) {
        match self.draw(12) {
            0..=2 => self.ask(),
            3..=5 => self.answer(),
            6 | 7 => {
                if let Some(id) = self.pick(&self.ids.clone()) {
                    let groups = self.groups();
                    let _ = self.proxy.forward_in_turn(self.now, id, groups);
                }
            }
            8 => {
                let now = self.now;
                self.heard.retain(|(at, ..)| *at + Duration::from_secs(4) > now);
                if let Some((_, flow, message)) = self.pick(&self.heard.clone()) {
                    self.proxy.handle_input(self.now, Input::Received { flow, message });
                }
            }
            9 => match self.draw(3) {
                0 => {
                    let flow = flow(self.draw(9));
                    // It ends transactions, so that repetitions would be something new.
                    self.heard.clear();
                    self.proxy.handle_input(self.now, Input::FlowFailed { flow });
                }
                1 => {
                    if let Some(id) = self.pick(&self.ids.clone()) {
                        self.proxy.give_up(self.now, id);
                    }
                }
                _ => {
                    if let Some(ack) = self.pick(&self.acks.clone()) {
                        let hop = self.hop();
                        let _ = self.proxy.forward_ack(&ack, &hop);
                    }
                }
            },
            10 => {
                let pause = Duration::from_millis(self.draw(5000));
                self.now += pause;
                self.proxy.handle_timeout(self.now);
            }
            _ => {
                if let Some(next) = self.proxy.poll_timeout() {
                    self.now = self.now.max(next);
                    self.proxy.handle_timeout(self.now);
                }
            }
        }
        self.look();
    }

    fn look(&mut self) {
        while let Some(event) = self.proxy.poll_event() {
            match event {
                Event::Request { id, .. } => self.ids.push(id),
                Event::Ack { request, .. } => self.acks.push(request),
                _ => {}
            }
        }
        assert!(self.proxy.contexts() <= 20 + 40, "more than its tables allow");
        while let Some(transmit) = self.proxy.poll_transmit() {
            match Message::parse(transmit.bytes.clone(), &Limits::default()).expect("readable") {
                Message::Request(request) => {
                    let via: Via = request.headers.require().unwrap();
                    assert_eq!(via.sent_by.to_string(), "192.0.2.1:5060");
                    if request.method != Method::Ack {
                        self.asked.push(transmit);
                    }
                }
                Message::Response(response) => self.note(&response),
            }
        }
    }

    fn note(&mut self, response: &Response) {
        let via: Via = response.headers.require().unwrap();
        assert_ne!(via.sent_by.to_string(), "192.0.2.1:5060", "our Via is off");
        // A full proxy answers 503 and keeps nothing: the repetition is a new try.
        if !response.status.is_final() || response.status == StatusCode::SERVICE_UNAVAILABLE {
            return;
        }
        let cseq: CSeq = response.headers.require().unwrap();
        let invite = cseq.method == Method::Invite;
        let key = (via.branch().unwrap_or_default().to_owned(), cseq.method);
        let before = self.outcomes.entry(key).or_default();
        // Repetitions apart there is one outcome; only an INVITE may have several 2xx.
        let again = match response.status.is_success() {
            true if invite => before.iter().all(|status| status.is_success()),
            _ => before.iter().all(|status| *status == response.status),
        };
        assert!(again, "{before:?}, then {}", response.status);
        before.push(response.status);
    }
}

#[test]
fn whatever_happens_each_request_has_one_outcome_and_nothing_is_left() {
    let mut finals = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        // Whoever is responsible for a request answers it in the end.
        for id in world.ids.clone() {
            let _ = world.proxy.forward(world.now, id, Vec::new());
            world.proxy.give_up(world.now, id);
        }
        let mut turns = 0;
        while let Some(next) = world.proxy.poll_timeout() {
            world.now = world.now.max(next);
            world.proxy.handle_timeout(world.now);
            world.look();
            turns += 1;
            assert!(turns < 100_000, "seed {seed} does not come to rest");
        }
        world.look();
        assert!(world.proxy.is_idle(), "seed {seed}: {:?}", world.proxy);
        finals += world.outcomes.len();
    }
    assert!(finals > 1000, "the script does something: {finals}");
}
