//! Reading a value from left to right.

use super::{class, span, str};
use crate::error::{ValueError, ValueErrorKind};
use crate::limits::Limit;

/// Reads a value from left to right. Every offset it reports is from the value's first byte.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn new(whole: &'a [u8]) -> Self {
        Cursor { whole, rest: whole }
    }

    /// A cursor over a header's value, which must be UTF-8.
    pub(crate) fn of(value: &'a [u8]) -> Result<Self, ValueError> {
        Self::with_text(value).map(|(_, cursor)| cursor)
    }

    /// The same, and the value as text.
    pub(crate) fn with_text(value: &'a [u8]) -> Result<(&'a str, Self), ValueError> {
        match core::str::from_utf8(value) {
            Ok(text) => Ok((text, Cursor::new(value))),
            Err(error) => Err(ValueError::new(ValueErrorKind::Utf8, error.valid_up_to())),
        }
    }

    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    #[inline]
    pub(crate) fn seek(&mut self, at: usize) {
        self.rest = self.whole.get(at..).unwrap_or_default();
    }

    /// What is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes to what is left after reading on by hand: a later part of [`Cursor::rest`].
    #[inline]
    pub(crate) fn set_rest(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// What has been read since `rest` was left.
    #[inline]
    pub(crate) fn since(&self, rest: &'a [u8]) -> &'a [u8] {
        rest.get(..rest.len() - self.rest.len()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(crate) fn is_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or_default();
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Passes optional white space and line folds; says whether there was any.
    #[inline]
    pub(crate) fn lws(&mut self) -> bool {
        let before = self.rest.len();
        while let [b' ' | b'\t', rest @ ..] | [b'\r', b'\n', b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.len() < before
    }

    /// White space, `byte`, white space: SLASH, EQUAL, SEMI and the like of §25.1.
    #[inline]
    pub(crate) fn separator(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => self.rest = rest,
            [b' ' | b'\t' | b'\r', ..] => {
                let before = self.rest;
                self.lws();
                if !self.eat(byte) {
                    self.rest = before;
                    return false;
                }
            }
            _ => return false,
        }
        if let [b' ' | b'\t' | b'\r', ..] = self.rest {
            self.lws();
        }
        true
    }

    /// The longest run of characters of a class; may be empty.
    #[inline]
    pub(crate) fn run(&mut self, class: u16) -> &'a [u8] {
        match self.rest.split_at_checked(span(self.rest, class)) {
            Some((run, rest)) => {
                self.rest = rest;
                run
            }
            None => &[],
        }
    }

    #[inline]
    pub(crate) fn token(&mut self, what: &'static str) -> Result<&'a [u8], ValueError> {
        let token = self.run(class::TOKEN);
        if token.is_empty() {
            return Err(self.expected(what));
        }
        Ok(token)
    }

    /// A token as text.
    pub(crate) fn word(&mut self, what: &'static str) -> Result<&'a str, ValueError> {
        self.token(what).map(str)
    }

    /// A quoted string with its quotes, the cursor standing on the first.
    #[inline(always)]
    pub(crate) fn quoted(&mut self) -> Result<&'a [u8], ValueError> {
        let before = self.rest;
        if !self.eat(b'"') {
            return Err(self.expected("a quoted string"));
        }
        self.run(class::QUOTED);
        match self.rest {
            [b'"', rest @ ..] => self.rest = rest,
            _ => self.quoted_rest(before)?,
        }
        Ok(self.since(before))
    }

    /// Goes on with a quoted string that has more than plain ASCII.
    fn quoted_rest(&mut self, before: &'a [u8]) -> Result<(), ValueError> {
        let start = self.whole.len() - before.len();
        loop {
            self.run(class::QUOTED);
            let rest = self.rest;
            match rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    break;
                }
                [0x80..=0xff, rest @ ..] => self.rest = rest,
                // quoted-pair has neither CR, LF nor anything beyond ASCII
                [b'\\', byte, rest @ ..] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => {
                    self.rest = rest;
                }
                [b'\\', _, ..] => {
                    return Err(self.expected("an ASCII character after a backslash"));
                }
                [b'\r', ..] if self.lws() => {}
                [] | [b'\\'] => return Err(ValueError::new(ValueErrorKind::Quote, start)),
                _ => return Err(self.expected("no control character")),
            }
        }
        core::str::from_utf8(self.since(before))
            .map(|_| ())
            .map_err(|error| ValueError::new(ValueErrorKind::Utf8, start + error.valid_up_to()))
    }

    /// A run of digits as a number of at most `max`, itself below 10¹⁸.
    #[inline]
    pub(crate) fn number(&mut self, max: u64) -> Result<u64, ValueError> {
        let before = self.rest;
        let mut number = 0u64;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            // Once above, it stays there.
            number = number.min(max + 1) * 10 + u64::from(digit - b'0');
            self.rest = rest;
        }
        if self.rest.len() == before.len() {
            return Err(self.expected("a number"));
        }
        if number > max {
            self.rest = before;
            return Err(ValueError::new(ValueErrorKind::Range, self.at()));
        }
        Ok(number)
    }

    /// The end of the value, white space aside.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), ValueError> {
        self.lws();
        if self.is_end() {
            Ok(())
        } else {
            Err(ValueError::new(ValueErrorKind::Trailing, self.at()))
        }
    }

    #[cold]
    pub(crate) fn expected(&self, what: &'static str) -> ValueError {
        ValueError::expected(what, self.at())
    }
}

/// A part of a value: where it starts and ends. Values are no longer than these numbers reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part(u16, u16);

impl Part {
    /// Takes offsets within a text that [`Part::fits`] has passed.
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Part {
        Part(start as u16, end as u16)
    }

    /// Refuses a text that is too long for its parts to be told.
    #[inline]
    pub(crate) fn fits(text: &[u8]) -> Result<(), ValueError> {
        match u16::try_from(text.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(ValueError::new(ValueErrorKind::Limit(Limit::HeaderBytes), 0)),
        }
    }

    /// Whether it is empty.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == self.1
    }

    pub(crate) fn start(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn end(self) -> usize {
        usize::from(self.1)
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(usize::from(self.0)..usize::from(self.1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_wrap() {
        assert_eq!(Cursor::new(b"4294967295").number(u32::MAX.into()), Ok(4_294_967_295));
        assert!(Cursor::new(b"4294967296").number(u32::MAX.into()).is_err());
        assert!(Cursor::new(b"36893488147419103232").number(u32::MAX.into()).is_err());
        assert!(Cursor::new(b"-1").number(9).is_err());
    }
}
