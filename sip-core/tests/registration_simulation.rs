//! A registration among servers that answer anything: it neither hammers them nor falls asleep.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::auth::client::Credentials;
use sip_core::registration::{Config, Event, KeepAlive, Outbound, Outgoing, Registration};
use sip_core::{ConnectionId, Flow, HeaderName, Response, StatusCode, Transport};

const SEEDS: u64 = 300;

struct World {
    random: ChaCha8Rng,
    now: Duration,
    r: Registration,
    connections: u32,
    /// What was sent and not answered yet.
    open: Vec<Outgoing>,
    flows: Vec<Flow>,
    /// How often something was sent, and how long we were not registered.
    sent: u32,
    refused: bool,
    ended: bool,
}

fn draw(random: &mut ChaCha8Rng, below: u64) -> u64 {
    random.next_u64() % below
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let aor = "sip:101@example.com".parse().unwrap();
        let mut config = Config::new(aor, "sip:101@192.0.2.9:5062".parse().unwrap());
        let servers = draw(&mut random, 4);
        config.servers = (0..servers).map(|n| format!("sip:s{n}.net").parse().unwrap()).collect();
        if draw(&mut random, 2) == 0 {
            config.instance = Some("urn:uuid:1".to_owned());
            config.outbound = Some(Outbound { flows: 2 });
        }
        if draw(&mut random, 2) == 0 {
            config.credentials = Some(Credentials::new("101", "secret"));
        }
        config.keep_alive = match draw(&mut random, 3) {
            0 => KeepAlive::Off,
            1 => KeepAlive::Lines { every: None },
            _ => KeepAlive::Stun { every: None },
        };
        config.retry_refused = (draw(&mut random, 2) == 0).then_some(Duration::from_secs(600));
        let own = Box::new(ChaCha8Rng::seed_from_u64(!seed));
        let r = Registration::new(Duration::ZERO, config, own).unwrap();
        Self {
            random,
            now: Duration::ZERO,
            r,
            connections: 0,
            open: Vec::new(),
            flows: Vec::new(),
            sent: 0,
            refused: false,
            ended: false,
        }
    }

    fn flow(&mut self) -> Flow {
        let mut flow =
            Flow::udp("192.0.2.9:5062".parse().unwrap(), "192.0.2.1:5060".parse().unwrap());
        if draw(&mut self.random, 2) == 0 {
            self.connections += 1;
            flow.transport = Transport::Tcp;
            flow.connection = Some(ConnectionId { index: self.connections, generation: 0 });
        }
        self.flows.push(flow);
        flow
    }

    fn answer(&mut self, outgoing: &Outgoing) {
        let statuses = [100, 200, 200, 200, 302, 401, 407, 423, 439, 403, 404, 480, 500, 503, 600];
        let status = statuses[draw(&mut self.random, statuses.len() as u64) as usize];
        let mut response = Response::to(&outgoing.request, StatusCode::new(status).unwrap());
        let number = draw(&mut self.random, 8000).to_string();
        let lines = [
            (HeaderName::Expires, number.clone()),
            (HeaderName::MinExpires, number.clone()),
            (HeaderName::RetryAfter, number.clone()),
            (HeaderName::FlowTimer, number.clone()),
            (HeaderName::Require, "outbound".to_owned()),
            (HeaderName::ServiceRoute, "<sip:p.net;lr>".to_owned()),
            (HeaderName::Contact, format!("<sip:101@192.0.2.9:5062>;expires={number}")),
            (
                HeaderName::WwwAuthenticate,
                format!("Digest realm=\"x\", nonce=\"{number}\", stale=true"),
            ),
            (HeaderName::ProxyAuthenticate, format!("Digest realm=\"y\", nonce=\"{number}\"")),
        ];
        for (name, value) in lines {
            if draw(&mut self.random, 3) > 0 {
                response.headers.push_raw(name, value.as_bytes()).unwrap();
            }
        }
        let flow = match outgoing.flow {
            Some(flow) => flow,
            None => self.flow(),
        };
        self.r.handle_response(self.now, outgoing.id, &response, flow);
        if status == 100 {
            self.open.push(outgoing.clone());
        }
    }

    fn step(&mut self) {
        while let Some(outgoing) = self.r.poll_request() {
            self.sent += 1;
            self.open.push(outgoing);
        }
        while let Some(event) = self.r.poll_event() {
            match event {
                Event::Failed { again: None, .. } => self.refused = true,
                Event::Unregistered => self.ended = true,
                _ => {}
            }
        }
        while let Some(transmit) = self.r.poll_transmit() {
            if draw(&mut self.random, 3) > 0 {
                self.r.handle_keep_alive(self.now, transmit.flow, b"\r\n");
            }
        }
        if !self.open.is_empty() {
            let at = draw(&mut self.random, self.open.len() as u64) as usize;
            let outgoing = self.open.swap_remove(at);
            match draw(&mut self.random, 5) {
                0 => self.r.handle_failure(self.now, outgoing.id),
                _ => self.answer(&outgoing),
            }
            return;
        }
        match (draw(&mut self.random, 30), self.r.poll_timeout()) {
            (0, _) if !self.flows.is_empty() => {
                let at = draw(&mut self.random, self.flows.len() as u64) as usize;
                let flow = self.flows.swap_remove(at);
                self.r.handle_flow_failed(self.now, flow);
            }
            (_, Some(next)) => {
                self.now = self.now.max(next);
                self.r.handle_timeout(self.now);
            }
            (_, None) => {
                assert!(self.refused || self.ended, "asleep without a reason: {:?}", self.r);
            }
        }
    }
}

