//! HMAC-SHA1 (RFC 2104) over the compression function of the `sha1` crate.
//!
//! The `hmac` crate clones a hasher with its buffer for each packet; here what the key makes of the
//! two paddings is computed once, and a packet costs its own blocks and one more. That is a
//! quarter of the time for a packet of G.711.

use sha1::block_api::compress;
use zeroize::Zeroize;

/// Octets of a block.
const BLOCK: usize = 64;
const INITIAL: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// HMAC-SHA1 under one key.
pub(super) struct HmacSha1 {
    inner: [u32; 5],
    outer: [u32; 5],
}

impl HmacSha1 {
    /// The key has 20 octets in SRTP (RFC 3711 section 5.2).
    pub(super) fn new(key: &[u8; 20]) -> HmacSha1 {
        let padded = |padding: u8| {
            let mut block = [padding; BLOCK];
            for (octet, key) in block.iter_mut().zip(key) {
                *octet ^= key;
            }
            let mut state = INITIAL;
            compress(&mut state, &[block]);
            block.zeroize();
            state
        };
        HmacSha1 { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The tag of `message`, all 160 bits.
    #[inline]
    pub(super) fn tag(&self, message: &[u8]) -> [u8; 20] {
        let mut state = self.inner;
        let (whole, rest) = message.as_chunks::<BLOCK>();
        if !whole.is_empty() {
            compress(&mut state, whole);
        }
        // The key's block counts, too.
        let bits = (8 * (BLOCK + message.len()) as u64).to_be_bytes();
        let mut tail = [[0; BLOCK]; 2];
        let octets = tail.as_flattened_mut();
        let (end, _) = octets.split_at_mut(rest.len());
        end.copy_from_slice(rest);
        if let Some(octet) = octets.get_mut(rest.len()) {
            *octet = 0x80;
        }
        if rest.len() < BLOCK - 8 {
            tail[0][BLOCK - 8..].copy_from_slice(&bits);
            compress(&mut state, &tail[..1]);
        } else {
            tail[1][BLOCK - 8..].copy_from_slice(&bits);
            compress(&mut state, &tail);
        }

        let mut last = [0; BLOCK];
        last[..20].copy_from_slice(&to_bytes(state));
        last[20] = 0x80;
        last[BLOCK - 8..].copy_from_slice(&(8 * (BLOCK as u64 + 20)).to_be_bytes());
        let mut state = self.outer;
        compress(&mut state, &[last]);
        to_bytes(state)
    }
}

impl Drop for HmacSha1 {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

fn to_bytes(state: [u32; 5]) -> [u8; 20] {
    let mut bytes = [0; 20];
    for (octets, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *octets = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;
    use hmac::{Hmac, KeyInit, Mac};

    #[test]
    fn rfc_2202_case_1() {
        let tag = HmacSha1::new(&[0x0b; 20]).tag(b"Hi There");
        assert_eq!(tag[..], hex("b617318655057264e28bc0b6fb378c8ef146be00")[..]);
    }

    #[test]
    fn every_length_agrees_with_the_hmac_crate() {
        let mut message = [0; 300];
        for (octet, value) in message.iter_mut().zip(0u32..) {
            *octet = (value * 7) as u8;
        }
        let key = *b"a key of 160 bits, !";
        let ours = HmacSha1::new(&key);
        for len in 0..message.len() {
            let mut theirs = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
            theirs.update(&message[..len]);
            assert_eq!(ours.tag(&message[..len])[..], theirs.finalize().into_bytes()[..], "{len}");
        }
    }
}
