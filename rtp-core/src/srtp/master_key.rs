//! What signalling agrees on.

use alloc::boxed::Box;
use core::fmt;

use rand_core::Rng;
use zeroize::Zeroizing;

use super::Policy;

/// SRTP packets that one master key may protect, all its streams together (RFC 3711 section 9.2).
pub const MAX_RTP_PACKETS: u64 = 1 << 48;
/// SRTCP packets that one master key may protect, all its streams together (RFC 3711 section 9.2).
pub const MAX_RTCP_PACKETS: u64 = 1 << 31;

/// The longest key and salt: AES-256 with 112 bits.
const MAX_MATERIAL: usize = 46;

/// A master key with its salt, and what signalling says of both; overwritten when it is dropped.
#[derive(Clone)]
pub struct MasterKey {
    policy: Policy,
    material: Zeroizing<[u8; MAX_MATERIAL]>,
    mki: Box<[u8]>,
    lifetime: u64,
}

impl MasterKey {
    /// Key and salt in one piece, the key first: what SDP's `inline:` holds once its base64 is
    /// decoded (RFC 4568 section 6.1).
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`]: the peer's fault, or that of who wrote the SDP.
    pub fn from_bytes(policy: Policy, key_and_salt: &[u8]) -> Result<MasterKey, KeyError> {
        let expected = policy.key_len() + policy.salt_len();
        let len = key_and_salt.len();
        let mut material = Zeroizing::new([0; MAX_MATERIAL]);
        match material.get_mut(..expected) {
            Some(place) if len == expected => place.copy_from_slice(key_and_salt),
            _ => return Err(KeyError::Length { expected, len }),
        }
        Ok(MasterKey { policy, material, mki: Box::default(), lifetime: MAX_RTP_PACKETS })
    }

    /// Key and salt by themselves.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`]: either is not of its policy's length.
    pub fn new(policy: Policy, key: &[u8], salt: &[u8]) -> Result<MasterKey, KeyError> {
        let mut material = Zeroizing::new([0; MAX_MATERIAL]);
        for (part, at, expected) in
            [(key, 0, policy.key_len()), (salt, policy.key_len(), policy.salt_len())]
        {
            match material.get_mut(at..at + expected) {
                Some(place) if part.len() == expected => place.copy_from_slice(part),
                _ => return Err(KeyError::Length { expected, len: part.len() }),
            }
        }
        Ok(MasterKey { policy, material, mki: Box::default(), lifetime: MAX_RTP_PACKETS })
    }

    /// A new key from `rng`, which has to be a CSPRNG seeded by the system.
    pub fn generate(policy: Policy, rng: &mut (impl Rng + ?Sized)) -> MasterKey {
        let mut material = Zeroizing::new([0; MAX_MATERIAL]);
        if let Some(place) = material.get_mut(..policy.key_len() + policy.salt_len()) {
            rng.fill_bytes(place);
        }
        MasterKey { policy, material, mki: Box::default(), lifetime: MAX_RTP_PACKETS }
    }

    /// This key under a master key identifier that each packet carries (RFC 3711 section 3.1); an
    /// empty one is none.
    ///
    /// # Errors
    ///
    /// [`KeyError::MkiLength`]: over 128 octets (RFC 4568 section 6.1).
    pub fn with_mki(mut self, mki: &[u8]) -> Result<MasterKey, KeyError> {
        if mki.len() > 128 {
            return Err(KeyError::MkiLength(mki.len()));
        }
        self.mki = Box::from(mki);
        Ok(self)
    }

    /// This key with a lifetime of `packets` SRTP packets and as many of SRTCP, whichever ends
    /// first; never more than [`MAX_RTP_PACKETS`] and [`MAX_RTCP_PACKETS`].
    #[must_use]
    pub fn with_lifetime(mut self, packets: u64) -> MasterKey {
        self.lifetime = packets.min(MAX_RTP_PACKETS);
        self
    }

    /// What it is for.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Key and salt in one piece, to be written into SDP; to be kept out of logs.
    pub fn as_bytes(&self) -> &[u8] {
        self.material.get(..self.policy.key_len() + self.policy.salt_len()).unwrap_or_default()
    }

    /// The master key identifier; empty for none.
    pub fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// SRTP packets that it may protect.
    pub fn rtp_lifetime(&self) -> u64 {
        self.lifetime
    }

    /// SRTCP packets that it may protect.
    pub fn rtcp_lifetime(&self) -> u64 {
        self.lifetime.min(MAX_RTCP_PACKETS)
    }

    pub(super) fn key(&self) -> &[u8] {
        self.material.get(..self.policy.key_len()).unwrap_or_default()
    }

    pub(super) fn salt(&self) -> &[u8] {
        let start = self.policy.key_len();
        self.material.get(start..start + self.policy.salt_len()).unwrap_or_default()
    }
}

