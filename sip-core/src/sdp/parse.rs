//! Reading a description: which lines there may be, and in what order (RFC 8866 §5).

mod line;
mod value;

use bytes::Bytes;

use super::address::Connection;
use super::attribute::Attributes;
use super::error::{Limit, SdpError, SdpErrorKind};
use super::grammar::is_token;
use super::limits::Limits;
use super::media::Media;
use super::session::{SessionDescription, Time};
use super::text::Text;

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
}
