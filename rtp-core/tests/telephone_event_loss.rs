//! Digits over a bad network: none is lost while one of its packets comes through, none is doubled.

mod common;

use std::time::Duration;

use common::{EVENT, ms, packet, rng};
use proptest::collection::vec;
use proptest::prelude::*;
use rand_core::Rng;
use rtp_core::session::{Frame, Sender};
use rtp_core::telephone_event::{
    Event, EventCode, EventReceiver, EventReceiverConfig, EventSender, EventSenderConfig,
};
use rtp_core::{ClockRate, Packet, Ssrc};

/// What the network does to packets, in percent.
#[derive(Debug, Clone, Copy)]
struct Network {
    loss: u32,
    duplication: u32,
    /// Packets are delayed by up to this many milliseconds, each by itself.
    jitter: u64,
}

struct Run {
    /// For each digit sent, packets of it that were delivered.
    delivered: Vec<usize>,
    received: Vec<(EventCode, Duration, bool)>,
    started: Vec<EventCode>,
}

fn run(rate: ClockRate, presses: &[(u8, u64)], network: Network, seed: u64) -> Run {
    let mut rng = rng(seed);
    let config = EventSenderConfig { clock_rate: rate, max_queue: 1_000, ..Default::default() };
    let mut events = EventSender::new(config);
    for &(code, duration) in presses {
        events.press(EventCode(code), ms(duration)).unwrap();
    }
    let mut sender = Sender::new(Ssrc(7), rate, &mut rng);
    let mut wire: Vec<(Duration, usize, Vec<u8>)> = Vec::new();
    let mut delivered = vec![0; presses.len()];
    let mut index = 0;
    while let Some(now) = events.poll_timeout() {
        let clock = sender.timestamp_at(now);
        let Some(event) = events.poll_transmit(now, clock) else { continue };
        let frame = Frame {
            payload_type: EVENT,
            timestamp: event.timestamp,
            marker: event.marker,
            payload_len: 4,
        };
        let bytes = packet(sender.insert(now, frame), &event.payload);
        index += usize::from(event.marker);
        let mut chance = |percent: u32| rng.next_u32() % 100 < percent;
        let copies = match (chance(network.loss), chance(network.duplication)) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        for _ in 0..copies {
            let delay = ms(u64::from(rng.next_u32()) % (network.jitter + 1));
            wire.push((now + delay, wire.len(), bytes.clone()));
            delivered[index - 1] += 1;
        }
    }
    wire.sort();
    let config = EventReceiverConfig { clock_rate: rate, max_events: 4_000, ..Default::default() };
    let mut receiver = EventReceiver::new(config);
    for (at, _, bytes) in &wire {
        receiver.handle_packet(*at, &Packet::parse(bytes).unwrap()).unwrap();
    }
    if let Some(end) = receiver.poll_timeout() {
        receiver.handle_timeout(end);
    }
    let mut received = Vec::new();
    let mut started = Vec::new();
    while let Some(event) = receiver.poll_event() {
        match event {
            Event::Started(code) => started.push(code),
            Event::Ended { code, duration, complete } => received.push((code, duration, complete)),
        }
    }
    Run { delivered, received, started }
}

fn digits(run: &Run) -> Vec<u8> {
    run.received.iter().map(|(code, ..)| code.0).collect()
}

#[test]
fn a_thousand_digits_over_ten_percent_loss() {
    let presses: Vec<(u8, u64)> = (0..1_000).map(|index| ((index % 16) as u8, 100)).collect();
    let network = Network { loss: 10, duplication: 5, jitter: 0 };
    let run = run(ClockRate::HZ_8000, &presses, network, 1);
    let expected: Vec<u8> = presses.iter().map(|&(code, _)| code).collect();
    assert_eq!(digits(&run), expected);
    assert_eq!(run.started.len(), 1_000);
    // All three ends are lost once in a thousand times.
    let complete = run.received.iter().filter(|&&(_, duration, complete)| {
        assert!(!complete || duration == ms(100));
        complete
    });
    assert!(complete.count() >= 990);
}

#[test]
fn half_of_the_packets_lost_is_still_every_digit() {
    // Seven packets a digit: all lost once in 128 times; those digits, and only those, are missing.
    let presses: Vec<(u8, u64)> = (0..500).map(|index| ((index % 10) as u8, 100)).collect();
    let network = Network { loss: 50, duplication: 0, jitter: 0 };
    let run = run(ClockRate::HZ_16000, &presses, network, 2);
    let expected: Vec<u8> = presses
        .iter()
        .zip(&run.delivered)
        .filter(|&(_, &delivered)| delivered > 0)
        .map(|(&(code, _), _)| code)
        .collect();
    assert!((480..500).contains(&expected.len()), "the test should lose some: {}", expected.len());
    assert_eq!(digits(&run), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Reordering by less than a packet time, loss, duplication: each digit of which a packet came is
    /// reported, once, in order.
    #[test]
    fn digits_are_exact(
        presses in vec((0u8..16, 40u64..300), 1..30),
        loss in 0u32..60,
        duplication in 0u32..50,
        jitter in 0u64..20,
        wide_band: bool,
        seed: u64,
    ) {
        let rate = if wide_band { ClockRate::HZ_16000 } else { ClockRate::HZ_8000 };
        let run = run(rate, &presses, Network { loss, duplication, jitter }, seed);
        let delivered: Vec<(u8, u64)> = presses
            .iter()
            .zip(&run.delivered)
            .filter(|&(_, &delivered)| delivered > 0)
            .map(|(&press, _)| press)
            .collect();
        let expected: Vec<u8> = delivered.iter().map(|&(code, _)| code).collect();
        prop_assert_eq!(digits(&run), expected);
        for ((_, duration, complete), &(_, pressed)) in run.received.iter().zip(&delivered) {
            prop_assert!(*duration <= ms(pressed));
            prop_assert!(!complete || *duration == ms(pressed));
        }
    }

    /// Keys held for up to half a minute are one event, whatever single packets are lost.
    #[test]
    fn long_events_stay_whole(seconds in 5u64..30, loss in 0u32..10, seed: u64) {
        let network = Network { loss, duplication: 10, jitter: 0 };
        let run = run(ClockRate::HZ_8000, &[(5, seconds * 1_000)], network, seed);
        prop_assert_eq!(digits(&run), [5]);
        let (_, duration, complete) = run.received[0];
        prop_assert!(!complete || duration == Duration::from_secs(seconds));
        prop_assert!(duration > Duration::from_secs(seconds) - ms(1_000));
    }
}
