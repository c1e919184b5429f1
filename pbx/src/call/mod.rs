//! Calls, their legs and why they end.
//!
//! ```text
//!            routed to a number               somebody answers
//! (INVITE) ------------------> Ringing -----------------------------> Talking
//!     |                          | ^                                     |
//!     |                          | | Command::Dial                       |
//!     | routed to a service      | |                                     |
//!     +--------------------------|-+--> Service ----+                    |
//!                                |                  |                    |
//!                                | refused, given   | hang-up            | hang-up, silence
//!                                | up, no answer    v                    |
//!                                +----------------> Ending <-------------+
//!                                                     | every leg's transaction and port is closed
//!                                                     v
//!                                                  (record)
//! ```

mod cause;
mod leg;
mod session;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use cause::Cause;
pub(crate) use leg::{Hearing, Modification};
pub use leg::{Leg, LegId, LegState, Side};
pub(crate) use session::Session;

use crate::directory::Party;
use crate::feature::Feature;
use crate::media::StreamStatistics;
use crate::record::{EndedBy, Transfer};

/// The exchange's own number for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// A service conducts the caller.
    Service,
    /// The called party's telephones ring; the caller may already be answered by a service.
    Ringing,
    /// Two legs are bridged.
    Talking,
    /// Over: goodbyes and ports are still on their way.
    Ending,
}

/// One call: the caller's leg, the legs it rings or talks to, and what its record will say.
pub struct Call {
    pub(crate) state: CallState,
    pub(crate) caller: LegId,
    /// Every leg of this call that still has something to finish, the caller's included.
    pub(crate) legs: Vec<LegId>,
    /// The leg that answered.
    pub(crate) callee: Option<LegId>,
    pub(crate) feature: Option<Box<dyn Feature>>,
    /// When ringing is given up.
    pub(crate) ring_until: Option<Duration>,
    /// The failure that best tells the caller why nobody answered (RFC 3261 §16.7 step 6).
    pub(crate) best_failure: Option<u16>,
    /// The dialplan context that the caller dials in.
    pub(crate) context: String,
    pub(crate) draft: Draft,
}

/// What is known so far of a call's record.
pub(crate) struct Draft {
    pub(crate) sip_call_id: String,
    pub(crate) caller: Party,
    pub(crate) dialled: String,
    pub(crate) answered_by: Option<Party>,
    pub(crate) started: Timestamp,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) ended: Option<(Timestamp, Cause, EndedBy)>,
    pub(crate) status: Option<u16>,
    pub(crate) caller_media: Option<StreamStatistics>,
    pub(crate) callee_media: Option<StreamStatistics>,
    pub(crate) transfer: Option<Box<Transfer>>,
    /// How many transfers have led here, one after the other.
    pub(crate) transfers: u8,
}

impl Call {
    /// What the call is doing.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// Who called.
    pub fn caller(&self) -> &Party {
        &self.draft.caller
    }

    /// What was dialled.
    pub fn dialled(&self) -> &str {
        &self.draft.dialled
    }

    /// Who answered, once somebody has.
    pub fn answered_by(&self) -> Option<&Party> {
        self.draft.answered_by.as_ref()
    }

    /// Keeps the failure that tells the caller most: a busy or declining person before a telephone
    /// that did not react, and a 6xx, which speaks for all, before everything.
    pub(crate) fn note_failure(&mut self, status: u16) {
        let rank = |status: u16| match status {
            600..=699 => 0,
            486 => 1,
            400..=407 | 409..=479 | 482..=499 => 2,
            480 => 3,
            500..=599 => 4,
            _ => 5,
        };
        if self.best_failure.is_none_or(|best| rank(status) < rank(best)) {
            self.best_failure = Some(status);
        }
    }
}
