//! The header list of a message: what is in it. How it is changed and written is in rooms of their own.

mod edit;
mod own;
mod write;

use core::fmt;

use bytes::Bytes;

use super::lines::{Bounds, Line, Lines, all, find, require};
use super::name::Known;
use super::{HeaderName, HeaderView};
use crate::error::HeaderError;
use crate::limits::Limits;
use crate::message::scan::RawLine;
use crate::text::{Token, trim};

/// The headers of a message, in order.
///
/// Lines that were received are kept as they are, to the byte: name, spaces, folds and all. Those
/// that are set are written as `Name: value`. Reading happens when a header is asked for.
///
/// ```
/// use sip_core::header::{Headers, MaxForwards, Supported};
/// use sip_core::{HeaderName, Token};
///
/// let mut headers = Headers::new();
/// headers.set(MaxForwards(70));
/// headers.push_raw(HeaderName::parse("X-Tenant").unwrap(), "7")?;
/// headers.push(Supported(vec![Token::from_static("timer")]));
/// assert_eq!(headers.typed::<MaxForwards>()?, Some(MaxForwards(70)));
/// assert_eq!(headers.len(), 3);
/// # Ok::<(), sip_core::HeaderError>(())
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    /// The received message.
    source: Bytes,
    /// Lines of our own, one behind the other, with their line ends.
    own: Vec<u8>,
    fields: Vec<Field>,
    /// The names that this crate does not know, by [`Field::other`].
    others: Vec<HeaderName>,
    bounds: Bounds,
}

/// One line: where it starts and ends without its CRLF, and where in it the value starts.
#[derive(Clone, Copy)]
struct Field {
    start: u32,
    end: u32,
    value: u16,
    known: Known,
    /// Whether it is one of our own; else it is in the received message.
    is_own: bool,
    /// Which of the unknown names it has, if it has one.
    other: u32,
}

/// Room for so many lines is made with the first.
const FIRST_LINES: usize = 12;

impl Headers {
    /// None yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    pub(crate) fn received(source: Bytes, limits: &Limits) -> Headers {
        Headers { source, bounds: Bounds::of(limits), ..Headers::default() }
    }

    /// Bytes of the received message, 0 when nothing of one is here.
    pub(crate) fn received_len(&self) -> usize {
        self.source.len()
    }

    /// Adds lines of the received message.
    pub(crate) fn push_received(&mut self, lines: &[RawLine]) {
        // Some are added to nearly every message that is received.
        self.fields.reserve(lines.len() + 2);
        for line in lines {
            let mut field = Field {
                start: line.start.into(),
                end: line.end.into(),
                value: line.value - line.start,
                known: line.known,
                is_own: false,
                other: 0,
            };
            if line.known == Known::Other {
                // The scan has checked that it is a token.
                let start = usize::from(line.start);
                let name = start..start + line.name(&self.source).len();
                let name = HeaderName::Other(Token::checked(self.source.slice(name)));
                field.other = self.add_other(name);
            }
            self.fields.push(field);
        }
    }

    /// Gives back the room for further lines.
    pub(crate) fn shrink(&mut self) {
        self.own.shrink_to_fit();
        self.fields.shrink_to_fit();
    }

    /// The first value of a header: absent, malformed and present are three different answers.
    ///
    /// # Errors
    ///
    /// When the value is malformed.
    pub fn typed<'a, T: HeaderView<'a>>(&'a self) -> Result<Option<T>, HeaderError> {
        find(self)
    }

    /// The first value of a header that must be there.
    ///
    /// # Errors
    ///
    /// When it is absent or malformed.
    pub fn require<'a, T: HeaderView<'a>>(&'a self) -> Result<T, HeaderError> {
        require(self)
    }

    /// Every value of a header, in order, comma lists and repeated lines joined. Reading goes on
    /// behind a malformed value; past [`Limits::values`] it ends with an error.
    pub fn all<'a, T: HeaderView<'a>>(
        &'a self,
    ) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, T> {
        all(self)
    }

    /// Whether there is a line of a known name.
    pub(crate) fn has(&self, known: Known) -> bool {
        self.fields.iter().any(|field| field.known == known)
    }

    /// Whether there is one line of a name, and for sure one value in it.
    pub(crate) fn has_one(&self, known: Known) -> bool {
        let mut named = self.fields.iter().filter(|field| field.known == known);
        let first = named.next();
        named.next().is_none()
            && first.is_some_and(|field| memchr::memchr(b',', self.line(field)).is_none())
    }

    /// Whether there is a line of that name.
    pub fn contains(&self, name: HeaderName) -> bool {
        self.position(&name).is_some()
    }

    fn position(&self, name: &HeaderName) -> Option<usize> {
        let known = name.resolve();
        self.fields.iter().position(|field| field.is(known, name, &self.others))
    }

    /// The values of a header line by line, unread: without the white space around, with folds.
    pub fn raw(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        let known = name.resolve();
        self.fields
            .iter()
            .filter(move |field| field.is(known, &name, &self.others))
            .map(|field| self.value_of(field))
    }

    /// All lines in order: name, and value without the white space around.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.fields.iter().map(|field| (field.name(&self.others), self.value_of(field)))
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    #[inline]
    fn line(&self, field: &Field) -> &[u8] {
        let buffer = if field.is_own { &self.own[..] } else { &self.source[..] };
        buffer.get(field.start as usize..field.end as usize).unwrap_or_default()
    }

    fn as_line(&self, field: &Field) -> Line<'_> {
        if field.is_own {
            return Line::own(field.known, self.line(field), field.value);
        }
        // Received lines are no longer than these numbers reach.
        let (start, end) = (field.start as u16, field.end as u16);
        let value = start + field.value;
        Line::received(&self.source, RawLine { start, value, end, known: field.known })
    }

    #[inline]
    fn value_of(&self, field: &Field) -> &[u8] {
        trim(self.line(field).get(usize::from(field.value)..).unwrap_or_default())
    }
}

