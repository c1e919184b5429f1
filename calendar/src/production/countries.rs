use alloc::string::String;

use super::{Calendar, notation};

const RUSSIA: &str = include_str!("../../data/ru.txt");
const MAKE_UP: &str = include_str!("../../data/countries.txt");

/// ISO 3166 codes of the countries whose calendars are embedded.
pub const COUNTRIES: [&str; 14] =
    ["RU", "AM", "AZ", "BG", "BY", "CN", "HU", "KG", "KZ", "LV", "TW", "UA", "UZ", "VN"];

/// The embedded calendar of a country, by its ISO 3166 code in any case.
///
/// It is built at each call, in under a millisecond: keep it.
///
/// # Errors
///
/// [`UnknownCountry`] when none is embedded; such a calendar can be loaded from a file.
pub fn country(code: &str) -> Result<Calendar, UnknownCountry> {
    let upper = code.to_ascii_uppercase();
    let text = if upper == "RU" { RUSSIA } else { MAKE_UP };
    COUNTRIES
        .contains(&upper.as_str())
        .then(|| notation::read(text, &upper))
        .flatten()
        .ok_or(UnknownCountry { code: code.into() })
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
        assert_eq!(codes, COUNTRIES);
        for code in COUNTRIES {
            let calendar = country(code).unwrap();
            assert!(calendar.years().len() >= 13, "{code}");
            assert!(calendar.specials().len() > 100, "{code}");
        }
        assert_eq!(country("ru").unwrap().code(), "RU");
        assert!(country("XX").is_err());
    }
}
