//! Reading a description.

use bytes::Bytes;

use super::address::{Address, AddressFamily, Connection};
use super::attribute::Attribute;
use super::error::{Limit, SdpError, SdpErrorKind};
use super::grammar::{is_token, number};
use super::limits::Limits;
use super::media::{Format, Media, MediaKind, Protocol};
use super::session::{Bandwidth, Origin, SessionDescription, Time};
use super::text::Text;

pub(super) fn check_size(body: &[u8], limits: &Limits) -> Result<(), SdpError> {
    if body.len() > limits.bytes {
        let kind = SdpErrorKind::Limit(Limit::Bytes);
        return Err(SdpError { line: 1, offset: limits.bytes, kind });
    }
    Ok(())
}

pub(super) fn session(body: &Bytes, limits: &Limits) -> Result<SessionDescription, SdpError> {
    let mut lines = Lines { body, limits, at: 0, number: 0 };
    let version = lines.next_line()?.ok_or_else(|| lines.error(0, SdpErrorKind::Missing(b'v')))?;
    if version.letter != b'v' {
        return Err(version.error(SdpErrorKind::Missing(b'v')));
    }
    if version.value() != b"0" {
        return Err(version.error_at(2, SdpErrorKind::Malformed(b'v')));
    }
    let mut head = Head::default();
    let mut media: Vec<Media> = Vec::new();
    let mut rank = 0;
    while let Some(line) = lines.next_line()? {
        if line.letter == b'm' {
            if media.len() >= limits.media {
                return Err(line.error(SdpErrorKind::Limit(Limit::Media)));
            }
            media.push(line.media()?);
            rank = 0;
            continue;
        }
        let of_line = match media.last_mut() {
            None => head.take(&line)?,
            Some(media) => take_media(media, &line)?,
        };
        if limits.is_strict() && of_line < rank {
            return Err(line.error(SdpErrorKind::OutOfOrder(line.letter)));
        }
        rank = of_line;
    }
    head.finish(&lines, media)
}

/// The lines before the first `m=`.
#[derive(Default)]
struct Head {
    origin: Option<Origin>,
    name: Option<Text>,
    information: Option<Text>,
    uri: Option<Text>,
    emails: Vec<Text>,
    phones: Vec<Text>,
    connection: Option<Connection>,
    bandwidths: Vec<Bandwidth>,
    times: Vec<Time>,
    key: Option<Text>,
    attributes: Vec<Attribute>,
}

impl Head {
    /// Keeps one line and says its place in the order of RFC 8866 §5.
    fn take(&mut self, line: &Line<'_>) -> Result<u8, SdpError> {
        match line.letter {
            b'o' => once(&mut self.origin, line, line.origin()?).map(|()| 1),
            b's' => once(&mut self.name, line, line.text()).map(|()| 2),
            b'i' => once(&mut self.information, line, line.text()).map(|()| 3),
            b'u' => once(&mut self.uri, line, line.text()).map(|()| 4),
            b'e' => {
                self.emails.push(line.text());
                Ok(5)
            }
            b'p' => {
                self.phones.push(line.text());
                Ok(6)
            }
            b'c' => once(&mut self.connection, line, line.connection()?).map(|()| 7),
            b'b' => {
                self.bandwidths.push(line.bandwidth()?);
                Ok(8)
            }
            b't' => {
                self.times.push(line.time()?);
                Ok(9)
            }
            b'r' | b'z' => {
                let out_of_order = line.error(SdpErrorKind::OutOfOrder(line.letter));
                let time = self.times.last_mut().ok_or(out_of_order)?;
                if line.letter == b'r' {
                    time.repeats.push(line.text());
                } else {
                    once(&mut time.zone, line, line.text())?;
                }
                Ok(9)
            }
            b'k' => once(&mut self.key, line, line.text()).map(|()| 10),
            b'a' => {
                let attribute = line.attribute(self.attributes.len())?;
                self.attributes.push(attribute);
                Ok(11)
            }
            b'v' => Err(line.error(SdpErrorKind::Repeated(b'v'))),
            other => Err(line.error(SdpErrorKind::UnknownType(other))),
        }
    }

