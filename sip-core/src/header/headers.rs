//! The header list of a message.

use core::fmt;

use bytes::Bytes;

use super::lines::{Bounds, Line, Lines, all, find, require};
use super::name::Known;
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::limits::Limits;
use crate::message::scan::{RawLine, content_length};
use crate::text::{Elements, Token, trim, write_number};

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

/// Room for so many lines is made with the first, and for so many bytes of our own.
const FIRST_LINES: usize = 12;
const FIRST_BYTES: usize = 256;

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

    /// Replaces all values of a header by one, where its first line stood, else at the end.
    pub fn set<T: TypedHeader>(&mut self, value: T) {
        self.set_with(T::NAME, |out| value.write(out));
    }

    /// The same with a value that is written in place.
    pub(crate) fn set_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        match self.position(&name) {
            Some(first) => {
                let field = self.write_own(name.clone(), value);
                self.replace(first, field);
                self.remove_after(first + 1, &name);
            }
            None => self.push_with(name, value),
        }
    }

    /// Adds a line at the end.
    pub fn push<T: TypedHeader>(&mut self, value: T) {
        let field = self.write_own(T::NAME, |out| value.write(out));
        self.push_field(field);
    }

    /// Adds a line before the first of the same name. Where there is none, a Via goes to the top,
    /// anything else to the end.
    pub fn push_front<T: TypedHeader>(&mut self, value: T) {
        self.push_front_with(T::NAME, |out| value.write(out));
    }

    /// The same with a value that is written in place.
    pub(crate) fn push_front_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        let end = if name == HeaderName::Via { 0 } else { self.fields.len() };
        let at = self.position(&name).unwrap_or(end);
        let field = self.write_own(name, value);
        self.fields.insert(at, field);
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
        let Some(field) = self.fields.get(at) else { return };
        let old = self.value_of(field);
        let second = match T::SHAPE {
            Shape::List => Elements::new(old).nth(1).map(|(second, _)| second),
            _ => None,
        };
        let rest = second.map(|second| old.get(second..).unwrap_or_default().to_vec());
        if new.is_none() && rest.is_none() {
            self.fields.remove(at);
            return;
        }
        let field = self.write_own(T::NAME, |out| {
            if let Some(new) = new {
                new.write(out);
            }
            if let Some(rest) = rest {
                if new.is_some() {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(&rest);
            }
        });
        self.replace(at, field);
    }

    /// Replaces the first value of a comma list, given as a line of its own without line end, the
    /// value from an offset on. What it holds is known to start no other line.
    pub(crate) fn replace_first(&mut self, known: Known, mut line: Vec<u8>, value: usize) {
        let Some(at) = self.fields.iter().position(|field| field.known == known) else { return };
        let Some(&old) = self.fields.get(at) else { return };
        let old_value = self.value_of(&old);
        if memchr::memchr(b',', old_value).is_some()
            && let Some((second, _)) = Elements::new(old_value).nth(1)
        {
            line.extend_from_slice(b", ");
            line.extend_from_slice(old_value.get(second..).unwrap_or_default());
        }
        let start = match self.own.is_empty() {
            true => {
                self.own = line;
                0
            }
            false => {
                let start = self.make_room();
                self.own.extend_from_slice(&line);
                start
            }
        };
        let value = u16::try_from(value).unwrap_or(u16::MAX);
        let field = self.end_own(Field { is_own: true, start: offset(start), value, ..old });
        self.replace(at, field);
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

    /// Appends to the value of the first line of a name, all else left to the byte. Says whether
    /// there is such a line.
    pub(crate) fn append_to(&mut self, known: Known, more: &[&[u8]]) -> bool {
        let at = self.fields.iter().position(|field| field.known == known);
        at.is_some_and(|at| self.append_at(at, more))
    }

    /// The same if there is one such line and it ends in a certain byte.
    pub(crate) fn append_behind(&mut self, known: Known, last: u8, more: &[&[u8]]) -> bool {
        let mut named = self.fields.iter().enumerate().filter(|(_, field)| field.known == known);
        let Some((at, field)) = named.next() else { return false };
        let fits = named.next().is_none() && self.line(field).last() == Some(&last);
        fits && self.append_at(at, more)
    }

    fn append_at(&mut self, at: usize, more: &[&[u8]]) -> bool {
        let Some(&old) = self.fields.get(at) else { return false };
        let start = self.make_room();
        let line = old.start as usize..old.end as usize;
        match old.is_own {
            true if line.end <= self.own.len() => self.own.extend_from_within(line),
            true => return false,
            false => self.own.extend_from_slice(self.source.get(line).unwrap_or_default()),
        }
        let written = self.own.trim_ascii_end().len();
        self.own.truncate(written.max(start));
        let joint = self.own.len();
        more.iter().for_each(|part| self.own.extend_from_slice(part));
        clean_value(self.own.get_mut(joint..).unwrap_or_default());
        let field = self.end_own(Field { is_own: true, start: offset(start), ..old });
        self.replace(at, field);
        true
    }

    /// Removes every line of a header; says how many there were.
    pub fn remove(&mut self, name: HeaderName) -> usize {
        self.remove_after(0, &name)
    }

    fn remove_after(&mut self, from: usize, name: &HeaderName) -> usize {
        let before = self.fields.len();
        let known = name.resolve();
        let others = &self.others;
        let mut index = 0;
        self.fields.retain(|field| {
            index += 1;
            index <= from || !field.is(known, name, others)
        });
        before - self.fields.len()
    }

    /// Removes every line of a header but the last one; says how many those were.
    pub fn keep_last(&mut self, name: HeaderName) -> usize {
        let known = name.resolve();
        let others = &self.others;
        let mut left = self.fields.iter().filter(|field| field.is(known, &name, others)).count();
        let before = self.fields.len();
        self.fields.retain(|field| {
            let of_that_name = field.is(known, &name, others);
            left -= usize::from(of_that_name);
            !of_that_name || left == 0
        });
        before - self.fields.len()
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
        let field = self.write_own(name, |out| out.extend_from_slice(value));
        self.push_field(field);
        Ok(())
    }

    /// Adds a line at the end with a value that is written in place.
    pub(crate) fn push_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        let field = self.write_own(name, value);
        self.push_field(field);
    }

    /// The same with a value that is known to hold none of these.
    pub(crate) fn push_written(&mut self, name: HeaderName, value: &[u8]) {
        let start = self.make_room();
        self.own.extend_from_slice(name.as_str().as_bytes());
        self.own.extend_from_slice(b": ");
        let at = self.own.len();
        self.own.extend_from_slice(value);
        let field = self.own_field(name, start, at);
        self.push_field(field);
    }

    /// Copies every line of that name from another message to the end, to the byte.
    pub fn copy(&mut self, name: HeaderName, from: &Headers) {
        let known = name.resolve();
        self.copy_fields(from, |field| field.is(known, &name, &from.others));
    }

    /// Copies every line of known names that pass from another message to the end, to the byte.
    pub(crate) fn copy_known(&mut self, from: &Headers, passes: impl Fn(Known) -> bool) {
        self.copy_fields(from, |field| passes(field.known));
    }

    fn copy_fields(&mut self, from: &Headers, passes: impl Fn(&Field) -> bool) {
        if self.fields.capacity() == 0 {
            self.fields = Vec::with_capacity(FIRST_LINES);
        }
        // Whoever has no received lines may share those of the other.
        if self.source.is_empty() {
            self.source = from.source.clone();
        }
        let is_shared = core::ptr::eq(&*self.source, &*from.source);
        for field in from.fields.iter().filter(|field| passes(field)) {
            let mut copy = *field;
            if field.is_own || !is_shared {
                let start = self.make_room();
                self.own.extend_from_slice(from.line(field));
                copy = self.end_own(Field { is_own: true, start: offset(start), ..copy });
            }
            if field.known == Known::Other {
                copy.other = self.add_other(field.name(&from.others).clone());
            }
            self.fields.push(copy);
        }
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

    /// Writes all lines.
    pub(crate) fn write_as_they_are(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(self.line(field));
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes the lines of known names that pass.
    pub(crate) fn write_known(&self, passes: impl Fn(Known) -> bool, out: &mut Vec<u8>) {
        let mut run = None;
        for field in self.fields.iter().filter(|field| passes(field.known)) {
            self.write_behind(&mut run, field, out);
        }
        run.iter().for_each(|run| self.write_run(run, out));
    }

    /// So many bytes are written by [`write_known`](Self::write_known).
    pub(crate) fn written_known(&self, passes: impl Fn(Known) -> bool) -> usize {
        let passing = self.fields.iter().filter(|field| passes(field.known));
        passing.map(|field| field.len() + 2).sum()
    }

    /// Writes all lines, and a Content-Length that is right.
    pub(crate) fn write(&self, body: usize, out: &mut Vec<u8>) {
        let mut counted = false;
        let mut run = None;
        for field in &self.fields {
            if field.known == Known::ContentLength {
                if counted {
                    continue;
                }
                counted = true;
                if !self.says(field, body) {
                    run.take().iter().for_each(|run| self.write_run(run, out));
                    write_length(body, out);
                    continue;
                }
            }
            self.write_behind(&mut run, field, out);
        }
        run.iter().for_each(|run| self.write_run(run, out));
        if !counted {
            write_length(body, out);
        }
    }

    /// At most so many bytes are written by [`write`](Self::write), and if no Content-Length is
    /// there, exactly so many.
    pub(crate) fn written(&self, body: usize) -> usize {
        let mut counted = false;
        let mut length = 0;
        for field in &self.fields {
            counted |= field.known == Known::ContentLength && self.says(field, body);
            length += field.len() + 2;
        }
        length + if counted { 0 } else { LENGTH.len() + digits(body) + 2 }
    }

    /// Whether a Content-Length says that the body has so many bytes.
    fn says(&self, field: &Field, body: usize) -> bool {
        content_length(self.value_of(field), 0) == Ok(body)
    }

    /// Adds a line to the run of lines that stand side by side, which are copied as one, or writes that
    /// and begins another one.
    #[inline]
    fn write_behind(&self, run: &mut Option<Field>, field: &Field, out: &mut Vec<u8>) {
        match run {
            Some(run) if run.is_own == field.is_own && run.end + 2 == field.start => {
                run.end = field.end;
            }
            _ => run.replace(*field).iter().for_each(|run| self.write_run(run, out)),
        }
    }

    /// Writes from the start of a first line to the end of a last one, with its line end.
    fn write_run(&self, run: &Field, out: &mut Vec<u8>) {
        let buffer = if run.is_own { &self.own[..] } else { &self.source[..] };
        let (start, end) = (run.start as usize, run.end as usize + 2);
        out.extend_from_slice(buffer.get(start..end).unwrap_or_default());
    }

    /// Writes a line of our own. What could start another line becomes a space; folds of a value
    /// that was received are no danger and stay.
    fn write_own(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) -> Field {
        let start = self.make_room();
        self.own.extend_from_slice(name.as_str().as_bytes());
        self.own.extend_from_slice(b": ");
        let at = self.own.len();
        value(&mut self.own);
        clean_value(self.own.get_mut(at..).unwrap_or_default());
        self.own_field(name, start, at)
    }

    /// Ends the line that was written last, its value starting at `at`.
    fn own_field(&mut self, name: HeaderName, start: usize, at: usize) -> Field {
        let known = name.resolve();
        let other = if known == Known::Other { self.add_other(name) } else { 0 };
        // A name of more than 64 KiB has no business here; its value would be read as too long.
        let value = u16::try_from(at - start).unwrap_or(u16::MAX);
        self.end_own(Field { start: offset(start), end: 0, value, known, is_own: true, other })
    }

    /// Where the next line of our own starts.
    fn make_room(&mut self) -> usize {
        if self.own.is_empty() {
            self.own = Vec::with_capacity(FIRST_BYTES);
        } else if self.own.len() > 4 * FIRST_BYTES {
            self.drop_the_dead();
        }
        self.own.len()
    }

    /// Ends the line that was written last.
    fn end_own(&mut self, field: Field) -> Field {
        let end = offset(self.own.len());
        self.own.extend_from_slice(b"\r\n");
        Field { end, ..field }
    }

    /// Forgets lines that were replaced or removed, when they are most of what there is.
    fn drop_the_dead(&mut self) {
        let own = self.fields.iter().filter(|field| field.is_own);
        let living: usize = own.map(|field| field.len() + 2).sum();
        if living * 2 > self.own.len() {
            return;
        }
        let mut kept = Vec::with_capacity(living + FIRST_BYTES);
        for field in self.fields.iter_mut().filter(|field| field.is_own) {
            let line = self.own.get(field.start as usize..field.end as usize + 2);
            field.end = offset(kept.len()) + (field.end - field.start);
            field.start = offset(kept.len());
            kept.extend_from_slice(line.unwrap_or_default());
        }
        self.own = kept;
    }

    fn add_other(&mut self, name: HeaderName) -> u32 {
        // Whoever sets one name again and again shall not fill the memory with it.
        match self.others.iter().rposition(|other| other.as_str() == name.as_str()) {
            Some(same) if self.others.len() > FIRST_LINES => offset(same),
            _ => {
                self.others.push(name);
                offset(self.others.len() - 1)
            }
        }
    }

    fn push_field(&mut self, field: Field) {
        if self.fields.capacity() == 0 {
            self.fields = Vec::with_capacity(FIRST_LINES);
        }
        self.fields.push(field);
    }

    fn replace(&mut self, at: usize, field: Field) {
        if let Some(old) = self.fields.get_mut(at) {
            *old = field;
        }
    }

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

    fn value_of(&self, field: &Field) -> &[u8] {
        trim(self.line(field).get(usize::from(field.value)..).unwrap_or_default())
    }
}

/// What a line without a name would be called.
static UNNAMED: HeaderName = HeaderName::from_static("-");

impl Field {
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

/// Offsets of lines of our own, of which nobody has four gigabytes.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX - 2)
}

const LENGTH: &[u8] = b"Content-Length: ";

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

fn write_length(body: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(LENGTH);
    write_number(out, body as u64);
    out.extend_from_slice(b"\r\n");
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
    fn the_last_line_of_a_name_is_kept_in_its_place() {
        let mut headers =
            headers(&[("X-A", "1"), ("Subject", "a"), ("x-a", "2"), ("s", "b"), ("To", "c")]);
        assert_eq!(headers.keep_last(HeaderName::Via), 0);
        assert_eq!(headers.keep_last(HeaderName::Subject), 1);
        assert_eq!(headers.keep_last(HeaderName::parse("x-A").unwrap()), 1);
        assert_eq!(headers.keep_last(HeaderName::To), 0);
        let lines = "x-a: 2\r\nSubject: b\r\nTo: c\r\nContent-Length: 0\r\n";
        assert_eq!(written(&headers).to_lowercase(), lines.to_lowercase());
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
