//! Forged, damaged and repeated packets, and floods of them (RFC 3711 sections 3.3.2 and 9).
#![cfg(feature = "srtp")]

mod common;

use common::audio;
use common::srtp::{key, pair, pair_with, seal, seal_rtcp};
use rtp_core::Ssrc;
use rtp_core::srtp::{MAX_REPLAY_WINDOW, Policy, SrtpConfig, SrtpError, Unprotector};

const RR: [u8; 12] = [0x80, 201, 0, 1, 0, 0, 0, 7, 0x80, 203, 0, 0];

#[test]
fn tampering_with_any_bit_is_refused() {
    for policy in Policy::ALL {
        for mki in [&[][..], &[5, 6]] {
            let key = key(policy, 1).with_mki(mki).unwrap();
            let (mut ours, mut theirs) = pair_with(key, SrtpConfig::default());
            let (rtp, rtcp) = (seal(&mut ours, &audio(1, 9, 0)), seal_rtcp(&mut ours, &RR));
            for bit in 0..8 * rtp.len() {
                let mut wire = rtp.clone();
                wire[bit / 8] ^= 1 << (bit % 8);
                assert!(theirs.unprotect_rtp(&mut wire).is_err(), "{policy}: bit {bit} of RTP");
            }
            for bit in 0..8 * rtcp.len() {
                let mut wire = rtcp.clone();
                wire[bit / 8] ^= 1 << (bit % 8);
                assert!(theirs.unprotect_rtcp(&mut wire).is_err(), "{policy}: bit {bit} of RTCP");
            }
            // None of that was remembered.
            assert_eq!((theirs.streams(), theirs.counters().accepted), (0, 0));
            assert_eq!(theirs.unprotect_rtp(&mut rtp.clone()), Ok(172));
            assert_eq!(theirs.unprotect_rtcp(&mut rtcp.clone()), Ok(12));
        }
    }
}

#[test]
fn cut_and_stretched_packets_are_refused() {
    for policy in Policy::ALL {
        let (mut ours, mut theirs) = pair(policy);
        let (rtp, rtcp) = (seal(&mut ours, &audio(1, 9, 0)), seal_rtcp(&mut ours, &RR));
        for len in 0..rtp.len() {
            assert!(theirs.unprotect_rtp(&mut rtp[..len].to_vec()).is_err(), "{policy} {len}");
        }
        for len in 0..rtcp.len() {
            assert!(theirs.unprotect_rtcp(&mut rtcp[..len].to_vec()).is_err(), "{policy} {len}");
        }
        assert!(theirs.unprotect_rtp(&mut [&rtp[..], &[0]].concat()).is_err());
        assert!(theirs.unprotect_rtcp(&mut [&rtcp[..], &[0]].concat()).is_err());
        // RTP is not RTCP, even under one master key.
        assert!(theirs.unprotect_rtcp(&mut rtp.clone()).is_err());
        assert!(theirs.unprotect_rtp(&mut rtcp.clone()).is_err());
    }
}

#[test]
fn plain_packets_are_refused() {
    for policy in Policy::ALL {
        let (_, mut theirs) = pair(policy);
        assert!(theirs.unprotect_rtp(&mut audio(1, 1, 0)).is_err());
        assert!(theirs.unprotect_rtcp(&mut [&RR[..], &[0; 40]].concat()).is_err());
        let (mut stranger, _) = pair_with(key(policy, 77), SrtpConfig::default());
        let mut wire = seal(&mut stranger, &audio(1, 1, 0));
        assert_eq!(theirs.unprotect_rtp(&mut wire), Err(SrtpError::Authentication));
        assert_eq!(theirs.counters().accepted, 0);
    }
}

#[test]
fn a_replay_is_refused() {
    for policy in Policy::ALL {
        let (mut ours, mut theirs) = pair(policy);
        let rtp: Vec<Vec<u8>> = (0..300).map(|n| seal(&mut ours, &audio(1, n, 0))).collect();
        let rtcp: Vec<Vec<u8>> = (0..300).map(|_| seal_rtcp(&mut ours, &RR)).collect();
        for wire in &rtp {
            assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Ok(172));
            assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Err(SrtpError::Replayed));
        }
        for wire in &rtcp {
            assert_eq!(theirs.unprotect_rtcp(&mut wire.clone()), Ok(12));
            assert_eq!(theirs.unprotect_rtcp(&mut wire.clone()), Err(SrtpError::Replayed));
        }
        for (age, wire) in rtp.iter().rev().enumerate() {
            let expected = if age < 128 { SrtpError::Replayed } else { SrtpError::TooOld };
            assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Err(expected), "{age}");
        }
        for (age, wire) in rtcp.iter().rev().enumerate() {
            let expected = if age < 128 { SrtpError::Replayed } else { SrtpError::TooOld };
            assert_eq!(theirs.unprotect_rtcp(&mut wire.clone()), Err(expected), "{age}");
        }
        let counters = theirs.counters();
        assert_eq!((counters.accepted, counters.replayed), (600, 1_200));
    }
}

