//! Dialling rules of a place.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use super::scan::{Scanned, scan};
use super::{Digits, Number, NumberError, TelUri};

/// The dialling rules of a place: how what is dialled there becomes a number of E.164, and back.
///
/// Rules are tried in this order: emergency numbers, short numbers, the international prefix, the
/// trunk prefix, the country code without `+`, national numbers, local numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: Box<str>,
    country_code: Digits,
    international_prefix: Digits,
    trunk_prefix: Digits,
    national_lengths: RangeInclusive<u32>,
    /// The digits a national number may begin with, by bit.
    national_first: u16,
    bare_country_code: bool,
    bare_national: bool,
    area: Option<Digits>,
    local_length: Option<u32>,
    emergency: Vec<Digits>,
    short: Vec<Short>,
}

/// Short numbers of one length that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short {
    starts: Digits,
    length: u32,
}

/// What a dialled text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// The number or service.
    pub reading: Reading,
    /// An extension written after the number.
    pub extension: Option<Digits>,
}

/// A number, or a service that is dialled as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// An emergency number.
    Emergency(Digits),
    /// A short number of the public network, or keys with `*` and `#`.
    Short(Digits),
    /// A number of E.164.
    Number(Number),
}

impl Dialled {
    /// The number of E.164, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self.reading {
            Reading::Number(number) => Some(number),
            Reading::Emergency(_) | Reading::Short(_) => None,
        }
    }
}

/// As it is passed on: `+74951234567`, `112`.
impl fmt::Display for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reading {
            Reading::Number(number) => write!(f, "{number}"),
            Reading::Emergency(digits) | Reading::Short(digits) => write!(f, "{digits}"),
        }
    }
}

impl Profile {
    /// A place without rules but the country code: only numbers with `+` are understood.
    ///
    /// # Errors
    ///
    /// When the country code is not 1 to 3 digits.
    pub fn new(name: &str, country_code: &str) -> Result<Profile, NumberError> {
        let country_code: Digits = country_code.parse()?;
        Number::new(country_code)?;
        if country_code.len() > 3 {
            return Err(NumberError::CountryCode);
        }
        Ok(Profile {
            name: name.into(),
            country_code,
            international_prefix: Digits::EMPTY,
            trunk_prefix: Digits::EMPTY,
            // None, until they are told.
            national_lengths: RangeInclusive::new(1, 0),
            national_first: 0x3FF,
            bare_country_code: false,
            bare_national: false,
            area: None,
            local_length: None,
            emergency: Vec::new(),
            short: Vec::new(),
        })
    }

    /// Russia: 8 and ten digits, 8~10 and an international number, ten digits alone, seven digits
    /// where an area is set, 01 to 04 and 101 to 112 for emergencies.
    pub fn russia() -> Profile {
        let digits = |text: &str| text.parse().unwrap_or(Digits::EMPTY);
        Profile {
            name: "Russia".into(),
            country_code: digits("7"),
            international_prefix: digits("810"),
            trunk_prefix: digits("8"),
            national_lengths: 10..=10,
            // 3, 4, 8 and 9 are Russia's, 6 and 7 Kazakhstan's, which shares the country code.
            national_first: 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9,
            bare_country_code: true,
            bare_national: true,
            area: None,
            local_length: Some(7),
            emergency: [
                "112", "101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111",
                "01", "02", "03", "04",
            ]
            .map(digits)
            .into(),
            short: [("1", 3), ("0", 2), ("0", 3), ("0", 4)]
                .map(|(starts, length)| Short { starts: digits(starts), length })
                .into(),
        }
    }

    /// With the prefix before international numbers, such as `00`.
    ///
    /// # Errors
    ///
    /// When it is not digits.
    pub fn international_prefix(mut self, prefix: &str) -> Result<Profile, NumberError> {
        self.international_prefix = prefix.parse()?;
        Ok(self)
    }

    /// With the prefix before national numbers, such as `0`.
    ///
    /// # Errors
    ///
    /// When it is not digits.
    pub fn trunk_prefix(mut self, prefix: &str) -> Result<Profile, NumberError> {
        self.trunk_prefix = prefix.parse()?;
        Ok(self)
    }

    /// With the lengths of national numbers, prefix not counted.
    pub fn national_lengths(mut self, lengths: RangeInclusive<u32>) -> Profile {
        self.national_lengths = lengths;
        self
    }

