use thiserror::Error;

/// What a [`PacketPool`](super::PacketPool) is made of.
///
/// The memory taken is `slots` times `slot_size` rounded up to whole cache lines (64 bytes), and one line
/// more where that is a multiple of 512, so that the slots spread over the processor's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many packets may be alive at once; at least 1. Default 1024.
    pub slots: usize,
    /// Bytes in a slot, headroom included; at least 1. Default 2048, which holds an Ethernet frame of
    /// the usual MTU with room to spare.
    pub slot_size: usize,
    /// Bytes left free before the packet, for headers written later; less than `slot_size`.
    /// Default 64, enough for Ethernet with a VLAN tag, IPv6 and UDP.
    pub headroom: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { slots: 1024, slot_size: 2048, headroom: 64 }
    }
}

/// Why a pool could not be made. All but [`PoolError::OutOfMemory`] are mistakes in the
/// configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// `slots` is zero.
    #[error("a packet pool needs at least one slot")]
    NoSlots,
    /// The headroom leaves no byte for a packet.
    #[error("a headroom of {headroom} bytes leaves no room in a slot of {slot_size}")]
    NoPayload {
        /// The headroom asked for.
        headroom: usize,
        /// The slot size asked for.
        slot_size: usize,
    },
    /// The pool would not fit the address space, or has more slots, or larger ones, than 32 bits count.
    #[error("{slots} slots of {slot_size} bytes are more than this machine can address")]
    TooLarge {
        /// The slots asked for.
        slots: usize,
        /// The slot size asked for.
        slot_size: usize,
    },
    /// The allocator refused.
    #[error("no memory for a packet pool of {bytes} bytes")]
    OutOfMemory {
        /// The size of the allocation that failed.
        bytes: usize,
    },
}
