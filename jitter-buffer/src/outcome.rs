/// What became of a packet given to [`JitterBuffer::push`](crate::JitterBuffer::push).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PushOutcome {
    /// It waits for its playout.
    Queued,
    /// It waits for its playout, and as it did not continue what came before, a new timeline begins
    /// with it. Frames queued earlier are played first.
    Reanchored(Reanchor),
    /// Its sequence number is far from the others, or its source was left for another not long ago. It
    /// is kept aside: the packet after it confirms that the sender restarted or is back, any other
    /// discards it.
    Held,
    /// Its playout time has passed; the payload was dropped.
    Late,
    /// A packet of this sequence number was here before; the payload was dropped.
    Duplicate,
}

impl PushOutcome {
    /// Whether the packet waits for its playout.
    pub fn is_queued(self) -> bool {
        matches!(self, Self::Queued | Self::Reanchored(_))
    }
}

/// Why a new timeline began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reanchor {
    /// The packets come from another source (SSRC).
    Ssrc,
    /// The sender restarted its sequence numbers (RFC 3550 Appendix A.1: two packets in sequence).
    Sequence,
    /// The timestamp jumped back, or ahead by more than time can have passed.
    Timestamp,
    /// The path became slower by so much that packets came late only.
    Delay,
}
