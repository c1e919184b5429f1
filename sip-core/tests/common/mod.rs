//! Two endpoints and the network between them, on a virtual clock.
#![allow(dead_code, unreachable_pub)]

pub mod forking;
pub mod naming;
pub mod proxying;
pub mod referral;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, Config, Endpoint, Event, Input, ServerId, within};
use sip_core::header::{CSeq, ContentType, From, NameAddr, To};
use sip_core::{
    ConnectionId, Flow, Limits, Message, Method, Request, Response, StatusCode, Token, Transmit,
    Transport, Uri,
};

/// Whose side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Alice,
    Bob,
}
pub use Side::{Alice, Bob};

impl Side {
    pub fn other(self) -> Self {
        match self {
            Alice => Bob,
            Bob => Alice,
        }
    }

    pub fn address(self) -> SocketAddr {
        match self {
            Alice => "192.0.2.1:5060".parse().unwrap(),
            Bob => "192.0.2.2:5060".parse().unwrap(),
        }
    }
}

/// A message between the two.
#[derive(Clone, Debug)]
pub struct Packet {
    pub from: Side,
    pub flow: Flow,
    pub bytes: Bytes,
}

impl Packet {
    /// `INVITE` or `180`.
    pub fn name(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut words = text.split([' ', '\r']);
        match words.next() {
            Some("SIP/2.0") => words.next().unwrap_or_default().to_owned(),
            method => method.unwrap_or_default().to_owned(),
        }
    }

    pub fn message(&self) -> Message {
        Message::parse(self.bytes.clone(), &Limits::default()).unwrap()
    }

    pub fn response(&self) -> Response {
        match self.message() {
            Message::Response(response) => response,
            Message::Request(request) => panic!("a {} and no response", request.method),
        }
    }

    pub fn request(&self) -> Request {
        match self.message() {
            Message::Request(request) => request,
            Message::Response(response) => panic!("a {:?} and no request", response.status),
        }
    }
}

/// The laboratory.
pub struct Lab {
    pub now: Duration,
    pub alice: Endpoint,
    pub bob: Endpoint,
    pub wire: VecDeque<Packet>,
    pub transport: Transport,
    /// Who sent what when, a line each.
    pub ladder: Vec<String>,
    /// The last SUBSCRIBE of Alice's and the last NOTIFY of Bob's.
    pub bob_subscribe: Option<Request>,
    pub bob_notify: Option<Request>,
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    pub fn new() -> Self {
        Self::with(Transport::Udp, |_| {})
    }

    pub fn tcp() -> Self {
        Self::with(Transport::Tcp, |_| {})
    }

    pub fn with(transport: Transport, configure: impl Fn(&mut Config)) -> Self {
        let endpoint = |seed| {
            let mut config = Config::default();
            configure(&mut config);
            Endpoint::new(config, Box::new(ChaCha8Rng::seed_from_u64(seed)))
        };
        Self {
            now: Duration::ZERO,
            alice: endpoint(1),
            bob: endpoint(2),
            wire: VecDeque::new(),
            transport,
            ladder: Vec::new(),
            bob_subscribe: None,
            bob_notify: None,
        }
    }

