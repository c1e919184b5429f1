//! The generator: levels, lengths, queue, and that its own detector agrees.

use std::time::Duration;

use proptest::prelude::*;
use rtp_core::dtmf::{Detector, Digit, Event, Generator, GeneratorConfig};
use rtp_core::telephone_event::PressError;
use rtp_core::tone::Level;

fn digit(key: char) -> Digit {
    Digit::from_char(key).unwrap()
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The part of a signal at a frequency, as a level.
fn level_at(audio: &[i16], hertz: f64) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in audio.iter().enumerate() {
        let angle = std::f64::consts::TAU * hertz * n as f64 / 8e3;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let peak = 2.0 * re.hypot(im) / audio.len() as f64;
    Level::of_mean_square((peak * peak / 2.0) as f32).0
}

#[test]
fn the_tones_have_their_levels() {
    for key in "0123456789*#ABCD".chars() {
        let mut generator = Generator::new(GeneratorConfig::default());
        generator.press(digit(key), ms(1_000)).unwrap();
        let mut audio = [0; 8_000];
        assert!(generator.fill(&mut audio));
        let low = level_at(&audio, f64::from(digit(key).low()));
        let high = level_at(&audio, f64::from(digit(key).high()));
        assert!((low + 11.0).abs() < 0.05 && (high + 9.0).abs() < 0.05, "{key}: {low} {high}");
    }
}

#[test]
fn a_digit_and_its_pause_are_as_long_as_they_were_asked_for() {
    let mut generator = Generator::new(GeneratorConfig::default());
    generator.press(digit('1'), ms(50)).unwrap();
    generator.press(digit('2'), ms(70)).unwrap();
    let mut audio = vec![99; 240 * 8];
    // In pieces that fit nothing.
    for piece in audio.chunks_mut(77) {
        assert!(generator.fill(piece));
    }
    assert!(generator.is_idle());
    let mut untouched = [7; 10];
    assert!(!generator.fill(&mut untouched));
    assert_eq!(untouched, [7; 10]);
    let sounds = |range: std::ops::Range<usize>| audio[range].iter().any(|sample| *sample != 0);
    assert!(sounds(0..50 * 8) && sounds(49 * 8..50 * 8));
    assert!(!sounds(50 * 8..110 * 8));
    assert!(sounds(110 * 8..112 * 8) && sounds(179 * 8..180 * 8));
    assert!(!sounds(180 * 8..240 * 8));
}

#[test]
fn a_held_key_sounds_until_it_is_let_go() {
    let mut generator = Generator::new(GeneratorConfig::default());
    generator.hold(digit('#')).unwrap();
    let mut frame = [0; 160];
    for _ in 0..50 {
        assert!(generator.fill(&mut frame));
        assert_eq!(generator.current(), Some(digit('#')));
        assert!(frame.iter().any(|sample| *sample != 0));
    }
    generator.release();
    assert!(generator.fill(&mut frame));
    assert_eq!(generator.current(), None);
    assert_eq!(frame, [0; 160]);
}

#[test]
fn the_queue_is_bounded() {
    let mut generator = Generator::new(GeneratorConfig { max_queue: 2, ..Default::default() });
    assert_eq!(generator.press(digit('1'), Duration::ZERO), Err(PressError::NoDuration));
    generator.press(digit('1'), ms(50)).unwrap();
    generator.hold(digit('2')).unwrap();
    assert_eq!(generator.press(digit('3'), ms(50)), Err(PressError::QueueFull(2)));
    assert_eq!(generator.hold(digit('3')), Err(PressError::QueueFull(2)));
    generator.clear();
    assert!(generator.is_idle());
}

proptest! {
    #[test]
    fn what_is_generated_is_detected(
        keys in "[0-9A-D*#]{1,20}",
        duration in 40u64..150,
        pause in 40u64..150,
        piece in 1usize..400,
    ) {
        let config = GeneratorConfig { pause: ms(pause), ..Default::default() };
        let mut generator = Generator::new(config);
        for key in keys.chars() {
            generator.press(digit(key), ms(duration)).unwrap();
        }
        let mut detector = Detector::new(Default::default());
        let mut heard = String::new();
        let mut audio = vec![0; piece];
        let mut expected = 0;
        let mut take = |event| {
            if let Event::Ended { digit, start, duration: lasted } = event {
                heard.push(digit.as_char());
                assert!(start.as_millis().abs_diff(expected) <= 5, "{start:?}");
                assert!(lasted.as_millis().abs_diff(duration.into()) <= 5, "{lasted:?}");
                expected += u128::from(duration + pause);
            }
        };
        while generator.fill(&mut audio) {
            detector.process(&audio, &mut take);
        }
        detector.finish(&mut take);
        prop_assert_eq!(heard, keys);
    }
}
