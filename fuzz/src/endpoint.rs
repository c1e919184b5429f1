use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{
    self, ClientId, Config, Endpoint, Event, Input, Notice, ServerId, SubscriptionId,
};
use sip_core::header::{
    self, CallId, Contact, ContentType, From, MinSe, NameAddr, RAck, RSeq, ReferTo, Require, To,
};
use sip_core::transaction::Tables;
use sip_core::{
    ConnectionId, Flow, HeaderName, Limits, Message, Method, Request, Response, SipUri, StatusCode,
    Token, Transport,
};

const CLIENTS: usize = 6;
const SERVERS: usize = 6;
const DIALOGS: usize = 6;
const FORKS: usize = 3;
const EVENTS: usize = 24;
const EXTENSIONS: [&str; 7] =
    ["100rel", "timer", "replaces", "join", "tdialog", "norefersub", "from-change"];

/// A user agent whose peer says anything at any time, and whose user does so too.
///
/// The input is a script; each byte is a step, and bytes that mean nothing are passed over:
///
/// | byte | step |
/// |---|---|
/// | `I` `O` | the peer's INVITE or OPTIONS outside a dialog |
/// | `R` `U` `B` `N` | its re-INVITE, UPDATE, BYE or INFO in a dialog |
/// | `C` `A` | its CANCEL and ACK for its last INVITE |
/// | `X` `E` | its INVITE with an offer that requires 100rel, and one that replaces a dialog |
/// | `D` `V` | its UPDATE with an offer, its PRACK for our last reliable response |
/// | `W` `T` `F` | its SUBSCRIBE, NOTIFY or REFER in a dialog, or outside when there is none |
/// | `0` to `7` | its response to a request of ours: 100, 180, 200, 302, 401, 503, 603, 486 |
/// | `8` `9` | that of another fork: 183, 200 |
/// | `(` `)` | a reliable 183 with a description; a 422 |
/// | `&` | what it sent last, once more |
/// | `~` and three bytes | changes what it sends next: how, where, and into what |
/// | `i` `o` | our INVITE or OPTIONS |
/// | `r` `u` `b` | our re-INVITE, UPDATE or BYE in a dialog |
/// | `c` `a` `x` | we cancel, acknowledge, or abandon a dialog |
/// | `t` `p` `y` `n` `e` | we answer 100, 180, 200, 486 or 500 |
/// | `q` `Q` | we answer 180 reliably, and 183 with a description |
/// | `k` `d` `g` | we send PRACK with an answer, UPDATE with an offer, or that after a glare's delay |
/// | `s` `h` | we subscribe, or refer in a dialog |
/// | `m` `j` `z` | we accept a SUBSCRIBE or REFER, tell of it, or end a subscription |
/// | `<` `>` | from now on an older, or a newer, request or dialog is meant |
/// | `S` | the peer sends over TCP from now on, or over UDP again |
/// | `f` | a flow fails |
/// | `.` `,` `;` | 100 ms, 1 s or 32 s pass |
///
/// Nothing panics; what is sent can be read; tables keep to their capacity, and are empty when the user has left
/// all it was told of and time has passed.
pub fn endpoint(data: &[u8]) {
    let mut bench = Bench::new();
    let mut script = data.iter().copied().take(300);
    while let Some(byte) = script.next() {
        if byte == b'~' {
            bench.change = [(); 3].map(|()| script.next().unwrap_or_default());
        } else {
            bench.step(byte);
        }
        bench.collect();
    }
    bench.rest();
}

struct Bench {
    endpoint: Endpoint,
    now: Duration,
    transport: Transport,
    /// What waits for the user.
    servers: Vec<(ServerId, Request)>,
    clients: Vec<ClientId>,
    dialogs: Vec<DialogId>,
    /// Our subscriptions and the peer's.
    subscriptions: Vec<SubscriptionId>,
    /// What the peer has heard.
    heard: Vec<Request>,
    /// Our last reliable response.
    reliable: Option<RAck>,
    /// The peer's last INVITE, what it sent last, and how many requests it has made.
    invite: Option<Request>,
    last: Option<Bytes>,
    count: u32,
    older: usize,
    /// How many reliable responses it has sent.
    said: u32,
    /// How what is sent next is changed; a first byte of 0 is not at all.
    change: [u8; 3],
}

