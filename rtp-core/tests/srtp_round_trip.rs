//! What is protected comes back as it was, whatever its header, policy and keys (RFC 3711).
#![cfg(feature = "srtp")]

mod common;

use common::srtp::{key, pair, pair_with, seal, seal_rtcp};
use common::{audio, packet};
use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::packet::Extension;
use rtp_core::srtp::{
    KeyDerivationRate, KeyError, MasterKey, Policy, Protector, SrtpConfig, SrtpError, Unprotector,
};
use rtp_core::{Header, Packet, PayloadType, Ssrc};

const RR: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

fn policy() -> impl Strategy<Value = Policy> {
    proptest::sample::select(&Policy::ALL[..])
}

proptest! {
    #[test]
    fn any_packet_comes_back(
        policy in policy(),
        number: u16,
        timestamp: u32,
        ssrc: u32,
        marker: bool,
        csrcs in vec(any::<u32>(), 0..16),
        extension in proptest::option::of(vec(any::<[u8; 4]>(), 0..5)),
        payload in vec(any::<u8>(), 0..1_400),
        padding in 0u8..20,
        mki in vec(any::<u8>(), 0..5),
    ) {
        let csrcs: Vec<Ssrc> = csrcs.into_iter().map(Ssrc).collect();
        let words = extension.clone().unwrap_or_default();
        let header = Header {
            marker,
            csrcs: &csrcs,
            extension: extension
                .is_some()
                .then_some(Extension { profile: 0xbede, data: words.as_flattened() }),
            ..Header::new(PayloadType::PCMA, number, timestamp, Ssrc(ssrc))
        };
        let mut plain = vec![0; header.encoded_len() + payload.len() + usize::from(padding)];
        header.write_packet(&payload, padding, &mut plain).unwrap();

        let key = key(policy, 9).with_mki(&mki).unwrap();
        let (mut ours, mut theirs) = pair_with(key, SrtpConfig::default());
        let mut wire = seal(&mut ours, &plain);
        // The header stays readable, the payload does not.
        prop_assert_eq!(&wire[..header.encoded_len()], &plain[..header.encoded_len()]);
        if payload.len() >= 16 {
            prop_assert_ne!(&wire[header.encoded_len()..plain.len()], &plain[header.encoded_len()..]);
        }
        let len = theirs.unprotect_rtp(&mut wire).unwrap();
        prop_assert_eq!(&wire[..len], &plain[..]);
        let read = Packet::parse(&wire[..len]).unwrap();
        prop_assert_eq!(read.payload(), &payload[..]);
    }

    #[test]
    fn any_compound_comes_back(
        policy in policy(),
        encrypt_rtcp: bool,
        body in vec(any::<u8>(), 0..300),
        mki in vec(any::<u8>(), 0..5),
    ) {
        let plain = [&RR[..], &body].concat();
        let config = SrtpConfig { encrypt_rtcp, ..SrtpConfig::default() };
        let (mut ours, mut theirs) = pair_with(key(policy, 9).with_mki(&mki).unwrap(), config);
        for _ in 0..3 {
            let mut wire = seal_rtcp(&mut ours, &plain);
            prop_assert_eq!(&wire[..8], &RR[..]);
            if !encrypt_rtcp {
                prop_assert_eq!(&wire[..plain.len()], &plain[..]);
            } else if body.len() >= 16 {
                prop_assert_ne!(&wire[8..plain.len()], &body[..]);
            }
            let len = theirs.unprotect_rtcp(&mut wire).unwrap();
            prop_assert_eq!(&wire[..len], &plain[..]);
        }
        prop_assert_eq!(theirs.counters().accepted, 3);
    }
}

/// The packet that other implementations test with, under the master key of RFC 3711 appendix B.3
/// and RFC 6188 section 7.2.
#[test]
fn a_packet_that_others_publish() {
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    };
    let plain = [&hex("800f1234decafbadcafebabe")[..], &[0xab; 16]].concat();
    for (policy, key, salt, expected) in [
        (
            Policy::AesCm128HmacSha1_80,
            "e1f97a0d3e018be0d64fa32c06de4139",
            "0ec675ad498afeebb6960b3aabe6",
            "4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
        ),
        (
            Policy::AesCm256HmacSha1_80,
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
            "f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b",
        ),
    ] {
        let key = MasterKey::new(policy, &hex(key), &hex(salt)).unwrap();
        let (mut ours, mut theirs) = pair_with(key, SrtpConfig::default());
        let mut wire = seal(&mut ours, &plain);
        assert_eq!(wire[12..], hex(expected)[..], "{policy}");
        assert_eq!(theirs.unprotect_rtp(&mut wire), Ok(28));
    }
}

