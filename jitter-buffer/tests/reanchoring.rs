//! What happens when the sender's numbers, or the path's delay, do not go on as before.

mod support;

use jitter_buffer::{JitterBuffer, Playout, PushOutcome, Reanchor};
use support::*;

fn buffer() -> JitterBuffer<usize> {
    JitterBuffer::new(fixed(8000, ms(20), ms(60))).unwrap()
}

/// 50 packets, then 50 more changed by `change`; returns what was played and how packet 50 was taken.
fn break_after_50(
    change: impl Fn(&mut Packet),
) -> (Vec<Playout<usize>>, PushOutcome, JitterBuffer<usize>) {
    let mut packets = Shape::default().packets(100, |_| ms(0));
    packets[50..].iter_mut().for_each(change);
    let mut buffer = buffer();
    let (playouts, outcomes) = run(&mut buffer, packets, ms(0), 103);
    (playouts, outcomes[50].1, buffer)
}

/// Every frame is played, in order, without a gap.
fn assert_seamless(playouts: &[Playout<usize>]) {
    assert_eq!(letters(playouts), format!("...{}", "F".repeat(100)));
    assert_eq!(frames(playouts), (0..100).collect::<Vec<_>>());
}

#[test]
fn another_source_follows_without_a_gap() {
    let (playouts, outcome, buffer) = break_after_50(|packet| {
        packet.ssrc = 2;
        packet.sequence = packet.sequence.wrapping_add(40_000);
        packet.timestamp = packet.timestamp.wrapping_sub(123_456_789);
    });
    assert_seamless(&playouts);
    assert_eq!(outcome, PushOutcome::Reanchored(Reanchor::Ssrc));
    assert_eq!((buffer.statistics().lost, buffer.statistics().reanchors), (0, 1));
}

#[test]
fn a_source_that_comes_after_a_pause_waits_out_the_delay() {
    let mut packets = Shape::default().packets(10, |_| ms(0));
    packets.extend((10..20).map(|id| Packet { ssrc: 2, ..Shape::default().packet(id, ms(500)) }));
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 60);
    assert_eq!(frames(&playouts), (0..20).collect::<Vec<_>>());
    // Packet 10 comes at 700 ms: tick 35, and three more.
    assert_eq!(playouts[38], Playout::Frame(10));
}

#[test]
fn a_straggler_of_the_source_before_changes_nothing() {
    let shape = Shape::default();
    let mut packets = shape.packets(5, |id| ms(if id == 4 { 30 } else { 0 }));
    packets.extend((5..10).map(|id| Packet {
        ssrc: 2,
        sequence: id as u16 + 7000,
        ..shape.packet(id, ms(0))
    }));
    let mut buffer = buffer();
    let (playouts, outcomes) = run(&mut buffer, packets, ms(0), 13);
    // 4 is overtaken by the new source, which took over as if 4 had never been sent.
    assert_eq!(frames(&playouts), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert!(outcomes.contains(&(4, PushOutcome::Held)));
    assert_eq!(buffer.statistics().reanchors, 1, "no change back and forth");
}

#[test]
fn a_straggler_fills_the_gap_it_left() {
    let shape = Shape::default();
    let mut packets = shape.packets(5, |id| ms(if id == 3 { 50 } else { 0 }));
    packets.extend((5..10).map(|id| Packet {
        ssrc: 2,
        sequence: id as u16 + 7000,
        ..shape.packet(id, ms(0))
    }));
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 13);
    assert_eq!(frames(&playouts), (0..10).collect::<Vec<_>>());
}

#[test]
fn two_sources_at_once_do_not_take_turns() {
    let shape = Shape::default();
    let mut packets = shape.packets(50, |_| ms(0));
    packets.extend((10..50).map(|id| Packet { ssrc: 2, id: 1000 + id, ..shape.packet(id, ms(5)) }));
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 54);
    assert_eq!(buffer.statistics().reanchors, 1);
    let expected: Vec<_> = (0..=10).chain(1010..1050).collect();
    assert_eq!(frames(&playouts), expected, "the newer source is heard, and alone");
}

#[test]
fn sources_may_alternate() {
    let mut packets = Shape::default().packets(100, |_| ms(0));
    for packet in &mut packets {
        packet.ssrc = 1 + (packet.id / 10 % 2) as u32;
    }
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 103);
    assert_seamless(&playouts);
    assert_eq!(buffer.statistics().reanchors, 9);
}

#[test]
fn a_restart_of_the_numbers_is_confirmed_by_the_next_packet() {
    for shift in [5_000, 30_000, 60_000, u16::MAX - 200] {
        let (playouts, outcome, buffer) =
            break_after_50(|packet| packet.sequence = packet.sequence.wrapping_add(shift));
        assert_seamless(&playouts);
        assert_eq!(outcome, PushOutcome::Held);
        let statistics = buffer.statistics();
        assert_eq!((statistics.lost, statistics.reanchors, statistics.received), (0, 1, 100));
    }
}

#[test]
fn a_restart_close_by_is_no_duplicate() {
    let (playouts, _, buffer) = break_after_50(|packet| {
        packet.sequence -= 30;
        packet.timestamp = packet.timestamp.wrapping_mul(7919);
    });
    assert_eq!(frames(&playouts), (0..100).collect::<Vec<_>>());
    assert_eq!(buffer.statistics().duplicates, 0);
}

#[test]
fn restarted_numbers_may_meet_the_old_ones() {
    let mut packets = Shape::default().packets(300, |_| ms(0));
    packets[1..].iter_mut().for_each(|packet| packet.sequence = packet.sequence.wrapping_sub(249));
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 303);
    assert_eq!(frames(&playouts), (0..300).collect::<Vec<_>>());
}

