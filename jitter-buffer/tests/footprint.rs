//! Memory: how much, and none after construction.

use jitter_buffer::audio::{Playback, Repetition};
use jitter_buffer::{Config, JitterBuffer, Mode};
use std::time::Duration;

fn buffer() -> JitterBuffer<u64> {
    let mut config = Config::new(8000, Duration::from_millis(20));
    config.mode = Mode::ADAPTIVE;
    config.capacity = 50;
    JitterBuffer::new(config).unwrap()
}

#[test]
fn a_stream_of_fifty_handles_takes_less_than_12_kilobytes() {
    let mut bytes = 0;
    let measured = allocation_counter::measure(|| {
        let buffer = buffer();
        bytes = size_of_val(&buffer);
    });
    bytes += measured.bytes_max as usize;
    assert!(bytes <= 12_000, "{bytes}");
}

#[test]
fn nothing_is_allocated_after_construction() {
    let mut buffer = buffer();
    let mut playback = Playback::new(8000, Repetition::new(8000));
    let mut out = [0; 160];
    let measured = allocation_counter::measure(|| {
        for n in 0..5000_u32 {
            let now = Duration::from_millis(u64::from(n) * 20);
            // Every seventh is lost, every eleventh comes twice.
            if n % 7 != 3 {
                let late = now + Duration::from_millis(u64::from(n * 37 % 60));
                buffer.push(n as u16, n * 160, 1, late, n.into());
                if n % 11 == 0 {
                    buffer.push(n as u16, n * 160, 1, late, n.into());
                }
            }
            playback.tick(&mut buffer, now, &mut out, |payload, pcm| {
                pcm[..160].fill(payload as i16);
                160
            });
            buffer.statistics();
        }
    });
    assert_eq!(measured.count_total, 0);
    assert!(buffer.statistics().played > 3000, "{:?}", buffer.statistics());
}
