//! Bodies of event packages: what SUBSCRIBE asks for and NOTIFY and PUBLISH carry.
//!
//! | package | body | module |
//! |---|---|---|
//! | `message-summary` (RFC 3842) | text | [`message_summary`] |
//! | `dialog` (RFC 4235) | XML, feature `xml` | `dialog_info` |
//! | `presence` (RFC 3856, RFC 3863) | XML, feature `xml` | `presence` |
//! | `reg` (RFC 3680, RFC 5628) | XML, feature `xml` | `registration` |
//!
//! Documents are read leniently, as their schemas ask: what is not known is passed over. What is
//! written is valid.

#[cfg(feature = "xml")]
pub mod dialog_info;
pub mod message_summary;
#[cfg(feature = "xml")]
pub mod presence;
#[cfg(feature = "xml")]
pub mod registration;
#[cfg(feature = "xml")]
mod xml;

use thiserror::Error;

/// A body that is none of its package's.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not UTF-8 text.
    #[error("the body is not UTF-8")]
    Utf8,
    /// A line that its grammar does not know, counted from 1.
    #[error("line {0} is malformed")]
    Line(usize),
    /// Something that must be there is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value is not one of those allowed, or no number.
    #[error("{0} has no valid value")]
    Value(&'static str),
    /// It is not well-formed XML.
    #[error("not well-formed XML at line {0}")]
    Xml(u32),
    /// More elements, or more bytes, than are read.
    #[error("larger than is read")]
    Large,
}
