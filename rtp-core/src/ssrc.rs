//! The synchronisation source identifier (RFC 3550 section 3).

use core::fmt;

/// Names one source of a stream of RTP packets: 32 bits, chosen at random by the sender.
///
/// Used for contributing sources (CSRC) too, which are the same identifiers seen through a mixer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ssrc(pub u32);

impl From<u32> for Ssrc {
    fn from(value: u32) -> Ssrc {
        Ssrc(value)
    }
}

impl From<Ssrc> for u32 {
    fn from(ssrc: Ssrc) -> u32 {
        ssrc.0
    }
}

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssrc({:08x})", self.0)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
