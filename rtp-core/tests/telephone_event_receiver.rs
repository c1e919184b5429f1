//! What is made of the packets of a digit (RFC 4733 section 2.5.2).

mod common;

use std::time::Duration;

use common::{EVENT, ms, packet};
use rtp_core::telephone_event::{
    Event, EventCode, EventError, EventReceiver, EventReceiverConfig, EventReport,
};
use rtp_core::{ClockRate, Header, Packet, Ssrc};

struct Line {
    receiver: EventReceiver,
    ssrc: u32,
}

impl Line {
    fn new() -> Line {
        Line { receiver: EventReceiver::new(EventReceiverConfig::default()), ssrc: 1 }
    }

    /// A packet numbered by its time in milliseconds over 20.
    fn packet(&mut self, at: u64, timestamp: u32, report: (u8, bool, u16)) {
        self.numbered(at, (at / 20) as u16, timestamp, false, &[report]);
    }

    fn numbered(
        &mut self,
        at: u64,
        number: u16,
        timestamp: u32,
        marker: bool,
        reports: &[(u8, bool, u16)],
    ) {
        let payload: Vec<u8> = reports
            .iter()
            .flat_map(|&(code, end, duration)| {
                EventReport { code: EventCode(code), end, volume: 10, duration }.to_bytes()
            })
            .collect();
        let header = Header { marker, ..Header::new(EVENT, number, timestamp, Ssrc(self.ssrc)) };
        let bytes = packet(header, &payload);
        self.receiver.handle_packet(ms(at), &Packet::parse(&bytes).unwrap()).unwrap();
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.receiver.poll_event()).collect()
    }
}

fn started(code: u8) -> Event {
    Event::Started(EventCode(code))
}

fn ended(code: u8, milliseconds: u64) -> Event {
    Event::Ended { code: EventCode(code), duration: ms(milliseconds), complete: true }
}

fn cut_off(code: u8, milliseconds: u64) -> Event {
    Event::Ended { code: EventCode(code), duration: ms(milliseconds), complete: false }
}

#[test]
fn a_digit_is_reported_once() {
    let mut line = Line::new();
    for step in 1..=5 {
        line.packet(20 * u64::from(step), 1_000, (5, false, 160 * step));
    }
    assert_eq!(line.events(), [started(5)]);
    assert_eq!(line.receiver.current(), Some(EventCode(5)));
    for at in [120, 140, 160] {
        line.packet(at, 1_000, (5, true, 800));
    }
    assert_eq!(line.events(), [ended(5, 100)]);
    assert_eq!((line.receiver.current(), line.receiver.poll_timeout()), (None, None));
}

#[test]
fn duplicated_packets_change_nothing() {
    let mut line = Line::new();
    for at in [20, 20, 40, 40, 40] {
        line.packet(at, 1_000, (5, false, 160));
    }
    for at in [60, 60, 80, 60, 100, 100] {
        line.packet(at, 1_000, (5, true, 320));
    }
    assert_eq!(line.events(), [started(5), ended(5, 40)]);
}

#[test]
fn any_single_packet_is_enough() {
    // Only an update.
    let mut line = Line::new();
    line.packet(60, 1_000, (5, false, 480));
    line.receiver.handle_timeout(ms(309));
    assert_eq!(line.events(), [started(5)]);
    assert_eq!(line.receiver.poll_timeout(), Some(ms(310)));
    line.receiver.handle_timeout(ms(310));
    assert_eq!(line.events(), [cut_off(5, 60)]);
    // Only the last of the three end packets: the beginning was lost.
    let mut line = Line::new();
    line.packet(160, 1_000, (5, true, 800));
    assert_eq!(line.events(), [started(5), ended(5, 100)]);
}

#[test]
fn a_lost_end_is_made_up_by_the_next_digit() {
    let mut line = Line::new();
    line.packet(20, 1_000, (5, false, 160));
    line.packet(40, 1_000, (5, false, 320));
    line.packet(180, 2_280, (5, false, 160));
    assert_eq!(line.events(), [started(5), cut_off(5, 40), started(5)], "the same digit twice");
    line.packet(200, 2_280, (5, true, 320));
    assert_eq!(line.events(), [ended(5, 40)]);
}

