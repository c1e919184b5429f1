//! Small pieces of the grammar that several lines share.

pub(in crate::sdp) use crate::text::write_number;
use bytes::Bytes;

use super::text::Text;

/// The value of `name=value` among parameters separated by semicolons.
pub(in crate::sdp) fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A payload type number, what follows it, and where that begins.
pub(in crate::sdp) fn payload_type_and_rest(value: &[u8]) -> Option<(u8, &[u8], usize)> {
    let trimmed = value.trim_ascii_start();
    let space = memchr::memchr2(b' ', b'\t', trimmed)?;
    let (number_text, rest) = trimmed.split_at_checked(space)?;
    let payload_type = number::<u8>(number_text).filter(|&pt| pt < 128)?;
    let rest = rest.trim_ascii_start();
    Some((payload_type, rest, value.len().saturating_sub(rest.len())))
}

/// A decimal number that fits, digits only.
pub(in crate::sdp) fn number<T: TryFrom<u64>>(text: &[u8]) -> Option<T> {
    let mut value = 0u64;
    for &b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen digits always fit.
        value = if text.len() < 20 {
            value * 10 + u64::from(digit)
        } else {
            value.checked_mul(10)?.checked_add(u64::from(digit))?
        };
    }
    if text.is_empty() { None } else { T::try_from(value).ok() }
}

/// RFC 8866 §9: token.
pub(in crate::sdp) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| is_token_char(b))
}

fn is_token_char(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e)
}

/// The words of a value with the offsets where they begin.
pub(in crate::sdp) fn words(value: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    value.split(|&b| matches!(b, b' ' | b'\t')).filter_map(move |word| {
        let start = at;
        at += word.len() + 1;
        (!word.is_empty()).then_some((start, word))
    })
}

/// A copy of a part of a line.
pub(in crate::sdp) fn own(part: &[u8]) -> Text {
    let mut part = part.to_vec();
    part.retain(|b| !matches!(b, b'\r' | b'\n' | 0));
    Text::trusted(Bytes::from(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_both_ways() {
        for value in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, value);
            assert_eq!(out, value.to_string().as_bytes());
            assert_eq!(number::<u64>(&out), Some(value));
        }
        assert_eq!(number::<u64>(b"18446744073709551616"), None);
        assert_eq!(number::<u8>(b"256"), None);
        assert_eq!(number::<u8>(b"0255"), Some(255));
        for text in ["", "+1", "-1", " 1", "1 ", "0x1"] {
            assert_eq!(number::<u64>(text.as_bytes()), None, "{text}");
        }
    }
}
