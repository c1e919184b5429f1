//! The Internet checksum (RFC 1071), and how it follows a change without being computed anew (RFC 1624).

use core::net::IpAddr;

/// The checksum of `bytes`, as it is written: the complement of the sum.
pub fn of(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// The checksum of a TCP, UDP or ICMPv6 segment together with the pseudo header of its addresses. The
/// addresses are of one family. A UDP checksum of 0 is written as `0xffff` (RFC 768).
pub fn with_pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    segment: &[u8],
) -> u16 {
    let address = |address| match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    };
    let len = segment.len() as u32;
    let len = (len >> 16) + (len & 0xffff);
    !fold(
        address(source)
            + address(destination)
            + u64::from(protocol)
            + u64::from(len)
            + sum(segment),
    )
}

/// The checksum after a word that it covers changed from `old` to `new` (RFC 1624, equation 3).
#[inline]
pub fn update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

/// The checksum after bytes that it covers changed, from a word's border on and in length alike.
pub fn update_bytes(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    let not_old: u64 = words(old).map(|word| u64::from(!word)).sum();
    !fold(u64::from(!checksum) + not_old + sum(new))
}

fn sum(bytes: &[u8]) -> u64 {
    words(bytes).map(u64::from).sum()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks(2).map(|word| u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]))
}

#[inline]
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// What a receiver does: the sum over everything, checksum included, is all ones.
    fn verifies(bytes: &[u8]) -> bool {
        fold(sum(bytes)) == 0xffff
    }

    #[test]
    fn example_of_rfc_1071() {
        assert_eq!(of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn example_of_rfc_1624() {
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    proptest! {
        #[test]
        fn an_update_is_as_good_as_anew(bytes in prop::collection::vec(any::<u8>(), 4..60), at: prop::sample::Index, new: [u8; 2]) {
            let mut bytes: Vec<u8> = bytes;
            bytes[..2].fill(0);
            let checksum = of(&bytes);
            bytes[..2].copy_from_slice(&checksum.to_be_bytes());
            prop_assert!(verifies(&bytes));
            let at = 2 + at.index(bytes.len() / 2 - 1) * 2;
            let old = [bytes[at], bytes[at + 1]];
            bytes[at..at + 2].copy_from_slice(&new);
            for updated in [
                update(checksum, u16::from_be_bytes(old), u16::from_be_bytes(new)),
                update_bytes(checksum, &old, &new),
            ] {
                bytes[..2].copy_from_slice(&updated.to_be_bytes());
                prop_assert!(verifies(&bytes), "{checksum:04x} {updated:04x}");
            }
        }
    }
}
