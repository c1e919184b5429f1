//! What session keys do to one packet, once its index is known.
//!
//! ```text
//! AES_CM   RTP   | header | encrypted payload |      | MKI | tag |
//!          RTCP  | 8 octets | encrypted rest | E, index | MKI | tag |
//! GCM      RTP   | header | encrypted payload | tag | MKI |
//!          RTCP  | 8 octets | encrypted rest | tag | E, index | MKI |
//! ```

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::counter_mode::{CounterMode, MAX_KEYSTREAM};
use super::derivation::{Derivation, Label};
use super::gcm::{self, Gcm};
use super::hmac_sha1::HmacSha1;
use super::{KeyError, Policy, SrtpError};
use crate::Ssrc;

/// The common header and the sender's SSRC, which SRTCP leaves readable.
pub(super) const RTCP_HEADER: usize = 8;
/// The flag and the index of SRTCP.
pub(super) const RTCP_INDEX: usize = 4;
/// E: the packet is encrypted.
pub(super) const ENCRYPTED: u32 = 1 << 31;

/// RTP or RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Rtp,
    Rtcp,
}

/// One set of session keys, ready for use.
#[expect(clippy::large_enum_variant, reason = "keys change among packets, where nothing allocates")]
pub(super) enum Transform {
    AesCm {
        cipher: CounterMode,
        mac: HmacSha1,
        /// The session salt times 2^16, as the initialisation vector wants it.
        salt: u128,
        tag_len: usize,
    },
    Gcm {
        gcm: Gcm,
        salt: u128,
    },
}

