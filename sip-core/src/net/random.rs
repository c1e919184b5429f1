//! Randomness from the operating system.

use core::convert::Infallible;

use rand_core::TryRng;
use ring::rand::SecureRandom;

const BUFFER: usize = 512;

/// The operating system's generator, read in pieces of 512 bytes. Fit for every secret in this
/// crate.
pub struct SystemRandom {
    source: ring::rand::SystemRandom,
    buffer: [u8; BUFFER],
    used: usize,
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self { source: ring::rand::SystemRandom::new(), buffer: [0; BUFFER], used: BUFFER }
    }
}

impl SystemRandom {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used == BUFFER {
                // Without randomness nothing here is safe, so nothing may go on.
                #[allow(clippy::expect_used)]
                self.source.fill(&mut self.buffer).expect("the system has no randomness");
                self.used = 0;
            }
            *byte = core::mem::take(&mut self.buffer[self.used]);
            self.used += 1;
        }
    }
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl core::fmt::Debug for SystemRandom {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SystemRandom")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[test]
    fn numbers_differ() {
        let mut random = SystemRandom::default();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            assert!(seen.insert(random.next_u64()));
        }
    }
}
