//! The words of one line.

use core::net::Ipv4Addr;

use super::address::{AddressFamily, ipv4_prefix};
use super::error::SdpError;
use super::parse::Reader;
use crate::text::from_below;

/// Words between single spaces, or between any spaces when lenient.
///
/// What is usual is tried first and takes nothing when it is not what stands there.
pub(super) struct Words<'a> {
    rest: &'a [u8],
    strict: bool,
}

impl<'a> Words<'a> {
    pub(super) fn new(rest: &'a [u8], strict: bool) -> Self {
        Self { rest, strict }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        if matches!(self.rest, [b' ' | b'\t', ..]) && !self.strict {
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

    pub(super) fn next_word(&mut self, line: &Reader<'_>) -> Result<&'a [u8], SdpError> {
        let rest = self.rest;
        self.next().ok_or_else(|| line.malformed_at(rest))
    }

    /// The next word as a number.
    pub(super) fn decimal<T: TryFrom<u64>>(&mut self, line: &Reader<'_>) -> Result<T, SdpError> {
        match self.plain() {
            Some(number) => Ok(number),
            None => line.decimal(self.next_word(line)?),
        }
    }

    /// A number of at most eighteen digits, which always fit, before a space or the end.
    #[inline]
    pub(super) fn plain<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let (mut number, mut rest) = (0u64, self.rest);
        while let [byte @ b'0'..=b'9', more @ ..] = rest {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            rest = more;
        }
        let digits = self.rest.len() - rest.len();
        let after = match rest {
            [] => rest,
            [b' ', after @ ..] => after,
            _ => return None,
        };
        if !(1..19).contains(&digits) {
            return None;
        }
        let number = T::try_from(number).ok()?;
        self.rest = after;
        Some(number)
    }

    /// The same for a number below a limit.
    #[inline]
    pub(super) fn plain_below(&mut self, limit: u8) -> Option<u8> {
        let before = self.rest;
        let number = self.plain().filter(|&number| number < limit);
        if number.is_none() {
            self.rest = before;
        }
        number
    }

    /// Whether these words with their spaces stand here; they are taken then.
    #[inline(always)]
    pub(super) fn take(&mut self, words: &[u8]) -> bool {
        match self.rest.strip_prefix(words) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The network and the type of an address, when another word follows after one space.
    #[inline]
    pub(super) fn family(&mut self) -> Option<AddressFamily> {
        if self.take(b"IN IP4 ") {
            Some(AddressFamily::V4)
        } else if self.take(b"IN IP6 ") {
            Some(AddressFamily::V6)
        } else {
            None
        }
    }

    /// The address, when it is an IPv4 address alone with which the line ends.
    #[inline]
    pub(super) fn last_ipv4(&mut self, family: AddressFamily) -> Option<Ipv4Addr> {
        match ipv4_prefix(self.rest) {
            Some((ip, rest @ [])) if family == AddressFamily::V4 => {
                self.rest = rest;
                Some(ip)
            }
            _ => None,
        }
    }

    pub(super) fn finish(&mut self, line: &Reader<'_>) -> Result<(), SdpError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() { Ok(()) } else { Err(line.malformed_at(rest)) }
    }
}