#[test]
fn it_neither_hammers_nor_falls_asleep() {
    let mut sent = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
            // Each outcome is followed by a pause of 15 s at least once the servers have been tried.
            let minutes = world.now.as_secs() / 60;
            assert!(
                u64::from(world.sent) <= 200 + 40 * minutes,
                "seed {seed}: {} sent in {minutes} minutes",
                world.sent
            );
        }
        sent += world.sent;
        world.r.unregister(world.now);
        for _ in 0..1000 {
            world.step();
        }
        assert!(world.ended && !world.r.is_registered(), "seed {seed}: {:?}", world.r);
        assert_eq!(world.r.poll_timeout(), None, "seed {seed}");
    }
    assert!(sent > 10_000, "the script does something: {sent}");
}

#[test]
fn a_server_that_always_asks_again_gets_a_pause() {
    for (status, name) in [(401, HeaderName::WwwAuthenticate), (423, HeaderName::MinExpires)] {
        let aor = "sip:101@example.com".parse().unwrap();
        let mut config = Config::new(aor, "sip:101@192.0.2.9:5062".parse().unwrap());
        config.credentials = Some(Credentials::new("101", "secret"));
        let random = Box::new(ChaCha8Rng::seed_from_u64(1));
        let mut r = Registration::new(Duration::ZERO, config, random).unwrap();
        let flow = Flow::udp("192.0.2.9:5062".parse().unwrap(), "192.0.2.1:5060".parse().unwrap());
        let mut asked = 0;
        while let Some(outgoing) = r.poll_request() {
            asked += 1;
            let mut response = Response::to(&outgoing.request, StatusCode::new(status).unwrap());
            let value = match status {
                401 => format!("Digest realm=\"x\", nonce=\"{asked}\", stale=true"),
                _ => (4000 + asked).to_string(),
            };
            response.headers.push_raw(name.clone(), value.as_bytes()).unwrap();
            r.handle_response(Duration::ZERO, outgoing.id, &response, flow);
            assert!(asked < 100, "{status}");
        }
        assert!((2..10).contains(&asked), "{status}: {asked}");
        assert!(r.poll_timeout().is_some_and(|next| next >= Duration::from_secs(30)), "{status}");
    }
}
