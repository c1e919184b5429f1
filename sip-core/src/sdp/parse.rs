//! Reading a description.

use core::net::Ipv4Addr;
use core::ops::Range;

use bytes::Bytes;

use super::address::{Address, AddressFamily, Connection};
use super::error::{Limit, SdpError, SdpErrorKind};
use super::grammar::{is_token, number};
use super::limits::Limits;
use super::media::{Format, Media, MediaKind, Protocol};
use super::session::{Bandwidth, Origin, SessionDescription, Time};
use super::text::Text;
use crate::text::from_below;

pub(super) fn check_size(body: &[u8], limits: &Limits) -> Result<(), SdpError> {
    if body.len() > limits.bytes {
        let kind = SdpErrorKind::Limit(Limit::Bytes);
        return Err(SdpError { line: 1, offset: limits.bytes, kind });
    }
    Ok(())
}

pub(super) fn session(body: &Bytes, limits: &Limits) -> Result<SessionDescription, SdpError> {
    Reader::new(body, limits).session()
}

/// Cuts the body into lines, and reads the line it stands on.
struct Reader<'a> {
    body: &'a Bytes,
    limits: &'a Limits,
    /// What follows the line.
    rest: &'a [u8],
    /// Number of the line, from 1.
    number: usize,
    /// Where it begins.
    start: usize,
    letter: u8,
    value: &'a [u8],
    /// The letters of the session's lines met so far, a bit each.
    seen: u32,
}

/// The place of `a=` among the lines of its level.
const LAST: u8 = 11;

impl<'a> Reader<'a> {
    fn new(body: &'a Bytes, limits: &'a Limits) -> Self {
        Self { body, limits, rest: body, number: 0, start: 0, letter: 0, value: &[], seen: 0 }
    }

    fn session(&mut self) -> Result<SessionDescription, SdpError> {
        if !self.advance()? || self.letter != b'v' {
            return Err(self.error(SdpErrorKind::Missing(b'v')));
        }
        if self.value != b"0" {
            return Err(self.error_at(2, SdpErrorKind::Malformed(b'v')));
        }
        let mut session = SessionDescription::new(Origin::new(0, 0, Ipv4Addr::UNSPECIFIED.into()));
        session.times.clear();
        let mut rank = 0;
        while self.advance()? {
            let place = match self.letter {
                b'a' => {
                    let list = match session.media.last_mut() {
                        None => &mut session.attributes,
                        Some(media) => &mut media.attributes,
                    };
                    list.push_read(self.body, self.attribute(list.len())?);
                    LAST
                }
                b'm' => {
                    self.open_media(&mut session)?;
                    0
                }
                _ => match session.media.last_mut() {
                    None => self.session_line(&mut session)?,
                    Some(media) => self.media_line(media)?,
                },
            };
            if place < rank && place > 0 && self.limits.is_strict() {
                return Err(self.error(SdpErrorKind::OutOfOrder(self.letter)));
            }
            rank = place;
        }
        self.check_complete(&session)?;
        if session.times.is_empty() {
            session.times.push(Time::default());
        }
        Ok(session)
    }

    fn open_media(&self, session: &mut SessionDescription) -> Result<(), SdpError> {
        if session.media.len() >= self.limits.media {
            return Err(self.error(SdpErrorKind::Limit(Limit::Media)));
        }
        if session.media.is_empty() {
            session.media.reserve_exact(1);
        }
        session.media.push(self.media()?);
        Ok(())
    }

