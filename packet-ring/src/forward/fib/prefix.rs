use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;

/// An address family a [`Fib`](super::Fib) can be of: [`Ipv4Addr`] or [`Ipv6Addr`].
pub trait Address: Copy + Ord + fmt::Debug + fmt::Display + FromStr + Key {}

impl Address for Ipv4Addr {}
impl Address for Ipv6Addr {}

/// An address and how many of its leading bits count. The others are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix<A> {
    address: A,
    len: u8,
}

/// Why something is no prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// More bits than the address has.
    #[error("a prefix length of {len} where addresses have {bits} bits")]
    TooLong {
        /// The length asked for.
        len: u8,
        /// Bits of an address of this family.
        bits: u8,
    },
    /// Text that is not `ADDRESS/LENGTH` or `ADDRESS`.
    #[error("not a prefix: expected ADDRESS/LENGTH")]
    Syntax,
    /// Bits after the prefix are set: `10.0.0.1/8`. [`Prefix::of`] clears them instead.
    #[error("bits after the prefix are set")]
    HostBits,
}

impl<A: Address> Prefix<A> {
    /// The prefix of the first `len` bits of `address`; the others are cleared.
    ///
    /// # Errors
    ///
    /// [`PrefixError::TooLong`].
    pub fn of(address: A, len: u8) -> Result<Self, PrefixError> {
        if len > A::BITS {
            return Err(PrefixError::TooLong { len, bits: A::BITS });
        }
        Ok(Self { address: address.masked(len), len })
    }

    /// The first address.
    pub fn address(&self) -> A {
        self.address
    }

    /// How many bits count, up to 32 or 128.
    #[expect(clippy::len_without_is_empty, reason = "a length of bits, not of a container")]
    pub fn len(&self) -> u8 {
        self.len
    }

    /// Whether `address` begins with the prefix.
    pub fn contains(&self, address: A) -> bool {
        address.masked(self.len) == self.address
    }
}

impl<A: Address> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address alone, which is a prefix of all its bits.
impl<A: Address> FromStr for Prefix<A> {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) if len.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, len.parse().map_err(|_| PrefixError::Syntax)?)
            }
            Some(_) => return Err(PrefixError::Syntax),
            None => (text, A::BITS),
        };
        let address: A = address.parse().map_err(|_| PrefixError::Syntax)?;
        let prefix = Self::of(address, len)?;
        if prefix.address != address {
            return Err(PrefixError::HostBits);
        }
        Ok(prefix)
    }
}

/// Bits of an address that index the direct table.
pub(super) const HEAD_BITS: u8 = 17;
/// Bits of each further step.
pub(super) const PART_BITS: u8 = 7;

/// How the tables see an address; sealed by not being exported.
pub trait Key: Sized {
    /// Bits of an address.
    const BITS: u8;
    /// The first 17 bits.
    fn head(self) -> usize;
    /// The part of 7 bits after the head and `index` others, with zeros behind the last bit of the address.
    fn part(self, index: u8) -> u8;
    /// The first `len` bits, the others zero.
    fn masked(self, len: u8) -> Self;
    /// The first `len` bits, the others one.
    fn filled(self, len: u8) -> Self;
}

macro_rules! key {
    ($address:ty, $int:ty) => {
        impl Key for $address {
            const BITS: u8 = <$int>::BITS as u8;

            #[inline]
            fn head(self) -> usize {
                (self.to_bits() >> (<$int>::BITS - u32::from(HEAD_BITS))) as usize
            }

            #[inline]
            fn part(self, index: u8) -> u8 {
                let at = u32::from(HEAD_BITS) + u32::from(index) * u32::from(PART_BITS);
                let rest = self.to_bits().checked_shl(at).unwrap_or(0);
                (rest >> (<$int>::BITS - u32::from(PART_BITS))) as u8
            }

            fn masked(self, len: u8) -> Self {
                let host = <$int>::MAX.checked_shr(len.into()).unwrap_or(0);
                Self::from_bits(self.to_bits() & !host)
            }

            fn filled(self, len: u8) -> Self {
                let host = <$int>::MAX.checked_shr(len.into()).unwrap_or(0);
                Self::from_bits(self.to_bits() | host)
            }
        }
    };
}

key!(Ipv4Addr, u32);
key!(Ipv6Addr, u128);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_back() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.255/32"] {
            assert_eq!(text.parse::<Prefix<Ipv4Addr>>().unwrap().to_string(), text);
        }
        for text in ["::/0", "2001:db8::/32", "2001:db8::1/128"] {
            assert_eq!(text.parse::<Prefix<Ipv6Addr>>().unwrap().to_string(), text);
        }
        assert_eq!("10.1.2.3".parse::<Prefix<Ipv4Addr>>().unwrap().len(), 32);
        let wrong = |text: &str| text.parse::<Prefix<Ipv4Addr>>().unwrap_err();
        assert_eq!(wrong("10.0.0.1/8"), PrefixError::HostBits);
        assert_eq!(wrong("10.0.0.0/33"), PrefixError::TooLong { len: 33, bits: 32 });
        for text in ["", "/", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/256", "::/0", "10/8"] {
            assert!(text.parse::<Prefix<Ipv4Addr>>().is_err(), "{text}");
        }
    }

    #[test]
    fn parts_of_an_address() {
        let address: Ipv4Addr = "1.2.3.4".parse().unwrap();
        assert_eq!((address.head(), address.part(0), address.part(1)), (0x0102 << 1, 3, 2));
        assert_eq!((address.part(2), address.part(3)), (0, 0));
        assert_eq!(Ipv4Addr::BROADCAST.part(2), 0x40);
        assert_eq!(address.masked(12).octets(), [1, 0, 0, 0]);
        assert_eq!(address.filled(12).octets(), [1, 15, 255, 255]);
        assert_eq!((address.masked(0), address.masked(32)), (Ipv4Addr::UNSPECIFIED, address));
        let address: Ipv6Addr = "2001:db8::ff01".parse().unwrap();
        assert_eq!((address.head(), address.part(0), address.part(1)), (0x2001 << 1, 0x0d, 0x5c));
        assert_eq!((address.part(15), address.part(16)), (2, 0));
        assert_eq!(address.filled(128), address);
        assert!(Prefix::of(address, 32).unwrap().contains("2001:db8:1::".parse().unwrap()));
    }
}
