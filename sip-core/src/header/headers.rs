//! The header list of a message.

use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::lines::{Bounds, Line, Lines, all, find, require};
use super::name::Known;
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::limits::Limits;
use crate::message::scan::RawLine;
use crate::text::{Elements, Token, trim};

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
    source: Bytes,
    fields: Vec<Field>,
    bounds: Bounds,
}

/// One line.
#[derive(Clone)]
struct Field {
    name: HeaderName,
    place: Place,
}

/// Where a line is: in the received message, or in bytes of its own, the value from an offset on.
#[derive(Clone)]
enum Place {
    Received(RawLine),
    Own { line: Bytes, value: u16 },
}

impl Headers {
    /// None yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// None yet, with room for some.
    pub(crate) fn with_capacity(lines: usize) -> Headers {
        Headers { fields: Vec::with_capacity(lines), ..Headers::default() }
    }

    pub(crate) fn received(source: Bytes, limits: &Limits) -> Headers {
        Headers { source, fields: Vec::with_capacity(24), bounds: Bounds::of(limits) }
    }

    /// Adds a line of the received message.
    pub(crate) fn push_received(&mut self, line: &RawLine) {
        let name = line.known.name().unwrap_or_else(|| {
            // The scan has checked that it is a token.
            let start = usize::from(line.start);
            let name = start..start + line.name(&self.source).len();
            HeaderName::Other(Token::checked(self.source.slice(name)))
        });
        self.fields.push(Field { name, place: Place::Received(*line) });
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

    /// Replaces all values of a header by one, where its first line stood, else at the end.
    pub fn set<T: TypedHeader>(&mut self, value: T) {
        let field = Field::of(&value);
        match self.position(&T::NAME) {
            Some(first) => {
                if let Some(old) = self.fields.get_mut(first) {
                    *old = field;
                }
                self.remove_after(first + 1, &T::NAME);
            }
            None => self.fields.push(field),
        }
    }

    /// Adds a line at the end.
    pub fn push<T: TypedHeader>(&mut self, value: T) {
        self.fields.push(Field::of(&value));
    }

    /// Adds a line before the first of the same name. Where there is none, a Via goes to the top,
    /// anything else to the end.
    pub fn push_front<T: TypedHeader>(&mut self, value: T) {
        let end = if T::NAME == HeaderName::Via { 0 } else { self.fields.len() };
        let at = self.position(&T::NAME).unwrap_or(end);
        self.fields.insert(at, Field::of(&value));
    }

    /// Takes the first value out: of a comma list, its first element only.
    ///
    /// # Errors
    ///
    /// When the value is malformed; then it stays.
    pub fn pop_front<T: TypedHeader>(&mut self) -> Result<Option<T>, HeaderError> {
        let first = self.typed::<T>()?;
        if first.is_some() {
            self.replace_element::<T>(None);
        }
        Ok(first)
    }

    /// Replaces the first value, of a comma list its first element only; adds it at the front when
    /// there is none.
    pub fn set_front<T: TypedHeader>(&mut self, value: T) {
        if self.contains(T::NAME) {
            self.replace_element(Some(&value));
        } else {
            self.push_front(value);
        }
    }

    fn replace_element<T: TypedHeader>(&mut self, new: Option<&T>) {
        let Some(at) = self.position(&T::NAME) else { return };
        let mut value = Vec::new();
        if let Some(new) = new {
            new.write(&mut value);
        }
        let old = self.fields.get(at).map(|field| field.value(&self.source)).unwrap_or_default();
        if T::SHAPE == Shape::List
            && let Some((second, _)) = Elements::new(old).nth(1)
        {
            if !value.is_empty() {
                value.extend_from_slice(b", ");
            }
            value.extend_from_slice(old.get(second..).unwrap_or_default());
        } else if new.is_none() {
            self.fields.remove(at);
            return;
        }
        if let Some(field) = self.fields.get_mut(at) {
            *field = Field::built(T::NAME, &value, true);
        }
    }

    /// Removes every line of a header; says how many there were.
    pub fn remove(&mut self, name: HeaderName) -> usize {
        self.remove_after(0, &name)
    }

    fn remove_after(&mut self, from: usize, name: &HeaderName) -> usize {
        let before = self.fields.len();
        let mut index = 0;
        self.fields.retain(|field| {
            index += 1;
            index <= from || field.name != *name
        });
        before - self.fields.len()
    }

    /// Whether there is a line of that name.
    pub fn contains(&self, name: HeaderName) -> bool {
        self.position(&name).is_some()
    }

    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.fields.iter().position(|field| field.name == *name)
    }

