//! Sound has no steps where its pieces meet: frames, concealment, silence and what was stretched.
//!
//! A step is the difference of two neighbouring samples. None may be greater than the input's steepest one around
//! it and the slope of a fade, which may go from one peak to the other.

mod support;

use std::path::Path;
use std::process::Command;

use jitter_buffer::JitterBuffer;
use jitter_buffer::audio::{Concealment, Playback, Repetition};
use support::ms;
use support::voice::{self, Draw};

const RATE: usize = 8000;
const FRAME: usize = 160;
/// The overlap of 5 ms.
const FADE: i32 = 40;
/// Stretching by the shortest pitch period has no room for more, and may lay its fade over another.
const STRETCH_FADE: i32 = 20;
/// What concealment and stretching look back on: 45 ms and 20 ms, in whole frames.
const LOOKED_BACK: usize = 4;

/// What becomes of a frame of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Played,
    Stretched(i32),
    Concealed,
    Silent,
}

/// Gives each frame its fate and returns the greatest excess of a step over what it may be, where it is (in
/// samples of the output), and how often each kind of joint was heard.
fn worst_step<C: Concealment>(
    input: &[i16],
    fates: &[Fate],
    concealment: C,
) -> (i32, usize, Joints) {
    let mut playback = Playback::new(RATE as u32, concealment);
    let mut joints = Joints::default();
    let (mut worst, mut place, mut played) = (i32::MIN, 0, 0);
    let (mut last, mut before) = (None, Fate::Silent);
    for (number, (frame, fate)) in input.chunks_exact(FRAME).zip(fates).enumerate() {
        match *fate {
            Fate::Played => assert_eq!(playback.frame(frame, 0), 0),
            Fate::Stretched(wish) => {
                joints.stretched += u32::from(playback.frame(frame, wish) != 0)
            }
            // As pulled at ticks of 10 ms.
            Fate::Concealed => (0..2).for_each(|_| playback.conceal(FRAME / 2)),
            Fate::Silent => (0..2).for_each(|_| playback.silence(FRAME / 2)),
        }
        joints.note(before, *fate);
        let fade = if matches!(fate, Fate::Stretched(_)) { STRETCH_FADE } else { FADE };
        before = *fate;
        if matches!(fate, Fate::Played | Fate::Stretched(_)) {
            played = number;
        }
        // The frames last heard, and those between them and this one.
        let heard = &input[played.saturating_sub(LOOKED_BACK).min(number) * FRAME..][..];
        let heard = &heard[..heard.len().min((number + 1) * FRAME - (input.len() - heard.len()))];
        let limit = steepest(heard) + 2 * peak(heard) / (fade + 1) + 2;
        let mut sound = vec![0; playback.waiting()];
        playback.read(&mut sound);
        for sample in sound {
            if let Some(last) = last.replace(i32::from(sample)) {
                let excess = (i32::from(sample) - last).abs() - limit;
                if excess > worst {
                    (worst, joints.worst) = (excess, place);
                }
            }
            place += 1;
        }
    }
    (worst, joints.worst, joints)
}

#[derive(Debug, Default)]
struct Joints {
    into_concealment: u32,
    out_of_concealment: u32,
    into_silence: u32,
    out_of_silence: u32,
    stretched: u32,
    worst: usize,
}

impl Joints {
    fn note(&mut self, before: Fate, now: Fate) {
        let is_frame = |fate| matches!(fate, Fate::Played | Fate::Stretched(_));
        self.into_concealment += u32::from(is_frame(before) && now == Fate::Concealed);
        self.out_of_concealment += u32::from(before == Fate::Concealed && is_frame(now));
        self.into_silence += u32::from(before != Fate::Silent && now == Fate::Silent);
        self.out_of_silence += u32::from(before == Fate::Silent && is_frame(now));
    }

    fn are_all_heard(&self) -> bool {
        self.into_concealment > 20
            && self.out_of_concealment > 20
            && self.into_silence > 20
            && self.out_of_silence > 20
            && self.stretched > 20
    }
}

