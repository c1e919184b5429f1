//! The non-INVITE client transaction: RFC 3261 §17.1.2.
//!
//! ```text
//!               request from the user / send it, start E and F
//!                                 |
//!                                 v      E fires / send again, start E
//!                           +-----------+--------------+
//!                           |           |<-------------+
//!                           |  Trying   |
//!       200-699 / deliver,  |           |---------------+ F fires, transport error / fail
//!       start K  +----------|           |               |
//!                |          +-----------+               |
//!                |            1xx / deliver             |
//!                |                |                     |
//!                |                v      E fires / send again, start E; 1xx / deliver
//!                |          +------------+--------------+
//!                |          |            |<-------------+
//!                |          | Proceeding |
//!                |          |            |--------------+ F fires, transport error / fail
//!                |          +------------+              |
//!                |       200-699 / deliver, start K     |
//!                v                |                     |
//!          +-----------+          |                     |
//!          | Completed |<---------+                     |
//!          +-----------+                                |
//!                | K fires                              v
//!                v                                      |
//!          +------------+                               |
//!          | Terminated |<------------------------------+
//!          +------------+
//! ```

use super::{Action, Timer};

/// Where a non-INVITE client transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The request is out and nothing has come back.
    Trying,
    /// A provisional response has come.
    Proceeding,
    /// The final response has come; its repetitions are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to a non-INVITE client transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A 1xx response.
    Provisional,
    /// A 200 to 699 response.
    Final,
    /// Time to send the request again.
    TimerE,
    /// No final response came in 64*T1.
    TimerF,
    /// No further repetition of the response is expected.
    TimerK,
    /// The transport could not send.
    TransportError,
}

impl State {
    /// Every state, for tests and tools.
    pub const ALL: [Self; 4] = [Self::Trying, Self::Proceeding, Self::Completed, Self::Terminated];

    /// What to do when the transaction is made.
    pub const START: &'static [Action] =
        &[Action::Send, Action::Start(Timer::E), Action::Start(Timer::F)];

    /// The next state and what to do on the way. An event that the figure does not draw for a
    /// state changes nothing.
    pub const fn on(self, event: Event) -> (Self, &'static [Action]) {
        use Action::{Deliver, Fail, Send, Start, Stop};
        use Event as E;
        use State as S;
        match (self, event) {
            (S::Trying | S::Proceeding, E::TimerE) => (self, &[Send, Start(Timer::E)]),
            (S::Trying | S::Proceeding, E::TimerF | E::TransportError) => (S::Terminated, &[Fail]),
            (S::Trying | S::Proceeding, E::Provisional) => (S::Proceeding, &[Deliver]),
            (S::Trying | S::Proceeding, E::Final) => {
                (S::Completed, &[Stop(Timer::E), Stop(Timer::F), Start(Timer::K), Deliver])
            }
            (S::Completed, E::TimerK) => (S::Terminated, &[]),
            (state, _) => (state, &[]),
        }
    }
}

impl Event {
    /// Every event, for tests and tools.
    pub const ALL: [Self; 6] = [
        Self::Provisional,
        Self::Final,
        Self::TimerE,
        Self::TimerF,
        Self::TimerK,
        Self::TransportError,
    ];
}
