//! What several tests need: packets by hand and a seeded source of chance.

#![allow(dead_code, unreachable_pub)]

#[cfg(feature = "srtp")]
pub mod srtp;

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rtp_core::{Header, PayloadType, Ssrc};

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub const EVENT: PayloadType = PayloadType::from_octet(101);

/// A 20 ms packet of A-law silence.
pub fn audio(ssrc: u32, number: u16, timestamp: u32) -> Vec<u8> {
    packet(Header::new(PayloadType::PCMA, number, timestamp, Ssrc(ssrc)), &[0xd5; 160])
}

pub fn packet(header: Header<'_>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; header.encoded_len() + payload.len()];
    header.write_packet(payload, 0, &mut bytes).expect("the buffer was made to fit");
    bytes
}
