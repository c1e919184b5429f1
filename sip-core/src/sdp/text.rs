//! The text of one line or a part of it.

use core::fmt;

use bytes::Bytes;

/// Bytes of one SDP line, never holding CR, LF or NUL.
///
/// Cheap to clone (it shares the body it was read from). SDP is UTF-8 unless `a=charset` says otherwise
/// (RFC 8866 §6.10), and peers do send other encodings in `s=` and `i=`, so the bytes are kept as they are.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Bytes);

/// A text would break the line structure: it holds CR, LF or NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {byte:#04x} at offset {offset} cannot stand in an SDP line")]
pub struct TextError {
    /// Offset of the byte in the text.
    pub offset: usize,
    /// The byte refused.
    pub byte: u8,
}

impl Text {
    /// Takes bytes that hold no CR, LF or NUL.
    ///
    /// # Errors
    ///
    /// Names the first byte that would end or cut the line.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, TextError> {
        let bytes = bytes.into();
        match memchr::memchr3(b'\r', b'\n', 0, &bytes) {
            Some(offset) => {
                Err(TextError { offset, byte: bytes.get(offset).copied().unwrap_or(0) })
            }
            None => Ok(Self(bytes)),
        }
    }

    /// A text whose line breaks and NULs are left out.
    pub fn sanitized(text: &str) -> Self {
        if memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()).is_none() {
            return Self(Bytes::copy_from_slice(text.as_bytes()));
        }
        let clean: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect();
        Self(Bytes::from(clean))
    }

    /// The bytes as they stand in the line.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, unless it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing stands here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy of its own, which keeps no body alive.
    pub(in crate::sdp) fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Wraps bytes that the parser or this module has checked already.
    pub(in crate::sdp) fn trusted(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(in crate::sdp) const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl TryFrom<&str> for Text {
    type Error = TextError;

    fn try_from(text: &str) -> Result<Self, TextError> {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_nul_are_refused() {
        assert_eq!(Text::try_from("a\rb"), Err(TextError { offset: 1, byte: b'\r' }));
        assert_eq!(Text::try_from("\n"), Err(TextError { offset: 0, byte: b'\n' }));
        assert_eq!(Text::try_from("ab\0"), Err(TextError { offset: 2, byte: 0 }));
        assert_eq!(Text::sanitized("a\r\nb=\0c"), "ab=c");
    }

    #[test]
    fn other_encodings_are_kept() {
        let cp1251 = Text::new(&b"\xd2\xe5\xf1\xf2"[..]).unwrap();
        assert_eq!(cp1251.as_str(), None);
        assert_eq!(cp1251.as_bytes(), b"\xd2\xe5\xf1\xf2");
    }
}
