//! Responses.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use bytes::Bytes;

use super::{Message, Request, StatusCode, check, scan};
use crate::error::{HeaderError, ParseError, ParseErrorKind, Rejection};
use crate::header::{HeaderName, Headers, Known, Timestamp, To, ToRef};
use crate::limits::Limits;
use crate::text::is_token;

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What became of the request.
    pub status: StatusCode,
    /// The same for people.
    pub reason: ReasonPhrase,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// A response without headers and body.
    pub fn new(status: StatusCode) -> Response {
        Response {
            status,
            reason: ReasonPhrase::from_static(status.reason()),
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// A response to a request: all its Via, its From, To, Call-ID and CSeq, and the Timestamp if
    /// the status is 100 (§8.2.6). The To tag is the caller's to add.
    pub fn to(request: &Request, status: StatusCode) -> Response {
        let mut headers = Headers::new();
        headers.copy_known(&request.headers, |name| {
            is_copied(name) || name == Known::Timestamp && status == StatusCode::TRYING
        });
        Response { headers, ..Response::new(status) }
    }

    /// The 100 to a request, `delay` after its arrival (§8.2.6.1).
    pub(crate) fn trying(request: &Request, delay: impl FnOnce() -> Duration) -> Bytes {
        if request.headers.has(Known::Timestamp) {
            let mut response = Response::to(request, StatusCode::TRYING);
            if let Ok(Some(stamp)) = response.headers.typed::<Timestamp>()
                && stamp.delay.is_none()
            {
                let delay = Some(format!("{:.3}", delay().as_secs_f64()));
                response.headers.set(Timestamp { delay, ..stamp });
            }
            return response.to_bytes();
        }
        const START: &[u8] = b"SIP/2.0 100 Trying\r\n";
        const END: &[u8] = b"Content-Length: 0\r\n\r\n";
        let headers = request.headers.written_known(is_copied);
        let mut out = Vec::with_capacity(START.len() + headers + END.len());
        out.extend_from_slice(START);
        request.headers.write_known(is_copied, &mut out);
        out.extend_from_slice(END);
        out.into()
    }

    /// Gives the To a tag, as every response but 100 to a request without one needs (§8.2.6.2). A
    /// tag that is there is replaced.
    ///
    /// # Errors
    ///
    /// When there is no To, it is malformed, or `tag` is not a token.
    pub fn set_to_tag(&mut self, tag: &str) -> Result<(), HeaderError> {
        let own = self.headers.require::<ToRef<'_>>()?.tag();
        if own == Some(tag) {
            return Ok(());
        }
        // The common case needs no more than the tag behind what there is.
        if own.is_none() && is_token(tag.as_bytes()) {
            self.headers.append_to(Known::To, &[b";tag=", tag.as_bytes()]);
            return Ok(());
        }
        let mut to: To = self.headers.require()?;
        to.set_tag(tag).map_err(|error| error.of(HeaderName::To))?;
        self.headers.set(to);
        Ok(())
    }

    /// A response to a datagram or frame that is no readable request, as far as it can be made:
    /// with what is found of Via, From, To, Call-ID and CSeq. `None` when nothing is to be answered:
    /// to a response, to an ACK, and where there is no Via at all. A
    /// Via may be malformed: such an answer goes to where the request came from.
    ///
    /// ```
    /// use sip_core::{Limits, Message, Response};
    ///
    /// let datagram = b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nno colon\r\n\r\n";
    /// let error = Message::parse(datagram.to_vec().into(), &Limits::default()).unwrap_err();
    /// let response = Response::to_malformed(datagram, error.status()).unwrap();
    /// assert!(response.to_bytes().starts_with(b"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;"));
    /// ```
    pub fn to_malformed(bytes: &[u8], status: StatusCode) -> Option<Response> {
        let headers = scan::salvage(bytes)?;
        let mut response = Response::new(status);
        response.headers.copy_known(&headers, is_copied);
        response.headers.contains(HeaderName::Via).then_some(response)
    }

    /// Reads a message that must be a response; see [`Message::parse`].
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Response, ParseError> {
        match Message::parse(bytes, limits)? {
            Message::Response(response) => Ok(response),
            Message::Request(_) => Err(ParseError::new(ParseErrorKind::StartLine, 0)),
        }
    }

    /// What every UAC must find in order before it works on a response.
    ///
    /// # Errors
    ///
    /// Why it is to be dropped.
    pub fn check(&self) -> Result<(), Rejection> {
        check::response(&self.headers)
    }

    /// Appends the response, with a Content-Length that is right.
    pub fn write(&self, out: &mut Vec<u8>) {
        let code = self.status.code();
        out.extend_from_slice(b"SIP/2.0 ");
        // Three digits each below ten.
        out.extend([code / 100, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8));
        out.push(b' ');
        out.extend_from_slice(self.reason.as_bytes());
        out.extend_from_slice(b"\r\n");
        self.headers.write(self.body.len(), out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    /// The response as bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.written_len());
        self.write(&mut out);
        out.into()
    }

    /// At most so many bytes are what [`to_bytes`](Self::to_bytes) gives, and exactly so many unless
    /// a Content-Length was set.
    pub fn written_len(&self) -> usize {
        // "SIP/2.0 200 ", two line ends
        let start_line = 16 + self.reason.as_bytes().len();
        start_line + self.headers.written(self.body.len()) + self.body.len()
    }
}

/// What a response takes from its request (§8.2.6.2).
fn is_copied(name: Known) -> bool {
    matches!(name, Known::Via | Known::From | Known::To | Known::CallId | Known::CSeq)
}

/// The words that go with a status code (§7.2). They may be of any language, or no valid UTF-8,
/// which the grammar allows here; programs should not read them.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ReasonPhrase(Bytes);

impl ReasonPhrase {
    /// `None` when the text has a control character other than a tab.
    pub fn new(text: impl Into<Bytes>) -> Option<ReasonPhrase> {
        let bytes = text.into();
        is_reason(&bytes).then_some(ReasonPhrase(bytes))
    }

    /// Words known when the program is written.
    ///
    /// # Panics
    ///
    /// When the text has a control character other than a tab; in a constant this is a compile
    /// error.
    pub const fn from_static(text: &'static str) -> ReasonPhrase {
        assert!(is_reason(text.as_bytes()), "a control character in a reason phrase");
        ReasonPhrase(Bytes::from_static(text.as_bytes()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; what is no UTF-8 shows as U+FFFD.
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

pub(super) const fn is_reason(bytes: &[u8]) -> bool {
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index].is_ascii_control() && bytes[index] != b'\t' {
            return false;
        }
        index += 1;
    }
    true
}

impl fmt::Display for ReasonPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for ReasonPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_copy_what_they_must() {
        let request = Request::parse(
            Bytes::from_static(
                b"INVITE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nX: y\r\n\
                  Via:SIP/2.0/UDP b\r\nt: <sip:b@h>\r\nFrom: <sip:a@h>;tag=1\r\nTimestamp: 5\r\n\
                  CSeq: 1 INVITE\r\nCall-ID: c\r\n\r\n",
            ),
            &Limits::default(),
        )
        .unwrap();
        let trying = Response::to(&request, StatusCode::TRYING);
        assert_eq!(
            trying.to_bytes(),
            "SIP/2.0 100 Trying\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia:SIP/2.0/UDP b\r\n\
             t: <sip:b@h>\r\nFrom: <sip:a@h>;tag=1\r\nTimestamp: 5\r\nCSeq: 1 INVITE\r\n\
             Call-ID: c\r\nContent-Length: 0\r\n\r\n"
        );
        let mut ok = Response::to(&request, StatusCode::OK);
        assert!(!ok.headers.contains(HeaderName::Timestamp));
        ok.set_to_tag("x").unwrap();
        ok.set_to_tag("y").unwrap();
        assert_eq!(ok.headers.require::<To>().unwrap().to_string(), "<sip:b@h>;tag=y");
        assert!(ok.set_to_tag("a b").is_err());
    }

    /// Found by fuzzing: an answer took over a line that is none.
    #[test]
    fn no_fold_before_a_colon() {
        let limits = Limits::default();
        for before in ["X: y\r\n", "X: y\r\n z\r\n"] {
            let text = format!(
                "BYE sip:h SIP/2.0\r\n{before}Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq \r\n\t:1 BYE\r\n\r\n"
            );
            let error = Message::parse(text.clone().into(), &limits).unwrap_err();
            assert_eq!(error.kind, ParseErrorKind::Colon);
            assert_eq!(text.get(error.offset..error.offset + 4), Some("CSeq"));
            let answer = Response::to_malformed(text.as_bytes(), error.status()).unwrap();
            assert!(!answer.headers.contains(HeaderName::CSeq));
            assert!(Message::parse(answer.to_bytes(), &limits).is_ok());
        }
    }

    #[test]
    fn reason_phrases() {
        assert!(ReasonPhrase::new("a\r\nVia: x").is_none());
        assert!(ReasonPhrase::new(&b"\x80\xff"[..]).is_some());
        assert_eq!(ReasonPhrase::from_static("не дело").to_string(), "не дело");
    }
}
