//! Sixteen symbols, so that a dialled string packs into one word.

use alloc::boxed::Box;

use crate::pattern::ByteSet;

const OTHER: u8 = 13;
const LETTER: u8 = 14;
/// The end of the string.
pub(super) const END: u8 = 15;
/// Decoration, which takes no place.
const DASH: u8 = 0xFF;

/// Which symbol a byte is.
#[derive(Clone, Debug)]
pub(super) struct Alphabet {
    symbols: Box<[u8; 256]>,
    letters: ByteSet,
}

/// A dialled string of at most 15 symbols, the first in the lowest four bits, the end after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) symbols: u64,
    /// It has characters that are not on a telephone's keys.
    pub(super) is_named: bool,
}

impl Alphabet {
    /// The alphabet for patterns made of these sets; `None` when they tell too many characters apart.
    pub(super) fn new<'s>(sets: impl Iterator<Item = &'s ByteSet>) -> Option<Alphabet> {
        let mut letters = ByteSet::default();
        for set in sets {
            let named = beyond_dialling(set);
            if named.is_empty() || named == letters {
                continue;
            }
            if !letters.is_empty() {
                return None;
            }
            letters = named;
        }
        let mut symbols = Box::new([OTHER; 256]);
        for (byte, symbol) in (0..=255).zip(symbols.iter_mut()) {
            *symbol = match byte {
                b'0'..=b'9' => byte - b'0',
                b'*' => 10,
                b'#' => 11,
                b'+' => 12,
                b'-' => DASH,
                _ if letters.contains(byte) => LETTER,
                _ => OTHER,
            };
        }
        Some(Alphabet { symbols, letters })
    }

    /// The symbols that a set stands for, by bit.
    pub(super) fn mask(&self, set: &ByteSet) -> u16 {
        let mut mask = 0;
        for (byte, symbol) in DIALLED {
            if set.contains(byte) {
                mask |= 1 << symbol;
            }
        }
        if !self.letters.is_empty() && beyond_dialling(set) == self.letters {
            mask |= 1 << LETTER;
        }
        mask
    }

    /// Packs one to fifteen digits, as nearly all that is dialled is: two overlapping loads, no loop.
    #[inline]
    pub(super) fn pack_number(dialled: &[u8]) -> Option<u64> {
        let length = dialled.len();
        let (digits, are_digits) = match (dialled.first_chunk::<8>(), dialled.last_chunk::<8>()) {
            (Some(first), Some(last)) if length <= 15 => {
                let first = u64::from_le_bytes(*first) ^ ZEROS;
                let last = u64::from_le_bytes(*last) ^ ZEROS;
                let digits = pack_digits(first) | pack_digits(last) << (4 * (length - 8));
                (digits, (above_nine(first) | above_nine(last)) & HIGH_BITS == 0)
            }
            _ => match (dialled.first_chunk::<4>(), dialled.last_chunk::<4>()) {
                (Some(first), Some(last)) if length <= 7 => {
                    let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                    let word = u64::from(first) | u64::from(last) << (8 * (length - 4));
                    let digits = word ^ ZEROS >> (64 - 8 * length);
                    (pack_digits(digits), above_nine(digits) & HIGH_BITS == 0)
                }
                _ => match (dialled.first(), dialled.get(length / 2), dialled.last()) {
                    (Some(&first), Some(&middle), Some(&last)) if length <= 3 => {
                        let word = u64::from(first)
                            | u64::from(middle) << (8 * (length / 2))
                            | u64::from(last) << (8 * (length - 1));
                        let digits = word ^ ZEROS >> (64 - 8 * length);
                        (pack_digits(digits), above_nine(digits) & HIGH_BITS == 0)
                    }
                    _ => return None,
                },
            },
        };
        are_digits.then_some(digits | u64::from(END) << (4 * length))
    }

    /// Packs a string of any characters, or gives up on a long one.
    pub(super) fn pack(&self, dialled: &[u8]) -> Option<Packed> {
        let mut packed = Packed { symbols: 0, is_named: false };
        let mut length = 0;
        for &byte in dialled {
            let symbol = self.symbols[usize::from(byte)];
            if symbol == DASH {
                continue;
            }
            if length == 15 {
                return None;
            }
            packed.is_named |= symbol == OTHER || symbol == LETTER;
            packed.symbols |= u64::from(symbol) << (4 * length);
            length += 1;
        }
        packed.symbols |= u64::from(END) << (4 * length);
        Some(packed)
    }

    /// The symbols one by one.
    pub(super) fn symbols(&self, dialled: &[u8]) -> impl Iterator<Item = u8> {
        dialled.iter().map(|&byte| self.symbols[usize::from(byte)]).filter(|&symbol| symbol != DASH)
    }

    pub(super) fn memory(&self) -> usize {
        256
    }
}