    /// With the digits that national numbers may begin with.
    ///
    /// # Errors
    ///
    /// When they are not digits.
    pub fn national_first(mut self, first: &str) -> Result<Profile, NumberError> {
        let digits: Digits = first.parse()?;
        self.national_first = digits.iter().fold(0, |set, digit| set | 1 << digit);
        Ok(self)
    }

    /// Whether a national number is understood without its prefix, and one with the country code
    /// without `+`.
    pub fn bare(mut self, national: bool, with_country_code: bool) -> Profile {
        self.bare_national = national;
        self.bare_country_code = with_country_code;
        self
    }

    /// With the area code that local numbers belong to.
    ///
    /// # Errors
    ///
    /// When it is not digits.
    pub fn area(mut self, area: &str) -> Result<Profile, NumberError> {
        self.area = Some(area.parse()?);
        Ok(self)
    }

    /// With the length of local numbers.
    pub fn local_length(mut self, length: u32) -> Profile {
        self.local_length = Some(length);
        self
    }

    /// With one more emergency number.
    ///
    /// # Errors
    ///
    /// When it is not digits.
    pub fn emergency(mut self, number: &str) -> Result<Profile, NumberError> {
        self.emergency.push(number.parse()?);
        Ok(self)
    }

    /// Without the emergency numbers known so far, for a place that has others.
    pub fn without_emergency(mut self) -> Profile {
        self.emergency.clear();
        self
    }

    /// With short numbers: those of `length` digits that begin with `starts`.
    ///
    /// # Errors
    ///
    /// When `starts` is not digits.
    pub fn short(mut self, starts: &str, length: u32) -> Result<Profile, NumberError> {
        self.short.push(Short { starts: starts.parse()?, length });
        Ok(self)
    }

    /// The name given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The country code.
    pub fn country_code(&self) -> Digits {
        self.country_code
    }

    /// The area code of local numbers.
    pub fn area_code(&self) -> Option<Digits> {
        self.area
    }

    /// The emergency numbers.
    pub fn emergency_numbers(&self) -> impl Iterator<Item = Digits> {
        self.emergency.iter().copied()
    }

    /// Whether a text is one of the emergency numbers or the emergency service's URN (RFC 5031).
    pub fn is_emergency(&self, dialled: &str) -> bool {
        is_emergency_urn(dialled)
            || scan(dialled, false).is_ok_and(|scanned| {
                !scanned.is_international && self.emergency.contains(&scanned.digits)
            })
    }

    /// What a dialled text means here. `tel:` URIs are read too.
    ///
    /// # Errors
    ///
    /// When it is no number, or none of the rules takes it.
    #[inline]
    pub fn normalise(&self, dialled: &str) -> Result<Dialled, NumberError> {
        if let Some(b't' | b'T') = dialled.as_bytes().first() {
            return self.normalise_tel(dialled);
        }
        let Scanned { is_international, digits, extension } = scan(dialled, true)?;
        let reading = if is_international {
            Reading::Number(Number::new(digits)?)
        } else {
            self.read(digits)?
        };
        Ok(Dialled { reading, extension })
    }

    /// Applies the rules to plain digits.
    ///
    /// # Errors
    ///
    /// When none takes them.
    pub fn read(&self, digits: Digits) -> Result<Reading, NumberError> {
        let length = digits.len();
        if length <= 6 {
            if self.emergency.contains(&digits) {
                return Ok(Reading::Emergency(digits));
            }
            let is_short =
                |short: &Short| short.length == length && digits.starts_with(short.starts);
            if self.short.iter().any(is_short) {
                return Ok(Reading::Short(digits));
            }
        }
        if !digits.is_numeric() {
            return Ok(Reading::Short(digits));
        }
        let number = |digits: Option<Digits>| {
            Number::new(digits.ok_or(NumberError::TooManyDigits { at: 15 })?).map(Reading::Number)
        };
        let prefix = self.international_prefix;
        if !prefix.is_empty() && digits.starts_with(prefix) && length >= prefix.len() + 7 {
            return number(Some(digits.skip(prefix.len())));
        }
        let national = |rest: Digits| self.is_national(rest).then(|| self.country_code.join(rest));
        let prefix = self.trunk_prefix;
        if !prefix.is_empty()
            && digits.starts_with(prefix)
            && let Some(joined) = national(digits.skip(prefix.len()))
        {
            return number(joined);
        }
        if self.bare_country_code
            && digits.starts_with(self.country_code)
            && self.is_national(digits.skip(self.country_code.len()))
        {
            return number(Some(digits));
        }
        if self.bare_national
            && let Some(joined) = national(digits)
        {
            return number(joined);
        }
        if self.local_length == Some(length) {
            let area = self.area.ok_or(NumberError::NoArea)?;
            return number(area.join(digits).and_then(|rest| self.country_code.join(rest)));
        }
        Err(NumberError::NoRule { count: length })
    }

