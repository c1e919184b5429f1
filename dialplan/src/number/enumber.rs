//! ENUM: the domain name of a number (RFC 6116 §3.2).

use core::fmt;

use super::digits::key;
use super::{Digits, Number, NumberError};

/// The domain name under `e164.arpa` where a number's NAPTR records are.
///
/// ```
/// use dialplan::number::{EnumName, Number};
///
/// let number: Number = "+442079460148".parse()?;
/// let name = EnumName::of(number).to_string();
/// assert_eq!(name, "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa");
/// assert_eq!(EnumName::parse(&name)?.number(), number);
/// # Ok::<(), dialplan::number::NumberError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnumName(Number);

const ZONE: &str = ".e164.arpa";

impl EnumName {
    /// The name of a number.
    pub fn of(number: Number) -> EnumName {
        EnumName(number)
    }

    /// Reads a name back, with or without the last dot, in any case.
    ///
    /// # Errors
    ///
    /// When it is not single digits under `e164.arpa`.
    pub fn parse(name: &str) -> Result<EnumName, NumberError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let at = name.len().checked_sub(ZONE.len()).ok_or(NumberError::Empty)?;
        let zone = name.get(at..).filter(|zone| zone.eq_ignore_ascii_case(ZONE));
        let (Some(labels), Some(_)) = (name.get(..at), zone) else {
            return Err(NumberError::Character { at });
        };
        let mut digits = Digits::EMPTY;
        for (at, label) in labels.rsplit('.').enumerate() {
            let at = labels.len().saturating_sub(1 + 2 * at);
            let digit = match label.as_bytes() {
                [byte] => key(*byte).filter(|&digit| digit < 10),
                _ => None,
            };
            let digit = digit.ok_or(NumberError::Character { at })?;
            digits = digits.push(digit).ok_or(NumberError::TooManyDigits { at })?;
        }
        Number::new(digits).map(EnumName)
    }

    /// The number.
    pub fn number(self) -> Number {
        self.0
    }
}

impl fmt::Display for EnumName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.digits();
        for index in (0..digits.len()).rev() {
            write!(f, "{}", digits.at(index).unwrap_or_default())?;
            if index > 0 {
                f.write_str(".")?;
            }
        }
        f.write_str(ZONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_enum_name() {
        for name in
            ["", "e164.arpa", ".e164.arpa", "12.e164.arpa", "1.x.e164.arpa", "1.2.example.org"]
        {
            assert!(EnumName::parse(name).is_err(), "{name}");
        }
        assert!(EnumName::parse("1.0.e164.arpa").is_err(), "no country code begins with 0");
        let many = ["1.".repeat(16), "e164.arpa".into()].concat();
        assert!(EnumName::parse(&many).is_err());
        assert_eq!(EnumName::parse("7.4.E164.ARPA.").unwrap().number(), "+47".parse().unwrap());
    }
}
