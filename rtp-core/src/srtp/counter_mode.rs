//! AES in counter mode: the keystream of RFC 3711 section 4.1.1, for packets and for keys.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Aes256Enc, Block};
use zeroize::Zeroize;

/// Octets of a block.
pub(super) const BLOCK: usize = 16;
/// The longest keystream of one packet: the counter has sixteen bits.
pub(super) const MAX_KEYSTREAM: usize = BLOCK << 16;
/// Blocks that are encrypted in one call. More would be initialised in vain for a frame of G.711.
const BATCH: usize = 16;

/// AES under one key.
#[derive(Clone)]
pub(super) enum CounterMode {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl CounterMode {
    /// `None` when the key has neither 16 nor 32 octets.
    pub(super) fn new(key: &[u8]) -> Option<CounterMode> {
        match key.len() {
            16 => Aes128Enc::new_from_slice(key).ok().map(CounterMode::Aes128),
            32 => Aes256Enc::new_from_slice(key).ok().map(CounterMode::Aes256),
            _ => None,
        }
    }

    /// Combines `data`, at most [`MAX_KEYSTREAM`] octets, with the keystream that begins at `iv`,
    /// whose last two octets are zero.
    #[inline]
    pub(super) fn apply(&self, iv: [u8; BLOCK], data: &mut [u8]) {
        let mut counter = 0u16;
        for part in data.chunks_mut(BATCH * BLOCK) {
            let mut keystream = [Block::default(); BATCH];
            let blocks = part.len().div_ceil(BLOCK).min(BATCH);
            let (used, _) = keystream.split_at_mut(blocks);
            for block in used.iter_mut() {
                block.0 = iv;
                let [high, low] = counter.to_be_bytes();
                (block.0[BLOCK - 2], block.0[BLOCK - 1]) = (high, low);
                counter = counter.wrapping_add(1);
            }
            match self {
                CounterMode::Aes128(cipher) => cipher.encrypt_blocks(used),
                CounterMode::Aes256(cipher) => cipher.encrypt_blocks(used),
            }
            let (whole, rest) = part.as_chunks_mut::<BLOCK>();
            for (octets, block) in whole.iter_mut().zip(used.iter()) {
                let mixed = u128::from_ne_bytes(*octets) ^ u128::from_ne_bytes(block.0);
                *octets = mixed.to_ne_bytes();
            }
            if let Some(block) = used.get(whole.len()) {
                for (octet, stream) in rest.iter_mut().zip(block.0) {
                    *octet ^= stream;
                }
            }
        }
    }

    /// The keystream itself.
    pub(super) fn keystream(&self, iv: [u8; BLOCK], out: &mut [u8]) {
        out.zeroize();
        self.apply(iv, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;
    use alloc::vec;

    /// RFC 3711 appendix B.2: salt and counter of the first block.
    fn first() -> [u8; BLOCK] {
        hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap()
    }

    fn check(key: &str, head: &str, tail: &str) {
        let cipher = CounterMode::new(&hex(key)).unwrap();
        // Up to the block whose counter is FF01, the last that is printed.
        let mut stream = vec![0; BLOCK * 0xff02];
        cipher.keystream(first(), &mut stream);
        assert_eq!(stream[..48], hex(head)[..]);
        assert_eq!(stream[stream.len() - 48..], hex(tail)[..]);
    }

    #[test]
    fn rfc_3711_b_2() {
        check(
            "2B7E151628AED2A6ABF7158809CF4F3C",
            "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
             41E95B3BB0A2E8DD477901E4FCA894C0",
            "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE
             6A2CC3787889374FBEB4C81B17BA6C44",
        );
    }

    #[test]
    fn rfc_6188_7_1() {
        check(
            "57f82fe3613fd170a85ec93c40b1f092 2ec4cb0dc025b58272147cc438944a98",
            "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac
             63c4868b7096d88421b563b8c94c9a31",
            "cea518c90fd91ced9cbb18c078a54711 3dbc4814f4da5f00a08772b63c6a046d
             6eb246913062a16891433e97dd01a57f",
        );
    }

    #[test]
    fn every_length_is_a_prefix_of_the_longest() {
        let cipher = CounterMode::new(&[5; 32]).unwrap();
        let mut longest = [0; 600];
        cipher.keystream(first(), &mut longest);
        for len in 0..longest.len() {
            let mut stream = [0; 600];
            cipher.apply(first(), &mut stream[..len]);
            assert_eq!(stream[..len], longest[..len], "{len}");
            assert!(stream[len..].iter().all(|&octet| octet == 0));
        }
    }

    #[test]
    fn keys_have_two_lengths() {
        for len in 0..40 {
            assert_eq!(CounterMode::new(&[0; 40][..len]).is_some(), len == 16 || len == 32);
        }
    }
}
