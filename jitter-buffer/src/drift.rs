//! Watches whether the delay is still what it should be.

use core::time::Duration;

/// The longest lead, in timestamp units, of the packets of a window of time. The packet with the
/// longest lead came by the fastest path, so its lead is the delay that the buffer adds.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    since: Option<Duration>,
    packets: u32,
    longest: i64,
}

/// Long enough that a path with jitter shows its fastest case, and short against clock skew, which at
/// 100 ppm takes 200 s to move a frame of 20 ms.
const WINDOW: Duration = Duration::from_secs(2);
/// Fewer packets say little about the fastest path.
const MIN_PACKETS: u32 = 10;

impl Drift {
    /// Notes the lead of a packet that came at `now`. When this ends a window, returns the longest
    /// lead in it.
    #[inline]
    pub(crate) fn note(&mut self, lead: i64, now: Duration) -> Option<i64> {
        let since = *self.since.get_or_insert(now);
        self.longest = if self.packets == 0 { lead } else { self.longest.max(lead) };
        self.packets = self.packets.saturating_add(1);
        if self.packets < MIN_PACKETS || now.saturating_sub(since) < WINDOW {
            return None;
        }
        let longest = self.longest;
        self.restart();
        Some(longest)
    }

    /// Begins a new window, since leads are reckoned differently from now on.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_longest_lead_of_each_window() {
        let mut drift = Drift::default();
        let mut found = Vec::new();
        for n in 0..250_u32 {
            let lead = if n == 42 { 900 } else { -i64::from(n % 7) };
            found.extend(drift.note(lead, n * Duration::from_millis(20)));
        }
        assert_eq!(found, [900, 0]);
    }

    #[test]
    fn a_window_waits_for_enough_packets() {
        let mut drift = Drift::default();
        let windows = (0..10).filter_map(|n| drift.note(5, n * Duration::from_secs(1)));
        assert_eq!(windows.collect::<Vec<_>>(), [5]);
    }
}
