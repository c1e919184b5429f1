//! Goodbye (RFC 3550 section 6.6).

use crate::Ssrc;

/// BYE: sources that leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bye<'a> {
    sources: &'a [[u8; 4]],
    reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    /// Who leaves; at most 31.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        self.sources.iter().map(|octets| Ssrc(u32::from_be_bytes(*octets)))
    }

    /// Why, up to 255 octets, UTF-8 by the RFC but not checked.
    pub fn reason(&self) -> Option<&'a [u8]> {
        self.reason
    }

    pub(super) fn read(count: u8, body: &'a [u8]) -> Option<Bye<'a>> {
        let (sources, rest) = body.split_at_checked(4 * usize::from(count))?;
        let reason = match rest.split_first() {
            Some((&len, text)) => Some(text.get(..usize::from(len))?),
            None => None,
        };
        Some(Bye { sources: sources.as_chunks().0, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_optional_and_has_to_fit() {
        let bye = Bye::read(1, &[0, 0, 0, 9]).unwrap();
        assert!(bye.sources().eq([Ssrc(9)]));
        assert_eq!(bye.reason(), None);
        let bye = Bye::read(1, &[0, 0, 0, 9, 3, b'e', b'n', b'd']).unwrap();
        assert_eq!(bye.reason(), Some(&b"end"[..]));
        assert!(Bye::read(1, &[0, 0, 0, 9, 255, 0, 0, 0]).is_none());
        assert!(Bye::read(2, &[0, 0, 0, 9]).is_none());
    }
}
