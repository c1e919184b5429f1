//! Patterns for people: what they take, and why they do not match.

use core::fmt;

use super::element::{ByteSet, Element, Elements};
use super::matching::match_now;

/// Why a dialled string does not match a pattern. Printed as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A key differs.
    Differs {
        /// Which key dialled, from 1, decoration not counted.
        key: usize,
        /// What was dialled there.
        found: u8,
        /// What the pattern takes there.
        wanted: ByteSet,
    },
    /// The string ended early.
    TooShort {
        /// How many keys are missing at least.
        missing: usize,
    },
    /// The string goes on.
    TooLong {
        /// How many keys there are too many.
        extra: usize,
    },
    /// No string could match.
    Never,
}

/// What a pattern takes, in words.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(pub(super) &'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut elements = Elements::new(self.0).peekable();
        let mut is_first = true;
        let mut in_literal = false;
        while let Some(element) = elements.next() {
            let literal = match element {
                Element::One(set) if set.len() == 1 => set.first(),
                Element::EmptySet => continue,
                _ => None,
            };
            let goes_on = in_literal && literal.is_some();
            if !(is_first || goes_on) {
                f.write_str(", then ")?;
            }
            is_first = false;
            in_literal = literal.is_some();
            match element {
                Element::One(_) if let Some(byte) = literal => write!(f, "{}", Key(byte))?,
                Element::One(set) => {
                    let mut count = 1;
                    while elements.next_if_eq(&element).is_some() {
                        count += 1;
                    }
                    match count {
                        1 => write!(f, "{}", Wanted(set))?,
                        _ if set == ByteSet::range(b'0', b'9') => write!(f, "{count} digits")?,
                        _ => write!(f, "{count} times {}", Wanted(set))?,
                    }
                }
                Element::AtLeastOne => return f.write_str("anything"),
                Element::Anything => return f.write_str("anything or nothing"),
                Element::EmptySet => {}
            }
        }
        if is_first { f.write_str("nothing") } else { Ok(()) }
    }
}

/// The first reason why it does not match; `None` when it does.
pub(super) fn mismatch(pattern: &str, dialled: &str) -> Option<Mismatch> {
    if match_now(pattern, dialled.as_bytes()) {
        return None;
    }
    let mut keys = dialled.bytes().filter(|&byte| byte != b'-');
    let mut elements = Elements::new(pattern);
    let mut key = 0;
    let mut missing = 0;
    for element in elements.by_ref() {
        match element {
            Element::EmptySet | Element::Anything => {}
            Element::AtLeastOne => {
                missing += 1;
                break;
            }
            Element::One(wanted) => match keys.next() {
                None => missing += 1,
                Some(found) => {
                    key += 1;
                    if !wanted.contains(found) {
                        return Some(Mismatch::Differs { key, found, wanted });
                    }
                }
            },
        }
    }
    Some(match (missing, keys.count()) {
        (0, 0) => Mismatch::Never,
        (0, extra) => Mismatch::TooLong { extra },
        (missing, _) => Mismatch::TooShort { missing },
    })
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match *self {
            Mismatch::Differs { key, found, wanted } => {
                let suffix = match (key % 10, key % 100) {
                    (_, 11..=13) => "th",
                    (1, _) => "st",
                    (2, _) => "nd",
                    (3, _) => "rd",
                    _ => "th",
                };
                write!(
                    f,
                    "the {key}{suffix} key is {}, but it wants {}",
                    Key(found),
                    Wanted(wanted)
                )
            }
            Mismatch::TooShort { missing } => {
                write!(f, "it is {missing} key{} too short", plural(missing))
            }
            Mismatch::TooLong { extra } => write!(f, "it is {extra} key{} too long", plural(extra)),
            Mismatch::Never => f.write_str("nothing can ever fit it"),
        }
    }
}

struct Key(u8);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte @ b'!'..=b'~' => write!(f, "{}", char::from(byte)),
            byte => write!(f, "byte {byte}"),
        }
    }
}

/// The meaning of a set: `a digit`, `4`, `one of 1, 3 to 5`.
struct Wanted(ByteSet);

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.0;
        if set == ByteSet::range(b'0', b'9') {
            return f.write_str("a digit");
        }
        if let Some(first @ b'1'..=b'8') = set.first()
            && set == ByteSet::range(first, b'9')
            && first < b'8'
        {
            return write!(f, "a digit from {} to 9", Key(first));
        }
        if set.len() > 1 {
            f.write_str("one of ")?;
        }
        let mut byte = 0u16;
        let mut is_first = true;
        while byte < 256 {
            let first = byte as u8;
            byte += 1;
            if !set.contains(first) {
                continue;
            }
            let mut last = first;
            while last < 255 && set.contains(last + 1) {
                last += 1;
            }
            byte = u16::from(last) + 1;
            if !is_first {
                f.write_str(", ")?;
            }
            is_first = false;
            match last - first {
                0 => write!(f, "{}", Key(first))?,
                1 => write!(f, "{}, {}", Key(first), Key(last))?,
                _ => write!(f, "{} to {}", Key(first), Key(last))?,
            }
        }
        if is_first { f.write_str("anything at all") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use alloc::string::ToString;

    #[test]
    fn patterns_in_words() {
        for (pattern, words) in [
            ("100", "100"),
            ("_8495XXXXXXX", "8495, then 7 digits"),
            ("_NXX-X", "a digit from 2 to 9, then 3 digits"),
            ("_810.", "810, then anything"),
            ("_[13-5][13-5]0!", "2 times one of 1, 3 to 5, then 0, then anything or nothing"),
            ("_", "nothing"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().words().to_string(), words);
        }
    }

    #[test]
    fn mismatches_in_words() {
        for (pattern, dialled, words) in [
            ("_1XX", "84951", "the 1st key is 8, but it wants 1"),
            ("_8X", "8*", "the 2nd key is *, but it wants a digit"),
            ("_8NX", "815", "the 2nd key is 1, but it wants a digit from 2 to 9"),
            ("_[13-57]", "2", "the 1st key is 2, but it wants one of 1, 3 to 5, 7"),
            ("_8-XXX", "81", "it is 2 keys too short"),
            ("_9.", "9", "it is 1 key too short"),
            ("100", "1005", "it is 1 key too long"),
            ("_12345678901X", "12345678901a", "the 12th key is a, but it wants a digit"),
            ("_1[]", "1", "nothing can ever fit it"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            let why = pattern.mismatch(dialled).unwrap();
            assert_eq!(why.to_string(), words, "{pattern} {dialled}");
        }
        assert_eq!(Pattern::parse("_9.").unwrap().mismatch("91"), None);
    }
}
