//! Attended transfer (RFC 5589 §7): the two parties that a telephone talks to are joined.
//!
//! ```text
//!  transferee           exchange          transferor         target
//!      |<---- call ------->|<------ call ----->|                |
//!      |                   |<- consultation -->|                |
//!      |                   |<----------------- call ----------->|
//!      |                   |<- REFER, Replaces-|                |
//!      |                   |------ 202 ------->|                |
//!      |<================= voice ==============================>|
//!      |                   |- NOTIFY 200 OK -->|                |
//!      |                   |-- BYE (consultation) ->            |
//!      |                   |<----- BYE --------|                |
//! ```
//!
//! Where the target only rings yet, the consultation is given up and the transferee rings the target instead.

use std::time::Duration;

use sip_core::StatusCode;
use sip_core::dialog::DialogTag;
use sip_core::endpoint::SubscriptionId;
use sip_core::header::Replaces;

use super::{Event, Exchange};
use crate::call::{CallState, Cause, LegId, LegState};
use crate::record::EndedBy;

impl Exchange {
    /// Joins the transferee with the other party of the dialog that Replaces names, which has to be one with
    /// the same transferor.
    pub(super) fn join(
        &mut self,
        now: Duration,
        by: LegId,
        transferee: LegId,
        replaces: &Replaces,
        reports: Option<SubscriptionId>,
    ) {
        let consultation = match self.consultation(by, replaces) {
            Ok(leg) => leg,
            Err(status) => return self.tell(now, reports, status),
        };
        let Some(call) = self.legs.get(&consultation).map(|leg| leg.call) else { return };
        let Some(known) = self.calls.get(&call) else { return };
        let dialled = known.draft.dialled.clone();
        match known.state {
            CallState::Talking => {
                self.join_with(now, by, transferee, consultation, reports);
            }
            CallState::Ringing if known.caller == consultation && known.feature.is_none() => {
                self.end(now, call, Cause::NORMAL_CLEARING, EndedBy::Caller, 487);
                self.refer(now, by, transferee, &dialled, reports);
            }
            _ => self.tell(now, reports, StatusCode::DECLINE),
        }
    }

    /// The leg that Replaces names; otherwise the status to report.
    fn consultation(&self, by: LegId, replaces: &Replaces) -> Result<LegId, StatusCode> {
        let tag = DialogTag::new(replaces.call_id.as_str(), &replaces.to_tag, &replaces.from_tag);
        let dialog = self.endpoint.find_dialog(&tag);
        let leg = dialog.and_then(|dialog| self.by_dialog.get(&dialog)).copied();
        let id = leg.ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let (Some(leg), Some(own)) = (self.legs.get(&id), self.legs.get(&by)) else {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        };
        if leg.party != own.party {
            return Err(StatusCode::FORBIDDEN);
        }
        if id == by {
            return Err(StatusCode::BAD_REQUEST);
        }
        if replaces.early_only() && leg.state != LegState::Inviting {
            return Err(StatusCode::BUSY_HERE);
        }
        Ok(id)
    }

    fn join_with(
        &mut self,
        now: Duration,
        by: LegId,
        transferee: LegId,
        consultation: LegId,
        reports: Option<SubscriptionId>,
    ) {
        let target = self.other_leg(consultation).filter(|target| *target != transferee);
        let Some(target) = target.filter(|target| self.talks(*target)) else {
            return self.tell(now, reports, StatusCode::REQUEST_PENDING);
        };
        let Some(second) = self.legs.get(&target).map(|leg| leg.call) else { return };
        let Some(first) = self.legs.get(&by).map(|leg| leg.call) else { return };
        let Some(party) = self.legs.get(&target).map(|leg| leg.party.clone()) else { return };
        // What the target answered to, or who it is where it called the transferor.
        let dialled = match self.calls.get(&second) {
            Some(call) if call.caller == consultation => call.draft.dialled.clone(),
            _ => party.number().to_owned(),
        };
        let transfers = self.calls.get(&second).map_or(0, |call| call.draft.transfers);
        let Some(new) = self.call_after(now, by, transferee, &dialled) else { return };
        for leg in [by, transferee, consultation, target] {
            self.settle(now, leg);
        }
        let time = self.wall_clock(now);
        self.move_leg(target, new);
        if let Some(call) = self.calls.get_mut(&new) {
            call.state = CallState::Talking;
            call.callee = Some(target);
            call.draft.answered_by = Some(party.clone());
            call.draft.answered = Some(time);
            call.draft.status = Some(200);
            call.draft.transfers = call.draft.transfers.max(transfers.saturating_add(1));
        }
        self.let_hear_each_other(transferee, target);
        self.emit(Event::Answered { call: new, by: party });
        self.emit(Event::Transferred { call: new, from: first });
        self.tell(now, reports, StatusCode::OK);
        let was_caller = self.calls.get(&second).is_some_and(|call| call.caller == consultation);
        let ended_by = if was_caller { EndedBy::Caller } else { EndedBy::Callee };
        self.end(now, second, Cause::NORMAL_CLEARING, ended_by, 200);
        self.part(now, first, by, reports);
        self.renew(now, transferee);
        self.renew(now, target);
    }
}