    /// How a number is dialled from here: with the trunk prefix inside the country, with the
    /// international prefix outside.
    pub fn dial(&self, number: Number) -> Option<Digits> {
        match number.national(self.country_code) {
            Some(national) => self.trunk_prefix.join(national),
            None => self.international_prefix.join(number.digits()),
        }
    }

    fn is_national(&self, digits: Digits) -> bool {
        self.national_lengths.contains(&digits.len())
            && digits.at(0).is_some_and(|first| self.national_first >> first & 1 == 1)
    }

    #[cold]
    fn normalise_tel(&self, uri: &str) -> Result<Dialled, NumberError> {
        let uri = TelUri::parse(uri).map_err(|error| error.into_number_error())?;
        let reading = match uri.number() {
            Some(number) => Reading::Number(number),
            None => self.read(uri.local_digits())?,
        };
        Ok(Dialled { reading, extension: uri.extension() })
    }
}

/// Whether a text is `urn:service:sos` or one of its sub-services (RFC 5031 §4.2).
pub(crate) fn is_emergency_urn(text: &str) -> bool {
    const URN: &str = "urn:service:sos";
    text.get(..URN.len()).is_some_and(|head| head.eq_ignore_ascii_case(URN))
        && matches!(text.as_bytes().get(URN.len()), None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn moscow() -> Profile {
        Profile::russia().area("495").unwrap()
    }

    #[test]
    fn russian_rules() {
        for (dialled, expected) in [
            ("8-495-123-45-67", "+74951234567"),
            ("89161234567", "+79161234567"),
            ("74951234567", "+74951234567"),
            ("9161234567", "+79161234567"),
            ("123-45-67", "+74951234567"),
            ("8104930123456", "+4930123456"),
            ("87012345678", "+77012345678"),
            ("88002000600", "+78002000600"),
            ("8002000600", "+78002000600"),
            ("tel:123-45-67;phone-context=+7812", "+78121234567"),
            ("112", "112"),
            ("01", "01"),
            ("0890", "0890"),
            ("115", "115"),
            ("*100#", "*100#"),
        ] {
            let read = moscow().normalise(dialled).map(|read| read.to_string());
            assert_eq!(read.as_deref(), Ok(expected), "{dialled}");
        }
    }

    #[test]
    fn what_no_rule_takes() {
        assert_eq!(moscow().normalise("12345"), Err(NumberError::NoRule { count: 5 }));
        assert_eq!(moscow().normalise("81234567890"), Err(NumberError::NoRule { count: 11 }));
        assert_eq!(Profile::russia().normalise("1234567"), Err(NumberError::NoArea));
        assert_eq!(moscow().normalise("+0123"), Err(NumberError::CountryCode));
    }

    #[test]
    fn emergencies() {
        for text in ["112", "01", "urn:service:sos", "URN:service:sos.fire", "1-1-2"] {
            assert!(moscow().is_emergency(text), "{text}");
        }
        for text in ["1121", "+112", "urn:service:sosx", "urn:service:counseling", "0"] {
            assert!(!moscow().is_emergency(text), "{text}");
        }
    }

    #[test]
    fn other_places_are_data() {
        let germany = Profile::new("Germany", "49").unwrap();
        let germany = germany.international_prefix("00").unwrap().trunk_prefix("0").unwrap();
        let germany = germany.national_lengths(6..=11).emergency("112").unwrap();
        let number = |text: &str| germany.normalise(text).unwrap().number().unwrap();
        assert_eq!(number("0044 20 7946 0958").to_string(), "+442079460958");
        assert_eq!(number("030 123456").to_string(), "+4930123456");
        assert_eq!(germany.dial(number("030 123456")).unwrap().to_string(), "030123456");
        assert_eq!(
            germany.dial("+74951234567".parse().unwrap()).unwrap().to_string(),
            "0074951234567"
        );
        assert_eq!(germany.normalise("123456"), Err(NumberError::NoRule { count: 6 }));
    }
}