impl Transform {
    pub(super) fn new(
        policy: Policy,
        protocol: Protocol,
        derivation: &Derivation,
        epoch: u64,
    ) -> Result<Transform, KeyError> {
        let (encryption, authentication, salting, tag_len) = match protocol {
            Protocol::Rtp => (
                Label::RtpEncryption,
                Label::RtpAuthentication,
                Label::RtpSalt,
                policy.rtp_tag_len(),
            ),
            Protocol::Rtcp => (
                Label::RtcpEncryption,
                Label::RtcpAuthentication,
                Label::RtcpSalt,
                policy.rtcp_tag_len(),
            ),
        };
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..policy.key_len()).unwrap_or_default();
        derivation.derive(encryption, epoch, key);
        let mut salt = Zeroizing::new([0; 16]);
        derivation.derive(salting, epoch, salt.get_mut(..policy.salt_len()).unwrap_or_default());
        let wrong = KeyError::Length { expected: policy.key_len(), len: key.len() };
        if policy.is_aead() {
            return Ok(Transform::Gcm {
                gcm: Gcm::new(key).ok_or(wrong)?,
                salt: u128::from_be_bytes(*salt) >> 32,
            });
        }
        let mut auth_key = Zeroizing::new([0; 20]);
        derivation.derive(authentication, epoch, &mut *auth_key);
        Ok(Transform::AesCm {
            cipher: CounterMode::new(key).ok_or(wrong)?,
            mac: HmacSha1::new(&auth_key),
            salt: u128::from_be_bytes(*salt),
            tag_len,
        })
    }

    /// Protects the RTP packet in the first `len` octets of `buf`, which has room behind it for tag
    /// and `mki`. Returns the length of both together.
    #[inline]
    pub(super) fn protect_rtp(
        &self,
        buf: &mut [u8],
        (header_len, len): (usize, usize),
        (ssrc, index): (Ssrc, u64),
        mki: &[u8],
    ) -> Result<usize, SrtpError> {
        let too_small = SrtpError::BufferTooSmall { needed: len, len: buf.len() };
        let packet = buf.get_mut(..len).ok_or(too_small)?;
        let (header, payload) = packet.split_at_mut_checked(header_len).ok_or(too_small)?;
        match self {
            Transform::AesCm { cipher, mac, salt, tag_len } => {
                if payload.len() > MAX_KEYSTREAM {
                    return Err(SrtpError::TooLong(payload.len()));
                }
                cipher.apply(counter_block(*salt, ssrc, index), payload);
                // The rollover counter is authenticated where the tag will stand.
                put(buf, len, &((index >> 16) as u32).to_be_bytes())?;
                let tag = mac.tag(buf.get(..len + 4).unwrap_or_default());
                put(buf, len, mki)?;
                put(buf, len + mki.len(), tag.get(..*tag_len).unwrap_or_default())?;
                Ok(len + mki.len() + tag_len)
            }
            Transform::Gcm { gcm, salt } => {
                let tag = gcm
                    .seal(nonce(*salt, ssrc, index), header, payload)
                    .ok_or(SrtpError::TooLong(len))?;
                put(buf, len, &tag)?;
                put(buf, len + tag.len(), mki)?;
                Ok(len + tag.len() + mki.len())
            }
        }
    }

    /// Takes an SRTP packet apart in place and returns the length of the RTP packet at its front.
    #[inline]
    pub(super) fn unprotect_rtp(
        &self,
        datagram: &mut [u8],
        header_len: usize,
        (ssrc, index): (Ssrc, u64),
        mki_len: usize,
    ) -> Result<usize, SrtpError> {
        match self {
            Transform::AesCm { cipher, mac, salt, tag_len } => {
                let (signed, tag) = split_end(datagram, *tag_len)?;
                let tag = Tag::copy(tag);
                let len = signed.len().saturating_sub(mki_len);
                // The rollover counter takes the place of what stands behind the payload.
                let mut behind = [0; 4];
                let place = datagram.get_mut(len..len + 4).ok_or(SrtpError::Authentication)?;
                behind.copy_from_slice(place);
                place.copy_from_slice(&((index >> 16) as u32).to_be_bytes());
                let expected = mac.tag(datagram.get(..len + 4).unwrap_or_default());
                put(datagram, len, &behind)?;
                tag.verify(&expected)?;
                let payload = datagram.get_mut(header_len..len).ok_or(SrtpError::Authentication)?;
                if payload.len() > MAX_KEYSTREAM {
                    return Err(SrtpError::TooLong(payload.len()));
                }
                cipher.apply(counter_block(*salt, ssrc, index), payload);
                Ok(len)
            }
            Transform::Gcm { gcm, salt } => {
                let (sealed, _) = split_end(datagram, mki_len)?;
                let (header, data) =
                    sealed.split_at_mut_checked(header_len).ok_or(SrtpError::Authentication)?;
                if !gcm.open(nonce(*salt, ssrc, index), header, data) {
                    return Err(SrtpError::Authentication);
                }
                Ok(header_len + data.len().saturating_sub(gcm::TAG))
            }
        }
    }

    /// Protects the RTCP compound in the first `len` octets of `buf`, which has room behind it for
    /// index, tag and `mki`. Returns the length of all of it.
    pub(super) fn protect_rtcp(
        &self,
        buf: &mut [u8],
        len: usize,
        (ssrc, index): (Ssrc, u32),
        encrypt: bool,
        mki: &[u8],
    ) -> Result<usize, SrtpError> {
        let too_small = SrtpError::BufferTooSmall { needed: len, len: buf.len() };
        let word = index | if encrypt { ENCRYPTED } else { 0 };
        let word = word.to_be_bytes();
        let packet = buf.get_mut(..len).ok_or(too_small)?;
        let (header, rest) = packet.split_first_chunk_mut::<RTCP_HEADER>().ok_or(too_small)?;
        match self {
            Transform::AesCm { cipher, mac, salt, tag_len } => {
                if rest.len() > MAX_KEYSTREAM {
                    return Err(SrtpError::TooLong(rest.len()));
                }
                if encrypt {
                    cipher.apply(counter_block(*salt, ssrc, index.into()), rest);
                }
                put(buf, len, &word)?;
                let end = len + RTCP_INDEX;
                let tag = mac.tag(buf.get(..end).unwrap_or_default());
                put(buf, end, mki)?;
                put(buf, end + mki.len(), tag.get(..*tag_len).unwrap_or_default())?;
                Ok(end + mki.len() + tag_len)
            }
            Transform::Gcm { gcm, salt } => {
                let nonce = nonce(*salt, ssrc, index.into());
                let tag = if encrypt {
                    gcm.seal(nonce, &header_and_index(header, word), rest)
                } else {
                    put(buf, len, &word)?;
                    gcm.seal(nonce, buf.get(..len + RTCP_INDEX).unwrap_or_default(), &mut [])
                };
                let tag = tag.ok_or(SrtpError::TooLong(len))?;
                put(buf, len, &tag)?;
                put(buf, len + tag.len(), &word)?;
                put(buf, len + tag.len() + RTCP_INDEX, mki)?;
                Ok(len + tag.len() + RTCP_INDEX + mki.len())
            }
        }
    }

    /// Takes an SRTCP packet apart in place and returns the length of the compound at its front;
    /// `word` is its index with the flag in front.
    pub(super) fn unprotect_rtcp(
        &self,
        datagram: &mut [u8],
        (ssrc, word): (Ssrc, u32),
        mki_len: usize,
    ) -> Result<usize, SrtpError> {
        let (index, encrypted) = (word & !ENCRYPTED, word & ENCRYPTED != 0);
        match self {
            Transform::AesCm { cipher, mac, salt, tag_len } => {
                let (signed, tag) = split_end(datagram, *tag_len)?;
                let (signed, _) = split_end(signed, mki_len)?;
                Tag::copy(tag).verify(&mac.tag(signed))?;
                let (packet, _) = split_end(signed, RTCP_INDEX)?;
                let len = packet.len();
                let rest = packet.get_mut(RTCP_HEADER..).ok_or(SrtpError::Authentication)?;
                if rest.len() > MAX_KEYSTREAM {
                    return Err(SrtpError::TooLong(rest.len()));
                }
                if encrypted {
                    cipher.apply(counter_block(*salt, ssrc, index.into()), rest);
                }
                Ok(len)
            }
            Transform::Gcm { gcm, salt } => {
                let nonce = nonce(*salt, ssrc, index.into());
                let (sealed, _) = split_end(datagram, mki_len + RTCP_INDEX)?;
                let len = sealed.len().saturating_sub(gcm::TAG);
                let opened = if encrypted {
                    let (header, data) = sealed
                        .split_first_chunk_mut::<RTCP_HEADER>()
                        .ok_or(SrtpError::Authentication)?;
                    gcm.open(nonce, &header_and_index(header, word.to_be_bytes()), data)
                } else {
                    // The index is authenticated behind the packet, where the tag stands.
                    let (_, tag) = split_end(sealed, gcm::TAG)?;
                    let mut tag: [u8; gcm::TAG] =
                        (&*tag).try_into().map_err(|_| SrtpError::Authentication)?;
                    let kept = tag;
                    put(datagram, len, &word.to_be_bytes())?;
                    let aad = datagram.get(..len + RTCP_INDEX).unwrap_or_default();
                    let opened = gcm.open(nonce, aad, &mut tag);
                    put(datagram, len, &kept)?;
                    opened
                };
                if opened { Ok(len) } else { Err(SrtpError::Authentication) }
            }
        }
    }
}

