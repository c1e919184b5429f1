//! Recording: samples put where their time says, however late and in whatever order they come.

use std::time::Duration;

use super::{RecordedSides, RecordingId};

/// Samples a second.
const RATE: u64 = 8_000;
/// How long a packet may be late and still be recorded in its place.
const PATIENCE: Duration = Duration::from_millis(400);
/// The same where an ear has waited for packets before: what it hears, and what is sent of our own, is there in time.
/// Samples that wait for it are in the processor's way.
const PATIENCE_OF_EARS: Duration = Duration::from_millis(60);
/// How often finished samples leave.
const BLOCK: Duration = Duration::from_millis(200);
/// A source whose clock disagrees with arrival by more than this has been set anew.
const MAX_DRIFT: u64 = RATE;

/// Finished samples of a recording, for the driver to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which recording.
    pub recording: RecordingId,
    /// 8 kHz samples; with [`RecordedSides::Both`] left and right take turns.
    pub samples: Vec<i16>,
}

/// Which side of a stream a sample is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Received,
    Sent,
}

/// One recording at work.
#[derive(Debug)]
pub(super) struct Recorder {
    id: RecordingId,
    sides: RecordedSides,
    start: Duration,
    /// Samples that have left.
    flushed: u64,
    received: Track,
    sent: Track,
    next_block: Duration,
}

impl Recorder {
    pub(super) fn new(id: RecordingId, sides: RecordedSides, now: Duration) -> Self {
        Self {
            id,
            sides,
            start: now,
            flushed: 0,
            received: Track::default(),
            sent: Track::default(),
            next_block: now + patience(sides) + BLOCK,
        }
    }

    pub(super) fn id(&self) -> RecordingId {
        self.id
    }

    /// Whether it wants what a listener hears, rather than each packet where it belongs.
    pub(super) fn hears(&self) -> bool {
        self.sides != RecordedSides::Received
    }

    /// Whether it wants what the peer is sent.
    pub(super) fn overhears(&self) -> bool {
        self.sides == RecordedSides::Both
    }

    /// Samples with the RTP timestamp (8 kHz) and SSRC they came with.
    pub(super) fn write(
        &mut self,
        now: Duration,
        direction: Direction,
        source: (u32, u32),
        samples: &[i16],
    ) {
        if direction == Direction::Sent && self.sides != RecordedSides::Both {
            return;
        }
        let arrival = ticks(now.saturating_sub(self.start));
        let flushed = self.flushed;
        let track = match direction {
            Direction::Received => &mut self.received,
            Direction::Sent => &mut self.sent,
        };
        // What belongs where nothing can be written any more is better late than lost; a packet that the
        // network held up is not.
        let behind =
            if self.sides == RecordedSides::Received { MAX_DRIFT } else { ticks(PATIENCE_OF_EARS) };
        let position = track.position(arrival, behind, source);
        track.put(flushed, position, samples);
    }

    /// What an ear has heard at `at`.
    pub(super) fn write_heard(&mut self, at: Duration, direction: Direction, samples: &[i16]) {
        let position = ticks(at.saturating_sub(self.start));
        let track = match direction {
            Direction::Received => &mut self.received,
            Direction::Sent => &mut self.sent,
        };
        track.put(self.flushed, position, samples);
    }

    pub(super) fn poll_timeout(&self) -> Duration {
        self.next_block
    }

    /// The block that is due, if one is.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Option<Block> {
        if now < self.next_block {
            return None;
        }
        self.next_block = now + BLOCK;
        let patience = patience(self.sides);
        self.flush(ticks(now.saturating_sub(self.start).saturating_sub(patience)))
    }

    /// The rest, and the length of the whole in samples.
    pub(super) fn finish(mut self, now: Duration) -> (Option<Block>, u64) {
        let elapsed = ticks(now.saturating_sub(self.start));
        let held = self.received.samples.len().max(self.sent.samples.len()) as u64;
        let block = self.flush(elapsed.max(self.flushed + held));
        (block, self.flushed)
    }

    fn flush(&mut self, until: u64) -> Option<Block> {
        let count = usize::try_from(until.saturating_sub(self.flushed)).ok().filter(|n| *n > 0)?;
        let mut samples = Vec::new();
        match self.sides {
            RecordedSides::Received | RecordedSides::Heard => {
                let (spoken, silent) = self.received.first(count);
                samples.reserve_exact(count);
                samples.extend_from_slice(spoken);
                samples.resize(samples.len() + silent, 0);
            }
            RecordedSides::Both => {
                samples.resize(2 * count, 0);
                let (pairs, _) = samples.as_chunks_mut();
                interleave(pairs, self.received.first(count).0, self.sent.first(count).0);
            }
        }
        self.received.forget(count);
        self.sent.forget(count);
        self.flushed = until;
        Some(Block { recording: self.id, samples })
    }
}

/// One direction: a window of samples that begins at the recording's `flushed`.
#[derive(Debug, Default)]
struct Track {
    samples: Vec<i16>,
    base: Option<Base>,
}

/// Where a source's time line lies in the recording.
#[derive(Clone, Copy, Debug)]
struct Base {
    ssrc: u32,
    timestamp: u32,
    position: u64,
}

impl Track {
    /// Where samples lie that came at `arrival`: at most `behind` before it.
    fn position(&mut self, arrival: u64, behind: u64, (ssrc, timestamp): (u32, u32)) -> u64 {
        if let Some(base) = self.base
            && base.ssrc == ssrc
        {
            let step = timestamp.wrapping_sub(base.timestamp).cast_signed();
            let position = base.position.saturating_add_signed(i64::from(step));
            if (arrival.saturating_sub(behind)..=arrival + MAX_DRIFT).contains(&position) {
                self.base = Some(Base { ssrc, timestamp, position });
                return position;
            }
        }
        self.base = Some(Base { ssrc, timestamp, position: arrival });
        arrival
    }

