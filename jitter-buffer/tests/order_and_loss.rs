//! Reordering, duplicates, loss, lateness and silence at a fixed delay.

mod support;

use jitter_buffer::{JitterBuffer, Playout, PushOutcome};
use support::*;

fn buffer(delay: u64) -> JitterBuffer<usize> {
    JitterBuffer::new(fixed(8000, ms(20), ms(delay))).unwrap()
}

#[test]
fn a_steady_stream_comes_out_after_the_delay() {
    let mut buffer = buffer(60);
    let (playouts, _) = run(&mut buffer, Shape::default().packets(10, |_| ms(0)), ms(0), 13);
    assert_eq!(letters(&playouts), "...FFFFFFFFFF");
    assert_eq!(frames(&playouts), (0..10).collect::<Vec<_>>());
    assert_eq!(buffer.statistics().delay, ms(60));
}

#[test]
fn jitter_within_the_delay_is_not_heard() {
    for first in [0, 59] {
        let delay = |id: usize| if id == 0 { ms(first) } else { ms((id as u64 * 37) % 60) };
        let mut buffer = buffer(60);
        let packets = Shape::default().packets(3000, delay);
        let (playouts, outcomes) = run(&mut buffer, packets, ms(0), 2990);
        let start = playouts.iter().position(|playout| *playout != Playout::NotReady).unwrap();
        assert!((3..=6).contains(&start));
        assert!(playouts[start..].iter().all(|playout| playout.frame().is_some()));
        assert_eq!(frames(&playouts), (0..2990 - start).collect::<Vec<_>>());
        assert!(outcomes.iter().all(|(_, outcome)| *outcome == PushOutcome::Queued));
        assert!(buffer.statistics().reordered > 0);
    }
}

#[test]
fn the_first_packet_may_be_the_slowest() {
    for phase in 0..20 {
        let mut buffer = buffer(60);
        let packets = Shape::default().packets(500, |id| ms(if id == 0 { 60 } else { 0 }));
        let (playouts, _) = run(&mut buffer, packets, ms(phase), 510);
        assert_eq!(frames(&playouts), (0..500).collect::<Vec<_>>());
    }
}

#[test]
fn the_first_packets_may_come_in_any_order() {
    let mut buffer = buffer(60);
    for id in [2, 0, 3, 1] {
        let packet = Packet { arrival: ms(id as u64), ..Shape::default().packet(id, ms(0)) };
        assert_eq!(push(&mut buffer, packet), PushOutcome::Queued);
    }
    let playouts: Vec<_> = (0..5).map(|tick| buffer.pull(ms(62 + 20 * tick))).collect();
    assert_eq!(letters(&playouts), "FFFFC");
    assert_eq!(frames(&playouts), [0, 1, 2, 3]);
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn losses_are_shown_where_they_are() {
    let mut packets = Shape::default().packets(20, |_| ms(0));
    packets.retain(|packet| ![3, 7, 8, 9, 15].contains(&packet.id));
    let mut buffer = buffer(40);
    let (playouts, _) = run(&mut buffer, packets, ms(0), 22);
    assert_eq!(letters(&playouts), "..FFFCFFFCCCFFFFFCFFFF");
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost, statistics.concealed, statistics.played), (5, 5, 15));
}

#[test]
fn every_packet_twice() {
    let mut packets = Shape::default().packets(50, |_| ms(0));
    packets.extend(Shape::default().packets(50, |id| ms(5 + 90 * (id as u64 % 2))));
    let mut buffer = buffer(60);
    let (playouts, outcomes) = run(&mut buffer, packets, ms(0), 60);
    assert_eq!(frames(&playouts), (0..50).collect::<Vec<_>>());
    let duplicates = outcomes.iter().filter(|(_, o)| *o == PushOutcome::Duplicate).count();
    assert_eq!((duplicates, buffer.statistics().duplicates), (50, 50));
}

