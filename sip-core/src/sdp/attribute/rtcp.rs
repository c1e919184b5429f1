//! `a=rtcp`.

use super::line::TypedAttribute;
use crate::sdp::address::{Address, AddressFamily};
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{number, own, write_number};

/// `a=rtcp:<port> [IN IP4|IP6 <address>]`: where RTCP goes when not to the next port (RFC 3605 §2.1).
///
/// ```
/// use sip_core::sdp::{Rtcp, TypedAttribute};
///
/// let rtcp = Rtcp::parse(b"53020 IN IP4 126.16.64.4")?;
/// assert_eq!(rtcp.port, 53_020);
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rtcp {
    /// UDP port.
    pub port: u16,
    /// The address, when it is not that of the stream.
    pub address: Option<Address>,
}

impl TypedAttribute for Rtcp {
    const NAME: &'static str = "rtcp";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let fault = |offset| AttributeError::new("rtcp", offset);
        let mut words = value.split(|&b| b == b' ').filter(|word| !word.is_empty());
        let port = words.next().and_then(number::<u16>).ok_or(fault(0))?;
        let Some(network) = words.next() else {
            return Ok(Self { port, address: None });
        };
        let family = words.next().and_then(AddressFamily::parse);
        match (network, family, words.next(), words.next()) {
            (b"IN", Some(family), Some(address), None) => {
                let address = Address::parse(family, address, own);
                Ok(Self { port, address: Some(address.ok_or(fault(value.len()))?) })
            }
            _ => Err(fault(value.len())),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.port.into());
        if let Some(address) = &self.address {
            out.extend_from_slice(b" IN ");
            out.extend_from_slice(address.family().as_str().as_bytes());
            out.push(b' ');
            address.write(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_an_address() {
        for text in ["53020", "53020 IN IP4 126.16.64.4", "53020 IN IP6 2001:2345:6789::1"] {
            let mut out = Vec::new();
            Rtcp::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        for text in ["", "x", "65536", "1 IN", "1 IN IP4", "1 AF IP4 1.2.3.4", "1 IN IP4 1.2.3.4 5"]
        {
            assert!(Rtcp::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
