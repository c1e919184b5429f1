//! Globally routable user agent URIs (RFC 5627): names for one instance of a user.

use core::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::{AddressOfRecord, Binding};
use crate::{SipUri, Uri};

/// What a temporary GRUU's user part starts with.
const PREFIX: &str = "tgruu.";
const NONCE: usize = 12;
const PLAIN: usize = 16;
const TAG: usize = 16;

/// Makes temporary GRUUs that tell strangers nothing and need no table of their own: each is a
/// sealed reference to the registration that it was made for, and is good for as long as that is
/// kept up with the Call-ID it was made with (§3.2).
#[derive(Clone, PartialEq, Eq)]
pub struct GruuKey([u8; 32]);

impl GruuKey {
    /// `secret` should be random. With another one after a restart, temporary GRUUs from before
    /// are not known any more.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The registration that a binding belongs to, in a form that fits into a GRUU.
    pub(super) fn mark(&self, binding: &Binding, instance: &str) -> u64 {
        let parts = [binding.aor.as_str(), instance, binding.call_id.as_str()];
        first_word(self.sign(b"registration", &parts.map(str::as_bytes)).as_ref())
    }

    /// The user part of a temporary GRUU; `serial` makes it differ from others of its registration.
    pub(super) fn seal(&self, mark: u64, serial: u64) -> Option<String> {
        let mut sealed = [mark.to_be_bytes(), serial.to_be_bytes()].concat();
        // The nonce follows from the content, so that no two contents ever share one.
        let nonce = self.nonce(&sealed);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .ok()?;
        let mut text = String::from(PREFIX);
        for byte in nonce.iter().chain(&sealed).chain(tag.as_ref()) {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        Some(text)
    }

    /// The mark in a temporary GRUU of ours.
    pub(super) fn open(&self, user: &str) -> Option<u64> {
        let digits = user.strip_prefix(PREFIX)?.as_bytes();
        if digits.len() != 2 * (NONCE + PLAIN + TAG) {
            return None;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut bytes = Vec::with_capacity(digits.len() / 2);
        for pair in digits.chunks_exact(2) {
            let (high, low) = pair.first().zip(pair.last())?;
            bytes.push((digit(high)? << 4) | digit(low)?);
        }
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.cipher()?.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        Some(first_word(plain))
    }

    fn nonce(&self, plain: &[u8]) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&self.sign(b"nonce", &[plain]).as_ref()[..NONCE]);
        nonce
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        let key = self.sign(b"cipher", &[]);
        UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).ok().map(LessSafeKey::new)
    }

    fn sign(&self, purpose: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(purpose);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

impl fmt::Debug for GruuKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GruuKey(..)")
    }
}

/// What a URI with the parameter `gr` refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Gruu {
    /// An instance of a user, for ever (§3.1).
    Public(AddressOfRecord, String),
    /// The registration with this mark.
    Temporary(u64),
}

impl Gruu {
    /// Reads a URI; `None` when it is no GRUU, or a temporary one that is not ours.
    pub(super) fn read(uri: &Uri, key: Option<&GruuKey>) -> Option<Self> {
        let sip = uri.as_sip().filter(|uri| uri.params().contains("gr"))?;
        match sip.params().get("gr").filter(|instance| !instance.is_empty()) {
            Some(instance) => {
                AddressOfRecord::of(uri).map(|aor| Self::Public(aor, instance.into_owned()))
            }
            None => key?.open(&sip.user()?).map(Self::Temporary),
        }
    }
}

/// The public GRUU of an instance of a user.
pub(super) fn public(aor: &AddressOfRecord, instance: &str) -> Option<SipUri> {
    base(aor, None)?.with_param("gr", Some(instance)).ok()
}

/// A temporary GRUU with this user part.
pub(super) fn temporary(aor: &AddressOfRecord, user: &str) -> Option<SipUri> {
    base(aor, Some(user))?.with_param("gr", None).ok()
}

fn base(aor: &AddressOfRecord, user: Option<&str>) -> Option<SipUri> {
    let (own, host) = aor.as_str().rsplit_once('@')?;
    let host: crate::Host = host.parse().ok()?;
    Some(SipUri::new(user.unwrap_or(own), host, None))
}

fn first_word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_are_opened() {
        let key = GruuKey::new([7; 32]);
        let one = key.seal(12, 1).unwrap();
        let other = key.seal(12, 2).unwrap();
        assert_ne!(one, other);
        assert_eq!((key.open(&one), key.open(&other)), (Some(12), Some(12)));
        assert_eq!(GruuKey::new([8; 32]).open(&one), None);
        for at in PREFIX.len()..one.len() {
            let mut forged = one.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(key.open(core::str::from_utf8(&forged).unwrap()), None);
        }
        for rubbish in ["", PREFIX, "tgruu.00", &format!("{PREFIX}{}", "é".repeat(44))] {
            assert_eq!(key.open(rubbish), None);
        }
        assert_eq!(format!("{key:?}"), "GruuKey(..)");
    }
}
