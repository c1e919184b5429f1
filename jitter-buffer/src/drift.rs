//! Watches whether the delay is still what it should be.

use core::time::Duration;

/// The longest lead, in timestamp units, of the packets of a window of time. The packet with the
/// longest lead came by the fastest path, so its lead is the delay that the buffer adds.
#[derive(Debug)]
pub(crate) struct Drift {
    window: i64,
    since: Option<i64>,
    packets: u32,
    longest: i64,
}

/// Long enough that a path with jitter shows its fastest case, and short against clock skew, which at
/// 100 ppm takes 200 s to move a frame of 20 ms.
pub(crate) const WINDOW: Duration = Duration::from_secs(2);
/// Fewer packets say little about the fastest path.
const MIN_PACKETS: u32 = 10;

impl Drift {
    /// Windows of `window` units.
    pub(crate) fn new(window: i64) -> Self {
        Self { window, since: None, packets: 0, longest: 0 }
    }

    /// Notes the lead of a packet that came at `now`. When this ends a window, returns the longest
    /// lead in it.
    #[inline]
    pub(crate) fn note(&mut self, lead: i64, now: i64) -> Option<i64> {
        let since = *self.since.get_or_insert(now);
        self.longest = if self.packets == 0 { lead } else { self.longest.max(lead) };
        self.packets = self.packets.saturating_add(1);
        if self.packets < MIN_PACKETS || now - since < self.window {
            return None;
        }
        let longest = self.longest;
        self.restart();
        Some(longest)
    }

    /// Begins a new window, since leads are reckoned differently from now on.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_longest_lead_of_each_window() {
        let mut drift = Drift::new(16_000);
        let mut found = Vec::new();
        for n in 0..250_u32 {
            let lead = if n == 42 { 900 } else { -i64::from(n % 7) };
            found.extend(drift.note(lead, i64::from(n) * 160));
        }
        assert_eq!(found, [900, 0]);
    }

    #[test]
    fn a_window_waits_for_enough_packets() {
        let mut drift = Drift::new(16_000);
        let windows = (0..10).filter_map(|n| drift.note(5, n * 8000));
        assert_eq!(windows.collect::<Vec<_>>(), [5]);
    }
}
