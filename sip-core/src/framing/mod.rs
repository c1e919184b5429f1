//! Messages cut from a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1).

mod stream;

pub use stream::{Frame, Framer, FramingError};