/// What a line without a name would be called.
static UNNAMED: HeaderName = HeaderName::from_static("-");

impl Field {
    #[inline]
    fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    fn name<'a>(&self, others: &'a [HeaderName]) -> &'a HeaderName {
        match self.known.static_name() {
            Some(name) => name,
            None => others.get(self.other as usize).unwrap_or(&UNNAMED),
        }
    }

    /// Whether it has a name, given which of the known ones that is.
    fn is(&self, known: Known, name: &HeaderName, others: &[HeaderName]) -> bool {
        self.known == known && (known != Known::Other || self.name(others) == name)
    }
}

impl PartialEq for Headers {
    /// Names and values are compared, in order; how the names were written is not.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}

impl Lines for Headers {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.fields.iter().map(|field| self.as_line(field))
    }

    fn names(&self) -> impl Iterator<Item = Known> {
        self.fields.iter().map(|field| field.known)
    }

    fn named(&self, name: HeaderName) -> impl Iterator<Item = Line<'_>> {
        let known = name.resolve();
        let same = self.fields.iter().filter(move |field| field.is(known, &name, &self.others));
        same.map(|field| self.as_line(field))
    }

    fn first_known(&self, known: Known) -> Option<Line<'_>> {
        let field = self.fields.iter().find(|field| field.known == known)?;
        Some(self.as_line(field))
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Contact, MaxForwards, Route, Subject, Supported, Via};
    use super::*;

    pub(super) fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push_raw(HeaderName::parse(name).unwrap(), value).unwrap();
        }
        headers
    }

    pub(super) fn written(headers: &Headers) -> String {
        let mut out = Vec::new();
        headers.write(0, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn three_answers() {
        let headers =
            headers(&[("Max-Forwards", "x"), ("k", "timer"), ("Supported", "path, 100rel")]);
        assert_eq!(headers.typed::<Subject>(), Ok(None));
        assert!(headers.typed::<MaxForwards>().is_err());
        let supported = headers.typed::<Supported>().unwrap().unwrap();
        assert_eq!(supported.0.len(), 3);
        let missing = headers.require::<Via>().unwrap_err();
        assert!(missing.is_missing() && missing.header == HeaderName::Via);
    }

    #[test]
    fn lists_over_several_lines() {
        let headers = headers(&[
            ("Via", "SIP/2.0/UDP a, SIP/2.0/TCP b"),
            ("X", "1"),
            ("v", "SIP/2.0/UDP c;x=\",\""),
        ]);
        let hosts: Vec<_> =
            headers.all::<Via>().map(|via| via.unwrap().sent_by.to_string()).collect();
        assert_eq!(hosts, ["a", "b", "c"]);
        let bad = self::headers(&[("Contact", "<sip:a@h>, ,<sip:b@h>")]);
        let answers: Vec<_> = bad.all::<Contact>().map(|contact| contact.is_ok()).collect();
        assert_eq!(answers, [true, false, true]);
    }

    #[test]
    fn many_values_end_with_an_error() {
        let value = vec!["<sip:a@h>"; 150].join(",");
        let headers = headers(&[("Route", &value)]);
        let answers: Vec<_> = headers.all::<Route>().collect();
        assert_eq!(answers.len(), 101);
        assert_eq!(
            answers.last().unwrap().as_ref().unwrap_err().kind,
            crate::error::ValueErrorKind::Limit(crate::Limit::Values)
        );
        let many = format!("<sip:a@h>{}", ";a".repeat(65));
        assert!(self::headers(&[("Route", &many)]).typed::<Route>().is_err());
        // What stands in quotes is no parameter.
        let quoted = format!("\"\\\"{}\" <sip:a@h>;a=\"{0}\"", ";".repeat(65));
        assert!(self::headers(&[("Route", &quoted)]).typed::<Route>().is_ok());
    }
}
