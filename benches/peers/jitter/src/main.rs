//! What a packet costs in a jitter buffer, beside other crates'.
//!
//! Everything is measured in one run, in turns, and the least of many turns counts: on a machine that does
//! other things as well the least is what the code costs and the rest is what the others cost.

use std::hint::black_box;
use std::time::{Duration, Instant};

use jitter_buffer::audio::{Playback, Repetition};
use jitter_buffer::{Config, JitterBuffer, Mode, Playout};
use neteq::codec::AudioDecoder;
use neteq::{AudioPacket, NetEq, NetEqConfig, RtpHeader};

/// Turns taken by each contender.
const TURNS: usize = 60;
/// Packets a turn: a minute of talk in frames of 20 ms.
const PACKETS: u64 = 3000;

/// When packet `n` comes, in µs: jitter of up to 30 ms, first come first served.
fn arrivals() -> Vec<u64> {
    let mut latest = 0;
    (0..PACKETS)
        .map(|n| {
            let noise = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            latest = (n * 20_000 + noise % 30_000).max(latest);
            latest
        })
        .collect()
}

fn config(mode: Mode) -> Config {
    let mut config = Config::new(8000, Duration::from_millis(20));
    config.mode = mode;
    config
}

/// Pushes what has arrived and pulls, for each of 3000 ticks.
fn control(arrivals: &[u64], mode: Mode) -> u64 {
    let mut buffer = JitterBuffer::new(config(mode)).expect("a valid configuration");
    let (mut next, mut played) = (0, 0);
    for tick in 0..PACKETS {
        let now = tick * 20_000;
        while let Some(at) = arrivals.get(next).filter(|at| **at <= now) {
            let (n, at) = (next as u32, Duration::from_micros(*at));
            buffer.push(n as u16, n * 160, 1, at, black_box(n));
            next += 1;
        }
        if let Playout::Frame(n) | Playout::Stretch { frame: n, .. } =
            buffer.pull(Duration::from_micros(now))
        {
            played += u64::from(black_box(n) < u32::MAX);
        }
    }
    played
}

/// The same with sound: decoding (a copy), stretching, concealing.
fn sound(arrivals: &[u64], voice: &[i16]) -> u64 {
    let mut buffer = JitterBuffer::new(config(Mode::ADAPTIVE)).expect("a valid configuration");
    let mut playback = Playback::new(8000, Repetition::new(8000));
    let mut out = [0; 160];
    let (mut next, mut sum) = (0, 0);
    for tick in 0..PACKETS {
        let now = tick * 20_000;
        while let Some(at) = arrivals.get(next).filter(|at| **at <= now) {
            let (n, at) = (next as u32, Duration::from_micros(*at));
            buffer.push(n as u16, n * 160, 1, at, n as usize * 160 % (voice.len() - 160));
            next += 1;
        }
        playback.tick(&mut buffer, Duration::from_micros(now), &mut out, |start, pcm| {
            pcm[..160].copy_from_slice(&voice[start..start + 160]);
            160
        });
        sum += u64::from(out[0].unsigned_abs());
    }
    sum
}

fn sipx(arrivals: &[u64]) -> u64 {
    let mut buffer = sipx_rtp::JitterBuffer::adaptive(1, 20);
    let (mut next, mut played) = (0, 0);
    for tick in 0..PACKETS {
        let now = tick * 20_000;
        while let Some(at) = arrivals.get(next).filter(|at| **at <= now) {
            let n = next as u32;
            let (number, time) = (n as u16, n * 160);
            let packet = sipx_rtp::Packet::new(8, number, time, 1, Default::default());
            let _ = buffer.push_at(black_box(packet), (*at / 125) as u32);
            next += 1;
        }
        played += u64::from(black_box(buffer.pop()).is_some());
    }
    played
}

struct Copy;

impl AudioDecoder for Copy {
    fn sample_rate(&self) -> u32 {
        8000
    }
    fn channels(&self) -> u8 {
        1
    }
    fn decode(&mut self, encoded: &[u8]) -> neteq::Result<Vec<f32>> {
        Ok(encoded.iter().map(|octet| f32::from(*octet) / 256.0).collect())
    }
}

fn peer(arrivals: &[u64]) -> u64 {
    let config = NetEqConfig { sample_rate: 8000, channels: 1, ..NetEqConfig::default() };
    let mut neteq = NetEq::new(config).expect("a valid configuration");
    neteq.register_decoder(8, Box::new(Copy));
    let (mut next, mut sum) = (0, 0);
    for tick in 0..PACKETS {
        let now = tick * 20_000;
        while arrivals.get(next).is_some_and(|at| *at <= now) {
            let n = next as u32;
            let header = RtpHeader::new(n as u16, n * 160, 1, 8, false);
            let _ = neteq.insert_packet(AudioPacket::new(header, vec![7; 160], 8000, 1, 20));
            next += 1;
        }
        for _ in 0..2 {
            sum += neteq.get_audio().map_or(0, |frame| frame.samples.len() as u64);
        }
    }
    sum
}

fn main() {
    let arrivals = arrivals();
    let voice: Vec<i16> = (0..16_000)
        .map(|n| {
            let t = f64::from(n) / 8000.0 * std::f64::consts::TAU;
            let voice: f64 = (1..6).map(|h| (t * 130.0 * f64::from(h)).sin() / f64::from(h)).sum();
            (voice * 4000.0) as i16
        })
        .collect();
    type Job<'a> = (&'a str, Box<dyn Fn() -> u64 + 'a>);
    let jobs: Vec<Job<'_>> = vec![
        ("this crate, adaptive, push and pull", Box::new(|| control(&arrivals, Mode::ADAPTIVE))),
        (
            "this crate, fixed, push and pull",
            Box::new(|| control(&arrivals, Mode::Fixed { delay: Duration::from_millis(60) })),
        ),
        ("sipx-rtp, push_at and pop", Box::new(|| sipx(&arrivals))),
        ("this crate, adaptive with sound", Box::new(|| sound(&arrivals, &voice))),
        ("neteq, insert_packet and get_audio", Box::new(|| peer(&arrivals))),
    ];
    let mut least = vec![f64::MAX; jobs.len()];
    for _ in 0..TURNS {
        for (least, (_, job)) in least.iter_mut().zip(&jobs) {
            let start = Instant::now();
            black_box(job());
            *least = least.min(start.elapsed().as_nanos() as f64 / PACKETS as f64);
        }
    }
    println!("| | ns a packet | times the first |");
    println!("|---|---|---|");
    for (least_ns, (name, _)) in least.iter().zip(&jobs) {
        println!("| {name} | {least_ns:.0} | {:.1} |", least_ns / least[0]);
    }
}