impl Drop for Transform {
    /// Cipher, MAC and GCM wipe themselves.
    fn drop(&mut self) {
        match self {
            Transform::AesCm { salt, .. } | Transform::Gcm { salt, .. } => salt.zeroize(),
        }
    }
}

/// A tag taken out of a packet, so that the packet's end can be written over.
struct Tag {
    octets: [u8; 20],
    len: usize,
}

impl Tag {
    #[inline]
    fn copy(tag: &[u8]) -> Tag {
        let mut octets = [0; 20];
        for (place, octet) in octets.iter_mut().zip(tag) {
            *place = *octet;
        }
        Tag { octets, len: tag.len() }
    }

    /// In constant time.
    #[inline]
    fn verify(&self, expected: &[u8; 20]) -> Result<(), SrtpError> {
        let (ours, theirs) = (expected.get(..self.len), self.octets.get(..self.len));
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            return Err(SrtpError::Authentication);
        };
        if ours.ct_eq(theirs).into() { Ok(()) } else { Err(SrtpError::Authentication) }
    }
}

/// The first block of a packet's keystream (RFC 3711 section 4.1.1).
#[inline]
fn counter_block(salt: u128, ssrc: Ssrc, index: u64) -> [u8; 16] {
    (salt ^ u128::from(ssrc.0) << 64 ^ u128::from(index) << 16).to_be_bytes()
}

/// RFC 7714 sections 8.1 and 9.1: two zeros, the SSRC, 48 bits of index.
#[inline]
fn nonce(salt: u128, ssrc: Ssrc, index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    let mixed = salt ^ u128::from(ssrc.0) << 48 ^ u128::from(index);
    nonce.copy_from_slice(&mixed.to_be_bytes()[4..]);
    nonce
}

