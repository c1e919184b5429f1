//! What the detector makes of digits that are pressed in other ways than one after the other.

#[path = "common/signal.rs"]
mod signal;

use rtp_core::dtmf::{Detector, Digit, Event};
use signal::{Chance, Law, Series};

fn events(pieces: impl IntoIterator<Item = Vec<i16>>) -> Vec<Event> {
    let mut detector = Detector::new(Default::default());
    let mut events = Vec::new();
    for piece in pieces {
        detector.process(&piece, |event| events.push(event));
    }
    detector.finish(|event| events.push(event));
    events
}

/// `(digit, start, duration)` in milliseconds.
fn digits(audio: &[i16]) -> Vec<(char, u128, u128)> {
    events([audio.to_vec()])
        .iter()
        .filter_map(|event| match event {
            Event::Ended { digit, start, duration } => {
                Some((digit.as_char(), start.as_millis(), duration.as_millis()))
            }
            Event::Started { .. } => None,
        })
        .collect()
}

fn tone(key: char, milliseconds: usize, peak: f64) -> Vec<i16> {
    let digit = Digit::from_char(key).unwrap();
    (0..milliseconds * 8)
        .map(|n| {
            let t = n as f64 / 8e3 * std::f64::consts::TAU;
            let sum = (t * f64::from(digit.low())).sin() + (t * f64::from(digit.high())).sin();
            (sum * peak) as i16
        })
        .collect()
}

fn silence(milliseconds: usize) -> Vec<i16> {
    vec![0; milliseconds * 8]
}

fn near(found: u128, expected: u128) -> bool {
    found.abs_diff(expected) <= 5
}

#[test]
fn the_state_of_a_stream_is_small() {
    assert!(size_of::<Detector>() <= 300, "{}", size_of::<Detector>());
}

#[test]
fn how_the_audio_is_cut_makes_no_difference() {
    let (audio, _) = Series { snr: Some(20.0), ..Series::default() }.make(40, 1);
    let whole = events([audio.clone()]);
    assert_eq!(whole.len(), 80);
    for size in [1, 7, 10, 80, 160, 161, 1_000] {
        assert_eq!(events(audio.chunks(size).map(<[i16]>::to_vec)), whole, "{size}");
    }
}

#[test]
fn a_key_is_known_while_it_is_down() {
    let mut detector = Detector::new(Default::default());
    let mut heard = None;
    let audio = [silence(100), tone('7', 200, 5_000.0)].concat();
    for (n, frame) in audio.chunks(8).enumerate() {
        detector.process(frame, |event| heard = Some((n + 1, event)));
    }
    let Some((known, Event::Started { digit, start, level })) = heard else {
        panic!("{heard:?}");
    };
    assert_eq!((digit.as_char(), detector.current()), ('7', Some(digit)));
    assert!((132..=142).contains(&known), "known after {known} ms");
    assert!(near(start.as_millis(), 100), "{start:?}");
    // A sine of 5000 has -13.2 dBm0, both have 3 dB more.
    assert!((level.0 + 10.2).abs() < 0.3, "{level:?}");
    let mut ended = None;
    detector.process(&silence(30), |event| ended = Some(event));
    assert_eq!(ended, None, "a gap may still be bridged");
    detector.finish(|event| ended = Some(event));
    let Some(Event::Ended { duration, .. }) = ended else { panic!("{ended:?}") };
    assert!(near(duration.as_millis(), 200), "{duration:?}");
    assert_eq!(detector.current(), None);
    assert_eq!(detector.position(), (300 + 30 + 40) * 8);
}

#[test]
fn a_gap_of_20_ms_does_not_cut_and_one_of_40_does() {
    for (gap, count) in [(5, 1), (10, 1), (20, 1), (40, 2), (60, 2)] {
        let parts = [tone('5', 60, 4e3), silence(gap), tone('5', 60, 4e3), silence(100)];
        let found = digits(&parts.concat());
        assert_eq!(found.len(), count, "{gap} ms: {found:?}");
        let (_, start, duration) = found[0];
        let expected = if count == 1 { 120 + gap as u128 } else { 60 };
        assert!(near(start, 0) && near(duration, expected), "{gap} ms: {found:?}");
    }
}