#[test]
fn a_late_packet_is_dropped_and_was_concealed() {
    let packets = Shape::default().packets(10, |id| ms(if id == 4 { 95 } else { 0 }));
    let mut buffer = buffer(60);
    let (playouts, outcomes) = run(&mut buffer, packets, ms(0), 13);
    assert_eq!(letters(&playouts), "...FFFFCFFFFF");
    assert!(outcomes.contains(&(4, PushOutcome::Late)));
    let statistics = buffer.statistics();
    assert_eq!((statistics.late, statistics.lost), (1, 0), "it was late, not lost");
}

#[test]
fn a_delay_spike_leaves_the_delay_as_it_was() {
    // 300 ms, draining at once.
    let delay = |id: usize| ms(if (50..65).contains(&id) { (65 - id as u64) * 20 } else { 0 });
    let mut buffer = buffer(60);
    let (playouts, _) = run(&mut buffer, Shape::default().packets(200, delay), ms(0), 203);
    let expected: Vec<_> = (0..50).chain(62..200).collect();
    assert_eq!(frames(&playouts), expected, "what is more than 60 ms late is not played");
    assert_eq!(buffer.statistics().delay, ms(60));
    assert_eq!(buffer.statistics().reanchors, 0);
}

#[test]
fn silence_suppression_is_silence() {
    let mut shape = Shape::default();
    let mut packets = shape.packets(5, |_| ms(0));
    // The sender goes on after 400 ms with the next sequence number.
    shape.sequence = shape.sequence.wrapping_sub(20);
    packets.extend((25..30).map(|id| shape.packet(id, ms(0))));
    let mut buffer = buffer(60);
    let (playouts, _) = run(&mut buffer, packets, ms(0), 33);
    // Nothing tells a pause from a late packet before the next one comes, 60 ms ahead of its time.
    assert_eq!(letters(&playouts), "...FFFFFCCCCCsssssssssssssssFFFFF");
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_pause_known_in_time_is_silence_from_its_first_tick() {
    let mut buffer = buffer(60);
    for (sequence, timestamp) in [(0, 0), (1, 160), (2, 160 * 7)] {
        buffer.push(sequence, timestamp, 1, ms(0), usize::from(sequence));
    }
    let playouts: Vec<_> = (3..13).map(|tick| buffer.pull(ms(20 * tick))).collect();
    assert_eq!(letters(&playouts), "FFsssssFCC");
}

#[test]
fn a_loss_at_the_edge_of_a_pause_is_told_from_the_pause() {
    let mut buffer = buffer(60);
    // 2 and 3 are lost, and the sender was silent for three frames.
    for (sequence, timestamp) in [(0, 0), (1, 160), (4, 160 * 7)] {
        buffer.push(sequence, timestamp, 1, ms(0), usize::from(sequence));
    }
    let playouts: Vec<_> = (3..11).map(|tick| buffer.pull(ms(20 * tick))).collect();
    assert_eq!(letters(&playouts), "FFCCsssF");
}

#[test]
fn nothing_is_ready_before_the_first_packet_or_the_next_tick() {
    let mut buffer = buffer(60);
    assert_eq!(buffer.pull(ms(1000)), Playout::NotReady);
    push(&mut buffer, Packet { arrival: ms(2000), ..Shape::default().packet(0, ms(0)) });
    assert_eq!(buffer.pull(ms(2059)), Playout::NotReady);
    assert_eq!(buffer.pull(ms(2060)), Playout::Frame(0));
    assert_eq!(buffer.pull(ms(2060)), Playout::NotReady, "this frame lasts 20 ms");
}

#[test]
fn reset_makes_it_new() {
    let mut buffer = buffer(60);
    run(&mut buffer, Shape::default().packets(10, |_| ms(0)), ms(0), 8);
    buffer.reset();
    assert!(buffer.is_empty());
    assert_eq!(buffer.statistics().received, 0);
    let (playouts, _) = run(&mut buffer, Shape::default().packets(3, |_| ms(0)), ms(0), 6);
    assert_eq!(letters(&playouts), "...FFF");
}
