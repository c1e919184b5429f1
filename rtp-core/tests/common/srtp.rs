//! A pair of ends that share their keys.

#![allow(dead_code, unreachable_pub)]

use rtp_core::srtp::{MasterKey, Policy, Protector, SrtpConfig, Unprotector};

/// Key and salt of `policy`, told apart by `seed`.
pub fn key(policy: Policy, seed: u8) -> MasterKey {
    let len = policy.key_len() + policy.salt_len();
    let material: Vec<u8> = (0..).map(|n: u8| n.wrapping_mul(37) ^ seed).take(len).collect();
    MasterKey::from_bytes(policy, &material).expect("as long as the policy says")
}

pub fn pair(policy: Policy) -> (Protector, Unprotector) {
    pair_with(key(policy, 1), SrtpConfig::default())
}

pub fn pair_with(key: MasterKey, config: SrtpConfig) -> (Protector, Unprotector) {
    let unprotector = Unprotector::new([key.clone()], config).expect("a key that fits");
    (Protector::new(key, config).expect("a key that fits"), unprotector)
}

/// `packet` protected as RTP.
pub fn seal(protector: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buf = packet.to_vec();
    buf.resize(packet.len() + protector.rtp_overhead(), 0xee);
    let len = protector.protect_rtp(&mut buf, packet.len()).expect("room and a fresh number");
    assert_eq!(len, buf.len());
    buf
}

/// `compound` protected as RTCP.
pub fn seal_rtcp(protector: &mut Protector, compound: &[u8]) -> Vec<u8> {
    let mut buf = compound.to_vec();
    buf.resize(compound.len() + protector.rtcp_overhead(), 0xee);
    let len = protector.protect_rtcp(&mut buf, compound.len()).expect("room");
    assert_eq!(len, buf.len());
    buf
}
