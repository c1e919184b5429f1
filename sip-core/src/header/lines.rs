//! Finding and reading headers in whatever has header lines.

use super::name::Known;
use super::{HeaderName, HeaderView, Shape};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::limits::{Limit, Limits};
use crate::message::scan::RawLine;
use crate::text::{Elements, first_element, trim, trim_start};

/// One header line, as both kinds of message show it.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) known: Known,
    /// The message, or the line if it was not received.
    source: &'a [u8],
    start: u16,
    /// Where the value starts, with the white space before it.
    value: u16,
    untrimmed: &'a [u8],
    is_received: bool,
}

impl<'a> Line<'a> {
    #[inline]
    pub(crate) fn received(source: &'a [u8], line: RawLine) -> Line<'a> {
        Line {
            known: line.known,
            source,
            start: line.start,
            value: line.value,
            untrimmed: line.value(source),
            is_received: true,
        }
    }

    /// A line that was not received, its value starting at an offset.
    pub(crate) fn own(known: Known, line: &'a [u8], value: u16) -> Line<'a> {
        let untrimmed = line.get(usize::from(value)..).unwrap_or_default();
        Line { known, source: line, start: 0, value, untrimmed, is_received: false }
    }

    /// The name as it was written.
    pub(crate) fn name(&self) -> &'a [u8] {
        let (start, value) = (usize::from(self.start), usize::from(self.value));
        let with_colon = trim(self.source.get(start..value).unwrap_or_default());
        trim(with_colon.strip_suffix(b":").unwrap_or(with_colon))
    }

    /// The value, white space around it removed.
    #[inline]
    pub(crate) fn value(&self) -> &'a [u8] {
        trim(self.untrimmed)
    }

    /// Where the value starts in the message, 0 if it was not received.
    pub(crate) fn offset(&self) -> usize {
        let leading = self.untrimmed.len() - trim_start(self.untrimmed).len();
        if self.is_received { usize::from(self.value) + leading } else { 0 }
    }
}

/// What has header lines.
pub(crate) trait Lines {
    fn lines(&self) -> impl Iterator<Item = Line<'_>>;
    /// The name of each line.
    fn names(&self) -> impl Iterator<Item = Known>;
    /// The lines of one name.
    fn named(&self, name: HeaderName) -> impl Iterator<Item = Line<'_>>;
    /// The first line of a known name.
    fn first_known(&self, known: Known) -> Option<Line<'_>>;
    fn bounds(&self) -> Bounds;
}

/// Limits that apply when values are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) values: usize,
    pub(crate) params: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::of(&Limits::default())
    }
}

impl Bounds {
    pub(crate) fn of(limits: &Limits) -> Bounds {
        Bounds { values: limits.values, params: limits.params }
    }
}

/// The first line of a header.
#[inline]
fn first<'a, T: HeaderView<'a>>(lines: &'a impl Lines) -> Option<Line<'a>> {
    // Found out when the program is compiled.
    let known = const {
        let name = T::NAME;
        let known = name.known();
        core::mem::forget(name);
        known
    };
    match known {
        Known::Other => lines.named(T::NAME).next(),
        known => lines.first_known(known),
    }
}

/// The first value of a header.
#[inline]
pub(crate) fn find<'a, T: HeaderView<'a>>(lines: &'a impl Lines) -> Result<Option<T>, HeaderError> {
    match first::<T>(lines) {
        Some(line) => read_first(lines, line).map(Some),
        None => Ok(None),
    }
}

/// The first value of a header that must be there.
#[inline]
pub(crate) fn require<'a, T: HeaderView<'a>>(lines: &'a impl Lines) -> Result<T, HeaderError> {
    match first::<T>(lines) {
        Some(line) => read_first(lines, line),
        None => Err(HeaderError { header: T::NAME, offset: 0, kind: ValueErrorKind::Missing }),
    }
}

/// The first value, given its line.
#[inline]
fn read_first<'a, T: HeaderView<'a>>(
    lines: &'a impl Lines,
    line: Line<'a>,
) -> Result<T, HeaderError> {
    let value = line.value();
    match T::SHAPE {
        Shape::Single | Shape::Lines => read(value, 0, &line, lines.bounds()),
        Shape::List => {
            let (at, element) = first_element(value);
            read(element, at, &line, lines.bounds())
        }
        Shape::Whole => {
            let mut whole: T = read(value, 0, &line, lines.bounds())?;
            for line in lines.named(T::NAME).skip(1) {
                whole.add(read(line.value(), 0, &line, lines.bounds())?);
            }
            Ok(whole)
        }
    }
}

/// Every value of a header, up to the limit and one error beyond.
pub(crate) fn all<'a, T: HeaderView<'a>, L: Lines>(
    lines: &'a L,
) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, T, L> {
    values_from(0, lines)
}

/// The same without the first, which has been read before.
pub(crate) fn beyond_first<'a, T: HeaderView<'a>, L: Lines>(
    lines: &'a L,
) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, T, L> {
    values_from(1, lines)
}

fn values_from<'a, T: HeaderView<'a>, L: Lines>(
    first: usize,
    lines: &'a L,
) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, T, L> {
    let bounds = lines.bounds();
    let values = lines.named(T::NAME).flat_map(|line| {
        // Any other shape is one element, whatever commas it has.
        let value = line.value();
        let elements = match T::SHAPE {
            Shape::List => Elements::new(value),
            _ => Elements::whole(value),
        };
        elements.map(move |(at, element)| (line, at, element))
    });
    let values = values.take(bounds.values + 1).enumerate().skip(first);
    values.map(move |(number, (line, at, element))| {
        if number == bounds.values {
            let kind = ValueErrorKind::Limit(Limit::Values);
            return Err(ValueError::new(kind, line.offset() + at).of(T::NAME));
        }
        read(element, at, &line, bounds)
    })
}

/// How many semicolons stand outside of quoted strings.
#[cold]
fn semicolons(value: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in value {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[inline]
fn read<'a, T: HeaderView<'a>>(
    value: &'a [u8],
    at: usize,
    line: &Line<'_>,
    bounds: Bounds,
) -> Result<T, HeaderError> {
    // Each takes two bytes, so only a value longer than this can have too many.
    if value.len() / 2 > bounds.params && T::SHAPE != Shape::Whole {
        let params = memchr::memchr_iter(b';', value).count();
        if params > bounds.params && semicolons(value) > bounds.params {
            let kind = ValueErrorKind::Limit(Limit::Params);
            return Err(ValueError::new(kind, line.offset() + at).of(T::NAME));
        }
    }
    T::read(value).map_err(|mut error| {
        error.offset += line.offset() + at;
        error
    })
}
