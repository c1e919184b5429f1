//! `a=setup`: who opens the connection.

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;

/// `a=setup:active|passive|actpass|holdconn` (RFC 4145 §4), used by DTLS too (RFC 5763 §5).
///
/// ```
/// use sip_core::sdp::{Setup, TypedAttribute};
///
/// assert_eq!(Setup::parse(b"actpass"), Ok(Setup::ActPass));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Opens the connection.
    Active,
    /// Waits for it.
    Passive,
    /// Either; only in offers.
    ActPass,
    /// Not now.
    HoldConn,
}

impl TypedAttribute for Setup {
    const NAME: &'static str = "setup";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        match value.trim_ascii() {
            b"active" => Ok(Self::Active),
            b"passive" => Ok(Self::Passive),
            b"actpass" => Ok(Self::ActPass),
            b"holdconn" => Ok(Self::HoldConn),
            _ => Err(AttributeError::new("setup", 0)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Active => b"active",
            Self::Passive => b"passive",
            Self::ActPass => b"actpass",
            Self::HoldConn => b"holdconn",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for setup in [Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn] {
            let mut out = Vec::new();
            setup.write(&mut out);
            assert_eq!(Setup::parse(&out), Ok(setup));
        }
        assert!(Setup::parse(b"").is_err());
    }
}