#[test]
fn a_level_that_steps_within_a_digit_does_not_cut_it() {
    for (first, second) in [(1e3, 8e3), (8e3, 3.5e3), (3e3, 1e4)] {
        let found = digits(&[silence(50), tone('9', 80, first), tone('9', 80, second)].concat());
        assert_eq!(found.len(), 1, "{first} to {second}: {found:?}");
        assert!(near(found[0].1, 50) && near(found[0].2, 160), "{found:?}");
    }
}

#[test]
fn what_is_left_of_a_digit_is_no_second_one() {
    let parts = [silence(50), tone('9', 100, 1e4), tone('9', 200, 1.5e3), silence(50)];
    let found = digits(&parts.concat());
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn one_digit_right_after_another_is_heard() {
    let found = digits(&[tone('1', 100, 5e3), tone('D', 100, 5e3), tone('1', 100, 5e3)].concat());
    let keys: String = found.iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, "1D1", "{found:?}");
}

#[test]
fn levels_may_differ_from_digit_to_digit() {
    let mut parts = vec![silence(20)];
    for (n, key) in "159D0#*C2".chars().enumerate() {
        parts.push(tone(key, 40, if n % 2 == 0 { 11_000.0 } else { 250.0 }));
        parts.push(silence(40));
    }
    let keys: String = digits(&parts.concat()).iter().map(|(key, ..)| *key).collect();
    assert_eq!(keys, "159D0#*C2");
}

#[test]
fn a_digit_after_speech_is_heard_and_one_below_it_is_not() {
    let mut chance = Chance::new(3);
    let noise = |chance: &mut Chance, peak: f64| -> Vec<i16> {
        (0..1_600).map(|_| (chance.normal() * peak) as i16).collect()
    };
    let found = digits(&[noise(&mut chance, 3e3), tone('4', 90, 5e3)].concat());
    assert_eq!(found.len(), 1, "{found:?}");
    let mixed: Vec<i16> = tone('4', 200, 2e3)
        .iter()
        .zip(noise(&mut chance, 2e3))
        .map(|(tone, noise)| tone + noise)
        .collect();
    assert_eq!(digits(&mixed), []);
}

#[test]
fn single_tones_and_other_pairs_are_no_digits() {
    let sine = |hertz: &[f64]| -> Vec<i16> {
        (0..4_000)
            .map(|n| {
                let t = f64::from(n) / 8e3 * std::f64::consts::TAU;
                hertz.iter().map(|hertz| (t * hertz).sin() * 5e3).sum::<f64>() as i16
            })
            .collect()
    };
    let sounds: [&[f64]; 10] = [
        &[697.0],
        &[1_209.0],
        &[697.0, 770.0],
        &[1_209.0, 1_477.0],
        &[350.0, 440.0],
        &[425.0],
        &[697.0, 1_209.0, 1_477.0],
        &[697.0, 1_209.0, 440.0],
        &[700.0, 900.0],
        &[1_100.0, 1_700.0],
    ];
    for hertz in sounds {
        assert_eq!(digits(&[silence(50), sine(hertz), silence(50)].concat()), [], "{hertz:?}");
    }
}

#[test]
fn extreme_samples_do_no_harm() {
    let mut chance = Chance::new(9);
    let mut wild = vec![i16::MIN; 400];
    wild.extend(std::iter::repeat_n([i16::MAX, i16::MIN], 400).flatten());
    wild.extend((0..4_000).map(|_| if chance.unit() < 0.5 { i16::MIN } else { i16::MAX }));
    // A square wave at the middle of each band drives its filter as far as it goes.
    for hertz in [819.0, 1_421.0] {
        wild.extend((0..4_000).map(|n| {
            let t = f64::from(n) / 8e3 * std::f64::consts::TAU * hertz;
            if t.sin() < 0.0 { i16::MIN } else { i16::MAX }
        }));
    }
    assert_eq!(digits(&wild), []);
    let after = digits(&[wild, silence(50), tone('8', 50, 8e3)].concat());
    assert_eq!(after.len(), 1, "{after:?}");
}

#[test]
fn quiet_digits_are_heard_as_configured() {
    let quiet = Law::A.loop_back(&[silence(50), tone('3', 80, 90.0)].concat());
    // Two sines of 90 have -45 dBm0.
    assert_eq!(digits(&quiet), []);
    let config = rtp_core::dtmf::DetectorConfig { min_level: rtp_core::tone::Level(-50.0) };
    let mut detector = Detector::new(config);
    let mut heard = 0;
    detector.process(&quiet, |_| heard += 1);
    detector.finish(|_| heard += 1);
    assert_eq!(heard, 2);
}