    fn put(&mut self, flushed: u64, position: u64, samples: &[i16]) {
        // What lies before the window came too late.
        let missed = usize::try_from(flushed.saturating_sub(position)).unwrap_or(usize::MAX);
        let Some(samples) = samples.get(missed..) else { return };
        let start = usize::try_from(position.saturating_sub(flushed)).unwrap_or(usize::MAX);
        let end = start.saturating_add(samples.len());
        if end > self.samples.len() {
            self.samples.resize(end, 0);
        }
        if let Some(place) = self.samples.get_mut(start..end) {
            place.copy_from_slice(samples);
        }
    }

    /// The oldest `count` samples, and how many of them nobody has written.
    fn first(&self, count: usize) -> (&[i16], usize) {
        let spoken = self.samples.get(..count).unwrap_or(&self.samples);
        (spoken, count - spoken.len())
    }

    fn forget(&mut self, count: usize) {
        self.samples.drain(..count.min(self.samples.len()));
    }
}

/// Puts two sides next to each other; the shorter one is silent at its end.
fn interleave(pairs: &mut [[i16; 2]], left: &[i16], right: &[i16]) {
    let both = left.len().min(right.len());
    let (together, rest) = pairs.split_at_mut(both.min(pairs.len()));
    for ((pair, left), right) in together.iter_mut().zip(left).zip(right) {
        *pair = [*left, *right];
    }
    for (pair, left) in rest.iter_mut().zip(left.get(both..).unwrap_or_default()) {
        pair[0] = *left;
    }
    for (pair, right) in rest.iter_mut().zip(right.get(both..).unwrap_or_default()) {
        pair[1] = *right;
    }
}

fn patience(sides: RecordedSides) -> Duration {
    match sides {
        RecordedSides::Received => PATIENCE,
        RecordedSides::Heard | RecordedSides::Both => PATIENCE_OF_EARS,
    }
}

fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).saturating_mul(RATE) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    fn recorded(order: &[u32]) -> Vec<i16> {
        let mut recorder = Recorder::new(RecordingId(1), RecordedSides::Received, Duration::ZERO);
        let mut samples = Vec::new();
        for (slot, n) in order.iter().enumerate() {
            let now = FRAME * slot as u32;
            let frame = [*n as i16 + 1; 160];
            recorder.write(now, Direction::Received, (7, 1_000 + n * 160), &frame);
            samples.extend(recorder.handle_timeout(now).into_iter().flat_map(|b| b.samples));
        }
        let (block, length) = recorder.finish(FRAME * order.len() as u32);
        samples.extend(block.into_iter().flat_map(|b| b.samples));
        assert_eq!(samples.len() as u64, length);
        samples
    }

    #[test]
    fn samples_lie_where_their_timestamps_say() {
        let order: Vec<u32> = (0..100).collect();
        let samples = recorded(&order);
        assert_eq!(samples.len(), 100 * 160);
        for (n, frame) in samples.chunks(160).enumerate() {
            assert_eq!(frame, [n as i16 + 1; 160], "frame {n}");
        }
    }

    #[test]
    fn reordered_frames_are_put_in_order_and_lost_ones_are_silence() {
        let samples = recorded(&[0, 2, 1, 3, 5]);
        let first: Vec<i16> = samples.chunks(160).map(|frame| frame[0]).collect();
        assert_eq!(first, [1, 2, 3, 4, 0, 6]);
    }

    #[test]
    fn what_is_sent_of_our_own_is_recorded_though_its_clock_has_fallen_behind() {
        let mut recorder = Recorder::new(RecordingId(1), RecordedSides::Both, Duration::ZERO);
        let mut samples = Vec::new();
        for n in 0..100 {
            // A pause in which its clock has stood still.
            let now = FRAME * (n + if n < 50 { 0 } else { 15 });
            recorder.write(now, Direction::Sent, (9, n * 160), &[1; 160]);
            recorder.write_heard(now, Direction::Received, &[2; 160]);
            samples.extend(recorder.handle_timeout(now).into_iter().flat_map(|b| b.samples));
        }
        samples.extend(recorder.finish(FRAME * 115).0.into_iter().flat_map(|b| b.samples));
        let (pairs, _) = samples.as_chunks::<2>();
        assert_eq!(pairs.len(), 115 * 160);
        assert_eq!(pairs.iter().filter(|pair| **pair == [2, 1]).count(), 100 * 160);
    }

    #[test]
    fn a_source_that_jumps_goes_on_at_its_arrival() {
        let mut recorder = Recorder::new(RecordingId(1), RecordedSides::Both, Duration::ZERO);
        recorder.write(Duration::ZERO, Direction::Received, (7, 0), &[1; 160]);
        recorder.write(FRAME, Direction::Received, (8, 4_000_000_000), &[2; 160]);
        recorder.write(FRAME * 2, Direction::Sent, (9, 5), &[3; 160]);
        let (block, length) = recorder.finish(FRAME * 3);
        let samples = block.unwrap().samples;
        assert_eq!(length, 480);
        assert_eq!(samples.len(), 960);
        assert_eq!(&samples[..4], [1, 0, 1, 0]);
        assert_eq!(&samples[320..324], [2, 0, 2, 0]);
        assert_eq!(&samples[640..644], [0, 3, 0, 3]);
    }
}
