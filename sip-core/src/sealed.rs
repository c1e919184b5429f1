//! Text that only its maker can read, fit for the user part of a URI.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

const NONCE: usize = 12;

/// Seals and opens by one secret. The nonce follows from the content, so that no two contents ever
/// share one, and the same content is always sealed alike.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealer([u8; 32]);

impl Sealer {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Hexadecimal digits, twice 28 more than there are bytes.
    pub(crate) fn seal(&self, plain: &[u8]) -> Option<String> {
        let nonce = self.nonce(plain);
        let mut sealed = plain.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .ok()?;
        let mut text = String::with_capacity(2 * (NONCE + sealed.len()));
        for byte in nonce.iter().chain(&sealed) {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        Some(text)
    }

    /// What was sealed; `None` for anything that was not.
    pub(crate) fn open(&self, text: &str) -> Option<Vec<u8>> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut bytes = Vec::with_capacity(text.len() / 2);
        for pair in text.as_bytes().chunks(2) {
            let [high, low] = pair else { return None };
            bytes.push((digit(high)? << 4) | digit(low)?);
        }
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.cipher()?.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        Some(plain.to_vec())
    }

    pub(crate) fn sign(&self, purpose: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(purpose);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_is_opened() {
        let sealer = Sealer::new([7; 32]);
        for plain in [&b""[..], b"x", &[0; 300]] {
            let text = sealer.seal(plain).unwrap();
            assert_eq!(text.len(), 2 * (plain.len() + 28));
            assert_eq!(sealer.open(&text).as_deref(), Some(plain));
            assert_eq!(Sealer::new([8; 32]).open(&text), None);
        }
        let text = sealer.seal(b"secret").unwrap();
        assert_ne!(text, sealer.seal(b"Secret").unwrap());
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(sealer.open(core::str::from_utf8(&forged).unwrap()), None);
            assert_eq!(sealer.open(&text[..at]), None);
        }
        assert_eq!(sealer.open(&"é".repeat(44)), None);
    }
}
