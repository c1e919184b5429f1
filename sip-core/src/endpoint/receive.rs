//! What arrives: reading it, and what every user agent server does with a request before its user
//! sees it (RFC 3261 §8.2, §9.2, §12.2.2, §14.2).

use core::hash::BuildHasher;
use core::time::Duration;

use bytes::Bytes;

use super::named::Named;
use super::peer::Peer;
use super::reliable::Reliability;
use super::server::{Merged, ServerUser, contact_lines, tag_to};
use super::subscription::{Part, Sought};
use super::tag::LocalTag;
use super::usage::Pending;
use super::way_back::WayBack;
use super::{Endpoint, Error, Event, ServerId, SubscriptionId};
use crate::dialog::negotiation::{Carrier, Offer, describes};
use crate::dialog::session_timer::Asked;
use crate::dialog::{Dialog, DialogId, DialogTag, Order};
use crate::error::ParseErrorKind;
use crate::flow::Flow;
use crate::header::{
    CSeqRef, CallIdRef, FromRef, Known, MinSe, Require, RetryAfter, ToRef, Unsupported, ViaRef,
};
use crate::keyed::KeyedHash;
use crate::transaction::{Incoming, ServerKey, ServerTag};
use crate::{
    HeaderError, HeaderName, Headers, Limits, Message, Method, Request, Response, StatusCode,
};

/// What matching needs of a request.
struct Envelope {
    number: u32,
    tag: ServerTag,
    /// The port that responses go to when their connection is lost.
    port: u16,
    to_tag: Option<Box<str>>,
    /// The dialog that a request with a To tag names.
    dialog: Option<DialogTag>,
    /// What copies of a request without one share.
    merged: Option<Merged>,
}

impl Envelope {
    fn read(
        request: &Request,
        via: &ViaRef<'_>,
        cseq: &CSeqRef<'_>,
        hash: &KeyedHash,
    ) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        let call_id = headers.require::<CallIdRef<'_>>()?.as_bytes();
        let from_tag = headers.require::<FromRef<'_>>()?.tag_bytes();
        let to: ToRef<'_> = headers.require()?;
        let to_tag = Some(to.tag_bytes()).filter(|tag| !tag.is_empty());
        Ok(Self {
            number: cseq.number(),
            tag: ServerTag::with_via(request, via)?,
            port: via.port().unwrap_or_else(|| via.transport().default_port()),
            to_tag: to.tag().map(Box::from),
            dialog: to_tag.map(|to_tag| DialogTag::of_bytes(call_id, to_tag, from_tag)),
            merged: to_tag.is_none().then(|| Merged::new(hash, call_id, from_tag, cseq)),
        })
    }
}

/// A request on its way to the user.
pub(super) struct Arrival {
    pub(super) request: Request,
    envelope: Envelope,
    /// The hash of the transaction's tag.
    hash: u64,
    pub(super) flow: Flow,
    reply: Flow,
    /// Whether there is a Require.
    requires: bool,
}

impl Endpoint {
    pub(super) fn receive(&mut self, now: Duration, flow: Flow, message: Bytes) {
        self.statistics.received += 1;
        match Message::read(&message, &self.config.message) {
            Ok(Message::Request(request)) => self.receive_request(now, flow, request),
            Ok(Message::Response(response)) => match response.check() {
                Ok(()) => self.receive_response(now, flow, response),
                Err(rejection) => self.malformed(flow, None, rejection.to_string()),
            },
            Err(error) if error.kind == ParseErrorKind::Empty => {}
            Err(error) => {
                let answered = self.answer_wreck(&message, flow, error.status());
                self.malformed(flow, answered, error.to_string());
            }
        }
    }

    /// Answers bytes that are no message but may be what is left of a request: when its Via, From,
    /// To, Call-ID and CSeq can be read, its sender learns what was wrong.
    fn answer_wreck(
        &mut self,
        message: &Bytes,
        flow: Flow,
        status: StatusCode,
    ) -> Option<StatusCode> {
        let mut request = salvage(message, &self.config.message)?;
        let via: ViaRef<'_> = request.headers.require().ok()?;
        let cseq: CSeqRef<'_> = request.headers.require().ok()?;
        Envelope::read(&request, &via, &cseq, &self.hash).ok()?;
        if cseq.method() == "ACK" {
            return None;
        }
        let back = WayBack::of(&via, &flow);
        let reply = back.mark(&mut request);
        self.reply_alone(&request, reply, status);
        Some(status)
    }