#[test]
fn what_comes_after_the_timeout_is_not_another_digit() {
    let mut line = Line::new();
    line.packet(20, 1_000, (5, false, 160));
    line.receiver.handle_timeout(ms(400));
    line.packet(420, 1_000, (5, false, 3_360));
    line.packet(440, 1_000, (5, true, 3_520));
    assert_eq!(line.events(), [started(5), cut_off(5, 20)]);
}

#[test]
fn the_timeout_needs_no_timer_of_its_own() {
    let mut line = Line::new();
    line.packet(20, 1_000, (5, false, 160));
    line.packet(1_000, 8_840, (6, true, 160));
    assert_eq!(line.events(), [started(5), cut_off(5, 20), started(6), ended(6, 20)]);
}

#[test]
fn reordered_packets_are_sorted_out() {
    let mut line = Line::new();
    line.numbered(20, 1, 1_000, true, &[(5, false, 160)]);
    line.numbered(40, 3, 1_000, false, &[(5, false, 480)]);
    line.numbered(41, 2, 1_000, false, &[(5, false, 320)]);
    line.numbered(60, 5, 1_000, false, &[(5, true, 640)]);
    // An update from before the end, and one of the event before once the next has begun.
    line.numbered(61, 4, 1_000, false, &[(5, false, 640)]);
    line.numbered(160, 8, 2_280, true, &[(6, false, 160)]);
    line.numbered(161, 6, 1_000, false, &[(5, true, 640)]);
    line.numbered(162, 7, 1_000, false, &[(5, true, 640)]);
    line.numbered(180, 9, 2_280, false, &[(6, true, 320)]);
    assert_eq!(line.events(), [started(5), ended(5, 80), started(6), ended(6, 40)]);
}

#[test]
fn the_end_may_overtake_the_updates() {
    let mut line = Line::new();
    line.numbered(20, 9, 1_000, false, &[(5, true, 800)]);
    line.numbered(21, 7, 1_000, false, &[(5, false, 480)]);
    line.numbered(22, 5, 1_000, true, &[(5, false, 160)]);
    assert_eq!(line.events(), [started(5), ended(5, 100)]);
}

#[test]
fn a_long_event_is_one_event() {
    let mut line = Line::new();
    line.packet(0, 1_000, (5, false, 160));
    for at in (20..8_200).step_by(20) {
        line.packet(at, 1_000, (5, false, (at * 8) as u16));
    }
    for at in [8_200, 8_220, 8_240] {
        line.packet(at, 1_000, (5, false, 0xffff));
    }
    line.packet(8_260, 1_000 + 0xffff, (5, false, 561));
    line.packet(8_280, 1_000 + 0xffff, (5, true, 785));
    // 66,320 ticks.
    assert_eq!(line.events(), [started(5), ended(5, 8_290)]);
}

#[test]
fn a_long_event_survives_the_loss_of_its_seam() {
    let mut line = Line::new();
    line.packet(8_000, 1_000, (5, false, 64_000));
    line.packet(8_220, 1_000 + 0xffff, (5, false, 400));
    line.packet(8_240, 1_000 + 0xffff, (5, true, 465));
    assert_eq!(line.events(), [started(5), ended(5, 8_250)]);
    // With the marker it is another press, at whatever distance.
    line.numbered(9_000, 500, 20_000, true, &[(5, false, 160)]);
    line.numbered(9_100, 501, 20_000 + 0xffff, true, &[(5, true, 160)]);
    let twice = [started(5), cut_off(5, 20), started(5), ended(5, 20)];
    assert_eq!(line.events(), twice);
}

#[test]
fn wide_band_clocks_are_told() {
    let config =
        EventReceiverConfig { clock_rate: ClockRate::HZ_16000, ..EventReceiverConfig::default() };
    let mut line = Line { receiver: EventReceiver::new(config), ssrc: 1 };
    line.packet(20, 1_000, (11, true, 1_600));
    assert_eq!(line.events(), [started(11), ended(11, 100)]);
}

