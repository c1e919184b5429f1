//! The header of an Ethernet frame and its VLAN tag (IEEE 802.3, 802.1Q).

use super::MacAddress;
use crate::pool::{NoRoom, PacketBuf};

/// What follows the header.
pub mod ether_type {
    /// IPv4 (RFC 894).
    pub const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub const ARP: u16 = 0x0806;
    /// A VLAN tag (802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// A service provider's VLAN tag (802.1ad).
    pub const SERVICE_VLAN: u16 = 0x88a8;
    /// IPv6 (RFC 2464).
    pub const IPV6: u16 = 0x86dd;
}

/// Bytes of a header without tag.
pub const HEADER: usize = 14;
/// Bytes of a VLAN tag.
pub const TAG: usize = 4;

/// An 802.1Q tag's control information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VlanTag {
    /// The VLAN, 0 to 4095; 0 is a mere priority.
    pub vlan: u16,
    /// Priority, 0 to 7.
    pub priority: u8,
    /// Whether the frame may be dropped first.
    pub drop_eligible: bool,
}

impl VlanTag {
    /// A tag of this VLAN (its lowest 12 bits) with priority 0.
    pub const fn of(vlan: u16) -> Self {
        Self { vlan: vlan & 0xfff, priority: 0, drop_eligible: false }
    }

    fn of_bits(bits: u16) -> Self {
        Self { vlan: bits & 0xfff, priority: (bits >> 13) as u8, drop_eligible: bits & 0x1000 != 0 }
    }

    fn to_bits(self) -> u16 {
        u16::from(self.priority & 7) << 13 | u16::from(self.drop_eligible) << 12 | self.vlan & 0xfff
    }
}

/// A frame's header, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EthernetHeader {
    /// Who shall get the frame.
    pub destination: MacAddress,
    /// Who sent it.
    pub source: MacAddress,
    /// The outer tag.
    pub tag: Option<VlanTag>,
    /// What follows: see [`ether_type`]. Below 1536 it is a length (802.3).
    pub ether_type: u16,
}

impl EthernetHeader {
    /// Reads the header of a frame. `None` when the frame is shorter than it.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let header = frame.first_chunk::<HEADER>()?;
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] = *header;
        let mut ether_type = u16::from_be_bytes([t0, t1]);
        let mut tag = None;
        if matches!(ether_type, ether_type::VLAN | ether_type::SERVICE_VLAN) {
            let [a, b, c, d] = *frame.get(HEADER..)?.first_chunk::<TAG>()?;
            tag = Some(VlanTag::of_bits(u16::from_be_bytes([a, b])));
            ether_type = u16::from_be_bytes([c, d]);
        }
        Some(Self {
            destination: MacAddress([d0, d1, d2, d3, d4, d5]),
            source: MacAddress([s0, s1, s2, s3, s4, s5]),
            tag,
            ether_type,
        })
    }

    /// Bytes of the header: 14, or 18 with a tag.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub fn len(&self) -> usize {
        HEADER + if self.tag.is_some() { TAG } else { 0 }
    }
}

/// A header ready to be put before packets: made once a next hop, copied for each packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachedHeader {
    bytes: [u8; HEADER + TAG],
    len: u8,
}

impl CachedHeader {
    /// Writes the header.
    pub fn new(header: &EthernetHeader) -> Self {
        let mut bytes = [0; HEADER + TAG];
        bytes[..6].copy_from_slice(&header.destination.0);
        bytes[6..12].copy_from_slice(&header.source.0);
        let mut at = 12;
        if let Some(tag) = header.tag {
            bytes[12..14].copy_from_slice(&ether_type::VLAN.to_be_bytes());
            bytes[14..16].copy_from_slice(&tag.to_bits().to_be_bytes());
            at = 16;
        }
        bytes[at..at + 2].copy_from_slice(&header.ether_type.to_be_bytes());
        Self { bytes, len: at as u8 + 2 }
    }

    /// The header's bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Puts the header before a packet that begins with its network header.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when the headroom does not suffice; nothing changes.
    #[inline]
    pub fn prepend_to(&self, packet: &mut PacketBuf) -> Result<(), NoRoom> {
        let header = self.as_bytes();
        packet.prepend(header.len())?.copy_from_slice(header);
        Ok(())
    }
}

/// Puts a tag into an untagged frame, or another one outside the tag it has.
///
/// # Errors
///
/// [`NoRoom`] when the frame has no header or the buffer no headroom; nothing changes.
pub fn push_tag(frame: &mut PacketBuf, tag: VlanTag) -> Result<(), NoRoom> {
    let Some(addresses) = frame.first_chunk::<12>().copied() else {
        return Err(NoRoom { wanted: HEADER, room: frame.len() });
    };
    frame.prepend(TAG)?;
    let [v0, v1] = ether_type::VLAN.to_be_bytes();
    let [t0, t1] = tag.to_bits().to_be_bytes();
    for (byte, new) in frame.iter_mut().zip(addresses.into_iter().chain([v0, v1, t0, t1])) {
        *byte = new;
    }
    Ok(())
}

/// Takes the outer tag out of a frame, if it has one.
pub fn pop_tag(frame: &mut PacketBuf) -> Option<VlanTag> {
    let tag = EthernetHeader::parse(frame)?.tag?;
    frame.copy_within(..12, TAG);
    frame.trim_front(TAG);
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{PacketPool, PoolConfig};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn packet(bytes: &[u8]) -> PacketBuf {
        let pool = PacketPool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap();
        let mut packet = pool.take().unwrap();
        packet.extend_from_slice(bytes).unwrap();
        packet
    }

    proptest! {
        #[test]
        fn tags_in_and_out(bytes in prop::collection::vec(any::<u8>(), 0..40), vlan in 0_u16..4096, priority in 0_u8..8, drop_eligible: bool) {
            let mut frame = packet(&bytes);
            let tag = VlanTag { vlan, priority, drop_eligible };
            let pushed = push_tag(&mut frame, tag);
            prop_assert_eq!(pushed.is_ok(), bytes.len() >= 12);
            if pushed.is_ok() && bytes.len() >= HEADER {
                prop_assert_eq!(EthernetHeader::parse(&frame).unwrap().tag, Some(tag));
                prop_assert_eq!(pop_tag(&mut frame), Some(tag));
                prop_assert_eq!(&frame[..], &bytes[..]);
            }
        }

        #[test]
        fn a_cached_header_reads_as_meant(destination: [u8; 6], source: [u8; 6], vlan in prop::option::of(0_u16..4096), payload: Vec<u8>) {
            let header = EthernetHeader {
                destination: MacAddress(destination),
                source: MacAddress(source),
                tag: vlan.map(VlanTag::of),
                ether_type: ether_type::IPV6,
            };
            let mut frame = packet(&payload);
            CachedHeader::new(&header).prepend_to(&mut frame).unwrap();
            prop_assert_eq!(EthernetHeader::parse(&frame), Some(header));
            prop_assert_eq!(&frame[header.len()..], &payload[..]);
        }
    }

    #[test]
    fn short_frames_are_no_frames() {
        let frame = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x81, 0, 0, 1, 8];
        assert_eq!(EthernetHeader::parse(&frame), None, "half a tag");
        assert_eq!(EthernetHeader::parse(&frame[..13]), None);
        assert_eq!(pop_tag(&mut packet(&frame)), None);
    }
}
