use alloc::boxed::Box;
use alloc::vec;
use core::time::Duration;

use super::concealment::Concealment;
use super::fade;
use super::stretch::{LONGEST_US, Stretcher};
use crate::{JitterBuffer, Playout};

/// Sound between the buffer and the ear: joins frames and concealment, stretches, and gives ticks of any
/// length.
///
/// [`tick`](Self::tick) does it all; the other methods are its parts, for who pulls himself.
#[derive(Debug)]
pub struct Playback<C> {
    rate: u32,
    concealment: C,
    stretcher: Stretcher,
    /// What was played of late, and from `start` on what waits to be.
    sound: Box<[i16]>,
    start: usize,
    end: usize,
    last: Last,
    /// Decoded and concealed sound on its way in.
    scratch: Box<[i16]>,
}

/// What was added last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Frame,
    Concealment,
    Silence,
}

/// The longest frame (Opus).
const LONGEST_FRAME_MS: u32 = 120;
/// Frames and a tick that may wait together.
const WAITING_MS: u32 = 3 * LONGEST_FRAME_MS;
/// The overlap of concealment and what follows: as in G.711 Appendix I after a short loss.
const OVERLAP_MS: u32 = 5;

impl<C: Concealment> Playback<C> {
    /// For PCM of `rate` samples a second, from 8,000 on, with a concealment of this rate.
    pub fn new(rate: u32, concealment: C) -> Self {
        let samples = |ms: u32| rate as usize * ms as usize / 1000;
        let history = samples(LONGEST_US / 1000);
        Self {
            rate,
            concealment,
            stretcher: Stretcher::new(rate),
            sound: vec![0; history + samples(WAITING_MS)].into(),
            start: history,
            end: history,
            last: Last::Nothing,
            scratch: vec![0; samples(LONGEST_FRAME_MS)].into(),
        }
    }

    /// Fills `out`, a tick's worth, with what the buffer has for `now`. `decode` turns a payload into PCM,
    /// of 120 ms at most, and returns the number of samples.
    ///
    /// Returns whether there was anything to play; if not, `out` is silent.
    pub fn tick<T>(
        &mut self,
        buffer: &mut JitterBuffer<T>,
        now: Duration,
        out: &mut [i16],
        mut decode: impl FnMut(T, &mut [i16]) -> usize,
    ) -> bool {
        while self.waiting() < out.len() {
            let given_up = buffer.given_up();
            let playout = buffer.pull(now);
            if buffer.given_up() != given_up && self.last == Last::Frame {
                // The frame does not follow the one before.
                self.last = Last::Concealment;
            }
            match playout {
                Playout::Frame(payload) => {
                    self.decode(|pcm| decode(payload, pcm), 0);
                }
                Playout::Stretch { frame, units } => {
                    let clock_rate = buffer.config().clock_rate;
                    let wish = scale(units, clock_rate, self.rate);
                    let change = self.decode(|pcm| decode(frame, pcm), wish);
                    if change != 0 {
                        buffer.stretched(scale(change, self.rate, clock_rate));
                    }
                }
                Playout::Conceal => self.conceal(self.samples(buffer.step())),
                Playout::Silence => self.silence(self.samples(buffer.step())),
                Playout::NotReady
                    if self.waiting() == 0
                        && matches!(self.last, Last::Nothing | Last::Silence) =>
                {
                    break;
                }
                // A fraction of a sample, or a tick that came early: go on with what there is.
                Playout::NotReady => self.conceal(out.len() - self.waiting()),
            }
        }
        let is_playing = self.waiting() > 0;
        self.read(out);
        is_playing
    }

    /// Samples waiting to be read.
    pub fn waiting(&self) -> usize {
        self.end - self.start
    }

    /// How many samples `duration` is.
    pub fn samples(&self, duration: Duration) -> usize {
        // Whatever the caller's step, no more than fits.
        let nanos = duration.as_nanos().min(1_000_000_000) as u64;
        ((nanos * u64::from(self.rate) + 500_000_000) / 1_000_000_000) as usize
    }

    /// Adds a decoded frame, made longer by at most `wish` samples (shorter when negative), and returns
    /// the change.
    pub fn frame(&mut self, pcm: &[i16], wish: i32) -> i32 {
        self.decode(
            |scratch| {
                let length = pcm.len().min(scratch.len());
                if let (Some(to), Some(from)) = (scratch.get_mut(..length), pcm.get(..length)) {
                    to.copy_from_slice(from);
                }
                length
            },
            wish,
        )
    }

