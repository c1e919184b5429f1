//! A scripted telephone: a user agent that does what the test's script says, when it says.

mod settings;
mod transfer;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::auth::client::Credentials;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{self, ClientId, Endpoint, ServerId, SubscriptionId};
use sip_core::header::{Contact, ContentType, Expires, From, MediaType, NameAddr, To};
use sip_core::sdp::{Direction, Limits, Local, OfferAnswer, SessionDescription};
use sip_core::{Flow, Host, Method, Request, Response, SipUri, StatusCode};

pub use settings::{Answering, PhoneSettings, Seen};

use crate::network::Datagram;
use crate::world::Node;

/// A telephone with at most one call, and one aside.
pub struct Phone {
    settings: PhoneSettings,
    endpoint: Endpoint,
    random: ChaCha8Rng,
    seen: Vec<(Duration, Seen)>,
    call: Option<Call>,
    aside: Option<Call>,
    referring: Option<(SubscriptionId, DialogId, Request)>,
    outgoing: Vec<Outgoing>,
    plans: Vec<(Duration, Plan)>,
    transmits: VecDeque<Datagram>,
}

struct Call {
    server: Option<(ServerId, Request)>,
    client: Option<ClientId>,
    dialog: Option<DialogId>,
    /// The early dialog of our INVITE.
    ringing: Option<DialogId>,
    session: OfferAnswer,
}

/// A request of ours without its final response.
struct Outgoing {
    id: ClientId,
    request: Request,
    why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Register,
    Call,
    Modify,
    Inform,
    Leave,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Answer,
    HangUp,
    Register,
}

const REFRESH: Duration = Duration::from_secs(1_800);

impl Phone {
    /// A telephone whose randomness comes from `seed` alone.
    pub fn new(settings: PhoneSettings, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let endpoint =
            Endpoint::new(endpoint::Config::default(), Box::new(ChaCha8Rng::seed_from_u64(!seed)));
        Self {
            settings,
            endpoint,
            random,
            seen: Vec::new(),
            call: None,
            aside: None,
            referring: None,
            outgoing: Vec::new(),
            plans: Vec::new(),
            transmits: VecDeque::new(),
        }
    }