    /// Keeps one line of the session and says its place in the order of RFC 8866 §5.
    fn session_line(&mut self, session: &mut SessionDescription) -> Result<u8, SdpError> {
        if matches!(self.letter, b'o' | b's' | b'i' | b'u' | b'c' | b'k') {
            self.once()?;
        }
        match self.letter {
            b'o' => {
                session.origin = self.origin()?;
                Ok(1)
            }
            b's' => {
                session.name = self.text();
                Ok(2)
            }
            b'i' => {
                session.information = Some(self.text());
                Ok(3)
            }
            b'u' => {
                session.uri = Some(self.text());
                Ok(4)
            }
            b'e' => {
                session.emails.push(self.text());
                Ok(5)
            }
            b'p' => {
                session.phones.push(self.text());
                Ok(6)
            }
            b'c' => {
                session.connection = Some(self.connection()?);
                Ok(7)
            }
            b'b' => {
                session.bandwidths.push(self.bandwidth()?);
                Ok(8)
            }
            b't' => {
                if session.times.is_empty() {
                    session.times.reserve_exact(1);
                }
                session.times.push(self.time()?);
                Ok(9)
            }
            letter @ (b'r' | b'z') => match session.times.last_mut() {
                Some(time) if letter == b'r' => {
                    time.repeats.push(self.text());
                    Ok(9)
                }
                Some(time) => self.only(&mut time.zone).map(|()| 9),
                None => Err(self.error(SdpErrorKind::OutOfOrder(letter))),
            },
            b'k' => {
                session.key = Some(self.text());
                Ok(10)
            }
            b'v' => Err(self.error(SdpErrorKind::Repeated(b'v'))),
            other => Err(self.error(SdpErrorKind::UnknownType(other))),
        }
    }

    /// Keeps one line of a stream and says its place in the order.
    fn media_line(&self, media: &mut Media) -> Result<u8, SdpError> {
        match self.letter {
            b'i' => self.only(&mut media.information).map(|()| 1),
            b'c' => {
                media.connections.push(self.connection()?);
                Ok(2)
            }
            b'b' => {
                media.bandwidths.push(self.bandwidth()?);
                Ok(3)
            }
            b'k' => self.only(&mut media.key).map(|()| 4),
            letter @ (b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z') => {
                Err(self.error(SdpErrorKind::OutOfOrder(letter)))
            }
            other => Err(self.error(SdpErrorKind::UnknownType(other))),
        }
    }

    /// Refuses a second line of the session with the same letter.
    fn once(&mut self) -> Result<(), SdpError> {
        let bit = self.bit(self.letter);
        if self.seen & bit != 0 {
            return Err(self.error(SdpErrorKind::Repeated(self.letter)));
        }
        self.seen |= bit;
        Ok(())
    }

    /// Keeps the value unless there is one already.
    fn only(&self, slot: &mut Option<Text>) -> Result<(), SdpError> {
        if slot.is_some() {
            return Err(self.error(SdpErrorKind::Repeated(self.letter)));
        }
        *slot = Some(self.text());
        Ok(())
    }

    fn bit(&self, letter: u8) -> u32 {
        1 << (letter & 31)
    }

    fn check_complete(&self, session: &SessionDescription) -> Result<(), SdpError> {
        let has = |letter| self.seen & self.bit(letter) != 0;
        let strict = self.limits.is_strict();
        let connected = |m: &Media| m.port == 0 || !m.connections.is_empty();
        let missing = if !has(b'o') {
            b'o'
        } else if strict && !has(b's') {
            b's'
        } else if strict && session.times.is_empty() {
            b't'
        } else if strict && session.connection.is_none() && !session.media.iter().all(connected) {
            b'c'
        } else {
            return Ok(());
        };
        let (line, offset) = (self.number.max(1), self.body.len());
        Err(SdpError { line, offset, kind: SdpErrorKind::Missing(missing) })
    }

    /// Goes to the next line; false at the end of the body.
    fn advance(&mut self) -> Result<bool, SdpError> {
        // Nearly every line is of this form, and the first control byte in it is that of its end.
        if let [letter, b'=', rest @ ..] = self.rest
            && let from_control = from_below::<0x20>(rest)
            && let [b'\r', b'\n', after @ ..] = from_control
            && let length = rest.len() - from_control.len()
            && length + 2 <= self.limits.line_bytes
            && self.number < self.limits.lines
        {
            self.start = self.body.len() - self.rest.len();
            self.number += 1;
            self.letter = *letter;
            self.value = rest.get(..length).unwrap_or_default();
            self.rest = after;
            return Ok(true);
        }
        self.advance_any()
    }

