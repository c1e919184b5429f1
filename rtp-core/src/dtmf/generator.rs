//! The in-band generator.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::Digit;
use crate::telephone_event::PressError;
use crate::tone::{Level, Oscillator, to_sample};

/// How digits are sounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorConfig {
    /// Level of the row's tone.
    pub low: Level,
    /// Level of the column's tone; lines attenuate high frequencies more, hence the usual 2 dB.
    pub high: Level,
    /// The least silence between two digits.
    pub pause: Duration,
    /// Digits that may wait.
    pub max_queue: usize,
}

impl Default for GeneratorConfig {
    /// -11 and -9 dBm0, 60 ms, 64 digits.
    fn default() -> GeneratorConfig {
        GeneratorConfig {
            low: Level(-11.0),
            high: Level(-9.0),
            pause: Duration::from_millis(60),
            max_queue: 64,
        }
    }
}

/// Sounds digits one after the other in 8 kHz audio.
#[derive(Debug, Clone)]
pub struct Generator {
    config: GeneratorConfig,
    queue: VecDeque<(Digit, Option<u64>)>,
    /// The digit being sounded, and the samples left of it: `None` while the key is down.
    sounding: Option<(Digit, Option<u64>)>,
    /// Samples that it has sounded for.
    sounded: u64,
    low: Oscillator,
    high: Oscillator,
    /// Samples of silence still due.
    pause: u64,
}

impl Generator {
    /// A generator with nothing to sound.
    pub fn new(config: GeneratorConfig) -> Generator {
        let silent = Oscillator::new(0.0, config.low);
        Generator {
            config,
            queue: VecDeque::with_capacity(config.max_queue.min(64)),
            sounding: None,
            sounded: 0,
            low: silent,
            high: silent,
            pause: 0,
        }
    }

    /// Queues a digit; ITU-T Q.24 administrations want 40 ms or more.
    ///
    /// # Errors
    ///
    /// [`PressError`]: the digit is not queued.
    pub fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), PressError> {
        let samples = samples(duration);
        if samples == 0 {
            return Err(PressError::NoDuration);
        }
        self.enqueue(digit, Some(samples))
    }

    /// Queues a digit that sounds until [`Generator::release`].
    ///
    /// # Errors
    ///
    /// [`PressError::QueueFull`]: the digit is not queued.
    pub fn hold(&mut self, digit: Digit) -> Result<(), PressError> {
        self.enqueue(digit, None)
    }

    /// The key that is down is let go. One that has not sounded yet sounds for 40 ms.
    pub fn release(&mut self) {
        match &mut self.sounding {
            Some((_, left @ None)) => *left = Some(0),
            _ => {
                for (_, left) in &mut self.queue {
                    left.get_or_insert(320);
                }
            }
        }
    }

    /// The key that is down was down for `duration`, which is only known now: it sounds until it has sounded
    /// that long.
    pub fn release_after(&mut self, duration: Duration) {
        let total = samples(duration).max(1);
        match &mut self.sounding {
            Some((_, left @ None)) => *left = Some(total.saturating_sub(self.sounded)),
            _ => {
                for (_, left) in &mut self.queue {
                    left.get_or_insert(total);
                }
            }
        }
    }

    /// Forgets the digits that have not begun.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// The digit that is being sounded.
    pub fn current(&self) -> Option<Digit> {
        self.sounding.map(|(digit, _)| digit)
    }

    /// Is nothing being sounded, and nothing waiting? The pause after a digit belongs to it.
    pub fn is_idle(&self) -> bool {
        self.sounding.is_none() && self.queue.is_empty() && self.pause == 0
    }

    /// Writes the next samples: tones where there are digits, silence elsewhere.
    ///
    /// Returns whether anything was due. If not, `audio` is as it was, so that what plays meanwhile may stay.
    pub fn fill(&mut self, audio: &mut [i16]) -> bool {
        if self.is_idle() {
            return false;
        }
        let mut rest = audio;
        while !rest.is_empty() {
            let written = self.fill_part(rest);
            rest = &mut rest[written..];
        }
        true
    }

    /// Writes up to the end of a digit or of a pause.
    fn fill_part(&mut self, audio: &mut [i16]) -> usize {
        if self.pause > 0 {
            let count = usize::try_from(self.pause).unwrap_or(usize::MAX).min(audio.len());
            audio[..count].fill(0);
            self.pause -= count as u64;
            return count;
        }
        if self.sounding.is_none() {
            self.sounding = self.queue.pop_front();
            self.sounded = 0;
            if let Some((digit, _)) = self.sounding {
                self.low = Oscillator::new(f32::from(digit.low()), self.config.low);
                self.high = Oscillator::new(f32::from(digit.high()), self.config.high);
            }
        }
        let Some((_, left)) = &mut self.sounding else {
            audio.fill(0);
            return audio.len();
        };
        let count = left.map_or(audio.len(), |left| {
            usize::try_from(left).unwrap_or(usize::MAX).min(audio.len())
        });
        for sample in &mut audio[..count] {
            *sample = to_sample(self.low.sample() + self.high.sample());
        }
        self.sounded += count as u64;
        if let Some(left) = left {
            *left -= count as u64;
            if *left == 0 {
                self.sounding = None;
                self.pause = samples(self.config.pause);
            }
        }
        count
    }

    fn enqueue(&mut self, digit: Digit, samples: Option<u64>) -> Result<(), PressError> {
        if self.queue.len() >= self.config.max_queue {
            return Err(PressError::QueueFull(self.queue.len()));
        }
        self.queue.push_back((digit, samples));
        Ok(())
    }
}

/// At 8 kHz.
fn samples(duration: Duration) -> u64 {
    crate::ClockRate::HZ_8000.ticks(duration)
}
