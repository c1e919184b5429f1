//! Speed of G.711 per frame and per clip, beside `memcpy` and other crates.
//!
//! Everything is measured in one run, in turns, and the least of many turns counts: on a machine that does
//! other things as well the least is what the code costs and the rest is what the others cost.

use std::hint::black_box;
use std::time::Instant;

use audio_codec::{Decoder as _, Encoder as _};
use codec_g711::kernel::Kernel;
use codec_g711::plc::{Mode, Plc};

/// Turns taken by each contender.
const TURNS: usize = 300;
/// What a turn processes, in samples, so that a turn takes some ten microseconds.
const SAMPLES_A_TURN: usize = 64_000;

struct Contender<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
    least: f64,
}

fn measure(title: &str, length: usize, mut contenders: Vec<Contender<'_>>) {
    let calls = (SAMPLES_A_TURN / length).max(1);
    for _ in 0..TURNS {
        for contender in &mut contenders {
            // The first call of a turn pays for what the one before left in the caches.
            (contender.run)();
            let start = Instant::now();
            for _ in 0..calls {
                (contender.run)();
            }
            let nanoseconds = start.elapsed().as_nanos() as f64 / calls as f64;
            contender.least = contender.least.min(nanoseconds);
        }
    }
    let unit = contenders[0].least;
    println!("\n{title}, {length} samples");
    println!("| | ns | times the first |");
    println!("|---|---|---|");
    for contender in &contenders {
        println!("| {} | {:.1} | {:.2} |", contender.name, contender.least, contender.least / unit);
    }
}

fn contender<'a>(name: impl Into<String>, run: impl FnMut() + 'a) -> Contender<'a> {
    Contender { name: name.into(), run: Box::new(run), least: f64::MAX }
}

/// Something like speech: syllables of a few harmonics with a little noise.
fn speech(length: usize) -> Vec<i16> {
    let mut noise = 1u32;
    (0..length)
        .map(|n| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let t = n as f64 / 8000.0;
            let syllable = (t * 4.0 * std::f64::consts::TAU).sin().max(0.0);
            let voice: f64 =
                (1..6).map(|h| (t * 130.0 * h as f64 * std::f64::consts::TAU).sin() / h as f64).sum();
            (voice * syllable * 6000.0) as i16 + (noise >> 26) as i16 - 32
        })
        .collect()
}

