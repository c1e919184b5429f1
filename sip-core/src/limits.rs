//! How much of a peer's message is read before it is refused.

use core::fmt;

/// Bounds on what a peer may send. The defaults suit a server on the open Internet: they admit
/// every message of RFC 4475 and keep the work a message can cause in proportion to its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in a whole message. Default 65,535, the longest UDP datagram.
    pub bytes: usize,
    /// Bytes up to and with the empty line behind the headers. Default and greatest value 65,535.
    pub header_bytes: usize,
    /// Header lines in a message. Default 256.
    pub headers: usize,
    /// Values of one header, over all its lines. Default 100.
    pub values: usize,
    /// Parameters of one value. Default 64.
    pub params: usize,
    /// Depth of nested multipart bodies and comments. Default 4.
    pub nesting: usize,
    /// Bytes in a body. Default 65,535.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 65_535,
            header_bytes: 65_535,
            headers: 256,
            values: 100,
            params: 64,
            nesting: 4,
            body: 65_535,
        }
    }
}

/// Names the limit that a message went past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::bytes`].
    Bytes,
    /// [`Limits::header_bytes`].
    HeaderBytes,
    /// [`Limits::headers`].
    Headers,
    /// [`Limits::values`].
    Values,
    /// [`Limits::params`].
    Params,
    /// [`Limits::nesting`].
    Nesting,
    /// [`Limits::body`].
    Body,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Bytes => "bytes in a message",
            Limit::HeaderBytes => "bytes in the header section",
            Limit::Headers => "header lines",
            Limit::Values => "values of one header",
            Limit::Params => "parameters of one value",
            Limit::Nesting => "nesting",
            Limit::Body => "bytes in a body",
        })
    }
}
