//! One line after the other, and places in them.

use super::Reader;
use crate::sdp::error::{Limit, SdpError, SdpErrorKind};
use crate::sdp::text::Text;
use crate::sdp::words::Words;
use crate::text::from_below;

impl<'a> Reader<'a> {
    /// Goes to the next line; false at the end of the body.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> Result<bool, SdpError> {
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
    pub(super) fn take_line(&mut self, rest: &'a [u8]) -> bool {
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
    pub(super) fn advance_any(&mut self) -> Result<bool, SdpError> {
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

    #[inline]
    pub(super) fn text(&self) -> Text {
        self.share(self.value)
    }

    /// A text that shares a part of this line.
    #[inline]
    pub(super) fn share(&self, part: &[u8]) -> Text {
        match part {
            b"" => Text::default(),
            b"-" => Text::from_static("-"),
            _ => Text::trusted(self.body.slice_ref(part)),
        }
    }

    #[cold]
    pub(super) fn error(&self, kind: SdpErrorKind) -> SdpError {
        self.error_at(0, kind)
    }

    #[cold]
    pub(super) fn error_at(&self, offset: usize, kind: SdpErrorKind) -> SdpError {
        SdpError { line: self.number.max(1), offset: self.start + offset, kind }
    }

    #[cold]
    pub(in crate::sdp) fn malformed_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Malformed(self.letter))
    }

    #[cold]
    pub(super) fn overflow_at(&self, part: &[u8]) -> SdpError {
        self.error_at(self.offset_of(part), SdpErrorKind::Overflow(self.letter))
    }

    /// Where a part of the value stands in the line.
    pub(super) fn offset_of(&self, part: &[u8]) -> usize {
        let at = (part.as_ptr() as usize).checked_sub(self.value.as_ptr() as usize);
        2 + at.unwrap_or(0).min(self.value.len())
    }

    /// The words of the value.
    ///
    /// Spaces at the end of the line are always taken: telephones in the field send them, and nothing can be
    /// smuggled by them.
    #[inline]
    pub(super) fn words(&self) -> Words<'a> {
        let value = match self.value {
            [.., b' ' | b'\t'] => self.value.trim_ascii_end(),
            value => value,
        };
        Words::new(value, self.limits.is_strict())
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
