//! A delay that follows the network.

mod support;

use jitter_buffer::{JitterBuffer, Mode, Playout, PushOutcome};
use proptest::prelude::*;
use std::time::Duration;
use support::*;

fn buffer(tick: u64) -> JitterBuffer<usize> {
    let mut config = adaptive(8000, ms(20));
    config.tick = ms(tick);
    JitterBuffer::new(config).unwrap()
}

/// Plays packets as a caller with a queue of sound does, stretching by `pitch` units, and returns what was
/// pulled at which tick.
fn listen(
    buffer: &mut JitterBuffer<usize>,
    mut packets: Vec<Packet>,
    ticks: u32,
    pitch: i32,
) -> Vec<(u32, Playout<usize>)> {
    packets.sort_by_key(|packet| packet.arrival);
    let mut packets = packets.into_iter().peekable();
    let (mut waiting, mut playouts) = (Duration::ZERO, Vec::new());
    for n in 0..ticks {
        let tick = buffer.config().tick;
        let now = tick * n;
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            push(buffer, packet);
        }
        while waiting < tick {
            let playout = buffer.pull(now);
            playouts.push((n, playout));
            waiting += match playout {
                Playout::Frame(_) => ms(20),
                Playout::Stretch { units, .. } => {
                    let change = units / pitch * pitch;
                    buffer.stretched(change);
                    Duration::from_micros(((160 + change).max(0) * 125) as u64)
                }
                Playout::Conceal | Playout::Silence => buffer.step(),
                _ => break,
            };
        }
        waiting = waiting.saturating_sub(tick);
    }
    playouts
}

fn played(playouts: &[(u32, Playout<usize>)]) -> Vec<usize> {
    playouts.iter().filter_map(|(_, playout)| playout.frame()).collect()
}