    /// The same for lines of any form.
    fn advance_any(&mut self) -> Result<bool, SdpError> {
        let rest = self.rest;
        if rest.is_empty() {
            return Ok(false);
        }
        self.start = self.body.len() - rest.len();
        self.number += 1;
        let (text, after) = cut_line(rest);
        self.rest = after;
        if text.is_empty() && self.only_line_ends_follow() {
            return Ok(false);
        }
        if self.number > self.limits.lines {
            return Err(self.error(SdpErrorKind::Limit(Limit::Lines)));
        }
        if text.len() > self.limits.line_bytes {
            return Err(self.error(SdpErrorKind::Limit(Limit::LineBytes)));
        }
        if let Some(at) = memchr::memchr2(b'\r', 0, text) {
            let byte = text.get(at).copied().unwrap_or(0);
            return Err(self.error_at(at, SdpErrorKind::ControlByte(byte)));
        }
        let [letter, b'=', value @ ..] = text else {
            return Err(self.error(SdpErrorKind::NotALine));
        };
        self.letter = *letter;
        self.value = value;
        Ok(true)
    }

    /// Bodies come with an empty line or two at their end; nothing else may follow one.
    fn only_line_ends_follow(&self) -> bool {
        self.rest.iter().all(|&b| matches!(b, b'\r' | b'\n'))
    }

    fn text(&self) -> Text {
        self.share(self.value)
    }

    /// A text that shares a part of this line.
    fn share(&self, part: &[u8]) -> Text {
        match part {
            b"" => Text::default(),
            b"-" => Text::from_static("-"),
            _ => Text::trusted(self.body.slice_ref(part)),
        }
    }

    #[cold]
    fn error(&self, kind: SdpErrorKind) -> SdpError {
        self.error_at(0, kind)
    }

    #[cold]
    fn error_at(&self, offset: usize, kind: SdpErrorKind) -> SdpError {
        SdpError { line: self.number.max(1), offset: self.start + offset, kind }
    }

