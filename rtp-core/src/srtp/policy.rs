//! Which algorithms protect a stream.

use core::fmt;

/// A crypto suite, by the names that SDP uses (RFC 4568 section 6.2, RFC 6188 section 4, RFC 7714
/// section 14.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// `AES_CM_128_HMAC_SHA1_80`: what every implementation of SRTP has (RFC 3711).
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: RTP has a tag of 32 bits, RTCP one of 80.
    AesCm128HmacSha1_32,
    /// `AES_256_CM_HMAC_SHA1_80` (RFC 6188).
    AesCm256HmacSha1_80,
    /// `AES_256_CM_HMAC_SHA1_32` (RFC 6188): RTP has a tag of 32 bits, RTCP one of 80.
    AesCm256HmacSha1_32,
    /// `AEAD_AES_128_GCM` (RFC 7714).
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM` (RFC 7714).
    AeadAes256Gcm,
}

impl Policy {
    /// All of them, the strongest first.
    pub const ALL: [Policy; 6] = [
        Policy::AeadAes256Gcm,
        Policy::AeadAes128Gcm,
        Policy::AesCm256HmacSha1_80,
        Policy::AesCm128HmacSha1_80,
        Policy::AesCm256HmacSha1_32,
        Policy::AesCm128HmacSha1_32,
    ];

    /// The policy that SDP calls `name`; letters may be of either case.
    pub fn from_name(name: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|policy| policy.name().eq_ignore_ascii_case(name))
    }

    /// The name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Policy::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Policy::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Policy::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Policy::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Policy::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Octets of a master key, and of a session key.
    pub const fn key_len(self) -> usize {
        match self {
            Policy::AesCm128HmacSha1_80 | Policy::AesCm128HmacSha1_32 | Policy::AeadAes128Gcm => 16,
            Policy::AesCm256HmacSha1_80 | Policy::AesCm256HmacSha1_32 | Policy::AeadAes256Gcm => 32,
        }
    }

    /// Octets of a master salt, and of a session salt.
    pub const fn salt_len(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Octets of the authentication tag of an SRTP packet.
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Policy::AesCm128HmacSha1_80 | Policy::AesCm256HmacSha1_80 => 10,
            Policy::AesCm128HmacSha1_32 | Policy::AesCm256HmacSha1_32 => 4,
            Policy::AeadAes128Gcm | Policy::AeadAes256Gcm => 16,
        }
    }

    /// Octets of the authentication tag of an SRTCP packet.
    pub const fn rtcp_tag_len(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    /// Does one algorithm both encrypt and authenticate?
    pub const fn is_aead(self) -> bool {
        matches!(self, Policy::AeadAes128Gcm | Policy::AeadAes256Gcm)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_policy() {
        for policy in Policy::ALL {
            assert_eq!(Policy::from_name(policy.name()), Some(policy));
        }
        assert_eq!(Policy::from_name("aes_cm_128_hmac_sha1_80"), Some(Policy::AesCm128HmacSha1_80));
        assert_eq!(Policy::from_name("F8_128_HMAC_SHA1_80"), None);
    }
}
