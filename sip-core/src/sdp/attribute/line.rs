//! One `a=` line.

use core::fmt;

use crate::sdp::error::AttributeError;

/// One `a=` line, borrowed: a flag (`a=rtcp-mux`) or a name with a value (`a=ptime:20`), RFC 8866 §5.13.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute<'a> {
    line: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The name; empty when it is not UTF-8.
    pub fn name(self) -> &'a str {
        core::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The name's bytes.
    pub fn name_bytes(self) -> &'a [u8] {
        self.parts().0
    }

    /// The value's bytes, without the colon; `None` for a flag.
    pub fn value(self) -> Option<&'a [u8]> {
        self.parts().1
    }

    /// The value as text; `None` for a flag and for a value that is not UTF-8.
    pub fn value_str(self) -> Option<&'a str> {
        self.value().and_then(|value| core::str::from_utf8(value).ok())
    }

    /// What stands after `a=`.
    pub fn line(self) -> &'a [u8] {
        self.line
    }

    /// Whether the name is this one; names are case-sensitive (RFC 8866 §5.13).
    pub fn is(self, name: &str) -> bool {
        self.value_of(name).is_some()
    }

    /// The value when the name is this one, empty for a flag.
    pub(in crate::sdp) fn value_of(self, name: &str) -> Option<&'a [u8]> {
        match self.line.strip_prefix(name.as_bytes())? {
            [] => Some(&[]),
            [b':', value @ ..] => Some(value),
            _ => None,
        }
    }

    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line }
    }

    fn parts(self) -> (&'a [u8], Option<&'a [u8]>) {
        memchr::memchr(b':', self.line)
            .and_then(|colon| Some((self.line.get(..colon)?, self.line.get(colon + 1..))))
            .unwrap_or((self.line, None))
    }
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys and passwords stay out of logs.
        match self.name() {
            name @ ("crypto" | "ice-pwd" | "key-mgmt") => write!(f, "a={name}:…"),
            _ => write!(f, "a={}", String::from_utf8_lossy(self.line)),
        }
    }
}

/// An attribute whose value has a grammar.
pub trait TypedAttribute: Sized {
    /// The attribute's name.
    const NAME: &'static str;

    /// Reads the value (empty for a flag).
    ///
    /// # Errors
    ///
    /// When the value does not follow the grammar or a number does not fit.
    fn parse(value: &[u8]) -> Result<Self, AttributeError>;

    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);
}