    /// Adds `count` samples of concealment.
    pub fn conceal(&mut self, count: usize) {
        let place = self.make_room(count);
        let last = self.last_sample();
        let is_joint = self.last != Last::Concealment;
        let Some(out) = self.sound.get_mut(place..place + count) else { return };
        self.concealment.conceal(out);
        if is_joint {
            fade::join(last, out, self.rate as usize * OVERLAP_MS as usize / 1000);
        }
        self.end = place + count;
        self.last = Last::Concealment;
    }

    /// Adds `count` samples of silence.
    pub fn silence(&mut self, count: usize) {
        let place = self.make_room(count);
        let last = self.last_sample();
        let Some(out) = self.sound.get_mut(place..place + count) else { return };
        out.fill(0);
        if self.last != Last::Silence {
            fade::join(last, out, self.rate as usize * OVERLAP_MS as usize / 1000);
        }
        self.concealment.hear(out);
        self.end = place + count;
        self.last = Last::Silence;
    }

    /// Takes `out.len()` samples, silent ones where not so many wait.
    pub fn read(&mut self, out: &mut [i16]) {
        let count = out.len().min(self.waiting());
        let (full, empty) = out.split_at_mut(count);
        if let Some(sound) = self.sound.get(self.start..self.start + count) {
            full.copy_from_slice(sound);
        }
        empty.fill(0);
        self.start += count;
    }

    /// The concealment, as made for [`new`](Self::new).
    pub fn concealment(&self) -> &C {
        &self.concealment
    }

    fn decode(&mut self, decode: impl FnOnce(&mut [i16]) -> usize, wish: i32) -> i32 {
        let length = decode(&mut self.scratch).min(self.scratch.len());
        let overlap = (self.rate as usize * OVERLAP_MS as usize / 1000).min(length);
        let place = self.make_room(length);
        let last = self.last_sample();
        let Some(frame) = self.scratch.get(..length) else { return 0 };
        let Some(out) = self.sound.get_mut(place..place + length) else { return 0 };
        match self.last {
            Last::Concealment => {
                // What the concealment would have gone on with fades out into the frame.
                let (head, tail) = out.split_at_mut(overlap);
                self.concealment.fade_out(head);
                let mut entering = [0; LONGEST_OVERLAP];
                let entering = entering.get_mut(..overlap).unwrap_or_default();
                entering.copy_from_slice(frame.get(..entering.len()).unwrap_or_default());
                fade::cross(head, entering);
                head.get_mut(..entering.len()).unwrap_or_default().copy_from_slice(entering);
                tail.copy_from_slice(frame.get(overlap..).unwrap_or_default());
            }
            Last::Nothing | Last::Silence => {
                out.copy_from_slice(frame);
                fade::join(last, out, overlap);
            }
            Last::Frame => out.copy_from_slice(frame),
        }
        self.concealment.hear(out);
        self.last = Last::Frame;
        self.end = place + length;
        let change = match wish {
            0 => 0,
            _ => self.stretcher.stretch(&mut self.sound, place, self.end, wish),
        };
        self.end = self.end.saturating_add_signed(change as isize);
        change
    }

    /// Makes room for `count` samples after those that wait and as many again for stretching, keeping the
    /// history; returns where they go. When too much waits, the oldest is lost.
    fn make_room(&mut self, count: usize) -> usize {
        let longest = self.rate as usize * LONGEST_US as usize / 1_000_000;
        if self.end + count + longest > self.sound.len() {
            let needed = (self.end + count + longest).saturating_sub(self.sound.len());
            let spare = self.start.saturating_sub(longest);
            let cut = spare.max(needed).min(self.end);
            self.sound.copy_within(cut..self.end, 0);
            self.end -= cut;
            self.start = self.start.saturating_sub(cut).min(self.end);
        }
        self.end
    }

    fn last_sample(&self) -> i16 {
        self.end.checked_sub(1).and_then(|at| self.sound.get(at)).copied().unwrap_or(0)
    }
}

/// An overlap of 5 ms at 192 kHz.
const LONGEST_OVERLAP: usize = 960;

/// `count` at the rate `from` as a count at the rate `to`.
fn scale(count: i32, from: u32, to: u32) -> i32 {
    if from == to {
        return count;
    }
    (i64::from(count) * i64::from(to) / i64::from(from.max(1))) as i32
}
