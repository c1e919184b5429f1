//! Requests.

use bytes::Bytes;

use super::check::{self, Policy};
use super::{Message, Method};
use crate::error::{ParseError, ParseErrorKind, Rejection};
use crate::header::{CSeqRef, Headers, ViaRef};
use crate::limits::Limits;
use crate::text::Out;
use crate::uri::Uri;

/// A request.
///
/// ```
/// use sip_core::header::{CSeq, MaxForwards, NameAddr, To};
/// use sip_core::{Method, Request, Uri};
///
/// let uri: Uri = "sip:bob@example.com".parse()?;
/// let mut request = Request::new(Method::Options, uri.clone());
/// request.headers.set(MaxForwards(70));
/// request.headers.set(To(NameAddr::new(uri)));
/// request.headers.set(CSeq::new(1, Method::Options));
/// assert!(request.to_bytes().starts_with(b"OPTIONS sip:bob@example.com SIP/2.0\r\n"));
/// # Ok::<(), sip_core::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The Request-URI: who is asked.
    pub uri: Uri,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, uri: impl Into<Uri>) -> Request {
        Request { method, uri: uri.into(), headers: Headers::new(), body: Bytes::new() }
    }

    /// Reads a message that must be a request; see [`Message::parse`].
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Request, ParseError> {
        match Message::parse(bytes, limits)? {
            Message::Request(request) => Ok(request),
            Message::Response(_) => Err(ParseError::new(ParseErrorKind::StartLine, 0)),
        }
    }

    /// What every UAS must find in order before it works on a request: the mandatory headers, once
    /// and well-formed, agreeing with each other and with the start line.
    ///
    /// # Errors
    ///
    /// What to answer.
    pub fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        let start =
            check::Request { method: self.method.as_str(), uri: check::Target::Read(&self.uri) };
        check::request(start, &self.headers, policy)
    }

    /// The same when the headers named have been read before, and were in order with the others
    /// that every request has.
    pub(crate) fn check_read(
        &self,
        policy: &Policy,
        top: &ViaRef<'_>,
        cseq: &CSeqRef<'_>,
    ) -> Result<check::Names, Rejection> {
        let start =
            check::Request { method: self.method.as_str(), uri: check::Target::Read(&self.uri) };
        check::request_read(start, &self.headers, policy, top, cseq)
    }

    /// Appends the request, with a Content-Length that is right.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b' ');
        // Writing to a Vec cannot fail.
        let _ = self.uri.put(&mut Out(out));
        out.extend_from_slice(b" SIP/2.0\r\n");
        self.headers.write(self.body.len(), out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    /// How many bytes the message had that this request was read from, whatever was noted in it since;
    /// 0 for a request that was made here. Whoever answers an address that may be forged sends it
    /// little more than that.
    pub fn received_len(&self) -> usize {
        self.headers.received_len()
    }

    /// The request as bytes.
    pub fn to_bytes(&self) -> Bytes {
        // Nearly all have a method and a URI of less than 100 bytes together.
        let headers = self.headers.written(self.body.len());
        let mut out = Vec::with_capacity(128 + headers + self.body.len());
        self.write(&mut out);
        out.into()
    }
}