impl Bench {
    fn new() -> Self {
        let mut config = Config::default();
        config.capacity.transactions =
            Tables { clients: CLIENTS, servers: SERVERS, ..Tables::default() };
        config.capacity.dialogs = DIALOGS;
        config.capacity.forks = FORKS;
        config.capacity.events = EVENTS;
        config.user_agent = Some("fuzz".to_owned());
        config.allow.push(Method::Update);
        config.supported = EXTENSIONS.iter().map(|tag| Token::from_static(tag)).collect();
        config.info_packages = vec![Token::from_static("dtmf")];
        config.session_timer.interval = 90;
        Self {
            endpoint: Endpoint::new(config, Box::new(ChaCha8Rng::seed_from_u64(1))),
            now: Duration::from_secs(1),
            transport: Transport::Udp,
            servers: Vec::new(),
            clients: Vec::new(),
            dialogs: Vec::new(),
            subscriptions: Vec::new(),
            heard: Vec::new(),
            reliable: None,
            invite: None,
            last: None,
            count: 0,
            older: 0,
            said: 0,
            change: [0; 3],
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'I' => self.peer_asks(Method::Invite, None),
            b'O' => self.peer_asks(Method::Options, None),
            b'R' => self.peer_asks(Method::Invite, self.dialog()),
            b'U' => self.peer_asks(Method::Update, self.dialog()),
            b'B' => self.peer_asks(Method::Bye, self.dialog()),
            b'N' => self.peer_asks(Method::Info, self.dialog()),
            b'X' => self.peer_offers(Method::Invite, None, "Require: 100rel\r\n"),
            b'D' => self.peer_offers(Method::Update, self.dialog(), ""),
            b'V' => {
                if let Some(rack) = &self.reliable {
                    let line = format!("RAck: {} {} INVITE\r\n", rack.response, rack.cseq.number);
                    self.peer_says(Method::Prack, self.dialog(), &line, "");
                }
            }
            b'E' => {
                let dialog = self.dialog().and_then(|dialog| self.endpoint.dialog(dialog));
                let line = dialog.map(|dialog| {
                    format!(
                        "Replaces: {};to-tag={};from-tag={}\r\n",
                        dialog.call_id().as_str(),
                        dialog.local_tag(),
                        dialog.remote_tag()
                    )
                });
                self.peer_says(Method::Invite, None, &line.unwrap_or_default(), "");
            }
            b'W' => {
                let lines = "Event: dialog\r\nExpires: 60\r\n";
                self.peer_says(Method::Subscribe, self.dialog(), lines, "");
            }
            b'T' => {
                let lines = "Event: dialog\r\nSubscription-State: active;expires=60\r\n";
                let dialog = self.dialog();
                match (dialog, self.heard.iter().rev().find(|r| r.method == Method::Subscribe)) {
                    (None, Some(request)) => {
                        let call_id = request.headers.require::<CallId>().unwrap();
                        let from = request.headers.require::<From>().unwrap();
                        let to = format!(";tag={}", from.tag().unwrap_or_default());
                        self.peer_writes(Method::Notify, call_id.as_str(), "n", &to, lines, "");
                    }
                    _ => self.peer_says(Method::Notify, dialog, lines, ""),
                }
            }
            b'F' => {
                let lines = "Refer-To: <sip:x@y>\r\n";
                self.peer_says(Method::Refer, self.dialog(), lines, "");
            }
            b'(' | b')' => self.peer_answers_at_length(byte),
            b'q' => self.answer_reliably(StatusCode::RINGING, false),
            b'Q' => self.answer_reliably(StatusCode::SESSION_PROGRESS, true),
            b'k' => {
                if let Some(dialog) = self.dialog() {
                    let answer = (ContentType::sdp(), Bytes::from_static(b"v=0\r\n"));
                    if let Ok(client) = self.endpoint.prack(self.now, dialog, answer) {
                        self.clients.push(client);
                    }
                }
            }
            b'd' | b'g' => {
                if let Some(dialog) = self.dialog() {
                    let mut request = endpoint::within(Method::Update);
                    request.headers.set(ContentType::sdp());
                    request.body = Bytes::from_static(b"v=0\r\n");
                    let sent = match byte {
                        b'd' => self.endpoint.request_in(self.now, dialog, request),
                        _ => self.endpoint.request_after_glare(self.now, dialog, request),
                    };
                    self.clients.extend(sent);
                }
            }
            b's' => {
                let mut request =
                    Request::new(Method::Subscribe, SipUri::new("p", peer().ip(), None));
                let uri = SipUri::new("a", SocketAddr::from(([192, 0, 2, 1], 0)).ip(), None);
                request.headers.push(From(NameAddr::new(uri)));
                request.headers.push(header::Event::new(Token::from_static("dialog")));
                let flow = self.flow();
                self.subscriptions.extend(self.endpoint.subscribe(self.now, request, flow));
            }
            b'h' => {
                if let Some(dialog) = self.dialog() {
                    let mut request = endpoint::within(Method::Refer);
                    request.headers.push(ReferTo(NameAddr::parse("<sip:x@y>").unwrap()));
                    self.subscriptions.extend(self.endpoint.refer_in(self.now, dialog, request));
                }
            }
            b'm' => self.accept(),
            b'j' => {
                if let Some(id) = self.pick(&self.subscriptions).copied()
                    && self.endpoint.report(self.now, id, StatusCode::OK).is_err()
                {
                    let _ = self.endpoint.notify(self.now, id, Notice::default());
                }
            }
            b'z' => {
                if let Some(id) = self.pick(&self.subscriptions).copied() {
                    self.leave(id);
                }
            }
            b'C' => self.peer_follows(Method::Cancel),
            b'A' => self.peer_follows(Method::Ack),
            b'0'..=b'9' => self.peer_answers(byte),
            b'&' => self.receive(self.last.clone()),
            b'i' => self.ask(Method::Invite),
            b'o' => self.ask(Method::Options),
            b'r' => self.ask_in(Method::Invite),
            b'u' => self.ask_in(Method::Update),
            b'b' => self.ask_in(Method::Bye),
            b'c' => {
                if let Some(client) = self.pick(&self.clients) {
                    let _ = self.endpoint.cancel(self.now, *client);
                }
            }
            b'a' => {
                if let Some(dialog) = self.dialog() {
                    let _ = self.endpoint.ack(self.now, dialog, None);
                }
            }
            b'x' => {
                if let Some(dialog) = self.dialog() {
                    let _ = self.endpoint.abandon(self.now, dialog);
                }
            }
            b't' => self.answer(StatusCode::TRYING),
            b'p' => self.answer(StatusCode::RINGING),
            b'y' => self.answer(StatusCode::OK),
            b'n' => self.answer(StatusCode::BUSY_HERE),
            b'e' => self.answer(StatusCode::SERVER_INTERNAL_ERROR),
            b'<' => self.older += 1,
            b'>' => self.older = self.older.saturating_sub(1),
            b'S' => {
                let tcp = self.transport == Transport::Udp;
                self.transport = if tcp { Transport::Tcp } else { Transport::Udp };
            }
            b'f' => {
                let input = Input::FlowFailed { flow: self.flow() };
                self.endpoint.handle_input(self.now, input);
            }
            b'.' => self.wait(Duration::from_millis(100)),
            b',' => self.wait(Duration::from_secs(1)),
            b';' => self.wait(Duration::from_secs(32)),
            _ => {}
        }
    }

