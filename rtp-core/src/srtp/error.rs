//! Why a packet was not protected or not taken.

use crate::packet::PacketError;

/// Why a packet was not protected or not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// The header cannot be read: the peer's fault, or the caller's when protecting.
    #[error(transparent)]
    Header(#[from] PacketError),
    /// Shorter than header, tag and index together: the peer's fault.
    #[error("SRTP packet of {len} octets needs at least {needed}")]
    Truncated {
        /// Octets that a packet of this policy has at least.
        needed: usize,
        /// Octets there are.
        len: usize,
    },
    /// The tag is not that of this packet: the peer's fault, or an attack.
    #[error("SRTP authentication failed")]
    Authentication,
    /// The packet has been taken before: an attack, or a network that repeats packets.
    #[error("SRTP packet was received before")]
    Replayed,
    /// The packet is too far behind the newest to know whether it has been taken before.
    #[error("SRTP packet is older than the replay window")]
    TooOld,
    /// No key bears the packet's master key identifier: the peer's fault.
    #[error("SRTP packet names a master key that is not known")]
    UnknownMki,
    /// No room behind the packet for what protecting adds: the caller's misuse.
    #[error("protecting needs a buffer of {needed} octets, this one has {len}")]
    BufferTooSmall {
        /// Octets that the protected packet takes.
        needed: usize,
        /// Octets there are.
        len: usize,
    },
    /// The sequence number has been used for another packet, or is too old to tell: the caller's
    /// misuse. Going on would encrypt two packets with one keystream. To repeat a packet, send its
    /// protected form again.
    #[error("sequence number {0} was protected before")]
    SequenceReused(u16),
    /// More octets than a keystream has (2^20): the caller's misuse.
    #[error("packet of {0} octets is longer than an SRTP keystream")]
    TooLong(usize),
    /// The master key has protected as many packets as it may: a limit. A new key is needed.
    #[error("SRTP master key has reached the end of its lifetime")]
    KeyExpired,
    /// The packet index of this stream has reached its end (2^48 packets, 2^31 of RTCP): a limit. A
    /// new key is needed.
    #[error("SRTP packet index is exhausted")]
    IndexExhausted,
    /// One SSRC more than the configuration allows: a limit.
    #[error("more than {0} SRTP streams")]
    TooManyStreams(usize),
}
