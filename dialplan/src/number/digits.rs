//! Up to fifteen keys of a telephone in one word.

use core::fmt;
use core::str::FromStr;

use super::NumberError;

/// Up to fifteen of `0`–`9`, `*` and `#`: four bits each, the first highest, and the count lowest.
///
/// So numbers compare as strings do, and no allocation is needed.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(u64);

const STAR: u8 = 10;
const HASH: u8 = 11;

impl Digits {
    /// The most digits that fit: those of E.164.
    pub const MAX: u32 = 15;

    /// No digits.
    pub const EMPTY: Digits = Digits(0);

    /// How many there are.
    pub const fn len(self) -> u32 {
        (self.0 & 15) as u32
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One of them, 0 to 9, 10 for `*`, 11 for `#`.
    pub const fn at(self, index: u32) -> Option<u8> {
        if index >= self.len() { None } else { Some((self.0 << (4 * index) >> 60) as u8) }
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..self.len()).filter_map(move |index| self.at(index))
    }

    /// Whether these begin with `prefix`.
    pub const fn starts_with(self, prefix: Digits) -> bool {
        let length = prefix.len();
        length <= self.len() && (length == 0 || (self.0 ^ prefix.0) >> (64 - 4 * length) == 0)
    }

    /// These without their first `count`.
    pub const fn skip(self, count: u32) -> Digits {
        if count >= self.len() {
            return Digits::EMPTY;
        }
        Digits((self.0 & !15) << (4 * count) | (self.len() - count) as u64)
    }

    /// The first `count` of these.
    pub const fn take(self, count: u32) -> Digits {
        if count >= self.len() {
            return self;
        }
        if count == 0 {
            return Digits::EMPTY;
        }
        Digits(self.0 >> (64 - 4 * count) << (64 - 4 * count) | count as u64)
    }

    /// These and then others; `None` when they are more than fifteen.
    pub const fn join(self, rest: Digits) -> Option<Digits> {
        let length = self.len() + rest.len();
        if length > Digits::MAX {
            return None;
        }
        Some(Digits((self.0 & !15) | (rest.0 & !15) >> (4 * self.len()) | length as u64))
    }

    /// One more at the end; `None` when there are fifteen already.
    pub(crate) const fn push(self, key: u8) -> Option<Digits> {
        let length = self.len();
        if length == Digits::MAX {
            return None;
        }
        Some(Digits(self.0 | (key as u64) << (60 - 4 * length)).grown())
    }

    const fn grown(self) -> Digits {
        Digits(self.0 + 1)
    }

    /// Whether `*` and `#` are missing.
    pub fn is_numeric(self) -> bool {
        self.numeric_len() == self.len()
    }

    /// The word itself.
    pub(crate) const fn raw(self) -> u64 {
        self.0
    }

    /// How many digits come before the first `*` or `#`.
    #[inline]
    pub(crate) const fn numeric_len(self) -> u32 {
        let others = self.0 & 0x8888_8888_8888_8880 & (self.0 << 1 | self.0 << 2);
        if others == 0 { self.len() } else { others.leading_zeros() / 4 }
    }

    /// Writes the keys into a buffer.
    pub fn write(self, buffer: &mut [u8; 15]) -> &str {
        for (to, key) in buffer.iter_mut().zip(self.iter()) {
            *to = byte(key);
        }
        let length = self.len() as usize;
        buffer.get(..length).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

fn byte(key: u8) -> u8 {
    match key {
        STAR => b'*',
        HASH => b'#',
        digit => b'0' + digit,
    }
}

/// The key for a character.
pub(crate) const fn key(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'*' => Some(STAR),
        b'#' => Some(HASH),
        _ => None,
    }
}

impl FromStr for Digits {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Digits, NumberError> {
        let mut digits = Digits::EMPTY;
        for (at, byte) in text.bytes().enumerate() {
            let key = key(byte).ok_or(NumberError::Character { at })?;
            digits = digits.push(key).ok_or(NumberError::TooManyDigits { at })?;
        }
        Ok(digits)
    }
}

/// Leaves out the middle of what may be a subscriber's number, so that logs do not tell it.
impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            ..=6 => write!(f, "{self}"),
            length => write!(f, "{}…{}", self.take(4), self.skip(length - 2)),
        }
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.write(&mut [0; 15]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn digits(text: &str) -> Digits {
        text.parse().unwrap()
    }

    #[test]
    fn cut_and_join() {
        let number = digits("74951234567");
        assert_eq!(number.len(), 11);
        assert!(number.starts_with(digits("7495")) && number.starts_with(Digits::EMPTY));
        assert!(!number.starts_with(digits("7496")) && !digits("74").starts_with(number));
        assert_eq!(number.skip(1), digits("4951234567"));
        assert_eq!(number.take(4), digits("7495"));
        assert_eq!(number.skip(11), Digits::EMPTY);
        assert_eq!(number.take(0), Digits::EMPTY);
        assert_eq!(digits("7").join(digits("495")), Some(digits("7495")));
        assert_eq!(number.join(digits("12345")), None);
        assert_eq!(digits("123456789012345").to_string(), "123456789012345");
        assert_eq!(digits("*97#").to_string(), "*97#");
    }

    #[test]
    fn logs_do_not_tell_numbers() {
        assert_eq!(alloc::format!("{:?}", digits("74951234567")), "7495…67");
        assert_eq!(alloc::format!("{:?}", digits("112")), "112");
    }

    #[test]
    fn order_is_that_of_strings() {
        for (less, more) in [("1", "10"), ("10", "2"), ("99", "990"), ("", "0"), ("0", "00")] {
            assert!(digits(less) < digits(more), "{less} {more}");
        }
    }
}