fn encode(law: char, length: usize) {
    let pcm = speech(length);
    let pcm = &pcm[..];
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut contenders = Vec::new();
    for name in ["memcpy of the samples", "memcpy of the codes"] {
        let from = if name.ends_with("samples") { &bytes[..] } else { &bytes[..length] };
        let mut to = vec![0u8; from.len()];
        contenders.push(contender(name, move || {
            black_box(&mut to[..]).copy_from_slice(black_box(from));
        }));
    }
    for kernel in Kernel::available() {
        let mut codes = vec![0; length];
        contenders.push(contender(format!("codec-g711 {}", kernel.name()), move || {
            if law == 'a' {
                kernel.alaw_encode(black_box(pcm), black_box(&mut codes[..]));
            } else {
                kernel.ulaw_encode(black_box(pcm), black_box(&mut codes[..]));
            }
        }));
    }
    let mut codes = vec![0; length];
    contenders.push(contender("codec-g711, kernel chosen", move || {
        if law == 'a' {
            codec_g711::alaw::encode(black_box(pcm), black_box(&mut codes[..]));
        } else {
            codec_g711::ulaw::encode(black_box(pcm), black_box(&mut codes[..]));
        }
    }));
    let table: Vec<u8> = (0..=u16::MAX)
        .map(|word| {
            let sample = word as i16;
            if law == 'a' {
                codec_g711::alaw::encode_sample(sample)
            } else {
                codec_g711::ulaw::encode_sample(sample)
            }
        })
        .collect();
    let table: Box<[u8; 65536]> = table.try_into().expect("65,536 codes");
    let mut codes = vec![0; length];
    contenders.push(contender("table of 64 KiB", move || {
        for (code, sample) in black_box(&mut codes[..]).iter_mut().zip(black_box(pcm)) {
            *code = table[usize::from(*sample as u16)];
        }
    }));
    let mut codes = vec![0; length];
    contenders.push(contender("oxideav-g711", move || {
        for (code, sample) in black_box(&mut codes[..]).iter_mut().zip(black_box(pcm)) {
            *code = if law == 'a' {
                oxideav_g711::alaw::encode_sample(*sample)
            } else {
                oxideav_g711::mulaw::encode_sample(*sample)
            };
        }
    }));
    let mut codes = vec![0; length];
    let (mut pcma, mut pcmu) =
        (audio_codec::pcma::PcmaEncoder::new(), audio_codec::pcmu::PcmuEncoder::new());
    contenders.push(contender("audio-codec", move || {
        let done = if law == 'a' {
            pcma.encode_into(black_box(pcm), black_box(&mut codes[..]))
        } else {
            pcmu.encode_into(black_box(pcm), black_box(&mut codes[..]))
        };
        assert!(done.is_ok());
    }));
    let mut codes = vec![0; length];
    contenders.push(contender("audio-codec-algorithms", move || {
        for (code, sample) in black_box(&mut codes[..]).iter_mut().zip(black_box(pcm)) {
            *code = if law == 'a' {
                audio_codec_algorithms::encode_alaw(*sample)
            } else {
                audio_codec_algorithms::encode_ulaw(*sample)
            };
        }
    }));
    measure(&format!("{law}-law encode"), length, contenders);
}

fn decode(law: char, length: usize) {
    let mut codes = vec![0; length];
    if law == 'a' {
        codec_g711::alaw::encode(&speech(length), &mut codes);
    } else {
        codec_g711::ulaw::encode(&speech(length), &mut codes);
    }
    let codes = &codes[..];
    let bytes = vec![7u8; 2 * length];
    let mut contenders = Vec::new();
    for name in ["memcpy of the samples", "memcpy of the codes"] {
        let from = if name.ends_with("samples") { &bytes[..] } else { &bytes[..length] };
        let mut to = vec![0u8; from.len()];
        contenders.push(contender(name, move || {
            black_box(&mut to[..]).copy_from_slice(black_box(from));
        }));
    }
    for kernel in Kernel::available() {
        let mut pcm = vec![0; length];
        contenders.push(contender(format!("codec-g711 {}", kernel.name()), move || {
            if law == 'a' {
                kernel.alaw_decode(black_box(codes), black_box(&mut pcm[..]));
            } else {
                kernel.ulaw_decode(black_box(codes), black_box(&mut pcm[..]));
            }
        }));
    }
    let mut pcm = vec![0; length];
    contenders.push(contender("codec-g711, kernel chosen", move || {
        if law == 'a' {
            codec_g711::alaw::decode(black_box(codes), black_box(&mut pcm[..]));
        } else {
            codec_g711::ulaw::decode(black_box(codes), black_box(&mut pcm[..]));
        }
    }));
    let mut pcm = vec![0; length];
    contenders.push(contender("oxideav-g711", move || {
        for (sample, code) in black_box(&mut pcm[..]).iter_mut().zip(black_box(codes)) {
            *sample = if law == 'a' {
                oxideav_g711::alaw::decode_sample(*code)
            } else {
                oxideav_g711::mulaw::decode_sample(*code)
            };
        }
    }));
    let mut pcm = vec![0; length];
    let (mut pcma, mut pcmu) =
        (audio_codec::pcma::PcmaDecoder::new(), audio_codec::pcmu::PcmuDecoder::new());
    contenders.push(contender("audio-codec", move || {
        let done = if law == 'a' {
            pcma.decode_into(black_box(codes), black_box(&mut pcm[..]))
        } else {
            pcmu.decode_into(black_box(codes), black_box(&mut pcm[..]))
        };
        assert!(done.is_ok());
    }));
    let mut pcm = vec![0; length];
    contenders.push(contender("audio-codec-algorithms", move || {
        for (sample, code) in black_box(&mut pcm[..]).iter_mut().zip(black_box(codes)) {
            *sample = if law == 'a' {
                audio_codec_algorithms::decode_alaw(*code)
            } else {
                audio_codec_algorithms::decode_ulaw(*code)
            };
        }
    }));
    measure(&format!("{law}-law decode"), length, contenders);
}

