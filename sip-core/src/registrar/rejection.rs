//! Why a registrar refuses.

use thiserror::Error;

use crate::header::MinExpires;
use crate::{HeaderError, Request, Response, StatusCode};

/// Why a REGISTER is refused. No binding has changed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A header is missing or malformed: 400.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// `*` stands beside other contacts, or without `Expires: 0`: 400.
    #[error("Contact: * needs Expires: 0 and stands alone")]
    Wildcard,
    /// The registration would be too short: 423.
    #[error("shorter than {min} s")]
    TooBrief {
        /// The shortest that is taken, in seconds.
        min: u32,
    },
    /// A later REGISTER of the same Call-ID was taken before: 500.
    #[error("out of order")]
    OutOfOrder,
    /// The address of record has too many bindings: 403.
    #[error("too many contacts")]
    TooManyBindings,
    /// The credentials are not for this address of record: 403.
    #[error("not the sender's address of record")]
    NotYours,
    /// The address of record is of a domain that is not ours, or is none: 404.
    #[error("no address of record of ours")]
    NotOurs,
    /// Several contacts ask for flows of their own (RFC 5626 §6): 400.
    #[error("more than one contact with reg-id")]
    TwoFlows,
    /// The first proxy on the way does not keep flows (RFC 5626 §6): 439.
    #[error("the first hop lacks outbound support")]
    FirstHop,
    /// The registrar is full: 503.
    #[error("the registrar is full")]
    Full,
}

impl Rejection {
    /// What to answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Header(error) => error.status(),
            Self::Wildcard | Self::TwoFlows => StatusCode::BAD_REQUEST,
            Self::TooBrief { .. } => StatusCode::INTERVAL_TOO_BRIEF,
            Self::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            Self::TooManyBindings | Self::NotYours => StatusCode::FORBIDDEN,
            Self::NotOurs => StatusCode::NOT_FOUND,
            Self::FirstHop => StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer, with Min-Expires where it belongs.
    pub fn response(&self, request: &Request) -> Response {
        let mut response = Response::to(request, self.status());
        if let Self::TooBrief { min } = self {
            response.headers.set(MinExpires(*min));
        }
        response
    }
}
