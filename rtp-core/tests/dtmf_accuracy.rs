//! The detector against ITU-T Q.24's conditions, over both laws of G.711: a few hundred digits a point here,
//! 6,400 and an hour each of speech and music with
//!
//! ```sh
//! cargo test --release -p trunkline-rtp-core --test dtmf_accuracy -- --ignored --nocapture
//! ```

#[path = "common/signal.rs"]
mod signal;

use rtp_core::dtmf::{Detector, Digit, Event};
use signal::{Law, Sent, Series, music, speech};

/// What was heard: when, for how long (seconds), and which.
fn heard(audio: &[i16]) -> Vec<Sent> {
    let mut detector = Detector::new(Default::default());
    let mut digits: Vec<(f64, f64, Digit)> = Vec::new();
    let mut take = |event| {
        if let Event::Ended { digit, start, duration } = event {
            digits.push((start.as_secs_f64(), duration.as_secs_f64(), digit));
        }
    };
    for frame in audio.chunks(160) {
        detector.process(frame, &mut take);
    }
    detector.finish(&mut take);
    digits
}

#[derive(Default)]
struct Score {
    sent: usize,
    right: usize,
    /// Heard and not sent, or sent once and heard again.
    wrong: usize,
    /// The worst errors, in milliseconds.
    start: f64,
    duration: f64,
}

impl Score {
    fn of(sent: &[Sent], heard: &[Sent]) -> Score {
        let mut score = Score { sent: sent.len(), ..Score::default() };
        let mut rest = sent.iter().peekable();
        for (start, duration, digit) in heard {
            while rest.next_if(|(at, span, _)| at + span < *start).is_some() {}
            match rest.next_if(|(at, _, sent)| *at < start + duration && sent == digit) {
                Some((at, span, _)) => {
                    score.right += 1;
                    score.start = score.start.max((start - at).abs() * 1e3);
                    score.duration = score.duration.max((duration - span).abs() * 1e3);
                }
                None => score.wrong += 1,
            }
        }
        score
    }

    fn rate(&self) -> f64 {
        self.right as f64 / self.sent as f64
    }
}

/// What a point asks for.
#[derive(Clone, Copy)]
enum Must {
    /// At least this share, and nothing that was not sent.
    Accept(f64),
    /// None.
    Reject,
    /// To be told only.
    Report,
}

/// Each condition by itself; tones and pauses are of 40 ms throughout.
fn points() -> Vec<(&'static str, Series, Must)> {
    use Must::{Accept, Reject, Report};
    let base = Series::default();
    let (accept, noisy) = (Accept(0.999), Accept(0.99));
    let off = |low, high| Series { low, high, signs: false, ..base };
    let all = Series { low: 0.015, high: 0.015, snr: Some(15.0), level: (-36.0, -36.0), ..base };
    let twisted = |twist: f64| Series { twist: (twist, twist), ..base };
    vec![
        ("40 ms, pause 40 ms", base, accept),
        ("100 ms, pause 100 ms", Series { tone: 0.1, pause: 0.1, ..base }, accept),
        ("+1.5 % both", off(0.015, 0.015), accept),
        ("-1.5 % both", off(-0.015, -0.015), accept),
        ("+1.5 % low, -1.5 % high", off(0.015, -0.015), accept),
        ("-1.5 % low, +1.5 % high", off(-0.015, 0.015), accept),
        ("high 4 dB above", twisted(4.0), accept),
        ("high 8 dB below", twisted(-8.0), accept),
        (
            "any twist, any level",
            Series { level: (-36.0, -3.0), twist: (-8.0, 4.0), ..base },
            accept,
        ),
        ("-36 dBm0", Series { level: (-36.0, -36.0), ..base }, accept),
        ("+3 dBm0, clipping", Series { level: (3.0, 3.0), ..base }, accept),
        ("edges of 5 ms", Series { ramp: 0.005, tone: 0.045, ..base }, accept),
        ("15 dB, white", Series { snr: Some(15.0), ..base }, accept),
        ("15 dB, 300 to 3400 Hz", Series { snr: Some(15.0), band: true, ..base }, accept),
        ("12 dB, white", Series { snr: Some(12.0), ..base }, noisy),
        ("12 dB, 300 to 3400 Hz", Series { snr: Some(12.0), band: true, ..base }, noisy),
        ("all corners, 4 dB above", Series { twist: (4.0, 4.0), ..all }, Report),
        ("all corners, 8 dB below", Series { twist: (-8.0, -8.0), ..all }, Report),
        ("3.5 % both", Series { low: 0.035, high: 0.035, tone: 0.1, ..base }, Reject),
        ("3.5 % low only", Series { low: 0.035, tone: 0.1, ..base }, Reject),
        ("3.5 % high only", Series { high: 0.035, tone: 0.1, ..base }, Reject),
        ("3.5 % both, 15 dB", Series { low: 0.035, high: 0.035, snr: Some(15.0), ..base }, Reject),
        ("23 ms", Series { tone: 0.023, ..base }, Reject),
        ("23 ms, 15 dB", Series { tone: 0.023, snr: Some(15.0), ..base }, Reject),
        (
            "23 ms, any twist, any level",
            Series { tone: 0.023, level: (-36.0, -3.0), twist: (-8.0, 4.0), ..base },
            Reject,
        ),
    ]
}

