//! SRTP in the capture, for those who have its keys.

use rtp_core::srtp::{MasterKey, Policy, SrtpConfig, Unprotector};

/// `AES_CM_128_HMAC_SHA1_80:` and key and salt in hexadecimal.
pub(crate) fn argument(text: &str) -> Result<MasterKey, String> {
    let wrong = || format!("'{text}' is not like AES_CM_128_HMAC_SHA1_80:00112233…");
    let (name, digits) = text.split_once(':').ok_or_else(wrong)?;
    let policy = Policy::from_name(name).ok_or_else(wrong)?;
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return Err(wrong()) };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octets: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect();
    MasterKey::from_bytes(policy, &octets.ok_or_else(wrong)?).map_err(|error| error.to_string())
}

/// Takes the protection off what the keys fit.
pub(crate) struct Secrets {
    keys: Vec<Unprotector>,
    buf: Vec<u8>,
}

impl Secrets {
    pub(crate) fn new(keys: &[MasterKey]) -> anyhow::Result<Secrets> {
        let config = SrtpConfig { max_streams: 64, ..SrtpConfig::default() };
        let keys = keys.iter().map(|key| Unprotector::new([key.clone()], config));
        Ok(Secrets { keys: keys.collect::<Result<_, _>>()?, buf: Vec::new() })
    }

    /// `payload` without protection; as it is when no key fits it.
    pub(crate) fn open<'a>(&'a mut self, payload: &'a [u8], rtcp: bool) -> &'a [u8] {
        for key in &mut self.keys {
            self.buf.clear();
            self.buf.extend_from_slice(payload);
            let opened = if rtcp {
                key.unprotect_rtcp(&mut self.buf)
            } else {
                key.unprotect_rtp(&mut self.buf)
            };
            if let Ok(len) = opened {
                return self.buf.get(..len).unwrap_or_default();
            }
        }
        payload
    }
}
