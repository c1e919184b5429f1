//! The end of calls and legs, and the record that stays.

use std::net::IpAddr;
use std::time::Duration;

use sip_core::header::Reason;
use sip_core::{Host, Method, Request, Response, SipUri, StatusCode, Token};

use super::{Command, Event, Exchange, Timer};
use crate::call::{CallId, CallState, Cause, LegId, LegState};
use crate::media::{PortId, StreamStatistics};
use crate::record::{CallRecord, EndedBy};
use crate::store::Write;

impl Exchange {
    /// Ends a call: every leg is told in the way its state allows. `status` is for a caller who has no
    /// final answer yet.
    pub(super) fn end(
        &mut self,
        now: Duration,
        id: CallId,
        cause: Cause,
        by: EndedBy,
        status: u16,
    ) {
        let time = self.wall_clock(now);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.state == CallState::Ending {
            return;
        }
        call.state = CallState::Ending;
        let wakes = call.feature.take().and_then(|feature| feature.poll_timeout());
        call.draft.status.get_or_insert(status);
        let since = call.draft.answered.unwrap_or(call.draft.started);
        call.draft.ended = Some((time.max(since), cause, by));
        let ring_until = call.ring_until.take();
        let legs = call.legs.clone();
        self.clear_timer(ring_until, Timer::Ring(id));
        self.clear_timer(wakes, Timer::Feature(id));
        self.end_referral(now, id, status);
        for leg in legs {
            self.release(now, leg, cause, status);
        }
        self.finish_if_over(now, id);
    }

    /// Ends one leg in the way its state allows.
    pub(super) fn release(&mut self, now: Duration, id: LegId, cause: Cause, status: u16) {
        self.close_port(id);
        self.abandon_modification(now, id);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.state {
            LegState::Inviting => match (leg.invite.take(), leg.inviting) {
                (Some((server, request)), _) => {
                    let status =
                        StatusCode::new(status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
                    let mut response = Response::to(&request, status);
                    response.headers.push(reason(cause));
                    let _ = self.endpoint.respond(now, server, response);
                    self.by_server.remove(&server);
                    self.signalling_done(id);
                }
                (None, Some(client)) => {
                    leg.state = LegState::Cancelling;
                    if self.endpoint.cancel(now, client).is_err() {
                        self.signalling_done(id);
                    }
                }
                (None, None) => self.signalling_done(id),
            },
            LegState::Answered | LegState::Confirmed if leg.parting => {}
            LegState::Answered | LegState::Confirmed => self.say_bye(now, id),
            LegState::Cancelling | LegState::Leaving => {}
            LegState::Done => self.forget_if_over(id),
        }
    }

    /// A leg's signalling is over; its media may still be closing.
    pub(super) fn signalling_done(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.state = LegState::Done;
        if let Some((server, _)) = leg.invite.take() {
            self.by_server.remove(&server);
        }
        if let Some(dialog) = leg.dialog.take() {
            self.by_dialog.remove(&dialog);
        }
        self.forget_if_over(id);
    }

    pub(super) fn on_closed(&mut self, now: Duration, port: PortId, statistics: StreamStatistics) {
        let Some(id) = self.by_port.remove(&port) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(port) = leg.port.take() {
            self.ports.give_back(port);
        }
        let call_id = leg.call;
        if let Some(call) = self.calls.get_mut(&call_id) {
            if call.caller == id {
                call.draft.caller_media = Some(statistics);
            } else if call.callee == Some(id) {
                call.draft.callee_media = Some(statistics);
            }
        }
        self.forget_if_over(id);
        self.finish_if_over(now, call_id);
    }

    fn forget_if_over(&mut self, id: LegId) {
        let over =
            self.legs.get(&id).is_some_and(|leg| leg.state == LegState::Done && leg.port.is_none());
        if over {
            self.legs.remove(&id);
        }
    }

    /// Writes the record once the call has ended and all its media is closed. Goodbyes that are still
    /// on their way do not delay it.
    pub(super) fn finish_if_over(&mut self, _now: Duration, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let media_open =
            call.legs.iter().any(|leg| self.legs.get(leg).is_some_and(|leg| leg.port.is_some()));
        if call.state != CallState::Ending || media_open {
            return;
        }
        let Some(call) = self.calls.remove(&id) else { return };
        let draft = call.draft;
        let Some((ended, cause, ended_by)) = draft.ended else { return };
        let record = CallRecord {
            call: id,
            sip_call_id: draft.sip_call_id,
            caller: draft.caller,
            dialled: draft.dialled,
            answered_by: draft.answered_by.filter(|_| draft.answered.is_some()),
            started: draft.started,
            answered: draft.answered,
            ended,
            cause,
            ended_by,
            status: draft.status.unwrap_or(0),
            caller_media: draft.caller_media,
            callee_media: draft.callee_media,
            transfer: draft.transfer,
        };
        self.store.push_back(Write::Record(record.clone()));
        self.emit(Event::Ended { record: Box::new(record) });
    }

    /// No new calls, goodbye to the rest.
    pub(super) fn stop(&mut self, now: Duration) {
        self.stopping = true;
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            self.carry_out(now, Command::HangUp { call, cause: Cause::NORMAL_UNSPECIFIED });
        }
    }
}

/// A request of ours within a dialog, which decides its URI and the rest.
pub(super) fn skeleton(method: Method) -> Request {
    let nowhere = Host::from(IpAddr::from([0, 0, 0, 0]));
    Request::new(method, SipUri::new("", nowhere, None))
}

/// The Q.850 cause for the peer to see (RFC 3326).
fn reason(cause: Cause) -> Reason {
    Reason::with_cause(Token::from_static("Q.850"), cause.value().into(), cause.text())
}
