//! Branches that tell loops from spirals.

use rand_core::Rng;

/// Randomness for one branch: its first half is random, its second half the mark of the request
/// (RFC 5393 §4.2.1). The transaction layer draws two words for a branch, in that order.
pub(super) struct Marked<'a> {
    random: &'a mut dyn Rng,
    mark: u64,
    drawn: bool,
}

impl<'a> Marked<'a> {
    pub(super) fn new(random: &'a mut dyn Rng, mark: u64) -> Self {
        Self { random, mark, drawn: false }
    }

    fn word(&mut self) -> u64 {
        match core::mem::replace(&mut self.drawn, true) {
            false => self.random.next_u64(),
            true => self.mark,
        }
    }
}

impl rand_core::TryRng for Marked<'_> {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.random.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.random.fill_bytes(out);
        Ok(())
    }
}
