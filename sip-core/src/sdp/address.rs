//! Addresses of `o=`, `c=` and `a=rtcp`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::grammar::write_number;
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

/// An Internet address or host name with its type, written back as it came.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    family: AddressFamily,
    ip: Option<IpAddr>,
    /// As written, unless it is an IPv4 address, which is written in one way only.
    text: Option<Text>,
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

    /// The host name, unless an IP address stands here.
    pub fn name(&self) -> Option<&Text> {
        self.text.as_ref().filter(|_| self.ip.is_none())
    }

    /// A host name to be looked up in DNS (A for [`AddressFamily::V4`], AAAA for [`AddressFamily::V6`]).
    pub fn host_name(family: AddressFamily, name: Text) -> Option<Self> {
        is_host_name(name.as_bytes()).then_some(Self { family, text: Some(name), ip: None })
    }

    #[inline]
    pub(super) const fn ipv4(ip: Ipv4Addr) -> Self {
        Self { family: AddressFamily::V4, ip: Some(IpAddr::V4(ip)), text: None }
    }

    /// `None` when the text is neither an address of that type nor a host name. `share` makes a text of it.
    pub(in crate::sdp) fn parse(
        family: AddressFamily,
        text: &[u8],
        share: impl FnOnce(&[u8]) -> Text,
    ) -> Option<Self> {
        match (family, parse_ip(text)) {
            (AddressFamily::V4, ip @ Some(IpAddr::V4(_))) => Some(Self { family, ip, text: None }),
            (AddressFamily::V6, ip @ Some(IpAddr::V6(_))) => {
                Some(Self { family, ip, text: Some(share(text)) })
            }
            (_, None) => Self::host_name(family, share(text)),
            _ => None,
        }
    }

    /// As [`parse`](Self::parse), and lets an address of the other type or any word pass: `o=` carries
    /// nothing that anyone routes by, and peers put anything there.
    pub(super) fn parse_lenient(
        family: AddressFamily,
        text: &[u8],
        share: impl FnOnce(&[u8]) -> Text,
    ) -> Self {
        let ip = parse_ip(text);
        let v4 = matches!((family, ip), (AddressFamily::V4, Some(IpAddr::V4(_))));
        Self { family, ip, text: (!v4).then(|| share(text)) }
    }

    /// Writes the address alone.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match (&self.text, self.ip) {
            (Some(text), _) => out.extend_from_slice(text.as_bytes()),
            (None, Some(IpAddr::V4(ip))) => {
                for (at, octet) in ip.octets().into_iter().enumerate() {
                    if at > 0 {
                        out.push(b'.');
                    }
                    write_number(out, octet.into());
                }
            }
            (None, ip) => ip.iter().for_each(|ip| out.extend_from_slice(ip.to_string().as_bytes())),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::ipv4(ip),
            IpAddr::V6(_) => {
                let text = Some(Text::sanitized(&ip.to_string()));
                Self { family: AddressFamily::V6, ip: Some(ip), text }
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN {} ", self.family.as_str())?;
        match (&self.text, self.ip) {
            (Some(text), _) => fmt::Display::fmt(text, f),
            (None, Some(ip)) => fmt::Display::fmt(&ip, f),
            (None, None) => Ok(()),
        }
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
    #[inline]
    pub(super) const fn ipv4(ip: Ipv4Addr) -> Self {
        Self { address: Address::ipv4(ip), ttl: None, count: None }
    }

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
fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    if let Some(ip) = parse_ipv4(text) {
        return Some(IpAddr::V4(ip));
    }
    if !text.contains(&b':') {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// Four decimal octets without leading zeros, as the standard library has it, several times faster.
fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    ipv4_prefix(text).filter(|(_, rest)| rest.is_empty()).map(|(ip, _)| ip)
}

/// Such an address with which the text begins, and what follows its last digit.
pub(super) fn ipv4_prefix(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (mut rest, mut address) = (text, 0u32);
    for dots in 0..4 {
        if dots > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digit = |digit: &u8| u32::from(digit - b'0');
        let octet;
        (octet, rest) = match rest {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                (digit(a) * 100 + digit(b) * 10 + digit(c), rest)
            }
            [a @ b'1'..=b'9', b @ b'0'..=b'9', rest @ ..] => (digit(a) * 10 + digit(b), rest),
            [a @ b'0'..=b'9', rest @ ..] => (digit(a), rest),
            _ => return None,
        };
        if octet > 255 {
            return None;
        }
        address = address << 8 | octet;
    }
    Some((Ipv4Addr::from(address), rest))
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
    use crate::sdp::grammar::own;

    fn parse(family: AddressFamily, text: &str) -> Option<Address> {
        Address::parse(family, text.as_bytes(), own)
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
    fn ipv4_as_the_standard_library_reads_it() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "01.1.1.1",
            "1..1.1",
            "",
            "+1.1.1.1",
        ] {
            assert_eq!(parse_ipv4(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn the_text_is_kept() {
        assert_eq!(
            parse(AddressFamily::V6, "2001:DB8:0::1").unwrap().to_string(),
            "IN IP6 2001:DB8:0::1"
        );
    }
}
