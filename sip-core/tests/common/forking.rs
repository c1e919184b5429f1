//! A stateful proxy between a caller and phones, on a virtual clock.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::Input;
use sip_core::proxy::{Config, ContextId, Event, Hop, Ours, Proxy, RecordRoute};
use sip_core::{Flow, Limits, Message, Request, Response, StatusCode, Transmit, Uri};

pub fn flow(remote: &str) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), remote.parse().unwrap())
}

pub const CALLER: &str = "192.0.2.9:5062";

/// The proxy, the time, and what it sent that nobody has looked at.
pub struct Lab {
    pub proxy: Proxy,
    pub now: Duration,
}

pub fn phone(n: u8) -> Hop {
    let address = format!("192.0.2.{}:5060", 100 + n);
    Hop {
        target: Some(format!("sip:bob@{address}").parse::<Uri>().unwrap()),
        flow: flow(&address),
        record_route: RecordRoute::No,
    }
}

pub fn text(method: &str, branch: &str, lines: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bK{branch}\n\
         From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\n\
         CSeq: 7 {method}\nMax-Forwards: 70\n{lines}\n"
    )
    .replace('\n', "\r\n")
}

impl Lab {
    pub fn new() -> Self {
        Self::following(0)
    }

    /// A proxy that follows so many redirections of a request.
    pub fn following(redirections: usize) -> Self {
        let mut config = Config::new(Ours::at(vec!["192.0.2.1:5060".parse().unwrap()]));
        config.redirections = redirections;
        let random = Box::new(ChaCha8Rng::seed_from_u64(1));
        Self { proxy: Proxy::new(config, random), now: Duration::ZERO }
    }

    pub fn receive(&mut self, from: &str, message: impl Into<bytes::Bytes>) {
        let input = Input::Received { flow: flow(from), message: message.into() };
        self.proxy.handle_input(self.now, input);
    }

    /// A request from the caller that wants to be forwarded.
    pub fn asked(&mut self, method: &str, branch: &str) -> ContextId {
        self.receive(CALLER, text(method, branch, ""));
        match self.proxy.poll_event() {
            Some(Event::Request { id, .. }) => id,
            event => panic!("{event:?}"),
        }
    }

    pub fn invite(&mut self, groups: Vec<Vec<Hop>>) -> ContextId {
        let id = self.asked("INVITE", "a");
        self.proxy.forward_in_turn(self.now, id, groups).unwrap();
        id
    }

    /// What was sent: `method or status > last part of the address`.
    pub fn sent(&mut self) -> Vec<String> {
        self.transmits().iter().map(describe).collect()
    }

    pub fn transmits(&mut self) -> Vec<Transmit> {
        core::iter::from_fn(|| self.proxy.poll_transmit()).collect()
    }

    pub fn answer(&mut self, sent: &Transmit, status: u16, lines: &[(&str, &str)]) {
        let mut response = Response::to(&parse(sent), StatusCode::new(status).unwrap());
        if status > 100 {
            let _ = response.set_to_tag(&format!("t{}", sent.flow.remote));
        }
        let mut text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
        for (name, value) in lines {
            text = text.replacen("\r\n\r\n", &format!("\r\n{name}: {value}\r\n\r\n"), 1);
        }
        self.receive(&sent.flow.remote.to_string(), text);
    }

    /// Time passes until the proxy has sent something, or nothing is left to wait for.
    pub fn wait(&mut self) -> Vec<Transmit> {
        while let Some(next) = self.proxy.poll_timeout() {
            self.now = self.now.max(next);
            self.proxy.handle_timeout(self.now);
            let sent = self.transmits();
            if !sent.is_empty() {
                return sent;
            }
        }
        Vec::new()
    }

    /// Nothing is left in memory once every timer has run.
    pub fn rests(&mut self) {
        while !self.wait().is_empty() {}
        while self.proxy.poll_event().is_some() {}
        assert!(self.proxy.is_idle(), "{:?}", self.proxy);
    }
}

pub fn parse(sent: &Transmit) -> Request {
    Request::parse(sent.bytes.clone(), &Limits::default()).unwrap()
}

pub fn describe(sent: &Transmit) -> String {
    let what = match Message::parse(sent.bytes.clone(), &Limits::default()).unwrap() {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.code().to_string(),
    };
    let to = sent.flow.remote.ip().to_string();
    format!("{what} > {}", to.rsplit('.').next().unwrap())
}

pub fn status(sent: &[Transmit]) -> Response {
    Response::parse(sent.last().unwrap().bytes.clone(), &Limits::default()).unwrap()
}
