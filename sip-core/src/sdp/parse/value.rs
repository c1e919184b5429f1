//! What stands on a line.

use core::net::Ipv4Addr;

use super::Reader;
use crate::sdp::address::{Address, AddressFamily, Connection};
use crate::sdp::error::{Limit, SdpError, SdpErrorKind};
use crate::sdp::grammar::{is_token, number};
use crate::sdp::media::{Format, Media, MediaKind, Protocol};
use crate::sdp::session::{Bandwidth, Origin};
use crate::sdp::words::Words;

impl<'a> Reader<'a> {
    pub(super) fn origin(&self, origin: &mut Origin) -> Result<(), SdpError> {
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
    #[inline]
    pub(super) fn usual_connection(&self) -> Option<Ipv4Addr> {
        let mut words = self.words();
        let family = words.family()?;
        words.last_ipv4(family)
    }

    pub(super) fn connection(&self) -> Result<Connection, SdpError> {
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

    pub(super) fn bandwidth(&self) -> Result<Bandwidth, SdpError> {
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

    pub(super) fn time(&self) -> Result<(u64, u64), SdpError> {
        let mut words = self.words();
        let start = words.decimal(self)?;
        let stop = words.decimal(self)?;
        words.finish(self)?;
        Ok((start, stop))
    }

    #[inline]
    pub(super) fn media(&self, media: &mut Media) -> Result<(), SdpError> {
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

    pub(in crate::sdp) fn decimal<T: TryFrom<u64>>(&self, word: &[u8]) -> Result<T, SdpError> {
        number(word).ok_or_else(|| {
            if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
                self.malformed_at(word)
            } else {
                self.overflow_at(word)
            }
        })
    }
}

fn has_control(text: &[u8]) -> bool {
    text.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t')
}
