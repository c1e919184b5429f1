use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// An address of Ethernet, 48 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacAddress(pub [u8; 6]);

/// Text that is no MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a MAC address: expected six pairs of hexadecimal digits with colons between")]
pub struct MacSyntax;

impl MacAddress {
    /// All ones: every station.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether it names a group of stations; broadcast is one.
    #[inline]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether a station may send from it: neither a group nor zero.
    #[inline]
    pub fn is_station(self) -> bool {
        !self.is_group() && self.0 != [0; 6]
    }

    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for MacAddress {
    type Err = MacSyntax;

    fn from_str(text: &str) -> Result<Self, MacSyntax> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or(MacSyntax)?;
            if part.len() != 2 || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(MacSyntax);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| MacSyntax)?;
        }
        if parts.next().is_some() { Err(MacSyntax) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_kinds() {
        let mac: MacAddress = "02:00:5E:10:00:fF".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:5e:10:00:ff");
        assert!(mac.is_station() && !mac.is_group());
        assert!(MacAddress::BROADCAST.is_group() && !MacAddress::BROADCAST.is_station());
        assert!(!MacAddress::default().is_station());
        for text in
            ["", "02:00:5e:10:00", "02:00:5e:10:00:ff:00", "2:0:5e:10:0:ff", "+2:00:00:00:00:00"]
        {
            assert_eq!(text.parse::<MacAddress>(), Err(MacSyntax), "{text}");
        }
    }
}