#[test]
fn the_window_is_as_wide_as_configured() {
    for (configured, window) in [(0, 64), (64, 64), (200, 200), (60_000, MAX_REPLAY_WINDOW)] {
        let config = SrtpConfig { replay_window: configured, ..SrtpConfig::default() };
        let (mut ours, mut theirs) = pair_with(key(Policy::AeadAes128Gcm, 1), config);
        let mut wires: Vec<Vec<u8>> =
            (0..=window).map(|n| seal(&mut ours, &audio(1, n, 0))).collect();
        let newest = wires.last_mut().unwrap();
        assert_eq!(theirs.unprotect_rtp(newest), Ok(172));
        assert_eq!(theirs.unprotect_rtp(&mut wires[0]), Err(SrtpError::TooOld));
        for wire in &mut wires[1..usize::from(window)] {
            assert_eq!(theirs.unprotect_rtp(wire), Ok(172));
        }
    }
}

#[test]
fn forged_packets_make_no_stream_known() {
    for policy in Policy::ALL {
        let (_, mut theirs) = pair(policy);
        for ssrc in 0..10_000u32 {
            let mut wire =
                [&audio(ssrc, ssrc as u16, 0)[..], &ssrc.to_be_bytes(), &[7; 12]].concat();
            assert_eq!(theirs.unprotect_rtp(&mut wire), Err(SrtpError::Authentication));
            let mut wire = [&[0x80, 201, 0, 1], &ssrc.to_be_bytes()[..], &[0x80; 40]].concat();
            assert_eq!(theirs.unprotect_rtcp(&mut wire), Err(SrtpError::Authentication));
        }
        assert_eq!((theirs.streams(), theirs.counters().forged), (0, 20_000));
    }
}

#[test]
fn a_peer_that_knows_the_key_gets_no_more_streams_than_configured() {
    let policy = Policy::AesCm128HmacSha1_80;
    let many = SrtpConfig { max_streams: 1_000, ..SrtpConfig::default() };
    let (mut ours, _) = pair_with(key(policy, 1), many);
    let mut theirs = Unprotector::new([key(policy, 1)], SrtpConfig::default()).unwrap();
    for ssrc in 0..1_000 {
        let result = theirs.unprotect_rtp(&mut seal(&mut ours, &audio(ssrc, 1, 0)));
        let expected = if ssrc < 8 { Ok(172) } else { Err(SrtpError::TooManyStreams(8)) };
        assert_eq!(result, expected, "{ssrc}");
    }
    assert_eq!(theirs.streams(), 8);
    // The known ones go on, and a forgotten one makes room.
    assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(3, 2, 0))), Ok(172));
    assert!(theirs.forget(Ssrc(3)) && !theirs.forget(Ssrc(3)));
    assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(900, 2, 0))), Ok(172));
}

#[test]
fn a_number_is_protected_once() {
    let (mut ours, _) = pair(Policy::AesCm128HmacSha1_80);
    let wire = seal(&mut ours, &audio(1, 10, 0));
    let mut again = [&audio(1, 10, 99)[..], &[0; 10]].concat();
    assert_eq!(ours.protect_rtp(&mut again, 172), Err(SrtpError::SequenceReused(10)));
    // The packet was left as it was.
    assert_eq!(again[..172], audio(1, 10, 99)[..]);
    assert_ne!(wire[12..172], again[12..172]);
    seal(&mut ours, &audio(1, 200, 0));
    let mut old = [&audio(1, 12, 0)[..], &[0; 10]].concat();
    assert_eq!(ours.protect_rtp(&mut old, 172), Err(SrtpError::SequenceReused(12)));
    // A late packet that has not been sent is another matter.
    seal(&mut ours, &audio(1, 199, 0));
}

#[test]
fn room_behind_the_packet_is_asked_for_first() {
    for policy in Policy::ALL {
        let (mut ours, _) = pair(policy);
        let plain = audio(1, 1, 0);
        for spare in 0..ours.rtp_overhead() {
            let mut buf = [&plain[..], &vec![0; spare]].concat();
            let needed = 172 + ours.rtp_overhead();
            assert_eq!(
                ours.protect_rtp(&mut buf, 172),
                Err(SrtpError::BufferTooSmall { needed, len: 172 + spare })
            );
            assert_eq!(buf[..172], plain[..]);
            let mut buf = [&RR[..], &vec![0; spare]].concat();
            assert!(ours.protect_rtcp(&mut buf, 12).is_err());
            assert_eq!(buf[..12], RR);
        }
        assert!(ours.protect_rtp(&mut [0x80; 20], 30).is_err());
        assert!(ours.protect_rtp(&mut [0x80; 200], usize::MAX).is_err());
        assert!(ours.protect_rtp(&mut [0x40; 200], 100).is_err());
        assert!(ours.protect_rtp(&mut [0x80; 200], 11).is_err());
        assert!(ours.protect_rtcp(&mut [0x80; 200], 7).is_err());
        assert!(ours.protect_rtcp(&mut [0x40; 200], 8).is_err());
        seal(&mut ours, &plain);
    }
}

#[test]
fn more_than_a_keystream_is_refused() {
    let (mut ours, _) = pair(Policy::AesCm128HmacSha1_80);
    let len = 12 + (1 << 20) + 1;
    let mut buf = audio(1, 1, 0);
    buf.resize(len + 10, 0);
    assert_eq!(ours.protect_rtp(&mut buf, len), Err(SrtpError::TooLong((1 << 20) + 1)));
    assert!(ours.protect_rtp(&mut buf, len - 1).is_ok());
}
