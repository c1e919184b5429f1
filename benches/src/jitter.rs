//! The jitter buffer: a packet in and a frame out, with and without sound.

use std::hint::black_box;
use std::time::Duration;

use jitter_buffer::audio::{Playback, Repetition};
use jitter_buffer::{Config, JitterBuffer, Mode};

/// Packets a job works on.
pub const PACKETS: u32 = 100;

/// A stream under way: half a minute of jitter lies behind it.
pub struct Stream {
    buffer: JitterBuffer<u32>,
    playback: Playback<Repetition>,
    next: u32,
}

/// A stream that follows the network.
pub fn adaptive() -> Stream {
    stream(Mode::ADAPTIVE)
}

/// A stream with a delay of 60 ms.
pub fn fixed() -> Stream {
    stream(Mode::Fixed { delay: Duration::from_millis(60) })
}

/// Pushes and pulls a hundred packets, and counts the frames.
pub fn push_and_pull(mut stream: Stream) -> (Stream, u32) {
    let mut frames = 0;
    for _ in 0..PACKETS {
        let now = stream.push();
        frames += u32::from(black_box(stream.buffer.pull(now)).frame().is_some());
    }
    (stream, frames)
}

/// The same, with the sound of each tick.
pub fn play(mut stream: Stream) -> (Stream, u32) {
    let mut frames = 0;
    let mut out = [0; 160];
    for _ in 0..PACKETS {
        let now = stream.push();
        stream.playback.tick(&mut stream.buffer, now, &mut out, |number, pcm| {
            frames += 1;
            for (n, sample) in pcm.iter_mut().take(160).enumerate() {
                // A buzz of 100 Hz.
                *sample = ((n as u32 + number * 160) % 80 * 100) as i16;
            }
            160
        });
        black_box(&out);
    }
    (stream, frames)
}

fn stream(mode: Mode) -> Stream {
    let mut config = Config::new(8000, Duration::from_millis(20));
    config.mode = mode;
    let buffer = JitterBuffer::new(config).expect("a valid configuration");
    let playback = Playback::new(8000, Repetition::new(8000));
    let mut stream = Stream { buffer, playback, next: 0 };
    for _ in 0..1500 {
        let now = stream.push();
        stream.buffer.pull(now);
    }
    stream
}

impl Stream {
    fn push(&mut self) -> Duration {
        let n = self.next;
        self.next += 1;
        let now = Duration::from_millis(u64::from(n) * 20);
        let late = Duration::from_millis(u64::from(n.wrapping_mul(0x9E37_79B9) >> 24) * 30 / 256);
        self.buffer.push(n as u16, n * 160, 1, now.saturating_sub(late), n);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out() {
        for stream in [adaptive(), fixed()] {
            let (stream, frames) = push_and_pull(stream);
            assert!((90..=110).contains(&frames), "{frames}");
            let (_, frames) = play(stream);
            assert!((90..=110).contains(&frames), "{frames}");
        }
    }
}
