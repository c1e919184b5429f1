//! Requests and responses: read, built, checked and written (RFC 3261 §7).

mod check;
mod method;
pub mod multipart;
mod outline;
mod request;
mod response;
pub(crate) mod scan;
pub(crate) mod start;
mod status;
mod view;

use bytes::Bytes;

pub use check::Policy;
pub use method::Method;
pub use outline::Outline;
pub use request::Request;
pub use response::{ReasonPhrase, Response};
pub use status::StatusCode;
pub use view::{MessageView, StartLine};

use crate::error::{ParseError, Rejection};
use crate::header::Headers;
use crate::limits::Limits;

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// Reads a message: a datagram, or what [`crate::framing`] cut from a stream. Header values and
    /// body are slices of `bytes`; nothing is copied.
    ///
    /// Empty lines before the message are passed over, and so is what follows the body that
    /// Content-Length measures.
    ///
    /// # Errors
    ///
    /// When the lines make no SIP message. What they mean is checked by [`Message::check`].
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Message, ParseError> {
        scan::message(&bytes, limits)
    }

    /// The same of bytes that are still wanted.
    pub(crate) fn read(bytes: &Bytes, limits: &Limits) -> Result<Message, ParseError> {
        scan::message(bytes, limits)
    }

    /// What every user agent must find in order before it works on a message; see
    /// [`Request::check`] and [`Response::check`].
    ///
    /// # Errors
    ///
    /// What to answer to the request; a response is to be dropped.
    pub fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        match self {
            Message::Request(request) => request.check(policy),
            Message::Response(response) => response.check(),
        }
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    /// The headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Message::Request(request) => &mut request.headers,
            Message::Response(response) => &mut response.headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        match self {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        }
    }

    /// Appends the message, with a Content-Length that is right.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Message::Request(request) => request.write(out),
            Message::Response(response) => response.write(out),
        }
    }

    /// The message as bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(1024);
        self.write(&mut out);
        out.into()
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Message::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Message::Response(response)
    }
}
