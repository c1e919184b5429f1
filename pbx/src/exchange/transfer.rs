//! Call transfer (RFC 5589): a telephone refers the other party of its call to somebody else.
//!
//! ```text
//!  transferee           exchange          transferor         target
//!      |                   |<---- REFER -------|                |
//!      |                   |------ 202 ------->|                |
//!      |                   |- NOTIFY 100 Trying ->              |
//!      |<=== ringback =====|------------- INVITE -------------->|
//!      |                   |<------------ 200 ------------------|
//!      |                   |- NOTIFY 200 OK -->|                |
//!      |<-- INVITE (sdp) --|<----- BYE --------|                |
//!      |<================= voice ==============================>|
//! ```
//!
//! The transferee leaves its call for a new one, in which it is the caller and for which it dials what Refer-To
//! names, by the rights of the transferor. When nobody answers there it comes back, if the transferor has not
//! hung up. A hold that is still under way does not stop it, as telephones hold and refer in one breath.
//! `attended` joins two calls of the transferor instead; `renewal` takes a transferee off hold.

use std::time::Duration;

use sip_core::auth::server::Rejection;
use sip_core::endpoint::{ServerId, SubscriptionId};
use sip_core::{Flow, Request, Response, StatusCode};

use super::destination::Destination;
use super::{Event, Exchange, Timer};
use crate::call::{Call, CallId, CallState, Cause, Draft, Hearing, LegId};
use crate::directory::Party;
use crate::record::{EndedBy, Transfer};

/// How long a transferor has to say BYE itself, which most telephones do when they are told of the success.
const PARTING: Duration = Duration::from_secs(1);

/// A transfer whose outcome is open. It is known by the call that the transferee is in meanwhile.
#[derive(Debug)]
pub(super) struct Referral {
    /// The call that the transferee has left, and may come back to.
    from: CallId,
    /// The transferor.
    by: LegId,
    /// Where the outcome is reported, if the transferor wants to know it.
    reports: Option<SubscriptionId>,
}

impl Exchange {
    /// A REFER within a call.
    pub(super) fn on_refer(
        &mut self,
        now: Duration,
        id: ServerId,
        by: LegId,
        request: &Request,
        flow: &Flow,
    ) {
        if !self.is_from_the_peer(now, id, by, request, flow) {
            return;
        }
        let (transferee, destination) = match self.judge(by, request) {
            Ok(judged) => judged,
            Err(status) => return self.reply(now, id, request, status),
        };
        let accepted = Response::to(request, StatusCode::ACCEPTED);
        let Ok(reports) = self.endpoint.accept_refer(now, id, accepted) else {
            return self.reply(now, id, request, StatusCode::SERVICE_UNAVAILABLE);
        };
        match destination {
            Destination { replaces: Some(replaces), .. } => {
                self.join(now, by, transferee, &replaces, reports);
            }
            Destination { number: Some(number), .. } => {
                self.refer(now, by, transferee, &number, reports);
            }
            Destination { number: None, .. } => self.tell(now, reports, StatusCode::NOT_FOUND),
        }
    }

    /// Whether a request comes from where the dialog was let in from, or shows by digest that it is the peer's
    /// all the same; otherwise it is answered.
    fn is_from_the_peer(
        &mut self,
        now: Duration,
        id: ServerId,
        leg: LegId,
        request: &Request,
        flow: &Flow,
    ) -> bool {
        let Some(leg) = self.legs.get(&leg) else { return false };
        if (leg.flow.transport, leg.flow.remote) == (flow.transport, flow.remote) {
            return true;
        }
        let party = leg.party.clone();
        let directory = &self.directory;
        let secret =
            |username: &str| directory.extension(username).map(|known| known.secret.clone());
        let response = match self.authenticator.verify(now, request, &secret) {
            Ok(verified) if party == Party::Extension(verified.username.clone()) => return true,
            Err(Rejection::Challenge { stale, .. }) if matches!(party, Party::Extension(_)) => {
                let algorithms = self.settings.algorithms_for(request);
                let random = &mut self.random;
                self.authenticator.challenge_with(now, request, stale, algorithms, random)
            }
            _ => Response::to(request, StatusCode::FORBIDDEN),
        };
        self.emit(Event::Refused {
            source: flow.remote,
            method: request.method.to_string(),
            status: response.status.code(),
        });
        let _ = self.endpoint.respond(now, id, response);
        false
    }

