//! How messages find their transaction (RFC 3261 §17.1.3 and §17.2.3).

use std::fmt::Write as _;
use std::sync::Arc;

use crate::header::{CSeq, CallId, From, Via};
use crate::{HeaderError, Method, Request};

/// Names a server transaction as the wire does: by the branch, the sender and the method of a
/// request, or, without a branch of RFC 3261, by what RFC 2543 compared.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ServerTag(pub(super) Arc<str>);

impl ServerTag {
    /// The tag of `request`; an ACK has that of its INVITE.
    ///
    /// # Errors
    ///
    /// From or Call-ID is missing or malformed, when RFC 2543 matching needs them.
    pub fn of(request: &Request, via: &Via, cseq: &CSeq) -> Result<Self, HeaderError> {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        Self::new(request, via, cseq, method)
    }

    /// The tag of the INVITE that the CANCEL `request` means (§9.2).
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn cancelled(request: &Request, via: &Via, cseq: &CSeq) -> Result<Self, HeaderError> {
        Self::new(request, via, cseq, &Method::Invite)
    }

    fn new(
        request: &Request,
        via: &Via,
        cseq: &CSeq,
        method: &Method,
    ) -> Result<Self, HeaderError> {
        let mut tag = String::with_capacity(96);
        match via.transaction() {
            Some(branch) => {
                tag.push_str(branch);
                tag.push(' ');
                let start = tag.len();
                let _ = write!(tag, "{}", via.sent_by);
                tag[start..].make_ascii_lowercase();
            }
            // RFC 2543 also compared the To tag. It adds nothing: an ACK carries ours, its INVITE
            // carries none, and everything else agrees.
            None => {
                let from = request.headers.require::<From>()?;
                let call_id = request.headers.require::<CallId>()?;
                let from_tag = from.tag().unwrap_or_default();
                let _ = write!(tag, "?{} {from_tag} {call_id}", request.uri);
                let _ = write!(
                    tag,
                    " {} {} {}",
                    cseq.number,
                    via.sent_by,
                    via.branch().unwrap_or_default()
                );
            }
        }
        tag.push(' ');
        tag.push_str(method.as_str());
        Ok(Self(tag.into()))
    }
}
