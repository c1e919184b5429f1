//! A sender, a path and a puller in virtual time.
#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod voice;

use std::time::Duration;

use jitter_buffer::{Config, JitterBuffer, Mode, Playout, PushOutcome};

/// `n` milliseconds.
pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A packet of a stream, with its number as payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet {
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) arrival: Duration,
    pub(crate) id: usize,
}

/// What the test's stream looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) clock_rate: u32,
    pub(crate) frame: Duration,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) start: Duration,
}

impl Default for Shape {
    fn default() -> Self {
        Self { clock_rate: 8000, frame: ms(20), sequence: 0, timestamp: 0, start: Duration::ZERO }
    }
}

impl Shape {
    pub(crate) fn frame_units(&self) -> u32 {
        (self.frame.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000) as u32
    }

    /// Packet number `id`, which arrives `delay` after it was sent.
    pub(crate) fn packet(&self, id: usize, delay: Duration) -> Packet {
        Packet {
            sequence: self.sequence.wrapping_add(id as u16),
            timestamp: self.timestamp.wrapping_add(self.frame_units().wrapping_mul(id as u32)),
            ssrc: 1,
            arrival: self.start + self.frame * id as u32 + delay,
            id,
        }
    }

    /// Packets 0 to `count`, each as late as `delay` says.
    pub(crate) fn packets(&self, count: usize, delay: impl Fn(usize) -> Duration) -> Vec<Packet> {
        (0..count).map(|id| self.packet(id, delay(id))).collect()
    }
}

pub(crate) fn fixed(clock_rate: u32, frame: Duration, delay: Duration) -> Config {
    let mut config = Config::new(clock_rate, frame);
    config.mode = Mode::Fixed { delay };
    config
}

pub(crate) fn adaptive(clock_rate: u32, frame: Duration) -> Config {
    let mut config = Config::new(clock_rate, frame);
    config.mode = Mode::ADAPTIVE;
    config
}

/// Pushes every packet at its arrival and pulls at every tick from `start` on, `ticks` times. A packet
/// that arrives at a tick is pushed first.
pub(crate) fn run(
    buffer: &mut JitterBuffer<usize>,
    mut packets: Vec<Packet>,
    start: Duration,
    ticks: u32,
) -> (Vec<Playout<usize>>, Vec<(usize, PushOutcome)>) {
    packets.sort_by_key(|packet| packet.arrival);
    let mut packets = packets.into_iter().peekable();
    let (mut playouts, mut outcomes) = (Vec::new(), Vec::new());
    for tick in 0..ticks {
        let now = start + buffer.config().tick * tick;
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            outcomes.push((packet.id, push(buffer, packet)));
        }
        playouts.push(buffer.pull(now));
    }
    (playouts, outcomes)
}

pub(crate) fn push(buffer: &mut JitterBuffer<usize>, packet: Packet) -> PushOutcome {
    let Packet { sequence, timestamp, ssrc, arrival, id } = packet;
    buffer.push(sequence, timestamp, ssrc, arrival, id)
}

/// The numbers of the frames played.
pub(crate) fn frames(playouts: &[Playout<usize>]) -> Vec<usize> {
    playouts.iter().filter_map(|playout| playout.frame()).collect()
}

/// One letter a pull: `.` not ready, `F` frame, `C` conceal, `s` silence.
pub(crate) fn letters(playouts: &[Playout<usize>]) -> String {
    playouts
        .iter()
        .map(|playout| match playout {
            Playout::Frame(_) => 'F',
            Playout::Conceal => 'C',
            Playout::Silence => 's',
            Playout::NotReady => '.',
            _ => '?',
        })
        .collect()
}