    fn finish(self, lines: &Lines<'_>, media: Vec<Media>) -> Result<SessionDescription, SdpError> {
        let missing = |letter| lines.error(lines.body.len(), SdpErrorKind::Missing(letter));
        let strict = lines.limits.is_strict();
        let origin = self.origin.ok_or_else(|| missing(b'o'))?;
        if strict && self.name.is_none() {
            return Err(missing(b's'));
        }
        if strict && self.times.is_empty() {
            return Err(missing(b't'));
        }
        let connected = |m: &Media| m.port == 0 || !m.connections.is_empty();
        if strict && self.connection.is_none() && !media.iter().all(connected) {
            return Err(missing(b'c'));
        }
        Ok(SessionDescription {
            origin,
            name: self.name.unwrap_or_else(|| Text::from_static("-")),
            information: self.information,
            uri: self.uri,
            emails: self.emails,
            phones: self.phones,
            connection: self.connection,
            bandwidths: self.bandwidths,
            times: if self.times.is_empty() { vec![Time::default()] } else { self.times },
            key: self.key,
            attributes: self.attributes.into_iter().collect(),
            media,
        })
    }
}

/// Keeps one line of a stream and says its place in the order.
fn take_media(media: &mut Media, line: &Line<'_>) -> Result<u8, SdpError> {
    match line.letter {
        b'i' => once(&mut media.information, line, line.text()).map(|()| 1),
        b'c' => {
            media.connections.push(line.connection()?);
            Ok(2)
        }
        b'b' => {
            media.bandwidths.push(line.bandwidth()?);
            Ok(3)
        }
        b'k' => once(&mut media.key, line, line.text()).map(|()| 4),
        b'a' => {
            let attribute = line.attribute(media.attributes.len())?;
            media.attributes.push(attribute);
            Ok(5)
        }
        letter @ (b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z') => {
            Err(line.error(SdpErrorKind::OutOfOrder(letter)))
        }
        other => Err(line.error(SdpErrorKind::UnknownType(other))),
    }
}

fn once<T>(slot: &mut Option<T>, line: &Line<'_>, value: T) -> Result<(), SdpError> {
    if slot.is_some() {
        return Err(line.error(SdpErrorKind::Repeated(line.letter)));
    }
    *slot = Some(value);
    Ok(())
}

/// Cuts the body into lines.
struct Lines<'a> {
    body: &'a Bytes,
    limits: &'a Limits,
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    fn error(&self, offset: usize, kind: SdpErrorKind) -> SdpError {
        SdpError { line: self.number.max(1), offset, kind }
    }

    fn next_line(&mut self) -> Result<Option<Line<'a>>, SdpError> {
        let start = self.at;
        let Some(rest) = self.body.get(start..).filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        self.number += 1;
        let found = memchr::memchr(b'\n', rest);
        let raw = found.map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        self.at = start + raw.len() + usize::from(found.is_some());
        let text = raw.strip_suffix(b"\r").unwrap_or(raw);
        if text.is_empty() && self.only_line_ends_follow() {
            return Ok(None);
        }
        if self.number > self.limits.lines {
            return Err(self.error(start, SdpErrorKind::Limit(Limit::Lines)));
        }
        if text.len() > self.limits.line_bytes {
            return Err(self.error(start, SdpErrorKind::Limit(Limit::LineBytes)));
        }
        if let Some(at) = memchr::memchr2(b'\r', 0, text) {
            let byte = text.get(at).copied().unwrap_or(0);
            return Err(self.error(start + at, SdpErrorKind::ControlByte(byte)));
        }
        match text {
            [letter, b'=', ..] => Ok(Some(Line {
                body: self.body,
                limits: self.limits,
                letter: *letter,
                start,
                end: start + text.len(),
                number: self.number,
            })),
            _ => Err(self.error(start, SdpErrorKind::NotALine)),
        }
    }

    /// Bodies come with an empty line or two at their end; nothing else may follow one.
    fn only_line_ends_follow(&self) -> bool {
        self.body.get(self.at..).is_none_or(|rest| rest.iter().all(|&b| matches!(b, b'\r' | b'\n')))
    }
}

/// One line.
struct Line<'a> {
    body: &'a Bytes,
    limits: &'a Limits,
    letter: u8,
    start: usize,
    end: usize,
    number: usize,
}

