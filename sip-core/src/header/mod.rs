//! Header names, header lists and typed headers.
//!
//! A header is read when it is asked for, so *absent*, *malformed* and *present* are three
//! different answers: [`Headers::typed`] gives `Ok(None)`, `Err` and `Ok(Some)`.
//!
//! Types that end in `Ref` read in place and allocate nothing; those without own their text and
//! can be written.

mod address;
mod auth;
mod contact;
mod content;
mod cseq;
mod date;
mod dialog;
mod event;
mod headers;
mod lines;
mod lists;
mod name;
mod name_addr;
mod numbers;
mod params;
mod texts;
mod via;
mod warning;

pub use address::*;
pub use auth::*;
pub use contact::{Contact, ContactRef};
pub use content::*;
pub use cseq::*;
pub use date::*;
pub use dialog::*;
pub use event::*;
pub use headers::Headers;
pub(crate) use lines::{Bounds, Line, Lines, all, beyond_first, find, require};
pub use lists::*;
pub use name::HeaderName;
pub(crate) use name::{Known, SHORT};
pub use name_addr::{NameAddr, NameAddrRef};
pub use numbers::*;
pub use params::{Param, Params, ParamsRef};
pub use texts::*;
pub use via::*;
pub use warning::*;

use crate::error::HeaderError;

/// How values of a header share lines (RFC 3261 §7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value in a message.
    Single,
    /// A comma list, over one line or several: one `T` is one element.
    List,
    /// One `T` a line, on any number of lines.
    Lines,
    /// A comma list, over one line or several: one `T` is the whole list.
    Whole,
}

/// A header that can be read and written.
///
/// Implement it for headers of your own:
///
/// ```
/// use sip_core::header::{Headers, TypedHeader};
/// use sip_core::{HeaderError, HeaderName};
///
/// struct QueuePosition(String);
///
/// impl TypedHeader for QueuePosition {
///     const NAME: HeaderName = HeaderName::from_static("X-Queue-Position");
///     fn parse(value: &[u8]) -> Result<Self, HeaderError> {
///         Ok(QueuePosition(String::from_utf8_lossy(value).into_owned()))
///     }
///     fn write(&self, out: &mut Vec<u8>) {
///         out.extend_from_slice(self.0.as_bytes());
///     }
/// }
///
/// let mut headers = Headers::new();
/// headers.set(QueuePosition("3".into()));
/// assert_eq!(headers.require::<QueuePosition>()?.0, "3");
/// # Ok::<(), HeaderError>(())
/// ```
pub trait TypedHeader: Sized {
    /// The header's name.
    const NAME: HeaderName;
    /// How its values share lines.
    const SHAPE: Shape = Shape::Single;

    /// Reads one value: the whole line's, or one element's when [`TypedHeader::SHAPE`] is
    /// [`Shape::List`]. White space around it is removed before; folds within are not.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    fn parse(value: &[u8]) -> Result<Self, HeaderError>;

    /// Appends the value, without name and line end.
    fn write(&self, out: &mut Vec<u8>);

    /// Adds what another line of a [`Shape::Whole`] header holds.
    fn merge(&mut self, _more: Self) {}
}

/// A header that can be read, perhaps in place. Every [`TypedHeader`] is one.
pub trait HeaderView<'a>: Sized {
    /// The header's name.
    const NAME: HeaderName;
    /// How its values share lines.
    const SHAPE: Shape;

    /// Reads one value; see [`TypedHeader::parse`].
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    fn read(value: &'a [u8]) -> Result<Self, HeaderError>;

    /// Adds what another line of a [`Shape::Whole`] header holds.
    fn add(&mut self, _more: Self) {}
}

impl<'a, T: TypedHeader> HeaderView<'a> for T {
    const NAME: HeaderName = T::NAME;
    const SHAPE: Shape = T::SHAPE;

    fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
        T::parse(value)
    }

    fn add(&mut self, more: Self) {
        self.merge(more);
    }
}