const DIALLED: [(u8, u8); 13] = [
    (b'0', 0),
    (b'1', 1),
    (b'2', 2),
    (b'3', 3),
    (b'4', 4),
    (b'5', 5),
    (b'6', 6),
    (b'7', 7),
    (b'8', 8),
    (b'9', 9),
    (b'*', 10),
    (b'#', 11),
    (b'+', 12),
];

/// What a set holds besides the keys of a telephone. A dash can never be compared.
fn beyond_dialling(set: &ByteSet) -> ByteSet {
    let mut rest = *set;
    for (byte, _) in DIALLED {
        rest.remove(byte);
    }
    rest.remove(b'-');
    rest
}

/// Eight times `'0'`.
const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Sets the high bit of the bytes that are above nine. A carry into the next byte comes only from
/// one that is found out itself.
#[inline]
fn above_nine(word: u64) -> u64 {
    word | word.wrapping_add(0x7676_7676_7676_7676)
}

/// Eight bytes from zero to nine in eight nibbles, the first lowest.
#[inline]
fn pack_digits(digits: u64) -> u64 {
    let pairs = (digits | digits >> 4) & 0x00FF_00FF_00FF_00FF;
    let quads = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    (quads | quads >> 16) & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_the_first_symbol_lowest() {
        let alphabet = Alphabet::new([].into_iter()).unwrap();
        let packed = |text: &str| alphabet.pack(text.as_bytes()).unwrap();
        let plain = |symbols| Packed { symbols, is_named: false };
        assert_eq!(packed("84951234567"), plain(0xF765_4321_5948));
        assert_eq!(packed("8-495-123-45-67"), packed("84951234567"));
        assert_eq!(packed("*97"), plain(0xF79A));
        assert_eq!(packed("+1234567"), plain(0xF_7654_321C));
        assert_eq!(packed(""), plain(0xF));
        assert!(packed("12a").is_named);
        assert_eq!(packed("123456789012345").symbols, 0xF543_2109_8765_4321);
        assert_eq!(alphabet.pack(b"1234567890123456"), None);
        for length in 1..=15 {
            let text = "918273645091827".get(..length).unwrap();
            let number = Alphabet::pack_number(text.as_bytes());
            assert_eq!(number, Some(packed(text).symbols), "{text}");
        }
        for text in ["", "12a", "+7495", "1234567a", "12345678*", "1234567890123456"] {
            assert_eq!(Alphabet::pack_number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_digits_take_the_short_way() {
        for byte in 0..=255u8 {
            for length in 1..=15 {
                for at in 0..length {
                    let mut text = *b"918273645091827";
                    text[at] = byte;
                    let number = Alphabet::pack_number(&text[..length]);
                    assert_eq!(
                        number.is_some(),
                        byte.is_ascii_digit(),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_class_of_letters_is_the_limit() {
        let (a, b) = (ByteSet::of(b'a'), ByteSet::of(b'b'));
        assert!(Alphabet::new([&a, &a].into_iter()).is_some());
        assert!(Alphabet::new([&a, &b].into_iter()).is_none());
    }
}
