use alloc::string::String;

use super::{Calendar, by_rules, notation};

const RUSSIA: &str = include_str!("../../data/ru.txt");
const MAKE_UP: &str = include_str!("../../data/countries.txt");

/// ISO 3166 codes of the countries that [`country`] knows: first those with moved days from data,
/// then those by rule, from 2000 to 2059.
pub const COUNTRIES: [&str; 24] = [
    "RU", "AM", "AZ", "BG", "BY", "CN", "HU", "KG", "KZ", "LV", "TW", "UA", "UZ", "VN", "AT", "CZ",
    "DE", "ES", "FR", "GB", "IT", "NL", "PL", "US",
];

/// Of these the first are from data.
const FROM_DATA: usize = 14;

/// The embedded calendar of a country, by its ISO 3166 code in any case.
///
/// It is built at each call, in under a millisecond: keep it.
///
/// # Errors
///
/// [`UnknownCountry`] when none is embedded; such a calendar can be loaded from a file.
pub fn country(code: &str) -> Result<Calendar, UnknownCountry> {
    let upper = code.to_ascii_uppercase();
    let unknown = || UnknownCountry { code: code.into() };
    match COUNTRIES.iter().position(|known| *known == upper).ok_or_else(unknown)? {
        0 => notation::read(RUSSIA, &upper).ok_or_else(unknown),
        1..FROM_DATA => notation::read(MAKE_UP, &upper).ok_or_else(unknown),
        _ => by_rules(&upper, 2000..=2059),
    }
}

/// The production calendar of Russia, 1999 to 2027.
pub fn russia() -> Calendar {
    // The tests read every embedded calendar, so there is one.
    country("RU").unwrap_or_else(|error| unreachable!("{error}"))
}

/// No calendar is embedded for a country.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no calendar is embedded for {code:?}; there are {}", COUNTRIES.join(", "))]
#[non_exhaustive]
pub struct UnknownCountry {
    /// The code that was asked for.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn every_embedded_calendar_reads() {
        let mut codes: Vec<&str> = notation::codes(RUSSIA).collect();
        codes.extend(notation::codes(MAKE_UP));
        assert_eq!(codes, COUNTRIES[..FROM_DATA]);
        for code in COUNTRIES {
            let calendar = country(code).unwrap();
            assert!(calendar.years().len() >= 13, "{code}");
            assert!(calendar.specials().len() > 100, "{code}");
        }
        assert_eq!(country("ru").unwrap().code(), "RU");
        assert!(country("XX").is_err());
    }
}
