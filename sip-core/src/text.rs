//! Characters, tokens and quoted strings of RFC 3261 §25.1.

use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;

use crate::error::{ValueError, ValueErrorKind};
use crate::limits::Limit;

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

/// Character classes, one bit each, so that one table serves every scan.
pub(crate) mod class {
    /// `token`
    pub(crate) const TOKEN: u16 = 1 << 12;
    /// `user` of a SIP URI, without `%`
    pub(crate) const USER: u16 = 1 << 1;
    /// `password` of a SIP URI, without `%`
    pub(crate) const PASSWORD: u16 = 1 << 2;
    /// `paramchar` of a SIP URI, without `%`
    pub(crate) const PARAM: u16 = 1 << 3;
    /// `hnv-unreserved / unreserved` of a SIP URI's headers, without `%`
    pub(crate) const HEADER: u16 = 1 << 4;
    /// host names and IPv4 addresses
    pub(crate) const HOST: u16 = 1 << 5;
    /// `word`, as in Call-ID
    pub(crate) const WORD: u16 = 1 << 6;
    /// what stands between the brackets of an IPv6 reference
    pub(crate) const IPV6: u16 = 1 << 7;
    /// unquoted value of a header's parameter: token or host, with or without brackets
    pub(crate) const VALUE: u16 = 1 << 8;
    /// `reserved / unreserved` of an absolute URI, without `%`
    pub(crate) const URIC: u16 = 1 << 9;
    pub(crate) const DIGIT: u16 = 1 << 10;
    /// plain inside of a quoted string within ASCII: anything but `"`, `\` and controls
    pub(crate) const QUOTED: u16 = 1 << 11;
}

pub(crate) static CLASS: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    use class::*;
    let mut table = [0u16; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let c = byte as u8;
        let mut bits = 0;
        if c.is_ascii_alphanumeric() {
            bits |= USER | PASSWORD | PARAM | HEADER | HOST | URIC;
        }
        if c.is_ascii_hexdigit() || matches!(c, b':' | b'.') {
            bits |= IPV6;
        }
        if c.is_ascii_digit() {
            bits |= DIGIT;
        }
        if is_token_byte(c) {
            bits |= TOKEN | WORD | VALUE;
        }
        // mark
        if matches!(c, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')') {
            bits |= USER | PASSWORD | PARAM | HEADER | URIC;
        }
        if matches!(c, b'&' | b'=' | b'+' | b'$' | b',') {
            bits |= USER | PASSWORD;
        }
        if matches!(c, b';' | b'?' | b'/') {
            bits |= USER;
        }
        if matches!(c, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$') {
            bits |= PARAM;
        }
        if matches!(c, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$') {
            bits |= HEADER;
        }
        // The underscore is no host name, but container names have it and resolvers take it.
        if matches!(c, b'-' | b'.' | b'_') {
            bits |= HOST;
        }
        if matches!(
            c,
            b'(' | b')'
                | b'<'
                | b'>'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'{'
                | b'}'
        ) {
            bits |= WORD;
        }
        if matches!(c, b'[' | b']' | b':') {
            bits |= VALUE;
        }
        if matches!(c, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',') {
            bits |= URIC;
        }
        if c >= 0x20 && c < 0x7f && !matches!(c, b'"' | b'\\') || c == b'\t' {
            bits |= QUOTED;
        }
        table[byte] = bits;
        byte += 1;
    }
    table
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

#[inline]
pub(crate) fn is(byte: u8, class: u16) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

/// Whether `bytes` is a token: not empty, and nothing but token characters.
pub(crate) const fn is_token(bytes: &[u8]) -> bool {
    let mut index = 0;
    while index < bytes.len() {
        if !is_token_byte(bytes[index]) {
            return false;
        }
        index += 1;
    }
    index > 0
}

pub(crate) fn all(bytes: &[u8], class: u16) -> bool {
    bytes.iter().all(|&byte| CLASS[usize::from(byte)] & class != 0)
}

/// The text from its first byte below `LIMIT` on; empty when there is none.
///
/// Lines of SIP are so short that calling memchr for each takes longer than this loop.
#[inline(always)]
pub(crate) fn from_below<const LIMIT: u8>(text: &[u8]) -> &[u8] {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let limit = u64::from_le_bytes([LIMIT; 8]);
    let mut text = text;
    while let Some((block, rest)) = text.split_first_chunk::<16>() {
        let both = u128::from_le_bytes(*block);
        // The halves are what is wanted.
        let (low, high) = (both as u64, (both >> 64) as u64);
        // A byte below the limit borrows and sets its highest bit. So may one beyond ASCII, which
        // the second look tells apart; what is above the first mark may be wrong.
        let (below_low, below_high) = (low.wrapping_sub(limit), high.wrapping_sub(limit));
        if (below_low | below_high) & HIGH != 0 {
            let marks = below_low & !low & HIGH;
            if marks != 0 {
                return text.get((marks.trailing_zeros() / 8) as usize..).unwrap_or_default();
            }
            let marks = below_high & !high & HIGH;
            if marks != 0 {
                return text.get(8 + (marks.trailing_zeros() / 8) as usize..).unwrap_or_default();
            }
        }
        text = rest;
    }
    let length = text.iter().position(|byte| *byte < LIMIT).unwrap_or(text.len());
    text.get(length..).unwrap_or_default()
}

