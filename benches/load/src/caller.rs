//! The side that calls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use sip_core::endpoint::{ClientId, Event, within};
use sip_core::header::{ContentType, From, NameAddr};
use sip_core::{DialogId, Method, Request, Response, SipUri, StatusCode};

use crate::agent::Agent;
use crate::latency::Latency;

/// A call of ours and where it stands.
#[derive(Debug)]
struct Call {
    begun: Duration,
    dialog: Option<DialogId>,
    /// When to hang up.
    ends: Option<Duration>,
    bye: Option<ClientId>,
    /// RTP port of ours, when the call has media.
    port: Option<u16>,
}

/// What became of calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) begun: u64,
    pub(crate) answered: u64,
    /// Ended as they should: answered, and BYE answered.
    pub(crate) completed: u64,
    /// Refused with 503 at once, as an overloaded server should.
    pub(crate) shed: u64,
    pub(crate) failed: u64,
}

/// An answered call's RTP: our port, and where the server wants it.
pub(crate) type Answered = (u16, SocketAddr);

/// Calls a number again and again.
pub(crate) struct Caller {
    pub(crate) agent: Agent,
    number: String,
    hold: Duration,
    calls: Vec<Option<Call>>,
    free: Vec<usize>,
    by_request: HashMap<ClientId, usize>,
    by_dialog: HashMap<DialogId, usize>,
    hangups: BinaryHeap<Reverse<(Duration, usize)>>,
    requests_made: u64,
    pub(crate) tally: Tally,
    pub(crate) setup: Latency,
    pub(crate) answered: Vec<Answered>,
    /// RTP ports of calls that are over.
    pub(crate) released: Vec<u16>,
}

impl Caller {
    pub(crate) fn new(agent: Agent, number: &str, hold: Duration) -> Self {
        Self {
            agent,
            number: number.into(),
            hold,
            calls: Vec::new(),
            free: Vec::new(),
            by_request: HashMap::new(),
            by_dialog: HashMap::new(),
            hangups: BinaryHeap::new(),
            requests_made: 0,
            tally: Tally::default(),
            setup: Latency::new(),
            answered: Vec::new(),
            released: Vec::new(),
        }
    }

    /// Requests that had to be sent again.
    pub(crate) fn retransmissions(&self) -> u64 {
        self.agent.requests_sent.saturating_sub(self.requests_made)
    }

    /// Calls that have not ended.
    pub(crate) fn pending(&self) -> usize {
        self.calls.len() - self.free.len()
    }

    /// Begins a call; with media it offers `port`.
    pub(crate) fn begin(&mut self, now: Duration, port: Option<u16>) {
        self.tally.begun += 1;
        let server = self.agent.flow.remote;
        let target = SipUri::new(&self.number, server.ip(), Some(server.port()));
        let mut invite = Request::new(Method::Invite, target);
        invite.headers.push(From(NameAddr::new(SipUri::new(
            "load",
            self.agent.local().ip(),
            None,
        ))));
        invite.headers.push(ContentType::sdp());
        invite.body = description(port.unwrap_or(40_000)).into();
        let flow = self.agent.flow;
        match self.agent.endpoint.invite(now, invite, flow) {
            Ok(id) => {
                self.requests_made += 1;
                let call = Call { begun: now, dialog: None, ends: None, bye: None, port };
                let at = match self.free.pop() {
                    Some(at) => {
                        self.calls[at] = Some(call);
                        at
                    }
                    None => {
                        self.calls.push(Some(call));
                        self.calls.len() - 1
                    }
                };
                self.by_request.insert(id, at);
            }
            Err(_) => {
                self.tally.failed += 1;
                self.released.extend(port);
            }
        }
    }

