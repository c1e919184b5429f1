//! Makes traces of networks of many kinds, so that a buffer is not judged by a few.

use clap::ValueEnum;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::trace::{Packet, Trace};

/// A kind of network or sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// Gamma jitter with a mean of 24 ms, first come first served.
    Gamma,
    /// Heavy-tailed (Pareto) jitter.
    Pareto,
    /// Losses in bursts (Gilbert-Elliott), 3 %, over 8 ms of jitter.
    Gilbert,
    /// A spike of 80 to 250 ms every 4 s on the mean.
    Spikes,
    /// A radio channel, quiet or contended.
    Wifi,
    /// A queue that fills to 150 ms within 3 s and is emptied.
    Sawtooth,
    /// A route that changes every 20 s by up to 80 ms.
    Routes,
    /// A sender 80 ppm slow.
    SkewMinus,
    /// A sender 150 ppm fast.
    SkewPlus,
    /// Talk spurts and silences.
    Dtx,
    /// 2 % overtaken by 20 to 90 ms.
    Reorder,
    /// Grants every 40 ms, and retransmissions of 8 ms.
    Lte,
    /// Frames of 10 ms.
    Frames10,
    /// Frames of 30 ms.
    Frames30,
    /// Frames of 60 ms.
    Frames60,
    /// 20 ms, then 30 ms, then 10 ms.
    FramesMixed,
    /// Uniform jitter of 50 ms that ends after half the time.
    Calming,
    /// Numbers and timestamps that jump, and sources that change.
    Jumps,
    /// Packets that come by threes, later by fives.
    Batches,
}

/// The fastest path, in ms.
const FASTEST: f64 = 30.0;

