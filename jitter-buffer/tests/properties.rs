//! What holds for every sequence of packets, and for every network.

mod support;

use std::collections::HashSet;
use std::time::Duration;

use jitter_buffer::{JitterBuffer, Playout, PushOutcome};
use proptest::prelude::*;
use support::*;

/// What a network does to a stream: each packet's delay, or its loss, and perhaps a second copy.
#[derive(Debug, Clone)]
struct Fate {
    delay: Option<u64>,
    copy: Option<u64>,
}

fn fate() -> impl Strategy<Value = Fate> {
    let delay = || prop_oneof![6 => 0_u64..30, 3 => 0_u64..120, 1 => 0_u64..400];
    (prop::option::weighted(0.9, delay()), prop::option::weighted(0.1, delay()))
        .prop_map(|(delay, copy)| Fate { delay, copy })
}

fn packets(shape: &Shape, fates: &[Fate]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (id, fate) in fates.iter().enumerate() {
        for delay in [fate.delay, fate.copy].into_iter().flatten() {
            packets.push(shape.packet(id, ms(delay)));
        }
    }
    packets
}

fn check_conservation(buffer: &JitterBuffer<usize>) -> Result<(), TestCaseError> {
    let s = buffer.statistics();
    let ended = s.played + s.late + s.duplicates + s.discarded;
    let waiting = s.received - ended;
    prop_assert!(waiting == s.queued as u64 || waiting == s.queued as u64 + 1, "{:?}", s);
    prop_assert!(s.queued <= buffer.config().capacity);
    prop_assert_eq!(s.queued, buffer.len());
    Ok(())
}

