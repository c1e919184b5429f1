//! All calls and registrations of a soak, on one endpoint.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sip_core::auth::client::Credentials;
use sip_core::dialog::transfer;
use sip_core::endpoint::{ClientId, Ended, Event, ServerId, SubscriptionId, within};
use sip_core::header::{ContentType, From, FromRef, NameAddr, ReferTo};
use sip_core::sdp::{Direction, Limits, SessionDescription};
use sip_core::{DialogId, Method, Request, Response, SipUri, StatusCode};

use super::registrations::Registrations;
use super::script::{Act, Kind, Role, script};
use super::{Options, PATIENCE};
use crate::agent::Agent;
use crate::caller::media_address;
use crate::latency::Latency;
use crate::media::Media;
use crate::registrant::Account;

/// How often a change or a transfer that the server puts off is tried again.
const TRIES: u8 = 5;
/// Packets of the right partner that make a voice heard, of about a hundred.
const HEARD: u64 = 5;

/// All calls and registrations of a soak.
pub(crate) struct Office {
    pub(crate) agent: Agent,
    pub(crate) registrations: Registrations,
    pub(crate) media: Media,
    pub(crate) tally: Tally,
    pub(crate) setup: Latency,
    accounts: Vec<Account>,
    hold: Duration,
    ports: VecDeque<u16>,
    random: ChaCha20Rng,
    /// What calls are like is decided apart, so that it does not depend on when something happens.
    plans: ChaCha20Rng,
    scenes: HashMap<u64, Scene>,
    next: u64,
    by_client: HashMap<ClientId, (u64, Role, Why)>,
    by_dialog: HashMap<DialogId, (u64, Role)>,
    by_subscription: HashMap<SubscriptionId, u64>,
    /// Who is to be called, by the numbers of caller and called.
    expected: HashMap<(String, String), (u64, Role)>,
    timers: BinaryHeap<Reverse<(Duration, u64)>>,
    requests: u64,
}

/// What has become of it all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Calls begun and calls that went as they should, by kind.
    pub(crate) calls: [(u64, u64); 4],
    /// Holds and resumptions.
    pub(crate) changes: u64,
    pub(crate) transfers: u64,
    /// Calls that were refused for the moment with 503, and made again.
    pub(crate) put_off: u64,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) most_at_once: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Call,
    Change,
    Bye,
}

/// One call from its beginning to its end, transfers included.
struct Scene {
    kind: Kind,
    users: [String; 3],
    begun: Duration,
    script: VecDeque<Act>,
    /// What is under way.
    act: Act,
    legs: [Option<Leg>; 4],
    /// When the act is over, or is tried again.
    wakes: Option<Duration>,
    deadline: Duration,
    tries: u8,
    transferred: bool,
    /// Packets heard by the caller and by its partner when listening began.
    heard: [u64; 2],
}

struct Leg {
    dialog: Option<DialogId>,
    /// Our INVITE, until it has its answer, and whether it was challenged.
    invite: Option<(Request, bool)>,
    port: u16,
    version: u32,
    direction: Direction,
    /// Where the server wants our voice.
    media: Option<SocketAddr>,
}

impl Office {
    pub(crate) fn new(
        agent: Agent,
        accounts: Vec<Account>,
        media: Media,
        ports: Vec<u16>,
        options: &Options,
    ) -> Self {
        let every = Duration::from_secs_f64(options.register);
        Self {
            registrations: Registrations::new(accounts.clone(), every, options.seed),
            agent,
            media,
            tally: Tally::default(),
            setup: Latency::new(),
            accounts,
            hold: Duration::from_secs_f64(options.hold),
            ports: ports.into(),
            random: ChaCha20Rng::seed_from_u64(options.seed),
            plans: ChaCha20Rng::seed_from_u64(!options.seed),
            scenes: HashMap::new(),
            next: 0,
            by_client: HashMap::new(),
            by_dialog: HashMap::new(),
            by_subscription: HashMap::new(),
            expected: HashMap::new(),
            timers: BinaryHeap::new(),
            requests: 0,
        }
    }

    /// Calls under way.
    pub(crate) fn calls(&self) -> usize {
        self.scenes.len()
    }

    /// Requests that had to be sent again, or were lost on their way.
    pub(crate) fn retransmissions(&self) -> u64 {
        self.agent.requests_sent.saturating_sub(self.requests + self.registrations.requests)
    }

