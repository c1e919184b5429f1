//! Hosts and ports (RFC 3261 §25.1; IPv6 text by RFC 5118 and RFC 5954).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, class, is, put_number, str};

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
        let mut cursor = Cursor::new(text);
        let host = RawHost::read(&mut cursor)?.to_ref();
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Host, cursor.at()));
        }
        Ok(host)
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
        self.put(f)
    }
}

impl HostRef<'_> {
    /// Appends the text.
    pub(crate) fn put(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            HostRef::Name(name) => out.write_str(name),
            HostRef::V4(address) => put_ipv4(*address, out),
            HostRef::V6(address) => write!(out, "[{address}]"),
        }
    }
}

fn put_ipv4(address: Ipv4Addr, out: &mut impl fmt::Write) -> fmt::Result {
    let (text, length) = ipv4_text(address);
    out.write_str(str(text.get(..length).unwrap_or_default()))
}

/// Appends an address.
pub(crate) fn write_ipv4(address: Ipv4Addr, out: &mut Vec<u8>) {
    let (text, length) = ipv4_text(address);
    out.extend_from_slice(text.get(..length).unwrap_or_default());
}

/// The text of an address, and how long that is. The formatter of the standard library takes
/// several times as long.
#[inline]
fn ipv4_text(address: Ipv4Addr) -> ([u8; 16], usize) {
    // "255.255.255.255", with a dot more.
    let mut text = [0; 16];
    let mut at = 0;
    for octet in address.octets() {
        if let Some(place) = text.get_mut(at..at + 4) {
            place.copy_from_slice(&OCTETS[usize::from(octet)]);
        }
        at += 2 + usize::from(octet >= 10) + usize::from(octet >= 100);
    }
    (text, at - 1)
}

/// Each octet with a dot behind it.
static OCTETS: [[u8; 4]; 256] = {
    let mut table = [[0; 4]; 256];
    let mut octet = 0;
    while octet < 256 {
        let ones = b'0' + (octet % 10) as u8;
        let tens = b'0' + (octet / 10 % 10) as u8;
        table[octet] = match octet {
            0..10 => [ones, b'.', 0, 0],
            10..100 => [tens, ones, b'.', 0],
            _ => [b'0' + (octet / 100) as u8, tens, ones, b'.'],
        };
        octet += 1;
    }
    table
};

/// A host read in place, its name not yet text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawHost<'a> {
    Name(&'a [u8]),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl<'a> RawHost<'a> {
    /// Reads a host and stops behind it. A name is of labels of letters, digits, hyphens and
    /// underscores, and may end in one dot. What ends in a label of digits alone can only be an
    /// address: see toplabel in §25.1.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<RawHost<'a>, ValueError> {
        let whole = cursor.rest();
        if let [b'0'..=b'9', ..] = whole {
            if let Some((address, rest)) = ipv4(whole)
                && !rest.first().is_some_and(|byte| is(*byte, class::HOST))
            {
                cursor.set_rest(rest);
                return Ok(RawHost::V4(address));
            }
            return RawHost::read_any(cursor);
        }
        let name = cursor.run(class::HOST);
        if let [b'a'..=b'z' | b'A'..=b'Z', .., b'a'..=b'z' | b'A'..=b'Z'] = name
            && labels_are_apart(name)
        {
            return Ok(RawHost::Name(name));
        }
        cursor.set_rest(whole);
        RawHost::read_any(cursor)
    }

    /// The same for IPv6 addresses, and for names of less plain form.
    fn read_any(cursor: &mut Cursor<'a>) -> Result<RawHost<'a>, ValueError> {
        if let [b'[', ..] = cursor.rest() {
            return RawHost::read_v6(cursor);
        }
        let whole = cursor.rest();
        let name = cursor.run(class::HOST);
        let labels = name.strip_suffix(b".").unwrap_or(name);
        let is_name = labels_are_apart(labels)
            && !matches!(labels, [] | [b'.' | b'-', ..] | [.., b'.' | b'-'])
            && labels
                .rsplit(|byte| *byte == b'.')
                .next()
                .is_some_and(|top| !top.iter().all(u8::is_ascii_digit));
        if is_name { Ok(RawHost::Name(name)) } else { Err(RawHost::back(cursor, whole)) }
    }

    #[cold]
    fn read_v6(cursor: &mut Cursor<'a>) -> Result<RawHost<'a>, ValueError> {
        let whole = cursor.rest();
        cursor.eat(b'[');
        match ipv6(str(cursor.run(class::IPV6))) {
            Some(address) if cursor.eat(b']') => Ok(RawHost::V6(address)),
            _ => Err(RawHost::back(cursor, whole)),
        }
    }

    #[cold]
    fn back(cursor: &mut Cursor<'a>, to: &'a [u8]) -> ValueError {
        cursor.set_rest(to);
        ValueError::new(ValueErrorKind::Host, cursor.at())
    }

    pub(crate) fn to_ref(self) -> HostRef<'a> {
        match self {
            RawHost::Name(name) => HostRef::Name(str(name)),
            RawHost::V4(address) => HostRef::V4(address),
            RawHost::V6(address) => HostRef::V6(address),
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
        let mut cursor = Cursor::new(text.as_ref());
        let host = RawHost::read(&mut cursor)?.to_ref().to_host();
        let port = port(&mut cursor)?;
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Trailing, cursor.at()));
        }
        Ok(HostPort { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.put(f)
    }
}

