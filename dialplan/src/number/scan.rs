//! Reading a number as people write it.

#[cfg(feature = "phonenumber")]
use alloc::string::String;

use super::digits::key;
use super::{Digits, MAX_LEN, NumberError};

/// What stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// A `+` came first.
    pub(super) is_international: bool,
    pub(super) digits: Digits,
    pub(super) extension: Option<Digits>,
}

/// Reads digits of any script, passing over separators; a `+` may come first, an extension last.
/// Letters stand for the keys they are printed on when `letters` is set.
#[inline]
pub(super) fn scan(text: &str, letters: bool) -> Result<Scanned, NumberError> {
    if text.len() > MAX_LEN {
        return Err(NumberError::TextTooLong { length: text.len() });
    }
    let mut scanned = Scanned { is_international: false, digits: Digits::EMPTY, extension: None };
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        match byte {
            b'0'..=b'9' => scanned.push(byte - b'0', at)?,
            b' ' | b'-' | b'(' | b')' | b'.' | b'~' | b'/' => {}
            b'+' if scanned.is_blank() => scanned.is_international = true,
            // Everything else is rare: begin there again with the careful reader.
            _ => return scan_rest(text, at, scanned, letters),
        }
    }
    scanned.checked()
}

impl Scanned {
    fn push(&mut self, key: u8, at: usize) -> Result<(), NumberError> {
        self.digits = self.digits.push(key).ok_or(NumberError::TooManyDigits { at })?;
        Ok(())
    }

    fn is_blank(&self) -> bool {
        self.digits.is_empty() && !self.is_international
    }

    fn checked(self) -> Result<Scanned, NumberError> {
        if self.digits.is_empty() { Err(NumberError::Empty) } else { Ok(self) }
    }
}

#[cold]
fn scan_rest(
    text: &str,
    start: usize,
    mut scanned: Scanned,
    letters: bool,
) -> Result<Scanned, NumberError> {
    let rest = text.get(start..).unwrap_or_default();
    for (offset, character) in rest.char_indices() {
        let at = start + offset;
        if let Some(digits) = extension_mark(rest.get(offset..).unwrap_or_default())
            && !scanned.digits.is_empty()
        {
            let extension = text.get(at + digits..).unwrap_or_default();
            scanned.extension = Some(read_extension(extension, at + digits)?);
            return scanned.checked();
        }
        match character {
            '+' | '＋' if scanned.is_blank() => scanned.is_international = true,
            '*' | '#' => scanned.push(key(character as u8).unwrap_or_default(), at)?,
            _ if is_separator(character) => {}
            _ => {
                let digit = digit(character).or_else(|| {
                    // A letter alone opens no number: `abc` is a name, `1-800-FLOWERS` a number.
                    keypad(character).filter(|_| letters && !scanned.digits.is_empty())
                });
                scanned.push(digit.ok_or(NumberError::Character { at })?, at)?;
            }
        }
    }
    scanned.checked()
}

/// The digits of a text with a `+` before them where it has one, however many, and the extension.
/// A `tel:` URI is taken apart.
#[cfg(feature = "phonenumber")]
pub(super) fn plain(text: &str) -> Result<(String, Option<Digits>), NumberError> {
    if text.len() > MAX_LEN {
        return Err(NumberError::TextTooLong { length: text.len() });
    }
    let is_uri = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    let start = if is_uri { 4 } else { 0 };
    let body = text.get(start..).unwrap_or_default();
    let number = if is_uri { body.split(';').next().unwrap_or_default() } else { body };
    let mut digits = String::new();
    let mut extension = None;
    for (offset, character) in number.char_indices() {
        let at = start + offset;
        if let Some(length) = extension_mark(number.get(offset..).unwrap_or_default())
            && !digits.is_empty()
        {
            let rest = number.get(offset + length..).unwrap_or_default();
            extension = Some(read_extension(rest, at + length)?);
            break;
        }
        match character {
            '+' | '＋' if digits.is_empty() => digits.push('+'),
            _ if is_separator(character) => {}
            _ => {
                let digit = digit(character)
                    .or_else(|| keypad(character).filter(|_| !digits.is_empty()))
                    .ok_or(NumberError::Character { at })?;
                digits.push(char::from(b'0' + digit));
            }
        }
    }
    for parameter in body.split(';').skip(1).filter(|_| is_uri) {
        match parameter.split_once('=') {
            Some(("ext", value)) => extension = Some(read_extension(value, start)?),
            Some(("phone-context", value))
                if value.starts_with('+') && !digits.starts_with('+') =>
            {
                let context = value.chars().filter(|c| c.is_ascii_digit() || *c == '+');
                digits = context.chain(digits.chars()).collect();
            }
            _ => {}
        }
    }
    if digits.trim_start_matches('+').is_empty() {
        Err(NumberError::Empty)
    } else {
        Ok((digits, extension))
    }
}