    /// When something is to be done.
    pub(crate) fn due(&self) -> Option<Duration> {
        let timer = self.timers.peek().map(|next| next.0.0);
        let due = [timer, self.registrations.due(), self.agent.endpoint.poll_timeout()];
        due.into_iter().flatten().min()
    }

    pub(crate) fn work(&mut self, now: Duration) {
        self.agent.receive(now);
        while let Some(event) = self.agent.event() {
            self.take(now, event);
        }
        while let Some(Reverse((at, id))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            self.wake(now, id);
        }
        self.registrations.work(now, &mut self.agent);
        self.agent.send();
    }

    /// Begins a call.
    pub(crate) fn call(&mut self, now: Duration) {
        let kind = Kind::of(self.plans.next_u32());
        let chance = self.plans.next_u32();
        let Some(users) = self.free_users(kind) else {
            return self.note("no pair of telephones was free");
        };
        let id = self.next;
        self.next += 1;
        for (pair, role) in pairs(kind, &users) {
            self.expected.insert(pair, (id, role));
        }
        let deadline = now + self.hold + PATIENCE;
        let mut script = script(kind, self.hold, chance);
        let act = script.pop_front().unwrap_or(Act::Call);
        let scene = Scene {
            kind,
            users,
            begun: now,
            script,
            act,
            legs: [const { None }; 4],
            wakes: None,
            deadline,
            tries: 0,
            transferred: false,
            heard: [0; 2],
        };
        self.scenes.insert(id, scene);
        self.tally.calls[kind as usize].0 += 1;
        self.tally.most_at_once = self.tally.most_at_once.max(self.scenes.len());
        self.timers.push(Reverse((deadline, id)));
        self.perform(now, id);
    }

    /// Three users whose calls to each other cannot be taken for others'.
    fn free_users(&mut self, kind: Kind) -> Option<[String; 3]> {
        let count = self.accounts.len() as u32;
        for _ in 0..200 {
            let draw = [(); 3].map(|()| self.random.next_u32() % count);
            if draw[0] == draw[1] || draw[1] == draw[2] || draw[0] == draw[2] {
                continue;
            }
            let users = draw.map(|n| self.accounts[n as usize].user.clone());
            if pairs(kind, &users).iter().all(|(pair, _)| !self.expected.contains_key(pair)) {
                return Some(users);
            }
        }
        None
    }

    fn note(&mut self, failure: impl Into<String>) {
        *self.tally.failures.entry(failure.into()).or_default() += 1;
    }

    /// The act under way is over: the next one.
    fn proceed(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        scene.wakes = None;
        scene.tries = 0;
        if let Some(act) = scene.script.pop_front() {
            scene.act = act;
            self.perform(now, id);
        }
    }

    fn perform(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let [caller, callee, target] = scene.users.clone();
        match scene.act {
            Act::Call => self.invite(now, id, Role::Caller, &caller, &callee),
            Act::Consult => self.invite(now, id, Role::Consultation, &callee, &target),
            Act::Wait(time) => {
                scene.wakes = Some(now + time);
                self.timers.push(Reverse((now + time, id)));
            }
            Act::Direct(role, direction) => self.direct(now, id, role, direction),
            Act::Refer => self.refer(now, id, &target),
            Act::Listen => {
                scene.heard = scene.ports().map(|port| self.media.heard(port).0);
                self.proceed(now, id);
            }
            Act::Check => match self.check(id) {
                Ok(()) => self.proceed(now, id),
                Err(failure) => self.fail(now, id, failure),
            },
            Act::HangUp(role) => self.hang_up(now, id, role),
        }
    }

    fn wake(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get(&id) else { return };
        if now >= scene.deadline {
            let act = format!("{:?}", scene.act);
            let act = act.split(['(', ' ']).next().unwrap_or_default();
            let failure = format!("a call {} was not over in time: {act}", scene.name());
            return self.fail(now, id, failure);
        }
        if scene.wakes.is_none_or(|at| at > now) {
            return;
        }
        match scene.act {
            Act::Wait(_) => self.proceed(now, id),
            _ => self.perform(now, id),
        }
    }

