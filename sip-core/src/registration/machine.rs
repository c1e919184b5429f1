//! The registration of one address of record.

use core::time::Duration;
use std::collections::VecDeque;

use rand_core::Rng;

use super::Config;
use super::config::KeepAlive;
use super::event::{AttemptId, Event, Outgoing, Reason};
use super::keep_alive::{Keeper, Pulse};
use super::leg::{self, Bound, Leg};
use crate::auth::client::Error as AuthError;
use crate::flow::{Flow, Transmit};
use crate::header::{
    CSeq, CallId, FlowTimer, MinExpires, NameAddr, Require, RetryAfter, Route, ServiceRoute,
};
use crate::keyed::push_hex;
use crate::{HeaderError, Request, Response, StatusCode};

/// Registers an address of record and keeps it registered. See the [module](super).
pub struct Registration {
    config: Config,
    random: Box<dyn Rng + Send>,
    legs: Vec<Leg>,
    /// Whether the registrar does outbound; not known before its first answer.
    outbound: bool,
    service_route: Vec<NameAddr>,
    ending: bool,
    next: u64,
    requests: VecDeque<Outgoing>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Registration {
    /// Begins to register at `now`. `random` makes tags, spreads pauses and answers challenges.
    ///
    /// # Errors
    ///
    /// The configuration has text that no header can hold.
    pub fn new(
        now: Duration,
        config: Config,
        mut random: Box<dyn Rng + Send>,
    ) -> Result<Self, HeaderError> {
        let flows = match (&config.outbound, &config.instance) {
            (Some(outbound), Some(_)) => outbound.flows.clamp(1, config.servers.len().max(1)),
            _ => 1,
        };
        let mut legs = Vec::with_capacity(flows);
        for index in 0..flows {
            legs.push(Leg {
                reg_id: u32::try_from(index + 1).unwrap_or(u32::MAX),
                server: index,
                call_id: CallId::new(&token(2, &mut *random))?,
                from_tag: token(1, &mut *random),
                cseq: random.next_u32() & 0xffff,
                expires: config.expires,
                attempt: None,
                // The others follow when the registrar has shown that it does outbound (RFC 5626
                // §4.2.1).
                wake: (index == 0).then_some(now),
                bound: None,
                failures: 0,
                retries: 0,
                tried: 0,
                keeper: None,
                home: None,
                elsewhere: VecDeque::new(),
                redirection: None,
            });
        }
        let outbound = config.outbound.is_some() && config.instance.is_some();
        let mut registration = Self {
            config,
            random,
            legs,
            outbound,
            service_route: Vec::new(),
            ending: false,
            next: 0,
            requests: VecDeque::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        // What cannot be written shows here, and not in the middle of the night.
        if let Some(leg) = registration.legs.first_mut() {
            leg.request(&registration.config, 0, outbound)?;
        }
        registration.handle_timeout(now);
        Ok(registration)
    }

    /// The next REGISTER to send.
    pub fn poll_request(&mut self) -> Option<Outgoing> {
        self.requests.pop_front()
    }

    /// The next keep-alive to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.legs.iter().filter_map(Leg::next).min()
    }

    /// Whether any flow is registered.
    pub fn is_registered(&self) -> bool {
        self.legs.iter().any(|leg| leg.bound.is_some())
    }

    /// The flows that are registered, by their numbers.
    pub fn flows(&self) -> impl Iterator<Item = (u32, Flow)> {
        self.legs.iter().filter_map(|leg| leg.bound.as_ref().map(|b| (leg.reg_id, b.flow)))
    }

    /// The hops that requests of the registered user have to pass (RFC 3608).
    pub fn service_route(&self) -> &[NameAddr] {
        &self.service_route
    }

    /// Puts the Service-Route before the other Routes of a request outside a dialog (RFC 3608 §6.1).
    pub fn add_route(&self, request: &mut Request) {
        for hop in self.service_route.iter().rev() {
            request.headers.push_front(Route(hop.clone()));
        }
    }

    /// We are reached elsewhere now: registers the new contact at once, on every flow.
    pub fn set_contact(&mut self, now: Duration, contact: NameAddr) {
        if self.config.contact != contact {
            self.config.contact = contact;
            self.refresh(now);
        }
    }

    /// Registers again at once, on every flow: after a change of network, or a refusal that its
    /// owner has dealt with.
    pub fn refresh(&mut self, now: Duration) {
        self.ending = false;
        for leg in &mut self.legs {
            if leg.attempt.is_none() && (leg.reg_id == 1 || leg.bound.is_some()) {
                leg.wake = Some(now);
            }
        }
        self.handle_timeout(now);
    }

    /// Ends the registration: nothing is refreshed any more, and every flow that stands, or may
    /// stand, is unregistered.
    pub fn unregister(&mut self, now: Duration) {
        self.ending = true;
        self.requests.clear();
        for at in 0..self.legs.len() {
            let Some(leg) = self.legs.get_mut(at) else { return };
            leg.wake = None;
            leg.keeper = None;
            if leg.attempt.take().is_some() || leg.bound.is_some() {
                self.send(now, at);
            }
        }
        self.end_if_done();
    }

    /// An answer to a REGISTER has come, over this flow. Provisional ones and answers to what is no
    /// longer waited for are passed over.
    pub fn handle_response(
        &mut self,
        now: Duration,
        id: AttemptId,
        response: &Response,
        flow: Flow,
    ) {
        if response.status.is_provisional() {
            return;
        }
        let Some((at, request)) = self.take_attempt(id) else { return };
        let status = response.status;
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.retries += 1;
        match status {
            // A server that always finds another reason to be asked again is not asked for ever.
            _ if leg.retries > RETRIES && !status.is_success() && !self.ending => {
                self.failed(now, at, Reason::Status(status), None);
            }
            _ if leg.retries > RETRIES && self.ending => self.ended(at),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                self.challenged(now, at, request, response, flow);
            }
            _ if self.ending => self.ended(at),
            _ if status.is_success() => self.registered(now, at, response, flow),
            StatusCode::INTERVAL_TOO_BRIEF => self.too_brief(now, at, response),
            StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT if self.outbound => {
                self.outbound = false;
                self.send(now, at);
            }
            _ if status.class() == 3 && leg.redirect(&self.config, response) => self.send(now, at),
            // A chain of redirections that leads nowhere may be another one later.
            _ if status.class() == 3 && leg.home.is_some() => {
                self.failed(now, at, Reason::Status(status), None);
            }
            _ if may_pass(status) => {
                let wait = response.headers.typed::<RetryAfter>().ok().flatten();
                let wait = wait.map(|after| Duration::from_secs(u64::from(after.seconds)));
                self.failed(now, at, Reason::Status(status), wait);
            }
            _ => self.refused(now, at, Reason::Status(status)),
        }
    }

