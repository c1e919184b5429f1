//! The 48-bit index of a packet from the 16 bits on the wire (RFC 3711 section 3.3.1 and appendix A).

/// The last index that a stream may use.
pub(super) const MAX_INDEX: u64 = (1 << 48) - 1;

/// The index of the packet with `number`, when `highest` is the highest so far. Above [`MAX_INDEX`]
/// when the rollover counter would pass its end.
#[inline]
pub(super) fn estimate(highest: u64, number: u16) -> u64 {
    let counter = highest >> 16;
    let last = i32::from(highest as u16);
    let step = i32::from(number) - last;
    let counter = if last < 0x8000 && step > 0x8000 {
        // Before the first rollover there is nothing older: a long way forward, then.
        counter.saturating_sub(1)
    } else if last >= 0x8000 && step < -0x8000 {
        counter + 1
    } else {
        counter
    };
    counter << 16 | u64::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_a() {
        let at = |counter: u64, number: u64| counter << 16 | number;
        let cases = [
            (at(5, 100), 101, at(5, 101)),
            (at(5, 100), 0x8064, at(5, 0x8064)),
            (at(5, 100), 0x8065, at(4, 0x8065)),
            (at(5, 100), 0xffff, at(4, 0xffff)),
            (at(5, 0xffff), 0, at(6, 0)),
            (at(5, 0x8064), 100, at(5, 100)),
            (at(5, 0x8064), 99, at(6, 99)),
            (at(5, 0x7fff), 0xffff, at(5, 0xffff)),
            (at(5, 0x8000), 0, at(5, 0)),
            (at(0, 0), 0xffff, at(0, 0xffff)),
            (at(0xffff_ffff, 0xffff), 0, MAX_INDEX + 1),
        ];
        for (highest, number, expected) in cases {
            assert_eq!(estimate(highest, number), expected, "{highest:x} {number:x}");
        }
    }
}