    #[cold]
    fn malformed_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Malformed(self.letter))
    }

    #[cold]
    fn overflow_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Overflow(self.letter))
    }

    /// Where a part of the value stands in the line.
    fn offset_of(&self, part: &[u8]) -> usize {
        let at = (part.as_ptr() as usize).checked_sub(self.value.as_ptr() as usize);
        2 + at.unwrap_or(0).min(self.value.len())
    }

    /// The words of the value.
    ///
    /// Spaces at the end of the line are always taken: telephones in the field send them, and nothing can be
    /// smuggled by them.
    fn words(&self) -> Words<'a> {
        let value = match self.value {
            [.., b' ' | b'\t'] => self.value.trim_ascii_end(),
            value => value,
        };
        Words { rest: value, strict: self.limits.is_strict() }
    }

    /// The place of an attribute in the body.
    fn attribute(&self, so_many: usize) -> Result<Range<usize>, SdpError> {
        if so_many >= self.limits.attributes {
            return Err(self.error(SdpErrorKind::Limit(Limit::Attributes)));
        }
        if self.limits.is_strict() {
            let end = memchr::memchr(b':', self.value).unwrap_or(self.value.len());
            if !self.value.get(..end).is_some_and(is_token) {
                return Err(self.error_at(2, SdpErrorKind::Malformed(b'a')));
            }
        }
        Ok(self.start + 2..self.start + 2 + self.value.len())
    }

    fn origin(&self) -> Result<Origin, SdpError> {
        let mut words = self.words();
        let username = words.next_word(self)?;
        self.origin_of(username, words).or_else(|error| {
            // Some telephones write a user name with spaces: it is then all but the last five words.
            let value = self.value.trim_ascii_end();
            let fifth = memchr::memrchr_iter(b' ', value).nth(4);
            match fifth.and_then(|at| value.split_at_checked(at)) {
                Some((username, rest)) if !self.limits.is_strict() && !has_control(username) => {
                    let words = Words { rest, strict: false };
                    self.origin_of(username.trim_ascii(), words).map_err(|_| error)
                }
                _ => Err(error),
            }
        })
    }

    fn origin_of(&self, username: &[u8], mut words: Words<'a>) -> Result<Origin, SdpError> {
        let session_id = words.decimal(self)?;
        let session_version = words.decimal(self)?;
        let family = self.family(&mut words)?;
        let address = words.next_word(self)?;
        words.finish(self)?;
        Ok(Origin {
            username: self.share(username),
            session_id,
            session_version,
            address: Address::parse_lenient(family, address, |text| self.share(text)),
        })
    }

    fn connection(&self) -> Result<Connection, SdpError> {
        let mut words = self.words();
        let family = self.family(&mut words)?;
        let word = words.next_word(self)?;
        words.finish(self)?;
        let mut parts = word.split(|&b| b == b'/');
        let base = parts.next().unwrap_or_default();
        let address = Address::parse(family, base, |text| self.share(text))
            .ok_or_else(|| self.malformed_at(base))?;
        let mut ttl = None;
        if family == AddressFamily::V4 {
            ttl = parts.next().map(|part| self.decimal(part)).transpose()?;
        }
        let count = parts.next().map(|part| self.decimal(part)).transpose()?;
        if let Some(extra) = parts.next() {
            return Err(self.malformed_at(extra));
        }
        Ok(Connection { address, ttl, count })
    }

    fn bandwidth(&self) -> Result<Bandwidth, SdpError> {
        let value = self.value;
        let colon = memchr::memchr(b':', value).ok_or_else(|| self.malformed_at(value))?;
        let (kind, amount) = (value.get(..colon), value.get(colon + 1..));
        let (kind, amount) = (kind.unwrap_or_default(), amount.unwrap_or_default());
        if !is_token(kind) {
            return Err(self.malformed_at(kind));
        }
        let amount = if self.limits.is_strict() { amount } else { amount.trim_ascii() };
        Ok(Bandwidth { kind: self.share(kind), value: self.decimal(amount)? })
    }

    fn time(&self) -> Result<Time, SdpError> {
        let mut words = self.words();
        let start = words.decimal(self)?;
        let stop = words.decimal(self)?;
        words.finish(self)?;
        Ok(Time { start, stop, repeats: Vec::new(), zone: None })
    }

    fn media(&self) -> Result<Media, SdpError> {
        let mut words = self.words();
        let kind = words.next_word(self)?;
        let kind = MediaKind::parse(kind, |text| self.share(text))
            .ok_or_else(|| self.malformed_at(kind))?;
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
        let protocol = Protocol::parse(protocol, |text| self.share(text))
            .ok_or_else(|| self.malformed_at(protocol))?;
        let formats = self.formats(&mut words, protocol.is_rtp())?;
        let mut media = Media::new(kind, port, protocol, formats);
        media.port_count = port_count;
        Ok(media)
    }

    fn formats(&self, words: &mut Words<'a>, rtp: bool) -> Result<Vec<Format>, SdpError> {
        // Two digits and a space each, as a guess.
        let guess = words.rest.len() / 3 + 1;
        let mut formats = Vec::with_capacity(guess.min(self.limits.formats));
        while let Some(word) = words.next() {
            if formats.len() >= self.limits.formats {
                let at = self.offset_of(word);
                return Err(self.error_at(at, SdpErrorKind::Limit(Limit::Formats)));
            }
            formats.push(self.format(word, rtp)?);
        }
        words.finish(self)?;
        if formats.is_empty() && self.limits.is_strict() {
            return Err(self.error_at(2 + self.value.len(), SdpErrorKind::Malformed(b'm')));
        }
        Ok(formats)
    }

    fn format(&self, word: &[u8], rtp: bool) -> Result<Format, SdpError> {
        if rtp {
            match number::<u8>(word) {
                Some(payload_type @ 0..128) => return Ok(Format::Payload(payload_type)),
                _ if word.iter().all(u8::is_ascii_digit) => return Err(self.overflow_at(word)),
                _ => {}
            }
        }
        if !is_token(word) {
            return Err(self.malformed_at(word));
        }
        Ok(Format::Other(self.share(word)))
    }

    fn family(&self, words: &mut Words<'a>) -> Result<AddressFamily, SdpError> {
        for (prefix, family) in [(b"IN IP4 ", AddressFamily::V4), (b"IN IP6 ", AddressFamily::V6)] {
            if let Some(rest) = words.rest.strip_prefix(prefix) {
                words.rest = rest;
                return Ok(family);
            }
        }
        let fault =
            |word| self.error_at(self.offset_of(word), SdpErrorKind::AddressType(self.letter));
        let network = words.next_word(self)?;
        if network != b"IN" {
            return Err(fault(network));
        }
        let family = words.next_word(self)?;
        AddressFamily::parse(family).ok_or_else(|| fault(family))
    }

    fn decimal<T: TryFrom<u64>>(&self, word: &[u8]) -> Result<T, SdpError> {
        number(word).ok_or_else(|| {
            if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
                self.malformed_at(word)
            } else {
                self.overflow_at(word)
            }
        })
    }
}

