//! Comma lists, and white space around values.

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
}
