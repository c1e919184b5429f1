//! `tel:` URIs (RFC 3966).

use core::fmt;

use super::digits::key;
use super::{Digits, MAX_LEN, Number, NumberError};

/// A `tel:` URI: a global number, or a local one with its context.
///
/// Parameters other than `ext` and `phone-context` are passed over, as RFC 3966 §4 allows for those
/// that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelUri<'a> {
    digits: Digits,
    is_global: bool,
    context: Option<&'a str>,
    extension: Option<Digits>,
}

/// Why a text is not a `tel:` URI. The peer wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TelUriError {
    /// It does not begin with `tel:`.
    #[error("not a tel URI")]
    Scheme,
    /// The number is not one.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A local number without `phone-context` (RFC 3966 §5.1.5).
    #[error("a local number needs phone-context")]
    NoContext,
}

impl TelUriError {
    pub(super) fn into_number_error(self) -> NumberError {
        match self {
            TelUriError::Number(error) => error,
            TelUriError::Scheme | TelUriError::NoContext => NumberError::Character { at: 0 },
        }
    }
}

impl<'a> TelUri<'a> {
    /// The URI of a number.
    pub fn global(number: Number, extension: Option<Digits>) -> TelUri<'static> {
        TelUri { digits: number.digits(), is_global: true, context: None, extension }
    }

    /// Reads a URI.
    ///
    /// # Errors
    ///
    /// When it is none; positions count from the start of `text`.
    pub fn parse(text: &'a str) -> Result<TelUri<'a>, TelUriError> {
        if text.len() > MAX_LEN {
            return Err(NumberError::TextTooLong { length: text.len() }.into());
        }
        let scheme = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:"));
        let rest = text.get(4..).filter(|_| scheme.is_some()).ok_or(TelUriError::Scheme)?;
        let mut parts = rest.split(';');
        let number = parts.next().unwrap_or_default();
        let (is_global, digits) = match number.strip_prefix('+') {
            Some(digits) => (true, read(digits, 5, false)?),
            None => (false, read(number, 4, true)?),
        };
        let mut uri = TelUri { digits, is_global, context: None, extension: None };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name.eq_ignore_ascii_case("ext") {
                let at = value.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
                uri.extension = Some(read(value, at, false)?);
            } else if name.eq_ignore_ascii_case("phone-context") {
                uri.context = Some(value);
            }
        }
        if is_global {
            Number::new(digits)?;
        } else if uri.context.is_none() {
            return Err(TelUriError::NoContext);
        }
        Ok(uri)
    }

    /// The number of E.164: the global one, or a local one after a context that is one.
    pub fn number(&self) -> Option<Number> {
        if self.is_global {
            return Number::new(self.digits).ok();
        }
        let context = read(self.context?.strip_prefix('+')?, 0, false).ok()?;
        Number::new(context.join(self.digits)?).ok()
    }

    /// The digits as written, without context.
    pub fn local_digits(&self) -> Digits {
        self.digits
    }

    /// The value of `phone-context`.
    pub fn context(&self) -> Option<&'a str> {
        self.context
    }

    /// The value of `ext`.
    pub fn extension(&self) -> Option<Digits> {
        self.extension
    }
}

impl fmt::Display for TelUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}{}", if self.is_global { "+" } else { "" }, self.digits)?;
        if let Some(extension) = self.extension {
            write!(f, ";ext={extension}")?;
        }
        match self.context {
            Some(context) => write!(f, ";phone-context={context}"),
            None => Ok(()),
        }
    }
}

/// Digits with the visual separators of RFC 3966 §5.1.1.
fn read(text: &str, start: usize, keys: bool) -> Result<Digits, NumberError> {
    let mut digits = Digits::EMPTY;
    for (offset, byte) in text.bytes().enumerate() {
        let at = start + offset;
        if matches!(byte, b'-' | b'.' | b'(' | b')') {
            continue;
        }
        let key = key(byte).filter(|&key| keys || key < 10).ok_or(NumberError::Character { at })?;
        digits = digits.push(key).ok_or(NumberError::TooManyDigits { at })?;
    }
    if digits.is_empty() { Err(NumberError::Empty) } else { Ok(digits) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_and_writes() {
        let uri = TelUri::parse("TEL:+7-(495)-123.45.67;ext=101;isub=1").unwrap();
        assert_eq!(uri.number().unwrap().to_string(), "+74951234567");
        assert_eq!(uri.to_string(), "tel:+74951234567;ext=101");
        let local = TelUri::parse("tel:123-45-67;phone-context=+7495").unwrap();
        assert_eq!(local.number().unwrap().to_string(), "+74951234567");
        assert_eq!(local.to_string(), "tel:1234567;phone-context=+7495");
        let domain = TelUri::parse("tel:*97;phone-context=example.com").unwrap();
        assert_eq!((domain.number(), domain.local_digits().to_string().as_str()), (None, "*97"));
    }

    #[test]
    fn refuses() {
        assert_eq!(TelUri::parse("sip:1"), Err(TelUriError::Scheme));
        assert_eq!(TelUri::parse("tel:123"), Err(TelUriError::NoContext));
        assert_eq!(TelUri::parse("tel:+"), Err(NumberError::Empty.into()));
        assert_eq!(TelUri::parse("tel:+1*"), Err(NumberError::Character { at: 6 }.into()));
        assert_eq!(TelUri::parse("tel:+1;ext=x"), Err(NumberError::Character { at: 11 }.into()));
    }
}