    /// A REGISTER got no answer, or could not be sent.
    pub fn handle_failure(&mut self, now: Duration, id: AttemptId) {
        let Some((at, _)) = self.take_attempt(id) else { return };
        match self.ending {
            true => self.ended(at),
            false => self.failed(now, at, Reason::Unreachable, None),
        }
    }

    /// A flow has failed: its connection is lost. A registration over it is made anew: at once when
    /// it had stood for a while, otherwise after a pause (RFC 5626 §4.5).
    pub fn handle_flow_failed(&mut self, now: Duration, flow: Flow) {
        for at in 0..self.legs.len() {
            let Some(leg) = self.legs.get_mut(at) else { return };
            if leg.bound.as_ref().is_some_and(|bound| bound.flow == flow) {
                self.flow_lost(now, at);
            }
        }
        self.handle_timeout(now);
    }

    /// Takes what arrived on a flow before the endpoint gets it; `true` when it was the answer to a
    /// keep-alive, an empty line or STUN.
    pub fn handle_keep_alive(&mut self, now: Duration, flow: Flow, bytes: &[u8]) -> bool {
        for at in 0..self.legs.len() {
            let Some(keeper) = self.legs.get_mut(at).and_then(|leg| leg.keeper.as_mut()) else {
                continue;
            };
            if keeper.flow() != flow {
                continue;
            }
            match keeper.handle_answer(now, bytes, &mut *self.random) {
                None => return false,
                Some(Pulse::Dead) => self.flow_lost(now, at),
                Some(_) => {}
            }
            self.handle_timeout(now);
            return true;
        }
        false
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        for at in 0..self.legs.len() {
            let Some(leg) = self.legs.get_mut(at) else { return };
            let pulse = match &mut leg.keeper {
                Some(keeper) => keeper.handle_timeout(now, &mut *self.random),
                None => Pulse::Nothing,
            };
            if let (Pulse::Send(bytes), Some(keeper)) = (&pulse, &leg.keeper) {
                self.transmits.push_back(Transmit { flow: keeper.flow(), bytes: bytes.clone() });
            }
            if leg.bound.as_ref().is_some_and(|bound| bound.until <= now) {
                leg.bound = None;
                leg.keeper = None;
                self.events.push_back(Event::Lost { reg_id: leg.reg_id });
            } else if pulse == Pulse::Dead {
                self.flow_lost(now, at);
            }
            let Some(leg) = self.legs.get_mut(at) else { return };
            if leg.wake.is_some_and(|wake| wake <= now) {
                leg.wake = None;
                if leg.attempt.is_none() {
                    self.send(now, at);
                }
            }
        }
    }

