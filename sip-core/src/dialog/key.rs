//! How messages find their dialog (RFC 3261 §12).

use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::header::{CallIdRef, FromRef, ToRef};
use crate::keyed::joined;
use crate::{HeaderError, Headers};

/// Call-ID, local tag and remote tag: what names a dialog on the wire. A tag that a peer of
/// RFC 2543 leaves out is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DialogTag(Arc<[u8]>);

impl DialogTag {
    /// Joins the three.
    pub fn new(call_id: &str, local: &str, remote: &str) -> Self {
        Self::of_bytes(call_id.as_bytes(), local.as_bytes(), remote.as_bytes())
    }

    pub(crate) fn of_bytes(call_id: &[u8], local: &[u8], remote: &[u8]) -> Self {
        // No part may hold a space, so that the joint is unambiguous.
        Self(joined(&[call_id, b" ", local, b" ", remote]))
    }

    /// The dialog that a received request names: our tag is in To, the peer's in From.
    ///
    /// # Errors
    ///
    /// A header is missing or malformed.
    pub fn of_request(headers: &Headers) -> Result<Self, HeaderError> {
        let (call_id, from, to) = read(headers)?;
        Ok(Self::new(call_id, to, from))
    }

    /// The dialog that a received response names: our tag is in From, the peer's in To.
    ///
    /// # Errors
    ///
    /// A header is missing or malformed.
    pub fn of_response(headers: &Headers) -> Result<Self, HeaderError> {
        let (call_id, from, to) = read(headers)?;
        Ok(Self::new(call_id, from, to))
    }
}

impl Hash for DialogTag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl fmt::Debug for DialogTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DialogTag({:?})", String::from_utf8_lossy(&self.0))
    }
}

/// Call-ID, From tag and To tag.
fn read(headers: &Headers) -> Result<(&str, &str, &str), HeaderError> {
    let call_id = headers.require::<CallIdRef<'_>>()?.as_str();
    let from = headers.require::<FromRef<'_>>()?.tag();
    let to = headers.require::<ToRef<'_>>()?.tag();
    Ok((call_id, from.unwrap_or_default(), to.unwrap_or_default()))
}