/// Mixing beside reading what is mixed.
fn mix() {
    const STREAMS: usize = 32;
    const LENGTH: usize = 160;
    let samples = speech(STREAMS * LENGTH);
    let streams: Vec<&[i16]> = samples.chunks(LENGTH).collect();
    let streams = &streams[..];
    let mut contenders = vec![contender("reading (wrapping sum)", move || {
        let mut sum = 0i16;
        for stream in black_box(streams) {
            sum = stream.iter().fold(sum, |sum, sample| sum.wrapping_add(*sample));
        }
        black_box(sum);
    })];
    let mut copy = samples.clone();
    let from = &samples[..];
    contenders.push(contender("memcpy", move || {
        black_box(&mut copy[..]).copy_from_slice(black_box(from));
    }));
    for kernel in Kernel::available() {
        let mut out = [0; LENGTH];
        contenders.push(contender(format!("codec-g711 {}", kernel.name()), move || {
            kernel.mix(black_box(streams), black_box(&mut out[..]));
        }));
    }
    measure("mix of 32 streams", LENGTH, contenders);

    let mut contenders = Vec::new();
    for kernel in Kernel::available() {
        let mut samples = speech(LENGTH);
        contenders.push(contender(format!("gain, {}", kernel.name()), move || {
            kernel.apply_gain(codec_g711::audio::Gain::UNITY, black_box(&mut samples[..]));
        }));
        let samples = speech(LENGTH);
        contenders.push(contender(format!("level, {}", kernel.name()), move || {
            black_box(kernel.level(black_box(&samples[..])));
        }));
    }
    measure("gain and level", LENGTH, contenders);
}

/// Concealment: what a good and a lost frame of 20 ms cost.
fn conceal() {
    const LENGTH: usize = 160;
    const FRAMES: usize = 1000;
    let samples = speech(FRAMES * LENGTH);
    println!("\nconcealment, {LENGTH} samples\n| | good frame, ns | lost frame, ns |\n|---|---|---|");
    for mode in [Mode::AppendixI, Mode::TwoSided] {
        for (name, every, burst) in [("single losses", 10, 1), ("bursts of 3", 30, 3)] {
            let mut least = [f64::MAX; 2];
            for _ in 0..TURNS {
                for (index, least) in least.iter_mut().enumerate() {
                    let mut plc = Plc::new(mode);
                    let mut frame = [0; LENGTH];
                    let start = Instant::now();
                    for (number, good) in samples.chunks_exact(LENGTH).enumerate() {
                        if index == 1 && number % every < burst {
                            plc.conceal(black_box(&mut frame));
                        } else {
                            frame.copy_from_slice(good);
                            plc.good_frame(black_box(&mut frame));
                        }
                    }
                    *least = least.min(start.elapsed().as_nanos() as f64);
                }
            }
            let good = least[0] / FRAMES as f64;
            let lost = (0..FRAMES).filter(|number| number % every < burst).count();
            // What the losses add, the seams in the frames after them included.
            let lost_frame = (least[1] - good * (FRAMES - lost) as f64) / lost as f64;
            println!("| {mode:?}, {name} | {good:.0} | {lost_frame:.0} |");
        }
    }
}

fn main() {
    conceal();
    mix();
    for length in [160, 22_880] {
        for law in ['a', 'u'] {
            encode(law, length);
            decode(law, length);
        }
    }
}