fn read_extension(text: &str, start: usize) -> Result<Digits, NumberError> {
    let mut extension = Digits::EMPTY;
    for (offset, character) in text.char_indices() {
        let at = start + offset;
        if is_separator(character) || character == ':' || character == '=' {
            continue;
        }
        let digit = digit(character).ok_or(NumberError::Extension { at })?;
        extension = extension.push(digit).ok_or(NumberError::Extension { at })?;
    }
    if extension.is_empty() { Err(NumberError::Extension { at: start }) } else { Ok(extension) }
}

/// The length of the mark that opens an extension, if the text begins with one.
fn extension_mark(text: &str) -> Option<usize> {
    const MARKS: [&str; 9] =
        ["extension", "ext.", "ext", "доб.", "доб", "Доб.", "Доб", ";ext=", "x"];
    MARKS.into_iter().find_map(|mark| {
        let head = text.get(..mark.len())?;
        let is_mark = head.eq_ignore_ascii_case(mark);
        // A lone `x` is one only when digits follow: `FAX` on a vanity number has it too.
        let follows =
            || text.get(mark.len()..).is_some_and(|rest| rest.trim_start().starts_with(is_digit));
        (is_mark && (mark.len() > 1 || follows())).then_some(mark.len())
    })
}

fn is_digit(character: char) -> bool {
    digit(character).is_some()
}

fn is_separator(character: char) -> bool {
    matches!(
        character,
        ' ' | '-'
            | '('
            | ')'
            | '.'
            | '~'
            | '/'
            | '\t'
            | '\u{A0}'
            | '\u{AD}'
            | '\u{200B}'
            | '\u{2060}'
            | '\u{3000}'
            | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{30FC}'
                | '\u{FF08}'
                | '\u{FF09}'
                | '\u{FF0D}'
                | '\u{FF0E}'
                | '\u{FF0F}'
                | '\u{2053}'
                | '\u{223C}'
                | '\u{FF5E}'
    )
}

/// The value of a digit in the scripts that telephones are written in.
fn digit(character: char) -> Option<u8> {
    let code = character as u32;
    // The zeros of ASCII, Arabic, Persian, Devanagari, Bengali, Thai, and full width.
    [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10]
        .into_iter()
        .find(|&zero| (zero..zero + 10).contains(&code))
        .map(|zero| (code - zero) as u8)
}

/// The key that a letter is printed on (ITU-T E.161).
fn keypad(letter: char) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        'A'..='C' => 2,
        'D'..='F' => 3,
        'G'..='I' => 4,
        'J'..='L' => 5,
        'M'..='O' => 6,
        'P'..='S' => 7,
        'T'..='V' => 8,
        'W'..='Z' => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_what_people_write() {
        for (text, digits, extension) in [
            ("8 (495) 123-45-67", "84951234567", None),
            ("8~10 44 20", "8104420", None),
            ("８４９５", "8495", None),
            ("٠١٢", "012", None),
            ("1-800-FLOWERS", "18003569377", None),
            ("123 доб. 101", "123", Some("101")),
            ("123 ext 7", "123", Some("7")),
            ("123x45", "123", Some("45")),
            ("800-FAX-LINE", "8003295463", None),
            ("*97#", "*97#", None),
        ] {
            let scanned = scan(text, true).unwrap();
            assert_eq!(scanned.digits.to_string(), digits, "{text}");
            let extension = extension.map(str::parse).transpose().unwrap();
            assert_eq!(scanned.extension, extension, "{text}");
        }
    }

    #[test]
    fn errors_carry_the_position() {
        assert_eq!(scan("", true), Err(NumberError::Empty));
        assert_eq!(scan("+", true), Err(NumberError::Empty));
        assert_eq!(scan("12?", true), Err(NumberError::Character { at: 2 }));
        assert_eq!(scan("12a", false), Err(NumberError::Character { at: 2 }));
        assert_eq!(scan("1+2", true), Err(NumberError::Character { at: 1 }));
        assert_eq!(scan("1234567890123456", true), Err(NumberError::TooManyDigits { at: 15 }));
        assert_eq!(scan("12 ext z", true), Err(NumberError::Extension { at: 7 }));
        let megabyte = "1".repeat(1 << 20);
        assert_eq!(scan(&megabyte, true), Err(NumberError::TextTooLong { length: 1 << 20 }));
    }
}
