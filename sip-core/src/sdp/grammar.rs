//! Small pieces of the grammar that several lines share.

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
pub(in crate::sdp) fn number<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
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
