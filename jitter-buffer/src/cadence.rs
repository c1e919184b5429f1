//! How long a frame lasts, learned from the stream.

use core::time::Duration;

use crate::config::MIN_FRAME;
use crate::units::MediaClock;

/// The frame duration in use, and the one that may replace it.
#[derive(Debug)]
pub(crate) struct Cadence {
    /// In timestamp units.
    pub(crate) frame: i64,
    candidate: Option<i64>,
    shortest: i64,
    longest: i64,
}

/// Longer steps between packets are taken for silence (DTX), not for longer frames: descriptors of
/// comfort noise come regularly too, from every 100 ms on, while speech seldom exceeds this.
const LONGEST_LEARNED: Duration = Duration::from_millis(60);

impl Cadence {
    pub(crate) fn new(clock: MediaClock, frame: Duration) -> Self {
        Self {
            frame: clock.units(frame),
            candidate: None,
            shortest: clock.units(MIN_FRAME),
            longest: clock.units(LONGEST_LEARNED.max(frame)),
        }
    }

    /// Notes the timestamp step between two packets in sequence. Two equal steps in a row change the
    /// frame's duration: one alone may be the edge of a silence.
    #[inline]
    pub(crate) fn note(&mut self, step: i64) {
        let is_new = step != self.frame && (self.shortest..=self.longest).contains(&step);
        if is_new && self.candidate == Some(step) {
            self.frame = step;
        }
        self.candidate = is_new.then_some(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(steps: &[i64]) -> i64 {
        let clock = MediaClock::new(8000).unwrap();
        let mut cadence = Cadence::new(clock, Duration::from_millis(20));
        for &step in steps {
            cadence.note(step);
        }
        cadence.frame
    }

    #[test]
    fn two_equal_steps_change_the_frame() {
        assert_eq!(learn(&[240, 240]), 240);
        assert_eq!(learn(&[80, 80]), 80);
        assert_eq!(learn(&[240, 160, 240, 160]), 160);
    }

    #[test]
    fn silence_and_nonsense_do_not() {
        assert_eq!(learn(&[1280, 1280, 1280]), 160, "comfort noise every 160 ms");
        assert_eq!(learn(&[1, 1, 1]), 160);
        assert_eq!(learn(&[0, 0, -160, -160]), 160);
    }
}
