//! `%` escapes of URIs (RFC 3261 §19.1.2).

use std::borrow::Cow;

use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, class, is};

/// Undoes `%HH` escapes, once: `%2541` becomes `%41` and no further. Bytes that are no escape
/// are kept, a `%00` becomes a NUL byte.
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let Some(byte) = pair(*high, *low) => {
                plain.push(byte);
                rest = after;
            }
            _ => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(plain)
}

/// Escapes what may not stand in the user part of a SIP URI as it is.
pub fn escape_user(text: &str) -> Cow<'_, str> {
    escape(text.as_bytes(), text, class::USER)
}

/// Escapes what a tel URI may hold and a user part may not; its own escapes stay.
pub(super) fn escape_tel(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for part in text.split_inclusive('%') {
        let (plain, percent) = match part.strip_suffix('%') {
            Some(plain) => (plain, "%"),
            None => (part, ""),
        };
        push_escaped(plain.as_bytes(), class::USER, &mut escaped);
        escaped.push_str(percent);
    }
    escaped
}

pub(super) fn escape_password(text: &str) -> Cow<'_, str> {
    escape(text.as_bytes(), text, class::PASSWORD)
}

pub(super) fn escape_param(text: &str) -> Cow<'_, str> {
    escape(text.as_bytes(), text, class::PARAM)
}

pub(super) fn escape_header(text: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    push_escaped(text, class::HEADER, &mut escaped);
    escaped
}

fn escape<'a>(bytes: &[u8], text: &'a str, class: u16) -> Cow<'a, str> {
    if crate::text::all(bytes, class) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    push_escaped(bytes, class, &mut escaped);
    Cow::Owned(escaped)
}

fn push_escaped(bytes: &[u8], class: u16, out: &mut String) {
    for &byte in bytes {
        if is(byte, class) {
            out.push(char::from(byte));
        } else {
            const HEX: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// Passes one escape, the cursor standing on its `%`.
pub(super) fn check(cursor: &mut Cursor<'_>) -> Result<(), ValueError> {
    match cursor.rest() {
        [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            cursor.advance(3);
            Ok(())
        }
        _ => Err(ValueError::new(ValueErrorKind::Escape, cursor.at())),
    }
}

/// Passes a run of characters of a class and of escapes; may be empty.
#[inline]
pub(super) fn run<'a>(cursor: &mut Cursor<'a>, class: u16) -> Result<&'a [u8], ValueError> {
    let before = cursor.rest();
    loop {
        cursor.run(class);
        if cursor.peek() != Some(b'%') {
            return Ok(cursor.since(before));
        }
        check(cursor)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(&*unescape("sips%3Auser%40example.com"), b"sips:user@example.com");
        assert_eq!(&*unescape("v%61lue%25%34%31"), b"value%41");
        assert_eq!(&*unescape("null-%00-null"), b"null-\0-null");
        assert_eq!(&*unescape("%Z%45%4"), b"%ZE%4");
    }

    #[test]
    fn what_is_escaped_comes_back() {
        assert_eq!(escape_user("a b@c%"), "a%20b%40c%25");
        assert_eq!(escape_user("1;x=?/"), "1;x=?/");
        assert_eq!(&*unescape(&escape_user("Женя\0")), "Женя\0".as_bytes());
        assert_eq!(escape_param("a=b;c"), "a%3Db%3Bc");
        assert_eq!(escape_header(b"<sip:a;lr>"), "%3Csip:a%3Blr%3E");
    }
}
