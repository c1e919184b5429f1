//! The parts of a pattern.

use core::cmp::Ordering;

/// A set of bytes, the meaning of one position.
///
/// Bit 63 − (b mod 64) of word b / 64 stands for byte b, so that comparing the words in turn is
/// comparing the lowest bytes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByteSet {
    words: [u64; 4],
}

impl ByteSet {
    /// The set of one byte.
    pub fn of(byte: u8) -> ByteSet {
        let mut set = ByteSet::default();
        set.insert(byte);
        set
    }

    /// All bytes from `first` to `last`, both included; empty when they are the wrong way round.
    pub fn range(first: u8, last: u8) -> ByteSet {
        let mut set = ByteSet::default();
        for byte in first..=last {
            set.insert(byte);
        }
        set
    }

    const DIGITS: ByteSet = ByteSet { words: [0x0000_0000_0000_FFC0, 0, 0, 0] };
    const ONE_TO_NINE: ByteSet = ByteSet { words: [0x0000_0000_0000_7FC0, 0, 0, 0] };
    const TWO_TO_NINE: ByteSet = ByteSet { words: [0x0000_0000_0000_3FC0, 0, 0, 0] };

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.words[usize::from(byte / 64)] |= 1 << (63 - byte % 64);
    }

    /// Takes a byte out.
    pub fn remove(&mut self, byte: u8) {
        self.words[usize::from(byte / 64)] &= !(1 << (63 - byte % 64));
    }

    /// Adds all bytes of another set.
    pub fn extend(&mut self, other: &ByteSet) {
        for (word, more) in self.words.iter_mut().zip(other.words) {
            *word |= more;
        }
    }

    /// Whether the byte is in the set.
    pub fn contains(&self, byte: u8) -> bool {
        self.words[usize::from(byte / 64)] >> (63 - byte % 64) & 1 == 1
    }

    /// How many bytes are in the set.
    pub fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether no byte is in the set.
    pub fn is_empty(&self) -> bool {
        self.words == [0; 4]
    }

    /// The lowest byte of the set.
    pub fn first(&self) -> Option<u8> {
        let (index, word) = (0u8..).zip(self.words).find(|(_, word)| *word != 0)?;
        Some(index * 64 + word.leading_zeros() as u8)
    }

    /// Sortable, and different for different sets.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.words) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// The set that holds the lower bytes first.
    pub(crate) fn compare(&self, other: &ByteSet) -> Ordering {
        other.words.cmp(&self.words)
    }
}

/// One part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// One character of this set. The set is empty for a range written the wrong way round.
    One(ByteSet),
    /// `[]`: takes no character, yet asks that one be there when it is reached. Left out by
    /// [`Elements`] except where it decides something: last, or before `!`.
    EmptySet,
    /// `.`: one or more of anything.
    AtLeastOne,
    /// `!`: zero or more of anything, decided at once.
    Anything,
}

/// The parts of a pattern, from left to right.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    is_pattern: bool,
}

impl<'a> Elements<'a> {
    /// `text` is taken to be well-formed; an unclosed set ends the walk.
    pub(crate) fn new(text: &'a str) -> Elements<'a> {
        let bytes = text.as_bytes();
        match bytes.strip_prefix(b"_") {
            Some(rest) => Elements { rest, is_pattern: true },
            None => Elements { rest: bytes, is_pattern: false },
        }
    }
}

impl Iterator for Elements<'_> {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            if byte == b'-' {
                continue;
            }
            if !self.is_pattern {
                return Some(Element::One(ByteSet::of(byte)));
            }
            return Some(match byte {
                b'X' | b'x' => Element::One(ByteSet::DIGITS),
                b'Z' | b'z' => Element::One(ByteSet::ONE_TO_NINE),
                b'N' | b'n' => Element::One(ByteSet::TWO_TO_NINE),
                b'.' => Element::AtLeastOne,
                b'!' => Element::Anything,
                b'[' => {
                    let Some(end) = rest.iter().position(|&b| b == b']') else {
                        self.rest = &[];
                        return None;
                    };
                    self.rest = rest.get(end + 1..).unwrap_or_default();
                    match rest.get(..end) {
                        Some([]) | None => Element::EmptySet,
                        Some(body) => Element::One(set(body)),
                    }
                }
                other => Element::One(ByteSet::of(other)),
            });
        }
    }
}

/// Reads what stands between the brackets.
fn set(mut body: &[u8]) -> ByteSet {
    let mut set = ByteSet::default();
    loop {
        match body {
            [] => return set,
            [first, b'-', last, rest @ ..] => {
                set.extend(&ByteSet::range(*first, *last));
                body = rest;
            }
            [byte, rest @ ..] => {
                set.insert(*byte);
                body = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letter_classes_are_ranges_of_digits() {
        assert_eq!(ByteSet::DIGITS, ByteSet::range(b'0', b'9'));
        assert_eq!(ByteSet::ONE_TO_NINE, ByteSet::range(b'1', b'9'));
        assert_eq!(ByteSet::TWO_TO_NINE, ByteSet::range(b'2', b'9'));
    }

    #[test]
    fn the_first_byte_is_the_lowest() {
        for byte in 0..=255 {
            assert_eq!(ByteSet::of(byte).first(), Some(byte));
        }
        assert_eq!(ByteSet::range(b'*', b'9').first(), Some(b'*'));
        assert_eq!(ByteSet::default().first(), None);
    }
}
