//! Call records: one for every call that reached the exchange and was let in.

use jiff::Timestamp;

use crate::call::{CallId, Cause};
use crate::directory::Party;
use crate::media::StreamStatistics;

/// What is kept of a call when it has ended.
///
/// Instants are wall-clock time; `started`, `answered` and `ended` never run backwards within a
/// record, even when the machine's clock was set during the call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The exchange's own number for the call, unique for as long as its store lives.
    pub call: CallId,
    /// `Call-ID` of the leg that came in, which other systems can be searched for.
    pub sip_call_id: String,
    /// Who called.
    pub caller: Party,
    /// What the caller dialled.
    pub dialled: String,
    /// Who answered, if anybody did.
    pub answered_by: Option<Party>,
    /// When the INVITE arrived.
    pub started: Timestamp,
    /// When the caller's leg was answered.
    pub answered: Option<Timestamp>,
    /// When the call ended.
    pub ended: Timestamp,
    /// Why it ended.
    pub cause: Cause,
    /// Which side ended it.
    pub ended_by: EndedBy,
    /// The status with which the caller's INVITE was finally answered.
    pub status: u16,
    /// What the caller's media stream carried, when it had one.
    pub caller_media: Option<StreamStatistics>,
    /// What the answering leg's media stream carried, when it had one.
    pub callee_media: Option<StreamStatistics>,
    /// Whose transfer made this call, if one did; the caller is then the party that was transferred.
    pub transfer: Option<Box<Transfer>>,
}

/// A transfer, as the call that came of it tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Who transferred the caller.
    pub by: Party,
    /// The call between the two that went before.
    pub from: CallId,
}

impl CallRecord {
    /// Seconds from the answer to the end, rounded down; 0 for a call that nobody answered.
    pub fn billable_seconds(&self) -> u64 {
        self.answered.map_or(0, |answered| {
            u64::try_from(self.ended.duration_since(answered).as_secs()).unwrap_or(0)
        })
    }
}

/// Which side ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The caller hung up, or gave up before an answer.
    Caller,
    /// The called party hung up or refused.
    Callee,
    /// The exchange: no answer, no media, a limit, or a stop.
    Exchange,
}

impl EndedBy {
    /// The word used in stores and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
            Self::Exchange => "exchange",
        }
    }
}