    /// The values of a header line by line, unread: without the white space around, with folds.
    pub fn raw(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| field.value(&self.source))
    }

    /// Adds a line at the end with a value as it is.
    ///
    /// # Errors
    ///
    /// When the value holds CR, LF or NUL: they could start another line.
    pub fn push_raw(
        &mut self,
        name: HeaderName,
        value: impl AsRef<[u8]>,
    ) -> Result<(), HeaderError> {
        let value = value.as_ref();
        if let Some(at) = memchr::memchr3(b'\r', b'\n', 0, value) {
            return Err(ValueError::expected("no CR, LF or NUL", at).of(name));
        }
        self.fields.push(Field::built(name, value, false));
        Ok(())
    }

    /// Copies every line of that name from another message to the end, to the byte.
    pub fn copy(&mut self, name: HeaderName, from: &Headers) {
        self.copy_if(from, |other| *other == name);
    }

    /// Copies every line whose name passes from another message to the end, to the byte.
    pub(crate) fn copy_if(&mut self, from: &Headers, passes: impl Fn(&HeaderName) -> bool) {
        // Whoever has no received lines may share those of the other.
        if self.source.is_empty() {
            self.source = from.source.clone();
        }
        let is_shared = core::ptr::eq(&*self.source, &*from.source);
        for field in from.fields.iter().filter(|field| passes(&field.name)) {
            let place = match &field.place {
                Place::Received(line) if !is_shared => Place::Own {
                    line: from.source.slice(usize::from(line.start)..usize::from(line.end)),
                    value: line.value - line.start,
                },
                place => place.clone(),
            };
            self.fields.push(Field { name: field.name.clone(), place });
        }
    }

    /// All lines in order: name, and value without the white space around.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.fields.iter().map(|field| (&field.name, field.value(&self.source)))
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Writes all lines.
    pub(crate) fn write_as_they_are(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(field.line(&self.source));
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes all lines, and a Content-Length that is right.
    pub(crate) fn write(&self, body: usize, out: &mut Vec<u8>) {
        let mut counted = false;
        for field in &self.fields {
            if matches!(field.name, HeaderName::ContentLength) {
                if counted {
                    continue;
                }
                counted = true;
                let number = core::str::from_utf8(field.value(&self.source)).ok();
                if number.and_then(|number| number.parse().ok()) != Some(body) {
                    write_length(body, out);
                    continue;
                }
            }
            out.extend_from_slice(field.line(&self.source));
            out.extend_from_slice(b"\r\n");
        }
        if !counted {
            write_length(body, out);
        }
    }
}