/// Prints a row a point and a law, and returns what did not do as it must.
fn run(count: usize) -> Vec<String> {
    let mut failures = Vec::new();
    println!("{:<28} law  digits    heard  wrong  start    duration", "condition");
    for (seed, (name, series, must)) in (1..).zip(points()) {
        let (audio, sent) = series.make(count, seed);
        for law in [Law::A, Law::Mu] {
            let score = Score::of(&sent, &heard(&law.loop_back(&audio)));
            println!(
                "{name:<28} {:<4} {:>6} {:>7.3}% {:>6}  {:>4.1} ms  {:>4.1} ms",
                format!("{law:?}"),
                score.sent,
                score.rate() * 100.0,
                score.wrong,
                score.start,
                score.duration
            );
            let ok = match must {
                Must::Accept(rate) => score.rate() >= rate && score.wrong == 0,
                Must::Reject => score.right + score.wrong == 0,
                Must::Report => score.wrong == 0,
            };
            let in_time = score.start <= 6.0 && score.duration <= 8.0;
            if !ok || !in_time {
                failures.push(format!("{name}, {law:?}: {} of {}", score.right, score.sent));
            }
        }
    }
    failures
}

#[test]
fn a_few_hundred_digits_a_point() {
    let failures = run(320);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn minutes_of_speech_and_music_are_no_digits() {
    for law in [Law::A, Law::Mu] {
        for seed in 0..2 {
            let spoken = heard(&law.loop_back(&speech(100.0, seed)));
            assert!(spoken.is_empty(), "speech {seed}, {law:?}: {spoken:?}");
            let played = heard(&law.loop_back(&music(100.0, seed)));
            assert!(played.is_empty(), "music {seed}, {law:?}: {played:?}");
        }
    }
}

#[test]
#[ignore = "minutes in release; prints the table"]
fn the_whole_table() {
    let mut failures = run(6_400);
    for (name, make) in [("speech", speech as fn(f64, u64) -> Vec<i16>), ("music", music)] {
        for law in [Law::A, Law::Mu] {
            // An hour in pieces, each with a seed of its own.
            let false_digits: usize =
                (100..112).map(|seed| heard(&law.loop_back(&make(300.0, seed))).len()).sum();
            println!("{name:<28} {:<4} an hour, {false_digits} false digits", format!("{law:?}"));
            if false_digits > 1 {
                failures.push(format!("{name}, {law:?}: {false_digits} false digits an hour"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