/// Delay of packet `id` for each kind of network, in ms.
fn network(kind: usize) -> impl Fn(usize) -> Duration {
    move |id| {
        let noise = (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        ms(match kind {
            0 => noise % 60,
            1 => (id as u64 * 20 % 4000).saturating_sub(3600).min(400),
            2 if id % 200 < 15 => 300 - (id as u64 % 200) * 20,
            2 => noise % 3,
            3 => id as u64 / 5 % 200,
            4 => noise % 250,
            _ if id % 11 == 3 => 80,
            _ => 0,
        })
    }
}

#[test]
fn packets_that_come_in_batches_are_waited_for() {
    for (batch, tick) in [(3, 10), (3, 20), (5, 10), (5, 20), (8, 10)] {
        let mut buffer = buffer(tick);
        // All but the last of a batch wait for the last.
        let packets = Shape::default().packets(3000, |id| ms(20) * (batch - 1 - id as u32 % batch));
        listen(&mut buffer, packets, 60_000 / tick as u32, 64);
        let statistics = buffer.statistics();
        assert!(statistics.concealed < 60, "{batch} {tick}: {statistics:?}");
        assert!(statistics.target <= ms(20) * batch, "{batch} {tick}: {statistics:?}");
    }
}

#[test]
fn a_steady_stream_is_hardly_delayed() {
    for tick in [10, 20] {
        let mut buffer = buffer(tick);
        let packets = Shape::default().packets(1500, |_| ms(0));
        let playouts = listen(&mut buffer, packets, 30_000 / tick as u32, 40);
        assert!(buffer.statistics().nominal <= ms(tick), "{:?}", buffer.statistics());
        assert_eq!(buffer.statistics().concealed + buffer.statistics().silent, 0);
        let played = played(&playouts);
        assert_eq!(played, (0..played.len()).collect::<Vec<_>>());
    }
}

#[test]
fn frequent_jitter_is_waited_for_and_rare_spikes_are_not() {
    let mut patient = buffer(10);
    listen(&mut patient, Shape::default().packets(3000, network(0)), 6000, 40);
    let statistics = patient.statistics();
    assert!((ms(40)..=ms(90)).contains(&statistics.target), "{statistics:?}");
    assert!(statistics.concealed < 200, "{statistics:?}");

    let mut bold = buffer(10);
    // A spike of 300 ms every 12 s, for one packet's worth of queue.
    let spikes = |id: usize| ms(if id % 600 < 15 { 300 - (id as u64 % 600) * 20 } else { 0 });
    listen(&mut bold, Shape::default().packets(3000, spikes), 5900, 40);
    assert!(bold.statistics().target <= ms(40), "{:?}", bold.statistics());
}

#[test]
fn any_past_is_given_back_after_ten_quiet_seconds() {
    for tick in [10, 20, 30] {
        for kind in 0..6 {
            for stretching in [true, false] {
                let mut config = adaptive(8000, ms(20));
                (config.tick, config.stretching) = (ms(tick), stretching);
                let unquiet = network(kind);
                let path = |id: usize| if id < 1500 { unquiet(id) } else { ms(0) };
                let mut used = JitterBuffer::new(config).unwrap();
                let ticks = 40_000 / tick as u32;
                listen(&mut used, Shape::default().packets(2000, path), ticks, 40);
                let mut fresh = JitterBuffer::new(config).unwrap();
                let quiet = Shape::default().packets(500, |_| ms(0));
                listen(&mut fresh, quiet, 10_000 / tick as u32, 40);
                let (used, fresh) = (used.statistics().nominal, fresh.statistics().nominal);
                let context = format!("tick {tick}, network {kind}, stretching {stretching}");
                assert!(used <= fresh + ms(20), "{context}: {used:?} and {fresh:?}");
            }
        }
    }
}

#[test]
fn a_slower_path_is_followed_and_a_faster_one_too() {
    let mut buffer = buffer(10);
    let path = |id: usize| ms(if (500..1000).contains(&id) { 250 } else { 20 });
    let playouts = listen(&mut buffer, Shape::default().packets(2000, path), 4000, 40);
    let missing = 2000 - played(&playouts).len();
    assert!(missing <= 15, "{missing}: {:?}", buffer.statistics());
    assert!(buffer.statistics().concealed <= 40, "{:?}", buffer.statistics());
    assert!(buffer.statistics().nominal <= ms(30), "{:?}", buffer.statistics());
}

#[test]
fn the_backlog_of_an_outage_that_was_concealed_is_skipped() {
    let mut buffer = buffer(10);
    // Packets 200 to 249 all come at the end of a second.
    let path = |id: usize| ms(if (200..250).contains(&id) { (250 - id as u64) * 20 } else { 0 });
    let playouts = listen(&mut buffer, Shape::default().packets(500, path), 1000, 40);
    let played = played(&playouts);
    assert!(played.len() >= 445, "{}", played.len());
    let statistics = buffer.statistics();
    assert!(statistics.discarded >= 40 && statistics.nominal <= ms(40), "{statistics:?}");
}

#[test]
fn a_ramp_is_climbed_without_a_gap() {
    // A queue that grows by 25 ms a second, as in a router with a large buffer.
    let mut buffer = buffer(10);
    let path = |id: usize| ms(id as u64 * 20 % 8000 / 40);
    let playouts = listen(&mut buffer, Shape::default().packets(1200, path), 2400, 40);
    let filled = buffer.statistics().concealed + buffer.statistics().silent;
    assert!(filled <= 20, "{:?}", buffer.statistics());
    assert!(played(&playouts).is_sorted());
}

#[test]
fn a_pause_is_silence_and_may_be_cut_short() {
    let shape = Shape::default();
    let mut buffer = buffer(20);
    // Jitter in the first spurt, then a pause of 2 s (the numbers go on, the timestamps skip).
    let mut packets = shape.packets(200, |id| ms(id as u64 * 37 % 60));
    packets.extend(
        (300..500).map(|id| Packet { sequence: id as u16 - 100, ..shape.packet(id, ms(0)) }),
    );
    let playouts = listen(&mut buffer, packets, 520, 40);
    assert_eq!(buffer.statistics().lost, 0);
    let silent = playouts.iter().filter(|(_, p)| matches!(p, Playout::Silence)).count();
    assert!((90..=115).contains(&silent), "{silent}");
    assert_eq!(buffer.statistics().late, 0);
}

#[test]
fn a_late_packet_is_played_while_its_time_is_concealed() {
    let mut buffer = buffer(10);
    let packets = Shape::default().packets(600, |id| ms(if id == 500 { 8 } else { 0 }));
    let playouts = listen(&mut buffer, packets, 1190, 40);
    assert_eq!(played(&playouts)[500], 500);
    assert!(buffer.statistics().concealed <= 2, "{:?}", buffer.statistics());
}

#[test]
fn the_delay_stays_within_its_limits() {
    let mut config = adaptive(8000, ms(20));
    config.mode = Mode::Adaptive { least: ms(60), most: ms(100) };
    let mut buffer = JitterBuffer::new(config).unwrap();
    listen(&mut buffer, Shape::default().packets(1000, |_| ms(0)), 1000, 40);
    assert!((ms(60)..=ms(80)).contains(&buffer.statistics().nominal));
    let mut buffer = JitterBuffer::new(config).unwrap();
    listen(&mut buffer, Shape::default().packets(1000, network(4)), 1000, 40);
    assert_eq!(buffer.statistics().target, ms(100));
}

#[test]
fn skewed_clocks_cost_one_frame_in_a_thousand() {
    for ppm in [-100_i64, 100] {
        let mut packets = Shape::default().packets(180_000, |id| ms(id as u64 * 7 % 3));
        for packet in &mut packets {
            let sent = packet.arrival.as_nanos() as i64;
            packet.arrival = Duration::from_nanos((sent - sent / 1_000_000 * ppm) as u64);
        }
        let mut buffer = buffer(20);
        let playouts = listen(&mut buffer, packets, 178_000, 40);
        let statistics = buffer.statistics();
        assert!(
            statistics.concealed <= 220 && statistics.discarded <= 220,
            "{ppm}: {statistics:?}"
        );
        assert!(statistics.nominal <= ms(40), "{ppm}: {statistics:?}");
        assert!(played(&playouts).is_sorted_by(|a, b| a < b), "{ppm}");
    }
}

#[test]
fn the_marks_of_the_reporting_interval() {
    let mut buffer = buffer(10);
    listen(&mut buffer, Shape::default().packets(1000, network(2)), 2000, 40);
    let statistics = buffer.statistics();
    assert!(statistics.high_water >= ms(20) && statistics.low_water <= statistics.nominal);
    assert!(statistics.maximum >= statistics.high_water);
    buffer.begin_interval();
    let statistics = buffer.statistics();
    assert_eq!(statistics.high_water, statistics.nominal);
    assert_eq!(statistics.low_water, statistics.nominal);
}

fn fate() -> impl Strategy<Value = (Option<u64>, Option<u64>)> {
    let delay = || prop_oneof![6 => 0_u64..30, 3 => 0_u64..120, 1 => 0_u64..700];
    (prop::option::weighted(0.9, delay()), prop::option::weighted(0.1, delay()))
}

fn sent(shape: &Shape, fates: &[(Option<u64>, Option<u64>)]) -> Vec<Packet> {
    let copies = |(id, (first, copy)): (usize, &(Option<u64>, Option<u64>))| {
        [*first, *copy].into_iter().flatten().map(move |delay| (id, delay)).collect::<Vec<_>>()
    };
    let copies = fates.iter().enumerate().flat_map(copies);
    copies.map(|(id, delay)| shape.packet(id, ms(delay))).collect()
}

proptest! {
    #[test]
    fn in_order_once_bounded_and_accounted_for(
        fates in prop::collection::vec(fate(), 1..300),
        tick in prop::sample::select(vec![10_u64, 20, 30]),
        frame in prop::sample::select(vec![10_u64, 20, 30, 60]),
        stretching in any::<bool>(),
        pitch in 20_i32..150,
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
    ) {
        let shape = Shape { frame: ms(frame), sequence, timestamp, ..Shape::default() };
        let mut config = adaptive(8000, ms(frame));
        (config.tick, config.stretching) = (ms(tick), stretching);
        let mut buffer = JitterBuffer::new(config).unwrap();
        let ticks = (fates.len() as u64 * frame + 1500) / tick;
        let playouts = listen(&mut buffer, sent(&shape, &fates), ticks as u32, pitch);
        let played = played(&playouts);
        prop_assert!(played.is_sorted_by(|a, b| a < b), "{:?}", played);
        let s = buffer.statistics();
        prop_assert!(s.most_queued <= config.capacity);
        let ended = s.played + s.late + s.duplicates + s.discarded;
        let waiting = s.received - ended;
        prop_assert!(waiting == s.queued as u64 || waiting == s.queued as u64 + 1, "{:?}", s);
        let stretches = playouts.iter().any(|(_, p)| matches!(p, Playout::Stretch { .. }));
        prop_assert!(stretching || !stretches);
    }

    #[test]
    fn the_same_under_any_offset(
        fates in prop::collection::vec(fate(), 1..200),
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
    ) {
        let outcome = |shape: Shape| {
            let mut buffer = buffer(10);
            let ticks = fates.len() as u32 * 2 + 60;
            (listen(&mut buffer, sent(&shape, &fates), ticks, 45), buffer.statistics())
        };
        let plain = outcome(Shape::default());
        prop_assert_eq!(&plain, &outcome(Shape { sequence, timestamp, ..Shape::default() }));
        prop_assert_eq!(plain, outcome(Shape::default()), "and the same again");
    }

    #[test]
    fn comes_back_after_any_jump(
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
        ssrc in 1_u32..3,
        pause in 0_u64..2000,
        before in 1_usize..100,
        tick in prop::sample::select(vec![10_u64, 20]),
    ) {
        let mut packets = Shape::default().packets(before + 200, |_| ms(0));
        for packet in &mut packets[before..] {
            packet.sequence = packet.sequence.wrapping_add(sequence);
            packet.timestamp = packet.timestamp.wrapping_add(timestamp);
            packet.ssrc = ssrc;
            packet.arrival += ms(pause);
        }
        let resumed = packets[before].arrival;
        let mut buffer = buffer(tick);
        let ticks = (resumed.as_millis() as u64 / tick + 3000 / tick) as u32;
        let playouts = listen(&mut buffer, packets, ticks, 40);
        let played = played(&playouts);
        prop_assert!(played.is_sorted_by(|a, b| a < b), "{:?}", played);
        let from = ((resumed + ms(500)).as_millis() as u64 / tick) as u32 + 1;
        let steady = playouts.iter().filter(|(n, _)| *n >= from);
        let gaps = steady.filter(|(_, p)| matches!(p, Playout::Conceal | Playout::Silence)).count();
        prop_assert_eq!(gaps, 0, "{:?}", buffer.statistics());
    }

    #[test]
    fn any_input_is_survived(
        steps in prop::collection::vec(
            (0_u8..3, any::<u16>(), any::<u32>(), 0_u32..3, 0_u64..3000), 0..400,
        ),
        small in any::<bool>(),
        stretching in any::<bool>(),
        clock_rate in prop::sample::select(vec![1000_u32, 8000, 11_025, 48_000, 10_000_000]),
    ) {
        let mut config = adaptive(clock_rate, ms(20));
        config.stretching = stretching;
        let mut buffer = JitterBuffer::new(config).unwrap();
        let mut now = Duration::ZERO;
        for (what, sequence, timestamp, ssrc, elapsed) in steps {
            let (sequence, timestamp, ssrc, elapsed) = if small {
                (sequence % 300, timestamp % 50_000, ssrc / 2, elapsed % 40)
            } else {
                (sequence, timestamp, ssrc, elapsed)
            };
            now += ms(elapsed);
            match what {
                0 => {
                    buffer.pull(now);
                }
                1 => buffer.stretched(timestamp as i32),
                _ => {
                    let outcome = buffer.push(sequence, timestamp, ssrc, now, 0);
                    prop_assert!(outcome.is_queued() || outcome != PushOutcome::Queued);
                }
            }
            prop_assert!(buffer.len() <= config.capacity);
            buffer.statistics();
        }
    }
}
