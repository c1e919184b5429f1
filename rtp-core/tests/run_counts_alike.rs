//! Packets counted by a run are to latch, session and sender as if each had been handled.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::rng;
use proptest::prelude::*;
use rtp_core::latch::{Latch, LatchConfig, Signalled};
use rtp_core::run::Run;
use rtp_core::session::SessionConfig;
use rtp_core::{Header, Packet, PayloadType, Session, Ssrc};

/// How a packet differs from the next one in a row.
#[derive(Clone, Copy, Debug)]
struct Odd {
    numbers: u16,
    ticks: u32,
    ssrc: u32,
    micros: u64,
    length: usize,
    marker: bool,
}

const NEXT: Odd =
    Odd { numbers: 1, ticks: 160, ssrc: 7, micros: 20_000, length: 160, marker: false };

fn odd() -> impl Strategy<Value = Odd> {
    prop_oneof![
        20 => Just(NEXT),
        4 => (0..60_000_u64).prop_map(|micros| Odd { micros, ..NEXT }),
        1 => (0..80_u64).prop_map(|halves| Odd { micros: halves * 500_000, ..NEXT }),
        1 => prop_oneof![0..10_u16, Just(3_000), Just(60_000), Just(65_530)]
            .prop_map(|numbers| Odd { numbers, ticks: 160 * u32::from(numbers), ..NEXT }),
        1 => any::<u32>().prop_map(|ticks| Odd { ticks, ..NEXT }),
        1 => (0..400_u32).prop_map(|ticks| Odd { ticks, ..NEXT }),
        1 => Just(Odd { ssrc: 8, ..NEXT }),
        1 => (0..200_usize).prop_map(|length| Odd { length, ..NEXT }),
        1 => Just(Odd { marker: true, ..NEXT }),
    ]
}

/// A leg that hears, and one that is sent what it hears.
struct Relay {
    latch: Latch,
    received: Session,
    sent: Session,
    run: Option<Run>,
}

impl Relay {
    fn new(peer: SocketAddr) -> Self {
        let session = |name: &str, seed| {
            Session::new(SessionConfig::new(name), Duration::ZERO, &mut rng(seed)).unwrap()
        };
        Self {
            latch: Latch::new(LatchConfig::default(), Signalled::at(peer)),
            received: session("a", 1),
            sent: session("b", 2),
            run: None,
        }
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.latch.end_run(&run);
            self.received.end_run(&run);
            self.sent.sender_mut().end_run(&run);
        }
    }

    /// The header that a packet is sent on with, if it is.
    fn relay(
        &mut self,
        now: Duration,
        peer: SocketAddr,
        bytes: &[u8],
        runs: bool,
    ) -> Option<[u8; 12]> {
        let packet = Packet::parse(bytes).unwrap();
        if let Some(run) = &mut self.run
            && run.continues(now, &packet)
        {
            let mut header = *bytes.first_chunk().unwrap();
            run.renumber(&mut header, PayloadType::PCMU);
            return Some(header);
        }
        self.end_run();
        if !self.latch.handle_rtp(now, peer, &packet).is_accept()
            || !self.received.handle_rtp(now, &packet).is_playable()
        {
            return None;
        }
        let sender = self.sent.sender_mut();
        let header = sender.relay(now, &packet, PayloadType::PCMU, packet.payload().len())?;
        let mut octets = [0; 12];
        header.write(&mut octets).unwrap();
        if runs {
            let settled = self.latch.settled().map(|(_, ssrc)| ssrc);
            self.run = Run::begin(now, &self.received, packet.payload_type(), self.sent.sender());
            self.run = self.run.filter(|run| settled == Some(run.ssrc()));
        }
        Some(octets)
    }

    /// All that it knows in the end.
    fn account(&mut self, now: Duration) -> String {
        self.end_run();
        let mut reports = [[0; 1_400]; 2];
        for (session, report) in [&mut self.received, &mut self.sent].into_iter().zip(&mut reports)
        {
            let due = now.max(session.poll_timeout().unwrap());
            session.handle_timeout(due, &mut rng(3));
            session.poll_transmit(due, report).unwrap();
        }
        let figures: Vec<_> =
            self.received.sources().map(|ssrc| (ssrc, self.received.figures(ssrc))).collect();
        let sender = self.sent.sender();
        format!(
            "{figures:?} {:?} {:?} {} {} {:?} {:?}",
            self.latch.counters(),
            self.latch.peer(),
            sender.packets(),
            sender.octets(),
            sender.last_sent(),
            reports.map(|report| report[..100].to_vec()),
        )
    }
}

proptest! {
    #[test]
    fn a_run_counts_as_its_packets(odds in prop::collection::vec(odd(), 1..150)) {
        let peer: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        let (mut short, mut long) = (Relay::new(peer), Relay::new(peer));
        let (mut now, mut number, mut timestamp) = (Duration::ZERO, 65_500_u16, u32::MAX - 1_000);
        for Odd { numbers, ticks, ssrc, micros, length, marker } in odds {
            now += Duration::from_micros(micros);
            number = number.wrapping_add(numbers);
            timestamp = timestamp.wrapping_add(ticks);
            let header = Header::new(PayloadType::PCMA, number, timestamp, Ssrc(ssrc));
            let mut bytes = vec![0; 12 + length];
            Header { marker, ..header }.write(&mut bytes).unwrap();
            let headers =
                [(&mut short, true), (&mut long, false)].map(|(relay, runs)| relay.relay(now, peer, &bytes, runs));
            prop_assert_eq!(headers[0], headers[1]);
        }
        prop_assert_eq!(short.account(now), long.account(now));
    }
}

#[test]
fn packets_in_a_row_are_a_run() {
    let peer: SocketAddr = "192.0.2.1:4000".parse().unwrap();
    let mut relay = Relay::new(peer);
    for number in 0..100_u16 {
        let header = Header::new(PayloadType::PCMA, number, 160 * u32::from(number), Ssrc(7));
        let mut bytes = vec![0; 172];
        header.write(&mut bytes).unwrap();
        let now = Duration::from_millis(20) * u32::from(number);
        assert!(relay.relay(now, peer, &bytes, true).is_some() || number == 0);
    }
    assert!(relay.run.unwrap().packets() > 90);
}