impl<'a> Line<'a> {
    fn value(&self) -> &'a [u8] {
        self.body.get(self.start + 2..self.end).unwrap_or_default()
    }

    fn text(&self) -> Text {
        self.slice(self.value())
    }

    /// Shares a part of this line.
    fn slice(&self, part: &[u8]) -> Text {
        Text::trusted(if part.is_empty() { Bytes::new() } else { self.body.slice_ref(part) })
    }

    fn error(&self, kind: SdpErrorKind) -> SdpError {
        self.error_at(0, kind)
    }

    fn error_at(&self, offset: usize, kind: SdpErrorKind) -> SdpError {
        SdpError { line: self.number, offset: self.start + offset, kind }
    }

    fn malformed_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Malformed(self.letter))
    }

    /// Where a part of this line stands in it.
    fn offset_of(&self, part: &[u8]) -> usize {
        let start = self.body.as_ptr() as usize + self.start;
        (part.as_ptr() as usize).checked_sub(start).map_or(0, |at| at.min(self.end - self.start))
    }

    /// The words of the value.
    fn words(&self) -> Words<'a> {
        Words { rest: self.value().trim_ascii_end(), strict: self.limits.is_strict() }
    }

    fn attribute(&self, so_many: usize) -> Result<Attribute, SdpError> {
        if so_many >= self.limits.attributes {
            return Err(self.error(SdpErrorKind::Limit(Limit::Attributes)));
        }
        let attribute = Attribute::from_line(self.text());
        let name = attribute.name_bytes();
        if self.limits.is_strict() && !is_token(name) {
            return Err(self.error_at(2, SdpErrorKind::Malformed(b'a')));
        }
        Ok(attribute)
    }

    fn origin(&self) -> Result<Origin, SdpError> {
        let mut words = self.words();
        let username = self.username(&mut words)?;
        let session_id = self.decimal(words.next_word(self)?)?;
        let session_version = self.decimal(words.next_word(self)?)?;
        let family = self.family(&mut words)?;
        let address = words.next_word(self)?;
        words.finish(self)?;
        Ok(Origin {
            username: self.slice(username),
            session_id,
            session_version,
            address: Address::parse_lenient(family, self.slice(address)),
        })
    }

    /// The user name, which some telephones write with spaces: all but the last five words.
    fn username(&self, words: &mut Words<'a>) -> Result<&'a [u8], SdpError> {
        let value = self.value().trim_ascii_end();
        let mut spaces = memchr::memrchr_iter(b' ', value);
        if !self.limits.is_strict()
            && let Some(end) = spaces.nth(4)
            && value
                .get(..end)
                .is_some_and(|name| memchr::memchr(b' ', name.trim_ascii()).is_some())
        {
            words.rest = value.get(end..).unwrap_or_default();
            return Ok(value.get(..end).unwrap_or_default().trim_ascii());
        }
        words.next_word(self)
    }

    fn connection(&self) -> Result<Connection, SdpError> {
        let mut words = self.words();
        let family = self.family(&mut words)?;
        let word = words.next_word(self)?;
        words.finish(self)?;
        let mut parts = word.split(|&b| b == b'/');
        let base = parts.next().unwrap_or_default();
        let address =
            Address::parse(family, self.slice(base)).ok_or_else(|| self.malformed_at(base))?;
        let mut ttl = None;
        if family == AddressFamily::V4 {
            ttl = parts.next().map(|part| self.decimal::<u8>(part)).transpose()?;
        }
        let count = parts.next().map(|part| self.decimal::<u32>(part)).transpose()?;
        if let Some(extra) = parts.next() {
            return Err(self.malformed_at(extra));
        }
        Ok(Connection { address, ttl, count })
    }

    fn bandwidth(&self) -> Result<Bandwidth, SdpError> {
        let value = self.value();
        let colon = memchr::memchr(b':', value).ok_or_else(|| self.malformed_at(value))?;
        let (kind, amount) = (value.get(..colon), value.get(colon + 1..));
        let (kind, amount) = (kind.unwrap_or_default(), amount.unwrap_or_default());
        if !is_token(kind) {
            return Err(self.malformed_at(kind));
        }
        let amount = if self.limits.is_strict() { amount } else { amount.trim_ascii() };
        Ok(Bandwidth { kind: self.slice(kind), value: self.decimal(amount)? })
    }

    fn time(&self) -> Result<Time, SdpError> {
        let mut words = self.words();
        let start = self.decimal(words.next_word(self)?)?;
        let stop = self.decimal(words.next_word(self)?)?;
        words.finish(self)?;
        Ok(Time { start, stop, repeats: Vec::new(), zone: None })
    }

    fn media(&self) -> Result<Media, SdpError> {
        let mut words = self.words();
        let kind = words.next_word(self)?;
        let kind = MediaKind::parse(self.slice(kind)).ok_or_else(|| self.malformed_at(kind))?;
        let ports = words.next_word(self)?;
        let (port, port_count) = match memchr::memchr(b'/', ports) {
            None => (self.decimal(ports)?, None),
            Some(slash) => {
                let count = ports.get(slash + 1..).unwrap_or_default();
                let count_number = self.decimal::<u16>(count)?;
                if count_number == 0 {
                    return Err(self.malformed_at(count));
                }
                (self.decimal(ports.get(..slash).unwrap_or_default())?, Some(count_number))
            }
        };
        let protocol = words.next_word(self)?;
        let protocol =
            Protocol::new(self.slice(protocol)).ok_or_else(|| self.malformed_at(protocol))?;
        let mut media = Media::new(kind, port, protocol, Vec::new());
        media.port_count = port_count;
        let rtp = media.protocol.is_rtp();
        while let Some(word) = words.next() {
            if media.formats.len() >= self.limits.formats {
                let at = self.offset_of(word);
                return Err(self.error_at(at, SdpErrorKind::Limit(Limit::Formats)));
            }
            media.formats.push(self.format(word, rtp)?);
        }
        words.finish(self)?;
        if media.formats.is_empty() && self.limits.is_strict() {
            return Err(self.error_at(self.end - self.start, SdpErrorKind::Malformed(b'm')));
        }
        Ok(media)
    }

    fn format(&self, word: &[u8], rtp: bool) -> Result<Format, SdpError> {
        if rtp && word.iter().all(u8::is_ascii_digit) {
            let payload_type = self.decimal::<u8>(word)?;
            if payload_type > 127 {
                return Err(self.overflow_at(word));
            }
            return Ok(Format::Payload(payload_type));
        }
        if !is_token(word) {
            return Err(self.malformed_at(word));
        }
        Ok(Format::Other(self.slice(word)))
    }

    fn family(&self, words: &mut Words<'a>) -> Result<AddressFamily, SdpError> {
        let fault =
            |word| self.error_at(self.offset_of(word), SdpErrorKind::AddressType(self.letter));
        let network = words.next_word(self)?;
        if network != b"IN" {
            return Err(fault(network));
        }
        let family = words.next_word(self)?;
        AddressFamily::parse(family).ok_or_else(|| fault(family))
    }

    fn decimal<T: core::str::FromStr>(&self, word: &[u8]) -> Result<T, SdpError> {
        if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
            return Err(self.malformed_at(word));
        }
        number(word).ok_or_else(|| self.overflow_at(word))
    }

    fn overflow_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Overflow(self.letter))
    }
}

