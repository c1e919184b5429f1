//! Any clock rate, any frame duration, any tick.

mod support;

use jitter_buffer::{JitterBuffer, Playout};
use std::time::Duration;
use support::*;

const RATES: [u32; 7] = [8_000, 11_025, 16_000, 24_000, 44_100, 48_000, 90_000];
const FRAMES: [u64; 7] = [2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000];

#[test]
fn losses_are_shown_at_any_rate_and_frame() {
    for clock_rate in RATES {
        for frame in FRAMES.map(Duration::from_micros) {
            let shape = Shape { clock_rate, frame, ..Shape::default() };
            let mut packets = shape.packets(400, |_| ms(0));
            packets.retain(|packet| packet.id % 10 != 7);
            let mut config = fixed(clock_rate, frame, frame * 2);
            config.capacity = 256;
            let mut buffer = JitterBuffer::new(config).unwrap();
            let (playouts, _) = run(&mut buffer, packets, ms(0), 402);
            let expected: String =
                "..".chars().chain("FFFFFFFCFF".chars().cycle().take(400)).collect();
            assert_eq!(letters(&playouts), expected, "{clock_rate} Hz, {frame:?}");
            assert_eq!(buffer.statistics().lost, 40);
        }
    }
}

/// Pulls at each tick until a tick's worth of audio is there, and returns how many ticks went short.
fn ticks_that_went_short(tick: Duration, frame: Duration, learned: Duration, loss: bool) -> usize {
    let shape = Shape { frame, ..Shape::default() };
    let mut packets = shape.packets(600, |_| ms(0));
    packets.retain(|packet| !loss || packet.id % 10 != 5);
    let mut packets = packets.into_iter().peekable();
    let mut config = fixed(8000, learned, ms(150));
    config.tick = tick;
    let mut buffer = JitterBuffer::new(config).unwrap();
    let (mut audio, mut short, mut started) = (Duration::ZERO, 0, false);
    let mut played = Vec::new();
    for n in 0..(frame.as_micros() * 500 / tick.as_micros()) as u32 {
        let now = tick * n;
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            push(&mut buffer, packet);
        }
        while audio < tick {
            match buffer.pull(now) {
                Playout::Frame(id) => {
                    started = true;
                    played.push(id);
                    audio += frame;
                }
                Playout::Conceal | Playout::Silence => audio += buffer.step(),
                _ => {
                    short += usize::from(started);
                    break;
                }
            }
        }
        audio = audio.saturating_sub(tick);
    }
    assert!(played.is_sorted(), "{tick:?} {frame:?}");
    let sent = if loss { 450 } else { 500 } - (150_000 / frame.as_micros() as usize);
    assert!(played.len() + 12 >= sent, "{tick:?} {frame:?}: {} of {sent}", played.len());
    assert_eq!(buffer.statistics().late, 0, "{tick:?} {frame:?}");
    short
}

#[test]
fn ticks_and_frames_of_any_size_fit_together() {
    for tick in [10, 20, 30] {
        for frame in [10, 20, 30, 40, 60] {
            for loss in [false, true] {
                assert_eq!(
                    ticks_that_went_short(ms(tick), ms(frame), ms(frame), loss),
                    0,
                    "tick {tick}, frame {frame}, loss {loss}"
                );
            }
        }
    }
}

#[test]
fn the_frame_duration_is_learned() {
    for frame in [10, 20, 30, 60] {
        assert_eq!(ticks_that_went_short(ms(20), ms(frame), ms(20), false), 0, "{frame}");
        assert_eq!(ticks_that_went_short(ms(20), ms(frame), ms(60), false), 0, "{frame}");
    }
}

#[test]
fn frames_may_change_their_duration_mid_stream() {
    for (before, after) in [(20, 30), (30, 20), (20, 60), (60, 20), (20, 10), (10, 20)] {
        let mut config = fixed(8000, ms(before), ms(120));
        config.tick = ms(10);
        let mut buffer = JitterBuffer::new(config).unwrap();
        let (mut sent, mut timestamp) = (ms(0), 0_u32);
        let mut packets = Vec::new();
        for id in 0..400 {
            packets.push(Packet { sequence: id as u16, timestamp, ssrc: 1, arrival: sent, id });
            let frame = if id < 200 { before } else { after };
            sent += ms(frame);
            timestamp += frame as u32 * 8;
        }
        let (playouts, _) = run(&mut buffer, packets, ms(0), (sent.as_millis() / 10) as u32 + 12);
        assert_eq!(frames(&playouts), (0..400).collect::<Vec<_>>(), "{before} to {after}");
        let filled = buffer.statistics().concealed + buffer.statistics().silent;
        // The stream's end runs dry for a few ticks.
        assert!(filled <= 8, "{before} to {after}: {:?}", buffer.statistics());
    }
}
