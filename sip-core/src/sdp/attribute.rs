//! `a=` lines.

use bytes::{BufMut, Bytes, BytesMut};

use super::direction::Direction;
use super::error::AttributeError;
use super::text::{Text, TextError};

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

    pub(super) fn from_line(line: Text) -> Self {
        let colon = memchr::memchr(b':', line.as_bytes());
        Self { line, colon }
    }

    pub(super) fn direction(direction: Direction) -> Self {
        Self { line: Text::from_static(direction.as_str()), colon: None }
    }

    pub(super) fn static_flag(name: &'static str) -> Self {
        Self::from_line(Text::from_static(name))
    }
}

impl core::fmt::Debug for Attribute {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a={}", self.line)
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

/// The attributes of the session or of one medium, in order; unknown ones are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// All, in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends one.
    pub fn push(&mut self, attribute: Attribute) {
        self.0.push(attribute);
    }

    /// Appends a typed one.
    pub fn push_typed<T: TypedAttribute>(&mut self, value: &T) {
        self.0.push(Attribute::typed(value));
    }

    /// Removes all of that name, and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|attribute| !attribute.is(name));
        before - self.0.len()
    }

    /// The first of that name.
    pub fn first(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|attribute| attribute.is(name))
    }

    /// All of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Attribute> {
        self.0.iter().filter(move |attribute| attribute.is(name))
    }

    /// Whether there is one of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// The first of a type: absent, malformed and present are three answers.
    ///
    /// # Errors
    ///
    /// When the first of that name is malformed.
    pub fn typed<T: TypedAttribute>(&self) -> Result<Option<T>, AttributeError> {
        self.first(T::NAME).map(|a| T::parse(a.value().unwrap_or_default())).transpose()
    }

    /// Every one of a type, malformed ones as errors.
    pub fn typed_all<T: TypedAttribute>(&self) -> impl Iterator<Item = Result<T, AttributeError>> {
        self.all(T::NAME).map(|a| T::parse(a.value().unwrap_or_default()))
    }

    /// The first of `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub fn direction(&self) -> Option<Direction> {
        self.0
            .iter()
            .filter(|attribute| attribute.colon.is_none())
            .find_map(|attribute| Direction::from_name(attribute.name_bytes()))
    }

    /// Puts one direction in place of any that are there.
    pub fn set_direction(&mut self, direction: Direction) {
        self.0.retain(|a| a.colon.is_some() || Direction::from_name(a.name_bytes()).is_none());
        self.0.push(Attribute::direction(direction));
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = core::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Attribute> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl Extend<Attribute> for Attributes {
    fn extend<I: IntoIterator<Item = Attribute>>(&mut self, attributes: I) {
        self.0.extend(attributes);
    }
}