    fn invite(&mut self, now: Duration, id: u64, role: Role, from: &str, to: &str) {
        let Some(port) = self.ports.pop_front() else {
            return self.fail(now, id, "no port of ours was free");
        };
        let server = self.agent.flow.remote;
        let uri = |user: &str| SipUri::new(user, server.ip(), Some(server.port()));
        let mut invite = Request::new(Method::Invite, uri(to));
        invite.headers.push(From(NameAddr::new(uri(from))));
        invite.headers.push(ContentType::sdp());
        let mut leg = Leg::new(port);
        invite.body = leg.describe(Direction::SendRecv).into();
        self.send_invite(now, id, role, leg, invite, false);
    }

    fn send_invite(
        &mut self,
        now: Duration,
        id: u64,
        role: Role,
        mut leg: Leg,
        invite: Request,
        challenged: bool,
    ) {
        let flow = self.agent.flow;
        let sent = self.agent.endpoint.invite(now, invite.clone(), flow);
        leg.invite = Some((invite, challenged));
        if let Some(scene) = self.scenes.get_mut(&id) {
            scene.legs[role as usize] = Some(leg);
        }
        match sent {
            Ok(client) => {
                self.requests += 1;
                self.by_client.insert(client, (id, role, Why::Call));
            }
            Err(error) => self.fail(now, id, error.to_string()),
        }
    }

    fn request_in(
        &mut self,
        now: Duration,
        id: u64,
        role: Role,
        why: Why,
        request: Request,
    ) -> bool {
        let leg = self.scenes.get(&id).and_then(|scene| scene.legs[role as usize].as_ref());
        let Some(dialog) = leg.and_then(|leg| leg.dialog) else { return false };
        match self.agent.endpoint.request_in(now, dialog, request) {
            Ok(client) => {
                self.requests += 1;
                self.by_client.insert(client, (id, role, why));
                true
            }
            Err(_) => false,
        }
    }