/// A line without its end, and what follows.
fn cut_line(rest: &[u8]) -> (&[u8], &[u8]) {
    let (line, after) = match memchr::memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
        Some((line, [_, after @ ..])) => (line, after),
        _ => (rest, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), after)
}

fn has_control(text: &[u8]) -> bool {
    text.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t')
}

/// Words between single spaces, or between any spaces when lenient.
struct Words<'a> {
    rest: &'a [u8],
    strict: bool,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        if !self.strict && matches!(self.rest, [b' ' | b'\t', ..]) {
            self.rest = self.rest.trim_ascii_start();
        }
        let end = self.rest.len() - from_below::<0x21>(self.rest).len();
        // What is left in the end is empty and still points into the line, for errors to say where.
        let (word, rest) = self.rest.split_at_checked(end)?;
        let ends = match rest.first() {
            None | Some(b' ') => true,
            Some(b'\t') => !self.strict,
            // Control characters neither end a word nor belong into one.
            Some(_) => false,
        };
        if word.is_empty() || !ends {
            // Left for `finish` to report.
            return None;
        }
        self.rest = rest.get(1..).unwrap_or(rest);
        Some(word)
    }

    fn next_word(&mut self, line: &Reader<'_>) -> Result<&'a [u8], SdpError> {
        let rest = self.rest;
        self.next().ok_or_else(|| line.malformed_at(rest))
    }

    /// The next word as a number.
    fn decimal<T: TryFrom<u64>>(&mut self, line: &Reader<'_>) -> Result<T, SdpError> {
        // Eighteen digits always fit; what is longer, or no number, is for the slow way to judge.
        let mut number = 0u64;
        for (at, &byte) in self.rest.iter().enumerate().take(19) {
            match byte {
                b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
                b' ' if at > 0 => match T::try_from(number) {
                    Ok(number) => {
                        self.rest = self.rest.get(at + 1..).unwrap_or_default();
                        return Ok(number);
                    }
                    Err(_) => break,
                },
                _ => break,
            }
        }
        line.decimal(self.next_word(line)?)
    }

    fn finish(&mut self, line: &Reader<'_>) -> Result<(), SdpError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() { Ok(()) } else { Err(line.malformed_at(rest)) }
    }
}
