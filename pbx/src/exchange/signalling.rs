//! What the SIP endpoint reports, brought to the leg it concerns.

use std::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::{self, ClientId, ServerId};
use sip_core::transaction::Failure;
use sip_core::{Flow, Method, Request, Response, StatusCode};

use super::ending::skeleton;
use super::{Event, Exchange, Purpose, Timer};
use crate::call::{CallId, CallState, Cause, Hearing, LegId, LegState, Modification, Side};
use crate::record::EndedBy;

impl Exchange {
    pub(super) fn on_endpoint(&mut self, now: Duration, event: endpoint::Event) {
        match event {
            endpoint::Event::Request { id, dialog: None, request, flow } => {
                self.admit(now, id, request, flow);
            }
            endpoint::Event::Request { id, dialog: Some(dialog), request, flow } => {
                self.on_request_in(now, id, dialog, request, flow);
            }
            endpoint::Event::Ack { dialog, request } => self.on_ack(now, dialog, &request),
            endpoint::Event::Cancelled { id } => self.on_cancelled(now, id),
            endpoint::Event::Response { id, dialog, response, .. } => {
                self.on_response(now, id, dialog, &response);
            }
            endpoint::Event::Failed { id, reason } => {
                let status = match reason {
                    Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                self.on_response(now, id, None, &Response::new(status));
            }
            endpoint::Event::AckTimeout { dialog } => self.on_no_ack(now, dialog),
            _ => {}
        }
    }

    fn on_request_in(
        &mut self,
        now: Duration,
        id: ServerId,
        dialog: DialogId,
        request: Request,
        flow: Flow,
    ) {
        let Some(leg) = self.by_dialog.get(&dialog).copied() else {
            // A dialog that we are about to leave, such as that of a late fork.
            let status = if request.method == Method::Bye {
                StatusCode::OK
            } else {
                StatusCode::CALL_DOES_NOT_EXIST
            };
            self.reply(now, id, &request, status);
            return;
        };
        match request.method {
            Method::Bye => self.on_bye(now, id, leg, &request),
            Method::Invite => self.on_reinvite(now, id, leg, request),
            Method::Options => self.on_options(now, id, &request),
            Method::Info => self.on_info(now, id, leg, &request),
            Method::Refer => self.on_refer(now, id, leg, &request, &flow),
            _ => self.refuse_method(now, id, &request),
        }
    }

    fn on_bye(&mut self, now: Duration, id: ServerId, leg_id: LegId, request: &Request) {
        self.reply(now, id, request, StatusCode::OK);
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        let call = leg.call;
        let crossed = leg.state == LegState::Leaving;
        self.abandon_modification(now, leg_id);
        if crossed {
            // Our own BYE is still under way; its answer or time-out ends the leg.
            return;
        }
        self.signalling_done(leg_id);
        let by = match self.calls.get(&call) {
            Some(call) if call.caller == leg_id => EndedBy::Caller,
            _ => EndedBy::Callee,
        };
        self.end(now, call, Cause::NORMAL_CLEARING, by, 200);
    }

    fn on_ack(&mut self, now: Duration, dialog: DialogId, request: &Request) {
        let Some(id) = self.by_dialog.get(&dialog).copied() else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.state == LegState::Answered {
            leg.state = LegState::Confirmed;
        }
        if !std::mem::take(&mut leg.awaits_answer) {
            return;
        }
        let call = leg.call;
        match leg.session.receive_answer(&request.body) {
            Ok(()) => self.open_media(id),
            Err(_) => {
                self.end(now, call, Cause::INCOMPATIBLE_DESTINATION, EndedBy::Exchange, 488);
            }
        }
    }

    fn on_no_ack(&mut self, now: Duration, dialog: DialogId) {
        let Some(id) = self.by_dialog.get(&dialog).copied() else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.state == LegState::Answered {
            leg.state = LegState::Confirmed;
        }
        let call = leg.call;
        self.end(now, call, Cause::RECOVERY_ON_TIMER_EXPIRY, EndedBy::Exchange, 408);
    }

    fn on_cancelled(&mut self, now: Duration, id: ServerId) {
        let Some(leg_id) = self.by_server.get(&id).copied() else { return };
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        if matches!(leg.modification, Some(Modification::Theirs { id: theirs, .. }) if theirs == id)
        {
            // A re-INVITE was cancelled: the endpoint answered it; the session stays as it was.
            leg.modification = None;
            leg.session.roll_back();
            self.by_server.remove(&id);
            return;
        }
        let call = leg.call;
        self.signalling_done(leg_id);
        self.end(now, call, Cause::NORMAL_CLEARING, EndedBy::Caller, 487);
    }

    fn on_response(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let known = self.by_client.get(&id).copied();
        if known.is_some() && response.status.is_final() {
            self.by_client.remove(&id);
        }
        match known {
            Some((leg, Purpose::Invite)) => self.on_invite_response(now, leg, dialog, response),
            Some((leg, Purpose::Modify)) => {
                self.on_modify_response(now, leg, dialog, response);
                if response.status.is_final() {
                    self.on_modified(now, leg);
                }
            }
            Some((leg, Purpose::Renew)) => {
                self.on_modify_response(now, leg, dialog, response);
                if response.status.is_final() {
                    self.on_renewed(now, leg, response.status);
                }
            }
            Some((leg, Purpose::Bye)) => {
                if response.status.is_final() {
                    self.signalling_done(leg);
                }
            }
            None => {
                // A further 2xx of a forked INVITE: accepted and ended at once (RFC 3261 §13.2.2.4).
                if let (true, Some(dialog)) = (response.status.is_success(), dialog) {
                    self.leave_stray(now, dialog);
                }
            }
        }
    }

    fn on_invite_response(
        &mut self,
        now: Duration,
        leg_id: LegId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        if !response.status.is_final() {
            if leg.state == LegState::Inviting && response.status.code() > 100 {
                self.on_progress(now, leg_id, response);
            }
            return;
        }
        leg.inviting = None;
        if response.status.is_success() {
            let Some(dialog) = dialog else { return };
            leg.dialog = Some(dialog);
            self.by_dialog.insert(dialog, leg_id);
            let _ = self.endpoint.ack(now, dialog, None);
            self.on_answer(now, leg_id, response);
            return;
        }
        let cancelled = leg.state == LegState::Cancelling;
        let call = leg.call;
        self.close_port(leg_id);
        self.signalling_done(leg_id);
        if !cancelled {
            self.on_refusal(now, call, response.status.code());
        }
        self.finish_if_over(now, call);
    }

    fn on_progress(&mut self, now: Duration, leg_id: LegId, response: &Response) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        let (call_id, party) = (leg.call, leg.party.clone());
        let early_media = !response.body.is_empty()
            && !leg.open
            && leg.session.receive_early_answer(&response.body).is_ok();
        let Some(call) = self.calls.get(&call_id) else { return };
        if call.state != CallState::Ringing {
            return;
        }
        let caller = call.caller;
        if response.status == StatusCode::RINGING {
            self.emit(Event::Ringing { call: call_id, party });
        }
        if early_media && self.caller_takes_early_media(caller) {
            self.open_media(leg_id);
            self.early_answer(now, caller, leg_id);
            self.let_hear_each_other(caller, leg_id);
        } else {
            self.pass_provisional(now, caller, response.status);
        }
    }

