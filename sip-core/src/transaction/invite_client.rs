//! The INVITE client transaction: RFC 3261 §17.1.1 as corrected by RFC 6026 §8.4.
//!
//! ```text
//!                 INVITE from the user / send it, start A and B
//!                                   |
//!                                   v        A fires / send again, start A
//!   300-699 / ACK,            +-----------+--------------+
//!   deliver, start D          |           |<-------------+
//!  +--------------------------|  Calling  |
//!  |                          |           |--------------+ B fires, transport error / fail
//!  |                          +-----------+              |
//!  |                     1xx / |        | 2xx / deliver, |
//!  |                   deliver |        | start M        |
//!  |                           v        |                |
//!  |                    +------------+--+-- 1xx / deliver|
//!  |                    |            |  |     (stays)    |
//!  |                    | Proceeding |  |                |
//!  |        +-----------|            |--+--+             |
//!  |        | 300-699   +------------+  |  | 2xx         |
//!  v        v                           v  v             |
//! +-----------+ 300-699 / ACK     +----------+           |
//! |           |----+              |          |-+ 2xx /   |
//! | Completed |    | (stays)      | Accepted | | deliver |
//! |           |<---+              |          |<+ (stays) |
//! +-----------+                   +----------+           |
//!    | D fires, transport error / fail  | M fires         |
//!    v                                  v                v
//! +---------------------------------------------------------+
//! |                       Terminated                        |
//! +---------------------------------------------------------+
//! ```

use super::{Action, Timer};

/// Where an INVITE client transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The INVITE is out and nothing has come back.
    Calling,
    /// A provisional response has come.
    Proceeding,
    /// A 2xx has come; further ones, from forks or sent again, are still handed to the user.
    Accepted,
    /// A final response other than 2xx has come; its repetitions are acknowledged.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to an INVITE client transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A 1xx response.
    Provisional,
    /// A 2xx response.
    Success,
    /// A 300 to 699 response.
    Failure,
    /// Time to send the INVITE again.
    TimerA,
    /// Nothing came in 64*T1.
    TimerB,
    /// No further repetition of the final response is expected.
    TimerD,
    /// No further 2xx is expected.
    TimerM,
    /// The transport could not send.
    TransportError,
}

impl State {
    /// Every state, for tests and tools.
    pub const ALL: [Self; 5] =
        [Self::Calling, Self::Proceeding, Self::Accepted, Self::Completed, Self::Terminated];

    /// What to do when the transaction is made.
    pub const START: &'static [Action] =
        &[Action::Send, Action::Start(Timer::A), Action::Start(Timer::B)];

    /// The next state and what to do on the way. An event that the figure does not draw for a
    /// state changes nothing.
    pub const fn on(self, event: Event) -> (Self, &'static [Action]) {
        use Action::{Deliver, Fail, Send, SendAck, Start, Stop};
        use Event as E;
        use State as S;
        match (self, event) {
            (S::Calling, E::TimerA) => (S::Calling, &[Send, Start(Timer::A)]),
            (S::Calling, E::TimerB | E::TransportError) => (S::Terminated, &[Fail]),
            (S::Calling, E::Provisional) => {
                (S::Proceeding, &[Stop(Timer::A), Stop(Timer::B), Deliver])
            }
            (S::Proceeding, E::Provisional) => (S::Proceeding, &[Deliver]),
            (S::Calling, E::Success) => {
                (S::Accepted, &[Stop(Timer::A), Stop(Timer::B), Start(Timer::M), Deliver])
            }
            (S::Proceeding, E::Success) => (S::Accepted, &[Start(Timer::M), Deliver]),
            (S::Accepted, E::Success) => (S::Accepted, &[Deliver]),
            (S::Calling, E::Failure) => {
                (S::Completed, &[Stop(Timer::A), Stop(Timer::B), SendAck, Start(Timer::D), Deliver])
            }
            (S::Proceeding, E::Failure) => (S::Completed, &[SendAck, Start(Timer::D), Deliver]),
            (S::Completed, E::Failure) => (S::Completed, &[SendAck]),
            (S::Completed, E::TransportError) => (S::Terminated, &[Fail]),
            (S::Completed, E::TimerD) | (S::Accepted, E::TimerM) => (S::Terminated, &[]),
            (state, _) => (state, &[]),
        }
    }
}

impl Event {
    /// Every event, for tests and tools.
    pub const ALL: [Self; 8] = [
        Self::Provisional,
        Self::Success,
        Self::Failure,
        Self::TimerA,
        Self::TimerB,
        Self::TimerD,
        Self::TimerM,
        Self::TransportError,
    ];
}
