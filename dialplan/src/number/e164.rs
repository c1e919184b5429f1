//! Numbers of the international plan.

use core::fmt;
use core::str::FromStr;

use super::{Digits, MAX_LEN, NumberError};

/// A number of ITU-T E.164: country code and national number, at most 15 digits, no leading zero.
///
/// Printed with its `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Digits);

impl Number {
    /// A number from its digits, country code first.
    ///
    /// # Errors
    ///
    /// When there is none, one is not a digit, or the first is 0.
    pub fn new(digits: Digits) -> Result<Number, NumberError> {
        match digits.at(0) {
            None => Err(NumberError::Empty),
            Some(0) => Err(NumberError::CountryCode),
            Some(_) if !digits.is_numeric() => Err(NumberError::Character { at: 0 }),
            Some(_) => Ok(Number(digits)),
        }
    }

    /// The digits, country code first, without `+`.
    pub fn digits(self) -> Digits {
        self.0
    }

    /// The national number, when the country code is this one.
    pub fn national(self, country_code: Digits) -> Option<Digits> {
        self.0.starts_with(country_code).then(|| self.0.skip(country_code.len()))
    }
}

/// Reads `+` and digits, without separators.
impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Number, NumberError> {
        if text.len() > MAX_LEN {
            return Err(NumberError::TextTooLong { length: text.len() });
        }
        let digits = text.strip_prefix('+').ok_or(NumberError::Character { at: 0 })?;
        Number::new(digits.parse().map_err(|error| match error {
            NumberError::Character { at } => NumberError::Character { at: at + 1 },
            NumberError::TooManyDigits { at } => NumberError::TooManyDigits { at: at + 1 },
            other => other,
        })?)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}