impl Family {
    pub(crate) fn generate(self, seed: u64, seconds: u64) -> Trace {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed ^ ((self as u64) << 32)));
        let mut packets = self.send(&mut dice, seconds);
        let mut weather = Weather::default();
        let mut latest = 0.0_f64;
        for packet in &mut packets {
            let sent = packet.sent as f64 / 1000.0;
            let (delay, overtaken) = self.delay(&mut dice, &mut weather, sent, seconds as f64);
            if self.loses(&mut dice, &mut weather) {
                continue;
            }
            let arrived = if overtaken {
                sent + FASTEST + delay
            } else {
                latest = latest.max(sent + FASTEST + delay);
                latest
            };
            packet.arrived = Some((arrived * 1000.0) as i64);
        }
        let mut trace = Trace { packets };
        trace.sort();
        trace
    }

    fn send(self, dice: &mut Dice, seconds: u64) -> Vec<Packet> {
        let (mut sequence, mut timestamp) = (dice.below(65_536.0) as u16, dice.below(4e9) as u32);
        let mut ssrc = 0x1000 + dice.below(1e6) as u32;
        let (mut sent, mut talk, mut marker) = (0.0, 0.0, true);
        let mut packets = Vec::new();
        let mut next_jump = 20_000.0;
        while sent < seconds as f64 * 1000.0 {
            let frame = match self {
                Self::Frames10 => 10,
                Self::Frames30 => 30,
                Self::Frames60 => 60,
                Self::FramesMixed if sent > seconds as f64 * 660.0 => 10,
                Self::FramesMixed if sent > seconds as f64 * 330.0 => 30,
                _ => 20,
            };
            if self == Self::Dtx && talk <= 0.0 {
                let pause = (dice.exponential(900.0) / 20.0).ceil() as u32;
                if sent > 0.0 {
                    sent += f64::from(pause * 20);
                    timestamp = timestamp.wrapping_add(pause * 160);
                }
                talk = 200.0 + dice.exponential(1100.0);
                marker = true;
            }
            if self == Self::Jumps && sent > next_jump {
                next_jump += 20_000.0;
                match dice.below(3.0) as u32 {
                    0 => ssrc += 1,
                    1 => sequence = dice.below(65_536.0) as u16,
                    _ => timestamp = dice.below(4e9) as u32,
                }
            }
            packets.push(Packet {
                index: packets.len(),
                sent: (sent * 1000.0) as i64,
                arrived: None,
                sequence,
                timestamp,
                ssrc,
                marker: std::mem::take(&mut marker),
            });
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(frame * 8);
            talk -= f64::from(frame);
            sent += f64::from(frame)
                * match self {
                    Self::SkewMinus => 1.0 + 80e-6,
                    Self::SkewPlus => 1.0 - 150e-6,
                    _ => 1.0,
                };
        }
        packets
    }

    /// What the path adds to its fastest, in ms, and whether later packets may overtake.
    fn delay(self, dice: &mut Dice, weather: &mut Weather, sent: f64, seconds: f64) -> (f64, bool) {
        let small = dice.gamma(2, 1.0);
        let delay = match self {
            Self::Gamma => dice.gamma(2, 12.0),
            Self::Pareto => 4.0 * (1.0 - dice.part()).powf(-0.55) - 4.0,
            Self::Gilbert => dice.gamma(2, 4.0),
            Self::Spikes => {
                if weather.is_time(dice, sent, 4000.0) {
                    weather.level = 80.0 + dice.below(170.0);
                    weather.until = sent + weather.level;
                }
                small + (weather.until - sent).max(0.0)
            }
            Self::Wifi => {
                if sent >= weather.until {
                    weather.is_bad = !weather.is_bad;
                    let mean = if weather.is_bad { 2000.0 } else { 6000.0 };
                    weather.until = sent + dice.exponential(mean);
                }
                let stall = if weather.is_time(dice, sent, 7000.0) { 90.0 } else { 0.0 };
                let contention = if weather.is_bad { dice.exponential(22.0) } else { 0.0 };
                small + contention + stall
            }
            Self::Sawtooth => {
                let phase = sent % 3600.0;
                let full = if phase < 3000.0 { phase / 3000.0 } else { (3600.0 - phase) / 600.0 };
                small + 150.0 * full
            }
            Self::Routes => {
                if weather.is_time(dice, sent, 20_000.0) {
                    weather.level = dice.below(80.0);
                }
                dice.gamma(2, 2.0) + weather.level
            }
            Self::Reorder if dice.part() < 0.02 => return (20.0 + dice.below(70.0), true),
            Self::Lte => {
                let retransmissions = (dice.part().ln() / 0.1_f64.ln()).floor();
                (40.0 - sent % 40.0) % 40.0 * 0.5 + 8.0 * retransmissions + small
            }
            Self::Frames10 | Self::Frames30 | Self::Frames60 | Self::FramesMixed => {
                dice.gamma(2, 6.0)
            }
            Self::Calming if sent < seconds * 500.0 => dice.below(50.0),
            Self::Dtx => dice.gamma(2, 5.0),
            Self::Jumps => dice.gamma(2, 3.0),
            Self::Batches => {
                let batch = if sent < seconds * 500.0 { 60.0 } else { 100.0 };
                batch - 20.0 - (sent + 1.0) % batch + 1.0 + small
            }
            Self::SkewMinus | Self::SkewPlus => dice.gamma(2, 4.0),
            Self::Reorder | Self::Calming => small,
        };
        (delay, false)
    }

    fn loses(self, dice: &mut Dice, weather: &mut Weather) -> bool {
        match self {
            Self::Gilbert => {
                let change = if weather.is_losing { 0.3 } else { 0.0095 };
                weather.is_losing ^= dice.part() < change;
                weather.is_losing
            }
            Self::Sawtooth => weather.is_losing && dice.part() < 0.05,
            Self::Wifi | Self::Lte | Self::Dtx => dice.part() < 0.005,
            _ => false,
        }
    }
}

/// What lasts longer than a packet.
#[derive(Default)]
struct Weather {
    is_bad: bool,
    is_losing: bool,
    level: f64,
    until: f64,
    next: f64,
}

impl Weather {
    /// Whether something that happens every `mean` ms happens now.
    fn is_time(&mut self, dice: &mut Dice, sent: f64, mean: f64) -> bool {
        let is_time = sent >= self.next;
        if is_time {
            let is_first = self.next == 0.0;
            self.next = sent + mean / 2.0 + dice.exponential(mean / 2.0);
            return !is_first;
        }
        is_time
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    /// From 0 up to 1.
    fn part(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: f64) -> f64 {
        self.part() * end
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.part()).ln()
    }

    fn gamma(&mut self, shape: u32, scale: f64) -> f64 {
        (0..shape).map(|_| self.exponential(scale)).sum()
    }
}