    /// When the next call is to be ended.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.hangups.peek().map(|next| next.0.0)
    }

    pub(crate) fn work(&mut self, now: Duration) {
        self.agent.receive(now);
        while let Some(event) = self.agent.event() {
            self.take(now, event);
        }
        while let Some(next) = self.hangups.peek()
            && next.0.0 <= now
        {
            let at = next.0.1;
            self.hangups.pop();
            // The place may be another call's by now, which has its own time.
            if self.calls[at].as_ref().and_then(|call| call.ends).is_some_and(|ends| ends <= now) {
                self.hang_up(now, at);
            }
        }
        self.agent.send();
    }

    /// Hangs up every call that is answered.
    pub(crate) fn end_all(&mut self, now: Duration) {
        self.hangups.clear();
        for at in 0..self.calls.len() {
            self.hang_up(now, at);
        }
        self.agent.send();
    }

    fn take(&mut self, now: Duration, event: Event) {
        match event {
            Event::Response { id, response, dialog, .. } => {
                let Some(&at) = self.by_request.get(&id) else { return };
                let Some(call) = self.calls[at].as_ref() else { return };
                if call.bye == Some(id) {
                    if response.status.is_final() {
                        self.by_request.remove(&id);
                        self.end(at, response.status.is_success());
                    }
                } else if response.status.is_success() {
                    self.established(now, at, dialog, &response);
                } else if response.status.is_final() {
                    self.by_request.remove(&id);
                    if response.status == StatusCode::SERVICE_UNAVAILABLE {
                        self.tally.shed += 1;
                        self.forget(at);
                    } else {
                        self.end(at, false);
                    }
                }
            }
            Event::Failed { id, .. } => {
                if let Some(at) = self.by_request.remove(&id) {
                    self.end(at, false);
                }
            }
            Event::Request { id, request, dialog, .. } => {
                let bye = request.method == Method::Bye;
                let status = if bye { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
                let _ = self.agent.endpoint.respond(now, id, Response::to(&request, status));
                // The server should not end our calls.
                if bye && let Some(at) = dialog.and_then(|dialog| self.by_dialog.get(&dialog)) {
                    self.end(*at, false);
                }
            }
            _ => {}
        }
    }

    fn established(
        &mut self,
        now: Duration,
        at: usize,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let (Some(call), Some(dialog)) = (self.calls[at].as_mut(), dialog) else { return };
        let _ = self.agent.endpoint.ack(now, dialog, None);
        if call.dialog.is_some() {
            return;
        }
        self.tally.answered += 1;
        self.setup.record(now - call.begun);
        call.dialog = Some(dialog);
        call.ends = Some(now + self.hold);
        self.by_dialog.insert(dialog, at);
        self.hangups.push(Reverse((now + self.hold, at)));
        if let (Some(port), Some(media)) = (call.port, media_address(&response.body)) {
            self.answered.push((port, media));
        }
    }

    fn hang_up(&mut self, now: Duration, at: usize) {
        let Some(call) = self.calls[at].as_mut() else { return };
        let (Some(dialog), None) = (call.dialog, call.bye) else { return };
        if let Ok(id) = self.agent.endpoint.request_in(now, dialog, within(Method::Bye)) {
            self.requests_made += 1;
            call.bye = Some(id);
            self.by_request.insert(id, at);
        }
    }

    fn end(&mut self, at: usize, well: bool) {
        if self.calls[at].is_some() {
            if well {
                self.tally.completed += 1;
            } else {
                self.tally.failed += 1;
            }
            self.forget(at);
        }
    }

    fn forget(&mut self, at: usize) {
        if let Some(call) = self.calls[at].take() {
            self.free.push(at);
            self.released.extend(call.port);
            if let Some(dialog) = call.dialog {
                self.by_dialog.remove(&dialog);
            }
        }
    }
}

/// An offer or answer of PCMA at a port of ours.
pub(crate) fn description(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
}

/// Where a description wants its audio.
pub(crate) fn media_address(body: &[u8]) -> Option<SocketAddr> {
    let body = sip_core::sdp::SessionDescription::parse(body, &Default::default()).ok()?;
    let media = body.media.first()?;
    let connection = media.connections.first().or(body.connection.as_ref())?;
    Some((connection.address.ip()?, media.port).into())
}