    /// Who is to be transferred, and where to; or the status that refuses it. None of these ends a dialog.
    fn judge(&self, by: LegId, request: &Request) -> Result<(LegId, Destination), StatusCode> {
        let leg = self.legs.get(&by).ok_or(StatusCode::FORBIDDEN)?;
        let destination = self.destination(request, leg)?;
        let call = self.calls.get(&leg.call).ok_or(StatusCode::FORBIDDEN)?;
        if call.state == CallState::Service {
            // A service cannot be referred to anybody.
            return Err(StatusCode::FORBIDDEN);
        }
        let other = self.other_leg(by).filter(|_| call.state == CallState::Talking);
        let transferee = other.ok_or(StatusCode::REQUEST_PENDING)?;
        if ![by, transferee].iter().all(|leg| self.talks(*leg)) {
            return Err(StatusCode::REQUEST_PENDING);
        }
        // Two telephones that send everybody back to each other come to an end.
        if usize::from(call.draft.transfers) >= self.settings.max_transfers {
            return Err(StatusCode::FORBIDDEN);
        }
        if self.stopping || self.referrals.len() >= self.settings.max_referrals {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok((transferee, destination))
    }

    /// The transferee leaves its call and dials `number`.
    pub(super) fn refer(
        &mut self,
        now: Duration,
        by: LegId,
        transferee: LegId,
        number: &str,
        reports: Option<SubscriptionId>,
    ) {
        let Some(from) = self.legs.get(&by).map(|leg| leg.call) else { return };
        let Some(new) = self.call_after(now, by, transferee, number) else { return };
        self.settle(now, by);
        self.settle(now, transferee);
        self.referrals.insert(new, Referral { from, by, reports });
        self.let_hear(by, Hearing::Nothing);
        self.let_hear(transferee, Hearing::Nothing);
        self.dial(now, new, number);
    }

    /// Makes the call that a transfer leads to, with the transferee as its caller.
    pub(super) fn call_after(
        &mut self,
        now: Duration,
        by: LegId,
        transferee: LegId,
        dialled: &str,
    ) -> Option<CallId> {
        let transferor = self.legs.get(&by)?;
        let from = transferor.call;
        let before = self.calls.get(&from)?;
        let context = match &transferor.party {
            _ if before.caller == by => before.context.clone(),
            Party::Trunk { trunk, .. } => self.directory.trunk(trunk)?.context.clone(),
            _ => self.settings.extension_context.clone(),
        };
        let transfers = before.draft.transfers.saturating_add(1);
        let transfer = Transfer { by: transferor.party.clone(), from };
        let leg = self.legs.get(&transferee)?;
        let caller = leg.party.clone();
        let dialog = leg.dialog.and_then(|dialog| self.endpoint.dialog(dialog));
        let sip_call_id = dialog.map(|dialog| dialog.call_id().as_str().to_owned());
        let new = self.call_id();
        let draft = Draft {
            sip_call_id: sip_call_id.unwrap_or_default(),
            caller: caller.clone(),
            dialled: dialled.to_owned(),
            answered_by: None,
            started: self.wall_clock(now),
            answered: None,
            ended: None,
            status: None,
            caller_media: None,
            callee_media: None,
            transfer: Some(Box::new(transfer)),
            transfers,
        };
        let call = Call {
            state: CallState::Service,
            caller: transferee,
            legs: Vec::new(),
            callee: None,
            feature: None,
            ring_until: None,
            best_failure: None,
            context,
            draft,
        };
        self.calls.insert(new, Box::new(call));
        self.move_leg(transferee, new);
        self.emit(Event::Started { call: new, caller, dialled: dialled.to_owned() });
        Some(new)
    }

    /// Somebody has answered: the transferor is done.
    pub(super) fn on_taken(&mut self, now: Duration, id: CallId) {
        let Some(Referral { from, by, reports }) = self.referrals.remove(&id) else { return };
        let time = self.wall_clock(now);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.draft.answered.get_or_insert(time);
        call.draft.status = Some(200);
        let transferee = call.caller;
        self.tell(now, reports, StatusCode::OK);
        self.emit(Event::Transferred { call: id, from });
        self.part(now, from, by, reports);
        self.renew(now, transferee);
    }

    /// Nobody has answered: the transferee comes back, if somebody is there to come back to.
    pub(super) fn give_back(&mut self, now: Duration, id: CallId, status: u16) {
        let Some(Referral { from, by, .. }) = self.referrals.get(&id) else { return };
        let (from, by) = (*from, *by);
        let Some(transferee) = self.calls.get(&id).map(|call| call.caller) else { return };
        let is_there =
            |leg: LegId| self.legs.get(&leg).is_some_and(|leg| leg.talks() && !leg.closing);
        let waits = self.calls.get(&from).is_some_and(|call| call.state == CallState::Talking);
        if !(waits && is_there(by) && is_there(transferee)) {
            return;
        }
        let reports = self.referrals.remove(&id).and_then(|referral| referral.reports);
        self.move_leg(transferee, from);
        self.let_hear_each_other(transferee, by);
        self.tell(now, reports, StatusCode::new(status).unwrap_or(StatusCode::DECLINE));
        self.emit(Event::TransferFailed { call: from, status });
    }

    /// The call of a transfer that is still open ends, and the transferee does not come back.
    pub(super) fn end_referral(&mut self, now: Duration, id: CallId, status: u16) {
        let Some(Referral { from, by, reports }) = self.referrals.remove(&id) else { return };
        let status = StatusCode::new(status).filter(|status| status.is_failure());
        self.tell(now, reports, status.unwrap_or(StatusCode::REQUEST_TERMINATED));
        let was_caller = self.calls.get(&from).is_some_and(|call| call.caller == by);
        let left = if was_caller { EndedBy::Callee } else { EndedBy::Caller };
        self.end(now, from, Cause::NORMAL_CLEARING, left, 200);
    }

    /// Ends the call that somebody has transferred its partner out of.
    pub(super) fn part(
        &mut self,
        now: Duration,
        from: CallId,
        by: LegId,
        reports: Option<SubscriptionId>,
    ) {
        if let Some(leg) = self.legs.get_mut(&by).filter(|leg| leg.talks()) {
            leg.parting = true;
            leg.reports = reports;
            self.set_timer(now + PARTING, Timer::Part(by));
        }
        let was_caller = self.calls.get(&from).is_some_and(|call| call.caller == by);
        let ended_by = if was_caller { EndedBy::Caller } else { EndedBy::Callee };
        self.end(now, from, Cause::NORMAL_CLEARING, ended_by, 200);
    }

    /// The transferor has not hung up by itself. A NOTIFY that got lost could not be sent again behind a BYE,
    /// whose CSeq is higher (RFC 3261 §12.2.2): it comes first, or is given up after 64*T1.
    pub(super) fn on_parting(&mut self, now: Duration, id: LegId) {
        let Some(leg) = self.legs.get(&id).filter(|leg| leg.parting && leg.talks()) else { return };
        if leg.reports.is_some_and(|reports| self.endpoint.has_subscription(reports)) {
            self.set_timer(now + PARTING, Timer::Part(id));
        } else {
            self.say_bye(now, id);
        }
    }

    /// Tells a transferor what has become of its REFER.
    pub(super) fn tell(
        &mut self,
        now: Duration,
        reports: Option<SubscriptionId>,
        status: StatusCode,
    ) {
        if let Some(reports) = reports {
            // The transferor may be gone, and its subscription with it.
            let _ = self.endpoint.report(now, reports, status);
        }
    }

    pub(super) fn talks(&self, leg: LegId) -> bool {
        self.legs.get(&leg).is_some_and(|leg| leg.talks())
    }

    pub(super) fn move_leg(&mut self, id: LegId, to: CallId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let from = std::mem::replace(&mut leg.call, to);
        if let Some(call) = self.calls.get_mut(&from) {
            call.legs.retain(|other| *other != id);
        }
        if let Some(call) = self.calls.get_mut(&to) {
            call.legs.push(id);
        }
    }
}