/// What GCM authenticates of an encrypted SRTCP packet (RFC 7714 section 9.2).
fn header_and_index(header: &[u8; RTCP_HEADER], word: [u8; 4]) -> [u8; RTCP_HEADER + RTCP_INDEX] {
    let mut aad = [0; RTCP_HEADER + RTCP_INDEX];
    aad[..RTCP_HEADER].copy_from_slice(header);
    aad[RTCP_HEADER..].copy_from_slice(&word);
    aad
}

#[inline]
fn put(buf: &mut [u8], at: usize, octets: &[u8]) -> Result<(), SrtpError> {
    let (needed, len) = (at + octets.len(), buf.len());
    let place = buf.get_mut(at..needed).ok_or(SrtpError::BufferTooSmall { needed, len })?;
    place.copy_from_slice(octets);
    Ok(())
}

/// Takes `len` octets off the end.
#[inline]
fn split_end(bytes: &mut [u8], len: usize) -> Result<(&mut [u8], &mut [u8]), SrtpError> {
    let total = bytes.len();
    let truncated = SrtpError::Truncated { needed: len, len: total };
    bytes.split_at_mut_checked(total.checked_sub(len).ok_or(truncated)?).ok_or(truncated)
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;
    use alloc::vec::Vec;

    /// RFC 7714 section 16: header of 12 octets, SEQ f17b, SSRC 5501a0b2, ROC 0.
    const RTP: &str = "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e6973
                       20646976697361 20696e207061727465732074726573";
    /// RFC 7714 sections 17.1 to 17.4; the packet in front of them is another one.
    const RTCP: &str = "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61
                        deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

    fn gcm(key_len: usize) -> Transform {
        let key: Vec<u8> = (0..32).collect();
        let mut salt = [0; 16];
        salt[4..].copy_from_slice(&hex("517569642070726f2071756f"));
        let gcm = Gcm::new(&key[..key_len]).unwrap();
        Transform::Gcm { gcm, salt: u128::from_be_bytes(salt) }
    }

    fn rtp(transform: &Transform, expected: &str) {
        let (plain, expected) = (hex(RTP), hex(expected));
        let stream = (Ssrc(0x5501_a0b2), 0xf17b);
        let mut buf = plain.clone();
        buf.resize(expected.len(), 0);
        let len = transform.protect_rtp(&mut buf, (12, plain.len()), stream, &[]);
        assert_eq!(len, Ok(expected.len()));
        assert_eq!(buf, expected);
        assert_eq!(transform.unprotect_rtp(&mut buf, 12, stream, 0), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }

    fn rtcp(transform: &Transform, encrypt: bool, expected: &str) {
        let (plain, expected) = (hex(RTCP), hex(expected));
        let ssrc = Ssrc(0x4d61_7273);
        let mut buf = plain.clone();
        buf.resize(expected.len(), 0);
        let len = transform.protect_rtcp(&mut buf, plain.len(), (ssrc, 0x5d4), encrypt, &[]);
        assert_eq!(len, Ok(expected.len()));
        assert_eq!(buf, expected);
        let word = 0x5d4 | if encrypt { ENCRYPTED } else { 0 };
        assert_eq!(transform.unprotect_rtcp(&mut buf, (ssrc, word), 0), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }

    #[test]
    fn rfc_7714_16_1() {
        rtp(
            &gcm(16),
            "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f
             42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce",
        );
    }

    #[test]
    fn rfc_7714_16_2() {
        rtp(
            &gcm(32),
            "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3
             b50b2a0276ffae0f1ba63799b87b 7aa3db36dfffd6b0f9bb7878d7a76c13",
        );
    }

    #[test]
    fn rfc_7714_17_1() {
        rtcp(
            &gcm(16),
            true,
            "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1
             730d6fda4ce09b4686303ded0bb9275b c84aa45896cf4d2fc5abf87245d9eade 800005d4",
        );
    }

    #[test]
    fn rfc_7714_17_2() {
        rtcp(
            &gcm(32),
            true,
            "81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1
             110555be8415f658c61de0476f1b6fad 1d1eb30c4446839f57ff6f6cb26ac3be 800005d4",
        );
    }

    #[test]
    fn rfc_7714_17_3_and_17_4() {
        for (key_len, tag) in
            [(16, "841dd9683dd78ec92ae58790125f62b3"), (32, "91db4afbfeee5a978fab4393ed2615fe")]
        {
            let expected = [RTCP, tag, "000005d4"].concat();
            rtcp(&gcm(key_len), false, &expected);
        }
    }
}
