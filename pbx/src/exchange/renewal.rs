//! Re-INVITEs of ours after a transfer: who was on hold is taken off, and who has no codec in common with the
//! new partner is offered some.

use std::time::Duration;

use rand_core::Rng as _;
use sip_core::header::ContentType;
use sip_core::sdp::Direction;
use sip_core::{Method, StatusCode};

use super::ending::skeleton;
use super::modification::GUARD;
use super::{Exchange, Purpose, Timer};
use crate::call::{LegId, LegState, Modification, Side};

/// How often a session that the peer is changing itself is tried again.
const TRIES: u8 = 6;

impl Exchange {
    /// Offers a leg what it needs to talk to its new partner; nothing where it needs nothing.
    pub(super) fn renew(&mut self, now: Duration, id: LegId) {
        let other = self.other_leg(id).and_then(|other| self.legs.get(&other));
        let Some(leg) = self.legs.get(&id).filter(|leg| leg.talks() && !leg.closing) else {
            return;
        };
        // What it needs shows when the change that is under way is over.
        if leg.modification.is_some() {
            return self.renew_later(now, id);
        }
        let stranger = other.filter(|other| !leg.session.is_understood_by(&other.session));
        if leg.session.direction() == Direction::SendRecv && stranger.is_none() {
            return;
        }
        let codecs = stranger.map(|other| other.session.understood()).unwrap_or_default();
        if leg.state != LegState::Confirmed {
            return self.renew_later(now, id);
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(dialog) = leg.dialog else { return };
        let mut reinvite = skeleton(Method::Invite);
        reinvite.headers.push(ContentType::sdp());
        reinvite.body = leg.session.offer_anew(codecs);
        match self.endpoint.request_in(now, dialog, reinvite) {
            Ok(client) => {
                leg.modification = Some(Modification::Ours { id: client });
                leg.guard = Some(now + GUARD);
                self.by_client.insert(client, (id, Purpose::Renew));
                self.set_timer(now + GUARD, Timer::Guard(id));
            }
            Err(_) => {
                leg.session.roll_back();
                self.renew_later(now, id);
            }
        }
    }

    /// The peer has answered the re-INVITE, and its answer is in force.
    pub(super) fn on_renewed(&mut self, now: Duration, id: LegId, status: StatusCode) {
        if status == StatusCode::REQUEST_PENDING {
            self.renew_later(now, id);
        } else if let Some(leg) = self.legs.get_mut(&id) {
            leg.renewals = 0;
        }
    }

    /// A change has come to its end that a renewal waits for.
    pub(super) fn on_modified(&mut self, now: Duration, id: LegId) {
        if self.legs.get(&id).is_some_and(|leg| leg.renewals > 0) {
            self.renew(now, id);
        }
    }

    /// The peer's own change comes first. The one who made the call waits longer (RFC 3261 §14.1).
    fn renew_later(&mut self, now: Duration, id: LegId) {
        let chance = u64::from(self.random.next_u32());
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.renewals += 1;
        if leg.renewals > TRIES {
            leg.renewals = 0;
            return;
        }
        let wait = match leg.side {
            Side::Outgoing => 2_100 + chance % 1_900,
            Side::Incoming => 10 + chance % 1_990,
        };
        self.set_timer(now + Duration::from_millis(wait), Timer::Renew(id));
    }
}