impl HostPort {
    /// Appends the text.
    pub(crate) fn put(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.host.as_ref().put(out)?;
        if let Some(port) = self.port {
            out.write_str(":")?;
            put_number(out, port.into())?;
        }
        Ok(())
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
#[inline]
pub(crate) fn port(cursor: &mut Cursor<'_>) -> Result<Option<u16>, ValueError> {
    if !cursor.eat(b':') {
        return Ok(None);
    }
    let at = cursor.at();
    let number = cursor.number(u64::from(u16::MAX))?;
    u16::try_from(number).map(Some).map_err(|_| ValueError::new(ValueErrorKind::Range, at))
}

/// Whether no two dots, nor a dot and a hyphen, stand side by side in a text of host characters.
#[inline]
fn labels_are_apart(name: &[u8]) -> bool {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // Of those characters, only dots and hyphens are below the digits.
    const DIGITS: u64 = u64::from_le_bytes([b'0'; 8]);
    let suspect = |word: &[u8; 8]| {
        let marks = !((u64::from_le_bytes(*word) | HIGH) - DIGITS) & HIGH;
        marks & marks << 8 != 0
    };
    let mut rest = name;
    while let Some(word) = rest.first_chunk() {
        if suspect(word) {
            return apart_by_pairs(name);
        }
        // The last of these is the first of the next pair.
        rest = rest.get(7..).unwrap_or_default();
    }
    match name.last_chunk() {
        Some(word) if !suspect(word) => true,
        _ => apart_by_pairs(name),
    }
}

fn apart_by_pairs(name: &[u8]) -> bool {
    !name.windows(2).any(|pair| matches!(pair, b".." | b".-" | b"-."))
}

/// An IPv4 address and what follows it: `1*3DIGIT "." …`, so leading zeros are decimal, as the
/// grammar has it.
fn ipv4(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0u8; 4];
    let mut rest = text;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let [digit @ b'0'..=b'9', after @ ..] = rest else { return None };
        let mut number = u32::from(digit - b'0');
        rest = after;
        for _ in 0..2 {
            let [digit @ b'0'..=b'9', after @ ..] = rest else { break };
            number = number * 10 + u32::from(digit - b'0');
            rest = after;
        }
        *octet = u8::try_from(number).ok()?;
    }
    Some((Ipv4Addr::from(octets), rest))
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
    fn every_octet_is_written() {
        for octet in 0..=255u8 {
            let address = Ipv4Addr::new(octet, 0, 255 - octet, octet);
            assert_eq!(Host::V4(address).to_string(), address.to_string());
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
