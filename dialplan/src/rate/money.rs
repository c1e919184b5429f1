//! Money as whole numbers.

use core::fmt;
use core::iter::Sum;
use core::ops::Add;
use core::str::FromStr;

/// Millionths of a unit of some currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

const SCALE: i64 = 1_000_000;
const PLACES: usize = 6;

impl Micros {
    /// Nothing.
    pub const ZERO: Micros = Micros(0);

    /// So many millionths.
    pub const fn new(micros: i64) -> Micros {
        Micros(micros)
    }

    /// The millionths.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The difference, 0 when it would be less.
    pub fn saturating_sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0).max(0))
    }
}

/// Saturates.
impl Add for Micros {
    type Output = Micros;

    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Micros>>(all: I) -> Micros {
        all.fold(Micros::ZERO, Add::add)
    }
}

/// Why a text is not an amount. The writer of the table has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MicrosError {
    /// Not digits with at most one point.
    #[error("not an amount (position {at}); write it as 1.25")]
    NotANumber {
        /// Byte offset of what does not belong there.
        at: usize,
    },
    /// More than six decimal places.
    #[error("more than six decimal places")]
    TooFine,
    /// Beyond about nine million million.
    #[error("too large an amount")]
    TooLarge,
}

/// Reads `1`, `1.2`, `0.000001`, `-0.5`. No rounding: more than six places are an error.
impl FromStr for Micros {
    type Err = MicrosError;

    fn from_str(text: &str) -> Result<Micros, MicrosError> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let start = text.len() - digits.len();
        let (mut value, mut places) = (0i64, None);
        let mut seen_digit = false;
        for (offset, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    seen_digit = true;
                    match &mut places {
                        Some(PLACES) if byte == b'0' => continue,
                        Some(PLACES) => return Err(MicrosError::TooFine),
                        Some(places) => *places += 1,
                        None => {}
                    }
                    let digit = i64::from(byte - b'0');
                    value = value
                        .checked_mul(10)
                        .and_then(|value| value.checked_add(digit))
                        .ok_or(MicrosError::TooLarge)?;
                }
                b'.' if places.is_none() => places = Some(0),
                _ => return Err(MicrosError::NotANumber { at: start + offset }),
            }
        }
        if !seen_digit {
            return Err(MicrosError::NotANumber { at: text.len() });
        }
        let missing = (PLACES - places.unwrap_or(0)) as u32;
        let micros = value.checked_mul(10i64.pow(missing)).ok_or(MicrosError::TooLarge)?;
        Ok(Micros(if is_negative { -micros } else { micros }))
    }
}

/// Without trailing zeros: `1.2`, `0`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) =
            (self.0.unsigned_abs() / SCALE as u64, self.0.unsigned_abs() % SCALE as u64);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let (mut part, mut places) = (part, PLACES);
        while part % 10 == 0 {
            part /= 10;
            places -= 1;
        }
        write!(f, "{sign}{whole}.{part:0places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in (i64::MIN + 1)..i64::MAX) {
            prop_assert_eq!(Micros(micros).to_string().parse(), Ok(Micros(micros)));
        }
    }

    #[test]
    fn reads_and_refuses() {
        assert_eq!("1.2".parse(), Ok(Micros(1_200_000)));
        assert_eq!("0.0000010".parse(), Ok(Micros(1)));
        assert_eq!("0.0000011".parse::<Micros>(), Err(MicrosError::TooFine));
        assert_eq!("1.2.3".parse::<Micros>(), Err(MicrosError::NotANumber { at: 3 }));
        assert_eq!("".parse::<Micros>(), Err(MicrosError::NotANumber { at: 0 }));
        assert_eq!("99999999999999".parse::<Micros>(), Err(MicrosError::TooLarge));
    }
}
