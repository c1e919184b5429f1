//! One `a=` line.

use bytes::{BufMut, Bytes, BytesMut};

use crate::sdp::direction::Direction;
use crate::sdp::error::AttributeError;
use crate::sdp::text::{Text, TextError};

/// One `a=` line: a flag (`a=rtcp-mux`) or a name with a value (`a=ptime:20`), RFC 8866 §5.13.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    line: Text,
    /// Where the colon stands.
    colon: Option<usize>,
}

impl Attribute {
    /// An attribute without a value.
    ///
    /// # Errors
    ///
    /// When the name holds a line break or NUL.
    pub fn flag(name: &str) -> Result<Self, TextError> {
        Text::try_from(name).map(Self::from_line)
    }

    /// An attribute with a value.
    ///
    /// # Errors
    ///
    /// When the name or value holds a line break or NUL.
    pub fn new(name: &str, value: impl AsRef<[u8]>) -> Result<Self, TextError> {
        let value = value.as_ref();
        let mut line = BytesMut::with_capacity(name.len() + 1 + value.len());
        line.put_slice(name.as_bytes());
        line.put_u8(b':');
        line.put_slice(value);
        Text::new(line.freeze()).map(Self::from_line)
    }

    /// From a typed value.
    pub fn typed<T: TypedAttribute>(value: &T) -> Self {
        let mut line = Vec::with_capacity(48);
        line.extend_from_slice(T::NAME.as_bytes());
        let name = line.len();
        line.push(b':');
        value.write(&mut line);
        if line.len() == name + 1 {
            line.truncate(name);
        }
        // A value built in code may hold what would break the line; it is left out, not sent.
        line.retain(|b| !matches!(b, b'\r' | b'\n' | 0));
        Self::from_line(Text::trusted(Bytes::from(line)))
    }

    /// The name; empty when it is not UTF-8.
    pub fn name(&self) -> &str {
        core::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The name's bytes.
    pub fn name_bytes(&self) -> &[u8] {
        let line = self.line.as_bytes();
        self.colon.and_then(|at| line.get(..at)).unwrap_or(line)
    }

    /// The value's bytes, without the colon; `None` for a flag.
    pub fn value(&self) -> Option<&[u8]> {
        self.colon.and_then(|at| self.line.as_bytes().get(at + 1..))
    }

    /// The value as text; `None` for a flag and for a value that is not UTF-8.
    pub fn value_str(&self) -> Option<&str> {
        self.value().and_then(|value| core::str::from_utf8(value).ok())
    }

    /// The line after `a=`.
    pub fn line(&self) -> &Text {
        &self.line
    }

    /// Whether the name is this one; names are case-sensitive (RFC 8866 §5.13).
    pub fn is(&self, name: &str) -> bool {
        self.name_bytes() == name.as_bytes()
    }

    pub(in crate::sdp) fn from_line(line: Text) -> Self {
        let colon = memchr::memchr(b':', line.as_bytes());
        Self { line, colon }
    }

    pub(in crate::sdp) fn direction(direction: Direction) -> Self {
        Self { line: Text::from_static(direction.as_str()), colon: None }
    }

    pub(in crate::sdp) fn static_flag(name: &'static str) -> Self {
        Self::from_line(Text::from_static(name))
    }
}

impl core::fmt::Debug for Attribute {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Keys and passwords stay out of logs.
        match self.name() {
            name @ ("crypto" | "ice-pwd" | "key-mgmt") => write!(f, "a={name}:…"),
            _ => write!(f, "a={}", self.line),
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

    /// Writes the value.
    fn write(&self, out: &mut Vec<u8>);
}
