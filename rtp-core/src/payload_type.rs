//! Payload types (RFC 3550 section 5.1, RFC 3551 section 6) and sets of them.

use core::fmt;

/// What the payload of a packet is: 7 bits, static (RFC 3551) or bound by SDP (96 to 127).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(u8);

impl PayloadType {
    /// G.711 mu-law, 8 kHz.
    pub const PCMU: PayloadType = PayloadType(0);
    /// G.711 A-law, 8 kHz.
    pub const PCMA: PayloadType = PayloadType(8);
    /// Comfort noise, 8 kHz (RFC 3389).
    pub const COMFORT_NOISE: PayloadType = PayloadType(13);

    /// The payload type `value`, or `None` above 127.
    pub const fn new(value: u8) -> Option<PayloadType> {
        if value < 128 { Some(PayloadType(value)) } else { None }
    }

    /// The low seven bits of an octet: how the second octet of an RTP header carries it.
    pub const fn from_octet(octet: u8) -> PayloadType {
        PayloadType(octet & 0x7f)
    }

    /// The number, 0 to 127.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// True for 64 to 95, which RFC 5761 section 4 keeps out of RTP so that RTCP can share a port.
    pub const fn is_rtcp_conflict(self) -> bool {
        self.0 >= 64 && self.0 <= 95
    }
}

impl From<PayloadType> for u8 {
    fn from(payload_type: PayloadType) -> u8 {
        payload_type.0
    }
}

/// The number was above 127 (the caller's mistake).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("payload type {0} is above 127")]
pub struct PayloadTypeOutOfRange(pub u8);

impl TryFrom<u8> for PayloadType {
    type Error = PayloadTypeOutOfRange;

    fn try_from(value: u8) -> Result<PayloadType, PayloadTypeOutOfRange> {
        PayloadType::new(value).ok_or(PayloadTypeOutOfRange(value))
    }
}

impl fmt::Debug for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadType({})", self.0)
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of payload types: 128 bits, copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PayloadTypeSet(u128);

impl PayloadTypeSet {
    /// No payload type.
    pub const EMPTY: PayloadTypeSet = PayloadTypeSet(0);
    /// Every payload type, 0 to 127.
    pub const ALL: PayloadTypeSet = PayloadTypeSet(u128::MAX);

    /// This set with `payload_type` in it.
    #[must_use]
    pub const fn with(self, payload_type: PayloadType) -> PayloadTypeSet {
        PayloadTypeSet(self.0 | 1 << payload_type.0)
    }

    /// Adds `payload_type`.
    pub const fn insert(&mut self, payload_type: PayloadType) {
        self.0 |= 1 << payload_type.0;
    }

    /// Takes `payload_type` out.
    pub const fn remove(&mut self, payload_type: PayloadType) {
        self.0 &= !(1 << payload_type.0);
    }

    /// Is `payload_type` in the set?
    pub const fn contains(self, payload_type: PayloadType) -> bool {
        self.0 >> payload_type.0 & 1 == 1
    }

    /// Is nothing in the set?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in rising order.
    pub fn iter(self) -> impl Iterator<Item = PayloadType> {
        (0..128).map(PayloadType).filter(move |&payload_type| self.contains(payload_type))
    }
}

impl FromIterator<PayloadType> for PayloadTypeSet {
    fn from_iter<I: IntoIterator<Item = PayloadType>>(iter: I) -> PayloadTypeSet {
        iter.into_iter().fold(PayloadTypeSet::EMPTY, PayloadTypeSet::with)
    }
}

impl fmt::Debug for PayloadTypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(PayloadType::value)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn numbers_above_127_are_refused() {
        assert_eq!(PayloadType::new(127).map(PayloadType::value), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(PayloadType::try_from(200), Err(PayloadTypeOutOfRange(200)));
        assert_eq!(PayloadType::from_octet(0x88), PayloadType::PCMA);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let event = PayloadType::from_octet(127);
        let mut set: PayloadTypeSet = [PayloadType::PCMU, event].into_iter().collect();
        assert!(set.contains(event) && !set.contains(PayloadType::PCMA));
        set.insert(PayloadType::PCMA);
        set.remove(PayloadType::PCMU);
        assert_eq!(set.iter().map(u8::from).collect::<Vec<_>>(), [8, 127]);
        assert!(PayloadTypeSet::EMPTY.is_empty() && PayloadTypeSet::ALL.contains(event));
    }
}
