//! Runs of characters.

use super::class::{CLASS, is};

/// The length of the longest run of characters of a class at the start.
#[inline(always)]
pub(crate) fn span(bytes: &[u8], class: u16) -> usize {
    let mut rest = bytes;
    // Four at a time take a third of the instructions.
    while let [a, b, c, d, more @ ..] = rest {
        let of = |byte: &u8| CLASS[usize::from(*byte)];
        if of(a) & of(b) & of(c) & of(d) & class == 0 {
            break;
        }
        rest = more;
    }
    while let [byte, more @ ..] = rest
        && is(*byte, class)
    {
        rest = more;
    }
    bytes.len() - rest.len()
}

/// Text that has been checked to be UTF-8, which all the classes but `QUOTED` make sure of.
pub(crate) fn str(checked: &[u8]) -> &str {
    core::str::from_utf8(checked).unwrap_or_default()
}

/// The text from its first byte below `LIMIT` on; empty when there is none.
///
/// Lines of SIP are so short that calling memchr for each takes longer than this loop.
#[inline(always)]
pub(crate) fn from_below<const LIMIT: u8>(text: &[u8]) -> &[u8] {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let limit = u64::from_le_bytes([LIMIT; 8]);
    let mut text = text;
    while let Some((block, rest)) = text.split_first_chunk::<16>() {
        let both = u128::from_le_bytes(*block);
        // The halves are what is wanted.
        let (low, high) = (both as u64, (both >> 64) as u64);
        // A byte below the limit borrows and sets its highest bit. So may one beyond ASCII, which
        // the second look tells apart; what is above the first mark may be wrong.
        let (below_low, below_high) = (low.wrapping_sub(limit), high.wrapping_sub(limit));
        if (below_low | below_high) & HIGH != 0 {
            let marks = below_low & !low & HIGH;
            if marks != 0 {
                return text.get((marks.trailing_zeros() / 8) as usize..).unwrap_or_default();
            }
            let marks = below_high & !high & HIGH;
            if marks != 0 {
                return text.get(8 + (marks.trailing_zeros() / 8) as usize..).unwrap_or_default();
            }
        }
        text = rest;
    }
    let length = text.iter().position(|byte| *byte < LIMIT).unwrap_or(text.len());
    text.get(length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::class;
    use super::*;

    #[test]
    fn low_bytes_are_found_wherever_they_are() {
        for length in 0..70 {
            for control in [0, b'\t', b'\n', b'\r', 0x1f] {
                for at in 0..length {
                    let mut bytes = vec![b' '; length];
                    bytes[length / 2] = 0xff;
                    bytes[length / 3] = 0x7f;
                    bytes[at] = control;
                    bytes[length - 1] = control;
                    assert_eq!(from_below::<0x20>(&bytes).len(), length - at);
                    let rest = &bytes[at + 1..];
                    assert_eq!(from_below::<0x20>(rest).len(), rest.len().min(1));
                }
            }
            assert_eq!(from_below::<0x20>(&vec![0x80; length]), b"");
        }
    }

    #[test]
    fn runs_end_where_their_class_does() {
        for length in 0..20 {
            let mut text = vec![b'a'; length];
            assert_eq!(span(&text, class::TOKEN), length);
            for at in 0..length {
                text[at] = b'@';
                assert_eq!(span(&text, class::TOKEN), at);
                text[at] = b'a';
            }
        }
    }
}
