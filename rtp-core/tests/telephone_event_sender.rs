//! What goes out for a digit (RFC 4733 section 2.5.1).

mod common;

use std::time::Duration;

use common::ms;
use rtp_core::ClockRate;
use rtp_core::telephone_event::{
    EventCode, EventPacket, EventReport, EventSender, EventSenderConfig, PressError,
};

const START: u32 = 0xffff_ff00;

/// A packet with the time it was sent at.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    packet: EventPacket,
    report: EventReport,
}

/// Drives the sender until it is idle; the stream's clock is at [`START`] when `now` is zero.
fn drain(sender: &mut EventSender, rate: ClockRate) -> Vec<Sent> {
    let mut sent = Vec::new();
    while let Some(at) = sender.poll_timeout() {
        let timestamp = START.wrapping_add(rate.ticks(at) as u32);
        let packet = sender.poll_transmit(at, timestamp).expect("the timeout says so");
        let report = EventReport::parse(&packet.payload).unwrap().next().unwrap();
        sent.push(Sent { at, packet, report });
    }
    assert!(sender.is_idle());
    sent
}

fn sender() -> EventSender {
    EventSender::new(EventSenderConfig::default())
}

fn code(digit: char) -> EventCode {
    EventCode::from_digit(digit).unwrap()
}

#[test]
fn a_digit_is_updates_and_three_end_packets() {
    let mut sender = sender();
    sender.press(code('#'), ms(100)).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    let summary: Vec<_> = sent
        .iter()
        .map(|s| (s.at.as_millis(), s.packet.marker, s.report.end, s.report.duration))
        .collect();
    assert_eq!(
        summary,
        [
            (0, true, false, 160),
            (20, false, false, 320),
            (40, false, false, 480),
            (60, false, false, 640),
            (80, false, true, 800),
            (100, false, true, 800),
            (120, false, true, 800),
        ]
    );
    for one in &sent {
        assert_eq!(one.packet.timestamp, START, "all have the timestamp of the beginning");
        assert_eq!((one.report.code, one.report.volume), (code('#'), 10));
    }
    assert_eq!(sent[0].packet.payload, [11, 10, 0, 160]);
}

#[test]
fn digits_follow_each_other_with_a_pause() {
    let mut sender = sender();
    for digit in "12#".chars() {
        sender.press(code(digit), ms(100)).unwrap();
    }
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    let starts: Vec<_> = sent
        .iter()
        .filter(|s| s.packet.marker)
        .map(|s| (s.at, s.packet.timestamp, s.report.code))
        .collect();
    // 100 ms of tone and 60 ms of pause.
    assert_eq!(
        starts,
        [
            (ms(0), START, code('1')),
            (ms(160), START.wrapping_add(1_280), code('2')),
            (ms(320), START.wrapping_add(2_560), code('#')),
        ]
    );
    assert_eq!(sent.len(), 21);
}

#[test]
fn wide_band_clocks_count_twice_as_fast() {
    let config =
        EventSenderConfig { clock_rate: ClockRate::HZ_16000, ..EventSenderConfig::default() };
    let mut sender = EventSender::new(config);
    sender.press(code('5'), ms(100)).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_16000);
    let durations: Vec<_> = sent.iter().map(|s| s.report.duration).collect();
    assert_eq!(durations, [320, 640, 960, 1_280, 1_600, 1_600, 1_600]);
}

#[test]
fn a_duration_between_two_packets_is_kept() {
    let mut sender = sender();
    sender.press(code('5'), ms(87)).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    let ends: Vec<_> = sent.iter().filter(|s| s.report.end).map(|s| s.report.duration).collect();
    assert_eq!(ends, [696; 3]);
}

#[test]
fn a_digit_shorter_than_a_packet_is_all_end() {
    let mut sender = sender();
    sender.press(code('5'), ms(10)).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|s| s.report.end && s.report.duration == 80));
    assert!(sent[0].packet.marker && !sent[1].packet.marker);
}

