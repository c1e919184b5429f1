//! The payload format: what one packet says of an event (RFC 4733 section 2.3).

use core::fmt;

/// What happened: 0 to 15 are the DTMF digits, others by IANA's registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventCode(pub u8);

impl EventCode {
    /// A hook flash.
    pub const FLASH: EventCode = EventCode(16);

    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

    /// The code of a digit: `0` to `9`, `*`, `#`, `A` to `D` in either case.
    pub fn from_digit(digit: char) -> Option<EventCode> {
        let digit = digit.to_ascii_uppercase();
        let index = Self::DIGITS.iter().position(|&known| known == digit)?;
        u8::try_from(index).ok().map(EventCode)
    }

    /// The digit that this is, if it is one.
    pub fn digit(self) -> Option<char> {
        Self::DIGITS.get(usize::from(self.0)).copied()
    }
}

impl fmt::Debug for EventCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digit() {
            Some(digit) => write!(f, "EventCode({digit:?})"),
            None => write!(f, "EventCode({})", self.0),
        }
    }
}

/// Four octets of payload: one event, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventReport {
    /// What happens.
    pub code: EventCode,
    /// Has it ended?
    pub end: bool,
    /// Its level below 0 dBm0, in dB, 0 to 63; of meaning for DTMF only.
    pub volume: u8,
    /// How long it has lasted since the packet's timestamp, in ticks of the RTP clock.
    pub duration: u16,
}

impl EventReport {
    /// Octets of a report.
    pub const LEN: usize = 4;

    /// The payload; a volume above 63 is written as 63.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code.0, u8::from(self.end) << 7 | self.volume.min(63), high, low]
    }

    /// The reports of a payload: usually one; contiguous short events may share a packet
    /// (section 2.5.1.5).
    ///
    /// # Errors
    ///
    /// [`EventError`]: the peer's fault; the packet is to be dropped.
    pub fn parse(payload: &[u8]) -> Result<impl ExactSizeIterator<Item = EventReport>, EventError> {
        match payload.as_chunks::<{ EventReport::LEN }>() {
            (reports @ [_, ..], []) => Ok(reports.iter().map(EventReport::from_bytes)),
            _ => Err(EventError::Length(payload.len())),
        }
    }

    fn from_bytes(bytes: &[u8; Self::LEN]) -> EventReport {
        let [code, flags, high, low] = *bytes;
        EventReport {
            code: EventCode(code),
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        }
    }
}

/// Why a payload is no telephone event. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Empty, or not a multiple of four octets.
    #[error("telephone-event payload of {0} octets is not a number of 4-octet reports")]
    Length(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn digits_and_codes_match() {
        for (code, digit) in (0..).zip("0123456789*#ABCD".chars()) {
            assert_eq!(EventCode::from_digit(digit), Some(EventCode(code)));
            assert_eq!(EventCode(code).digit(), Some(digit));
        }
        assert_eq!(EventCode::from_digit('d'), Some(EventCode(15)));
        assert_eq!(EventCode::from_digit('E'), None);
        assert_eq!(EventCode::FLASH.digit(), None);
    }

    #[test]
    fn the_four_octets_are_the_rfcs() {
        let report = EventReport { code: EventCode(11), end: true, volume: 10, duration: 800 };
        assert_eq!(report.to_bytes(), [11, 0x8a, 3, 0x20]);
        let read: Vec<_> = EventReport::parse(&[11, 0xca, 3, 0x20]).unwrap().collect();
        assert_eq!(read, [report], "the reserved bit is ignored");
    }

    #[test]
    fn odd_lengths_are_refused() {
        for len in [0, 1, 2, 3, 5, 7] {
            let payload = [0; 8];
            let result = EventReport::parse(&payload[..len]).map(|reports| reports.len());
            assert_eq!(result, Err(EventError::Length(len)));
        }
        assert_eq!(EventReport::parse(&[0; 8]).map(|reports| reports.len()), Ok(2));
    }
}
