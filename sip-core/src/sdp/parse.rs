//! Reading a description.

use core::net::Ipv4Addr;

use bytes::Bytes;

use super::address::{Address, AddressFamily, Connection};
use super::attribute::Attributes;
use super::error::{Limit, SdpError, SdpErrorKind};
use super::grammar::{is_token, number};
use super::limits::Limits;
use super::media::{Format, Media, MediaKind, Protocol};
use super::session::{Bandwidth, Origin, SessionDescription, Time};
use super::text::Text;
use super::words::Words;
use crate::text::from_below;

pub(super) fn check_size(body: &[u8], limits: &Limits) -> Result<(), SdpError> {
    if body.len() > limits.bytes {
        let kind = SdpErrorKind::Limit(Limit::Bytes);
        return Err(SdpError { line: 1, offset: limits.bytes, kind });
    }
    Ok(())
}

pub(super) fn session(body: &Bytes, limits: &Limits) -> Result<SessionDescription, SdpError> {
    // Made where it will lie: it is large, and would be copied from a place of its own.
    let mut result = Ok(SessionDescription::without_times());
    if let Ok(session) = &mut result
        && let Err(error) = Reader::new(body, limits).session(session)
    {
        result = Err(error);
    }
    result
}

/// Cuts the body into lines, and reads the line it stands on.
pub(super) struct Reader<'a> {
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

    fn session(&mut self, session: &mut SessionDescription) -> Result<(), SdpError> {
        if !self.advance()? || self.letter != b'v' {
            return Err(self.error(SdpErrorKind::Missing(b'v')));
        }
        if self.value != b"0" {
            return Err(self.error_at(2, SdpErrorKind::Malformed(b'v')));
        }
        let mut rank = 0;
        while self.advance()? {
            let place = match self.letter {
                b'a' => {
                    self.attributes(match session.media.last_mut() {
                        None => &mut session.attributes,
                        Some(media) => &mut media.attributes,
                    })?;
                    LAST
                }
                b'm' => {
                    self.open_media(session)?;
                    0
                }
                _ => match session.media.last_mut() {
                    None => self.session_line(session)?,
                    Some(media) => self.media_line(media)?,
                },
            };
            if place < rank && place > 0 && self.limits.is_strict() {
                return Err(self.error(SdpErrorKind::OutOfOrder(self.letter)));
            }
            rank = place;
        }
        self.check_complete(session)?;
        if session.times.is_empty() {
            session.times.push(Time::default());
        }
        Ok(())
    }

    fn open_media(&self, session: &mut SessionDescription) -> Result<(), SdpError> {
        if session.media.len() >= self.limits.media {
            return Err(self.error(SdpErrorKind::Limit(Limit::Media)));
        }
        if session.media.is_empty() {
            session.media.reserve_exact(1);
        }
        session.media.push(Media::empty());
        session.media.last_mut().map_or(Ok(()), |media| self.media(media))
    }

    /// Keeps one line of the session and says its place in the order of RFC 8866 §5.
    fn session_line(&mut self, session: &mut SessionDescription) -> Result<u8, SdpError> {
        match self.letter {
            b'o' => {
                self.once()?;
                self.origin(&mut session.origin)?;
                Ok(1)
            }
            b's' => {
                self.once()?;
                // It is this already.
                if self.value != b"-" {
                    session.name = self.text();
                }
                Ok(2)
            }
            b'i' => {
                self.once()?;
                session.information = Some(self.text());
                Ok(3)
            }
            b'u' => {
                self.once()?;
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
                self.once()?;
                match self.usual_connection() {
                    Some(ip) => session.connection = Some(Connection::ipv4(ip)),
                    None => session.connection = Some(self.connection()?),
                }
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
                let (start, stop) = self.time()?;
                session.times.push(Time { start, stop, ..Time::default() });
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
                self.once()?;
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
    #[inline(always)]
    fn advance(&mut self) -> Result<bool, SdpError> {
        if let [letter, b'=', rest @ ..] = self.rest
            && self.take_line(rest)
        {
            self.letter = *letter;
            return Ok(true);
        }
        self.advance_any()
    }

    /// Goes to a line whose value begins with `rest`, if it is of the form of nearly every line: then the
    /// first control byte is that of its end. The letter is the caller's to set.
    #[inline(always)]
    fn take_line(&mut self, rest: &'a [u8]) -> bool {
        let from_control = from_below::<0x20>(rest);
        let Some(length) = rest.len().checked_sub(from_control.len()) else { return false };
        if let [b'\r', b'\n', after @ ..] = from_control
            && length + 2 <= self.limits.line_bytes
            && self.number < self.limits.lines
            && let Some(value) = rest.get(..length)
        {
            self.start = self.body.len() - rest.len() - 2;
            self.number += 1;
            self.value = value;
            self.rest = after;
            return true;
        }
        false
    }

    /// Goes to the next line, of any form; false at the end of the body.
    #[cold]
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
    pub(super) fn malformed_at(&self, part: &[u8]) -> SdpError {
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
        Words::new(value, self.limits.is_strict())
    }

    /// Keeps this attribute and those on the lines that follow.
    fn attributes(&mut self, list: &mut Attributes) -> Result<(), SdpError> {
        list.share(self.body);
        loop {
            if list.len() >= self.limits.attributes {
                return Err(self.error(SdpErrorKind::Limit(Limit::Attributes)));
            }
            if self.limits.is_strict() {
                let end = memchr::memchr(b':', self.value).unwrap_or(self.value.len());
                if !self.value.get(..end).is_some_and(is_token) {
                    return Err(self.error_at(2, SdpErrorKind::Malformed(b'a')));
                }
            }
            let start = self.start + 2;
            list.push_read(start..start + self.value.len());
            let [b'a', b'=', rest @ ..] = self.rest else { return Ok(()) };
            if !self.take_line(rest) && !self.advance_any()? {
                return Ok(());
            }
        }
    }

    fn origin(&self, origin: &mut Origin) -> Result<(), SdpError> {
        match self.usual_origin() {
            // Field by field, which costs less than moving a whole one.
            Some((username, session_id, session_version, ip)) => {
                if username != b"-" {
                    origin.username = self.share(username);
                }
                origin.session_id = session_id;
                origin.session_version = session_version;
                origin.address = Address::ipv4(ip);
            }
            None => *origin = self.any_origin()?,
        }
        Ok(())
    }

    /// The parts of nearly every origin: five single spaces, and an IPv4 address.
    fn usual_origin(&self) -> Option<(&'a [u8], u64, u64, Ipv4Addr)> {
        let mut words = self.words();
        let username = words.next()?;
        let (session_id, session_version) = (words.plain()?, words.plain()?);
        let family = words.family()?;
        Some((username, session_id, session_version, words.last_ipv4(family)?))
    }

    fn any_origin(&self) -> Result<Origin, SdpError> {
        let mut words = self.words();
        let username = words.next_word(self)?;
        self.origin_of(username, words).or_else(|error| {
            // Some telephones write a user name with spaces: it is then all but the last five words.
            let value = self.value.trim_ascii_end();
            let fifth = memchr::memrchr_iter(b' ', value).nth(4);
            match fifth.and_then(|at| value.split_at_checked(at)) {
                Some((username, rest)) if !self.limits.is_strict() && !has_control(username) => {
                    let words = Words::new(rest, false);
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

    /// The address of nearly every connection.
    fn usual_connection(&self) -> Option<Ipv4Addr> {
        let mut words = self.words();
        let family = words.family()?;
        words.last_ipv4(family)
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

    fn time(&self) -> Result<(u64, u64), SdpError> {
        let mut words = self.words();
        let start = words.decimal(self)?;
        let stop = words.decimal(self)?;
        words.finish(self)?;
        Ok((start, stop))
    }

    fn media(&self, media: &mut Media) -> Result<(), SdpError> {
        let mut words = self.words();
        if !words.take(b"audio ") {
            let kind = words.next_word(self)?;
            media.kind = MediaKind::parse(kind, |text| self.share(text))
                .ok_or_else(|| self.malformed_at(kind))?;
        }
        match words.plain() {
            Some(port) => media.port = port,
            None => (media.port, media.port_count) = self.ports(words.next_word(self)?)?,
        }
        if !words.take(b"RTP/AVP ") {
            let protocol = words.next_word(self)?;
            media.protocol = Protocol::parse(protocol, |text| self.share(text))
                .ok_or_else(|| self.malformed_at(protocol))?;
        }
        let rtp = media.protocol.is_rtp();
        self.formats(&mut words, rtp, &mut media.formats)
    }

    /// A port, and how many there are if that is said.
    fn ports(&self, ports: &[u8]) -> Result<(u16, Option<u16>), SdpError> {
        let Some(slash) = memchr::memchr(b'/', ports) else {
            return Ok((self.decimal(ports)?, None));
        };
        let count = ports.get(slash + 1..).unwrap_or_default();
        let count_number = self.decimal::<u16>(count)?;
        if count_number == 0 {
            return Err(self.malformed_at(count));
        }
        Ok((self.decimal(ports.get(..slash).unwrap_or_default())?, Some(count_number)))
    }

    fn formats(
        &self,
        words: &mut Words<'a>,
        rtp: bool,
        formats: &mut Vec<Format>,
    ) -> Result<(), SdpError> {
        // Two digits and a space each, as a guess.
        let guess = words.rest().len() / 3 + 1;
        formats.reserve_exact(guess.min(self.limits.formats));
        loop {
            if formats.len() < self.limits.formats
                && rtp
                && let Some(payload_type) = words.plain_below(128)
            {
                formats.push(Format::Payload(payload_type));
                continue;
            }
            let Some(word) = words.next() else { break };
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
        Ok(())
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
        if let Some(family) = words.family() {
            return Ok(family);
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

    pub(super) fn decimal<T: TryFrom<u64>>(&self, word: &[u8]) -> Result<T, SdpError> {
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