impl fmt::Debug for MasterKey {
    /// Says nothing about the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("policy", &self.policy)
            .field("mki", &self.mki)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// A key cannot be used, or not together with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Key, salt or both are not of the policy's length.
    #[error("SRTP key material of {len} octets instead of {expected}")]
    Length {
        /// Octets that the policy asks for.
        expected: usize,
        /// Octets there were.
        len: usize,
    },
    /// A master key identifier has up to 128 octets.
    #[error("master key identifier of {0} octets is over 128")]
    MkiLength(usize),
    /// No key at all.
    #[error("no SRTP master key")]
    None,
    /// Keys that are valid at once have identifiers of one length and no two the same, or packets
    /// would not say which is theirs.
    #[error("SRTP master keys cannot be told apart by their identifiers")]
    Ambiguous,
    /// Keys that are valid at once have one policy, since tags have one length.
    #[error("SRTP master keys have different policies")]
    Policies,
    /// At most this many keys are valid at once.
    #[error("more than {0} SRTP master keys")]
    TooMany(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn lengths_are_the_policys() {
        for policy in Policy::ALL {
            let (key, salt) = (policy.key_len(), policy.salt_len());
            let bytes = [9; MAX_MATERIAL + 1];
            for len in 0..bytes.len() {
                let made = MasterKey::from_bytes(policy, &bytes[..len]);
                assert_eq!(made.is_ok(), len == key + salt, "{policy} {len}");
            }
            assert!(MasterKey::new(policy, &bytes[..key], &bytes[..salt]).is_ok());
            assert_eq!(
                MasterKey::new(policy, &bytes[..key], &bytes[..salt - 1]).err(),
                Some(KeyError::Length { expected: salt, len: salt - 1 })
            );
            assert!(MasterKey::new(policy, &bytes[..key + 1], &bytes[..salt]).is_err());
        }
    }

    #[test]
    fn a_key_is_written_as_it_is_read_and_not_printed() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for policy in Policy::ALL {
            let key = MasterKey::generate(policy, &mut rng).with_mki(&[1, 2]).unwrap();
            let again = MasterKey::from_bytes(policy, key.as_bytes()).unwrap();
            assert_eq!((key.key(), key.salt()), (again.key(), again.salt()));
            assert_ne!(key.key(), &[0; 32][..policy.key_len()]);
            let printed = format!("{key:?}");
            assert!(!printed.contains(&format!("{:?}", key.key())), "{printed}");
            assert!(printed.ends_with(".. }"));
        }
    }

    #[test]
    fn lifetimes_have_the_rfcs_limits() {
        let key = MasterKey::from_bytes(Policy::AesCm128HmacSha1_80, &[0; 30]).unwrap();
        assert_eq!((key.rtp_lifetime(), key.rtcp_lifetime()), (1 << 48, 1 << 31));
        let key = key.with_lifetime(1 << 20);
        assert_eq!((key.rtp_lifetime(), key.rtcp_lifetime()), (1 << 20, 1 << 20));
        let key = key.with_lifetime(u64::MAX);
        assert_eq!((key.rtp_lifetime(), key.rtcp_lifetime()), (1 << 48, 1 << 31));
        assert_eq!(key.with_mki(&[0; 129]).err(), Some(KeyError::MkiLength(129)));
    }
}
