//! The run: packets in, sound out, and who was heard when.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jitter_buffer::audio::{Playback, Repetition};
use jitter_buffer::{Config, JitterBuffer, Playout, Statistics};

use crate::talker::Talker;
use crate::trace::{CLOCK_RATE, Trace};

/// What a tick plays, by its larger part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Heard {
    /// A frame, from this fraction of it on.
    Frame(usize, f64),
    Concealment,
    Silence,
}

/// What was played at `at` µs.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    pub(crate) at: i64,
    pub(crate) heard: Heard,
    /// Frames whose sound began in this tick.
    pub(crate) taken: Vec<usize>,
    /// The delay aimed at.
    pub(crate) target: Duration,
}

pub(crate) struct Replay {
    pub(crate) tick: i64,
    pub(crate) ticks: Vec<Tick>,
    sound: Vec<i16>,
    statistics: Statistics,
}

/// Ticks begin at this many µs modulo a tick of 10 ms, and 10 ms later for longer ones.
const PHASE: i64 = 3_700;

/// A stretch of sound in the queue.
struct Piece {
    heard: Heard,
    /// What part of the frame a sample is.
    step: f64,
    samples: usize,
    is_begun: bool,
}

impl Replay {
    pub(crate) fn run(trace: &Trace, config: Config) -> Result<Self> {
        let mut buffer = JitterBuffer::new(config).context("configuring the buffer")?;
        let tick = config.tick.as_micros() as i64;
        let mut player = Player {
            playback: Playback::new(CLOCK_RATE, Repetition::new(CLOCK_RATE)),
            voice: speak(trace),
            pieces: VecDeque::new(),
        };
        let mut out = vec![0; player.playback.samples(config.tick)];
        let arrivals = trace.packets.iter().filter_map(|packet| Some((packet.arrived?, packet)));
        let mut arrivals = arrivals.peekable();
        let last = trace.packets.iter().filter_map(|packet| packet.arrived).max().unwrap_or(0);
        let mut replay =
            Self { tick, ticks: Vec::new(), sound: Vec::new(), statistics: buffer.statistics() };
        let mut at = if tick > 10_000 { PHASE + 10_000 } else { PHASE };
        while at < last + 1_000_000 {
            while let Some((arrived, packet)) = arrivals.next_if(|(arrived, _)| *arrived <= at) {
                let (number, time) = (packet.sequence, packet.timestamp);
                buffer.push(number, time, packet.ssrc, micros(arrived), packet.index);
            }
            player.fill(&mut buffer, micros(at), out.len());
            let (heard, taken) = player.hear(out.len());
            replay.ticks.push(Tick { at, heard, taken, target: buffer.statistics().target });
            player.playback.read(&mut out);
            replay.sound.extend_from_slice(&out);
            at += tick;
        }
        replay.statistics = buffer.statistics();
        Ok(replay)
    }

    pub(crate) fn write_log(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "#dur={}", self.tick)?;
        for Tick { at, heard, taken, .. } in &self.ticks {
            for index in taken {
                writeln!(out, "{at} D {index}")?;
            }
            match heard {
                Heard::Frame(index, fraction) => writeln!(out, "{at} P {index} {fraction:.4}")?,
                Heard::Concealment => writeln!(out, "{at} C")?,
                Heard::Silence => writeln!(out, "{at} S")?,
            }
        }
        Ok(())
    }

    pub(crate) fn write_wav(&self, path: &Path) -> Result<()> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: CLOCK_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec)
            .with_context(|| format!("creating {}", path.display()))?;
        for sample in &self.sound {
            wav.write_sample(*sample)?;
        }
        wav.finalize().with_context(|| format!("writing {}", path.display()))
    }

    pub(crate) fn summary(&self) -> String {
        let s = &self.statistics;
        format!(
            "received {}  played {}  lost {}  late {}  discarded {}  duplicates {}  reordered {}  \
             underruns {}  new timelines {}  lengthened {:.1} s  shortened {:.1} s",
            s.received,
            s.played,
            s.lost,
            s.late,
            s.discarded,
            s.duplicates,
            s.reordered,
            s.underruns,
            s.reanchors,
            s.lengthened.as_secs_f64(),
            s.shortened.as_secs_f64(),
        )
    }
}

/// The playback, and whose sound waits in it.
struct Player {
    playback: Playback<Repetition>,
    voice: Vec<Vec<i16>>,
    pieces: VecDeque<Piece>,
}

impl Player {
    /// Pulls until there is a tick's worth of sound; whether there is.
    fn fill(&mut self, buffer: &mut JitterBuffer<usize>, now: Duration, tick: usize) -> bool {
        while self.playback.waiting() < tick {
            match buffer.pull(now) {
                Playout::Frame(index) => {
                    self.play(index, 0);
                }
                Playout::Stretch { frame, units } => {
                    let change = self.play(frame, units);
                    buffer.stretched(change);
                }
                Playout::Conceal => {
                    let samples = self.playback.samples(buffer.step());
                    self.playback.conceal(samples);
                    self.add(Heard::Concealment, samples);
                }
                Playout::Silence => {
                    let samples = self.playback.samples(buffer.step());
                    self.playback.silence(samples);
                    self.add(Heard::Silence, samples);
                }
                _ => return false,
            }
        }
        true
    }

    fn play(&mut self, index: usize, wish: i32) -> i32 {
        let pcm = self.voice.get(index).map(Vec::as_slice).unwrap_or_default();
        let change = self.playback.frame(pcm, wish);
        self.add(Heard::Frame(index, 0.0), pcm.len().saturating_add_signed(change as isize));
        change
    }

    fn add(&mut self, heard: Heard, samples: usize) {
        let step = 1.0 / samples.max(1) as f64;
        self.pieces.push_back(Piece { heard, step, samples, is_begun: false });
    }

    /// What the next `tick` samples are: by their larger part a frame, or not.
    fn hear(&mut self, tick: usize) -> (Heard, Vec<usize>) {
        let (mut left, mut filled, mut taken) = (tick, 0, Vec::new());
        let (mut frame, mut filling) = (None, Heard::Silence);
        while left > 0 {
            let Some(piece) = self.pieces.front_mut() else { break };
            let samples = piece.samples.min(left);
            match &mut piece.heard {
                Heard::Frame(index, fraction) => {
                    if !piece.is_begun {
                        taken.push(*index);
                    }
                    frame = frame.or(Some((*index, *fraction)));
                    *fraction += piece.step * samples as f64;
                }
                other => {
                    filled += samples;
                    filling = *other;
                }
            }
            piece.is_begun = true;
            piece.samples -= samples;
            left -= samples;
            if piece.samples == 0 {
                self.pieces.pop_front();
            }
        }
        let heard = match frame {
            Some((index, fraction)) if 2 * (filled + left) < tick => Heard::Frame(index, fraction),
            _ => filling,
        };
        (heard, taken)
    }
}

/// The sound of each frame of the trace.
fn speak(trace: &Trace) -> Vec<Vec<i16>> {
    let mut talker = Talker::new();
    let lengths = trace.frame_lengths();
    let speak = |samples: u32| {
        let mut pcm = vec![0; samples as usize];
        talker.speak(&mut pcm);
        pcm
    };
    lengths.into_iter().map(speak).collect()
}

fn micros(at: i64) -> Duration {
    Duration::from_micros(u64::try_from(at).unwrap_or(0))
}
