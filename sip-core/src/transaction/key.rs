//! How messages find their transaction (RFC 3261 §17.1.3 and §17.2.3).

use std::sync::Arc;

use crate::header::{CSeqRef, CallIdRef, FromRef, ViaRef};
use crate::uri::HostRef;
use crate::{HeaderError, Method, Request};

/// Names a server transaction as the wire does: by the branch, the sender and the method of a
/// request, or, without a branch of RFC 3261, by what RFC 2543 compared.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ServerTag(Arc<[u8]>);

impl ServerTag {
    /// The tag of `request`; an ACK has that of its INVITE.
    ///
    /// # Errors
    ///
    /// Via is missing or malformed; or From, Call-ID or CSeq, when RFC 2543 matching needs them.
    pub fn of(request: &Request) -> Result<Self, HeaderError> {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        Self::new(request, method)
    }

    /// The tag of the INVITE that the CANCEL `request` means (§9.2).
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn cancelled(request: &Request) -> Result<Self, HeaderError> {
        Self::new(request, &Method::Invite)
    }

    fn new(request: &Request, method: &Method) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        let via: ViaRef<'_> = headers.require()?;
        let mut tag = Vec::with_capacity(96);
        match via.transaction() {
            Some(branch) => tag.extend_from_slice(branch.as_bytes()),
            // RFC 2543 also compared the To tag. It adds nothing: an ACK carries ours, its INVITE
            // carries none, and everything else agrees.
            None => {
                let from = headers.require::<FromRef<'_>>()?;
                let number = headers.require::<CSeqRef<'_>>()?.number();
                tag.push(b'?');
                for part in [
                    &request.uri.to_string(),
                    from.tag().unwrap_or_default(),
                    headers.require::<CallIdRef<'_>>()?.as_str(),
                    via.branch().unwrap_or_default(),
                ] {
                    tag.extend_from_slice(part.as_bytes());
                    tag.push(b' ');
                }
                tag.extend_from_slice(&number.to_be_bytes());
            }
        }
        tag.push(b' ');
        match via.host() {
            HostRef::Name(name) => {
                let start = tag.len();
                tag.extend_from_slice(name.as_bytes());
                tag[start..].make_ascii_lowercase();
            }
            HostRef::V4(ip) => tag.extend_from_slice(&ip.octets()),
            HostRef::V6(ip) => tag.extend_from_slice(&ip.octets()),
        }
        tag.push(b' ');
        tag.extend_from_slice(&via.port().unwrap_or_default().to_be_bytes());
        tag.extend_from_slice(method.as_str().as_bytes());
        Ok(Self(tag.into()))
    }
}
