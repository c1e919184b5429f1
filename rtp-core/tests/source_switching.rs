//! One outgoing stream made of many sources: numbers and timestamps go on.

mod common;

use std::time::Duration;

use common::{EVENT, audio, ms, packet, rng};
use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::session::{Frame, Sender};
use rtp_core::{ClockRate, Header, Packet, PayloadType, Ssrc};

fn sender() -> Sender {
    Sender::new(Ssrc(1), ClockRate::HZ_8000, &mut rng(1))
}

fn frame(timestamp: u32) -> Frame {
    Frame { payload_type: PayloadType::PCMA, timestamp, marker: false, payload_len: 160 }
}

fn relay(
    sender: &mut Sender,
    now: Duration,
    ssrc: u32,
    number: u16,
    timestamp: u32,
) -> Option<Header<'static>> {
    let bytes = audio(ssrc, number, timestamp);
    sender.relay(now, &Packet::parse(&bytes).unwrap(), PayloadType::PCMU, 160)
}

/// Sequence number and timestamp relative to an earlier header.
fn since(first: &Header<'_>, header: &Header<'_>) -> (u16, u32) {
    (
        header.sequence_number.wrapping_sub(first.sequence_number),
        header.timestamp.wrapping_sub(first.timestamp),
    )
}

#[test]
fn the_beginning_is_random_and_marked() {
    let first = sender().send(ms(0), frame(0));
    let other = Sender::new(Ssrc(1), ClockRate::HZ_8000, &mut rng(2)).send(ms(0), frame(0));
    assert!(first.marker);
    assert_ne!(first.sequence_number, other.sequence_number);
    assert_ne!(first.timestamp, other.timestamp);
}

#[test]
fn a_local_source_runs_on_its_own_time_line() {
    let mut sender = sender();
    let first = sender.send(ms(0), frame(5_000));
    let second = sender.send(ms(20), frame(5_160));
    assert_eq!(since(&first, &second), (1, 160));
    assert!(!second.marker);
    // Silence that is not sent: the time line steps with the clock.
    let third = sender.send(ms(520), Frame { marker: true, ..frame(9_160) });
    assert_eq!(since(&first, &third), (2, 4_160));
    assert!(third.marker);
}

#[test]
fn one_prompt_after_another() {
    let mut sender = sender();
    let first = sender.send(ms(0), frame(0));
    for index in 1..50 {
        sender.send(ms(20 * index), frame(160 * index as u32));
    }
    // The next prompt counts from zero again; it is seen even when nobody says so.
    let next = sender.send(ms(1_000), frame(0));
    assert!(next.marker);
    assert_eq!(since(&first, &next), (50, 8_000));
    // One whose time line lies ahead has to be announced.
    sender.switch_source();
    let announced = sender.send(ms(1_020), frame(400));
    assert!(announced.marker);
    assert_eq!(since(&first, &announced), (51, 8_160));
}

#[test]
fn prompt_then_relay_then_prompt() {
    let mut sender = sender();
    let first = sender.send(ms(0), frame(0));
    sender.send(ms(20), frame(160));
    // The other leg is bridged 13 ms later; its numbers are its own.
    let bridged = relay(&mut sender, ms(33), 77, 60_000, 1).unwrap();
    assert!(bridged.marker, "a new source begins with the marker");
    assert_eq!(bridged.payload_type, PayloadType::PCMU);
    assert_eq!(bridged.ssrc, Ssrc(1));
    // Never before the packet time has passed, so that the playout has no overlap.
    assert_eq!(since(&first, &bridged), (2, 320));
    let next = relay(&mut sender, ms(53), 77, 60_001, 161).unwrap();
    assert_eq!(since(&first, &next), (3, 480));
    assert!(!next.marker);
    // Back to a prompt a second after the last packet.
    let prompt = sender.send(ms(1_053), frame(123_456));
    assert!(prompt.marker);
    assert_eq!(since(&first, &prompt), (4, 480 + 8_000));
}

#[test]
fn losses_of_the_first_hop_stay_visible() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    let after_loss = relay(&mut sender, ms(60), 7, 13, 480).unwrap();
    assert_eq!(since(&first, &after_loss), (3, 480));
    // Reordered packets find their places.
    let late = relay(&mut sender, ms(61), 7, 12, 320).unwrap();
    assert_eq!(since(&first, &late), (2, 320));
    let next = relay(&mut sender, ms(80), 7, 14, 640).unwrap();
    assert_eq!(since(&first, &next), (4, 640));
    assert_eq!(relay(&mut sender, ms(81), 7, 14, 640), None, "a repetition");
    assert_eq!(relay(&mut sender, ms(82), 7, 9, 0), None, "from before the beginning");
}

#[test]
fn another_ssrc_is_another_source() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    relay(&mut sender, ms(20), 7, 11, 160).unwrap();
    let other = relay(&mut sender, ms(45), 8, 5, 99_999).unwrap();
    assert!(other.marker);
    assert_eq!(since(&first, &other), (2, 360));
    // The other one's late packet would repeat a number of the first.
    assert_eq!(relay(&mut sender, ms(46), 8, 4, 99_839), None);
}

#[test]
fn a_source_that_starts_anew_is_smoothed() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    let restarted = relay(&mut sender, ms(20), 7, 40_000, 160).unwrap();
    assert_eq!(since(&first, &restarted), (1, 160));
    assert!(restarted.marker);
    // The same SSRC with another clock: a gateway that joins two calls badly.
    let set_anew = relay(&mut sender, ms(40), 7, 40_001, 3_000_000_000).unwrap();
    assert_eq!(since(&first, &set_anew), (2, 320));
    let next = relay(&mut sender, ms(60), 7, 40_002, 3_000_000_160).unwrap();
    assert_eq!(since(&first, &next), (3, 480));
    assert!(!next.marker);
}

