//! How messages find their dialog (RFC 3261 §12).

use std::sync::Arc;

use crate::header::{CallId, From, To};
use crate::{HeaderError, Headers};

/// Call-ID, local tag and remote tag: what names a dialog on the wire. A tag that a peer of
/// RFC 2543 leaves out is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogTag(Arc<str>);

impl DialogTag {
    /// Joins the three.
    pub fn new(call_id: &CallId, local: &str, remote: &str) -> Self {
        // No part may hold a space, so that the joint is unambiguous.
        Self(format!("{call_id} {local} {remote}").into())
    }

    /// The dialog that a received request names: our tag is in To, the peer's in From.
    ///
    /// # Errors
    ///
    /// A header is missing or malformed.
    pub fn of_request(headers: &Headers) -> Result<Self, HeaderError> {
        let (call_id, from, to) = read(headers)?;
        Ok(Self::new(&call_id, to.tag().unwrap_or_default(), from.tag().unwrap_or_default()))
    }

    /// The dialog that a received response names: our tag is in From, the peer's in To.
    ///
    /// # Errors
    ///
    /// A header is missing or malformed.
    pub fn of_response(headers: &Headers) -> Result<Self, HeaderError> {
        let (call_id, from, to) = read(headers)?;
        Ok(Self::new(&call_id, from.tag().unwrap_or_default(), to.tag().unwrap_or_default()))
    }
}

fn read(headers: &Headers) -> Result<(CallId, From, To), HeaderError> {
    Ok((headers.require()?, headers.require()?, headers.require()?))
}
