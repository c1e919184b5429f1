//! `a=fmtp`: parameters of a format.

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{own, parameter};
use crate::sdp::text::Text;

/// `a=fmtp:<format> <parameters>` (RFC 8866 §6.15).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fmtp {
    /// The format, a payload type number for RTP.
    pub format: Text,
    /// The parameters as they stand, such as `0-16` or `mode-set=0,2;octet-align=1`.
    pub parameters: Text,
}

impl Fmtp {
    /// A parameter of the form `name=value`, names without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(self.parameters.as_str()?, name)
    }
}

impl TypedAttribute for Fmtp {
    const NAME: &'static str = "fmtp";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let (format, parameters) =
            fmtp_parts(value).ok_or_else(|| AttributeError::new("fmtp", 0))?;
        Ok(Self { format: own(format), parameters: own(parameters) })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.format.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.parameters.as_bytes());
    }
}

/// The format and the parameters of an `a=fmtp` value.
pub(in crate::sdp) fn fmtp_parts(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value.trim_ascii();
    let space = memchr::memchr2(b' ', b'\t', value)?;
    let (format, parameters) = value.split_at_checked(space)?;
    Some((format, parameters.trim_ascii_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fmtp_parameters_by_name() {
        let fmtp = Fmtp::parse(b"99 mode-set=0,2; Octet-Align=1").unwrap();
        assert_eq!(fmtp.format, "99");
        assert_eq!(fmtp.parameter("octet-align"), Some("1"));
        assert_eq!(fmtp.parameter("crc"), None);
        assert!(Fmtp::parse(b"").is_err());
        assert!(Fmtp::parse(b"101").is_err());
    }
}