    fn direct(&mut self, now: Duration, id: u64, role: Role, direction: Direction) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let Some(leg) = &mut scene.legs[role as usize] else { return };
        let mut request = within(Method::Invite);
        request.headers.push(ContentType::sdp());
        request.body = leg.describe(direction).into();
        if !self.request_in(now, id, role, Why::Change, request) {
            self.try_again(now, id, "could not be sent");
        }
    }

    fn refer(&mut self, now: Duration, id: u64, target: &str) {
        let Some(scene) = self.scenes.get(&id) else { return };
        let dialog = |role: Role| scene.legs[role as usize].as_ref().and_then(|leg| leg.dialog);
        let Some(callees) = dialog(Role::Callee) else { return };
        let server = self.agent.flow.remote;
        let refer_to = match dialog(Role::Consultation) {
            Some(dialog) => self.agent.endpoint.dialog(dialog).and_then(transfer::refer_to),
            None => {
                let uri = SipUri::new(target, server.ip(), Some(server.port()));
                Some(ReferTo(NameAddr::new(uri)))
            }
        };
        let Some(refer_to) = refer_to else { return self.fail(now, id, "nobody to refer to") };
        let mut request = within(Method::Refer);
        request.headers.push(refer_to);
        match self.agent.endpoint.refer_in(now, callees, request) {
            Ok(subscription) => {
                self.requests += 1;
                self.by_subscription.insert(subscription, id);
            }
            Err(error) => self.fail(now, id, error.to_string()),
        }
    }

    /// The server has put off what was asked for: once more, a little later.
    fn try_again(&mut self, now: Duration, id: u64, why: &str) {
        let wait = Duration::from_millis(500 + u64::from(self.random.next_u32()) % 2_000);
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        scene.tries += 1;
        if scene.tries > TRIES {
            let what = match scene.act {
                Act::Call | Act::Consult => "a call",
                Act::Refer => "a transfer",
                _ => "a hold or resumption",
            };
            return self.fail(now, id, format!("{what} {why}"));
        }
        scene.wakes = Some(now + wait);
        self.timers.push(Reverse((now + wait, id)));
    }

    /// Whether both parties have heard each other, and nobody else.
    fn check(&self, id: u64) -> Result<(), String> {
        let Some(scene) = self.scenes.get(&id) else { return Ok(()) };
        let ports = scene.ports();
        for side in 0..2 {
            let (packets, from) = self.media.heard(ports[side]);
            if packets < scene.heard[side] + HEARD {
                return Err(format!("no voice in a call {}", scene.name()));
            }
            if from != ports[1 - side] {
                return Err(format!("another's voice in a call {}", scene.name()));
            }
        }
        Ok(())
    }

    fn hang_up(&mut self, now: Duration, id: u64, role: Role) {
        // Where the other side was faster there is nothing to say.
        if !self.request_in(now, id, role, Why::Bye, within(Method::Bye)) {
            self.end_if_over(id);
        }
    }

    fn take(&mut self, now: Duration, event: Event) {
        match event {
            Event::Response { id, response, dialog, .. } => {
                self.on_response(now, id, dialog, &response);
            }
            Event::Failed { id, .. } => {
                self.on_response(now, id, None, &Response::new(StatusCode::REQUEST_TIMEOUT));
            }
            Event::Request { id, dialog: None, request, .. } => self.on_call(now, id, &request),
            Event::Request { id, dialog: Some(dialog), request, .. } => {
                self.on_request(now, id, dialog, &request);
            }
            Event::Notified { subscription, request, .. } => {
                self.on_report(now, subscription, &request);
            }
            Event::SubscriptionEnded { subscription, why } => {
                self.on_reports_ended(now, subscription, why);
            }
            Event::AckTimeout { dialog } => {
                if let Some((id, _)) = self.by_dialog.get(&dialog) {
                    self.fail(now, *id, "no ACK came");
                }
            }
            _ => {}
        }
    }

    fn on_response(
        &mut self,
        now: Duration,
        client: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        if self.registrations.take(now, &mut self.agent, client, response) {
            return;
        }
        let status = response.status;
        if !status.is_final() {
            return;
        }
        let Some((id, role, why)) = self.by_client.remove(&client) else {
            if let (true, Some(dialog)) = (status.is_success(), dialog) {
                let _ = self.agent.endpoint.ack(now, dialog, None);
            }
            return;
        };
        if let (Why::Call | Why::Change, true, Some(dialog)) = (why, status.is_success(), dialog) {
            let _ = self.agent.endpoint.ack(now, dialog, None);
        }
        let Some(scene) = self.scenes.get_mut(&id) else {
            // It was given up meanwhile.
            if let (Why::Call, true, Some(dialog)) = (why, status.is_success(), dialog) {
                self.say_bye(now, dialog);
            }
            return;
        };
        let begun = scene.begun;
        let Some(leg) = &mut scene.legs[role as usize] else { return };
        match (why, status.code()) {
            (Why::Call, 200..=299) => {
                leg.dialog = dialog;
                leg.invite = None;
                leg.media = media_address(&response.body);
                leg.speak(&self.media);
                if let Some(dialog) = dialog {
                    self.by_dialog.insert(dialog, (id, role));
                }
                if role == Role::Caller {
                    self.setup.record(now - begun);
                }
                self.proceed(now, id);
            }
            (Why::Call, 401) if leg.invite.as_ref().is_some_and(|(_, challenged)| !challenged) => {
                self.authorize(now, id, role, response);
            }
            (Why::Call, 503) => {
                self.leave(id, role);
                self.tally.put_off += 1;
                self.try_again(now, id, "got 503");
            }
            (Why::Call, code) => self.fail(now, id, format!("a call got {code}")),
            (Why::Change, 200..=299) => {
                leg.media = media_address(&response.body).or(leg.media);
                leg.speak(&self.media);
                self.tally.changes += 1;
                self.proceed(now, id);
            }
            (Why::Change, code @ (491 | 500 | 503)) => {
                self.try_again(now, id, &format!("got {code}"));
            }
            (Why::Change, code) => self.fail(now, id, format!("a hold or resumption got {code}")),
            (Why::Bye, 200..=299) => self.leave(id, role),
            (Why::Bye, code) => self.fail(now, id, format!("a BYE got {code}")),
        }
    }

    fn authorize(&mut self, now: Duration, id: u64, role: Role, response: &Response) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let user = if role == Role::Caller { &scene.users[0] } else { &scene.users[1] };
        let account = self.accounts.iter().find(|account| account.user == *user);
        let Some(mut leg) = scene.legs[role as usize].take() else { return };
        let (Some(account), Some((mut invite, _))) = (account, leg.invite.take()) else { return };
        let credentials = Credentials::new(&account.user, &account.password);
        let authorized = credentials.authorize(&mut invite, response, &mut self.random);
        self.send_invite(now, id, role, leg, invite, true);
        if let Err(error) = authorized {
            self.fail(now, id, error.to_string());
        }
    }

    /// The server calls one of our telephones.
    fn on_call(&mut self, now: Duration, server: ServerId, request: &Request) {
        if request.method != Method::Invite {
            let status = if request.method == Method::Options { 200 } else { 405 };
            let status = StatusCode::new(status).unwrap_or(StatusCode::OK);
            let _ = self.agent.endpoint.respond(now, server, Response::to(request, status));
            return;
        }
        let from = request.headers.typed::<FromRef<'_>>().ok().flatten();
        let from = from
            .and_then(|from| from.uri().to_uri().as_sip()?.user().map(|user| user.into_owned()));
        let to = request.uri.as_sip().and_then(|uri| uri.user()).map(|user| user.into_owned());
        let pair = from.zip(to);
        let found = pair.and_then(|pair| self.expected.get(&pair).copied());
        let called = found.filter(|(id, role)| {
            self.scenes.get(id).is_some_and(|scene| scene.legs[*role as usize].is_none())
        });
        let (Some((id, role)), Some(port)) = (called, self.ports.pop_front()) else {
            self.note("a telephone was called that nobody has called");
            let busy = Response::to(request, StatusCode::BUSY_HERE);
            let _ = self.agent.endpoint.respond(now, server, busy);
            return;
        };
        let mut leg = Leg::new(port);
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.push(ContentType::sdp());
        response.body = leg.describe(Direction::SendRecv).into();
        leg.media = media_address(&request.body);
        if let Ok(Some(dialog)) = self.agent.endpoint.respond(now, server, response) {
            leg.dialog = Some(dialog);
            self.by_dialog.insert(dialog, (id, role));
        }
        leg.speak(&self.media);
        if let Some(scene) = self.scenes.get_mut(&id) {
            scene.legs[role as usize] = Some(leg);
        }
    }

    fn on_request(&mut self, now: Duration, server: ServerId, dialog: DialogId, request: &Request) {
        let known = self.by_dialog.get(&dialog).copied();
        let scene = known.and_then(|(id, role)| Some((id, role, self.scenes.get_mut(&id)?)));
        let mut response = Response::to(request, StatusCode::OK);
        match (&request.method, scene) {
            (Method::Invite, Some((_, role, scene))) => {
                let offer = SessionDescription::parse_bytes(&request.body, &Limits::default()).ok();
                let offered =
                    offer.as_ref().and_then(|offer| Some(offer.direction_of(offer.audio()?)));
                if let Some(leg) = &mut scene.legs[role as usize] {
                    let direction = offered.unwrap_or(Direction::SendRecv).reversed();
                    response.headers.push(ContentType::sdp());
                    response.body = leg.describe(direction).into();
                    leg.media = media_address(&request.body).or(leg.media);
                    leg.speak(&self.media);
                }
                let _ = self.agent.endpoint.respond(now, server, response);
            }
            (Method::Bye, Some((id, role, scene))) => {
                let transferred = scene.transferred || scene.act == Act::Refer;
                let expected = match scene.act {
                    Act::HangUp(_) => true,
                    _ => transferred && matches!(role, Role::Callee | Role::Consultation),
                };
                let _ = self.agent.endpoint.respond(now, server, response);
                if expected {
                    self.leave(id, role);
                } else {
                    let failure = format!("the server hung up in a call {}", scene.name());
                    self.fail(now, id, failure);
                }
            }
            (Method::Bye, None) => {
                let _ = self.agent.endpoint.respond(now, server, response);
            }
            _ => {
                let refusal = Response::to(request, StatusCode::METHOD_NOT_ALLOWED);
                let _ = self.agent.endpoint.respond(now, server, refusal);
            }
        }
    }

    fn on_report(&mut self, now: Duration, subscription: SubscriptionId, request: &Request) {
        let Some(id) = self.by_subscription.get(&subscription).copied() else { return };
        let line = String::from_utf8_lossy(&request.body);
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse::<u16>().ok());
        let Some(scene) = self.scenes.get_mut(&id).filter(|scene| !scene.transferred) else {
            return;
        };
        match status {
            Some(100..=199) => {}
            Some(200..=299) => {
                scene.transferred = true;
                self.tally.transfers += 1;
                // Half of the telephones hang up by themselves.
                if self.random.next_u32() & 1 == 0 {
                    self.request_in(now, id, Role::Callee, Why::Bye, within(Method::Bye));
                }
                self.proceed(now, id);
            }
            other => {
                let other = other.unwrap_or_default();
                self.fail(now, id, format!("a transfer was told {other}"));
            }
        }
    }

    fn on_reports_ended(&mut self, now: Duration, subscription: SubscriptionId, why: Ended) {
        let Some(id) = self.by_subscription.remove(&subscription) else { return };
        if self.scenes.get(&id).is_none_or(|scene| scene.transferred) {
            return;
        }
        match why {
            Ended::Refused(response) if matches!(response.status.code(), 491 | 500 | 503) => {
                self.try_again(now, id, &format!("got {}", response.status.code()));
            }
            Ended::Refused(response) => {
                let code = response.status.code();
                self.fail(now, id, format!("a transfer got {code}"));
            }
            _ => self.fail(now, id, "a transfer had no outcome"),
        }
    }

    /// One party is out of the call.
    fn leave(&mut self, id: u64, role: Role) {
        let leg = self.scenes.get_mut(&id).and_then(|scene| scene.legs[role as usize].take());
        if let Some(leg) = leg {
            self.release(leg);
        }
        self.end_if_over(id);
    }

    fn release(&mut self, leg: Leg) -> Option<DialogId> {
        self.media.be_silent(leg.port);
        self.ports.push_back(leg.port);
        if let Some(dialog) = leg.dialog {
            self.by_dialog.remove(&dialog);
        }
        leg.dialog
    }

    fn end_if_over(&mut self, id: u64) {
        let over = self.scenes.get(&id).is_some_and(|scene| {
            matches!(scene.act, Act::HangUp(_)) && scene.legs.iter().all(Option::is_none)
        });
        if over && let Some(scene) = self.scenes.remove(&id) {
            self.forget_pairs(id, &scene);
            self.tally.calls[scene.kind as usize].1 += 1;
        }
    }

    fn forget_pairs(&mut self, id: u64, scene: &Scene) {
        for (pair, _) in pairs(scene.kind, &scene.users) {
            if self.expected.get(&pair).is_some_and(|(expects, _)| *expects == id) {
                self.expected.remove(&pair);
            }
        }
    }

    /// A call has failed: it is counted, and everybody hangs up.
    fn fail(&mut self, now: Duration, id: u64, failure: impl Into<String>) {
        let Some(mut scene) = self.scenes.remove(&id) else { return };
        self.note(failure);
        self.forget_pairs(id, &scene);
        for role in Role::ALL {
            let dialog = scene.legs[role as usize].take().and_then(|leg| self.release(leg));
            if let Some(dialog) = dialog {
                self.say_bye(now, dialog);
            }
        }
    }

    fn say_bye(&mut self, now: Duration, dialog: DialogId) {
        if self.agent.endpoint.request_in(now, dialog, within(Method::Bye)).is_ok() {
            self.requests += 1;
        }
    }
}