#[test]
fn a_long_event_goes_on_in_segments() {
    let mut sender = sender();
    // 20 s are 160,000 ticks: two full segments of 65,535 and 28,930 more.
    sender.press(code('5'), Duration::from_secs(20)).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    assert_eq!(sent.iter().filter(|s| s.packet.marker).count(), 1, "one beginning");
    let mut segments: Vec<Vec<Sent>> = Vec::new();
    for one in sent {
        match segments.last_mut() {
            Some(last) if last[0].packet.timestamp == one.packet.timestamp => last.push(one),
            _ => segments.push(vec![one]),
        }
    }
    assert_eq!(segments.len(), 3);
    for (index, segment) in (0..).zip(&segments) {
        let timestamp = START.wrapping_add(index * 0xffff);
        assert_eq!(segment[0].packet.timestamp, timestamp);
        let last: Vec<_> = segment[segment.len() - 3..]
            .iter()
            .map(|s| (s.report.end, s.report.duration))
            .collect();
        // Each segment's last packet is sent three times; only the event's own end says so.
        assert_eq!(last, if index < 2 { [(false, 0xffff); 3] } else { [(true, 28_930); 3] });
        let growing = segment.windows(2).all(|p| p[0].report.duration <= p[1].report.duration);
        assert!(growing);
    }
}

#[test]
fn an_event_that_fills_its_segment_exactly_needs_no_other() {
    let mut sender = sender();
    let full = ClockRate::HZ_8000.duration(0xffff) + Duration::from_nanos(1);
    sender.press(code('5'), full).unwrap();
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    assert!(sent.iter().all(|s| s.packet.timestamp == START));
    let last = sent.last().unwrap().report;
    assert_eq!((last.end, last.duration), (true, 0xffff));
}

#[test]
fn a_held_key_lasts_until_it_is_let_go() {
    let mut sender = sender();
    sender.hold(code('9')).unwrap();
    let mut updates = 0;
    for now in (0..500).map(ms) {
        if let Some(packet) = sender.poll_transmit(now, START) {
            assert_eq!(packet.payload[1] & 0x80, 0);
            updates += 1;
        }
    }
    assert_eq!(updates, 25);
    assert!(sender.is_active());
    sender.release(ms(507));
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    let ends: Vec<_> = sent.iter().map(|s| (s.report.end, s.report.duration)).collect();
    assert_eq!(ends, [(true, 507 * 8); 3]);
}

#[test]
fn a_key_let_go_before_its_turn_is_still_sent() {
    let mut sender = sender();
    sender.press(code('1'), ms(100)).unwrap();
    sender.hold(code('2')).unwrap();
    assert!(sender.poll_transmit(ms(0), START).is_some());
    sender.release(ms(10));
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    let second: Vec<_> = sent.iter().filter(|s| s.report.code == code('2')).collect();
    assert_eq!(second.len(), 3);
    assert!(second.iter().all(|s| s.report.end && s.report.duration == 160));
}

#[test]
fn a_late_driver_gets_no_burst() {
    let mut sender = sender();
    sender.press(code('5'), ms(100)).unwrap();
    assert!(sender.poll_transmit(ms(0), START).is_some());
    // Nobody polls for 70 ms.
    assert!(sender.poll_transmit(ms(70), START).is_some());
    assert!(sender.poll_transmit(ms(70), START).is_none());
    assert!(sender.poll_transmit(ms(89), START).is_none());
    let sent = drain(&mut sender, ClockRate::HZ_8000);
    assert_eq!(sent.last().unwrap().report.duration, 800);
    assert_eq!(sent.iter().filter(|s| s.report.end).count(), 3);
}

#[test]
fn misuse_and_limits_are_refused() {
    let mut sender = sender();
    assert_eq!(sender.press(code('1'), ms(0)), Err(PressError::NoDuration));
    for _ in 0..64 {
        sender.press(code('1'), ms(100)).unwrap();
    }
    assert_eq!(sender.press(code('1'), ms(100)), Err(PressError::QueueFull(64)));
    assert_eq!(sender.hold(code('1')), Err(PressError::QueueFull(64)));
    sender.clear();
    assert!(sender.is_idle());
    assert_eq!(sender.poll_timeout(), None);
    assert_eq!(sender.poll_transmit(ms(0), START), None);
}