    /// What has happened to it, in order.
    pub fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().map(|(_, seen)| seen)
    }

    /// What has happened to it, with the times.
    pub fn log(&self) -> &[(Duration, Seen)] {
        &self.seen
    }

    /// Forgets what it has seen.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Whether it has a call, ringing or talking.
    pub fn is_busy(&self) -> bool {
        self.call.is_some()
    }

    /// The session of its call.
    pub fn session(&self) -> Option<&OfferAnswer> {
        self.call.as_ref().map(|call| &call.session)
    }

    /// Its settings, to be changed between calls.
    pub fn settings(&mut self) -> &mut PhoneSettings {
        &mut self.settings
    }

    /// Its endpoint, to look at.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Registers for an hour, and again every half an hour.
    pub fn register(&mut self, now: Duration) {
        let mut request = self.request(Method::Register, "");
        let own = NameAddr::new(self.uri(&self.settings.number));
        request.headers.push(To(own));
        let contact = SipUri::new(
            &self.settings.number,
            self.settings.address.ip(),
            Some(self.settings.address.port()),
        );
        request.headers.push(Contact::new(contact));
        request.headers.push(Expires(3_600));
        self.send(now, request, Why::Register);
    }

    /// Calls a number.
    pub fn call(&mut self, now: Duration, number: &str) {
        let mut request = self.request(Method::Invite, number);
        request.headers.push(To(NameAddr::new(self.uri(number))));
        let mut session = self.session_of_ours();
        if !self.settings.delayed_offer {
            request.headers.push(ContentType::sdp());
            request.body = session.make_offer().expect("a first offer").to_bytes();
        }
        self.call = Some(Call { server: None, client: None, dialog: None, ringing: None, session });
        let id = self.send(now, request, Why::Call);
        if let Some(call) = &mut self.call {
            call.client = id;
        }
    }

    /// Hangs up: CANCEL, BYE or 486, as the state of the call wants it.
    pub fn hang_up(&mut self, now: Duration) {
        let Some(call) = &mut self.call else { return };
        if let Some((id, request)) = call.server.take() {
            let _ = self.endpoint.respond(now, id, Response::to(&request, StatusCode::BUSY_HERE));
            self.call = None;
        } else if let Some(client) = call.client {
            let _ = self.endpoint.cancel(now, client);
        } else {
            self.leave(now);
        }
        self.react(now);
    }

    /// Hangs up after `delay`.
    pub fn hang_up_at(&mut self, at: Duration) {
        self.plans.push((at, Plan::HangUp));
    }

    /// Lets media flow as `direction` says: [`Direction::SendOnly`] holds, [`Direction::SendRecv`] resumes.
    pub fn modify(&mut self, now: Duration, direction: Direction) {
        let Some(call) = &mut self.call else { return };
        let Some(dialog) = call.dialog else { return };
        call.session.local_mut().direction = direction;
        let Ok(offer) = call.session.make_offer() else { return };
        let mut request = Request::new(
            Method::Invite,
            SipUri::new("", Host::from(self.settings.server.ip()), None),
        );
        request.headers.push(ContentType::sdp());
        request.body = offer.to_bytes();
        if let Ok(id) = self.endpoint.request_in(now, dialog, request.clone()) {
            self.outgoing.push(Outgoing { id, request, why: Why::Modify });
        }
    }

    /// Sends INFO within the call; [`Seen::Informed`] tells the answer.
    ///
    /// # Panics
    ///
    /// When `content_type` is none.
    pub fn inform(&mut self, now: Duration, content_type: &str, body: &str) {
        let Some(dialog) = self.call.as_ref().and_then(|call| call.dialog) else { return };
        let host = Host::from(self.settings.server.ip());
        let mut request = Request::new(Method::Info, SipUri::new("", host, None));
        let kind = MediaType::parse(content_type.as_bytes()).expect("a media type");
        request.headers.push(ContentType(kind));
        request.body = Bytes::copy_from_slice(body.as_bytes());
        if let Ok(id) = self.endpoint.request_in(now, dialog, request.clone()) {
            self.outgoing.push(Outgoing { id, request, why: Why::Inform });
        }
    }

    /// Sends bytes as they are, past its own endpoint.
    pub fn send_raw(&mut self, bytes: impl Into<Bytes>) {
        self.transmits.push_back(Datagram {
            source: self.settings.address,
            destination: self.settings.server,
            bytes: bytes.into(),
        });
    }

    fn note(&mut self, now: Duration, seen: Seen) {
        self.seen.push((now, seen));
    }

    fn uri(&self, user: &str) -> SipUri {
        SipUri::new(user, self.settings.server.ip(), None)
    }

    fn request(&self, method: Method, user: &str) -> Request {
        let server = self.settings.server;
        let mut request = Request::new(method, SipUri::new(user, server.ip(), Some(server.port())));
        request.headers.push(From(NameAddr::new(self.uri(&self.settings.number))));
        request
    }

    fn session_of_ours(&mut self) -> OfferAnswer {
        let mut local = Local::new(self.settings.media.ip(), self.settings.media.port());
        local.codecs.clone_from(&self.settings.codecs);
        local.session_id = self.random.next_u64() >> 1;
        OfferAnswer::new(local)
    }

    fn flow(&self) -> Flow {
        Flow::udp(self.settings.address, self.settings.server)
    }

    fn send(&mut self, now: Duration, request: Request, why: Why) -> Option<ClientId> {
        let id = self.endpoint.request(now, request.clone(), self.flow()).ok()?;
        self.outgoing.push(Outgoing { id, request, why });
        Some(id)
    }

    fn leave(&mut self, now: Duration) {
        let Some(dialog) = self.call.take().and_then(|call| call.dialog) else { return };
        let request = Request::new(Method::Bye, self.uri(""));
        if let Ok(id) = self.endpoint.request_in(now, dialog, request.clone()) {
            self.outgoing.push(Outgoing { id, request, why: Why::Leave });
        }
    }

    fn react(&mut self, now: Duration) {
        while let Some(event) = self.endpoint.poll_event() {
            self.on_event(now, event);
        }
    }

    fn on_event(&mut self, now: Duration, event: endpoint::Event) {
        match event {
            endpoint::Event::Request { id, dialog, request, .. } => {
                self.on_request(now, id, dialog, request);
            }
            endpoint::Event::Ack { dialog, request } => {
                if let Some(call) = self.call_in(dialog) {
                    if !request.body.is_empty()
                        && let Ok(answer) = parse(&request.body)
                    {
                        let _ = call.session.receive_answer(&answer);
                    }
                    self.note(now, Seen::Acknowledged);
                }
            }
            endpoint::Event::Cancelled { id } if self.rings(id) => {
                self.call = None;
                self.note(now, Seen::Cancelled);
            }
            endpoint::Event::Response { id, dialog, response, .. } => {
                self.on_response(now, id, dialog, &response);
            }
            endpoint::Event::Failed { id, .. } => {
                self.on_response(now, id, None, &Response::new(StatusCode::REQUEST_TIMEOUT));
            }
            endpoint::Event::Notified { request, .. } => self.on_report(now, &request),
            endpoint::Event::SubscriptionEnded { subscription, why } => {
                self.on_referral_ended(now, subscription, why);
            }
            endpoint::Event::AckTimeout { .. } => {
                self.note(now, Seen::NoAck);
                self.leave(now);
            }
            _ => {}
        }
    }

    fn rings(&self, id: ServerId) -> bool {
        let waiting = self.call.as_ref().and_then(|call| call.server.as_ref());
        waiting.is_some_and(|(server, _)| *server == id)
    }

    fn on_request(
        &mut self,
        now: Duration,
        id: ServerId,
        dialog: Option<DialogId>,
        request: Request,
    ) {
        match (&request.method, dialog) {
            (Method::Invite, None) => self.on_call(now, id, request),
            (Method::Invite, Some(dialog)) => self.on_offer(now, id, dialog, &request),
            (Method::Bye, Some(dialog)) => {
                let _ = self.endpoint.respond(now, id, Response::to(&request, StatusCode::OK));
                let is_it = |call: &mut Call| call.dialog == Some(dialog);
                if self.call.take_if(is_it).or_else(|| self.aside.take_if(is_it)).is_some() {
                    self.note(now, Seen::HungUp);
                }
            }
            _ => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let _ = self.endpoint.respond(now, id, Response::to(&request, status));
            }
        }
    }

    fn on_call(&mut self, now: Duration, id: ServerId, request: Request) {
        if self.settings.answering == Answering::Dead {
            return;
        }
        if self.call.is_some() {
            let busy = Response::to(&request, StatusCode::BUSY_HERE);
            let _ = self.endpoint.respond(now, id, busy);
            return;
        }
        self.note(now, Seen::Called);
        let mut session = self.session_of_ours();
        if !request.body.is_empty() {
            let offered = parse(&request.body).and_then(|offer| {
                session.receive_offer(&offer).map_err(|rejection| rejection.status())
            });
            if let Err(status) = offered {
                let _ = self.endpoint.respond(now, id, Response::to(&request, status));
                return;
            }
        }
        let mut response = Response::to(&request, StatusCode::RINGING);
        let mut dialog = None;
        match self.settings.answering {
            Answering::Refuse(status) => {
                let status = StatusCode::new(status).unwrap_or(StatusCode::DECLINE);
                let _ = self.endpoint.respond(now, id, Response::to(&request, status));
                return;
            }
            Answering::EarlyMedia(delay) => {
                response = Response::to(&request, StatusCode::SESSION_PROGRESS);
                if let Ok((answer, _)) = session.make_answer() {
                    response.headers.set(ContentType::sdp());
                    response.body = answer.to_bytes();
                }
                dialog = self.endpoint.respond(now, id, response).ok().flatten();
                self.plans.push((now + delay, Plan::Answer));
            }
            Answering::After(delay) => {
                dialog = self.endpoint.respond(now, id, response).ok().flatten();
                self.plans.push((now + delay, Plan::Answer));
            }
            Answering::Never => {
                dialog = self.endpoint.respond(now, id, response).ok().flatten();
            }
            Answering::Dead => {}
        }
        self.call = Some(Call {
            server: Some((id, request)),
            client: None,
            dialog,
            ringing: None,
            session,
        });
    }

    fn answer(&mut self, now: Duration) {
        let Some(call) = &mut self.call else { return };
        let Some((id, request)) = call.server.take() else { return };
        let description = if call.session.pending_offer().is_some() {
            call.session.make_answer().ok().map(|(answer, _)| answer)
        } else if let Some(given) = call.session.local_description() {
            Some(given)
        } else {
            call.session.make_offer().ok()
        };
        let mut response = Response::to(&request, StatusCode::OK);
        if let Some(description) = description {
            response.headers.set(ContentType::sdp());
            response.body = description.to_bytes();
        }
        if let Ok(Some(dialog)) = self.endpoint.respond(now, id, response) {
            call.dialog = Some(dialog);
        }
    }

    fn on_offer(&mut self, now: Duration, id: ServerId, dialog: DialogId, request: &Request) {
        let Some(call) = self.call_in(dialog) else { return };
        let Ok(offer) = parse(&request.body) else { return };
        let direction =
            offer.audio().map_or(Direction::SendRecv, |audio| offer.direction_of(audio));
        call.session.local_mut().direction = Direction::SendRecv;
        let mut response = Response::to(request, StatusCode::OK);
        match call.session.receive_offer(&offer) {
            Ok(()) => {
                if let Ok((answer, _)) = call.session.make_answer() {
                    response.headers.set(ContentType::sdp());
                    response.body = answer.to_bytes();
                }
                self.note(now, Seen::Offered(direction));
            }
            Err(rejection) => {
                response = Response::to(request, rejection.status());
            }
        }
        let _ = self.endpoint.respond(now, id, response);
    }

    fn on_response(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let Some(at) = self.outgoing.iter().position(|outgoing| outgoing.id == id) else { return };
        let why = self.outgoing[at].why;
        if response.status.is_provisional() {
            if why == Why::Call && response.status.code() > 100 {
                if let Some(call) = &mut self.call {
                    call.ringing = dialog;
                }
                self.note(now, Seen::Progress(response.status.code()));
            }
            return;
        }
        let Outgoing { mut request, .. } = self.outgoing.swap_remove(at);
        let credentials = Credentials::new(&self.settings.number, &self.settings.password);
        if matches!(response.status.code(), 401 | 407)
            && why != Why::Leave
            && credentials.authorize(&mut request, response, &mut self.random).is_ok()
        {
            let id = self.send(now, request, why);
            if let (Why::Call, Some(call)) = (why, &mut self.call) {
                call.client = id;
            }
            return;
        }
        let status = response.status.code();
        match why {
            Why::Register => {
                if response.status.is_success() {
                    self.plans.push((now + REFRESH, Plan::Register));
                }
                self.note(now, Seen::Registered(status));
            }
            Why::Leave => self.note(now, Seen::Left(status)),
            Why::Inform => self.note(now, Seen::Informed(status)),
            Why::Call => self.on_outcome(now, id, dialog, response),
            Why::Modify => {
                if let (true, Some(dialog)) = (response.status.is_success(), dialog) {
                    let _ = self.endpoint.ack(now, dialog, None);
                }
                if let Some(call) = dialog.and_then(|dialog| self.call_in(dialog)) {
                    match parse(&response.body) {
                        Ok(answer) if response.status.is_success() => {
                            let _ = call.session.receive_answer(&answer);
                        }
                        _ => call.session.rollback(),
                    }
                }
                self.note(now, Seen::Modified(status));
            }
        }
    }

    fn on_outcome(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let ours = self.call.as_ref().is_some_and(|call| call.client == Some(id));
        if !response.status.is_success() {
            if ours {
                self.call = None;
            }
            self.note(now, Seen::Refused(response.status.code()));
            return;
        }
        let Some(dialog) = dialog else { return };
        let mut body = None;
        if let Some(call) = self.call.as_mut().filter(|_| ours) {
            call.client = None;
            call.dialog = Some(dialog);
            match parse(&response.body) {
                Ok(description) if call.session.has_local_offer() => {
                    let _ = call.session.receive_answer(&description);
                }
                Ok(offer) if call.session.receive_offer(&offer).is_ok() => {
                    body = call
                        .session
                        .make_answer()
                        .ok()
                        .map(|(answer, _)| (ContentType::sdp(), answer.to_bytes()));
                }
                _ => {}
            }
        }
        let _ = self.endpoint.ack(now, dialog, body);
        if ours {
            self.note(now, Seen::Accepted);
        } else {
            let request = Request::new(Method::Bye, self.uri(""));
            let _ = self.endpoint.request_in(now, dialog, request);
        }
    }
}

