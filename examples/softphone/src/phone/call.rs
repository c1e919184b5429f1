//! The one call: from our INVITE, or from its answer, to its end.

use std::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, ServerId};
use sip_core::header::ContentType;
use sip_core::sdp::{Negotiated, OfferAnswer};
use sip_core::{Flow, Method, Request, Response, SipUri, StatusCode};

use super::{Ending, Event, HangUp, Phone, Why, description};
use crate::failure::Failure;

/// A call, ringing or talking.
#[derive(Debug)]
pub(super) struct Call {
    /// The INVITE that we have not answered for good.
    pub(super) server: Option<(ServerId, Request)>,
    /// Our INVITE, as long as it is not answered for good.
    pub(super) client: Option<ClientId>,
    pub(super) dialog: Option<DialogId>,
    pub(super) session: OfferAnswer,
    pub(super) flow: Flow,
    pub(super) answered: Option<Duration>,
    /// When to give up ringing, to answer, or to hang up: whichever is next.
    pub(super) deadline: Option<Duration>,
    /// Why our INVITE was cancelled.
    pub(super) giving_up: Option<Failure>,
    /// The last provisional response that the owner was told of.
    progress: Option<StatusCode>,
}

impl Call {
    pub(super) fn new(session: OfferAnswer, flow: Flow) -> Self {
        Self {
            server: None,
            client: None,
            dialog: None,
            session,
            flow,
            answered: None,
            deadline: None,
            giving_up: None,
            progress: None,
        }
    }
}

impl Phone {
    /// Calls `uri` over `flow`. [`Event::Ended`] follows, however it goes.
    ///
    /// # Errors
    ///
    /// There is a call already, or the request could not be made.
    pub fn call(&mut self, now: Duration, uri: SipUri, flow: Flow) -> Result<(), Failure> {
        let mut session = self.session(&flow);
        let mut request = self.request(Method::Invite, uri, &flow);
        if let Ok(offer) = session.make_offer() {
            request.headers.push(ContentType::sdp());
            request.body = offer.to_bytes();
        }
        let client = self.send(now, request, flow, Why::Call)?;
        let mut call = Call::new(session, flow);
        call.client = Some(client);
        call.deadline = Some(now + self.settings.patience);
        self.call = Some(call);
        self.react(now);
        Ok(())
    }

    /// Ends the call, whatever state it is in: by BYE, CANCEL or a refusal.
    pub fn hang_up(&mut self, now: Duration, why: HangUp) {
        let Some(call) = &mut self.call else { return };
        if let Some((id, request)) = &call.server {
            let status = StatusCode::TEMPORARILY_UNAVAILABLE;
            let _ = self.endpoint.respond(now, *id, Response::to(request, status));
            self.end(now, Ending::Failed(Failure::Interrupted));
        } else if call.client.is_some() {
            self.give_up(now, Failure::Interrupted);
        } else if let Some(dialog) = call.dialog {
            self.leave(now, dialog);
            self.end(now, Ending::Ours(why));
        }
        self.react(now);
    }

    pub(super) fn call_timeout(&mut self, now: Duration) {
        let Some(call) = &mut self.call else { return };
        if call.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        call.deadline = None;
        if call.server.is_some() {
            self.answer(now);
        } else if call.client.is_some() {
            self.give_up(now, Failure::NoAnswer(self.settings.patience));
        } else {
            self.hang_up(now, HangUp::TimeUp);
        }
    }

    pub(super) fn on_progress(&mut self, now: Duration, response: &Response, flow: Flow) {
        let Some(call) = &mut self.call else { return };
        let status = response.status;
        if status == StatusCode::TRYING || call.giving_up.is_some() {
            return;
        }
        if call.progress.replace(status) != Some(status) {
            let reason = response.reason.to_string();
            self.events.push_back(Event::Progress { status, reason });
        }
        if let Ok(answer) = description(&response.body)
            && let Ok(agreed) = call.session.receive_early_answer(&answer)
        {
            self.line.open(now, &agreed, flow.remote.ip());
        }
    }

    pub(super) fn on_accepted(
        &mut self,
        now: Duration,
        dialog: Option<DialogId>,
        response: &Response,
        flow: Flow,
    ) {
        let (Some(dialog), Some(call)) = (dialog, &mut self.call) else { return };
        let _ = self.endpoint.ack(now, dialog, None);
        call.client = None;
        call.dialog = Some(dialog);
        call.flow = flow;
        let outcome = match call.giving_up.take() {
            Some(failure) => Err(failure),
            None => take_answer(&mut call.session, response),
        };
        match outcome {
            Ok(agreed) => {
                self.begin_talk(now);
                self.line.open(now, &agreed, flow.remote.ip());
            }
            Err(failure) => {
                self.leave(now, dialog);
                self.end(now, Ending::Failed(failure));
            }
        }
    }

    pub(super) fn on_call_failed(&mut self, now: Duration, failure: Failure) {
        let Some(call) = &mut self.call else { return };
        let failure = call.giving_up.take().unwrap_or(failure);
        self.end(now, Ending::Failed(failure));
    }

    /// The call is answered: the script and the clock of the call begin.
    pub(super) fn begin_talk(&mut self, now: Duration) {
        let Some(call) = &mut self.call else { return };
        call.answered = Some(now);
        call.deadline = self.settings.longest.map(|longest| now + longest);
        self.events.push_back(Event::Answered);
        self.line.answered(now);
    }

    /// Says goodbye in a dialog.
    pub(super) fn leave(&mut self, now: Duration, dialog: DialogId) {
        let Some(state) = self.endpoint.dialog(dialog) else { return };
        let flow = state.flow();
        let request = Request::new(Method::Bye, state.target().clone());
        if let Ok(id) = self.endpoint.request_in(now, dialog, request.clone()) {
            self.outgoing.push(super::Outgoing { id, request, flow, why: Why::Leave(dialog) });
        }
    }

    pub(super) fn end(&mut self, now: Duration, ending: Ending) {
        let Some(call) = self.call.take() else { return };
        let statistics = self.line.close(now);
        while let Some(event) = self.line.poll_event() {
            self.events.push_back(event);
        }
        let talked = call.answered.map(|answered| now.saturating_sub(answered));
        self.events.push_back(Event::Ended { ending, talked, statistics });
    }

    fn give_up(&mut self, now: Duration, failure: Failure) {
        let Some(call) = &mut self.call else { return };
        let Some(client) = call.client else { return };
        call.deadline = None;
        if call.giving_up.is_none() {
            call.giving_up = Some(failure);
            // Where it fails the final response is here already, and decides.
            let _ = self.endpoint.cancel(now, client);
        }
    }
}

/// The answer in a 2xx, or the early one where the 2xx has none.
fn take_answer(session: &mut OfferAnswer, response: &Response) -> Result<Negotiated, Failure> {
    if response.body.is_empty() {
        return session.confirm_early_answer().map_err(|_| Failure::NoDescription);
    }
    let answer = description(&response.body).map_err(|_| Failure::NoDescription)?;
    Ok(session.receive_answer(&answer)?)
}
