//! The INVITE server transaction: RFC 3261 §17.2.1 as corrected by RFC 6026 §8.7.
//!
//! ```text
//!                        INVITE / deliver, start the 200 ms timer
//!                                   |
//!    INVITE / send response         v          1xx from the user / send
//!    200 ms / send 100        +------------+--------------------------+
//!    transport error / report |            |<-------------------------+
//!    (all stay)               | Proceeding |
//!                             |            |-------------------+
//!                             +------------+                   | 2xx from the user /
//!              300-699 from the user / |                       | send, start L
//!              send, start G and H     v                       v
//!    INVITE, G fires / send   +------------+            +------------+  2xx from the user / send
//!    transport error / report |            |            |            |  ACK / deliver
//!    (both stay)              | Completed  |            |  Accepted  |  transport error / report
//!                             |            |            |            |  INVITE / nothing
//!                             +------------+            +------------+  (all stay)
//!                         ACK / |        | H fires / fail       | L fires
//!                       start I |        +------------------+   |
//!                               v                           |   |
//!                         +-----------+                     |   |
//!                         | Confirmed |-- I fires -------+  |   |
//!                         +-----------+                  v  v   v
//!                                                    +------------+
//!                                                    | Terminated |
//!                                                    +------------+
//! ```

use super::{Action, Timer};

/// Where an INVITE server transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The user has the INVITE and has not answered finally.
    Proceeding,
    /// The user has answered 2xx; the user repeats it until the ACK comes.
    Accepted,
    /// The user has answered 300 to 699, and no ACK has come.
    Completed,
    /// The ACK has come; its repetitions are absorbed.
    Confirmed,
    /// Over.
    Terminated,
}

/// What can happen to an INVITE server transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The INVITE came again.
    Invite,
    /// An ACK came.
    Ack,
    /// The user answers 1xx.
    Provisional,
    /// The user answers 2xx.
    Success,
    /// The user answers 300 to 699.
    Failure,
    /// 200 ms without an answer by the user.
    TimerTrying,
    /// Time to send the final response again.
    TimerG,
    /// No ACK came in 64*T1.
    TimerH,
    /// No further repetition of the ACK is expected.
    TimerI,
    /// No further repetition of the INVITE is expected.
    TimerL,
    /// The transport could not send.
    TransportError,
}

impl State {
    /// Every state, for tests and tools.
    pub const ALL: [Self; 5] =
        [Self::Proceeding, Self::Accepted, Self::Completed, Self::Confirmed, Self::Terminated];

    /// What to do when the transaction is made.
    pub const START: &'static [Action] = &[Action::Start(Timer::Trying)];

    /// The next state and what to do on the way. An event that the figure does not draw for a
    /// state changes nothing.
    pub const fn on(self, event: Event) -> (Self, &'static [Action]) {
        use Action::{Deliver, Fail, Report, Send, SendTrying, Start, Stop};
        use Event as E;
        use State as S;
        match (self, event) {
            (S::Proceeding, E::Invite) => (S::Proceeding, &[Send]),
            (S::Proceeding, E::TimerTrying) => (S::Proceeding, &[SendTrying]),
            (S::Proceeding, E::Provisional) => (S::Proceeding, &[Stop(Timer::Trying), Send]),
            (S::Proceeding, E::Success) => {
                (S::Accepted, &[Stop(Timer::Trying), Send, Start(Timer::L)])
            }
            (S::Proceeding, E::Failure) => {
                (S::Completed, &[Stop(Timer::Trying), Send, Start(Timer::G), Start(Timer::H)])
            }
            (S::Accepted, E::Success) => (S::Accepted, &[Send]),
            (S::Accepted, E::Ack) => (S::Accepted, &[Deliver]),
            (S::Accepted, E::TimerL) => (S::Terminated, &[]),
            (S::Completed, E::Invite) => (S::Completed, &[Send]),
            (S::Completed, E::TimerG) => (S::Completed, &[Send, Start(Timer::G)]),
            (S::Completed, E::TimerH) => (S::Terminated, &[Fail]),
            (S::Completed, E::Ack) => {
                (S::Confirmed, &[Stop(Timer::G), Stop(Timer::H), Start(Timer::I)])
            }
            (S::Confirmed, E::TimerI) => (S::Terminated, &[]),
            (S::Proceeding | S::Accepted | S::Completed, E::TransportError) => (self, &[Report]),
            (state, _) => (state, &[]),
        }
    }
}

impl Event {
    /// Every event, for tests and tools.
    pub const ALL: [Self; 11] = [
        Self::Invite,
        Self::Ack,
        Self::Provisional,
        Self::Success,
        Self::Failure,
        Self::TimerTrying,
        Self::TimerG,
        Self::TimerH,
        Self::TimerI,
        Self::TimerL,
        Self::TransportError,
    ];
}
