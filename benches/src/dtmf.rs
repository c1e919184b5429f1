//! Digits and tones in audio: frames of 20 ms through the detector, and out of the generators.

use std::hint::black_box;
use std::time::Duration;

use rtp_core::dtmf::{Detector, Digit, Event, Generator};
use rtp_core::tone::{Country, Level, Signal, ToneGenerator};

/// Frames that a job works on: two seconds.
pub const FRAMES: usize = 100;
/// Samples of a frame at 8 kHz.
pub const FRAME: usize = 160;

/// Two seconds of audio.
pub type Audio = Vec<[i16; FRAME]>;

/// Keys pressed for 60 ms every 120 ms: a tone in half of the frames.
pub fn digits() -> Audio {
    let mut generator = Generator::new(Default::default());
    for key in "0123456789*#ABCD".chars() {
        let digit = Digit::from_char(key).expect("a key");
        generator.press(digit, Duration::from_millis(60)).expect("room in the queue");
    }
    frames(|frame| {
        generator.fill(frame);
    })
}

/// One digit throughout, which is as much work as a frame can be.
pub fn held_digit() -> Audio {
    let mut generator = Generator::new(Default::default());
    generator.hold(Digit::from_char('5').expect("a key")).expect("room in the queue");
    frames(|frame| {
        generator.fill(frame);
    })
}

/// Something like a vowel, with noise: what a detector hears most of the time.
pub fn voice() -> Audio {
    let mut noise = 1u32;
    let mut at = 0u32;
    frames(|frame| {
        frame.fill_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            at += 1;
            let time = f64::from(at) / 8_000.0 * std::f64::consts::TAU;
            let vowel: f64 =
                (1..20).map(|k| (time * 130.0 * f64::from(k)).sin() / f64::from(k)).sum();
            (vowel * 6_000.0) as i16 + (noise >> 23) as i16 - 256
        });
    })
}

/// Looks for digits; gives back how many there were.
pub fn detect(audio: Audio) -> (Audio, usize) {
    let mut detector = Detector::new(Default::default());
    let mut digits = 0;
    for frame in &audio {
        detector.process(black_box(frame), |event| {
            digits += usize::from(matches!(event, Event::Started { .. }));
        });
    }
    black_box(&detector);
    (audio, digits)
}

/// A generator with a digit that does not end.
pub fn generator() -> (Generator, Audio) {
    let mut generator = Generator::new(Default::default());
    generator.hold(Digit::from_char('5').expect("a key")).expect("room in the queue");
    (generator, vec![[0; FRAME]; FRAMES])
}

/// Sounds the digit.
pub fn generate((mut generator, mut audio): (Generator, Audio)) -> Audio {
    for frame in &mut audio {
        black_box(generator.fill(frame));
    }
    audio
}

/// A generator of a dial tone of two frequencies.
pub fn dial_tone() -> (ToneGenerator, Audio) {
    let tone = Country::UnitedStates.tone(Signal::Dial).expect("a tone");
    (ToneGenerator::new(tone, Level(-13.0)), vec![[0; FRAME]; FRAMES])
}

/// Sounds the tone.
pub fn sound((mut generator, mut audio): (ToneGenerator, Audio)) -> Audio {
    for frame in &mut audio {
        generator.fill(frame);
        black_box(&frame);
    }
    audio
}

fn frames(mut fill: impl FnMut(&mut [i16; FRAME])) -> Audio {
    let mut audio = vec![[0; FRAME]; FRAMES];
    audio.iter_mut().for_each(&mut fill);
    audio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_does_something() {
        assert_eq!(detect(digits()).1, 16);
        assert_eq!(detect(held_digit()).1, 1);
        assert_eq!(detect(voice()).1, 0);
        assert_eq!(detect(generate(generator())).1, 1);
        let loud = |audio: Audio| audio.iter().all(|frame| frame.iter().any(|s| s.abs() > 2_000));
        assert!(loud(sound(dial_tone())));
        assert!(loud(voice()));
    }
}
