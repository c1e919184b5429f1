//! The `a=` lines of one level.

use super::line::{Attribute, TypedAttribute};
use crate::sdp::direction::Direction;
use crate::sdp::error::AttributeError;

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
            .filter(|attribute| attribute.value().is_none())
            .find_map(|attribute| Direction::from_name(attribute.name_bytes()))
    }

    /// Puts one direction in place of any that are there.
    pub fn set_direction(&mut self, direction: Direction) {
        self.0.retain(|a| a.value().is_some() || Direction::from_name(a.name_bytes()).is_none());
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
