//! What can be played.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// Calls that the server answers itself (600, an echo): INVITE, 200, ACK, BYE.
    Answered,
    /// Calls through the server to a telephone of ours, without media.
    Bridged,
    /// REGISTER with digest: 401, and 200 with an answer to it.
    Register,
    /// Calls through the server with RTP both ways, all at once.
    Media,
    /// Calls while strangers send malformed and unauthenticated messages.
    Flood,
    /// Calls at the rate given, which should be more than the server can do.
    Overload,
    /// The command `soak`, as one of the scenarios.
    Soak,
}

impl Scenario {
    /// Whether calls go through the server to our own telephone.
    pub(crate) fn is_bridged(self) -> bool {
        matches!(self, Self::Bridged | Self::Media)
    }

    /// Whether calls carry RTP.
    pub(crate) fn has_media(self) -> bool {
        self == Self::Media
    }

    /// Whether calls are made.
    pub(crate) fn has_calls(self) -> bool {
        self != Self::Register
    }

    /// Whether telephones register.
    pub(crate) fn has_registrations(self) -> bool {
        self == Self::Register
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Bridged => "bridged",
            Self::Register => "register",
            Self::Media => "media",
            Self::Flood => "flood",
            Self::Overload => "overload",
            Self::Soak => "soak",
        }
    }
}