    pub fn endpoint(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Alice => &mut self.alice,
            Bob => &mut self.bob,
        }
    }

    /// The flow from one side to the other.
    pub fn flow(&self, side: Side) -> Flow {
        let connection =
            self.transport.is_reliable().then_some(ConnectionId { index: 1, generation: 0 });
        Flow {
            transport: self.transport,
            local: side.address(),
            remote: side.other().address(),
            connection,
        }
    }

    /// Puts what both want to send on the wire, and hands back what was put there.
    pub fn pump(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for side in [Alice, Bob] {
            while let Some(Transmit { flow, bytes }) = self.endpoint(side).poll_transmit() {
                let packet = Packet { from: side, flow, bytes };
                let arrow = if side == Alice { "-->" } else { "<--" };
                self.ladder.push(format!("{:>6} {arrow} {}", self.now.as_millis(), packet.name()));
                match packet.name().as_str() {
                    "SUBSCRIBE" => self.bob_subscribe = Some(packet.request()),
                    "NOTIFY" => self.bob_notify = Some(packet.request()),
                    _ => {}
                }
                names.push(packet.name());
                self.wire.push_back(packet);
            }
        }
        names
    }

    /// Takes everything off the wire, so that it is lost or late.
    pub fn take(&mut self) -> Vec<Packet> {
        self.pump();
        self.wire.drain(..).collect()
    }

    /// Takes the one message off the wire.
    pub fn take_one(&mut self, name: &str) -> Packet {
        let mut packets = self.take();
        let names: Vec<_> = packets.iter().map(Packet::name).collect();
        assert_eq!(names, [name]);
        packets.remove(0)
    }

    pub fn deliver(&mut self, packet: Packet) {
        let to = packet.from.other();
        let flow = Flow { local: to.address(), remote: packet.flow.local, ..packet.flow };
        let now = self.now;
        self.endpoint(to).handle_input(now, Input::Received { flow, message: packet.bytes });
    }

    /// Delivers until nothing is on the wire.
    pub fn settle(&mut self) {
        self.pump();
        while let Some(packet) = self.wire.pop_front() {
            self.deliver(packet);
            self.pump();
        }
    }

    /// Lets time pass; messages arrive at once.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(next) = self.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.expire();
            self.settle();
        }
        self.now = end;
        self.expire();
        self.settle();
    }

    /// Lets time pass and loses everything that is sent meanwhile.
    pub fn run_cut_off(&mut self, time: Duration) {
        let end = self.now + time;
        self.take();
        while let Some(next) = self.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.expire();
            self.take();
        }
        self.now = end;
        self.expire();
        self.take();
    }

    fn expire(&mut self) {
        let now = self.now;
        self.alice.handle_timeout(now);
        self.bob.handle_timeout(now);
    }

    fn next_timeout(&self) -> Option<Duration> {
        [self.alice.poll_timeout(), self.bob.poll_timeout()].into_iter().flatten().min()
    }

    pub fn event(&mut self, side: Side) -> Event {
        self.endpoint(side).poll_event().unwrap_or_else(|| panic!("{side:?} has no event"))
    }

    pub fn no_event(&mut self, side: Side) {
        assert_eq!(self.endpoint(side).poll_event(), None, "{side:?}");
    }

    /// Drops what a side was told.
    pub fn ignore_events(&mut self, side: Side) {
        while self.endpoint(side).poll_event().is_some() {}
    }

    pub fn expect_request(&mut self, side: Side, method: Method) -> Asked {
        match self.event(side) {
            Event::Request { id, dialog, request, flow } => {
                assert_eq!(request.method, method);
                Asked { id, dialog, request, flow }
            }
            other => panic!("{side:?}: {other:?} and no {method}"),
        }
    }

    /// The same behind whatever else happened.
    pub fn expect_request_after(&mut self, side: Side, method: Method) -> Asked {
        loop {
            if let Event::Request { id, dialog, request, flow } = self.event(side) {
                assert_eq!(request.method, method);
                return Asked { id, dialog, request, flow };
            }
        }
    }

    pub fn expect_response(&mut self, side: Side, code: u16) -> Told {
        match self.event(side) {
            Event::Response { id, dialog, response, .. } => {
                assert_eq!(response.status.code(), code);
                Told { id, dialog, response }
            }
            other => panic!("{side:?}: {other:?} and no {code}"),
        }
    }

    /// What a side is told behind any number of 100s.
    pub fn event_after_100s(&mut self, side: Side) -> Event {
        loop {
            match self.event(side) {
                Event::Response { response, .. } if response.status == StatusCode::TRYING => {}
                event => break event,
            }
        }
    }

    pub fn expect_ack(&mut self, side: Side) -> (DialogId, Request) {
        match self.event(side) {
            Event::Ack { dialog, request } => (dialog, request),
            other => panic!("{side:?}: {other:?} and no ACK"),
        }
    }

    pub fn invite(&mut self, side: Side) -> ClientId {
        let (now, flow) = (self.now, self.flow(side));
        let request = request(Method::Invite, side);
        self.endpoint(side).invite(now, request, flow).unwrap()
    }

    pub fn request(&mut self, side: Side, method: Method) -> ClientId {
        let (now, flow) = (self.now, self.flow(side));
        self.endpoint(side).request(now, request(method, side), flow).unwrap()
    }

    pub fn request_in(&mut self, side: Side, dialog: DialogId, method: Method) -> ClientId {
        let now = self.now;
        self.endpoint(side).request_in(now, dialog, skeleton(method)).unwrap()
    }

    pub fn respond(&mut self, side: Side, asked: &Asked, code: u16) -> Option<DialogId> {
        let now = self.now;
        let response = Response::to(&asked.request, StatusCode::new(code).unwrap());
        self.endpoint(side).respond(now, asked.id, response).unwrap()
    }

    pub fn ack(&mut self, side: Side, dialog: DialogId) {
        let now = self.now;
        self.endpoint(side).ack(now, dialog, None).unwrap();
    }

    /// Alice calls Bob: her INVITE, and what he is asked.
    pub fn invited(&mut self) -> (ClientId, Asked) {
        let invite = self.invite(Alice);
        self.settle();
        (invite, self.expect_request(Bob, Method::Invite))
    }

    /// Alice calls Bob: what he is asked.
    pub fn called(&mut self) -> Asked {
        self.invited().1
    }

    /// A request within a dialog: what the other side is asked.
    pub fn ask_in(&mut self, side: Side, dialog: DialogId, method: Method) -> Asked {
        self.request_in(side, dialog, method.clone());
        self.settle();
        self.expect_request(side.other(), method)
    }

    /// An answer: what the other side is told.
    pub fn answer(&mut self, side: Side, asked: &Asked, code: u16) -> Told {
        self.respond(side, asked, code);
        self.settle();
        self.expect_response(side.other(), code)
    }

    /// A BYE and its 200.
    pub fn hang_up(&mut self, side: Side, dialog: DialogId) {
        let asked = self.ask_in(side, dialog, Method::Bye);
        self.answer(side.other(), &asked, 200);
    }

    /// Bob answers a call of Alice's and she acknowledges: her dialog and his.
    pub fn established(&mut self, asked: &Asked) -> (DialogId, DialogId) {
        let bobs = self.respond(Bob, asked, 200).unwrap();
        self.settle();
        let (alices, acknowledged) = self.acknowledge();
        assert_eq!(acknowledged, bobs);
        (alices, bobs)
    }

    /// Alice is told of Bob's 200 and acknowledges it: her dialog and his.
    pub fn acknowledge(&mut self) -> (DialogId, DialogId) {
        let alices = self.expect_response(Alice, 200).dialog.unwrap();
        self.ack(Alice, alices);
        self.settle();
        (alices, self.expect_ack(Bob).0)
    }

    /// A call from Alice to Bob, answered and acknowledged: her dialog and his.
    pub fn call(&mut self) -> (DialogId, DialogId) {
        let asked = self.called();
        self.established(&asked)
    }

    /// Lets 64*T1 + T4 pass: now nothing may be left anywhere.
    pub fn rest(&mut self) {
        self.run(Duration::from_secs(32 + 5));
        for side in [Alice, Bob] {
            self.ignore_events(side);
            let endpoint = self.endpoint(side);
            assert!(endpoint.is_idle(), "{side:?} keeps something: {endpoint:?}");
        }
    }

    /// Compares who sent what when since the last comparison: a line is the time in milliseconds,
    /// the arrow from Alice (left) or Bob (right), and the method or status.
    #[track_caller]
    pub fn ladder_is(&mut self, expected: &str) {
        self.pump();
        let trim = |line: &str| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(trim).filter(|line| !line.is_empty()).collect()
        };
        let seen = core::mem::take(&mut self.ladder).join("\n");
        assert_eq!(lines(&seen), lines(expected), "\n{seen}\n");
    }

    /// Who sent what since the last drawing: a line is the time in milliseconds, the arrow from Alice
    /// (left) or Bob (right), and the method or status.
    pub fn draw(&mut self) -> String {
        self.pump();
        core::mem::take(&mut self.ladder).join("\n")
    }

    /// Forgets who sent what.
    pub fn clear_ladder(&mut self) {
        self.pump();
        self.ladder.clear();
    }
}

