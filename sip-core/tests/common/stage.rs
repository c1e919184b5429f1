//! Any number of endpoints in a world of the testkit, for calls of three parties and more.
#![allow(dead_code, unreachable_pub)]

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{Config, Endpoint, Event, Input};
use sip_core::header::{From, NameAddr};
use sip_core::{DialogId, Flow, Method, Request, Response, StatusCode, Uri};
use testkit::{Datagram, Faults, Ladder, Network, Node, NodeId, World};

/// An endpoint at an address.
pub struct Party {
    pub endpoint: Endpoint,
    pub address: SocketAddr,
    pub events: VecDeque<Event>,
}

impl Node for Party {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        let flow = Flow::udp(datagram.destination, datagram.source);
        self.endpoint.handle_input(now, Input::Received { flow, message: datagram.bytes });
        self.collect();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.collect();
    }

    fn poll_transmit(&mut self, _: Duration) -> Option<Datagram> {
        let transmit = self.endpoint.poll_transmit()?;
        Some(Datagram {
            source: self.address,
            destination: transmit.flow.remote,
            bytes: transmit.bytes,
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.endpoint.poll_timeout()
    }
}

impl Party {
    fn collect(&mut self) {
        self.events.extend(core::iter::from_fn(|| self.endpoint.poll_event()));
    }
}

/// The parties, by number.
pub struct Stage {
    pub world: World<Party>,
    names: Vec<&'static str>,
    ids: Vec<NodeId>,
}

impl Stage {
    pub fn new(names: &[&'static str], configure: impl Fn(&mut Config)) -> Self {
        let mut world = World::new(Network::new(Faults::NONE, 1));
        let mut ids = Vec::new();
        for n in 0..names.len() {
            let mut config = Config::default();
            configure(&mut config);
            let random = Box::new(ChaCha8Rng::seed_from_u64(n as u64 + 1));
            let party = Party {
                endpoint: Endpoint::new(config, random),
                address: address(n),
                events: VecDeque::new(),
            };
            ids.push(world.add(party, [address(n)]));
        }
        Self { world, names: names.to_vec(), ids }
    }

    /// Does something at a party, and lets 100 ms pass.
    pub fn act<R>(&mut self, who: usize, act: impl FnOnce(&mut Endpoint, Duration) -> R) -> R {
        let done = self.world.act(self.ids[who], |party, now| {
            let done = act(&mut party.endpoint, now);
            party.collect();
            done
        });
        self.world.run_for(Duration::from_millis(100));
        done
    }

    pub fn event(&mut self, who: usize) -> Event {
        let event = self.world.act(self.ids[who], |party, _| party.events.pop_front());
        event.unwrap_or_else(|| panic!("{} has no event", self.names[who]))
    }

    pub fn endpoint(&self, who: usize) -> &Endpoint {
        &self.world.node(self.ids[who]).endpoint
    }

    pub fn request(
        &mut self,
        who: usize,
        method: Method,
    ) -> (sip_core::endpoint::ServerId, Option<DialogId>, Request) {
        match self.event(who) {
            Event::Request { id, dialog, request, .. } if request.method == method => {
                (id, dialog, request)
            }
            other => panic!("{}: {other:?} and no {method}", self.names[who]),
        }
    }

    pub fn response(&mut self, who: usize, status: StatusCode) -> Option<DialogId> {
        match self.event(who) {
            Event::Response { response, dialog, .. } if response.status == status => dialog,
            other => panic!("{}: {other:?} and no {status:?}", self.names[who]),
        }
    }

    /// A call that is answered and acknowledged: the caller's dialog and the callee's.
    pub fn call(&mut self, from: usize, to: usize, invite: Request) -> (DialogId, DialogId) {
        let flow = Flow::udp(address(from), address(to));
        self.act(from, |endpoint, now| endpoint.invite(now, invite, flow).unwrap());
        let (id, _, request) = self.request(to, Method::Invite);
        let response = Response::to(&request, StatusCode::OK);
        let callee =
            self.act(to, |endpoint, now| endpoint.respond(now, id, response).unwrap().unwrap());
        let caller = self.response(from, StatusCode::OK).unwrap();
        self.act(from, |endpoint, now| endpoint.ack(now, caller, None).unwrap());
        while let Some(event) = self.world.act(self.ids[to], |party, _| party.events.pop_front()) {
            if matches!(event, Event::Ack { .. }) {
                return (caller, callee);
            }
        }
        panic!("{} has no ACK", self.names[to]);
    }

    pub fn ladder(&mut self) -> String {
        let mut ladder = Ladder::new();
        for (n, name) in self.names.iter().enumerate() {
            ladder = ladder.participant(name, [address(n)]);
        }
        let picture = ladder.draw(self.world.network().passages());
        self.world.network().forget();
        picture
    }
}

pub fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n as u8 + 1], 5060))
}

pub fn invite(from: usize, to: usize) -> Request {
    let uri = |n: usize| -> Uri { format!("sip:{n}@{}", address(n)).parse().unwrap() };
    let mut request = Request::new(Method::Invite, uri(to));
    request.headers.push(From(NameAddr::new(uri(from))));
    request
}
