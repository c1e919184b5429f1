//! Addresses of `o=`, `c=` and `a=rtcp`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::Text;

/// Address type of the Internet: `IP4` or `IP6` (RFC 8866 §8.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// `IP4`
    V4,
    /// `IP6`
    V6,
}

impl AddressFamily {
    /// `IP4` or `IP6`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IP4",
            Self::V6 => "IP6",
        }
    }

    pub(in crate::sdp) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"IP4" => Some(Self::V4),
            b"IP6" => Some(Self::V6),
            _ => None,
        }
    }
}

/// An Internet address or host name with its type; the text is kept as it came.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    family: AddressFamily,
    text: Text,
    ip: Option<IpAddr>,
}

impl Address {
    /// The address type.
    pub fn family(&self) -> AddressFamily {
        self.family
    }

    /// The IP address, unless a host name stands here.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The address as written.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// A host name to be looked up in DNS (A for [`AddressFamily::V4`], AAAA for [`AddressFamily::V6`]).
    pub fn host_name(family: AddressFamily, name: Text) -> Option<Self> {
        is_host_name(name.as_bytes()).then_some(Self { family, text: name, ip: None })
    }

    /// `None` when the text is neither an address of that type nor a host name.
    pub(in crate::sdp) fn parse(family: AddressFamily, text: Text) -> Option<Self> {
        let ip = parse_ip(text.as_bytes());
        match (family, ip) {
            (AddressFamily::V4, Some(IpAddr::V4(_))) | (AddressFamily::V6, Some(IpAddr::V6(_))) => {
                Some(Self { family, text, ip })
            }
            (_, None) => Self::host_name(family, text),
            _ => None,
        }
    }

    /// As [`parse`](Self::parse), and lets an address of the other type or any word pass: `o=` carries
    /// nothing that anyone routes by, and peers put anything there.
    pub(super) fn parse_lenient(family: AddressFamily, text: Text) -> Self {
        let ip = parse_ip(text.as_bytes());
        Self { family, text, ip }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        let family = match ip {
            IpAddr::V4(_) => AddressFamily::V4,
            IpAddr::V6(_) => AddressFamily::V6,
        };
        Self { family, text: Text::sanitized(&ip.to_string()), ip: Some(ip) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN {} {}", self.family.as_str(), self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A `c=` line (RFC 8866 §5.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Where media are wanted.
    pub address: Address,
    /// Time to live of an IPv4 multicast address.
    pub ttl: Option<u8>,
    /// Number of consecutive multicast addresses.
    pub count: Option<u32>,
}

impl Connection {
    /// Whether the address asks for silence: `0.0.0.0`, or `::` (RFC 3264 §8.4).
    pub fn is_hold(&self) -> bool {
        self.address.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

impl From<IpAddr> for Connection {
    fn from(ip: IpAddr) -> Self {
        Self { address: ip.into(), ttl: None, count: None }
    }
}

/// The IP address in a text, not in brackets.
pub(super) fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?;
    if memchr::memchr(b':', text.as_bytes()).is_some() {
        text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    } else {
        text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }
}

/// Letters, digits, hyphens and dots, with a letter somewhere in the last label: `10.0.0.999` is a broken
/// address, not a name.
fn is_host_name(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !text.is_empty()
        && text.len() <= 253
        && text
            .split(|&b| b == b'.')
            .all(|label| !label.is_empty() && label.len() <= 63 && label.iter().all(allowed))
        && text
            .rsplit(|&b| b == b'.')
            .next()
            .is_some_and(|last| last.iter().any(|b| b.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(family: AddressFamily, text: &str) -> Option<Address> {
        Address::parse(family, Text::try_from(text).unwrap())
    }

    #[test]
    fn addresses_and_names() {
        assert!(parse(AddressFamily::V4, "192.0.2.1").unwrap().ip().is_some());
        assert!(parse(AddressFamily::V6, "2001:DB8::1").unwrap().ip().is_some());
        assert!(parse(AddressFamily::V4, "ua1.example.com").unwrap().ip().is_none());
        assert!(parse(AddressFamily::V4, "localhost").is_some());
        for broken in ["", "192.0.2.999", "1.2.3", "a..b", "-.", "2001:db8::1", "a b", "[::1]"] {
            assert!(parse(AddressFamily::V4, broken).is_none(), "{broken}");
        }
        assert!(parse(AddressFamily::V6, "192.0.2.1").is_none());
    }

    #[test]
    fn the_text_is_kept() {
        assert_eq!(
            parse(AddressFamily::V6, "2001:DB8:0::1").unwrap().to_string(),
            "IN IP6 2001:DB8:0::1"
        );
    }
}
