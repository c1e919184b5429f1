//! Packet indices over many wraps, losses and disorder (RFC 3711 section 3.3.1), and what comes at
//! the end of them (section 9.2).
#![cfg(feature = "srtp")]

mod common;

use std::collections::BTreeMap;

use common::srtp::{key, pair, seal, seal_rtcp};
use common::{audio, rng};
use rand_core::Rng;
use rtp_core::Ssrc;
use rtp_core::srtp::{Policy, Protector, SrtpConfig, SrtpError, Unprotector};

const RR: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

#[test]
fn two_to_the_seventeenth_packets_without_drift() {
    for policy in [Policy::AesCm128HmacSha1_80, Policy::AeadAes128Gcm] {
        let (mut ours, mut theirs) = pair(policy);
        for count in 0..1u32 << 17 {
            let mut wire = seal(&mut ours, &audio(1, (count + 30_000) as u16, 0));
            assert_eq!(theirs.unprotect_rtp(&mut wire), Ok(172), "{policy}: {count}");
        }
        // From 30,000 on that is over two wraps.
        assert_eq!(ours.rollover_counter(Ssrc(1)), Some(2));
        assert_eq!(theirs.rollover_counter(Ssrc(1)), Some(2));
        assert_eq!(theirs.counters().accepted, 1 << 17);
    }
}

#[test]
fn rollover_under_ten_percent_loss_and_reordering() {
    for policy in Policy::ALL {
        for seed in 0..2 {
            let mut random = rng(seed);
            let (mut ours, mut theirs) = pair(policy);
            // Each packet is delayed by up to 60 places.
            let mut network: BTreeMap<(u32, u32), Vec<u8>> = BTreeMap::new();
            let (mut sent, mut came) = (0, 0);
            for count in 0..20_000u32 {
                let number = (count + 65_000 - 10_000) as u16;
                let wire = seal(&mut ours, &audio(1, number, 160 * count));
                if random.next_u32().is_multiple_of(10) {
                    continue;
                }
                sent += 1;
                network.insert((count + random.next_u32() % 60, count), wire);
                while let Some(entry) = network.first_entry().filter(|entry| entry.key().0 <= count)
                {
                    assert_eq!(
                        theirs.unprotect_rtp(&mut entry.remove()),
                        Ok(172),
                        "{policy} {count}"
                    );
                    came += 1;
                }
            }
            for mut wire in network.into_values() {
                assert_eq!(theirs.unprotect_rtp(&mut wire), Ok(172));
                came += 1;
            }
            assert_eq!(came, sent);
            assert!((17_500..18_500).contains(&came), "{came}");
            assert_eq!(theirs.rollover_counter(Ssrc(1)), Some(1));
        }
    }
}

#[test]
fn packets_from_before_the_wrap_may_come_after_it() {
    for policy in Policy::ALL {
        let (mut ours, mut theirs) = pair(policy);
        let numbers = [65_533, 65_534, 65_535, 0, 1, 2];
        let mut wires: Vec<_> = numbers.iter().map(|&n| seal(&mut ours, &audio(1, n, 0))).collect();
        for index in [0, 4, 2, 5, 1, 3] {
            assert_eq!(theirs.unprotect_rtp(&mut wires[index]), Ok(172), "{policy} {index}");
        }
        assert_eq!(theirs.rollover_counter(Ssrc(1)), Some(1));
    }
}

#[test]
fn who_joins_late_has_to_be_told() {
    for policy in Policy::ALL {
        let (mut ours, mut theirs) = pair(policy);
        ours.set_rollover_counter(Ssrc(1), 5).unwrap();
        let wire = seal(&mut ours, &audio(1, 100, 0));
        assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Err(SrtpError::Authentication));
        theirs.set_rollover_counter(Ssrc(1), 5).unwrap();
        assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Ok(172));
        assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Err(SrtpError::Replayed));
        // A sender does not go back to numbers that it has used.
        assert!(ours.set_rollover_counter(Ssrc(1), 5).is_err());
        assert!(ours.set_rollover_counter(Ssrc(1), 4).is_err());
        ours.set_rollover_counter(Ssrc(1), 6).unwrap();
        theirs.set_rollover_counter(Ssrc(1), 6).unwrap();
        assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 100, 0))), Ok(172));
    }
}

#[test]
fn forged_numbers_do_not_move_the_counter() {
    let (mut ours, mut theirs) = pair(Policy::AesCm128HmacSha1_80);
    for number in 0..100 {
        theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, number, 0))).unwrap();
    }
    for number in (0..=u16::MAX).step_by(500) {
        let mut forged = [&audio(1, number, 0)[..], &[1; 10]].concat();
        assert!(theirs.unprotect_rtp(&mut forged).is_err());
    }
    assert_eq!(theirs.rollover_counter(Ssrc(1)), Some(0));
    assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 100, 0))), Ok(172));
}

#[test]
fn the_last_index_is_the_last() {
    let (mut ours, mut theirs) = pair(Policy::AesCm128HmacSha1_80);
    ours.set_rollover_counter(Ssrc(1), u32::MAX).unwrap();
    theirs.set_rollover_counter(Ssrc(1), u32::MAX).unwrap();
    assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 65_534, 0))), Ok(172));
    assert_eq!(theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 65_535, 0))), Ok(172));
    let mut wire = [&audio(1, 0, 0)[..], &[0; 10]].concat();
    assert_eq!(ours.protect_rtp(&mut wire, 172), Err(SrtpError::IndexExhausted));
    assert_eq!(theirs.unprotect_rtp(&mut wire), Err(SrtpError::IndexExhausted));
    assert_eq!(wire[..172], audio(1, 0, 0)[..]);
}

#[test]
fn a_key_ends_with_its_lifetime() {
    for policy in Policy::ALL {
        let config = SrtpConfig::default();
        let short = key(policy, 1).with_lifetime(10);
        let mut ours = Protector::new(short.clone(), config).unwrap();
        let mut theirs = Unprotector::new([key(policy, 1)], config).unwrap();
        for count in 0..10u16 {
            // All streams of the key count together.
            let mut wire = seal(&mut ours, &audio(u32::from(count % 3), count, 0));
            theirs.unprotect_rtp(&mut wire).unwrap();
            seal_rtcp(&mut ours, &RR);
            assert_eq!(ours.rtp_packets_left(), u64::from(9 - count));
            assert_eq!(ours.rtcp_packets_left(), u64::from(9 - count));
        }
        let mut buf = [&audio(1, 11, 0)[..], &[0; 16]].concat();
        let before = buf.clone();
        assert_eq!(ours.protect_rtp(&mut buf, 172), Err(SrtpError::KeyExpired));
        assert_eq!(buf, before, "nothing is encrypted beyond the end");
        let mut buf = [&RR[..], &[0; 20]].concat();
        assert_eq!(ours.protect_rtcp(&mut buf, 8), Err(SrtpError::KeyExpired));
        ours.rekey(key(policy, 2)).unwrap();
        seal(&mut ours, &audio(1, 11, 0));

        // A receiver holds its peer to the same.
        let mut ours = Protector::new(key(policy, 1), config).unwrap();
        let mut theirs = Unprotector::new([short], config).unwrap();
        for number in 0..12 {
            let result = theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, number, 0)));
            let expected = if number < 10 { Ok(172) } else { Err(SrtpError::KeyExpired) };
            assert_eq!(result, expected);
            let result = theirs.unprotect_rtcp(&mut seal_rtcp(&mut ours, &RR));
            assert_eq!(result.is_ok(), number < 10);
        }
    }
}
