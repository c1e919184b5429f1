//! Every country's tones are told apart by rhythm and frequency, over A-law, with noise and somewhat off.

#[path = "common/signal.rs"]
mod signal;

use std::time::Duration;

use rtp_core::tone::{
    AnswerEvent, AnswerToneDetector, Country, FAX_ANSWER, FAX_ANSWER_REVERSING, FAX_CALLING, Level,
    MILLIWATT, SPECIAL, Segment, Signal, Tone, ToneDetector, ToneEvent, ToneGenerator,
};
use signal::{Chance, Law, music, speech};

fn sound(tone: Tone, level: f32, seconds: f64) -> Vec<i16> {
    let mut audio = vec![0; (seconds * 8e3) as usize];
    ToneGenerator::new(tone, Level(level)).fill(&mut audio);
    audio
}

fn events(tones: &'static [Tone], audio: &[i16]) -> Vec<ToneEvent> {
    let mut detector = ToneDetector::new(tones, Level(-40.0));
    let mut events = Vec::new();
    for piece in audio.chunks(160) {
        detector.process(piece, |event| events.push(event));
    }
    events
}

fn signals(tones: &'static [Tone], audio: &[i16]) -> Vec<Signal> {
    events(tones, audio)
        .iter()
        .filter_map(|event| match event {
            ToneEvent::Started { signal, .. } => Some(*signal),
            ToneEvent::Ended { .. } => None,
        })
        .collect()
}

#[test]
fn every_tone_of_every_country_is_found_and_no_other() {
    for country in Country::ALL {
        for tone in country.tones() {
            // Silence before, and not for whole looks.
            let mut audio = vec![0; 857];
            audio.extend(sound(*tone, -20.0, 14.0));
            let found = signals(country.tones(), &Law::A.loop_back(&audio));
            assert_eq!(found, [tone.signal], "{country:?}, {:?}", tone.signal);
        }
    }
}

#[test]
fn noise_and_a_wrong_clock_do_no_harm() {
    let mut chance = Chance::new(1);
    for country in
        [Country::Russia, Country::UnitedStates, Country::UnitedKingdom, Country::Germany]
    {
        for tone in country.tones() {
            for speed in [0.985, 1.015] {
                let clean = sound(*tone, -15.0, 13.0);
                // -35 dBm0 of noise, the rhythm and the frequencies 1.5 % off.
                let audio: Vec<i16> = (0..(clean.len() as f64 / speed) as usize - 1)
                    .map(|n| {
                        let at = n as f64 * speed;
                        let (whole, part) = (at as usize, at.fract());
                        let (a, b) = (f64::from(clean[whole]), f64::from(clean[whole + 1]));
                        (a + (b - a) * part + chance.normal() * 280.0) as i16
                    })
                    .collect();
                let found = signals(country.tones(), &audio);
                assert_eq!(found, [tone.signal], "{country:?}, {:?} at {speed}", tone.signal);
            }
        }
    }
}

#[test]
fn a_tone_ends() {
    let tone = Country::Russia.tone(Signal::Busy).unwrap();
    let mut audio = sound(tone, -15.0, 10.0);
    audio.extend(vec![0; 16_000]);
    let found = events(Country::Russia.tones(), &audio);
    let [ToneEvent::Started { at: known, .. }, ToneEvent::Ended { signal, at }] = found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(signal, Signal::Busy);
    assert!(known <= Duration::from_millis(2_600), "{known:?}");
    let after = at.saturating_sub(Duration::from_secs(10));
    assert!(at > Duration::from_secs(10) && after < Duration::from_millis(700), "{at:?}");
    let ringback = Country::Russia.tone(Signal::Ringback).unwrap();
    audio.extend(sound(ringback, -15.0, 10.0));
    assert_eq!(signals(Country::Russia.tones(), &audio), [Signal::Busy, Signal::Ringback]);
}

#[test]
fn speech_and_music_are_no_tones() {
    for audio in [speech(60.0, 1), music(60.0, 1)] {
        for country in [Country::Russia, Country::UnitedStates, Country::France] {
            assert_eq!(signals(country.tones(), &audio), []);
        }
        assert_eq!(signals(&SPECIAL, &audio), []);
        assert_eq!(answers(&audio), []);
    }
}

#[test]
fn fax_machines_and_the_test_tone_are_known() {
    for (tone, signal) in [
        (FAX_CALLING, Signal::FaxCalling),
        (FAX_ANSWER, Signal::FaxAnswer),
        (MILLIWATT, Signal::Milliwatt),
    ] {
        assert_eq!(signals(&SPECIAL, &Law::A.loop_back(&sound(tone, -12.0, 5.0))), [signal]);
    }
}

fn answers(audio: &[i16]) -> Vec<AnswerEvent> {
    let mut detector = AnswerToneDetector::new(Level(-40.0));
    let mut events = Vec::new();
    for piece in audio.chunks(77) {
        detector.process(piece, |event| events.push(event));
    }
    events
}

#[test]
fn phase_reversals_of_the_answer_tone_are_heard() {
    for hertz in [2_085, 2_100, 2_115] {
        let plain: &'static [Segment] = Box::leak(Box::new([Segment::lasting(hertz, 0)]));
        let turning: &'static [Segment] =
            Box::leak(Box::new([Segment::reversed(hertz, 450), Segment::reversed(hertz, 450)]));
        for lead in [0, 40, 100] {
            for (segments, reverses) in [(plain, false), (turning, true)] {
                let tone = Tone { segments, ..FAX_ANSWER };
                let audio = [vec![0; 800 + lead], sound(tone, -20.0, 3.0), vec![0; 2_000]].concat();
                let found = answers(&Law::Mu.loop_back(&audio));
                let [AnswerEvent::Started { start }, rest @ ..] = &found[..] else {
                    panic!("{hertz} Hz, {reverses}: {found:?}");
                };
                assert!(start.as_millis().abs_diff(105) <= 15, "{start:?}");
                match rest {
                    [AnswerEvent::Reversed { at }, AnswerEvent::Ended { .. }] if reverses => {
                        assert!(at.as_millis().abs_diff(555) <= 30, "{at:?}");
                    }
                    [AnswerEvent::Ended { duration, .. }] if !reverses => {
                        assert!(duration.as_millis().abs_diff(3_000) <= 30, "{duration:?}");
                    }
                    _ => panic!("{hertz} Hz, {reverses}: {found:?}"),
                }
            }
        }
    }
    let generated = answers(&sound(FAX_ANSWER_REVERSING, -12.0, 2.0));
    assert!(matches!(generated[..], [AnswerEvent::Started { .. }, AnswerEvent::Reversed { .. }]));
}

#[test]
fn other_sounds_are_no_answer_tone() {
    for hertz in [1_100, 2_050, 2_150, 425] {
        let segments: &'static [Segment] = Box::leak(Box::new([Segment::lasting(hertz, 0)]));
        let audio = sound(Tone { segments, ..FAX_ANSWER }, -12.0, 2.0);
        assert_eq!(answers(&audio), [], "{hertz} Hz");
    }
}
