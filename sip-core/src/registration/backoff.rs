//! How long to wait after failures (RFC 5626 §4.5).

use core::time::Duration;

use rand_core::Rng;

/// The pauses between attempts: `base` doubled with each failure, `longest` at most, and of that
/// a random part between a half and the whole, so that phones do not come back all at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// To start from when no flow works. Default 30 s: the first pause is 30 to 60 s.
    pub base_all_failed: Duration,
    /// To start from when another flow works. Default 90 s.
    pub base_some_work: Duration,
    /// Default 30 minutes.
    pub longest: Duration,
    /// For how long a flow has to work for its earlier failures to be forgotten. Default 2 minutes.
    pub steady: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base_all_failed: Duration::from_secs(30),
            base_some_work: Duration::from_secs(90),
            longest: Duration::from_secs(1800),
            steady: Duration::from_secs(120),
        }
    }
}

impl Backoff {
    /// The pause after so many failures in a row; none after none.
    pub fn pause(&self, failures: u32, some_work: bool, random: &mut dyn Rng) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let base = if some_work { self.base_some_work } else { self.base_all_failed };
        let most = base.saturating_mul(1 << failures.min(20)).min(self.longest);
        between(most / 2, most, random)
    }
}

/// A duration drawn evenly from a range, in milliseconds.
pub(super) fn between(least: Duration, most: Duration, random: &mut dyn Rng) -> Duration {
    let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
    least + Duration::from_millis(random.next_u64() % span.saturating_add(1).max(1))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn pauses_grow_as_the_table_of_the_standard_says() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let backoff = Backoff::default();
        for (failures, some_work, least, most) in [
            (0, false, 0, 0),
            (1, false, 30, 60),
            (2, false, 60, 120),
            (5, false, 480, 960),
            (6, false, 900, 1800),
            (1, true, 90, 180),
            (4, true, 720, 1440),
            (u32::MAX, true, 900, 1800),
        ] {
            for _ in 0..200 {
                let pause = backoff.pause(failures, some_work, &mut random);
                let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
                assert!(bounds.contains(&pause), "{failures} {some_work} {pause:?}");
            }
        }
    }
}
