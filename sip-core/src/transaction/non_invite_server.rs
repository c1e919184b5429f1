//! The non-INVITE server transaction: RFC 3261 §17.2.2.
//!
//! ```text
//!                       request / deliver
//!                               |
//!                               v     request / nothing
//!                         +-----------+
//!                         |  Trying   |--------------------+
//!                         +-----------+                    |
//!             1xx from the user / |     200-699 from the   |
//!                            send |     user / send,       |
//!    request / send               v     start J            |
//!    1xx from the user /    +------------+                 |
//!    send (both stay)       | Proceeding |---------------->|
//!                           +------------+                 |
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

/// Where a non-INVITE server transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The user has the request and has not answered.
    Trying,
    /// The user has answered 1xx.
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
    pub const START: &'static [Action] = &[Action::Start(Timer::Unanswered)];

    /// The next state and what to do on the way. An event that the figure does not draw for a
    /// state changes nothing.
    pub const fn on(self, event: Event) -> (Self, &'static [Action]) {
        use Action::{Fail, Send, Start};
        use Event as E;
        use State as S;
        match (self, event) {
            (S::Trying | S::Proceeding, E::Provisional) => (S::Proceeding, &[Send]),
            (S::Trying | S::Proceeding, E::Final) => (S::Completed, &[Send, Start(Timer::J)]),
            (S::Proceeding | S::Completed, E::Request) => (self, &[Send]),
            (S::Proceeding | S::Completed, E::TransportError) => (S::Terminated, &[Fail]),
            (S::Trying | S::Proceeding, E::TimerUnanswered) => (S::Terminated, &[Fail]),
            (S::Completed, E::TimerJ) => (S::Terminated, &[]),
            (state, _) => (state, &[]),
        }
    }
}

impl Event {
    /// Every event, for tests and tools.
    pub const ALL: [Self; 6] = [
        Self::Request,
        Self::Provisional,
        Self::Final,
        Self::TimerJ,
        Self::TimerUnanswered,
        Self::TransportError,
    ];
}
