//! The `a=` lines of one level.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;

use bytes::Bytes;

use super::line::{Attribute, TypedAttribute};
use crate::sdp::direction::Direction;
use crate::sdp::error::AttributeError;
use crate::sdp::text::TextError;

/// The attributes of the session or of one medium, in order; unknown ones are kept.
///
/// ```
/// use sip_core::sdp::{Attributes, Direction, Rtpmap};
///
/// let mut list = Attributes::new();
/// list.push("rtpmap", "8 PCMA/8000")?;
/// list.push_flag("rtcp-mux")?;
/// list.set_direction(Direction::SendOnly);
/// assert_eq!(list.typed::<Rtpmap>().unwrap().unwrap().clock_rate, 8_000);
/// assert_eq!(list.len(), 3);
/// # Ok::<(), sip_core::sdp::TextError>(())
/// ```
#[derive(Clone, Default)]
pub struct Attributes {
    /// Lines that came in; a part of the body, shared.
    read: Bytes,
    /// Lines added here.
    added: Vec<u8>,
    lines: Places,
}

/// Where a line lies: in what was read, and from its end on in what was added.
#[derive(Clone, Copy, Default)]
struct Place {
    start: u32,
    end: u32,
}

/// Where all lie. Most levels have so few that they need no memory of their own.
#[derive(Clone)]
enum Places {
    Few([Place; FEW], u8),
    Many(Vec<Place>),
}

const FEW: usize = 8;

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self { read: Bytes::new(), added: Vec::new(), lines: Places::new() }
    }

    /// All, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Attribute<'_>> + ExactSizeIterator {
        self.lines.all().iter().map(|line| Attribute::new(self.at(line)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.all().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.all().is_empty()
    }

    /// Appends `a=name:value`.
    ///
    /// # Errors
    ///
    /// When the name or the value would break the line; nothing is appended then.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), TextError> {
        self.push_parts(&[name.as_bytes(), b":", value.as_ref()])
    }

    /// Appends `a=name`.
    ///
    /// # Errors
    ///
    /// When the name would break the line; nothing is appended then.
    pub fn push_flag(&mut self, name: &str) -> Result<(), TextError> {
        self.push_parts(&[name.as_bytes()])
    }

    /// Appends what stands after `a=`.
    ///
    /// # Errors
    ///
    /// When it would break the line; nothing is appended then.
    pub fn push_line(&mut self, line: impl AsRef<[u8]>) -> Result<(), TextError> {
        self.push_parts(&[line.as_ref()])
    }

    /// Appends a typed one. Line breaks and NULs in its texts are left out.
    pub fn push_typed<T: TypedAttribute>(&mut self, value: &T) {
        let start = self.added.len();
        self.added.extend_from_slice(T::NAME.as_bytes());
        self.added.push(b':');
        let bare = self.added.len();
        value.write(&mut self.added);
        if self.added.len() == bare {
            self.added.pop();
        }
        let written = self.added.get(start..).unwrap_or_default();
        if memchr::memchr3(b'\r', b'\n', 0, written).is_some() {
            let clean = written
                .iter()
                .copied()
                .filter(|b| !matches!(b, b'\r' | b'\n' | 0))
                .collect::<Vec<_>>();
            self.added.truncate(start);
            self.added.extend_from_slice(&clean);
        }
        self.close(start);
    }

    /// Removes all of that name, and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        self.remove_if(|attribute| attribute.is(name))
    }

    /// The first of that name.
    pub fn first(&self, name: &str) -> Option<Attribute<'_>> {
        self.iter().find(|attribute| attribute.is(name))
    }

    /// All of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Attribute<'a>> {
        self.iter().filter(move |attribute| attribute.is(name))
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
        self.values(T::NAME).next().map(T::parse).transpose()
    }

    /// Every one of a type, malformed ones as errors.
    pub fn typed_all<T: TypedAttribute>(&self) -> impl Iterator<Item = Result<T, AttributeError>> {
        self.values(T::NAME).map(T::parse)
    }

    /// The first of `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub fn direction(&self) -> Option<Direction> {
        self.iter().find_map(|attribute| Direction::from_name(attribute.line()))
    }

    /// Puts one direction in place of any that are there.
    pub fn set_direction(&mut self, direction: Direction) {
        self.remove_if(|attribute| Direction::from_name(attribute.line()).is_some());
        self.push_known(direction.as_str());
    }

    /// The values of all of that name, empty for flags.
    pub(in crate::sdp) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter_map(move |attribute| attribute.value_of(name))
    }

    /// Says which body lines are read from. Of one body always, and before any other line is added.
    pub(in crate::sdp) fn share(&mut self, body: &Bytes) {
        if self.is_empty() {
            self.read = body.clone();
        }
    }

    /// Appends a line of the body [shared](Self::share), given by its place there. Bodies are shorter than
    /// these numbers reach.
    #[inline]
    pub(in crate::sdp) fn push_read(&mut self, line: Range<usize>) {
        self.lines.push(Place::new(line.start, line.end));
    }

    /// Appends a line that is known to be one.
    pub(in crate::sdp) fn push_known(&mut self, line: &'static str) {
        let start = self.added.len();
        self.added.extend_from_slice(line.as_bytes());
        self.close(start);
    }

    fn push_parts(&mut self, parts: &[&[u8]]) -> Result<(), TextError> {
        let mut offset = 0;
        for part in parts {
            if let Some(at) = memchr::memchr3(b'\r', b'\n', 0, part) {
                return Err(TextError {
                    offset: offset + at,
                    byte: part.get(at).copied().unwrap_or(0),
                });
            }
            offset += part.len();
        }
        let start = self.added.len();
        parts.iter().for_each(|part| self.added.extend_from_slice(part));
        self.close(start);
        Ok(())
    }

    /// Ends a line that begins at `start` of the added ones.
    fn close(&mut self, start: usize) {
        let before = self.read.len();
        self.lines.push(Place::new(before + start, before + self.added.len()));
    }

    fn remove_if(&mut self, unwanted: impl Fn(Attribute<'_>) -> bool) -> usize {
        let before = self.len();
        let wanted = self.lines.all().iter().copied();
        let wanted = wanted.filter(|line| !unwanted(Attribute::new(self.at(line))));
        self.lines = wanted.collect();
        before - self.len()
    }

    fn at(&self, line: &Place) -> &[u8] {
        let before = self.read.len();
        let (start, end) = (line.start as usize, line.end as usize);
        let found = match start.checked_sub(before) {
            None => self.read.get(start..end),
            Some(start) => self.added.get(start..end.saturating_sub(before)),
        };
        found.unwrap_or_default()
    }
}