/// An endpoint's configuration with option tags and methods of extensions.
pub fn extended(tags: &'static [&'static str]) -> impl Fn(&mut Config) {
    move |config| {
        config.supported = tags.iter().map(|tag| Token::from_static(tag)).collect();
        config.allow.extend([Method::Prack, Method::Update, Method::Refer, Method::Notify]);
    }
}

/// A session description; its text does not matter to the endpoint.
pub fn sdp() -> (ContentType, Bytes) {
    (ContentType::sdp(), Bytes::from_static(b"v=0\r\n"))
}

pub fn offering(mut request: Request) -> Request {
    let (kind, body) = sdp();
    request.headers.set(kind);
    request.body = body;
    request
}

pub fn describing(mut response: Response) -> Response {
    let (kind, body) = sdp();
    response.headers.set(kind);
    response.body = body;
    response
}

/// A request and its names.
pub struct Asked {
    pub id: ServerId,
    pub dialog: Option<DialogId>,
    pub request: Request,
    pub flow: Flow,
}

/// A response and its names.
pub struct Told {
    pub id: ClientId,
    pub dialog: Option<DialogId>,
    pub response: Response,
}

/// A request outside a dialog with From and To.
pub fn request(method: Method, from: Side) -> Request {
    let uri = |side: Side| -> Uri {
        format!("sip:{}@example.com", format!("{side:?}").to_lowercase()).parse().unwrap()
    };
    let mut request = Request::new(method, uri(from.other()));
    request.headers.push(From(NameAddr::new(uri(from))));
    request.headers.push(To(NameAddr::new(uri(from.other()))));
    request
}

/// A request for the endpoint to complete within a dialog.
pub fn skeleton(method: Method) -> Request {
    within(method)
}

pub fn to_tag(response: &Response) -> String {
    response.headers.require::<To>().unwrap().tag().unwrap_or_default().to_owned()
}

pub fn number(request: &Request) -> u32 {
    request.headers.require::<CSeq>().unwrap().number
}

pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

pub fn secs(value: u64) -> Duration {
    Duration::from_secs(value)
}
