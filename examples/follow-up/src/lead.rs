//! Leads and where their follow-up stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The status that starts the process.
pub const PRESSING: &str = "pressing";

/// Somebody who may become a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLead {
    /// What it is about; letters mention it.
    pub title: String,
    /// The name of the person who is written to.
    pub contact: String,
    /// Where letters go.
    pub email: String,
    /// The number that calls come from; may be empty.
    #[serde(default)]
    pub phone: String,
    /// The responsible person's `id` in the configuration.
    pub responsible: String,
    /// The status it begins with.
    #[serde(default = "pressing")]
    pub status: String,
}

fn pressing() -> String {
    PRESSING.into()
}

/// A lead as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lead {
    /// Its number.
    pub id: i64,
    /// What was given.
    #[serde(flatten)]
    pub data: NewLead,
    /// How often it became pressing; letters of different times have different numbers.
    pub run: u32,
    /// Letters sent in this run.
    pub sent: u32,
    /// Where the process stands.
    pub phase: Phase,
}

/// Where the process of a lead stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Phase {
    /// Until the next letter is due.
    Waiting {
        /// When it is.
        due: Timestamp,
    },
    /// The next letter is to be sent.
    Letter {
        /// When to try.
        at: Timestamp,
        /// How often that failed.
        failures: u32,
    },
    /// A letter was sent; the responsible person is to be told.
    Notice {
        /// When to try.
        at: Timestamp,
        /// How often that failed.
        failures: u32,
    },
    /// No more letters, and why.
    Ended {
        /// Why.
        reason: String,
    },
}

impl Phase {
    /// When something is to be done next.
    pub fn wake(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { due: at } | Self::Letter { at, .. } | Self::Notice { at, .. } => {
                Some(*at)
            }
            Self::Ended { .. } => None,
        }
    }
}

/// Something that ends the process: the lead called or wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What came in.
    pub kind: EventKind,
    /// The calling number, or the sender's address.
    pub from: String,
}

/// What came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A telephone call.
    Call,
    /// A letter.
    Letter,
}

/// A telephone number as it is compared: digits only, of long numbers the last ten, since the same
/// number comes as +7 499…, 8 499… and 499….
pub fn canonical_phone(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        n if n > 10 => digits[n - 10..].to_string(),
        _ => digits,
    }
}

/// An address as it is compared.
pub fn canonical_email(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_their_prefixes() {
        for number in ["+7 (499) 123-45-67", "84991234567", "4991234567"] {
            assert_eq!(canonical_phone(number), "4991234567");
        }
        assert_eq!(canonical_phone("102"), "102");
        assert_eq!(canonical_phone("anonymous"), "");
    }
}