proptest! {
    #[test]
    fn in_order_once_and_accounted_for(
        fates in prop::collection::vec(fate(), 1..300),
        delay in 0_u64..200,
        tick in prop::sample::select(vec![10_u64, 20, 30]),
        frame in prop::sample::select(vec![10_u64, 20, 30, 60]),
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
    ) {
        let shape = Shape { frame: ms(frame), sequence, timestamp, ..Shape::default() };
        let mut config = fixed(8000, ms(frame), ms(delay));
        config.tick = ms(tick);
        let mut buffer = JitterBuffer::new(config).unwrap();
        let packets = packets(&shape, &fates);
        let arrived: HashSet<_> = packets.iter().map(|packet| packet.id).collect();
        let ticks = (fates.len() as u64 * frame + 1000) / tick;
        let (playouts, outcomes) = run(&mut buffer, packets, ms(0), ticks as u32);
        let played = frames(&playouts);
        prop_assert!(played.is_sorted_by(|a, b| a < b), "{:?}", played);
        prop_assert!(played.iter().all(|id| arrived.contains(id)));
        let queued = outcomes.iter().filter(|(_, outcome)| outcome.is_queued()).count();
        let s = buffer.statistics();
        prop_assert_eq!(queued as u64, s.played + s.discarded + s.queued as u64);
        check_conservation(&buffer)?;
    }

    #[test]
    fn jitter_below_the_delay_loses_nothing(
        delays in prop::collection::vec(0_u64..=80, 1..400),
        rate in prop::sample::select(vec![8_000_u32, 11_025, 16_000, 48_000]),
        phase in 0_u64..20,
    ) {
        let shape = Shape { clock_rate: rate, ..Shape::default() };
        let mut buffer = JitterBuffer::new(fixed(rate, ms(20), ms(80))).unwrap();
        let packets = shape.packets(delays.len(), |id| ms(delays[id]));
        let ticks = delays.len() as u32 + 20;
        let (playouts, _) = run(&mut buffer, packets, ms(phase), ticks);
        // Where the first to come is not the first sent, the first may be late for the start.
        let played = frames(&playouts);
        let first = played[0];
        prop_assert_eq!(played, (first..delays.len()).collect::<Vec<_>>());
        let start = playouts.iter().position(|p| p.frame().is_some()).unwrap();
        prop_assert!(playouts[start..start + delays.len() - first].iter().all(|p| p.frame().is_some()));
    }

    #[test]
    fn the_same_under_any_offset(
        fates in prop::collection::vec(fate(), 1..200),
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
        start in 0_u64..10_000_000_000,
    ) {
        let outcome = |shape: Shape| {
            let mut buffer = JitterBuffer::new(fixed(8000, ms(20), ms(60))).unwrap();
            let ticks = fates.len() as u32 + 30;
            let result = run(&mut buffer, packets(&shape, &fates), shape.start, ticks);
            (result, buffer.statistics())
        };
        let plain = outcome(Shape::default());
        let shifted = outcome(Shape { sequence, timestamp, start: ms(start), ..Shape::default() });
        prop_assert_eq!(&plain, &shifted);
        prop_assert_eq!(plain, outcome(Shape::default()), "and the same again");
    }

    /// Whatever a peer sends and whenever the caller calls: no panic, bounded, all accounted for.
    #[test]
    fn any_input_is_survived(
        steps in prop::collection::vec(
            (any::<bool>(), any::<u16>(), any::<u32>(), 0_u32..3, 0_u64..3000), 0..400,
        ),
        small in any::<bool>(),
        capacity in 8_usize..40,
    ) {
        let mut config = fixed(8000, ms(20), ms(60));
        config.capacity = capacity;
        let mut buffer = JitterBuffer::new(config).unwrap();
        let mut now = Duration::ZERO;
        let mut seen = HashSet::new();
        for (id, (push, sequence, timestamp, ssrc, elapsed)) in steps.into_iter().enumerate() {
            // Small numbers, so that packets meet; any numbers, so that nothing is out of reach.
            let (sequence, timestamp, ssrc, elapsed) = if small {
                (sequence % 300, timestamp % 50_000, ssrc / 2, elapsed % 40)
            } else {
                (sequence, timestamp, ssrc, elapsed)
            };
            now += ms(elapsed);
            if push {
                buffer.push(sequence, timestamp, ssrc, now, id);
            } else if let Playout::Frame(id) = buffer.pull(now) {
                prop_assert!(seen.insert(id), "played twice");
            }
            check_conservation(&buffer)?;
        }
    }

    /// Clocks that run backwards or leap are the caller's mistake, and still no panic.
    #[test]
    fn any_clock_is_survived(
        steps in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u64>(), 0_u32..1_000_000_000), 0..200),
    ) {
        let mut buffer = JitterBuffer::new(fixed(48_000, ms(20), ms(60))).unwrap();
        for (push, n, seconds, nanos) in steps {
            let now = Duration::new(seconds, nanos);
            if push {
                buffer.push(n.into(), u32::from(n) * 960, 1, now, 0);
            } else {
                buffer.pull(now);
            }
            check_conservation(&buffer)?;
        }
    }

    /// After any break of the numbers, frames come again within half a second.
    #[test]
    fn comes_back_after_any_jump(
        sequence in any::<u16>(),
        timestamp in any::<u32>(),
        ssrc in 1_u32..3,
        pause in 0_u64..2000,
        before in 1_usize..100,
    ) {
        let mut packets = Shape::default().packets(before + 200, |_| ms(0));
        for packet in &mut packets[before..] {
            packet.sequence = packet.sequence.wrapping_add(sequence);
            packet.timestamp = packet.timestamp.wrapping_add(timestamp);
            packet.ssrc = ssrc;
            packet.arrival += ms(pause);
        }
        let resumed = packets[before].arrival;
        let mut buffer = JitterBuffer::new(fixed(8000, ms(20), ms(60))).unwrap();
        let ticks = (resumed.as_millis() / 20) as u32 + 150;
        let (playouts, outcomes) = run(&mut buffer, packets, ms(0), ticks);
        let played = frames(&playouts);
        prop_assert!(played.is_sorted_by(|a, b| a < b), "{:?}", played);
        let tick = ((resumed + ms(60 + 500)).as_millis() / 20) as usize + 1;
        prop_assert!(
            playouts[tick..].iter().all(|playout| playout.frame().is_some()),
            "{} {:?}", letters(&playouts), &outcomes[before..before + 40]
        );
        prop_assert!(outcomes.last().unwrap().1 == PushOutcome::Queued);
    }
}
