//! The non-INVITE server transaction: RFC 3261 §17.2.2 and RFC 4320 §4.
//!
//! ```text
//!                       request / deliver,
//!                               | start the 3.5 s timer
//!                               v     request / nothing
//!                         +-----------+
//!                         |  Trying   |--------------------+
//!                         +-----------+                    |
//!            3.5 s / send 100 and |     200-699 from the   |
//!                  give it a time |     user / send,       |
//!         100 from the user, over |     start J            |
//!     a reliable transport / send v                        |
//!    request / send         +------------+                 |
//!    100 from the user /    | Proceeding |---------------->|
//!    send (both stay)       +------------+                 |
//!       transport error / fail |                           v
//!                              |     request / send  +-----------+
//!                              |             (stays) | Completed |
//!                              |                     +-----------+
//!                              v                        | J fires,
//!                        +------------+                 | transport error / fail
//!                        | Terminated |<----------------+
//!                        +------------+
//! ```
//!
//! Beyond the figure, a request without an answer for 64*T1 is given up.

use super::{Action, Timer};
use crate::StatusCode;

/// Where a non-INVITE server transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The user has the request and has not answered.
    Trying,
    /// 100 was sent, and the user has not answered finally.
    Proceeding,
    /// The user has answered finally; the answer is repeated for each repetition of the request.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to a non-INVITE server transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The request came again.
    Request,
    /// The user answers 1xx.
    Provisional,
    /// The user answers 200 to 699.
    Final,
    /// No further repetition of the request is expected.
    TimerJ,
    /// The sender's timer E has come to T2, and so a 100 does no harm any more (RFC 4320 §4.1).
    TimerLateTrying,
    /// The user has not answered in 64*T1. Not in the figure: without it a request that its user
    /// forgets would stay for ever, though the peer has long given up (RFC 4320).
    TimerUnanswered,
    /// The transport could not send.
    TransportError,
}

impl State {
    /// Every state, for tests and tools.
    pub const ALL: [Self; 4] = [Self::Trying, Self::Proceeding, Self::Completed, Self::Terminated];

    /// What to do when the transaction is made.
    pub const START: &'static [Action] = &[Action::Start(Timer::LateTrying)];

    /// The next state and what to do on the way. An event that the figure does not draw for a
    /// state changes nothing.
    pub const fn on(self, event: Event) -> (Self, &'static [Action]) {
        use Action::{Fail, Send, SendTrying, Start};
        use Event as E;
        use State as S;
        match (self, event) {
            (S::Trying | S::Proceeding, E::Provisional) => (S::Proceeding, &[Send]),
            (S::Trying | S::Proceeding, E::Final) => (S::Completed, &[Send, Start(Timer::J)]),
            (S::Proceeding | S::Completed, E::Request) => (self, &[Send]),
            (S::Proceeding | S::Completed, E::TransportError) => (S::Terminated, &[Fail]),
            (S::Trying, E::TimerLateTrying) => {
                (S::Proceeding, &[SendTrying, Start(Timer::Unanswered)])
            }
            (S::Proceeding, E::TimerLateTrying) => (self, &[Start(Timer::Unanswered)]),
            (S::Proceeding, E::TimerUnanswered) => (S::Terminated, &[Fail]),
            (S::Completed, E::TimerJ) => (S::Terminated, &[]),
            (state, _) => (state, &[]),
        }
    }

    /// Whether a response of this status may be sent now, on a transport that is reliable or not. No
    /// provisional response but 100 may, that over an unreliable transport not before the
    /// transaction has sent one by itself (RFC 4320 §4.1), and 408 never (RFC 4320 §4.2).
    pub fn takes(self, status: StatusCode, reliable: bool) -> bool {
        match self {
            Self::Trying | Self::Proceeding if status.is_final() => {
                status != StatusCode::REQUEST_TIMEOUT
            }
            Self::Trying => reliable && status == StatusCode::TRYING,
            Self::Proceeding => status == StatusCode::TRYING,
            Self::Completed | Self::Terminated => false,
        }
    }
}

impl Event {
    /// Every event, for tests and tools.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Provisional,
        Self::Final,
        Self::TimerJ,
        Self::TimerLateTrying,
        Self::TimerUnanswered,
        Self::TransportError,
    ];
}