/// Words between single spaces, or between any spaces when lenient. Spaces at the end of the line are always
/// taken: telephones in the field send them, and nothing can be smuggled by them.
struct Words<'a> {
    rest: &'a [u8],
    strict: bool,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        if !self.strict {
            self.rest = self.rest.trim_ascii_start();
        }
        if self.rest.is_empty() {
            return None;
        }
        let end = if self.strict {
            memchr::memchr(b' ', self.rest)
        } else {
            memchr::memchr2(b' ', b'\t', self.rest)
        };
        let Some(end) = end else {
            // What is left is empty and still points into the line, for errors to say where.
            let (word, rest) = self.rest.split_at(self.rest.len());
            self.rest = rest;
            return Some(word);
        };
        let word = self.rest.get(..end).unwrap_or_default();
        let after = self.rest.get(end + 1..).unwrap_or_default();
        if self.strict && word.is_empty() {
            // Left for `finish` to report.
            return None;
        }
        self.rest = after;
        Some(word)
    }

    fn next_word(&mut self, line: &Line<'_>) -> Result<&'a [u8], SdpError> {
        let rest = self.rest;
        self.next().ok_or_else(|| line.malformed_at(rest))
    }

    fn finish(&mut self, line: &Line<'_>) -> Result<(), SdpError> {
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() { Ok(()) } else { Err(line.malformed_at(rest)) }
    }
}
