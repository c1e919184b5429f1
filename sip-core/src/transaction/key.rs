//! How messages find their transaction (RFC 3261 §17.1.3 and §17.2.3).

use core::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::header::{CSeqRef, CallIdRef, FromRef, ViaRef};
use crate::keyed::joined;
use crate::uri::HostRef;
use crate::{HeaderError, Method, Request};

/// Names a server transaction as the wire does: by the branch, the sender and the method of a
/// request, or, without a branch of RFC 3261, by what RFC 2543 compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerTag(Arc<[u8]>);

impl ServerTag {
    /// The tag of `request`; an ACK has that of its INVITE.
    ///
    /// # Errors
    ///
    /// Via is missing or malformed; or From, Call-ID or CSeq, when RFC 2543 matching needs them.
    pub fn of(request: &Request) -> Result<Self, HeaderError> {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        Self::new(request, method, &request.headers.require()?)
    }

    /// The same, given the top Via.
    pub(crate) fn with_via(request: &Request, via: &ViaRef<'_>) -> Result<Self, HeaderError> {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        Self::new(request, method, via)
    }

    /// The tag of the INVITE that the CANCEL `request` means (§9.2).
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn cancelled(request: &Request) -> Result<Self, HeaderError> {
        Self::new(request, &Method::Invite, &request.headers.require()?)
    }

    fn new(request: &Request, method: &Method, via: &ViaRef<'_>) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        let old;
        let name = match via.transaction_bytes() {
            Some(branch) => branch,
            // RFC 2543 also compared the To tag. It adds nothing: an ACK carries ours, its INVITE
            // carries none, and everything else agrees.
            None => {
                let from = headers.require::<FromRef<'_>>()?;
                let number = headers.require::<CSeqRef<'_>>()?.number();
                let uri = request.uri.to_string();
                let parts: [&[u8]; 9] = [
                    b"?",
                    uri.as_bytes(),
                    b" ",
                    from.tag().unwrap_or_default().as_bytes(),
                    b" ",
                    headers.require::<CallIdRef<'_>>()?.as_str().as_bytes(),
                    b" ",
                    via.branch().unwrap_or_default().as_bytes(),
                    &number.to_be_bytes(),
                ];
                old = parts.concat();
                &old[..]
            }
        };
        let [high, low] = via.port().unwrap_or_default().to_be_bytes();
        let of = |host: &[u8]| {
            Self(joined(&[name, b" ", host, &[b' ', high, low], method.as_str().as_bytes()]))
        };
        Ok(match via.host() {
            HostRef::Name(name) => of(name.to_ascii_lowercase().as_bytes()),
            HostRef::V4(ip) => of(&ip.octets()),
            HostRef::V6(ip) => of(&ip.octets()),
        })
    }
}

impl Hash for ServerTag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}