    fn on_answer(&mut self, now: Duration, leg_id: LegId, response: &Response) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        let wanted = leg.state == LegState::Inviting;
        leg.state = LegState::Confirmed;
        let call_id = leg.call;
        let agreed = leg.session.receive_answer(&response.body).is_ok();
        let ringing = self.calls.get(&call_id).is_some_and(|call| call.state == CallState::Ringing);
        if !wanted || !ringing || !agreed {
            // It crossed our CANCEL, another telephone was first, or there is no way to talk.
            self.close_port(leg_id);
            self.say_bye(now, leg_id);
            if wanted && ringing {
                self.on_refusal(now, call_id, 488);
            }
            return;
        }
        self.connect(now, call_id, leg_id);
    }

    /// The first telephone to answer gets the caller; the others stop ringing.
    fn connect(&mut self, now: Duration, call_id: CallId, leg_id: LegId) {
        let time = self.wall_clock(now);
        let Some(party) = self.legs.get(&leg_id).map(|leg| leg.party.clone()) else { return };
        let Some(call) = self.calls.get_mut(&call_id) else { return };
        call.state = CallState::Talking;
        call.callee = Some(leg_id);
        call.feature = None;
        call.draft.answered_by = Some(party.clone());
        call.draft.answered.get_or_insert(time);
        let caller = call.caller;
        let ring_until = call.ring_until.take();
        let others: Vec<LegId> = call
            .legs
            .iter()
            .copied()
            .filter(|other| *other != caller && *other != leg_id)
            .collect();
        self.clear_timer(ring_until, Timer::Ring(call_id));
        for other in others {
            self.release(now, other, Cause::NORMAL_CLEARING, 487);
        }
        self.open_media(leg_id);
        self.answer_caller(now, call_id, Some(leg_id));
        self.let_hear_each_other(caller, leg_id);
        self.emit(Event::Answered { call: call_id, by: party });
        self.on_taken(now, call_id);
    }

    /// One of the telephones that ring has refused. The caller hears of it when none is left.
    pub(super) fn on_refusal(&mut self, now: Duration, call_id: CallId, status: u16) {
        let Some(call) = self.calls.get_mut(&call_id) else { return };
        if call.state != CallState::Ringing {
            return;
        }
        call.note_failure(status);
        let caller = call.caller;
        let still_ringing = call.legs.iter().any(|id| {
            *id != caller
                && self.legs.get(id).is_some_and(|leg| {
                    leg.side == Side::Outgoing && leg.state == LegState::Inviting
                })
        });
        if !still_ringing {
            self.dial_failed(now, call_id, EndedBy::Callee);
        }
    }

    pub(super) fn on_no_answer(&mut self, now: Duration, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.state != CallState::Ringing || call.ring_until.is_none_or(|at| at > now) {
            return;
        }
        call.ring_until = None;
        call.best_failure = None;
        let caller = call.caller;
        let ringing: Vec<LegId> = call.legs.iter().copied().filter(|id| *id != caller).collect();
        for leg in ringing {
            self.release(now, leg, Cause::NO_ANSWER, 487);
        }
        self.dial_failed(now, id, EndedBy::Exchange);
    }

    fn leave_stray(&mut self, now: Duration, dialog: DialogId) {
        let _ = self.endpoint.ack(now, dialog, None);
        let _ = self.endpoint.request_in(now, dialog, skeleton(Method::Bye));
    }

    /// Sends BYE in a confirmed dialog.
    pub(super) fn say_bye(&mut self, now: Duration, id: LegId) {
        let bye = skeleton(Method::Bye);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.state = LegState::Leaving;
        let sent = leg.dialog.and_then(|dialog| self.endpoint.request_in(now, dialog, bye).ok());
        match sent {
            Some(client) => {
                self.by_client.insert(client, (id, Purpose::Bye));
            }
            // The dialog is gone already: there is nobody to say it to.
            None => self.signalling_done(id),
        }
    }

    /// Answers a request with a bare status.
    pub(super) fn reply(
        &mut self,
        now: Duration,
        id: ServerId,
        request: &Request,
        status: StatusCode,
    ) {
        let _ = self.endpoint.respond(now, id, Response::to(request, status));
    }

    pub(super) fn caller_takes_early_media(&self, caller: LegId) -> bool {
        self.legs.get(&caller).is_some_and(|leg| {
            leg.state == LegState::Inviting
                && leg.session.has_remote_offer()
                && !matches!(leg.hearing, Hearing::Leg(_))
        })
    }
}
