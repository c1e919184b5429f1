//! Socket addresses and control messages as the kernel lays them out, read and written byte by byte.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;

/// Room for a `sockaddr_in` or a `sockaddr_in6`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(8))]
pub(super) struct Name([u8; Name::LEN]);

impl Name {
    pub(super) const LEN: usize = 28;

    /// Writes an address as the kernel wants it, and returns its length.
    #[inline]
    pub(super) fn set(&mut self, address: SocketAddr) -> u32 {
        let bytes = &mut self.0;
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(address) => {
                bytes[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
                bytes[4..8].copy_from_slice(&address.ip().octets());
                // The kernel does not look at the rest.
                16
            }
            SocketAddr::V6(address) => {
                bytes[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
                bytes[4..8].copy_from_slice(&address.flowinfo().to_be_bytes());
                bytes[8..24].copy_from_slice(&address.ip().octets());
                bytes[24..28].copy_from_slice(&address.scope_id().to_ne_bytes());
                28
            }
        }
    }

    #[inline]
    pub(super) fn address(&self) -> Option<SocketAddr> {
        Self::read(&self.0)
    }

    /// The address in the kernel's bytes.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<SocketAddr> {
        let family = i32::from(u16::from_ne_bytes(*bytes.first_chunk()?));
        let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
        if family == libc::AF_INET {
            let ip = Ipv4Addr::from(*bytes.get(4..)?.first_chunk::<4>()?);
            Some(SocketAddrV4::new(ip, port).into())
        } else if family == libc::AF_INET6 {
            let flow = u32::from_be_bytes(*bytes.get(4..)?.first_chunk()?);
            let ip = Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?);
            let scope = u32::from_ne_bytes(*bytes.get(24..)?.first_chunk()?);
            Some(SocketAddrV6::new(ip, port, flow, scope).into())
        } else {
            None
        }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.0.as_mut_ptr().cast()
    }
}

/// Room for the control messages of one packet.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control(pub(super) [u8; Control::LEN]);

impl Default for Control {
    fn default() -> Self {
        Self([0; Self::LEN])
    }
}

/// What the kernel says about a received packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Notes {
    /// When it came, since the Unix epoch.
    pub(super) received: Option<Duration>,
    /// Bytes of each datagram in it, when it is several.
    pub(super) segment: Option<u16>,
    /// Datagrams that the socket dropped since it was made (wraps).
    pub(super) dropped: Option<u32>,
}

/// `struct cmsghdr` on 64 and 32 bits: length, level, type.
const WORD: usize = size_of::<usize>();
const HEADER: usize = (WORD + 8).next_multiple_of(WORD);

impl Control {
    /// A timestamp, a count of drops, a segment size.
    pub(super) const LEN: usize = 96;

    /// Writes the control message that asks for segmentation, and returns its length.
    pub(super) fn set_segments(&mut self, size: u16) -> usize {
        let bytes = &mut self.0;
        bytes[..WORD].copy_from_slice(&(HEADER + 2).to_ne_bytes());
        bytes[WORD..WORD + 4].copy_from_slice(&libc::SOL_UDP.to_ne_bytes());
        bytes[WORD + 4..WORD + 8].copy_from_slice(&libc::UDP_SEGMENT.to_ne_bytes());
        bytes[HEADER..HEADER + 2].copy_from_slice(&size.to_ne_bytes());
        (HEADER + 2).next_multiple_of(WORD)
    }

    /// Reads what the kernel wrote.
    #[inline]
    pub(super) fn notes(mut bytes: &[u8]) -> Notes {
        let mut notes = Notes::default();
        while let Some((len, level, kind, data)) = control_message(bytes) {
            let int = |data: &[u8]| data.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
            match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => notes.received = timestamp(data),
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    notes.dropped = int(data).map(|n| n as u32)
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    notes.segment = int(data).and_then(|size| size.try_into().ok());
                }
                _ => {}
            }
            bytes = bytes.get(len.next_multiple_of(WORD)..).unwrap_or(&[]);
        }
        notes
    }
}

#[inline]
fn control_message(bytes: &[u8]) -> Option<(usize, i32, i32, &[u8])> {
    let len = usize::from_ne_bytes(*bytes.first_chunk()?);
    let level = i32::from_ne_bytes(*bytes.get(WORD..)?.first_chunk()?);
    let kind = i32::from_ne_bytes(*bytes.get(WORD + 4..)?.first_chunk()?);
    Some((len, level, kind, bytes.get(HEADER..len)?))
}

/// A `struct timespec`.
fn timestamp(data: &[u8]) -> Option<Duration> {
    let word = |at: usize| -> Option<u64> {
        let word = usize::from_ne_bytes(*data.get(at * WORD..)?.first_chunk()?);
        Some(word as u64)
    };
    Some(Duration::new(word(0)?, u32::try_from(word(1)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_survive() {
        // One after the other in the same place: nothing of the last one is left.
        let mut name = Name::default();
        for text in ["127.0.0.1:5060", "[2001:db8::1]:65535", "[fe80::1%3]:9", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            name.set(address);
            assert_eq!(name.address(), Some(address), "{text}");
        }
        assert_eq!(Name::default().address(), None);
    }

    #[test]
    fn notes_of_the_kernel() {
        let mut bytes = Vec::new();
        let mut add = |level: i32, kind: i32, data: &[u8]| {
            bytes.extend((HEADER + data.len()).to_ne_bytes());
            bytes.extend(level.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(data);
            bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        };
        let stamp = [1_700_000_000_usize.to_ne_bytes(), 5_usize.to_ne_bytes()].concat();
        add(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &stamp);
        add(libc::SOL_IP, libc::IP_TTL, &64_i32.to_ne_bytes());
        add(libc::SOL_UDP, libc::UDP_GRO, &172_i32.to_ne_bytes());
        add(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, &7_u32.to_ne_bytes());
        let notes = Control::notes(&bytes);
        assert_eq!(notes.received, Some(Duration::new(1_700_000_000, 5)));
        assert_eq!((notes.segment, notes.dropped), (Some(172), Some(7)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_on(bytes: Vec<u8>) {
            Control::notes(&bytes);
            Name::read(&bytes);
        }
    }
}
