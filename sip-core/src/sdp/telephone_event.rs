//! Which telephone events an end takes.

use core::fmt;

use super::error::AttributeError;

/// A set of event codes, 0 to 255, as `a=fmtp` of `telephone-event` lists them: `0-15,66,70` (RFC 4733
/// §2.4.1).
///
/// ```
/// use sip_core::sdp::TelephoneEvents;
///
/// let events = TelephoneEvents::parse("0-15,66")?;
/// assert!(events.contains(11) && !events.contains(16));
/// assert_eq!(events.to_string(), "0-15,66");
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TelephoneEvents([u64; 4]);

impl TelephoneEvents {
    /// The sixteen digits, which is what is meant when nothing is listed (RFC 4733 §2.4.1).
    pub const DTMF: Self = Self([0xffff, 0, 0, 0]);

    /// Nothing.
    pub const NONE: Self = Self([0; 4]);

    /// Reads a list of numbers and ranges.
    ///
    /// # Errors
    ///
    /// When it is not such a list, a number is over 255, or a range runs backwards.
    pub fn parse(list: &str) -> Result<Self, AttributeError> {
        let mut events = Self::NONE;
        let mut at = 0;
        for item in list.split(',') {
            let fault = AttributeError::new("fmtp", at);
            at += item.len() + 1;
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            let code = |text: &str| super::grammar::number::<u8>(text.trim().as_bytes());
            match (code(first), code(last)) {
                (Some(first), Some(last)) if first <= last => {
                    (first..=last).for_each(|code| events.insert(code));
                }
                _ => return Err(fault),
            }
        }
        Ok(events)
    }

    /// Whether an event is taken.
    pub fn contains(&self, code: u8) -> bool {
        self.word(code).is_some_and(|word| word & Self::bit(code) != 0)
    }

    /// Adds an event.
    pub fn insert(&mut self, code: u8) {
        if let Some(word) = self.0.get_mut(usize::from(code / 64)) {
            *word |= Self::bit(code);
        }
    }

    /// What both take.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a & e, b & f, c & g, d & h])
    }

    /// Reads the list of a peer: nothing, or nonsense, stands for the sixteen digits.
    pub(super) fn of_peer(fmtp: Option<&str>) -> Self {
        fmtp.and_then(|list| Self::parse(list).ok()).unwrap_or(Self::DTMF)
    }

    fn word(&self, code: u8) -> Option<u64> {
        self.0.get(usize::from(code / 64)).copied()
    }

    fn bit(code: u8) -> u64 {
        1 << (code % 64)
    }
}

impl Default for TelephoneEvents {
    fn default() -> Self {
        Self::DTMF
    }
}

impl fmt::Display for TelephoneEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut code = 0u16;
        let mut comma = "";
        let has = |code: u16| u8::try_from(code).is_ok_and(|code| self.contains(code));
        while code < 256 {
            if !has(code) {
                code += 1;
                continue;
            }
            let first = code;
            while has(code) {
                code += 1;
            }
            write!(f, "{comma}{first}")?;
            if code - 1 > first {
                write!(f, "-{}", code - 1)?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_round_trip() {
        for list in ["0-15", "0-16", "0-11,66", "32-35", "255", "0-255", "0,2,4"] {
            assert_eq!(TelephoneEvents::parse(list).unwrap().to_string(), list);
        }
        assert_eq!(TelephoneEvents::parse(" 0-15, 16").unwrap().to_string(), "0-16");
    }

    #[test]
    fn broken_lists_say_where() {
        for (list, offset) in
            [("", 0), ("0-256", 0), ("5-3", 0), ("0-15,", 5), ("1,x", 2), ("-", 0)]
        {
            assert_eq!(TelephoneEvents::parse(list).unwrap_err().offset, offset, "{list}");
        }
    }
}
