//! Datagrams that get lost, as a seed decides.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Loses a share of what it is asked about.
#[derive(Debug)]
pub(crate) struct Loss {
    /// Of 2^32.
    share: u64,
    random: ChaCha8Rng,
    /// How many it has lost.
    pub(crate) lost: u64,
}

impl Loss {
    /// Loses `share` of all, 0 to 1.
    pub(crate) fn new(share: f64, seed: u64) -> Self {
        let share = (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
        Self { share, random: ChaCha8Rng::seed_from_u64(seed), lost: 0 }
    }

    /// Whether the next one is lost.
    pub(crate) fn strikes(&mut self) -> bool {
        let strikes = u64::from(self.random.next_u32()) < self.share;
        self.lost += u64::from(strikes);
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_lost_and_the_seed_says_which() {
        let run = |share, seed| {
            let mut loss = Loss::new(share, seed);
            let which: Vec<bool> = (0..100_000).map(|_| loss.strikes()).collect();
            (which, loss.lost)
        };
        let (which, lost) = run(0.01, 7);
        assert!((900..1_100).contains(&lost), "{lost}");
        assert_eq!(run(0.01, 7).0, which);
        assert_ne!(run(0.01, 8).0, which);
        assert_eq!((run(0.0, 1).1, run(1.0, 1).1), (0, 100_000));
    }
}