impl Node for Phone {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        if datagram.destination != self.settings.address {
            return;
        }
        let flow = Flow::udp(datagram.destination, datagram.source);
        let input = endpoint::Input::Received { flow, message: datagram.bytes };
        self.endpoint.handle_input(now, input);
        self.react(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.react(now);
        let due: Vec<Plan> =
            self.plans.iter().filter(|(at, _)| *at <= now).map(|(_, plan)| *plan).collect();
        self.plans.retain(|(at, _)| *at > now);
        for plan in due {
            match plan {
                Plan::Answer => self.answer(now),
                Plan::HangUp => self.hang_up(now),
                Plan::Register => self.register(now),
            }
        }
        self.react(now);
    }

    fn poll_transmit(&mut self, _now: Duration) -> Option<Datagram> {
        if let Some(datagram) = self.transmits.pop_front() {
            return Some(datagram);
        }
        let transmit = self.endpoint.poll_transmit()?;
        Some(Datagram {
            source: transmit.flow.local,
            destination: transmit.flow.remote,
            bytes: transmit.bytes,
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let plan = self.plans.iter().map(|(at, _)| *at).min();
        [plan, self.endpoint.poll_timeout()].into_iter().flatten().min()
    }
}

fn parse(body: &Bytes) -> Result<SessionDescription, StatusCode> {
    SessionDescription::parse_bytes(body, &Limits::default()).map_err(|error| error.status())
}
