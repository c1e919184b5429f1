//! Globally routable user agent URIs (RFC 5627): names for one instance of a user.

use core::fmt;

use super::{AddressOfRecord, Binding};
use crate::sealed::Sealer;
use crate::{SipUri, Uri};

/// What a temporary GRUU's user part starts with.
const PREFIX: &str = "tgruu.";
/// Two digits for each byte of mark, serial, nonce and tag.
const DIGITS: usize = 2 * (16 + 12 + 16);

/// Makes temporary GRUUs that tell strangers nothing and need no table of their own: each is a
/// sealed reference to the registration that it was made for, and is good for as long as that is
/// kept up with the Call-ID it was made with (§3.2).
#[derive(Clone, PartialEq, Eq)]
pub struct GruuKey(Sealer);

impl GruuKey {
    /// `secret` should be random. With another one after a restart, temporary GRUUs from before
    /// are not known any more.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Sealer::new(secret))
    }

    /// The registration that a binding belongs to, in a form that fits into a GRUU.
    pub(super) fn mark(&self, binding: &Binding, instance: &str) -> u64 {
        let parts = [binding.aor.as_str(), instance, binding.call_id.as_str()];
        first_word(self.0.sign(b"registration", &parts.map(str::as_bytes)).as_ref())
    }

    /// The user part of a temporary GRUU; `serial` makes it differ from others of its registration.
    pub(super) fn seal(&self, mark: u64, serial: u64) -> Option<String> {
        let plain = [mark.to_be_bytes(), serial.to_be_bytes()].concat();
        self.0.seal(&plain).map(|text| format!("{PREFIX}{text}"))
    }

    /// The mark in a temporary GRUU of ours.
    pub(super) fn open(&self, user: &str) -> Option<u64> {
        let digits = user.strip_prefix(PREFIX).filter(|digits| digits.len() == DIGITS)?;
        self.0.open(digits).map(|plain| first_word(&plain))
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
