//! Session keys from master keys (RFC 3711 section 4.3, RFC 6188 section 3, RFC 7714 section 11).

use super::counter_mode::{BLOCK, CounterMode};
use super::{KeyError, MasterKey};

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// The pseudo-random function that makes session keys of one master key.
#[derive(Clone)]
pub(super) struct Derivation {
    cipher: CounterMode,
    /// The master salt; that of AEAD has 96 bits and zeros behind.
    salt: [u8; 14],
}

impl Derivation {
    pub(super) fn new(master: &MasterKey) -> Result<Derivation, KeyError> {
        let key = master.key();
        let wrong = KeyError::Length { expected: master.policy().key_len(), len: key.len() };
        let cipher = CounterMode::new(key).ok_or(wrong)?;
        let mut salt = [0; 14];
        for (place, octet) in salt.iter_mut().zip(master.salt()) {
            *place = *octet;
        }
        Ok(Derivation { cipher, salt })
    }

    /// Fills `out` with the key for `label`; `epoch` is r, the index divided by the derivation
    /// rate, 48 bits.
    pub(super) fn derive(&self, label: Label, epoch: u64, out: &mut [u8]) {
        // key_id is the label and the 48 bits of r, at the right end of the salt's 112 bits. SRTCP's
        // r has 32 bits on paper; all implementations keep the label where it is for SRTP.
        let key_id = (label as u128) << 48 | u128::from(epoch & 0xffff_ffff_ffff);
        let mut iv = [0; BLOCK];
        iv[..14].copy_from_slice(&self.salt);
        let iv = u128::from_be_bytes(iv) ^ key_id << 16;
        self.cipher.keystream(iv.to_be_bytes(), out);
    }
}

impl Drop for Derivation {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.salt);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::super::tests::hex;
    use super::*;
    use alloc::collections::BTreeSet;

    fn derivation(policy: Policy, key: &str, salt: &str) -> Derivation {
        Derivation::new(&MasterKey::new(policy, &hex(key), &hex(salt)).unwrap()).unwrap()
    }

    fn check(derivation: &Derivation, label: Label, expected: &str) {
        let expected = hex(expected);
        let mut out = [0xff; 94];
        derivation.derive(label, 0, &mut out[..expected.len()]);
        assert_eq!(out[..expected.len()], expected[..], "{label:?}");
    }

    #[test]
    fn rfc_3711_b_3() {
        let derivation = derivation(
            Policy::AesCm128HmacSha1_80,
            "E1F97A0D3E018BE0D64FA32C06DE4139",
            "0EC675AD498AFEEBB6960B3AABE6",
        );
        check(&derivation, Label::RtpEncryption, "C61E7A93744F39EE10734AFE3FF7A087");
        check(&derivation, Label::RtpSalt, "30CBBC08863D8C85D49DB34A9AE1");
        check(
            &derivation,
            Label::RtpAuthentication,
            "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
             E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
             6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2",
        );
    }

    #[test]
    fn rfc_6188_7_2() {
        let derivation = derivation(
            Policy::AesCm256HmacSha1_80,
            "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
        );
        check(
            &derivation,
            Label::RtpEncryption,
            "5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4",
        );
        check(&derivation, Label::RtpSalt, "fa31791685ca444a9e07c6c64e93");
        check(&derivation, Label::RtpAuthentication, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
    }

    #[test]
    fn labels_and_epochs_make_different_keys() {
        let derivation = derivation(
            Policy::AeadAes128Gcm,
            "E1F97A0D3E018BE0D64FA32C06DE4139",
            "0EC675AD498AFEEBB6960B3A",
        );
        let labels = [
            Label::RtpEncryption,
            Label::RtpAuthentication,
            Label::RtpSalt,
            Label::RtcpEncryption,
            Label::RtcpAuthentication,
            Label::RtcpSalt,
        ];
        let mut seen = BTreeSet::new();
        for label in labels {
            for epoch in [0, 1, 2, 1 << 32, (1 << 48) - 1] {
                let mut out = [0; 16];
                derivation.derive(label, epoch, &mut out);
                assert!(seen.insert(out), "{label:?} {epoch}");
            }
        }
        // Done by hand: the salt, the label at octet 7, r in the six octets behind it.
        let mut iv: [u8; 16] = hex("0EC675AD498AFEEB B6960B3A0000 0000").try_into().unwrap();
        iv[7] ^= 5;
        for (octet, r) in iv[8..14].iter_mut().zip([1, 2, 3, 4, 5, 6]) {
            *octet ^= r;
        }
        let (mut by_hand, mut derived) = ([0; 12], [0; 12]);
        derivation.cipher.keystream(iv, &mut by_hand);
        derivation.derive(Label::RtcpSalt, 0x0102_0304_0506, &mut derived);
        assert_eq!(by_hand, derived);
    }
}
