//! Re-INVITE within a call: hold and resume pass through to the other leg, everything else stays
//! on the leg that asked.
//!
//! ```text
//!   A                     exchange                     B
//!   |---- INVITE (hold) ---->|                         |
//!   |                        |---- INVITE (hold) ----->|
//!   |                        |<--- 200 (held) ---------|
//!   |                        |---- ACK --------------->|
//!   |<--- 200 (held) --------|                         |
//!   |---- ACK -------------->|                         |
//! ```
//!
//! When B refuses, A gets B's answer and both sessions stay as they were (RFC 3261 §14.1).

use std::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::ServerId;
use sip_core::header::ContentType;
use sip_core::{Method, Request, Response, StatusCode};

use super::ending::skeleton;
use super::{Event, Exchange, Purpose, Timer};
use crate::call::{Cause, LegId, LegState, Modification};
use crate::record::EndedBy;

/// How long a peer may keep our re-INVITE in a 100 before the call is given up: 64·T1.
pub(super) const GUARD: Duration = Duration::from_secs(32);

impl Exchange {
    pub(super) fn on_reinvite(
        &mut self,
        now: Duration,
        id: ServerId,
        leg_id: LegId,
        request: Request,
    ) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        if !leg.talks() {
            return self.reply(now, id, &request, StatusCode::CALL_DOES_NOT_EXIST);
        }
        if leg.modification.is_some() {
            return self.reply(now, id, &request, StatusCode::REQUEST_PENDING);
        }
        match leg.session.receive_invite(&request) {
            Err(refusal) => {
                return self.reply(now, id, &request, refusal.0);
            }
            // No offer: ours goes into the 200 and the answer comes with the ACK (§14.2).
            Ok(false) => return self.offer_again(now, id, leg_id, &request),
            Ok(true) => {}
        }
        let passes = leg.session.offer_changes_direction();
        let other = self.other_leg(leg_id).filter(|_| passes);
        let Some(other) = other else { return self.answer_modification(now, id, leg_id, &request) };
        let direction = self.legs.get(&leg_id).map(|leg| leg.session.offered_direction());
        let Some(leg) = self.legs.get_mut(&other) else { return };
        let busy = leg.modification.is_some() || leg.state != LegState::Confirmed;
        let (Some(dialog), Some(direction), false) = (leg.dialog, direction, busy) else {
            if let Some(leg) = self.legs.get_mut(&leg_id) {
                leg.session.roll_back();
            }
            return self.reply(now, id, &request, StatusCode::REQUEST_PENDING);
        };
        let body = leg.session.offer_direction(direction);
        let mut reinvite = skeleton(Method::Invite);
        reinvite.headers.push(ContentType::sdp());
        reinvite.body = body;
        match self.endpoint.request_in(now, dialog, reinvite) {
            Ok(client) => {
                self.by_client.insert(client, (other, Purpose::Modify));
                self.by_server.insert(id, leg_id);
                if let Some(leg) = self.legs.get_mut(&other) {
                    leg.modification = Some(Modification::Ours { id: client });
                    leg.guard = Some(now + GUARD);
                }
                if let Some(leg) = self.legs.get_mut(&leg_id) {
                    leg.modification =
                        Some(Modification::Theirs { id, request: Box::new(request) });
                }
                self.set_timer(now + GUARD, Timer::Guard(other));
            }
            Err(_) => {
                for leg in [leg_id, other] {
                    if let Some(leg) = self.legs.get_mut(&leg) {
                        leg.session.roll_back();
                    }
                }
                self.reply(now, id, &request, StatusCode::REQUEST_PENDING);
            }
        }
    }

    /// The other leg answered the re-INVITE that we passed on.
    pub(super) fn on_modify_response(
        &mut self,
        now: Duration,
        leg_id: LegId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        if !response.status.is_final() {
            return;
        }
        if let (true, Some(dialog)) = (response.status.is_success(), dialog) {
            let _ = self.endpoint.ack(now, dialog, None);
        }
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        leg.modification = None;
        let guard = leg.guard.take();
        let call = leg.call;
        let mut status = response.status;
        if status.is_success() && leg.session.receive_answer(&response.body).is_err() {
            status = StatusCode::NOT_ACCEPTABLE_HERE;
        }
        if !status.is_success() {
            leg.session.roll_back();
        }
        let talks = leg.talks();
        self.clear_timer(guard, Timer::Guard(leg_id));
        if !talks {
            return;
        }
        if status.is_success() {
            self.open_media(leg_id);
        }
        self.finish_theirs(now, leg_id, status);
        // The dialog is gone on the other side (RFC 3261 §14.1, §12.2.1.2).
        if matches!(status.code(), 408 | 481) {
            self.end(now, call, Cause::from_status(status.code()), EndedBy::Callee, status.code());
        }
    }

    /// Answers the re-INVITE that waited for the leg opposite `leg_id`.
    fn finish_theirs(&mut self, now: Duration, leg_id: LegId, status: StatusCode) {
        let Some(asker) = self.other_leg(leg_id) else { return };
        let Some((id, request)) = self.take_theirs(asker) else { return };
        if status.is_success() {
            let direction = self.legs.get(&leg_id).map(|leg| leg.session.direction());
            if let (Some(leg), Some(direction)) = (self.legs.get_mut(&asker), direction) {
                leg.session.limit_to(direction.reversed());
            }
            self.answer_modification(now, id, asker, &request);
        } else {
            if let Some(leg) = self.legs.get_mut(&asker) {
                leg.session.roll_back();
            }
            self.reply(now, id, &request, status);
        }
    }

    /// Answers the re-INVITE of a leg without waiting for the other one, which goes away.
    pub(super) fn settle(&mut self, now: Duration, leg_id: LegId) {
        if let Some((id, request)) = self.take_theirs(leg_id) {
            self.answer_modification(now, id, leg_id, &request);
        }
    }

    fn take_theirs(&mut self, leg_id: LegId) -> Option<(ServerId, Box<Request>)> {
        let leg = self.legs.get_mut(&leg_id)?;
        match leg.modification.take() {
            Some(Modification::Theirs { id, request }) => {
                self.by_server.remove(&id);
                Some((id, request))
            }
            kept => {
                leg.modification = kept;
                None
            }
        }
    }

    /// Accepts a re-INVITE on its own leg.
    fn answer_modification(
        &mut self,
        now: Duration,
        id: ServerId,
        leg_id: LegId,
        request: &Request,
    ) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        let Ok(body) = leg.session.answer(None) else {
            leg.session.roll_back();
            return self.reply(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE);
        };
        let (call, party) = (leg.call, leg.party.clone());
        let holds = leg.session.peer_holds();
        let changed = holds != std::mem::replace(&mut leg.held, holds);
        leg.state = LegState::Answered;
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.set(ContentType::sdp());
        response.body = body;
        let _ = self.endpoint.respond(now, id, response);
        self.open_media(leg_id);
        if changed && holds {
            self.emit(Event::Held { call, by: party });
        } else if changed {
            self.emit(Event::Resumed { call, by: party });
        }
    }

    fn offer_again(&mut self, now: Duration, id: ServerId, leg_id: LegId, request: &Request) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        leg.state = LegState::Answered;
        leg.awaits_answer = true;
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.set(ContentType::sdp());
        response.body = leg.session.offer();
        let _ = self.endpoint.respond(now, id, response);
    }

    /// A leg is ending while its peer waits for an answer to a re-INVITE (RFC 3261 §15.1.2).
    pub(super) fn abandon_modification(&mut self, now: Duration, leg_id: LegId) {
        let Some(leg) = self.legs.get_mut(&leg_id) else { return };
        let guard = leg.guard.take();
        if let Some((id, request)) = self.take_theirs(leg_id) {
            self.reply(now, id, &request, StatusCode::REQUEST_TERMINATED);
        }
        if let Some(leg) = self.legs.get_mut(&leg_id) {
            leg.modification = None;
        }
        self.clear_timer(guard, Timer::Guard(leg_id));
    }

    pub(super) fn on_guard(&mut self, now: Duration, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.guard.is_none_or(|at| at > now) {
            return;
        }
        leg.guard = None;
        if let Some(Modification::Ours { id: client }) = &leg.modification {
            let _ = self.endpoint.cancel(now, *client);
        }
        let call = leg.call;
        self.end(now, call, Cause::RECOVERY_ON_TIMER_EXPIRY, EndedBy::Exchange, 408);
    }

    /// The leg that `leg_id` talks to.
    pub(super) fn other_leg(&self, leg_id: LegId) -> Option<LegId> {
        let id = self.legs.get(&leg_id)?.call;
        let call = self.calls.get(&id)?;
        let callee = call.callee?;
        let other = match leg_id {
            id if id == call.caller => callee,
            id if id == callee => call.caller,
            _ => return None,
        };
        // While a transfer is under way it may be in another call.
        self.legs.get(&other).is_some_and(|leg| leg.call == id).then_some(other)
    }
}
