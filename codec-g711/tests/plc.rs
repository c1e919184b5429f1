//! Concealment: what goes in without losses comes out, gaps sound like what was before and end in silence.

use codec_g711::plc::{DELAY, Mode, Plc};
use proptest::prelude::*;

const MODES: [Mode; 2] = [Mode::AppendixI, Mode::TwoSided];

/// A voice-like wave: a pitch of `period` samples with a few harmonics.
fn voice(period: f64, length: usize) -> Vec<i16> {
    (0..length)
        .map(|n| {
            let phase = n as f64 / period * std::f64::consts::TAU;
            let wave = phase.sin() + 0.5 * (2.0 * phase).sin() + 0.3 * (5.0 * phase + 1.0).sin();
            (wave * 5000.0) as i16
        })
        .collect()
}

/// Plays `speech` in frames of `length`, those in `lost` (by number) concealed; takes the delay out.
fn play(plc: &mut Plc, speech: &[i16], length: usize, lost: &[usize]) -> Vec<i16> {
    let mut out = Vec::new();
    for (number, frame) in speech.chunks(length).enumerate() {
        let mut frame = frame.to_vec();
        if lost.contains(&number) {
            frame.fill(12345); // what stands there must not matter
            plc.conceal(&mut frame);
        } else {
            plc.good_frame(&mut frame);
        }
        out.extend(frame);
    }
    out.split_off(DELAY)
}

fn signal_to_noise(clean: &[i16], heard: &[i16]) -> f64 {
    let energy = |sum: f64, x: f64| sum + x * x;
    let signal = clean.iter().map(|x| f64::from(*x)).fold(0.0, energy);
    let noise =
        clean.iter().zip(heard).map(|(a, b)| f64::from(*a) - f64::from(*b)).fold(1.0, energy);
    10.0 * (signal / noise).log10()
}

#[test]
fn a_lost_frame_of_a_steady_voice_is_hardly_missed() {
    for mode in MODES {
        for period in [40.0, 57.0, 80.0, 111.0] {
            for length in [40, 80, 160, 240] {
                let speech = voice(period, 4800);
                let at = 2400 / length;
                let heard = play(&mut Plc::new(mode), &speech, length, &[at]);
                let hole = at * length..(at + 1) * length;
                let ratio = signal_to_noise(&speech[hole.clone()], &heard[hole]);
                // Appendix I fades from 10 ms on.
                let least = if length <= 80 { 20.0 } else { 12.0 };
                assert!(ratio > least, "{mode:?}, {period}, {length}: {ratio:.1} dB");
            }
        }
    }
}

#[test]
fn speech_outside_the_seams_is_untouched() {
    for mode in MODES {
        let speech = voice(63.0, 3200);
        let heard = play(&mut Plc::new(mode), &speech, 160, &[5, 11, 12]);
        for number in [0, 1, 2, 3, 7, 8, 9, 14, 15, 16, 17, 18] {
            let frame = number * 160..(number + 1) * 160;
            assert_eq!(heard[frame.clone()], speech[frame], "{mode:?}, frame {number}");
        }
    }
}

#[test]
fn a_long_gap_ends_in_silence_and_speech_returns() {
    for (mode, silent_from) in [(Mode::AppendixI, 480), (Mode::TwoSided, 1600)] {
        let speech = voice(50.0, 8000);
        let lost: Vec<usize> = (10..30).collect();
        let heard = play(&mut Plc::new(mode), &speech, 160, &lost);
        assert!(heard[1600 + silent_from..4800 - DELAY].iter().all(|x| *x == 0), "{mode:?}");
        assert!(heard[1600..1600 + silent_from / 2].iter().any(|x| x.abs() > 2000), "{mode:?}");
        assert_eq!(heard[5000..7900], speech[5000..7900], "{mode:?}");
    }
}

#[test]
fn the_gap_never_gets_louder_than_what_was_before() {
    for mode in MODES {
        let speech = voice(71.0, 6400);
        let loudest = speech.iter().map(|x| x.unsigned_abs()).max();
        let heard = play(&mut Plc::new(mode), &speech, 80, &[20, 21, 22, 23, 40, 50, 51]);
        assert!(heard.iter().map(|x| x.unsigned_abs()).max() <= loudest, "{mode:?}");
    }
}

#[test]
fn silence_stays_silence() {
    for mode in MODES {
        let heard = play(&mut Plc::new(mode), &[0; 1600], 160, &[0, 3, 4, 5, 9]);
        assert!(heard.iter().all(|x| *x == 0));
    }
}

#[test]
fn a_reset_forgets_the_stream() {
    let mut plc = Plc::new(Mode::TwoSided);
    play(&mut plc, &voice(60.0, 1600), 160, &[9]);
    assert!(plc.is_concealing());
    plc.reset();
    assert!(!plc.is_concealing());
    let mut frame = [7; 160];
    plc.conceal(&mut frame);
    assert_eq!(frame, [0; 160]);
}

proptest! {
    #[test]
    fn without_losses_the_output_is_the_input_delayed(
        speech in prop::collection::vec(any::<i16>(), 200..2000),
        length in 1usize..500,
    ) {
        for mode in MODES {
            let heard = play(&mut Plc::new(mode), &speech, length, &[]);
            prop_assert_eq!(&heard, &speech[..speech.len() - DELAY]);
        }
    }

    #[test]
    fn any_sound_any_lengths_and_any_losses_are_survived(
        frames in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<i16>(), 0..1000)), 1..40
        ),
    ) {
        for mode in MODES {
            let mut plc = Plc::new(mode);
            for (lost, frame) in &frames {
                let mut frame = frame.clone();
                if *lost { plc.conceal(&mut frame) } else { plc.good_frame(&mut frame) }
            }
        }
    }
}
