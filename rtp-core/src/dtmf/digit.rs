//! The sixteen keys and their tones (ITU-T Q.23).

use core::fmt;

use crate::telephone_event::EventCode;

/// A key: `0` to `9`, `*`, `#`, `A` to `D`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

/// The keys in the order of [`EventCode`], each with its row and column on the pad.
const KEYS: [(char, u8, u8); 16] = [
    ('0', 3, 1),
    ('1', 0, 0),
    ('2', 0, 1),
    ('3', 0, 2),
    ('4', 1, 0),
    ('5', 1, 1),
    ('6', 1, 2),
    ('7', 2, 0),
    ('8', 2, 1),
    ('9', 2, 2),
    ('*', 3, 0),
    ('#', 3, 2),
    ('A', 0, 3),
    ('B', 1, 3),
    ('C', 2, 3),
    ('D', 3, 3),
];

impl Digit {
    /// The tones of the rows, in hertz.
    pub const LOW: [u16; 4] = [697, 770, 852, 941];
    /// The tones of the columns, in hertz.
    pub const HIGH: [u16; 4] = [1209, 1336, 1477, 1633];

    /// The key with that character; letters in either case.
    pub fn from_char(character: char) -> Option<Digit> {
        let character = character.to_ascii_uppercase();
        let index = KEYS.iter().position(|(key, ..)| *key == character)?;
        u8::try_from(index).ok().map(Digit)
    }

    /// The key in a row and a column of the pad, each 0 to 3.
    pub fn at(row: usize, column: usize) -> Option<Digit> {
        let index = KEYS
            .iter()
            .position(|(_, r, c)| usize::from(*r) == row && usize::from(*c) == column)?;
        u8::try_from(index).ok().map(Digit)
    }

    /// The digit that a telephone event stands for, if it is one.
    pub fn from_event(code: EventCode) -> Option<Digit> {
        (usize::from(code.0) < KEYS.len()).then_some(Digit(code.0))
    }

    /// The telephone event of this digit (RFC 4733 table 3).
    pub fn event(self) -> EventCode {
        EventCode(self.0)
    }

    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub fn as_char(self) -> char {
        self.key().0
    }

    /// The row's tone in hertz.
    pub fn low(self) -> u16 {
        Self::LOW[usize::from(self.key().1)]
    }

    /// The column's tone in hertz.
    pub fn high(self) -> u16 {
        Self::HIGH[usize::from(self.key().2)]
    }

    fn key(self) -> (char, u8, u8) {
        // The number is below sixteen by construction.
        KEYS[usize::from(self.0 & 15)]
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digit({:?})", self.as_char())
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.as_char())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pad_is_q_23s() {
        let rows = ["123A", "456B", "789C", "*0#D"];
        for (row, keys) in rows.iter().enumerate() {
            for (column, key) in keys.chars().enumerate() {
                let digit = Digit::from_char(key).unwrap();
                assert_eq!(Digit::at(row, column), Some(digit));
                assert_eq!((digit.low(), digit.high()), (Digit::LOW[row], Digit::HIGH[column]));
                assert_eq!(digit.as_char(), key);
                assert_eq!(digit.event().digit(), Some(key));
                assert_eq!(Digit::from_event(digit.event()), Some(digit));
            }
        }
        assert_eq!(Digit::from_char('b'), Digit::from_char('B'));
        assert_eq!(Digit::from_char('E'), None);
        assert_eq!((Digit::at(4, 0), Digit::at(0, 4)), (None, None));
        assert_eq!(Digit::from_event(EventCode::FLASH), None);
    }
}