    /// Counts a message that cannot be worked on, and tells.
    pub(super) fn malformed(&mut self, flow: Flow, answered: Option<StatusCode>, reason: String) {
        self.statistics.malformed += 1;
        if self.events.len() < self.config.capacity.events {
            self.events.push_back(Event::Malformed { flow, answered, reason });
        }
    }

    fn receive_request(&mut self, now: Duration, flow: Flow, mut request: Request) {
        let is_ack = request.method == Method::Ack;
        let Ok(via) = request.headers.require::<ViaRef<'_>>() else {
            // Without a Via nobody knows where an answer should go (§18.2.2).
            self.malformed(flow, None, "a request without a readable Via".to_owned());
            return;
        };
        let back = WayBack::of(&via, &flow);
        let cseq = request.headers.require::<CSeqRef<'_>>();
        let envelope = cseq.and_then(|cseq| {
            Envelope::read(&request, &via, &cseq, &self.hash).map(|envelope| (envelope, cseq))
        });
        let (envelope, cseq) = match envelope {
            Ok(read) => read,
            Err(error) => {
                let answered = (!is_ack).then_some(error.status());
                let reply = back.mark(&mut request);
                self.reply_alone(&request, reply, error.status());
                return self.malformed(flow, answered, error.to_string());
            }
        };
        let hash = self.transactions.hash(&envelope.tag);
        match self.transactions.receive_hashed(now, &request.method, &envelope.tag, hash) {
            Incoming::Absorbed => return,
            Incoming::Unmatched if !is_ack => {}
            Incoming::Ack(_) | Incoming::Unmatched => {
                back.mark(&mut request);
                return self.receive_ack(now, request, envelope.dialog);
            }
        }
        let checked = request.check_read(&self.config.policy, &via, &cseq);
        let reply = back.mark(&mut request);
        let requires = checked.as_ref().is_ok_and(|names| names.has(Known::Require));
        let arrival = Arrival { request, envelope, hash, flow, reply, requires };
        if let Err(rejection) = checked {
            self.refuse(now, arrival, rejection.status, |_| {});
            return self.malformed(flow, Some(rejection.status), rejection.to_string());
        }
        if arrival.request.method == Method::Cancel {
            self.receive_cancel(now, arrival);
        } else {
            self.receive_new(now, arrival);
        }
    }

    /// An ACK that belongs to a 2xx, or to nothing.
    fn receive_ack(&mut self, now: Duration, request: Request, dialog: Option<DialogTag>) {
        match dialog.and_then(|tag| self.dialog_tags.get(&tag).copied()) {
            Some(dialog) => self.acknowledged(now, dialog, request),
            None => self.statistics.stray_acks += 1,
        }
    }

    /// A CANCEL: answered at once, and its INVITE too when that has no final response (§9.2).
    fn receive_cancel(&mut self, now: Duration, arrival: Arrival) {
        let target = ServerTag::cancelled(&arrival.request)
            .ok()
            .and_then(|tag| self.transactions.find(&tag));
        let Some(target) = target else {
            self.refuse(now, arrival, StatusCode::CALL_DOES_NOT_EXIST, |_| {});
            return;
        };
        let tag = self.transactions.server(target).map(|user| user.tag.clone());
        self.refuse(now, arrival, StatusCode::OK, |response| {
            if let Some(tag) = &tag {
                let _ = tag_to(response, tag);
            }
        });
        self.terminate_invite(now, target);
    }

    /// A request that no transaction knows.
    fn receive_new(&mut self, now: Duration, arrival: Arrival) {
        let method = &arrival.request.method;
        let awaited = self.awaits(&arrival);
        let dialog = match self.place(&arrival) {
            Ok(dialog) => dialog,
            Err(_) if awaited.is_some() => None,
            Err(status) => return self.refuse(now, arrival, status, |_| {}),
        };
        let unsupported = match arrival.requires {
            true => self.unsupported(&arrival.request),
            false => Ok(None),
        };
        match unsupported {
            Ok(None) => {}
            Ok(Some(list)) => {
                return self.refuse(now, arrival, StatusCode::BAD_EXTENSION, |response| {
                    response.headers.set(list);
                });
            }
            Err(status) => return self.refuse(now, arrival, status, |_| {}),
        }
        if let Err(status) = self.admit(&arrival.request) {
            let packages = self.recv_info();
            return self.refuse(now, arrival, status, |response| {
                if status == StatusCode::BAD_INFO_PACKAGE {
                    response.headers.set(packages);
                }
            });
        }
        let named = match dialog {
            Some(_) => Ok(None),
            None => self.find_named(&arrival.request),
        };
        let named = match named {
            Ok(named) => named,
            Err(status) => return self.refuse(now, arrival, status, |_| {}),
        };
        let session = match self.session_asked(&arrival.request) {
            Ok(session) => session,
            Err(min) => {
                let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
                return self.refuse(now, arrival, status, |response| {
                    response.headers.set(MinSe::new(min));
                });
            }
        };
        let full = self.events.len() >= self.config.capacity.events
            || (*method == Method::Invite
                && dialog.is_none()
                && self.dialogs.len() >= self.config.capacity.dialogs);
        if full {
            return self.refuse_full(&arrival);
        }
        if let Some(dialog) = dialog
            && let Err(status) = self.enter(&arrival, dialog)
        {
            let delay = self.random.next_u32() % 11;
            return self.refuse(now, arrival, status, |response| {
                if status == StatusCode::SERVER_INTERNAL_ERROR {
                    response.headers.set(RetryAfter::new(delay));
                }
            });
        }
        if let Some(subscription) = awaited {
            return self.first_notify(now, arrival, subscription);
        }
        let part = match method {
            Method::Notify => Part::Subscriber,
            _ => Part::Notifier,
        };
        let known = match (dialog, method) {
            (Some(dialog), Method::Notify | Method::Subscribe) => {
                self.find_subscription(dialog, part, &arrival.request)
            }
            _ => None,
        };
        match (dialog, known) {
            (Some(dialog), Some(known)) if part == Part::Subscriber => {
                self.receive_notify(now, arrival, dialog, known);
            }
            (Some(dialog), Some(known)) => self.receive_resubscribe(now, arrival, dialog, known),
            (Some(dialog), None) if *method == Method::Prack && self.abilities.reliable => {
                self.receive_prack(now, arrival, dialog);
            }
            _ => self.hand_over_with(now, arrival, dialog, session, named),
        }
    }

    /// The subscription of ours that a NOTIFY without a dialog begins.
    fn awaits(&self, arrival: &Arrival) -> Option<SubscriptionId> {
        if self.awaited.is_empty() || arrival.request.method != Method::Notify {
            return None;
        }
        let tag = arrival.envelope.dialog.as_ref()?;
        match self.dialog_tags.contains_key(tag) {
            true => None,
            false => self.awaited(&arrival.request),
        }
    }

    /// The dialog of a request; the status to refuse it with when it has none but names one, or
    /// is a copy that forked and merged (§8.2.2.2).
    fn place(&mut self, arrival: &Arrival) -> Result<Option<DialogId>, StatusCode> {
        let Some(tag) = &arrival.envelope.dialog else {
            let merged = arrival.envelope.merged.as_ref();
            return match merged.is_some_and(|merged| self.merged.contains_key(merged)) {
                true => Err(StatusCode::LOOP_DETECTED),
                false => Ok(None),
            };
        };
        match self.dialog_tags.get(tag) {
            Some(dialog) => Ok(Some(*dialog)),
            None => {
                self.statistics.unknown_dialogs += 1;
                Err(StatusCode::CALL_DOES_NOT_EXIST)
            }
        }
    }

    /// The extensions that a request requires and we do not have (§8.2.2.3).
    fn unsupported(&self, request: &Request) -> Result<Option<Unsupported>, StatusCode> {
        let Some(required) = request.headers.typed::<Require>().map_err(|e| e.status())? else {
            return Ok(None);
        };
        let missing: Unsupported = required
            .0
            .into_iter()
            .filter(|tag| {
                let known =
                    |known: &crate::Token| known.as_str().eq_ignore_ascii_case(tag.as_str());
                !self.config.supported.iter().any(known)
            })
            .collect();
        Ok((!missing.0.is_empty()).then_some(missing))
    }

    /// What a dialog says to a request in it: the order of numbers (§12.2.2), one INVITE at a time
    /// (§14.2), nothing but BYE once we have sent BYE (RFC 5407 §3.2).
    fn enter(&mut self, arrival: &Arrival, dialog: DialogId) -> Result<(), StatusCode> {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        };
        if usage.dialog.take_number(arrival.envelope.number) == Order::Late {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        let method = &arrival.request.method;
        // A BYE that waits for a PRACK must not refuse it.
        if usage.bye.is_some() && !matches!(method, Method::Bye | Method::Prack) {
            let other = matches!(method, Method::Notify | Method::Subscribe);
            if !other || usage.subscriptions.is_empty() {
                return Err(StatusCode::CALL_DOES_NOT_EXIST);
            }
        }
        // What is left of a dialog when the call in it is over are its subscriptions (RFC 5057 §5).
        let calls = [Method::Invite, Method::Bye, Method::Update, Method::Prack, Method::Info];
        if !usage.call && calls.contains(method) {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        }
        if *method == Method::Invite {
            match usage.invite {
                Some(Pending::Ours(_)) => return Err(StatusCode::REQUEST_PENDING),
                Some(Pending::Theirs(_)) => return Err(StatusCode::SERVER_INTERNAL_ERROR),
                None if usage.accepted.is_some() => return Err(StatusCode::REQUEST_PENDING),
                None => {}
            }
        }
        if *method == Method::Update && usage.update.is_some() {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        // A PRACK may answer an offer: its own place looks into that.
        if *method != Method::Prack
            && carried_offer(&arrival.request).is_some()
            && let Some(status) = usage.turns.clash()
        {
            return Err(status);
        }
        usage.dialog.set_flow(arrival.flow);
        Ok(())
    }

    /// Makes the transaction and tells the user.
    pub(super) fn hand_over(&mut self, now: Duration, arrival: Arrival, dialog: Option<DialogId>) {
        self.hand_over_with(now, arrival, dialog, None, None);
    }

    fn hand_over_with(
        &mut self,
        now: Duration,
        arrival: Arrival,
        dialog: Option<DialogId>,
        session: Option<Asked>,
        named: Option<Named>,
    ) {
        let is_invite = arrival.request.method == Method::Invite;
        let initial = is_invite && dialog.is_none();
        let mut user = self.new_user(&arrival, false);
        user.offer = carried_offer(&arrival.request);
        if is_invite {
            if self.abilities.reliable {
                user.reliability = Reliability::asked(&arrival.request.headers);
            }
            if let Some(peer) = Peer::of(&self.abilities, &arrival.request.headers) {
                user.set_up().peer = Some(Box::new(peer));
            }
        }
        if let Some(session) = session {
            user.set_up().session = Some(Box::new(session));
        }
        if named.is_some() {
            user.set_up().named = named;
        }
        user.dialog = dialog;
        user.initial = initial;
        match Sought::read(&arrival.request, arrival.envelope.number) {
            Ok(None) => {}
            Ok(Some(sought)) => user.set_up().sought = Some(Box::new(sought)),
            // Who does not take the method refuses that first (§8.2.1).
            Err(_) if !self.config.allow.contains(&arrival.request.method) => {}
            Err(error) => {
                // A SUBSCRIBE without Event (RFC 6665 §4.2.1.1).
                let no_event = error.is_missing() && error.header == HeaderName::Event;
                let status = if no_event { StatusCode::BAD_EVENT } else { error.status() };
                return self.refuse(now, arrival, status, |_| {});
            }
        }
        let subscribes = user.sought().is_some() && dialog.is_none();
        if subscribes {
            let mut routes = Headers::new();
            routes.copy(HeaderName::RecordRoute, &arrival.request.headers);
            user.set_up().routes = (!routes.is_empty()).then(|| Box::new(routes));
        }
        if initial || subscribes {
            match Dialog::callee(&arrival.request, user.tag.text(&mut [0; 16]), arrival.flow) {
                Ok(seed) => user.set_up().seed = Some(Box::new(seed)),
                Err(error) => return self.refuse(now, arrival, error.status(), |_| {}),
            }
        } else if is_invite || arrival.request.method == Method::Update {
            let target = contact_lines(&arrival.request.headers);
            user.set_up().target = Some(Box::new(target));
        }
        let offer = user.offer;
        let renews = is_invite || arrival.request.method == Method::Update;
        let Some(key) = self.make(now, &arrival, user) else { return };
        if let Some(dialog) = dialog.filter(|_| renews) {
            self.learn_methods(dialog, &arrival.request.headers);
            self.learn_identity(dialog, &arrival.request.headers);
        }
        if let Some(usage) = dialog.and_then(|id| self.dialogs.get_mut(id.0)) {
            if is_invite {
                usage.invite = Some(Pending::Theirs(key));
                usage.turns.invite(offer);
            } else if let Some(offer) = offer {
                usage.turns.offer(offer);
            }
            if arrival.request.method == Method::Update {
                usage.update = Some(key);
            }
        }
        let Arrival { request, flow, .. } = arrival;
        self.events.push_back(Event::Request { id: ServerId(key), dialog, request, flow });
    }

    fn new_user(&mut self, arrival: &Arrival, own: bool) -> ServerUser {
        ServerUser {
            method: arrival.request.method.clone(),
            port: arrival.flow.remote.port(),
            tag: match &arrival.envelope.to_tag {
                Some(tag) => LocalTag::Named(tag.clone()),
                None => LocalTag::New(self.random.next_u64()),
            },
            number: arrival.envelope.number,
            dialog: None,
            merged: arrival.envelope.merged,
            refresh: None,
            own,
            initial: false,
            offer: None,
            reliability: Reliability::No,
            setup: None,
        }
    }

    fn make(&mut self, now: Duration, arrival: &Arrival, user: ServerUser) -> Option<ServerKey> {
        let merged = user.merged;
        let made = self.transactions.accept_hashed(
            now,
            &arrival.request,
            arrival.envelope.tag.clone(),
            arrival.hash,
            arrival.reply,
            arrival.envelope.port,
            user,
        );
        let Ok(key) = made else {
            self.refuse_full(arrival);
            return None;
        };
        if let Some(merged) = merged {
            self.merged.entry(merged).or_insert(key);
        }
        Some(key)
    }

    /// Answers a request without asking the user.
    pub(super) fn refuse(
        &mut self,
        now: Duration,
        arrival: Arrival,
        status: StatusCode,
        complete: impl FnOnce(&mut Response),
    ) {
        let mut response = Response::to(&arrival.request, status);
        let known = arrival.envelope.dialog.as_ref().map(|tag| self.dialog_tags.contains_key(tag));
        let cancels = arrival.request.method == Method::Cancel && status == StatusCode::OK;
        if known != Some(true) && !cancels {
            // Its sender has shown nothing yet: a transaction would hold memory, and an INVITE's
            // repeat the answer to whomever it names.
            complete(&mut response);
            self.fill_response(&mut response, &arrival.request.method, None, &arrival.flow);
            if self.tag_alone(&mut response).is_ok() {
                self.transactions.transmit(arrival.reply, response.to_bytes());
            }
            return;
        }
        let user = self.new_user(&arrival, true);
        let _ = tag_to(&mut response, &user.tag);
        complete(&mut response);
        if let Some(key) = self.make(now, &arrival, user) {
            self.answer(now, key, response);
        }
    }

    pub(super) fn refuse_full(&mut self, arrival: &Arrival) {
        self.statistics.refused += 1;
        self.reply_alone(&arrival.request, arrival.reply, StatusCode::SERVICE_UNAVAILABLE);
    }

    /// Repetitions of a request get the same tag although nothing is kept (§8.2.7).
    pub(super) fn tag_alone(&self, response: &mut Response) -> Result<u64, Error> {
        let vias: Vec<&[u8]> = response.headers.raw(HeaderName::Via).collect();
        let mark = self.hash.hash_one(vias);
        tag_to(response, &LocalTag::New(mark))?;
        Ok(mark)
    }

    /// Answers without a transaction (§8.2.7).
    fn reply_alone(&mut self, request: &Request, reply: Flow, status: StatusCode) {
        if request.method == Method::Ack {
            return;
        }
        let mut response = Response::to(request, status);
        let Ok(mark) = self.tag_alone(&mut response) else { return };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = 5 + u32::from(mark as u8) % 11;
            response.headers.set(RetryAfter::new(seconds));
        }
        self.transactions.transmit(reply, response.to_bytes());
    }
}