impl Scene {
    /// The RTP ports of the caller and of whom it should hear.
    fn ports(&self) -> [u16; 2] {
        let partner = if self.transferred { Role::Target } else { Role::Callee };
        let port = |role: Role| self.legs[role as usize].as_ref().map_or(0, |leg| leg.port);
        [port(Role::Caller), port(partner)]
    }

    fn name(&self) -> &'static str {
        Kind::ALL[self.kind as usize].1
    }
}

impl Leg {
    fn new(port: u16) -> Self {
        Self {
            dialog: None,
            invite: None,
            port,
            version: 0,
            direction: Direction::SendRecv,
            media: None,
        }
    }

    /// The next offer or answer, which lets media flow so.
    fn describe(&mut self, direction: Direction) -> String {
        self.version += 1;
        self.direction = direction;
        let Self { port, version, .. } = self;
        format!(
            "v=0\r\no=- {port} {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={}\r\n",
            direction.as_str()
        )
    }

    /// Speaks, or is silent, as agreed.
    fn speak(&self, media: &Media) {
        match self.media {
            Some(to) if self.direction.sends() => media.speak(self.port, to),
            _ => media.be_silent(self.port),
        }
    }
}

/// Who will be called by whom in a call of a kind.
fn pairs(kind: Kind, [caller, callee, target]: &[String; 3]) -> Vec<((String, String), Role)> {
    let mut pairs = vec![((caller.clone(), callee.clone()), Role::Callee)];
    match kind {
        Kind::Plain | Kind::Held => {}
        Kind::Blind => pairs.push(((caller.clone(), target.clone()), Role::Target)),
        Kind::Attended => pairs.push(((callee.clone(), target.clone()), Role::Target)),
    }
    pairs
}
