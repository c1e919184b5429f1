//! CSeq, Call-ID and RAck (RFC 3261 §20.16, §20.8; RFC 3262 §7.2).

use super::{HeaderName, HeaderView, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::message::Method;
use crate::text::{Cursor, Token, class, str, write_number};

/// The number of a request within its dialog or call, and its method (RFC 3261 §20.16).
///
/// Grammar: `1*DIGIT LWS Method`
///
/// Example: `CSeq: 4711 INVITE`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// The number.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Joins number and method.
    pub fn new(number: u32, method: Method) -> CSeq {
        CSeq { number, method }
    }
}

impl TypedHeader for CSeq {
    const NAME: HeaderName = HeaderName::CSeq;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        CSeqRef::read(value)
            .map(|cseq| CSeq { number: cseq.number, method: Method::of_token(cseq.method) })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.number.into());
        out.push(b' ');
        out.extend_from_slice(self.method.as_str().as_bytes());
    }
}

/// A [`CSeq`] read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeqRef<'a> {
    number: u32,
    method: &'a [u8],
}

impl<'a> CSeqRef<'a> {
    /// The number.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn method_bytes(&self) -> &'a [u8] {
        self.method
    }

    /// The method, as it was written.
    pub fn method(&self) -> &'a str {
        str(self.method)
    }
}

impl<'a> HeaderView<'a> for CSeqRef<'a> {
    const NAME: HeaderName = HeaderName::CSeq;
    const SHAPE: super::Shape = super::Shape::Single;

    fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<CSeqRef<'a>, ValueError> {
            let mut cursor = Cursor::new(value);
            let number = number(&mut cursor)?;
            let method = method(&mut cursor)?;
            cursor.end()?;
            Ok(CSeqRef { number, method })
        };
        read().map_err(|error| error.of(HeaderName::CSeq))
    }
}

/// Which reliable provisional response is acknowledged (RFC 3262 §7.2).
///
/// Grammar: `1*DIGIT LWS 1*DIGIT LWS Method`
///
/// Example: `RAck: 776656 1 INVITE`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RAck {
    /// The RSeq of the response.
    pub response: u32,
    /// The CSeq of the response.
    pub cseq: CSeq,
}

impl TypedHeader for RAck {
    const NAME: HeaderName = HeaderName::RAck;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<RAck, ValueError> {
            let mut cursor = Cursor::of(value)?;
            let response = number(&mut cursor)?;
            if !cursor.lws() {
                return Err(cursor.expected("white space"));
            }
            let number = number(&mut cursor)?;
            let method = Method::of_token(method(&mut cursor)?);
            cursor.end()?;
            Ok(RAck { response, cseq: CSeq { number, method } })
        };
        read().map_err(|error| error.of(HeaderName::RAck))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.response.into());
        out.push(b' ');
        self.cseq.write(out);
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<u32, ValueError> {
    cursor.number(u64::from(u32::MAX)).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

fn method<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ValueError> {
    if !cursor.lws() {
        return Err(cursor.expected("white space"));
    }
    cursor.token("a method")
}

/// What all requests and responses of a dialog or registration have in common (RFC 3261 §20.8).
///
/// Grammar: `word [ "@" word ]`
///
/// Example: `Call-ID: f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com`
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Box<str>);

impl CallId {
    /// A Call-ID of your own.
    ///
    /// # Errors
    ///
    /// When `text` is not `word [ "@" word ]`.
    pub fn new(text: &str) -> Result<CallId, HeaderError> {
        CallId::parse(text.as_bytes())
    }

    /// Copies what has been read once.
    pub(super) fn copy(checked: &[u8]) -> CallId {
        CallId(str(checked).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for CallId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TypedHeader for CallId {
    const NAME: HeaderName = HeaderName::CallId;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        CallIdRef::read(value).map(|id| CallId(id.as_str().into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// A [`CallId`] read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallIdRef<'a>(&'a [u8]);

impl<'a> CallIdRef<'a> {
    /// The text.
    pub fn as_str(&self) -> &'a str {
        str(self.0)
    }
}

impl<'a> CallIdRef<'a> {
    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> HeaderView<'a> for CallIdRef<'a> {
    const NAME: HeaderName = HeaderName::CallId;
    const SHAPE: super::Shape = super::Shape::Single;

    fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
        let mut cursor = Cursor::new(value);
        read_call_id(&mut cursor)
            .and_then(|id| cursor.end().map(|()| CallIdRef(id)))
            .map_err(|error| error.of(HeaderName::CallId))
    }
}

/// Reads `word [ "@" word ]`.
pub(super) fn read_call_id<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ValueError> {
    let before = cursor.rest();
    if cursor.run(class::WORD).is_empty() {
        return Err(cursor.expected("a word"));
    }
    if cursor.eat(b'@') && cursor.run(class::WORD).is_empty() {
        return Err(cursor.expected("a word after the @"));
    }
    Ok(cursor.since(before))
}

impl Method {
    /// The method that a checked token names.
    pub(crate) fn of_token(token: &[u8]) -> Method {
        Method::known(str(token)).unwrap_or_else(|| Method::Other(Token::copy(token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers() {
        let cseq = CSeq::parse(b"0009\r\n  INVITE").unwrap();
        assert_eq!(cseq, CSeq::new(9, Method::Invite));
        assert_eq!(CSeq::parse(b"1 invite").unwrap().method.as_str(), "invite");
        for value in [
            "",
            "1",
            "1INVITE",
            "INVITE",
            "4294967296 INVITE",
            "-1 INVITE",
            "1 IN VITE",
            "1 ",
            "1 \u{e9}",
        ] {
            assert!(CSeq::parse(value.as_bytes()).is_err(), "{value}");
        }
    }

    #[test]
    fn acknowledged_responses() {
        let rack = RAck::parse(b"776656 1 INVITE").unwrap();
        assert_eq!((rack.response, rack.cseq.number), (776_656, 1));
        assert!(RAck::parse(b"1 INVITE").is_err());
    }

    #[test]
    fn call_ids() {
        for id in ["c", "a84b4c76e66710@pc33", "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"] {
            assert_eq!(CallId::new(id).unwrap().as_str(), id);
        }
        for id in ["", "@", "a@", "a@b@c", "a b", "a,b", "a;b", "é"] {
            assert!(CallId::new(id).is_err(), "{id}");
        }
    }
}
