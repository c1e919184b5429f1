//! AES-GCM by `ring`.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Octets of the tag.
pub(super) const TAG: usize = 16;

/// AES-GCM under one key; written over when it is dropped.
pub(super) struct Gcm(LessSafeKey);

impl Gcm {
    /// `None` when the key has neither 16 nor 32 octets.
    pub(super) fn new(key: &[u8]) -> Option<Gcm> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return None,
        };
        UnboundKey::new(algorithm, key).ok().map(|key| Gcm(LessSafeKey::new(key)))
    }

    /// Encrypts `data` in place; `None` when it is longer than GCM allows (64 GiB).
    #[inline]
    pub(super) fn seal(&self, nonce: [u8; 12], aad: &[u8], data: &mut [u8]) -> Option<[u8; TAG]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), data).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts `data`, whose tag is its end, in place; false when the tag is not right, and then
    /// what is in `data` means nothing.
    #[inline]
    pub(super) fn open(&self, nonce: [u8; 12], aad: &[u8], data: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), data).is_ok()
    }
}

impl Drop for Gcm {
    /// `ring` leaves its key schedule in memory. Another key's is written over it, and the optimiser
    /// is kept from seeing that nobody reads that one.
    fn drop(&mut self) {
        if let Ok(key) =
            UnboundKey::new(self.0.algorithm(), &[0; 32][..self.0.algorithm().key_len()])
        {
            self.0 = LessSafeKey::new(key);
            core::hint::black_box(&mut self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;
    use alloc::vec::Vec;

    /// RFC 7714 sections 16.1.3, 16.1.4, 16.2.3 and 16.2.4: nothing encrypted, the packet
    /// authenticated.
    #[test]
    fn rfc_7714_16_tagging_only() {
        let packet = hex("8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e697320646976
             69736120696e207061727465732074726573");
        let nonce: [u8; 12] = hex("51753c6580c2726f20718414").try_into().unwrap();
        let key: Vec<u8> = (0..32).collect();
        for (key_len, expected) in
            [(16, "22493f82d2bce397e9d79e3b19aa4216"), (32, "a866d5910f887463067ceefec45215d4")]
        {
            let gcm = Gcm::new(&key[..key_len]).unwrap();
            let mut tag = gcm.seal(nonce, &packet, &mut []).unwrap();
            assert_eq!(tag[..], hex(expected)[..]);
            assert!(gcm.open(nonce, &packet, &mut tag.clone()));
            tag[3] ^= 1;
            assert!(!gcm.open(nonce, &packet, &mut tag));
        }
    }

    #[test]
    fn keys_have_two_lengths() {
        for len in 0..40 {
            assert_eq!(Gcm::new(&[0; 40][..len]).is_some(), len == 16 || len == 32);
        }
    }
}