    /// Sends the next REGISTER of a leg.
    fn send(&mut self, now: Duration, at: usize) {
        let outbound = self.outbound;
        let Some(leg) = self.legs.get_mut(at) else { return };
        let expires = if self.ending { 0 } else { leg.expires };
        match leg.request(&self.config, expires, outbound) {
            Ok(request) => self.transmit(at, request),
            Err(_) => self.refused(now, at, Reason::Malformed),
        }
    }

    fn transmit(&mut self, at: usize, request: Request) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        let id = AttemptId(self.next);
        self.next += 1;
        leg.attempt = Some((id, request.clone()));
        self.requests.push_back(Outgoing {
            id,
            request,
            hop: leg.hop(&self.config).clone(),
            flow: leg.flow(),
        });
    }

    fn take_attempt(&mut self, id: AttemptId) -> Option<(usize, Request)> {
        let at = self
            .legs
            .iter()
            .position(|leg| leg.attempt.as_ref().is_some_and(|(attempt, _)| *attempt == id))?;
        let (_, request) = self.legs.get_mut(at)?.attempt.take()?;
        Some((at, request))
    }

    fn challenged(
        &mut self,
        now: Duration,
        at: usize,
        mut request: Request,
        response: &Response,
        flow: Flow,
    ) {
        let answered = match &self.config.credentials {
            Some(credentials) => credentials.authorize(&mut request, response, &mut *self.random),
            None => Err(AuthError::Refused),
        };
        match answered {
            Ok(()) => {
                let number = request.headers.require::<CSeq>().map(|cseq| cseq.number);
                if let (Some(leg), Ok(number)) = (self.legs.get_mut(at), number) {
                    leg.cseq = number;
                }
                self.transmit(at, request);
                // The answer goes to who has asked.
                if let Some(outgoing) = self.requests.back_mut() {
                    outgoing.flow = Some(flow);
                }
            }
            Err(_) if self.ending => self.ended(at),
            Err(error) => self.refused(now, at, Reason::Credentials(error)),
        }
    }

    fn registered(&mut self, now: Duration, at: usize, response: &Response, flow: Flow) {
        let required = response.headers.typed::<Require>().ok().flatten();
        let confirmed = required.is_some_and(|require| require.contains("outbound"));
        // Without the option tag the registrar has taken no notice of our flows (RFC 5626 §4.2.1).
        self.outbound &= confirmed;
        let Some(leg) = self.legs.get_mut(at) else { return };
        let granted = leg.granted(&self.config, response);
        if granted == 0 {
            return self.failed(now, at, Reason::Malformed, None);
        }
        let expires = Duration::from_secs(u64::from(granted));
        let since = match &leg.bound {
            Some(bound) if bound.flow == flow => bound.since,
            _ => now,
        };
        leg.bound = Some(Bound { flow, since, until: now + expires, home: leg.home.clone() });
        leg.arrive();
        (leg.tried, leg.retries) = (0, 0);
        leg.wake = Some(now + refresh_after(expires, &mut *self.random));
        if now.saturating_sub(since) >= self.config.backoff.steady {
            leg.failures = 0;
        }
        if leg.keeper.as_ref().is_none_or(|keeper| keeper.flow() != flow) {
            let timer = response.headers.typed::<FlowTimer>().ok().flatten();
            let timer = timer.map(|timer| Duration::from_secs(u64::from(timer.0)));
            let kind: KeepAlive = self.config.keep_alive;
            leg.keeper = Keeper::new(now, flow, kind, timer, &mut *self.random);
        }
        let gruu = |name| leg::gruu(&self.config, leg.reg_id, response, name).map(Box::new);
        self.events.push_back(Event::Registered {
            reg_id: leg.reg_id,
            flow,
            expires,
            seen: leg::seen(response),
            public_gruu: gruu("pub-gruu"),
            temporary_gruu: gruu("temp-gruu"),
        });
        let route = response.headers.all::<ServiceRoute>();
        self.service_route = route.flatten().map(|hop| hop.0).collect();
        if self.outbound {
            // The others have waited for this.
            for other in &mut self.legs {
                if other.bound.is_none() && other.attempt.is_none() && other.failures == 0 {
                    other.wake.get_or_insert(now);
                }
            }
            self.handle_timeout(now);
        }
    }

    fn too_brief(&mut self, now: Duration, at: usize, response: &Response) {
        let least = response.headers.typed::<MinExpires>().ok().flatten().map(|min| min.0);
        let Some(leg) = self.legs.get_mut(at) else { return };
        match least {
            // A server that is never content is not asked for ever.
            Some(least) if least > leg.expires => {
                leg.expires = least;
                self.send(now, at);
            }
            _ => self.refused(now, at, Reason::Status(response.status)),
        }
    }

    /// An attempt failed in a way that may pass.
    fn failed(&mut self, now: Duration, at: usize, reason: Reason, wait: Option<Duration>) {
        let alone = self.legs.len() == 1;
        let some_work = self.legs.iter().enumerate().any(|(n, l)| n != at && l.bound.is_some());
        let servers = self.config.servers.len();
        let Some(leg) = self.legs.get_mut(at) else { return };
        let mut again = now;
        leg.retries = 0;
        if leg.go_on() {
            return self.send(now, at);
        }
        leg.go_back();
        if alone && servers > 1 {
            leg.server = (leg.server + 1) % servers;
            leg.tried += 1;
        }
        // The next server is tried at once; after the last one of the round there is a pause.
        if !alone || leg.tried == 0 || leg.tried >= servers {
            leg.tried = 0;
            leg.failures = leg.failures.saturating_add(1);
            let pause = self.config.backoff.pause(leg.failures, some_work, &mut *self.random);
            again += pause.max(wait.unwrap_or_default());
        }
        leg.wake = Some(again);
        let reg_id = leg.reg_id;
        self.events.push_back(Event::Failed { reg_id, reason, again: Some(again) });
        self.handle_timeout(now);
    }

    /// An attempt was refused for good.
    fn refused(&mut self, now: Duration, at: usize, reason: Reason) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.wake = self.config.retry_refused.map(|pause| now + pause);
        leg.go_back();
        // Nor do other flows' successes start it again.
        leg.failures = leg.failures.saturating_add(1);
        leg.retries = 0;
        let (reg_id, again) = (leg.reg_id, leg.wake);
        self.events.push_back(Event::Failed { reg_id, reason, again });
    }

    fn flow_lost(&mut self, now: Duration, at: usize) {
        let some_work = self.legs.iter().enumerate().any(|(n, l)| n != at && l.bound.is_some());
        let backoff = self.config.backoff;
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.keeper = None;
        let Some(bound) = leg.bound.take() else { return };
        self.events.push_back(Event::Lost { reg_id: leg.reg_id });
        if self.ending || leg.attempt.is_some() {
            return;
        }
        leg.failures = match now.saturating_sub(bound.since) >= backoff.steady {
            true => 0,
            false => leg.failures.saturating_add(1),
        };
        leg.wake = Some(now + backoff.pause(leg.failures, some_work, &mut *self.random));
    }

    /// A leg has nothing registered any more, as was asked.
    fn ended(&mut self, at: usize) {
        if let Some(leg) = self.legs.get_mut(at) {
            leg.bound = None;
        }
        self.end_if_done();
    }

    fn end_if_done(&mut self) {
        if self.legs.iter().all(|leg| leg.attempt.is_none()) {
            for leg in &mut self.legs {
                leg.bound = None;
            }
            self.service_route.clear();
            self.events.push_back(Event::Unregistered);
        }
    }
}

impl core::fmt::Debug for Registration {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Registration").field("legs", &self.legs).finish_non_exhaustive()
    }
}

/// How often in a row a challenge, a 423 or a 439 is answered at once.
const RETRIES: u32 = 6;

/// Whether another server, or this one later, may answer otherwise.
fn may_pass(status: StatusCode) -> bool {
    status.class() == 5
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT
                | StatusCode::FLOW_FAILED
                | StatusCode::TEMPORARILY_UNAVAILABLE
        )
}

/// Early enough for another try: half of a short registration, ten minutes before the end of a long
/// one, and up to a tenth earlier, so that phones spread. A server that grants seconds does not get
/// a REGISTER each of them.
fn refresh_after(expires: Duration, random: &mut dyn Rng) -> Duration {
    let latest = (expires / 2).max(expires.saturating_sub(Duration::from_secs(600)));
    let latest = latest.max(Duration::from_secs(6));
    super::backoff::between(latest * 9 / 10, latest, random)
}

fn token(words: usize, random: &mut dyn Rng) -> String {
    let mut text = String::with_capacity(words * 16);
    for _ in 0..words {
        push_hex(&mut text, random.next_u64());
    }
    text
}