fn steepest(sound: &[i16]) -> i32 {
    sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

fn peak(sound: &[i16]) -> i32 {
    sound.iter().map(|sample| i32::from(*sample).abs()).max().unwrap_or(0)
}

/// Runs of each fate, in turns of their own lengths.
fn fates(count: usize, seed: u64) -> Vec<Fate> {
    let mut draw = Draw::new(seed);
    let mut fates = Vec::new();
    while fates.len() < count {
        for _ in 0..1 + draw.below(8) {
            fates.push(match draw.below(3) {
                0 => Fate::Played,
                1 => Fate::Stretched(draw.below(160) as i32),
                _ => Fate::Stretched(-(draw.below(160) as i32)),
            });
        }
        let (gap, length) =
            if draw.below(3) == 0 { (Fate::Silent, 6) } else { (Fate::Concealed, 5) };
        fates.extend((0..1 + draw.below(length)).map(|_| gap));
    }
    fates
}

fn check(name: &str, input: &[i16]) {
    for seed in 1..=3 {
        let fates = fates(input.len() / FRAME, seed);
        let (worst, place, joints) = worst_step(input, &fates, Repetition::new(RATE as u32));
        assert!(worst <= 0, "{name}, seed {seed}: {worst} too much at {place}");
        assert!(joints.are_all_heard(), "{name}: {joints:?}");
    }
}

#[test]
fn tones_have_no_steps_at_joints() {
    for hertz in [85.0, 150.0, 333.0, 440.0, 1000.0] {
        check(&format!("{hertz} Hz"), &voice::tone(hertz, 8000.0, 20 * RATE));
    }
}

#[test]
fn a_voice_has_no_steps_at_joints() {
    check("voice", &voice::speech(20 * RATE));
}

#[test]
fn spoken_words_have_no_steps_at_joints() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut spoken = Vec::new();
    for voice in ["en-us", "en-us+f3"] {
        let file = folder.join(format!("spoken-{voice}.wav"));
        let text = "Thank you for calling. All of our operators are busy. Please stay on the line, \
                    your call will be answered soon. Sixty six, seven, one, five, three, eight, zero.";
        let made =
            Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&file).arg(text).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: espeak-ng is not here to speak");
            return;
        }
        let wav = std::fs::read(&file).expect("what espeak-ng has written");
        let samples = wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        // Spoken at 22,050 Hz, played at 8,000: at a third of the speed, which steps do not mind; with every second
        // sample only, at something like a voice again.
        spoken.extend(samples.step_by(2));
    }
    let spoken: Vec<i16> = spoken.iter().copied().cycle().take(20 * RATE).collect();
    check("espeak-ng", &spoken);
}

#[test]
fn concealment_alone_has_no_steps() {
    for (name, input) in
        [("tone", voice::tone(133.0, 9000.0, 20 * RATE)), ("voice", voice::speech(20 * RATE))]
    {
        // Long enough to come round several times.
        let fates: Vec<_> = [[Fate::Played; 7].as_slice(), &[Fate::Concealed; 4]].concat();
        let fates: Vec<_> = fates.into_iter().cycle().take(input.len() / FRAME).collect();
        let (worst, place, _) = worst_step(&input, &fates, Repetition::new(RATE as u32));
        assert!(worst <= 0, "{name}: {worst} too much at {place}");
    }
}

#[test]
fn a_tone_through_a_bad_network_has_no_steps() {
    let input = voice::tone(210.0, 9000.0, 30 * RATE);
    let limit = 2 * 9000 / (STRETCH_FADE + 1) + steepest(&input) + 2;
    for (tick, stretching) in [(10, true), (20, true), (30, true), (10, false), (20, false)] {
        let mut draw = Draw::new(tick);
        let mut config = support::adaptive(8000, ms(20));
        (config.tick, config.stretching) = (ms(tick), stretching);
        let mut buffer = JitterBuffer::new(config).expect("a configuration");
        let mut playback = Playback::new(RATE as u32, Repetition::new(RATE as u32));
        let mut packets: Vec<_> = (0..input.len() / FRAME)
            .map(|number| (ms(number as u64 * 20 + [0, 5, 30, 120][draw.below(4)]), number))
            .filter(|(_, number)| number % 20 != 7)
            .collect();
        packets.sort();
        let mut packets = packets.into_iter().peekable();
        let (mut out, mut last) = (vec![0; tick as usize * 8], 0);
        for turn in 0..30_000 / tick {
            let now = ms(turn * tick);
            while let Some((at, number)) = packets.next_if(|(at, _)| *at <= now) {
                buffer.push(number as u16, (number * FRAME) as u32, 1, at, number);
            }
            // A sound card in a hurry asks twice now and then.
            for _ in 0..1 + u32::from(draw.below(50) == 0) {
                playback.tick(&mut buffer, now, &mut out, |number, pcm| {
                    pcm[..FRAME].copy_from_slice(&input[number * FRAME..][..FRAME]);
                    FRAME
                });
                for sample in &out {
                    let step = i32::from(*sample) - std::mem::replace(&mut last, (*sample).into());
                    assert!(step.abs() <= limit, "{step} at {turn} of {tick} ms");
                }
            }
        }
        let statistics = buffer.statistics();
        assert!(statistics.concealed > 50, "{statistics:?}");
        assert!(statistics.discarded > 0 || statistics.shortened > ms(500), "{statistics:?}");
    }
}