    fn flow(&self) -> Flow {
        let reliable = self.transport.is_reliable();
        Flow {
            transport: self.transport,
            local: ([192, 0, 2, 1], 5060).into(),
            remote: peer(),
            connection: reliable.then_some(ConnectionId { index: 1, generation: 0 }),
        }
    }

    /// The newest of a list, or the one that `<` and `>` have chosen.
    fn pick<'a, T>(&self, list: &'a [T]) -> Option<&'a T> {
        list.iter().rev().cycle().nth(self.older % list.len().max(1))
    }

    fn dialog(&self) -> Option<DialogId> {
        self.pick(&self.dialogs).copied()
    }

    fn peer_asks(&mut self, method: Method, dialog: Option<DialogId>) {
        self.peer_says(method, dialog, "", "");
    }

    fn peer_offers(&mut self, method: Method, dialog: Option<DialogId>, lines: &str) {
        let lines = format!("{lines}Content-Type: application/sdp\r\n");
        self.peer_says(method, dialog, &lines, "v=0\r\n");
    }

    fn peer_says(&mut self, method: Method, dialog: Option<DialogId>, lines: &str, body: &str) {
        let count = self.count + 1;
        let dialog = dialog.and_then(|dialog| self.endpoint.dialog(dialog));
        let (call_id, from, to) = match dialog {
            Some(dialog) => (
                dialog.call_id().to_string(),
                dialog.remote_tag().to_owned(),
                format!(";tag={}", dialog.local_tag()),
            ),
            None => (format!("call-{count}"), format!("p{count}"), String::new()),
        };
        self.peer_writes(method, &call_id, &from, &to, lines, body);
    }

    fn peer_writes(
        &mut self,
        method: Method,
        call_id: &str,
        from: &str,
        to: &str,
        lines: &str,
        body: &str,
    ) {
        self.count += 1;
        let (count, length) = (self.count, body.len());
        let transport = self.transport;
        let text = format!(
            "{method} sip:a@192.0.2.1 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} 192.0.2.2:5060;branch=z9hG4bKp{count};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:p@192.0.2.2>;tag={from}\r\n\
             To: <sip:a@192.0.2.1>{to}\r\nCall-ID: {call_id}\r\nCSeq: {count} {method}\r\n\
             Supported: 100rel, timer, from-change\r\nAllow: INVITE, UPDATE\r\n{lines}\
             Contact: <sip:p@192.0.2.2:5060>\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let bytes = Bytes::from(text);
        if method == Method::Invite {
            self.invite = Request::parse(bytes.clone(), &Limits::default()).ok();
        }
        self.receive(Some(bytes));
    }

    /// CANCEL and ACK have the Via, From, Call-ID and number of their INVITE; the ACK for a 2xx its own branch
    /// and our tag.
    fn peer_follows(&mut self, method: Method) {
        let Some(invite) = &self.invite else { return };
        let mut request = invite.clone();
        request.headers.remove(HeaderName::Contact);
        request.headers.remove(HeaderName::CSeq);
        let number = invite.headers.require::<sip_core::header::CSeq>().unwrap().number;
        request.headers.push(sip_core::header::CSeq { number, method: method.clone() });
        if method == Method::Ack
            && let Some(dialog) = self.dialog().and_then(|id| self.endpoint.dialog(id))
        {
            let mut to = request.headers.require::<To>().unwrap();
            let _ = to.set_tag(dialog.local_tag());
            request.headers.set(to);
        }
        request.method = method;
        self.receive(Some(request.to_bytes()));
    }

    fn peer_answers(&mut self, digit: u8) {
        const STATUSES: [u16; 10] = [100, 180, 200, 302, 401, 503, 603, 486, 183, 200];
        let Some(request) = self.pick(&self.heard) else { return };
        let index = usize::from(digit - b'0');
        let mut response = Response::to(request, StatusCode::new(STATUSES[index]).unwrap());
        if let Ok(mut to) = response.headers.require::<To>() {
            let _ = to.set_tag(if index < 8 { "p" } else { "q" });
            response.headers.set(to);
        }
        let uri = SipUri::new("p", peer().ip(), Some(peer().port()));
        response.headers.set(Contact::new(uri));
        self.receive(Some(response.to_bytes()));
    }

    fn peer_answers_at_length(&mut self, byte: u8) {
        let Some(request) = self.pick(&self.heard).cloned() else { return };
        let status = if byte == b'(' { 183 } else { 422 };
        let mut response = Response::to(&request, StatusCode::new(status).unwrap());
        if let Ok(mut to) = response.headers.require::<To>() {
            let _ = to.set_tag("p");
            response.headers.set(to);
        }
        let uri = SipUri::new("p", peer().ip(), Some(peer().port()));
        response.headers.set(Contact::new(uri));
        if status == 183 {
            self.said += 1;
            response.headers.set(RSeq(self.said));
            response.headers.set(Require(vec![Token::from_static("100rel")]));
            response.headers.set(ContentType::sdp());
            response.body = Bytes::from_static(b"v=0\r\n");
        } else {
            response.headers.set(MinSe::new(90 + 10 * (self.older as u32 % 10)));
        }
        self.receive(Some(response.to_bytes()));
    }

    fn answer_reliably(&mut self, status: StatusCode, described: bool) {
        let Some((id, request)) = self.pick(&self.servers).cloned() else { return };
        let mut response = Response::to(&request, status);
        if described {
            response.headers.set(ContentType::sdp());
            response.body = Bytes::from_static(b"v=0\r\n");
        }
        if let Ok(Some(dialog)) = self.endpoint.respond_reliably(self.now, id, response)
            && !self.dialogs.contains(&dialog)
        {
            self.dialogs.push(dialog);
        }
    }

    fn accept(&mut self) {
        let Some((id, request)) = self.pick(&self.servers).cloned() else { return };
        let response = Response::to(&request, StatusCode::OK);
        let accepted = match request.method {
            Method::Subscribe => self
                .endpoint
                .accept_subscription(self.now, id, response, Notice::default())
                .map(Some),
            Method::Refer => self.endpoint.accept_refer(self.now, id, response),
            _ => return,
        };
        if let Ok(subscription) = accepted {
            self.subscriptions.extend(subscription);
            self.servers.retain(|(server, _)| *server != id);
        }
    }

    fn leave(&mut self, id: SubscriptionId) {
        if self.endpoint.unsubscribe(self.now, id).is_err() {
            let _ = self.endpoint.end_subscription(self.now, id, "noresource", Notice::default());
        }
    }

    fn receive(&mut self, bytes: Option<Bytes>) {
        let Some(bytes) = bytes else { return };
        let bytes = changed(bytes, std::mem::take(&mut self.change), self.last.as_ref());
        self.last = Some(bytes.clone());
        let input = Input::Received { flow: self.flow(), message: bytes };
        self.endpoint.handle_input(self.now, input);
    }

    fn ask(&mut self, method: Method) {
        let mut request = Request::new(method, SipUri::new("p", peer().ip(), None));
        let uri = SipUri::new("a", SocketAddr::from(([192, 0, 2, 1], 0)).ip(), None);
        request.headers.push(From(NameAddr::new(uri)));
        if let Ok(client) = self.endpoint.request(self.now, request, self.flow()) {
            self.clients.push(client);
        }
    }

    fn ask_in(&mut self, method: Method) {
        let Some(dialog) = self.dialog() else { return };
        let request = Request::new(method, SipUri::new("", peer().ip(), None));
        if let Ok(client) = self.endpoint.request_in(self.now, dialog, request) {
            self.clients.push(client);
        }
    }

    fn answer(&mut self, status: StatusCode) {
        let Some((id, request)) = self.pick(&self.servers).cloned() else { return };
        let response = Response::to(&request, status);
        if let Ok(Some(dialog)) = self.endpoint.respond(self.now, id, response)
            && !self.dialogs.contains(&dialog)
        {
            self.dialogs.push(dialog);
        }
        if status.is_final() {
            self.servers.retain(|(server, _)| *server != id);
        }
    }

    /// Lets time pass, timer by timer.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        for round in 0.. {
            assert!(round < 10_000, "timers without end");
            let Some(at) = self.endpoint.poll_timeout().filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
    }

    /// Takes what the endpoint has to send and to tell.
    fn collect(&mut self) {
        // Each INVITE may have its CANCEL beyond the limit.
        assert!(self.endpoint.transactions() <= 2 * CLIENTS + SERVERS);
        // A request that was let in may still make its dialog when others have filled the table.
        assert!(self.endpoint.dialogs() <= DIALOGS + SERVERS + CLIENTS * FORKS);
        while let Some(transmit) = self.endpoint.poll_transmit() {
            match Message::parse(transmit.bytes.clone(), &Limits::default()) {
                Ok(Message::Request(request)) => self.heard.push(request),
                Ok(Message::Response(response)) => {
                    if let (Ok(RSeq(response)), Ok(cseq)) =
                        (response.headers.require(), response.headers.require())
                    {
                        self.reliable = Some(RAck { response, cseq });
                    }
                }
                Err(error) => panic!("{error} in {}", transmit.bytes.escape_ascii()),
            }
        }
        let first = self.heard.len().saturating_sub(32);
        self.heard.drain(..first);
        for count in 0.. {
            let Some(event) = self.endpoint.poll_event() else { break };
            assert!(count < EVENTS + 6 * (CLIENTS + SERVERS + DIALOGS), "events without bound");
            match event {
                Event::Request { id, request, .. } => self.servers.push((id, request)),
                Event::Cancelled { id } => {
                    self.servers.retain(|(server, _)| *server != id);
                }
                Event::Response { dialog: Some(dialog), .. } | Event::AckTimeout { dialog }
                    if !self.dialogs.contains(&dialog) =>
                {
                    self.dialogs.push(dialog);
                }
                Event::Notified { dialog, subscription, .. } => {
                    if !self.dialogs.contains(&dialog) {
                        self.dialogs.push(dialog);
                    }
                    if !self.subscriptions.contains(&subscription) {
                        self.subscriptions.push(subscription);
                    }
                }
                Event::SubscriptionForked { subscription, .. } => {
                    self.subscriptions.push(subscription);
                }
                Event::SubscriptionEnded { subscription, .. } => {
                    self.subscriptions.retain(|known| *known != subscription);
                }
                _ => {}
            }
        }
        assert!(self.endpoint.subscriptions() <= DIALOGS * 2 + SERVERS);
        let endpoint = &self.endpoint;
        self.dialogs.retain(|dialog| endpoint.dialog(*dialog).is_some());
    }

    /// The user leaves everything, nobody answers, and time passes.
    fn rest(&mut self) {
        for _ in 0..3 {
            self.older = 0;
            while !self.servers.is_empty() {
                self.answer(StatusCode::SERVER_INTERNAL_ERROR);
                self.collect();
            }
            for id in self.subscriptions.clone() {
                self.leave(id);
            }
            for client in &self.clients {
                let _ = self.endpoint.cancel(self.now, *client);
            }
            for dialog in std::mem::take(&mut self.dialogs) {
                let bye = Request::new(Method::Bye, SipUri::new("", peer().ip(), None));
                if self.endpoint.request_in(self.now, dialog, bye).is_err() {
                    let _ = self.endpoint.abandon(self.now, dialog);
                }
            }
            self.collect();
            self.wait(Duration::from_secs(100));
        }
        assert_eq!((self.endpoint.transactions(), self.endpoint.dialogs()), (0, 0));
        assert!(self.endpoint.is_idle(), "{:?} at rest", self.endpoint);
        assert_eq!(self.endpoint.poll_timeout(), None);
    }
}

