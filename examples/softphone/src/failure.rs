//! Why there was no registration or no conversation.

use std::net::SocketAddr;
use std::time::Duration;

use sip_core::auth::client;
use sip_core::header::{MinExpires, RetryAfter};
use sip_core::sdp::AnswerError;
use sip_core::{Response, StatusCode, endpoint, transaction};

/// Why there was no registration or no conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The peer refused, with these words of its own.
    #[error("{} {reason}{}", .status.code(), meaning(*.status))]
    Refused {
        /// The final status.
        status: StatusCode,
        /// Its reason phrase.
        reason: String,
        /// After how many seconds to come back, where the peer said so.
        retry_after: Option<u32>,
        /// The shortest registration that the server takes, in seconds, where it said so.
        min_expires: Option<u32>,
    },
    /// User name or password are wrong.
    #[error("the server refuses user name or password ({})", .0.code())]
    WrongPassword(StatusCode),
    /// The peer wants a password, and there is none for it.
    #[error("a password is wanted ({}), and there is none for this server", .0.code())]
    PasswordWanted(StatusCode),
    /// The peer's challenge cannot be answered.
    #[error("the challenge cannot be answered: {0}")]
    Challenge(client::Error),
    /// Nothing came back.
    #[error("no answer from {0}")]
    NoResponse(SocketAddr),
    /// The network refuses to carry messages there.
    #[error("{0} cannot be reached: nothing listens there, or the network is down")]
    Unreachable(SocketAddr),
    /// It rang for as long as we were willing to wait.
    #[error("no answer after {} s of ringing", .0.as_secs_f64())]
    NoAnswer(Duration),
    /// The peer accepted the call with media that we cannot have.
    #[error("the call was accepted with unusable media: {0}")]
    Answer(#[from] AnswerError),
    /// The peer accepted the call, and its session description cannot be read or is missing.
    #[error("the call was accepted without a readable session description")]
    NoDescription,
    /// The ACK of the call that we took never came.
    #[error("the caller did not confirm that it heard our answer (no ACK)")]
    NoAck,
    /// The phone's owner gave up.
    #[error("interrupted")]
    Interrupted,
    /// The request could not be made.
    #[error(transparent)]
    Request(#[from] endpoint::Error),
}

impl Failure {
    /// A final response other than 2xx.
    pub fn refused(response: &Response) -> Self {
        let headers = &response.headers;
        Self::Refused {
            status: response.status,
            reason: response.reason.to_string(),
            retry_after: headers.typed::<RetryAfter>().ok().flatten().map(|after| after.seconds),
            min_expires: headers.typed::<MinExpires>().ok().flatten().map(|least| least.0),
        }
    }

    /// No final response at all, from the peer at `remote`.
    pub fn unanswered(reason: transaction::Failure, remote: SocketAddr) -> Self {
        match reason {
            transaction::Failure::Transport(flow) => Self::Unreachable(flow.remote),
            _ => Self::NoResponse(remote),
        }
    }
}

/// What a status means to the person at the telephone, where its own words leave doubts.
fn meaning(status: StatusCode) -> &'static str {
    match status.code() {
        300..400 => ": the number has moved; this phone does not follow",
        403 => ": not allowed",
        404 | 604 => ": nobody has this number",
        408 | 480 => ": no answer, or not reachable now",
        410 => ": the number is no longer in use",
        484 => ": the number is not complete",
        486 | 600 => ": the line is busy",
        487 => ": the call was cancelled",
        488 | 606 => ": no codec or media in common",
        503 => ": the server is out of order or full",
        603 => ": declined",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_peer_said_and_what_it_means() {
        let mut response = Response::new(StatusCode::BUSY_HERE);
        assert_eq!(Failure::refused(&response).to_string(), "486 Busy Here: the line is busy");
        response.headers.set(RetryAfter::new(30));
        let Failure::Refused { retry_after, .. } = Failure::refused(&response) else { panic!() };
        assert_eq!(retry_after, Some(30));
        response = Response::new(StatusCode::new(599).unwrap());
        assert!(Failure::refused(&response).to_string().starts_with("599 "));
    }
}
