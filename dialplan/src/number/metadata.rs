//! Numbers of the whole world, by the metadata of libphonenumber.

use alloc::format;
use alloc::string::{String, ToString};

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber, Type};

use super::scan::plain;
use super::{NumberError, Profile, Reading};

/// What the metadata tells about a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// The number in the form of E.164, which a number that is not valid may exceed.
    pub e164: String,
    /// Whether the numbering plan of its country has such a number.
    pub is_valid: bool,
    /// What kind of number it is.
    pub kind: Kind,
    /// As a `tel:` URI with visual separators (RFC 3966).
    pub rfc3966: String,
    /// As people write it in its own country.
    pub national: String,
    /// As people write it abroad: `+44 20 7946 0958`.
    pub international: String,
    /// The country code.
    pub country_code: u16,
}

/// Kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A fixed line.
    Fixed,
    /// A mobile telephone.
    Mobile,
    /// Either; the plan of the country does not tell.
    FixedOrMobile,
    /// Free for the caller.
    TollFree,
    /// Dear for the caller.
    PremiumRate,
    /// Paid by both.
    SharedCost,
    /// Follows a person.
    Personal,
    /// Internet telephony.
    Voip,
    /// A pager.
    Pager,
    /// A company's number for all its places.
    Uan,
    /// Voice mail.
    Voicemail,
    /// None of these.
    Unknown,
}

impl Kind {
    /// One word in lower case: `fixed_or_mobile`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Fixed => "fixed",
            Kind::Mobile => "mobile",
            Kind::FixedOrMobile => "fixed_or_mobile",
            Kind::TollFree => "toll_free",
            Kind::PremiumRate => "premium_rate",
            Kind::SharedCost => "shared_cost",
            Kind::Personal => "personal_number",
            Kind::Voip => "voip",
            Kind::Pager => "pager",
            Kind::Uan => "uan",
            Kind::Voicemail => "voicemail",
            Kind::Unknown => "unknown",
        }
    }
}

/// Why a text cannot be described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The text is not a number.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The region is not two letters of ISO 3166-1 that the metadata knows.
    #[error("no such region")]
    Region,
    /// No country has numbers like this.
    #[error("no country has numbers like this")]
    Country,
}

/// Describes a number as people write it; `region` (ISO 3166-1, `RU`) says where a national number
/// is dialled.
///
/// # Errors
///
/// When the text is not a number of any country.
pub fn describe(text: &str, region: Option<&str>) -> Result<Details, MetadataError> {
    let region: Option<Id> =
        region.map(|region| region.parse().map_err(|_| MetadataError::Region)).transpose()?;
    let (mut digits, extension) = plain(text)?;
    if region == Some(Id::RU)
        && !digits.starts_with('+')
        && let Ok(Reading::Number(number)) =
            digits.parse().and_then(|digits| Profile::russia().read(digits))
    {
        digits = number.to_string();
    }
    let extension = extension.map_or(String::new(), |extension| format!(" ext {extension}"));
    let number = parse(region, &digits, &extension)?;
    Ok(details(&number))
}

impl Details {
    /// How it is dialled from the country with this code, with this prefix before foreign numbers.
    pub fn dialled_from(&self, country_code: u16, international_prefix: &str) -> String {
        if self.country_code == country_code {
            return self.national.clone();
        }
        let digits = self.international.strip_prefix('+').unwrap_or(&self.international);
        format!("{international_prefix} {digits}")
    }
}

/// The parser of the metadata crate takes a trunk prefix off international numbers too, so that
/// +7 800 … loses its 8. Such a number is given to it as dialled at home, with one prefix or with two:
/// where the rest begins with the prefix again, it may take both.
fn parse(region: Option<Id>, digits: &str, extension: &str) -> Result<PhoneNumber, MetadataError> {
    let parse = |region, digits: &str| {
        phonenumber::parse(region, format!("{digits}{extension}"))
            .map_err(|_| MetadataError::Country)
    };
    if let Some(international) = digits.strip_prefix('+')
        && let Some((home, prefix, national)) = as_at_home(international)
    {
        for at_home in [format!("{prefix}{national}"), format!("{prefix}{prefix}{national}")] {
            if let Ok(number) = parse(Some(home), &at_home)
                && number.format().mode(Mode::E164).to_string().starts_with(digits)
            {
                return Ok(number);
            }
        }
    }
    parse(region, digits)
}

/// The main country of an international number, its trunk prefix, and the national number, where that
/// begins with the prefix.
fn as_at_home(international: &str) -> Option<(Id, &'static str, &str)> {
    (1..=3).find_map(|length| {
        let (code, national) = international.split_at_checked(length)?;
        let countries = DATABASE.by_code(&code.parse::<u16>().ok()?)?;
        let main = countries.iter().find(|c| c.is_main_country_for_code()).or(countries.first())?;
        let prefix = main.national_prefix().filter(|prefix| national.starts_with(prefix))?;
        Some((main.id().parse().ok()?, prefix, national))
    })
}

fn details(number: &PhoneNumber) -> Details {
    let write = |mode| number.format().mode(mode).to_string();
    let e164 = write(Mode::E164);
    let is_valid = number.is_valid();
    Details {
        e164: e164.split_once(" ext").map_or(e164.clone(), |(e164, _)| e164.to_string()),
        is_valid,
        kind: if is_valid { kind(number.number_type(&DATABASE)) } else { Kind::Unknown },
        rfc3966: write(Mode::Rfc3966),
        national: write(Mode::National),
        international: write(Mode::International),
        country_code: number.country().code(),
    }
}

fn kind(kind: Type) -> Kind {
    match kind {
        Type::FixedLine => Kind::Fixed,
        Type::Mobile => Kind::Mobile,
        Type::FixedLineOrMobile => Kind::FixedOrMobile,
        Type::TollFree => Kind::TollFree,
        Type::PremiumRate => Kind::PremiumRate,
        Type::SharedCost => Kind::SharedCost,
        Type::PersonalNumber => Kind::Personal,
        Type::Voip => Kind::Voip,
        Type::Pager => Kind::Pager,
        Type::Uan => Kind::Uan,
        Type::Voicemail => Kind::Voicemail,
        _ => Kind::Unknown,
    }
}