fn write_length(body: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = body;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

impl Field {
    fn of<T: TypedHeader>(value: &T) -> Field {
        let mut written = Vec::with_capacity(64);
        value.write(&mut written);
        Field::built(T::NAME, &written, true)
    }

    /// A line of its own. With `clean`, what could start another line becomes a space; folds of a
    /// value that was received are no danger and stay.
    fn built(name: HeaderName, value: &[u8], clean: bool) -> Field {
        let text = name.as_str().as_bytes();
        let mut line = BytesMut::with_capacity(text.len() + 2 + value.len());
        line.put_slice(text);
        line.put_slice(b": ");
        let start = line.len();
        line.put_slice(value);
        if clean {
            clean_value(line.get_mut(start..).unwrap_or_default());
        }
        // A name of more than 64 KiB has no business here; its value would be read as too long.
        let value = u16::try_from(start).unwrap_or(u16::MAX);
        Field { name, place: Place::Own { line: line.freeze(), value } }
    }

    fn line<'a>(&'a self, source: &'a Bytes) -> &'a [u8] {
        match &self.place {
            Place::Received(line) => {
                source.get(usize::from(line.start)..usize::from(line.end)).unwrap_or_default()
            }
            Place::Own { line, .. } => line,
        }
    }

    fn as_line<'a>(&'a self, source: &'a Bytes) -> Line<'a> {
        match &self.place {
            Place::Received(line) => Line::received(source, *line),
            Place::Own { line, value } => Line::own(self.name.known(), line, *value),
        }
    }

    fn value<'a>(&'a self, source: &'a Bytes) -> &'a [u8] {
        trim(match &self.place {
            Place::Received(line) => line.value(source),
            Place::Own { line, value } => line.get(usize::from(*value)..).unwrap_or_default(),
        })
    }
}

/// A typed value should have none of these; that no line can be forged rests on this alone.
fn clean_value(value: &mut [u8]) {
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return;
    }
    let mut before = b' ';
    for index in 0..value.len() {
        let byte = value[index];
        let fold = byte == b'\r'
            && value.get(index + 1) == Some(&b'\n')
            && matches!(value.get(index + 2), Some(b' ' | b'\t'));
        let folded =
            byte == b'\n' && before == b'\r' && matches!(value.get(index + 1), Some(b' ' | b'\t'));
        let escaped = byte == 0 && before == b'\\';
        if matches!(byte, b'\r' | b'\n' | 0) && !fold && !folded && !escaped {
            value[index] = b' ';
        }
        before = value[index];
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
        self.fields.iter().map(|field| field.as_line(&self.source))
    }

    fn named(&self, name: HeaderName) -> impl Iterator<Item = Line<'_>> {
        let same = self.fields.iter().filter(move |field| field.name == name);
        same.map(|field| field.as_line(&self.source))
    }

    fn first_known(&self, known: Known) -> Option<Line<'_>> {
        let field = self.fields.iter().find(|field| field.name.known() == known)?;
        Some(field.as_line(&self.source))
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Contact, MaxForwards, Route, Subject, Supported, Via};
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push_raw(HeaderName::parse(name).unwrap(), value).unwrap();
        }
        headers
    }

    fn written(headers: &Headers) -> String {
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
    fn editing() {
        let mut headers = headers(&[
            ("Via", "SIP/2.0/UDP a, SIP/2.0/TCP b"),
            ("Max-Forwards", "70"),
            ("X-Secret ".trim(), "1"),
            ("x-secret", "2"),
        ]);
        let via = headers.pop_front::<Via>().unwrap().unwrap();
        assert_eq!(via.sent_by.to_string(), "a");
        headers.push_front(via);
        headers.set(MaxForwards(69));
        assert_eq!(headers.remove(HeaderName::parse("X-SECRET").unwrap()), 2);
        assert_eq!(
            written(&headers),
            "Via: SIP/2.0/UDP a\r\nVia: SIP/2.0/TCP b\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n"
        );
        headers.pop_front::<Via>().unwrap();
        headers.pop_front::<Via>().unwrap();
        assert_eq!(headers.pop_front::<Via>(), Ok(None));
        assert_eq!(headers.pop_front::<Route>(), Ok(None));
    }

    #[test]
    fn the_first_of_a_list_is_replaced() {
        let mut headers = headers(&[("Via", "SIP/2.0/UDP a,\tSIP/2.0/TCP b")]);
        let mut via = headers.require::<Via>().unwrap();
        via.set_rport(Some(5));
        headers.set_front(via);
        assert_eq!(
            written(&headers),
            "Via: SIP/2.0/UDP a;rport=5, SIP/2.0/TCP b\r\nContent-Length: 0\r\n"
        );
    }

    #[test]
    fn no_line_can_be_forged() {
        let mut headers = Headers::new();
        for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
            assert!(headers.push_raw(HeaderName::Subject, value).is_err(), "{value:?}");
        }
        struct Forger;
        impl TypedHeader for Forger {
            const NAME: HeaderName = HeaderName::from_static("X");
            fn parse(_: &[u8]) -> Result<Self, HeaderError> {
                Ok(Forger)
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(b"a\r\nVia: x\r\n\r\n\0 \\\0 b\r\n c\r\r\n d\n");
            }
        }
        headers.push(Forger);
        assert_eq!(
            written(&headers),
            "X: a  Via: x      \\\0 b\r\n c \r\n d \r\nContent-Length: 0\r\n"
        );
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
