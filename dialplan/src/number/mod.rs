//! Telephone numbers: what was dialled, what it means in E.164, and how to write it again.
//!
//! A [`Profile`] knows the dialling rules of a place. Russia's are built in; others are data.
//!
//! ```
//! use dialplan::number::{Profile, Reading};
//!
//! let moscow = Profile::russia().area("495")?;
//! for dialled in ["8 (495) 123-45-67", "+7 495 123-45-67", "4951234567", "123-45-67"] {
//!     let number = moscow.normalise(dialled)?.number().unwrap();
//!     assert_eq!(number.to_string(), "+74951234567");
//! }
//! assert_eq!(moscow.normalise("8~10 44 20 7946 0958")?.number().unwrap().to_string(), "+442079460958");
//! assert!(matches!(moscow.normalise("112")?.reading, Reading::Emergency(_)));
//! # Ok::<(), dialplan::number::NumberError>(())
//! ```

mod digits;
mod e164;
mod enumber;
mod format;
#[cfg(feature = "phonenumber")]
mod metadata;
mod profile;
mod scan;
mod tel;

pub use digits::Digits;
pub use e164::Number;
pub use enumber::EnumName;
pub use format::{Groups, Template, TemplateError};
#[cfg(feature = "phonenumber")]
pub use metadata::{Details, Kind, MetadataError, describe};
pub use profile::{Dialled, Profile, Reading};
pub use tel::{TelUri, TelUriError};

/// The longest text that is looked at as a number, in bytes.
pub const MAX_LEN: usize = 255;

/// Why a text is not a number here. The caller dialled it, so it is the caller's fault, except
/// [`NumberError::NoArea`], which the profile can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// There is no digit in it.
    #[error("there is no digit")]
    Empty,
    /// The text is longer than [`MAX_LEN`].
    #[error(
        "the text is {length} bytes long; at most {MAX_LEN} are looked at (position {MAX_LEN})"
    )]
    TextTooLong {
        /// Its length, in bytes.
        length: usize,
    },
    /// More than the 15 digits of E.164.
    #[error("more than 15 digits (position {at})")]
    TooManyDigits {
        /// Byte offset of the sixteenth.
        at: usize,
    },
    /// A character that is neither a digit nor a separator.
    #[error("a character that is neither digit nor separator (position {at})")]
    Character {
        /// Its byte offset.
        at: usize,
    },
    /// The extension is not 1 to 15 digits.
    #[error("the extension is not 1 to 15 digits (position {at})")]
    Extension {
        /// Byte offset of what stands in the wrong place.
        at: usize,
    },
    /// An international number that begins with 0.
    #[error("no country code begins with 0")]
    CountryCode,
    /// A local number, in a profile without an area code.
    #[error("a local number, but no area code is set")]
    NoArea,
    /// Digits that no rule of the profile takes.
    #[error("no dialling rule takes {count} digits that begin so")]
    NoRule {
        /// How many digits there are.
        count: u32,
    },
}

impl NumberError {
    /// Byte offset of the fault in the text, where there is one.
    pub fn position(&self) -> Option<usize> {
        match self {
            NumberError::TextTooLong { .. } => Some(MAX_LEN),
            NumberError::TooManyDigits { at }
            | NumberError::Character { at }
            | NumberError::Extension { at } => Some(*at),
            NumberError::Empty
            | NumberError::CountryCode
            | NumberError::NoArea
            | NumberError::NoRule { .. } => None,
        }
    }
}
