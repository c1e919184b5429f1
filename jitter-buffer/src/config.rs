use core::time::Duration;

use thiserror::Error;

use crate::units::MediaClock;

/// What a [`JitterBuffer`](crate::JitterBuffer) is made for. Start from [`Config::new`] and change
/// fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Timestamp units a second, in Hz: 8000 for G.711, 48000 for Opus.
    pub clock_rate: u32,
    /// How long a frame lasts until the stream has shown it: 2.5 ms to 120 ms. The buffer follows the
    /// sender when its frames turn out to be of another size.
    pub frame: Duration,
    /// How often [`pull`](crate::JitterBuffer::pull) is called: 2.5 ms to 120 ms. [`Config::new`] takes
    /// the frame's duration.
    pub tick: Duration,
    /// How the delay is chosen.
    pub mode: Mode,
    /// Whether the caller stretches frames when asked ([`Playout::Stretch`](crate::Playout::Stretch)).
    /// If not, an adaptive delay shrinks by dropping frames, in pauses where there are any. Default true.
    pub stretching: bool,
    /// No frame is kept longer than this; when frames come faster than they are pulled, the oldest are
    /// discarded. Above the mode's delay, at most 10 s. Default 500 ms.
    pub max_delay: Duration,
    /// The most frames kept, 2 to 4096; they have to last longer than the mode's delay. Default 64.
    pub capacity: usize,
    /// How long an empty buffer asks for concealment before it calls the stream silent: zero to 10 s.
    /// Default 100 ms, after which a concealment has faded out anyway (60 ms in G.711 Appendix I).
    pub conceal_limit: Duration,
}

/// How the playout delay is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The same delay all the time.
    Fixed {
        /// From a packet's arrival on the fastest path to its playout. The first packet's arrival is
        /// taken for the fastest until others show better. Default 60 ms.
        delay: Duration,
    },
    /// The delay at which waiting and losing cost the listener least, as the path shows.
    Adaptive {
        /// It never aims at less. Default zero: one tick and what jitter asks for.
        least: Duration,
        /// It never aims at more. Below `max_delay`. Default 400 ms.
        most: Duration,
    },
}

impl Mode {
    /// Adaptive between nothing and 400 ms.
    pub const ADAPTIVE: Self =
        Self::Adaptive { least: Duration::ZERO, most: Duration::from_millis(400) };
}

impl Config {
    /// A fixed delay of 60 ms for a stream of this clock rate (Hz) and frame duration, pulled once a
    /// frame.
    pub const fn new(clock_rate: u32, frame: Duration) -> Self {
        Self {
            clock_rate,
            frame,
            tick: frame,
            mode: Mode::Fixed { delay: Duration::from_millis(60) },
            stretching: true,
            max_delay: Duration::from_millis(500),
            capacity: 64,
            conceal_limit: Duration::from_millis(100),
        }
    }

    /// The most that the mode aims at.
    fn delay(&self) -> Duration {
        match self.mode {
            Mode::Fixed { delay } => delay,
            Mode::Adaptive { most, .. } => most,
        }
    }

    pub(crate) fn validate(&self) -> Result<MediaClock, ConfigError> {
        let clock = MediaClock::new(self.clock_rate)
            .ok_or(ConfigError::ClockRate { clock_rate: self.clock_rate })?;
        for duration in [self.frame, self.tick] {
            if !(MIN_FRAME..=MAX_FRAME).contains(&duration) {
                return Err(ConfigError::FrameOrTick { duration });
            }
        }
        for duration in [self.max_delay, self.conceal_limit] {
            if duration > MAX_LIMIT {
                return Err(ConfigError::LimitTooLong { duration });
            }
        }
        if !(2..=MAX_CAPACITY).contains(&self.capacity) {
            return Err(ConfigError::Capacity { capacity: self.capacity });
        }
        if let Mode::Adaptive { least, most } = self.mode
            && least > most
        {
            return Err(ConfigError::LeastAboveMost { least, most });
        }
        // The capacity is at most 4096, so the cast cuts nothing.
        let queue = self.max_delay.min(self.frame * (self.capacity as u32 - 1));
        if self.delay() >= queue {
            return Err(ConfigError::DelayAboveLimit { delay: self.delay(), queue });
        }
        Ok(clock)
    }
}

/// Shortest frame and tick: Opus' shortest.
pub(crate) const MIN_FRAME: Duration = Duration::from_micros(2500);
/// Longest frame and tick: Opus' longest packet.
const MAX_FRAME: Duration = Duration::from_millis(120);
const MAX_LIMIT: Duration = Duration::from_secs(10);
const MAX_CAPACITY: usize = 4096;

/// A configuration that makes no sense: the caller's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The clock rate is below 1000 or above 10,000,000 Hz.
    #[error("a clock rate of {clock_rate} Hz is not between 1 kHz and 10 MHz")]
    ClockRate {
        /// The rate asked for, in Hz.
        clock_rate: u32,
    },
    /// The frame or the tick is below 2.5 ms or above 120 ms.
    #[error("a frame or tick of {duration:?} is not between 2.5 ms and 120 ms")]
    FrameOrTick {
        /// The duration asked for.
        duration: Duration,
    },
    /// `max_delay` or `conceal_limit` is above 10 s.
    #[error("a limit of {duration:?} is above 10 s")]
    LimitTooLong {
        /// The duration asked for.
        duration: Duration,
    },
    /// The capacity is below 2 or above 4096 frames.
    #[error("a capacity of {capacity} frames is not between 2 and 4096")]
    Capacity {
        /// The capacity asked for.
        capacity: usize,
    },
    /// The least adaptive delay is above the most.
    #[error("a least delay of {least:?} is above the most, {most:?}")]
    LeastAboveMost {
        /// The least delay asked for.
        least: Duration,
        /// The most.
        most: Duration,
    },
    /// The delay does not stay below what may be queued, so frames would be discarded all the time.
    #[error("a delay of {delay:?} is not below the queue's limit of {queue:?}")]
    DelayAboveLimit {
        /// The delay asked for.
        delay: Duration,
        /// The lesser of `max_delay` and the duration of `capacity - 1` frames.
        queue: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_default_is_valid_for_usual_streams() {
        for clock_rate in [8_000, 11_025, 16_000, 44_100, 48_000, 90_000] {
            for frame in [10, 20, 30, 60] {
                Config::new(clock_rate, frame * MS).validate().unwrap();
            }
        }
    }

    #[test]
    fn mistakes_are_told_apart() {
        let error = |change: fn(&mut Config)| {
            let mut config = Config::new(8000, 20 * MS);
            change(&mut config);
            config.validate().map(drop).unwrap_err()
        };
        assert_eq!(error(|c| c.clock_rate = 0), ConfigError::ClockRate { clock_rate: 0 });
        assert_eq!(error(|c| c.frame = MS), ConfigError::FrameOrTick { duration: MS });
        assert_eq!(error(|c| c.tick = 121 * MS), ConfigError::FrameOrTick { duration: 121 * MS });
        assert_eq!(error(|c| c.capacity = 1), ConfigError::Capacity { capacity: 1 });
        const LONG: Duration = Duration::from_secs(11);
        assert_eq!(error(|c| c.max_delay = LONG), ConfigError::LimitTooLong { duration: LONG });
        assert_eq!(
            error(|c| c.max_delay = 60 * MS),
            ConfigError::DelayAboveLimit { delay: 60 * MS, queue: 60 * MS }
        );
        assert_eq!(
            error(|c| c.capacity = 4),
            ConfigError::DelayAboveLimit { delay: 60 * MS, queue: 60 * MS }
        );
    }
}
