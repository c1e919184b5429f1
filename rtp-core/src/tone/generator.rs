//! Tones as audio.

use core::time::Duration;

use super::{Level, Oscillator, Segment, Tone, to_sample};

/// Sounds one tone in 8 kHz audio, from its beginning until it is dropped.
#[derive(Debug, Clone)]
pub struct ToneGenerator {
    tone: Tone,
    level: Level,
    position: usize,
    /// Samples left of the segment; `None`: it does not end.
    left: Option<u64>,
    oscillators: [Option<Oscillator>; 2],
}

impl ToneGenerator {
    /// A tone at a level: that of all its frequencies together. ITU-T E.180 section 4.2 recommends -10 dBm0,
    /// give or take 5.
    pub fn new(tone: Tone, level: Level) -> ToneGenerator {
        let mut generator =
            ToneGenerator { tone, level, position: 0, left: Some(0), oscillators: [None; 2] };
        generator.begin(0);
        generator
    }

    /// What is sounded.
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Writes the next samples, silence where the tone pauses.
    pub fn fill(&mut self, audio: &mut [i16]) {
        let mut rest = audio;
        while !rest.is_empty() {
            let count = match self.left {
                Some(0) => {
                    self.begin(self.position + 1);
                    continue;
                }
                Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()),
                None => rest.len(),
            };
            let (part, after) = rest.split_at_mut(count);
            match &mut self.oscillators {
                [Some(one), Some(two)] => {
                    part.fill_with(|| to_sample(one.sample() + two.sample()));
                }
                [Some(one), None] | [None, Some(one)] => {
                    part.fill_with(|| to_sample(one.sample()));
                }
                [None, None] => part.fill(0),
            }
            if let Some(left) = &mut self.left {
                *left -= count as u64;
            }
            rest = after;
        }
    }

    fn begin(&mut self, position: usize) {
        let segments = self.tone.segments;
        let before = segments.get(self.position).map(|segment| segment.hertz);
        // A tone without a segment, or of segments without length, is silence.
        let sounds =
            |segment: &Segment| segment.duration.is_none_or(|duration| ticks(duration) > 0);
        if !segments.iter().any(sounds) {
            (self.left, self.oscillators) = (None, [None; 2]);
            return;
        }
        self.position = position % segments.len();
        let segment = segments[self.position];
        let goes_on = position > 0 && before == Some(segment.hertz);
        if !goes_on {
            let count = segment.hertz.iter().filter(|hertz| **hertz > 0).count();
            let level = if count == 2 { Level(self.level.0 - 3.01) } else { self.level };
            self.oscillators = segment
                .hertz
                .map(|hertz| (hertz > 0).then(|| Oscillator::new(f32::from(hertz), level)));
        } else if segment.reversed {
            self.oscillators.iter_mut().flatten().for_each(Oscillator::reverse_phase);
        }
        self.left = segment.duration.map(ticks);
    }
}

/// Samples at 8 kHz.
fn ticks(duration: Duration) -> u64 {
    crate::ClockRate::HZ_8000.ticks(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Country, FAX_ANSWER_REVERSING, Signal};

    fn mean_square(audio: &[i16]) -> f32 {
        audio.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / audio.len() as f32
    }

    #[test]
    fn cadence_and_level_are_kept_however_it_is_cut() {
        let busy = Country::UnitedStates.tone(Signal::Busy).unwrap();
        let mut audio = [7; 16_000];
        let mut generator = ToneGenerator::new(busy, Level(-13.0));
        for piece in audio.chunks_mut(333) {
            generator.fill(piece);
        }
        for (n, part) in audio.chunks(4_000).enumerate() {
            if n % 2 == 0 {
                assert!((Level::of_mean_square(mean_square(part)).0 + 13.0).abs() < 0.1);
                assert!(part[3_990..].iter().any(|sample| *sample != 0));
            } else {
                assert_eq!(mean_square(part), 0.0);
            }
        }
    }

    #[test]
    fn the_phase_turns_over_and_nothing_else() {
        let mut audio = [0; 3_600 * 3];
        ToneGenerator::new(FAX_ANSWER_REVERSING, Level(-13.0)).fill(&mut audio);
        let mut steady = [0; 3_600 * 3];
        ToneGenerator::new(super::super::FAX_ANSWER, Level(-13.0)).fill(&mut steady);
        for (n, (reversing, steady)) in audio.iter().zip(steady).enumerate() {
            let sign = if (n / 3_600) % 2 == 0 { 1 } else { -1 };
            assert!((reversing - sign * steady).abs() <= 1, "sample {n}");
        }
    }

    #[test]
    fn a_tone_of_nothing_is_silence() {
        const NOTHING: [&[Segment]; 2] = [&[], &[Segment::one(425, 0), Segment::silence(0)]];
        for segments in NOTHING {
            let mut audio = [7; 100];
            let tone = Tone { signal: Signal::Busy, segments };
            ToneGenerator::new(tone, Level(0.0)).fill(&mut audio);
            assert_eq!(audio, [0; 100]);
        }
    }
}