fn peer() -> SocketAddr {
    ([192, 0, 2, 2], 5060).into()
}

/// A message with something changed: `how`, `at` a place in 256ths of it, into `what`.
fn changed(bytes: Bytes, [how, at, what]: [u8; 3], other: Option<&Bytes>) -> Bytes {
    if how == 0 || bytes.is_empty() {
        return bytes;
    }
    let mut bytes = bytes.to_vec();
    let at = bytes.len() * usize::from(at) / 256;
    let length = usize::from(what).min(bytes.len() - at);
    match how % 7 {
        0 => bytes[at] ^= what.max(1),
        1 => bytes.insert(at, what),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + length)),
        4 => {
            let part = bytes[at..at + length].to_vec();
            bytes.splice(at..at, part);
        }
        5 => {
            let other = other.map(|other| other.to_vec()).unwrap_or_default();
            bytes.truncate(at);
            bytes.extend(other.get(other.len() * usize::from(what) / 256..).unwrap_or_default());
        }
        _ => {
            const LINES: [&str; 8] = [
                "Require: 100rel\r\n",
                "Record-Route: <sip:r;lr>\r\n",
                "Contact: *\r\n",
                "Content-Length: 4294967295\r\n",
                "Route: <sip:192.0.2.9>\r\n",
                "CSeq: 4294967295 INVITE\r\n",
                "To: <sip:x@y>;tag=\r\n",
                "Via: SIP/2.0/UDP h;branch=z9hG4bK\r\n",
            ];
            let line = LINES[usize::from(what) % LINES.len()];
            let start =
                bytes.iter().skip(at).position(|byte| *byte == b'\n').map_or(0, |n| at + n + 1);
            bytes.splice(start..start, line.bytes());
        }
    }
    bytes.into()
}
