//! Who takes part in a call.

use core::fmt;

/// One side of a call, as the exchange knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Party {
    /// A person or device of ours.
    Extension(String),
    /// Somebody beyond a trunk.
    Trunk {
        /// The trunk's name in the configuration.
        trunk: String,
        /// The number that the trunk named, empty when it named none.
        number: String,
    },
    /// A service of the exchange itself, such as the echo test or a voice menu.
    Service(String),
}

impl Party {
    /// The number to show to the other side: the extension, the number beyond the trunk, or the
    /// service's name.
    pub fn number(&self) -> &str {
        match self {
            Self::Extension(number) | Self::Trunk { number, .. } | Self::Service(number) => number,
        }
    }

    /// The word that stores and reports use for this kind of party.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Extension(_) => "extension",
            Self::Trunk { .. } => "trunk",
            Self::Service(_) => "service",
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(number) => write!(f, "extension {number}"),
            Self::Trunk { trunk, number } => write!(f, "{number} via trunk {trunk}"),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}