#[test]
fn a_gap_wider_than_the_buffer_keeps_the_delay() {
    // 63 packets lost in no time, and the timestamp a little ahead.
    let mut packets = Shape::default().packets(150, |_| ms(0));
    for packet in &mut packets[2..] {
        packet.sequence += 63;
        packet.timestamp += 937;
    }
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 150);
    assert!(letters(&playouts[5..]).chars().all(|letter| letter == 'F'));
    assert_eq!(buffer.statistics().delay, ms(60));
}

#[test]
fn a_stray_number_is_held_and_dropped() {
    let mut packets = Shape::default().packets(50, |_| ms(0));
    let stray = Packet { sequence: 20_000, id: 999, ..packets[20] };
    packets.insert(20, stray);
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 53);
    assert_eq!(frames(&playouts), (0..50).collect::<Vec<_>>());
    assert_eq!((buffer.statistics().discarded, buffer.statistics().reanchors), (1, 0));
}

#[test]
fn a_jump_of_the_timestamp_is_not_heard() {
    for jump in [8_000, 1_000_000, u32::MAX / 2 + 1, u32::MAX - 160, u32::MAX - 1_000_000] {
        let (playouts, outcome, _) =
            break_after_50(|packet| packet.timestamp = packet.timestamp.wrapping_add(jump));
        assert_seamless(&playouts);
        assert_eq!(outcome, PushOutcome::Reanchored(Reanchor::Timestamp), "{jump}");
    }
}

#[test]
fn a_sender_whose_clock_stood_still_goes_on_after_the_pause() {
    let mut packets = Shape::default().packets(50, |_| ms(0));
    packets[25..].iter_mut().for_each(|packet| packet.arrival += ms(3000));
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, packets, ms(0), 203);
    assert_eq!(frames(&playouts), (0..50).collect::<Vec<_>>());
    assert_eq!(buffer.statistics().delay, ms(60));
}

#[test]
fn a_path_that_became_slower_is_followed() {
    for slower in [100, 250, 400, 700, 2000] {
        let delay = |id: usize| ms(if id < 50 { 0 } else { slower });
        let packets = Shape::default().packets(300, delay);
        let resumed = packets[50].arrival;
        let mut buffer = buffer();
        let (playouts, _) = run(&mut buffer, packets, ms(0), 300);
        let back = playouts.iter().rposition(|playout| playout.frame().is_none()).unwrap() + 1;
        let back = ms(20) * back as u32;
        assert!(back <= resumed + ms(500 + 60), "{slower}: played again from {back:?} on");
        assert_eq!(buffer.statistics().delay, ms(60), "{slower}");
        assert_eq!(buffer.statistics().reanchors, 1, "{slower}");
    }
}

#[test]
fn a_slow_first_packet_does_not_set_the_delay_for_ever() {
    let delay = |id: usize| ms(if id < 20 { (20 - id as u64) * 20 } else { 0 });
    let mut buffer = buffer();
    let (playouts, _) = run(&mut buffer, Shape::default().packets(500, delay), ms(0), 500);
    assert!(buffer.statistics().delay <= ms(140), "{:?}", buffer.statistics());
    assert!(frames(&playouts).is_sorted());
}

#[test]
fn skewed_clocks_run_for_ever() {
    for (ppm, name) in [(-200_i64, "slow"), (200, "fast")] {
        let mut buffer = buffer();
        let mut packets = Shape::default().packets(100_000, |_| ms(0));
        for packet in &mut packets {
            let arrival = packet.arrival.as_nanos() as i64;
            packet.arrival =
                std::time::Duration::from_nanos((arrival - arrival * ppm / 1_000_000) as u64);
        }
        let (playouts, _) = run(&mut buffer, packets, ms(0), 99_000);
        let statistics = buffer.statistics();
        // 2000 s at 200 ppm are 400 ms: twenty frames.
        assert_eq!(statistics.reanchors, 0, "{name}");
        assert!(statistics.late <= 2 && statistics.concealed <= 25, "{name}: {statistics:?}");
        assert!(statistics.discarded <= 25, "{name}: {statistics:?}");
        assert!((ms(30)..=ms(140)).contains(&statistics.delay), "{name}: {statistics:?}");
        assert!(frames(&playouts).is_sorted());
    }
}

#[test]
fn a_sender_in_a_hurry_is_kept_within_the_limits() {
    let mut buffer = buffer();
    for id in 0..10_000 {
        push(&mut buffer, Packet { arrival: ms(0), ..Shape::default().packet(id, ms(0)) });
        assert!(buffer.len() <= 64);
    }
    let playouts: Vec<_> = (0..100).map(|tick| buffer.pull(ms(60 + tick * 20))).collect();
    let played = frames(&playouts);
    assert_eq!(played.last(), Some(&9_999));
    assert!((1..=26).contains(&played.len()), "500 ms at most: {}", played.len());
    assert_eq!(buffer.statistics().discarded, 10_000 - played.len() as u64);
}

#[test]
fn nobody_pulls_for_a_while() {
    let mut buffer = buffer();
    let packets = Shape::default().packets(1000, |_| ms(0));
    let (later, earlier): (Vec<_>, Vec<_>) = packets.into_iter().partition(|p| p.id >= 500);
    for packet in earlier {
        push(&mut buffer, packet);
    }
    let (playouts, _) = run(&mut buffer, later, ms(10_000), 500);
    let played = frames(&playouts);
    assert!(played.is_sorted() && played.len() >= 470, "{}", played.len());
    assert!(buffer.statistics().delay <= ms(140), "{:?}", buffer.statistics());
}
