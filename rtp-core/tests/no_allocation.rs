//! No function that handles a packet allocates.

mod common;

use std::net::SocketAddr;

use allocation_counter::measure;
use common::{EVENT, audio, ms, packet, rng};
use rtp_core::latch::{Latch, LatchConfig, Signalled};
use rtp_core::rtcp::Compound;
use rtp_core::session::{Frame, MAX_REPORT_LEN, SessionConfig};
use rtp_core::telephone_event::{EventCode, EventReceiver, EventSender};
use rtp_core::{Header, Packet, PayloadType, Session, Ssrc};

#[test]
fn a_relayed_call_allocates_nothing() {
    let mut rng = rng(1);
    let mut session = Session::new(SessionConfig::new("x"), ms(0), &mut rng).unwrap();
    let mut peer = Session::new(SessionConfig::new("y"), ms(0), &mut rng).unwrap();
    let from: SocketAddr = "127.0.0.1:4000".parse().unwrap();
    let mut latch = Latch::new(LatchConfig::default(), Signalled::at(from));
    let mut sender = EventSender::new(Default::default());
    let mut receiver = EventReceiver::new(Default::default());
    let incoming: Vec<Vec<u8>> = (0..3_000)
        .map(|number| audio(if number < 1_500 { 7 } else { 8 }, number, 160 * u32::from(number)))
        .collect();
    let mut reports = 0;
    let mut events = 0;

    let info = measure(|| {
        let mut buf = [0u8; MAX_REPORT_LEN];
        for (index, bytes) in (0..).zip(&incoming) {
            let now = ms(20 * index);
            let packet = Packet::parse(bytes).unwrap();
            let _ = latch.handle_rtp(now, from, &packet);
            let _ = session.handle_rtp(now, &packet);
            let header =
                session.sender_mut().relay(now, &packet, PayloadType::PCMU, packet.payload().len());
            header.unwrap().write(&mut buf).unwrap();
            let _ = peer.handle_rtp(now, &Packet::parse(&buf[..172]).unwrap());

            if index % 50 == 0 {
                sender.press(EventCode(5), ms(100)).unwrap();
            }
            let clock = session.sender().timestamp_at(now);
            if let Some(event) = sender.poll_transmit(now, clock) {
                let frame = Frame {
                    payload_type: EVENT,
                    timestamp: event.timestamp,
                    marker: event.marker,
                    payload_len: 4,
                };
                let header = session.sender_mut().insert(now, frame);
                let len = header.write_packet(&event.payload, 0, &mut buf).unwrap();
                let packet = Packet::parse(&buf[..len]).unwrap();
                let _ = peer.handle_rtp(now, &packet);
                receiver.handle_packet(now, &packet).unwrap();
            }
            events += std::iter::from_fn(|| receiver.poll_event()).count();

            for (from, to) in [(0, 1), (1, 0)] {
                let ends = [&mut session, &mut peer];
                ends[from].handle_timeout(now, &mut rng);
                if let Some(len) = ends[from].poll_transmit(now, &mut buf).unwrap() {
                    assert!(Compound::parse(&buf[..len]).unwrap().packets().count() == 2);
                    ends[to].handle_rtcp(now, &buf[..len]).unwrap();
                    reports += 1;
                }
                while ends[from].poll_event().is_some() {}
            }
        }
    });
    // Room for the second source and for the first events, which is kept; nothing a packet.
    assert!(info.count_total <= 6, "{info:?}");
    // It did happen.
    assert!(reports >= 15, "{reports}");
    assert_eq!(events, 2 * 60);
    assert_eq!(peer.figures(session.ssrc()).unwrap().loss_runs.lost, 0);
}

#[test]
fn refusing_allocates_nothing() {
    let inputs: Vec<Vec<u8>> = vec![
        vec![],
        vec![0; 12],
        vec![0x9f; 40],
        vec![0xbf; 40],
        packet(Header::new(EVENT, 0, 0, Ssrc(0)), &[1, 2, 3]),
        vec![0x80, 200, 0, 200],
        vec![0x81, 201, 0, 1, 0, 0, 0, 0],
    ];
    let mut receiver = EventReceiver::new(Default::default());
    let info = measure(|| {
        for bytes in &inputs {
            let refused = match Packet::parse(bytes) {
                Ok(packet) => receiver.handle_packet(ms(0), &packet).is_err(),
                Err(_) => true,
            };
            assert!(refused || Compound::parse(bytes).is_err());
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[cfg(feature = "srtp")]
#[test]
fn srtp_allocates_nothing() {
    use common::srtp::{key, pair_with};
    use rtp_core::srtp::{KeyDerivationRate, Policy, SrtpConfig};

    for policy in Policy::ALL {
        for rate in [KeyDerivationRate::NEVER, KeyDerivationRate::from_exponent(2).unwrap()] {
            let config = SrtpConfig { key_derivation_rate: rate, ..SrtpConfig::default() };
            let (mut ours, mut theirs) = pair_with(key(policy, 1).with_mki(&[1]).unwrap(), config);
            let mut accepted = 0;
            let info = measure(|| {
                for number in 0..2_000u16 {
                    let mut buf = [0; 300];
                    let header =
                        Header::new(PayloadType::PCMA, number, 0, Ssrc(u32::from(number % 12)));
                    header.write(&mut buf).unwrap();
                    // Those of the ninth stream and further are refused.
                    let Ok(len) = ours.protect_rtp(&mut buf, 172) else { continue };
                    let mut forged = buf;
                    forged[20] ^= 1;
                    assert!(theirs.unprotect_rtp(&mut forged[..len]).is_err());
                    accepted += u32::from(theirs.unprotect_rtp(&mut buf[..len]).is_ok());
                    assert!(theirs.unprotect_rtp(&mut forged[..len]).is_err());
                    buf[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
                    let len = ours.protect_rtcp(&mut buf, 60).unwrap();
                    assert_eq!(theirs.unprotect_rtcp(&mut buf[..len]), Ok(60));
                }
            });
            assert_eq!(info.count_total, 0, "{policy} {rate:?}: {info:?}");
            assert!(accepted > 1_000, "{accepted}");
        }
    }
}

#[test]
fn detectors_and_generators_of_audio_do_not_allocate() {
    use rtp_core::dtmf::{Detector, Digit, Generator};
    use rtp_core::tone::{Country, Level, Signal, ToneDetector, ToneGenerator};

    let mut digits = Generator::new(Default::default());
    let mut tone = ToneGenerator::new(Country::Russia.tone(Signal::Busy).unwrap(), Level(-13.0));
    let mut detector = Detector::new(Default::default());
    let mut tones = ToneDetector::new(Country::Russia.tones(), Level(-40.0));
    let mut heard = 0;
    let allocations = measure(|| {
        for key in "159D".chars() {
            digits.press(Digit::from_char(key).unwrap(), ms(60)).unwrap();
        }
        for n in 0..200 {
            let mut frame = [0; 160];
            if n < 50 {
                digits.fill(&mut frame);
            } else {
                tone.fill(&mut frame);
            }
            detector.process(&frame, |_| heard += 1);
            tones.process(&frame, |_| heard += 1);
        }
    });
    assert_eq!((allocations.count_total, heard), (0, 9));
}
