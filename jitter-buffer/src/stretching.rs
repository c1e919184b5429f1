//! How much may be stretched now.

use core::time::Duration;

use crate::target::STRETCH_PART;
use crate::units::MediaClock;

/// Saves up a fifth of what is played, to be spent on stretching.
///
/// A voice can be stretched by its pitch periods only, so a limit of a fifth cannot hold for each frame of
/// 20 ms; it holds for any longer time.
#[derive(Debug)]
pub(crate) struct Budget {
    saved: i64,
    most: i64,
    shortest: i64,
}

/// The most saved: the pitch period of the deepest voice (50 Hz), or two of a usual one.
const MOST: Duration = Duration::from_millis(20);
/// The pitch period of the highest voice (400 Hz). Less cannot be asked for.
const SHORTEST: Duration = Duration::from_micros(2500);

impl Budget {
    pub(crate) fn new(clock: MediaClock) -> Self {
        Self { saved: 0, most: clock.units(MOST), shortest: clock.units(SHORTEST) }
    }

    /// Notes that `units` are played, of which a fifth may be added or left out.
    #[inline]
    pub(crate) fn save(&mut self, units: i64) {
        self.saved = (self.saved + units / STRETCH_PART).min(self.most);
    }

    /// What part of a wish can be granted; `None` when it is too little for any voice.
    #[inline]
    pub(crate) fn grant(&self, wish: i64) -> Option<i32> {
        let saved = self.saved.max(0);
        let granted = wish.clamp(-saved, saved);
        // At most 20 ms, which is 200,000 units at the highest rate.
        (granted.abs() >= self.shortest).then_some(granted as i32)
    }

    /// Notes a change of `units`.
    pub(crate) fn spend(&mut self, units: i64) {
        self.saved = (self.saved - units.abs()).max(-self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_what_is_played_may_be_stretched() {
        let mut budget = Budget::new(MediaClock::new(8000).unwrap());
        let mut stretched = 0;
        for _ in 0..1000 {
            budget.save(160);
            if let Some(units) = budget.grant(-1000) {
                let pitch_periods = i64::from(-units) / 57 * 57;
                budget.spend(pitch_periods);
                stretched += pitch_periods;
            }
        }
        assert!((30_000..=32_000).contains(&stretched), "{stretched}");
    }

    #[test]
    fn small_wishes_and_empty_budgets_are_refused() {
        let mut budget = Budget::new(MediaClock::new(8000).unwrap());
        assert_eq!(budget.grant(160), None);
        budget.save(160 * 5);
        assert_eq!((budget.grant(19), budget.grant(20)), (None, Some(20)));
        assert_eq!(budget.grant(-10_000), Some(-160));
        budget.spend(-150);
        assert_eq!(budget.grant(160), None);
    }
}
