//! Transactions (RFC 3261 §17, RFC 6026, RFC 4320).
//!
//! The four machines are pure tables: [`invite_client`], [`non_invite_client`], [`invite_server`]
//! and [`non_invite_server`] each say, for a state and an event, the next state and what to do.
//! [`Transactions`] holds the transactions of one endpoint or proxy, runs the machines over their
//! timers, and keeps what is to be sent.

mod entry;
pub mod invite_client;
pub mod invite_server;
mod key;
mod layer;
mod make;
pub mod non_invite_client;
pub mod non_invite_server;
mod report;
mod step;
mod timing;

pub use key::ServerTag;
pub use layer::Transactions;
pub use report::{Answer, ClientKey, Incoming, Outcome, ServerKey, Tables};
pub use timing::{Timer, Timing};

use crate::flow::Flow;

/// What a transaction machine asks for when it moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Send the request, or the last response, once more or for the first time.
    Send,
    /// Send the ACK for a final response other than 2xx.
    SendAck,
    /// Send 100 Trying.
    SendTrying,
    /// Hand the message to the user.
    Deliver,
    /// Tell the user that the transaction has failed.
    Fail,
    /// Tell the user that a response could not be sent; the transaction goes on.
    Report,
    /// Start a timer, or start it again.
    Start(Timer),
    /// Stop a timer.
    Stop(Timer),
}

/// Why a transaction failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Failure {
    /// The peer did not answer, or did not acknowledge, in 64*T1. For a request this counts as a
    /// 408 response (§8.1.3.1).
    Timeout,
    /// The message could not be sent on this flow. For a request this counts as a 503 response.
    Transport(Flow),
    /// The dialog ended before the request could be sent.
    Overtaken,
    /// The user did not answer a non-INVITE request in 64*T1, when the peer has long given up
    /// (RFC 4320 §3).
    Unanswered,
}
