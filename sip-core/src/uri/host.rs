//! Hosts and ports (RFC 3261 §25.1; IPv6 text by RFC 5118 and RFC 5954).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, class, is};

/// A host: a name, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A domain name.
    Name(HostName),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    /// Reads a host, IPv6 addresses in brackets.
    ///
    /// # Errors
    ///
    /// When `text` is none.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Host, ValueError> {
        HostRef::parse(text.as_ref()).map(|host| host.to_host())
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// The name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Host::Name(name) => Some(name.as_str()),
            _ => None,
        }
    }

    /// Borrows it.
    pub fn as_ref(&self) -> HostRef<'_> {
        match self {
            Host::Name(name) => HostRef::Name(name.as_str()),
            Host::V4(address) => HostRef::V4(*address),
            Host::V6(address) => HostRef::V6(*address),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl FromStr for Host {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Host::parse(text)
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Host::V4(address),
            IpAddr::V6(address) => Host::V6(address),
        }
    }
}

/// A domain name, checked. Equality ignores case (§7.3.1), the text keeps it.
#[derive(Clone)]
pub struct HostName(Box<str>);

impl HostName {
    /// `None` unless `name` is a host name (an address is none).
    pub fn new(name: &str) -> Option<HostName> {
        match HostRef::parse(name.as_bytes()) {
            Ok(HostRef::Name(name)) => Some(HostName(name.into())),
            _ => None,
        }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HostName {}

impl core::hash::Hash for HostName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A host read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRef<'a> {
    /// A domain name, as it was written.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl<'a> HostRef<'a> {
    /// Reads a host, IPv6 addresses in brackets.
    ///
    /// # Errors
    ///
    /// When `text` is none.
    pub fn parse(text: &'a [u8]) -> Result<HostRef<'a>, ValueError> {
        let mut cursor = Cursor::of(text)?;
        let host = HostRef::read(&mut cursor)?;
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Host, cursor.at()));
        }
        Ok(host)
    }

    /// Reads a host and stops behind it. A name is of labels of letters, digits, hyphens and
    /// underscores; the last starts with a letter, and may be followed by one dot.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<HostRef<'a>, ValueError> {
        let start = cursor.at();
        let error = ValueError::new(ValueErrorKind::Host, start);
        if cursor.eat(b'[') {
            let address = ipv6(cursor.run(class::IPV6)).ok_or(error)?;
            return if cursor.eat(b']') { Ok(HostRef::V6(address)) } else { Err(error) };
        }
        let bytes = cursor.rest().as_bytes();
        let (mut at, mut label, mut top) = (0, 0, 0);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            at += rest.iter().position(|byte| !is(*byte, class::LABEL)).unwrap_or(rest.len());
            if at > label {
                top = label;
            }
            match bytes.get(at) {
                Some(b'.') if at > label && bytes.get(at - 1) != Some(&b'-') => {
                    at += 1;
                    label = at;
                }
                Some(b'-') if at > label => at += 1,
                Some(b'.' | b'-') => return Err(error),
                _ => break,
            }
        }
        if at == 0 || bytes.get(at - 1) == Some(&b'-') {
            return Err(error);
        }
        cursor.advance(at);
        // What ends in a label that starts with a digit can only be an address: see toplabel in
        // §25.1.
        if bytes.get(top).is_some_and(u8::is_ascii_digit) {
            return ipv4(bytes.get(..at).unwrap_or_default()).map(HostRef::V4).ok_or(error);
        }
        Ok(HostRef::Name(cursor.slice(start, start + at)))
    }

    /// Copies it.
    pub fn to_host(&self) -> Host {
        match *self {
            HostRef::Name(name) => Host::Name(HostName(name.into())),
            HostRef::V4(address) => Host::V4(address),
            HostRef::V6(address) => Host::V6(address),
        }
    }
}

impl fmt::Display for HostRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostRef::Name(name) => f.write_str(name),
            HostRef::V4(address) => address.fmt(f),
            HostRef::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// A host, and a port unless it is the default one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port, if one is written.
    pub port: Option<u16>,
}

impl HostPort {
    /// Joins them.
    pub fn new(host: impl Into<Host>, port: Option<u16>) -> HostPort {
        HostPort { host: host.into(), port }
    }

    /// Reads `host [":" port]`.
    ///
    /// # Errors
    ///
    /// When `text` is not that.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<HostPort, ValueError> {
        let mut cursor = Cursor::of(text.as_ref())?;
        let host = HostRef::read(&mut cursor)?.to_host();
        let port = port(&mut cursor)?;
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Trailing, cursor.at()));
        }
        Ok(HostPort { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}

impl FromStr for HostPort {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        HostPort::parse(text)
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        HostPort { host: address.ip().into(), port: Some(address.port()) }
    }
}

/// Reads `[":" port]`.
pub(crate) fn port(cursor: &mut Cursor<'_>) -> Result<Option<u16>, ValueError> {
    if !cursor.eat(b':') {
        return Ok(None);
    }
    let at = cursor.at();
    let number = cursor.number(u64::from(u16::MAX))?;
    u16::try_from(number).map(Some).map_err(|_| ValueError::new(ValueErrorKind::Range, at))
}

/// `1*3DIGIT "." …`, so leading zeros are decimal, as the grammar has it.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 {
            return None;
        }
        let mut number = 0u16;
        for digit in part {
            number = number * 10 + u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        *octet = u8::try_from(number).ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    // RFC 3261's grammar made three colons of two before an IPv4 part (RFC 5118 §4.10).
    let (before, after) = text.split_once(":::")?;
    after.contains('.').then(|| format!("{before}::{after}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        for (text, host) in [
            ("192.0.2.1", Host::V4([192, 0, 2, 1].into())),
            ("010.000.02.1", Host::V4([10, 0, 2, 1].into())),
            ("[2001:db8::10]", Host::V6("2001:db8::10".parse().unwrap())),
            ("[::ffff:192.0.2.10]", Host::V6("::ffff:192.0.2.10".parse().unwrap())),
            ("[2001:db8:::192.0.2.1]", Host::V6("2001:db8::192.0.2.1".parse().unwrap())),
        ] {
            assert_eq!(Host::parse(text), Ok(host), "{text}");
        }
        for name in ["h", "h0", "a-b.c", "example.com.", "1.a", "my_host", "xn--e1afmkfd.xn--p1ai"]
        {
            assert_eq!(Host::parse(name).unwrap().name(), Some(name));
        }
    }

    #[test]
    fn hosts_that_are_none() {
        for text in [
            "",
            ".",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a-.b",
            "a.-b",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "1234",
            "a.1",
            "[::1",
            "[]",
            "[1.2.3.4]",
            "[2001:db8:::1]",
            "a b",
            "a:b",
            "я",
            "[fe80::1%25eth0]",
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(HostPort::parse("h:65535").unwrap().port, Some(65535));
        assert_eq!(HostPort::parse("[::1]:5060").unwrap().to_string(), "[::1]:5060");
        for text in ["h:", "h:65536", "h:-1", "h: 1", "h:5060x"] {
            assert!(HostPort::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_ignore_case() {
        assert_eq!(Host::parse("EXAMPLE.com"), Host::parse("example.COM"));
    }
}
