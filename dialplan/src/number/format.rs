//! Writing a number for people and for trunks.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::{Digits, Number, Profile};

/// How the digits of a national number are grouped for display, such as `(###) ###-##-##`.
///
/// Each `#` takes one digit; a number of another length is written without groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups(Box<str>);

impl Groups {
    /// Groups as written.
    pub fn new(groups: &str) -> Groups {
        Groups(groups.into())
    }

    /// Russia's: `(495) 123-45-67`.
    pub fn russia() -> Groups {
        Groups::new("(###) ###-##-##")
    }

    /// Writes digits in these groups.
    pub fn write(&self, digits: Digits) -> String {
        let places = self.0.chars().filter(|&character| character == '#').count();
        let mut text = String::new();
        if places != digits.len() as usize {
            let _ = write!(text, "{digits}");
            return text;
        }
        let mut digits = digits.iter();
        for character in self.0.chars() {
            match character {
                '#' => text.extend(digits.next().map(|digit| char::from(b'0' + digit))),
                other => text.push(other),
            }
        }
        text
    }
}

/// How a trunk wants numbers to be written: fixed text with places.
///
/// | place | stands for |
/// |---|---|
/// | `{e164}` | the digits with country code: `74951234567` |
/// | `{national}` | the digits without the country code of the profile; all digits of a foreign number |
/// | `{dial}` | as dialled from the profile's place: `84951234567`, `810442079460958` |
///
/// ```
/// use dialplan::number::{Number, Profile, Template};
///
/// let number: Number = "+74951234567".parse()?;
/// let template = Template::parse("98{national}")?;
/// assert_eq!(template.write(number, &Profile::russia()).as_deref(), Some("984951234567"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    E164,
    National,
    Dial,
}

/// Why a template cannot be read. The writer of the plan has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `{` without `}`.
    #[error("the place opened at position {at} is not closed: `}}` is missing")]
    Unclosed {
        /// Byte offset of the `{`.
        at: usize,
    },
    /// A place of another name.
    #[error("no such place (position {at}); there are {{e164}}, {{national}} and {{dial}}")]
    Unknown {
        /// Byte offset of the `{`.
        at: usize,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Says what is wrong and at which byte.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let at = text.len() - rest.len() + open;
            let (before, after) = rest.split_at(open);
            let close = after.find('}').ok_or(TemplateError::Unclosed { at })?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            pieces.push(match after.get(1..close) {
                Some("e164") => Piece::E164,
                Some("national") => Piece::National,
                Some("dial") => Piece::Dial,
                _ => return Err(TemplateError::Unknown { at }),
            });
            rest = after.get(close + 1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Ok(Template(pieces))
    }

    /// Writes a number; `None` when it cannot be dialled from the profile's place.
    pub fn write(&self, number: Number, profile: &Profile) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            let digits = match piece {
                Piece::Text(piece) => {
                    text.push_str(piece);
                    continue;
                }
                Piece::E164 => number.digits(),
                Piece::National => {
                    number.national(profile.country_code()).unwrap_or(number.digits())
                }
                Piece::Dial => profile.dial(number)?,
            };
            let _ = write!(text, "{digits}");
        }
        Some(text)
    }
}

impl Default for Template {
    /// `+` and the digits: `+74951234567`.
    fn default() -> Self {
        Template(alloc::vec![Piece::Text("+".into()), Piece::E164])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        assert_eq!(Groups::russia().write("4951234567".parse().unwrap()), "(495) 123-45-67");
        assert_eq!(Groups::russia().write("112".parse().unwrap()), "112");
    }

    #[test]
    fn templates() {
        let profile = Profile::russia();
        let write = |template: &str, number: &str| {
            Template::parse(template).unwrap().write(number.parse().unwrap(), &profile).unwrap()
        };
        assert_eq!(write("+{e164}", "+442079460958"), "+442079460958");
        assert_eq!(write("{dial}", "+442079460958"), "810442079460958");
        assert_eq!(write("{dial}", "+74951234567"), "84951234567");
        assert_eq!(Template::default().write("+7495".parse().unwrap(), &profile).unwrap(), "+7495");
        assert_eq!(Template::parse("9{e164"), Err(TemplateError::Unclosed { at: 1 }));
        assert_eq!(Template::parse("9{name}"), Err(TemplateError::Unknown { at: 1 }));
    }
}