#[test]
fn tags_have_the_lengths_of_their_policy() {
    for (policy, rtp, rtcp) in [
        (Policy::AesCm128HmacSha1_80, 10, 14),
        (Policy::AesCm128HmacSha1_32, 4, 14),
        (Policy::AesCm256HmacSha1_80, 10, 14),
        (Policy::AesCm256HmacSha1_32, 4, 14),
        (Policy::AeadAes128Gcm, 16, 20),
        (Policy::AeadAes256Gcm, 16, 20),
    ] {
        let (protector, _) = pair(policy);
        assert_eq!((protector.rtp_overhead(), protector.rtcp_overhead()), (rtp, rtcp), "{policy}");
        let key = key(policy, 1).with_mki(&[1, 2, 3]).unwrap();
        let (protector, _) = pair_with(key, SrtpConfig::default());
        assert_eq!(protector.rtp_overhead(), rtp + 3);
        assert_eq!(protector.rtcp_overhead(), rtcp + 3);
    }
}

#[test]
fn rtcp_indices_begin_at_zero_and_count() {
    let (mut ours, _) = pair(Policy::AesCm128HmacSha1_80);
    for expected in 0..3u32 {
        let wire = seal_rtcp(&mut ours, &RR);
        assert_eq!(wire[8..12], (1 << 31 | expected).to_be_bytes());
    }
}

#[test]
fn keys_are_chosen_by_their_identifier() {
    for policy in Policy::ALL {
        let keys: Vec<MasterKey> =
            (1..=3).map(|seed| key(policy, seed).with_mki(&[0, seed]).unwrap()).collect();
        let config = SrtpConfig::default();
        let mut theirs = Unprotector::new(keys[..2].iter().cloned(), config).unwrap();
        let mut ours = Protector::new(keys[0].clone(), config).unwrap();
        let mut kept = Vec::new();
        for (number, rekey) in [(1, None), (2, Some(1)), (3, None), (4, Some(0)), (5, Some(2))] {
            if let Some(index) = rekey {
                ours.rekey(keys[index].clone()).unwrap();
            }
            kept.push(seal(&mut ours, &audio(1, number, 0)));
            kept.push(seal_rtcp(&mut ours, &RR));
        }
        // The last key is not known yet.
        for wire in &mut kept[..8].chunks_mut(2) {
            assert_eq!(theirs.unprotect_rtp(&mut wire[0].clone()), Ok(172));
            assert_eq!(theirs.unprotect_rtcp(&mut wire[1].clone()), Ok(8));
        }
        assert_eq!(theirs.unprotect_rtp(&mut kept[8].clone()), Err(SrtpError::UnknownMki));
        assert_eq!(theirs.unprotect_rtcp(&mut kept[9].clone()), Err(SrtpError::UnknownMki));
        theirs.add_key(&keys[2]).unwrap();
        assert_eq!(theirs.unprotect_rtp(&mut kept[8]), Ok(172));
        assert_eq!(theirs.unprotect_rtcp(&mut kept[9]), Ok(8));
        assert!(theirs.remove_key(&[0, 3]));
        assert_eq!(
            theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 6, 0))),
            Err(SrtpError::UnknownMki)
        );
        assert!(theirs.remove_key(&[0, 1]));
        assert!(!theirs.remove_key(&[0, 2]), "the last one stays");
    }
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let (policy, config) = (Policy::AesCm128HmacSha1_80, SrtpConfig::default());
    let with = |seed, mki: &[u8]| key(policy, seed).with_mki(mki).unwrap();
    let new = |keys: Vec<MasterKey>| Unprotector::new(keys, config).err();
    assert_eq!(new(vec![]), Some(KeyError::None));
    assert_eq!(new(vec![with(1, &[]), with(2, &[])]), Some(KeyError::Ambiguous));
    assert_eq!(new(vec![with(1, &[1]), with(2, &[1])]), Some(KeyError::Ambiguous));
    assert_eq!(new(vec![with(1, &[1]), with(2, &[0, 2])]), Some(KeyError::Ambiguous));
    assert_eq!(new(vec![with(1, &[1]), with(2, &[2])]), None);
    let other = key(Policy::AeadAes128Gcm, 1).with_mki(&[2]).unwrap();
    assert_eq!(new(vec![with(1, &[1]), other]), Some(KeyError::Policies));
    let many = (0..17).map(|n| with(n, &[n])).collect();
    assert_eq!(new(many), Some(KeyError::TooMany(16)));
}

