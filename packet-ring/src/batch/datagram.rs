use core::net::SocketAddr;
use core::time::Duration;

use crate::pool::PacketBuf;

/// A socket of a [`UdpIo`](super::UdpIo), or an interface of an `AfPacket`. Numbers are given anew
/// after removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// A packet and where it came from, or where it goes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Datagram {
    /// The socket or interface it came by or leaves by.
    pub socket: SocketId,
    /// Its source when received, its destination when sent. `None` for whole frames.
    pub peer: Option<SocketAddr>,
    /// The packet.
    pub packet: PacketBuf,
    /// When the kernel received it, since the Unix epoch; `None` when not known.
    pub received: Option<Duration>,
    /// What is left for the sending interface to do to a frame.
    pub offload: Option<Offload>,
}

impl Datagram {
    /// A datagram to be sent.
    #[inline]
    pub fn to(socket: SocketId, peer: SocketAddr, packet: PacketBuf) -> Self {
        Self { socket, peer: Some(peer), packet, received: None, offload: None }
    }

    /// A frame to be sent.
    pub fn frame(interface: SocketId, packet: PacketBuf) -> Self {
        Self { socket: interface, peer: None, packet, received: None, offload: None }
    }
}

/// Work that a virtual interface left undone because the frame never touched a wire: a checksum not yet
/// computed, a segment of many packets not yet cut. It goes with the frame and is passed on unread, in the
/// layout of virtio's network header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offload(pub(super) [u8; Self::LEN]);

impl Offload {
    pub(super) const LEN: usize = 10;

    /// Whether the frame is to be cut into several packets, and so may be longer than the MTU.
    pub fn is_segmented(&self) -> bool {
        self.0[1] != 0
    }

    /// Notes that the network and transport headers moved by `bytes` away from the frame's start, as when
    /// a VLAN tag was put in (or, negative, taken out).
    pub fn shift(&mut self, bytes: i16) {
        // Header length and the place of the checksum; zero means not used.
        for at in [2, 6] {
            let field = u16::from_ne_bytes([self.0[at], self.0[at + 1]]);
            if field != 0 {
                let moved = field.saturating_add_signed(bytes);
                self.0[at..at + 2].copy_from_slice(&moved.to_ne_bytes());
            }
        }
    }
}