#[test]
fn contiguous_events_may_share_a_packet() {
    let mut line = Line::new();
    line.numbered(20, 1, 1_000, true, &[(5, true, 400), (6, true, 800), (7, false, 160)]);
    let events = [started(5), ended(5, 50), started(6), ended(6, 100), started(7)];
    assert_eq!(line.events(), events);
    // The last goes on in packets of its own, at its own beginning.
    line.numbered(40, 2, 1_000 + 1_200, false, &[(7, true, 320)]);
    assert_eq!(line.events(), [ended(7, 40)]);
}

#[test]
fn another_source_begins_anew() {
    let mut line = Line::new();
    line.packet(20, 1_000, (5, false, 160));
    line.ssrc = 2;
    // The same timestamp means nothing across sources, nor does an older number.
    line.numbered(40, 0, 1_000, true, &[(5, false, 160)]);
    line.numbered(60, 1, 1_000, false, &[(5, true, 320)]);
    assert_eq!(line.events(), [started(5), cut_off(5, 20), started(5), ended(5, 40)]);
}

#[test]
fn a_source_that_renumbers_loses_no_digit() {
    let mut line = Line::new();
    line.numbered(20, 40_000, 4_000_000_000, true, &[(5, true, 160)]);
    // Timestamps and numbers both lower than before.
    line.numbered(500, 17, 1_000, true, &[(6, true, 160)]);
    line.numbered(520, 18, 900, true, &[(7, true, 160)]);
    let digits: Vec<_> = line.events().into_iter().step_by(2).collect();
    assert_eq!(digits, [started(5), started(6), started(7)]);
}

#[test]
fn events_without_duration_and_broken_payloads_are_ignored() {
    let mut line = Line::new();
    line.packet(20, 1_000, (5, false, 0));
    line.packet(40, 1_000, (5, true, 0));
    assert_eq!(line.events(), []);
    // Some begin with zero and go on properly.
    line.packet(60, 2_000, (6, false, 0));
    line.packet(80, 2_000, (6, true, 320));
    assert_eq!(line.events(), [started(6), ended(6, 40)]);
    let bytes = packet(Header::new(EVENT, 9, 0, Ssrc(1)), &[1, 10, 0]);
    let broken = line.receiver.handle_packet(ms(100), &Packet::parse(&bytes).unwrap());
    assert_eq!(broken, Err(EventError::Length(3)));
}

#[test]
fn a_flood_takes_bounded_room() {
    let mut line = Line::new();
    for index in 0..10_000u16 {
        let reports = [(5, true, 1); 300];
        line.numbered(u64::from(index), index, u32::from(index) * 1_000, true, &reports);
    }
    assert_eq!(line.events().len(), 32);
    assert!(line.receiver.events_lost() > 100_000);
    // Fifteen reports of a packet are read at most.
    assert_eq!(line.receiver.events_lost() + 32, 10_000 * 15 * 2);
}

#[test]
fn nothing_is_polled_without_packets() {
    let mut line = Line::new();
    line.receiver.handle_timeout(Duration::MAX);
    assert_eq!((line.events(), line.receiver.poll_timeout()), (vec![], None));
}

#[test]
fn one_packet_brings_no_more_events_than_wait() {
    let mut line = Line::new();
    line.packet(0, 0, (1, false, 160));
    assert_eq!(line.events().len(), 1);
    // As many reports as fit into a datagram, each of another digit.
    let reports: Vec<(u8, bool, u16)> = (0..200).map(|n| (n % 16, false, 160)).collect();
    line.numbered(20, 1, 8_000, false, &reports);
    let mut down = Some(EventCode(1));
    for event in line.events() {
        match event {
            Event::Started(code) => assert_eq!(down.replace(code), None),
            Event::Ended { code, .. } => assert_eq!(down.take(), Some(code)),
        }
    }
    assert_eq!((line.receiver.events_lost(), line.receiver.current()), (0, down));
}