#[test]
fn a_new_key_without_identifiers_goes_on_where_the_old_one_was() {
    let policy = Policy::AesCm128HmacSha1_80;
    let (mut ours, mut theirs) = pair(policy);
    for number in 65_530..=65_535 {
        theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, number, 0))).unwrap();
    }
    theirs.unprotect_rtp(&mut seal(&mut ours, &audio(1, 0, 0))).unwrap();
    ours.rekey(key(policy, 2)).unwrap();
    let wire = seal(&mut ours, &audio(1, 1, 0));
    assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Err(SrtpError::Authentication));
    theirs.replace_keys([key(policy, 2)]).unwrap();
    assert_eq!(theirs.unprotect_rtp(&mut wire.clone()), Ok(172));
    assert_eq!(ours.rollover_counter(Ssrc(1)), Some(1));
    assert_eq!(theirs.rollover_counter(Ssrc(1)), Some(1));
    assert_eq!(theirs.replace_keys([]), Err(KeyError::None));
}

#[test]
fn session_keys_change_at_their_rate() {
    for policy in Policy::ALL {
        for exponent in [0, 1, 4, 10, 24] {
            let rate = KeyDerivationRate::from_exponent(exponent).unwrap();
            let config = SrtpConfig { key_derivation_rate: rate, ..SrtpConfig::default() };
            let (mut ours, mut theirs) = pair_with(key(policy, 1), config);
            let (_, mut other) = pair(policy);
            let mut wires = Vec::new();
            for number in 0..64 {
                wires.push(seal(&mut ours, &audio(1, number, 0)));
            }
            // Overtaking across the change is no obstacle.
            for pair in wires.chunks(2) {
                assert_eq!(theirs.unprotect_rtp(&mut pair[1].clone()), Ok(172));
                assert_eq!(theirs.unprotect_rtp(&mut pair[0].clone()), Ok(172));
            }
            // Who derives once understands only the first keys.
            let mut understood = 0;
            for wire in &mut wires {
                understood += usize::from(other.unprotect_rtp(wire).is_ok());
            }
            assert_eq!(understood, 64.min(1usize << exponent), "{policy} 2^{exponent}");
            for _ in 0..40 {
                let mut wire = seal_rtcp(&mut ours, &RR);
                assert_eq!(theirs.unprotect_rtcp(&mut wire), Ok(8));
            }
        }
    }
    assert_eq!(KeyDerivationRate::from_exponent(25), None);
}

#[test]
fn two_streams_under_one_key_have_different_keystreams() {
    let (mut ours, mut theirs) = pair(Policy::AesCm128HmacSha1_80);
    let silence = |ssrc| packet(Header::new(PayloadType::PCMA, 1, 0, Ssrc(ssrc)), &[0; 160]);
    let (mut one, mut two) = (seal(&mut ours, &silence(1)), seal(&mut ours, &silence(2)));
    assert_ne!(one[12..172], two[12..172]);
    assert_eq!(theirs.unprotect_rtp(&mut one), Ok(172));
    assert_eq!(theirs.unprotect_rtp(&mut two), Ok(172));
}

#[test]
fn debugging_shows_no_key() {
    let (ours, theirs) = pair(Policy::AesCm128HmacSha1_80);
    let printed = format!("{ours:?} {theirs:?}");
    assert!(printed.contains("AesCm128HmacSha1_80"));
    assert!(!printed.contains('['), "{printed}");
}
