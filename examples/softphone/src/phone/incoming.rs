//! Requests of the peer's.

use std::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::ServerId;
use sip_core::header::{Accept, ContentType, From, Reason};
use sip_core::sdp::{Direction, OfferAnswer};
use sip_core::{Flow, Headers, Method, Request, Response, StatusCode};

use super::call::Call;
use super::{Answering, Ending, Event, Phone, description};
use crate::failure::Failure;

impl Phone {
    pub(super) fn on_request(
        &mut self,
        now: Duration,
        id: ServerId,
        dialog: Option<DialogId>,
        request: Request,
        flow: Flow,
    ) {
        let ours = dialog.is_some() && self.call.as_ref().is_some_and(|call| call.dialog == dialog);
        match (&request.method, dialog) {
            (Method::Invite, None) => self.on_invite(now, id, request, flow),
            (Method::Invite, Some(_)) if ours => self.on_offer(now, id, &request),
            (Method::Bye, Some(_)) => {
                self.reply(now, id, &request, StatusCode::OK);
                if ours {
                    self.end(now, Ending::Theirs(reason(&request.headers)));
                }
            }
            (Method::Invite, Some(_)) | (Method::Bye, None) => {
                self.reply(now, id, &request, StatusCode::CALL_DOES_NOT_EXIST);
            }
            (Method::Options, _) => {
                let mut response = Response::to(&request, StatusCode::OK);
                response.headers.set(Accept(vec![ContentType::sdp().0]));
                let _ = self.endpoint.respond(now, id, response);
            }
            _ => self.reply(now, id, &request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// Picks up.
    pub(super) fn answer(&mut self, now: Duration) {
        let Some(call) = &mut self.call else { return };
        let Some((id, request)) = call.server.take() else { return };
        let offered = call.session.pending_offer().is_some();
        let body = if offered {
            call.session.make_answer().ok().map(|(answer, _)| answer)
        } else {
            call.session.make_offer().ok()
        };
        let Some(body) = body else {
            self.reply(now, id, &request, StatusCode::NOT_ACCEPTABLE_HERE);
            return self.end(now, Ending::Failed(Failure::NoDescription));
        };
        let mut response = Response::to(&request, StatusCode::OK);
        response.headers.set(ContentType::sdp());
        response.body = body.to_bytes();
        match self.endpoint.respond(now, id, response) {
            Ok(Some(dialog)) => call.dialog = Some(dialog),
            // The caller was faster in giving up.
            _ => return self.missed(),
        }
        let from = call.flow.remote.ip();
        let agreed = call.session.negotiated().cloned();
        self.begin_talk(now);
        if let Some(agreed) = agreed {
            self.line.open(now, &agreed, from);
        }
    }

    /// The ACK of our 2xx: it has the answer, where the 2xx had the offer.
    pub(super) fn on_ack(&mut self, now: Duration, dialog: DialogId, ack: &Request) {
        let Some(call) = self.call.as_mut().filter(|call| call.dialog == Some(dialog)) else {
            return;
        };
        if !call.session.has_local_offer() {
            return;
        }
        let first = call.session.negotiated().is_none();
        let answer = description(&ack.body).map_err(|_| Failure::NoDescription);
        match answer.and_then(|answer| Ok(call.session.receive_answer(&answer)?)) {
            Ok(agreed) => self.line.open(now, &agreed, call.flow.remote.ip()),
            Err(failure) if first => {
                self.leave(now, dialog);
                self.end(now, Ending::Failed(failure));
            }
            Err(_) => call.session.rollback(),
        }
    }

    pub(super) fn on_no_ack(&mut self, now: Duration, dialog: DialogId) {
        self.leave(now, dialog);
        if self.call.as_ref().is_some_and(|call| call.dialog == Some(dialog)) {
            self.end(now, Ending::Failed(Failure::NoAck));
        }
    }

    /// An INVITE of the peer's is over without us.
    pub(super) fn on_cancelled(&mut self, id: ServerId) {
        let server = self.call.as_ref().and_then(|call| call.server.as_ref());
        if server.is_some_and(|(ours, _)| *ours == id) {
            self.missed();
        }
    }

    fn missed(&mut self) {
        self.call = None;
        self.events.push_back(Event::Missed);
    }

    fn on_invite(&mut self, now: Duration, id: ServerId, request: Request, flow: Flow) {
        let Answering::After(ringing) = self.settings.answering else {
            return self.reply(now, id, &request, StatusCode::TEMPORARILY_UNAVAILABLE);
        };
        if self.call.is_some() {
            return self.reply(now, id, &request, StatusCode::BUSY_HERE);
        }
        let mut session = self.session(&flow);
        if let Err(status) = take_offer(&mut session, &request) {
            return self.refuse_offer(now, id, &request, status);
        }
        let mut call = Call::new(session, flow);
        match self.endpoint.respond(now, id, Response::to(&request, StatusCode::RINGING)) {
            Ok(dialog) => call.dialog = dialog,
            Err(_) => return,
        }
        call.deadline = Some(now + ringing);
        let from = caller(&request.headers);
        call.server = Some((id, request));
        self.call = Some(call);
        self.events.push_back(Event::Called { from });
    }

    /// A re-INVITE: the peer holds, resumes, moves its media, or wants to hear what we can do.
    fn on_offer(&mut self, now: Duration, id: ServerId, request: &Request) {
        let Some(call) = &mut self.call else { return };
        call.session.local_mut().direction = Direction::SendRecv;
        let body = if request.body.is_empty() {
            call.session.make_offer().map_err(|_| StatusCode::REQUEST_PENDING)
        } else {
            take_offer(&mut call.session, request).and_then(|()| {
                let answer = call.session.make_answer();
                answer.map(|(answer, _)| answer).map_err(|error| error.status())
            })
        };
        let body = match body {
            Ok(body) => body,
            Err(status) => return self.refuse_offer(now, id, request, status),
        };
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.set(ContentType::sdp());
        response.body = body.to_bytes();
        let sent = self.endpoint.respond(now, id, response).is_ok();
        let agreed = call.session.negotiated().filter(|_| !call.session.has_local_offer());
        if let (true, Some(agreed)) = (sent, agreed) {
            self.line.open(now, agreed, call.flow.remote.ip());
        }
    }

    fn refuse_offer(&mut self, now: Duration, id: ServerId, request: &Request, status: StatusCode) {
        let mut response = Response::to(request, status);
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.headers.set(Accept(vec![ContentType::sdp().0]));
        }
        let _ = self.endpoint.respond(now, id, response);
    }

    fn reply(&mut self, now: Duration, id: ServerId, request: &Request, status: StatusCode) {
        // Where it fails the peer has withdrawn the request.
        let _ = self.endpoint.respond(now, id, Response::to(request, status));
    }
}

/// Takes the offer of an INVITE, if it has one; else the status to refuse it with.
fn take_offer(session: &mut OfferAnswer, request: &Request) -> Result<(), StatusCode> {
    if request.body.is_empty() {
        return Ok(());
    }
    match request.headers.typed::<ContentType>() {
        Ok(Some(kind)) if !kind.is("application", "sdp") => {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        Ok(_) => {}
        Err(_) => return Err(StatusCode::BAD_REQUEST),
    }
    let offer = description(&request.body)?;
    session.receive_offer(&offer).map_err(|rejection| rejection.status())
}

/// Who calls, as their From says: the name, else the number, else the whole address.
fn caller(headers: &Headers) -> String {
    let Ok(from) = headers.require::<From>() else { return "somebody".to_owned() };
    let user = from.uri.as_sip().and_then(|uri| uri.user().map(|user| user.into_owned()));
    let number = user.unwrap_or_else(|| from.uri.to_string());
    let shown = match from.display_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({number})"),
        None => number,
    };
    // A terminal obeys control characters, and this text is a stranger's.
    shown.chars().filter(|c| !c.is_control()).collect()
}

/// What a Reason header says (RFC 3326): its text, else its cause.
fn reason(headers: &Headers) -> Option<String> {
    let reason = headers.all::<Reason>().flatten().next()?;
    let cause = reason.cause().map(|cause| format!("{} {cause}", reason.protocol.as_str()));
    let text = reason.params.text("text").map(std::borrow::Cow::into_owned);
    let said = [text, cause].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let clean: String = said.chars().filter(|c| !c.is_control()).collect();
    (!clean.is_empty()).then_some(clean)
}
