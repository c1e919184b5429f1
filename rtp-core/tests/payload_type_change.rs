//! Another payload type in the middle of a call: one source, whose clock may change (RFC 3550
//! section 5.2, RFC 7160).

mod common;

use std::time::Duration;

use common::{EVENT, ms, packet, rng};
use rtp_core::session::SessionConfig;
use rtp_core::{ClockRate, Header, Packet, PayloadType, PayloadTypeSet, Session, Ssrc};

const WIDE: PayloadType = PayloadType::from_octet(96);

fn session() -> Session {
    let config = SessionConfig {
        clock_rates: vec![(WIDE, ClockRate::HZ_16000)],
        untimed: PayloadTypeSet::EMPTY.with(EVENT),
        ..SessionConfig::new("x")
    };
    Session::new(config, ms(0), &mut rng(1)).unwrap()
}

#[test]
fn one_source_with_gapless_numbers_whatever_the_payload() {
    let mut session = session();
    let types = [PayloadType::PCMA, PayloadType::PCMU, WIDE, EVENT];
    for count in 0..6_000u16 {
        let payload_type = types[usize::from(count / 50 % 4)];
        let header = Header::new(payload_type, count, 160 * u32::from(count), Ssrc(7));
        let bytes = packet(header, &[0; 160]);
        let now = ms(20 * u64::from(count));
        let reception = session.handle_rtp(now, &Packet::parse(&bytes).unwrap());
        assert_eq!(reception.is_playable(), count > 0, "{count}");
    }
    assert_eq!(session.sources().count(), 1);
    let figures = session.figures(Ssrc(7)).unwrap();
    assert_eq!((figures.loss_runs.lost, figures.restarts), (0, 0));
    assert_eq!(figures.packets, 5_999);
}

#[test]
fn a_steady_stream_over_two_clocks_has_no_jitter() {
    let mut session = session();
    let mut timestamp = 0u32;
    for count in 0..3_000u16 {
        let wide = count / 100 % 2 == 1;
        let (payload_type, step) = if wide { (WIDE, 320) } else { (PayloadType::PCMA, 160) };
        timestamp = timestamp.wrapping_add(step);
        let bytes = packet(Header::new(payload_type, count, timestamp, Ssrc(7)), &[0; 160]);
        session.handle_rtp(ms(20 * u64::from(count)), &Packet::parse(&bytes).unwrap());
    }
    let figures = session.figures(Ssrc(7)).unwrap();
    assert_eq!((figures.jitter, figures.peak_jitter), (Duration::ZERO, Duration::ZERO));
    assert_eq!(figures.loss_runs.lost, 0);
}

#[test]
fn the_sender_goes_on_under_another_payload_type() {
    let mut session = session();
    let mut last = None;
    for count in 0..100u16 {
        let bytes = packet(
            Header::new(PayloadType::PCMA, count, 160 * u32::from(count), Ssrc(9)),
            &[0; 160],
        );
        let payload_type = if count < 50 { PayloadType::PCMA } else { PayloadType::PCMU };
        let incoming = Packet::parse(&bytes).unwrap();
        let now = ms(20 * u64::from(count));
        let header = session.sender_mut().relay(now, &incoming, payload_type, 160).unwrap();
        assert_eq!(header.payload_type, payload_type);
        assert_eq!(header.marker, count == 0);
        if let Some((number, timestamp)) = last.replace((header.sequence_number, header.timestamp))
        {
            assert_eq!(header.sequence_number.wrapping_sub(number), 1);
            assert_eq!(header.timestamp.wrapping_sub(timestamp), 160);
        }
    }
}