#[test]
fn silence_suppression_passes_through() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    let bytes = packet(
        Header { marker: true, ..Header::new(PayloadType::PCMA, 11, 8_000 * 60, Ssrc(7)) },
        &[0; 160],
    );
    let talks =
        sender.relay(ms(60_003), &Packet::parse(&bytes).unwrap(), PayloadType::PCMA, 160).unwrap();
    // By the source's clock, not by ours: three milliseconds of jitter are not passed on.
    assert_eq!(since(&first, &talks), (1, 480_000));
    assert!(talks.marker);
}

#[test]
fn long_events_do_not_look_like_a_new_source() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 0, 0).unwrap();
    for number in 1..400u16 {
        let event = Header::new(EVENT, number, 160, Ssrc(7));
        let bytes = packet(event, &[5, 10, 0, 0]);
        let header = sender
            .relay(ms(20 * u64::from(number)), &Packet::parse(&bytes).unwrap(), EVENT, 4)
            .unwrap();
        assert_eq!(since(&first, &header), (number, 160), "the event's one timestamp");
    }
    let after = relay(&mut sender, ms(8_000), 7, 400, 64_000).unwrap();
    assert_eq!(since(&first, &after), (400, 64_000));
}

#[test]
fn withheld_packets_leave_no_gap() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    for number in 11..16 {
        let bytes = audio(7, number, 160 * (u32::from(number) - 10));
        sender.withhold(&Packet::parse(&bytes).unwrap());
    }
    let next = relay(&mut sender, ms(120), 7, 16, 960).unwrap();
    assert_eq!(since(&first, &next), (1, 960));
    // A packet from before has lost its place.
    assert_eq!(relay(&mut sender, ms(121), 7, 15, 800), None);
    // A loss beside a withheld packet is still a loss.
    let bytes = audio(7, 18, 1_280);
    sender.withhold(&Packet::parse(&bytes).unwrap());
    let next = relay(&mut sender, ms(180), 7, 19, 1_440).unwrap();
    assert_eq!(since(&first, &next), (3, 1_440));
}

#[test]
fn events_are_put_between_relayed_packets() {
    let mut sender = sender();
    let first = relay(&mut sender, ms(0), 7, 10, 0).unwrap();
    relay(&mut sender, ms(20), 7, 11, 160).unwrap();
    let began = sender.timestamp_at(ms(30));
    assert_eq!(began.wrapping_sub(first.timestamp), 160 + 80);
    let event = Frame { payload_type: EVENT, timestamp: began, marker: true, payload_len: 4 };
    let inserted = sender.insert(ms(30), event);
    assert_eq!(since(&first, &inserted), (2, 240));
    let next = relay(&mut sender, ms(40), 7, 12, 320).unwrap();
    assert_eq!(since(&first, &next), (3, 320), "the audio's clock is its own");
    let update = sender.insert(ms(50), Frame { marker: false, ..event });
    assert_eq!(since(&first, &update), (4, 240), "all packets of an event have one timestamp");
    assert_eq!(since(&first, &relay(&mut sender, ms(60), 7, 13, 480).unwrap()), (5, 480));
    assert_eq!(sender.packets(), 6);
    assert_eq!(sender.octets(), 4 * 160 + 2 * 4);
}

/// Something that happens to an outgoing stream.
#[derive(Debug, Clone)]
enum Step {
    Local(u32),
    Relay { ssrc: u32, number: u16, timestamp: u32 },
    Insert,
    Withhold { ssrc: u32, number: u16 },
    Switch,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<u32>().prop_map(Step::Local),
        6 => (0u32..2, 0u16..40, 0u32..8).prop_map(|(ssrc, number, jitter)| Step::Relay {
            ssrc,
            number,
            timestamp: 160 * u32::from(number) + jitter,
        }),
        1 => Just(Step::Insert),
        1 => (0u32..2, 0u16..40).prop_map(|(ssrc, number)| Step::Withhold { ssrc, number }),
        1 => Just(Step::Switch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens, no sequence number is used for two packets (except that a relayed source
    /// itself repeats one late), and none is skipped but for the gaps of the sources.
    #[test]
    fn no_number_is_used_twice(steps in vec((step(), 0u64..100), 1..200)) {
        let mut sender = sender();
        let mut now = ms(0);
        let mut used = Vec::new();
        let mut relayed = std::collections::HashSet::new();
        let mut span = 0u32;
        for (step, wait) in steps {
            now += ms(wait);
            let header = match step {
                Step::Local(timestamp) => Some(sender.send(now, frame(timestamp))),
                Step::Relay { ssrc, number, timestamp } => {
                    // The same packet again would be filtered by the receiver's statistics.
                    let fresh = relayed.insert((ssrc, number));
                    span += 40;
                    relay(&mut sender, now, ssrc, number, timestamp).filter(|_| fresh)
                }
                Step::Insert => {
                    let timestamp = sender.timestamp_at(now);
                    Some(sender.insert(now, frame(timestamp)))
                }
                Step::Withhold { ssrc, number } => {
                    let bytes = audio(ssrc, number, 0);
                    sender.withhold(&Packet::parse(&bytes).unwrap());
                    None
                }
                Step::Switch => {
                    sender.switch_source();
                    relayed.clear();
                    None
                }
            };
            let Some(header) = header else { continue };
            span += 1;
            prop_assert!(!used.contains(&header.sequence_number), "{header:?}");
            used.push(header.sequence_number);
            prop_assert_eq!(header.ssrc, Ssrc(1));
        }
        if let (Some(first), Some(last)) = (used.first(), used.last()) {
            prop_assert!(u32::from(last.wrapping_sub(*first)) <= span);
        }
    }
}