/// The length of the longest run of characters of a class at the start.
#[inline(always)]
pub(crate) fn span(bytes: &[u8], class: u16) -> usize {
    let mut rest = bytes;
    // Four at a time take a third of the instructions.
    while let [a, b, c, d, more @ ..] = rest {
        let of = |byte: &u8| CLASS[usize::from(*byte)];
        if of(a) & of(b) & of(c) & of(d) & class == 0 {
            break;
        }
        rest = more;
    }
    while let [byte, more @ ..] = rest
        && is(*byte, class)
    {
        rest = more;
    }
    bytes.len() - rest.len()
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

    pub(crate) fn end(self) -> usize {
        usize::from(self.1)
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(usize::from(self.0)..usize::from(self.1)).unwrap_or_default()
    }
}

/// Text that has been checked to be UTF-8, which all the classes but `QUOTED` make sure of.
pub(crate) fn str(checked: &[u8]) -> &str {
    core::str::from_utf8(checked).unwrap_or_default()
}

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
        match core::str::from_utf8(value) {
            Ok(_) => Ok(Cursor::new(value)),
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

/// The first element of a comma list and its offset.
#[inline]
pub(crate) fn first_element(value: &[u8]) -> (usize, &[u8]) {
    match find_comma(value) {
        None => (0, value),
        Some(_) => Elements::new(value).next().unwrap_or_default(),
    }
}

/// Splits a comma list, minding quoted strings and angle brackets. Yields each element with its
/// offset, white space around it removed.
#[derive(Clone)]
pub(crate) struct Elements<'a> {
    value: &'a [u8],
    at: usize,
    whole: bool,
    done: bool,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Elements { value, at: 0, whole: false, done: false }
    }

    /// The value as the only element.
    pub(crate) fn whole(value: &'a [u8]) -> Self {
        Elements { value, at: 0, whole: true, done: false }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let start = self.at;
        let rest = self.value.get(start..)?;
        let length = match find_comma(rest) {
            None => rest.len(),
            Some(_) if self.whole => rest.len(),
            // The comma is real unless a quote or bracket opened before it.
            Some(comma) if memchr::memchr2(b'"', b'<', &rest[..comma]).is_none() => comma,
            Some(_) => element_length(rest),
        };
        self.at = start + length + 1;
        self.done = length == rest.len();
        let element = rest.get(..length).unwrap_or_default();
        let trimmed = trim(element);
        let leading = element.len() - trim_start(element).len();
        Some((start + leading, trimmed))
    }
}

/// The offset of the first comma.
#[inline]
fn find_comma(text: &[u8]) -> Option<usize> {
    // Most values are short and have none, which this finds out before memchr is called.
    let mut rest = text;
    while let Some((block, after)) = rest.split_first_chunk::<16>() {
        if block.iter().fold(false, |found, byte| found | (*byte == b',')) {
            return memchr::memchr(b',', text);
        }
        rest = after;
    }
    match text.last_chunk::<16>() {
        Some(block) if !block.iter().fold(false, |found, byte| found | (*byte == b',')) => None,
        _ => memchr::memchr(b',', text),
    }
}

/// The length of the first element of a comma list.
fn element_length(text: &[u8]) -> usize {
    let mut quoted = false;
    let mut bracketed = false;
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return index,
            _ => {}
        }
    }
    text.len()
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) const fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_space(*first) {
            break;
        }
        text = rest;
    }
    text
}

#[inline]
pub(crate) const fn trim(text: &[u8]) -> &[u8] {
    // Nearly every value has one space before and none behind.
    if let [b' ', value @ ..] = text
        && let [0x21..=0xff, .., 0x21..=0xff] = value
    {
        return value;
    }
    trim_any(text)
}

const fn trim_any(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., last] = text {
        if !is_space(*last) {
            break;
        }
        text = rest;
    }
    text
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

    #[test]
    fn lists_split_at_real_commas_only() {
        let list = b"\"a,\\\",b\" <sip:x,y@h>;p=\",\" ,  c,,d ";
        let elements: Vec<_> = Elements::new(list).map(|(at, text)| (at, text.to_vec())).collect();
        assert_eq!(
            elements,
            [
                (0, b"\"a,\\\",b\" <sip:x,y@h>;p=\",\"".to_vec()),
                (30, b"c".to_vec()),
                (32, Vec::new()),
                (33, b"d".to_vec()),
            ]
        );
        assert_eq!(Elements::new(b"").count(), 1);
    }

    #[test]
    fn low_bytes_are_found_wherever_they_are() {
        for length in 0..70 {
            for control in [0, b'\t', b'\n', b'\r', 0x1f] {
                for at in 0..length {
                    let mut bytes = vec![b' '; length];
                    bytes[length / 2] = 0xff;
                    bytes[length / 3] = 0x7f;
                    bytes[at] = control;
                    bytes[length - 1] = control;
                    assert_eq!(from_below::<0x20>(&bytes).len(), length - at);
                    let rest = &bytes[at + 1..];
                    assert_eq!(from_below::<0x20>(rest).len(), rest.len().min(1));
                }
            }
            assert_eq!(from_below::<0x20>(&vec![0x80; length]), b"");
        }
    }

    #[test]
    fn runs_end_where_their_class_does() {
        for length in 0..20 {
            let mut text = vec![b'a'; length];
            assert_eq!(span(&text, class::TOKEN), length);
            for at in 0..length {
                text[at] = b'@';
                assert_eq!(span(&text, class::TOKEN), at);
                text[at] = b'a';
            }
        }
    }

    #[test]
    fn numbers_never_wrap() {
        assert_eq!(Cursor::new(b"4294967295").number(u32::MAX.into()), Ok(4_294_967_295));
        assert!(Cursor::new(b"4294967296").number(u32::MAX.into()).is_err());
        assert!(Cursor::new(b"36893488147419103232").number(u32::MAX.into()).is_err());
        assert!(Cursor::new(b"-1").number(9).is_err());
    }
}