/// The offer that a request of the peer's carries.
fn carried_offer(request: &Request) -> Option<Offer> {
    let carrier = match request.method {
        Method::Invite => Carrier::Invite,
        Method::Update => Carrier::Update,
        Method::Prack => Carrier::Prack,
        _ => return None,
    };
    describes(&request.headers, &request.body).then_some(Offer::Theirs(carrier))
}

/// A request made of the lines in a broken one that matching and answering need. Its method and
/// URI mean nothing.
fn salvage(message: &Bytes, limits: &Limits) -> Option<Request> {
    const NEEDED: [&str; 10] =
        ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "timestamp"];
    let head = &message[..message.len().min(limits.header_bytes)];
    let mut lines =
        head.split(|byte| *byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
    let first = lines.next()?;
    if first.starts_with(b"SIP/") || first.starts_with(b"ACK ") {
        return None;
    }
    let mut clean = b"OPTIONS sip:salvaged.invalid SIP/2.0\r\n".to_vec();
    let mut keeps = false;
    for line in lines.take(limits.headers) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            keeps = NEEDED.iter().any(|needed| name.eq_ignore_ascii_case(needed.as_bytes()));
        }
        if keeps {
            clean.extend_from_slice(line);
            clean.extend_from_slice(b"\r\n");
        }
    }
    clean.extend_from_slice(b"\r\n");
    Request::parse(clean.into(), limits).ok()
}
