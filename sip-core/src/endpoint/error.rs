//! Why an endpoint does not do what its user asks.

use thiserror::Error;

use crate::{HeaderError, HeaderName};

/// Why an endpoint does not do what its user asks. Nothing was sent and nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The request, transaction or dialog is over, or never was. In a race this is not the
    /// caller's fault: the peer was faster.
    #[error("{0} is over")]
    Gone(Noun),
    /// A table is full.
    #[error("no room for another {0}")]
    Full(Noun),
    /// An INVITE of ours or of the peer's is in progress in this dialog (§14.1).
    #[error("an INVITE is in progress in this dialog")]
    InviteInProgress,
    /// An offer of ours or of the peer's waits for its answer in this dialog (RFC 3311 §5.1).
    #[error("an offer waits for its answer in this dialog")]
    OfferInProgress,
    /// The standard does not allow this here.
    #[error("not allowed here: {0}")]
    NotAllowed(&'static str),
    /// The caller's message lacks a header, or one is malformed.
    #[error("the message to send: {0}")]
    Header(#[from] HeaderError),
    /// The caller's message has a header that only the endpoint may write here.
    #[error("the message to send has a {0} of its own")]
    Forbidden(HeaderName),
}

/// What an [`enum@Error`] is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Noun {
    /// A request of ours.
    Client,
    /// A request of the peer's.
    Server,
    /// A dialog.
    Dialog,
    /// A subscription.
    Subscription,
}

impl core::fmt::Display for Noun {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Client => "client transaction",
            Self::Server => "server transaction",
            Self::Dialog => "dialog",
            Self::Subscription => "subscription",
        })
    }
}