impl Place {
    fn new(start: usize, end: usize) -> Self {
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: place(start), end: place(end) }
    }
}

impl Places {
    const fn new() -> Self {
        Self::Few([Place { start: 0, end: 0 }; FEW], 0)
    }

    fn all(&self) -> &[Place] {
        match self {
            Self::Few(places, count) => places.get(..usize::from(*count)).unwrap_or_default(),
            Self::Many(places) => places,
        }
    }

    fn push(&mut self, place: Place) {
        match self {
            Self::Few(places, count) => match places.get_mut(usize::from(*count)) {
                Some(free) => {
                    *free = place;
                    *count += 1;
                }
                None => {
                    let mut many = Vec::with_capacity(4 * FEW);
                    many.extend_from_slice(places);
                    many.push(place);
                    *self = Self::Many(many);
                }
            },
            Self::Many(places) => places.push(place),
        }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Self {
        let mut all = Self::new();
        places.into_iter().for_each(|place| all.push(place));
        all
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Attributes {}

impl Hash for Attributes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|attribute| attribute.hash(state));
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Extend<Attribute<'a>> for Attributes {
    fn extend<I: IntoIterator<Item = Attribute<'a>>>(&mut self, attributes: I) {
        for attribute in attributes {
            let start = self.added.len();
            self.added.extend_from_slice(attribute.line());
            self.close(start);
        }
    }
}

impl<'a> FromIterator<Attribute<'a>> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute<'a>>>(attributes: I) -> Self {
        let mut list = Self::new();
        list.extend(attributes);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_and_added_stand_in_order() {
        let body = Bytes::from_static(b"a=x:1\r\na=y\r\n");
        let mut list = Attributes::new();
        list.share(&body);
        list.push_read(2..5);
        list.push_read(9..10);
        list.push("z", "3").unwrap();
        list.push_flag("y").unwrap();
        let lines: Vec<_> = list.iter().map(Attribute::line).collect();
        assert_eq!(lines, [&b"x:1"[..], b"y", b"z:3", b"y"]);
        assert_eq!(list.remove("y"), 2);
        list.push_line("w:4").unwrap();
        assert_eq!(list.iter().map(Attribute::name).collect::<Vec<_>>(), ["x", "z", "w"]);
        assert_eq!(list.first("z").unwrap().value(), Some(&b"3"[..]));
        assert_eq!(list.first("x").unwrap().value_str(), Some("1"));
        assert!(list.first("xx").is_none() && !list.contains(""));
        assert_eq!(list.iter().collect::<Attributes>(), list);
    }

    #[test]
    fn few_and_many() {
        let mut list = Attributes::new();
        for count in 0..40 {
            assert_eq!(list.len(), count);
            let values: Vec<_> = list.iter().map(|line| line.value_str().unwrap()).collect();
            let expected: Vec<_> = (0..count).map(|n| n.to_string()).collect();
            assert_eq!(values, expected);
            list.push(if count % 2 == 0 { "even" } else { "odd" }, count.to_string()).unwrap();
        }
        assert_eq!((list.remove("odd"), list.len()), (20, 20));
        assert!(list.iter().all(|line| line.name() == "even"));
        assert_eq!((list.remove("even"), list.len()), (20, 0));
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        let mut list = Attributes::new();
        assert_eq!(list.push("x", "1\r\na=y"), Err(TextError { offset: 3, byte: b'\r' }));
        assert!(list.push_flag("\n").is_err() && list.push_line("\0").is_err());
        assert!(list.is_empty());
    }

    #[test]
    fn one_direction_at_a_time() {
        let mut list = Attributes::new();
        list.push_flag("sendrecv").unwrap();
        list.push("sendonly", "x").unwrap();
        list.push_flag("inactive").unwrap();
        assert_eq!(list.direction(), Some(Direction::SendRecv));
        list.set_direction(Direction::RecvOnly);
        assert_eq!(list.direction(), Some(Direction::RecvOnly));
        assert_eq!(list.len(), 2, "an attribute of that name with a value is none");
    }
}
