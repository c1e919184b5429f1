//! The playout side's clock: which media time is played when.

/// Pairs the media time that the next pull plays with the time at which it will be heard. All times are
/// in timestamp units.
///
/// The position moves by what is pulled, not by the wall clock, since the puller's clock is the one
/// that is heard. The wall clock only tells how long a packet will wait.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// How much may be pulled before it is due: one tick.
    tick: i64,
    /// The media time that the next pull plays.
    pub(crate) position: i64,
    /// When the audio pulled so far runs out; before the start, when playout may begin.
    due: i64,
    pub(crate) started: bool,
}

/// Ticks that a stalled puller may catch up with; what it missed beyond them is not made up for.
const CATCH_UP_TICKS: i64 = 5;

impl Timeline {
    /// Playout begins at `start` with the media time `position`.
    pub(crate) fn new(tick: i64, position: i64, start: i64) -> Self {
        Self { tick, position, due: start, started: false }
    }

    /// Whether a pull at `now` is too early: before the start, or while what was pulled lasts beyond
    /// this tick.
    #[inline]
    pub(crate) fn is_early(&self, now: i64) -> bool {
        let ahead = self.ahead(now);
        if self.started {
            // A sixteenth short of a tick, as `advance` forgets a little of what was pulled ahead.
            ahead > self.tick - self.tick / 16
        } else {
            ahead > 0
        }
    }

    /// Playout starts with the pull at `now`.
    pub(crate) fn start(&mut self, now: i64) {
        self.started = true;
        self.due = now;
    }

    /// Notes that `units` of audio were pulled at `now`.
    #[inline]
    pub(crate) fn advance(&mut self, now: i64, units: i64) {
        let ahead = self.ahead(now).min(self.tick);
        let base = if ahead == 0 {
            self.due.max(now - self.tick * CATCH_UP_TICKS)
        } else {
            // A puller whose clock runs faster than `now` would get further ahead for ever; forgetting
            // a 256th each time bounds that at half a millisecond for 100 ppm.
            now + (ahead - ahead / 256)
        };
        self.due = base + units;
    }

    /// What was pulled last lasts `units` longer than it was taken for.
    pub(crate) fn lengthen(&mut self, units: i64) {
        self.due += units;
    }

    /// How long after `now` the media time `media` will be heard; negative when that has passed.
    #[inline]
    pub(crate) fn lead(&self, media: i64, now: i64) -> i64 {
        media - self.position + self.ahead(now)
    }

    /// The media time whose [`lead`](Self::lead) is `lead`.
    #[inline]
    pub(crate) fn media_at(&self, lead: i64, now: i64) -> i64 {
        self.position + lead - self.ahead(now)
    }

    /// Audio pulled and not yet heard.
    #[inline]
    pub(crate) fn ahead(&self, now: i64) -> i64 {
        (self.due - now).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Units a millisecond.
    const MS: i64 = 8;

    fn timeline(tick: i64) -> Timeline {
        let mut timeline = Timeline::new(tick * MS, 0, 60 * MS);
        timeline.start(60 * MS);
        timeline
    }

    /// How many frames are pulled at each of eight ticks when pulling until it is too early.
    fn pulls(tick: i64, frame: i64) -> Vec<u32> {
        let mut timeline = timeline(tick);
        (0..8)
            .map(|n| {
                let now = 60 * MS + n * tick * MS;
                let mut count = 0;
                while !timeline.is_early(now) {
                    timeline.advance(now, frame * MS);
                    count += 1;
                }
                count
            })
            .collect()
    }

    #[test]
    fn ticks_and_frames_of_any_size_fit_together() {
        assert_eq!(pulls(20, 20), [1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(pulls(10, 20), [1, 0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(pulls(20, 10), [2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(pulls(20, 30), [1, 1, 0, 1, 1, 0, 1, 1]);
        assert_eq!(pulls(20, 60), [1, 0, 0, 1, 0, 0, 1, 0]);
        assert_eq!(pulls(30, 20), [2, 1, 2, 1, 2, 1, 2, 1]);
    }

    #[test]
    fn a_stalled_puller_catches_up_a_little() {
        let mut timeline = timeline(20);
        timeline.advance(60 * MS, 160);
        let late = 3000 * MS;
        let mut count = 0;
        while !timeline.is_early(late) {
            timeline.advance(late, 160);
            count += 1;
        }
        assert_eq!(count, CATCH_UP_TICKS + 1);
    }

    #[test]
    fn a_fast_puller_is_not_refused() {
        // 48 kHz, and a puller 104 ppm fast.
        let mut timeline = Timeline::new(960, 0, 0);
        timeline.start(0);
        for n in 0..100_000_i64 {
            let now = n * 960 - n / 10;
            assert!(!timeline.is_early(now));
            timeline.advance(now, 960);
        }
    }

    #[test]
    fn lead_is_the_time_until_the_pull() {
        let mut timeline = timeline(20);
        timeline.advance(60 * MS, 160);
        timeline.position = 160;
        assert_eq!(timeline.lead(160, 60 * MS), 160);
        assert_eq!(timeline.lead(320, 70 * MS), 240);
        assert_eq!(timeline.lead(0, 80 * MS), -160);
        assert_eq!(timeline.media_at(240, 70 * MS), 320);
    }
}
