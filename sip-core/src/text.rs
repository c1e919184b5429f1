//! Characters, tokens and quoted strings of RFC 3261 §25.1.

pub(crate) mod class;
mod cursor;
mod elements;
mod run;

use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;

pub(crate) use class::{all, is, is_token};
pub(crate) use cursor::{Cursor, Part};
pub(crate) use elements::{Elements, first_element, trim, trim_start};
pub(crate) use run::{from_below, span, str};

/// A non-empty string of token characters (RFC 3261 §25.1): letters, digits and
/// ``-.!%*_+`'~``. Compared byte by byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(Bytes);

impl Token {
    /// `None` unless `text` is a token.
    pub fn new(text: impl Into<Bytes>) -> Option<Token> {
        let bytes = text.into();
        is_token(&bytes).then_some(Token(bytes))
    }

    /// A token known when the program is written.
    ///
    /// # Panics
    ///
    /// When `text` is not a token; in a constant this is a compile error.
    pub const fn from_static(text: &'static str) -> Token {
        assert!(is_token(text.as_bytes()), "not a token");
        Token(Bytes::from_static(text.as_bytes()))
    }

    /// Takes what the caller has checked.
    pub(crate) fn checked(bytes: Bytes) -> Token {
        Token(bytes)
    }

    /// Copies what the caller has checked.
    pub(crate) fn copy(checked: &[u8]) -> Token {
        Token(Bytes::copy_from_slice(checked))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Reads what a quoted string means: the text between the quotes with its escapes undone and
/// its line folds as one space. A text without quotes is given back as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.bytes().any(|byte| matches!(byte, b'\\' | b'\r')) {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut rest = inner.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => plain.extend(rest.next()),
            '\r' => {
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                plain.push(' ');
            }
            _ => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

/// Bytes that text is appended to. What writes itself into these and into a formatter alike does
/// without the formatter's machinery where it is not needed.
pub(crate) struct Out<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Out<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    #[inline]
    fn write_char(&mut self, character: char) -> fmt::Result {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.0.push(byte),
            _ => self.0.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        Ok(())
    }
}

/// Appends a decimal number.
pub(crate) fn write_number(out: &mut Vec<u8>, value: u64) {
    let (digits, start) = digits(value);
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// The same to anything that takes text.
pub(crate) fn put_number(out: &mut impl fmt::Write, value: u64) -> fmt::Result {
    let (digits, start) = digits(value);
    digits.iter().skip(start).try_for_each(|digit| out.write_char(char::from(*digit)))
}

/// The decimal digits of a number, and where the first of them stands.
#[inline]
fn digits(mut value: u64) -> ([u8; 20], usize) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    (digits, start)
}

/// Writes `text` as a quoted string. CR and LF, which no quoted string can hold, become spaces.
pub fn write_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' | 0x00..=0x08 | 0x0b..=0x0c | 0x0e..=0x1f | 0x7f => {
                out.extend([b'\\', byte]);
            }
            b'\r' | b'\n' => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_round_trip() {
        for text in ["", "a", "\"", "\\", "J Rosenberg \\\"", "NUL:\0 DEL:\u{7f}", "Женя\t"] {
            let mut out = Vec::new();
            write_quoted(text, &mut out);
            let quoted = String::from_utf8(out).unwrap();
            let mut cursor = Cursor::new(quoted.as_bytes());
            assert_eq!(cursor.quoted(), Ok(quoted.as_bytes()), "{quoted:?}");
            assert_eq!(unquote(&quoted), text);
        }
        let mut out = Vec::new();
        write_quoted("a\r\nb", &mut out);
        assert_eq!(out, b"\"a  b\"");
    }

    #[test]
    fn quoted_strings_that_are_none() {
        for text in ["\"", "\"a", "\"a\\\"", "\"\u{1}\"", "\"a\rb\"", "\"\\я\""] {
            assert!(Cursor::new(text.as_bytes()).quoted().is_err(), "{text:?}");
        }
    }
}
