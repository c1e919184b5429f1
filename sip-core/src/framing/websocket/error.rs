//! What a peer can do wrong.

use thiserror::Error;

use crate::error::Fault;
use crate::limits::Limit;

/// The peer does not speak the protocol, so the connection has to be failed (RFC 6455 §7.1.7):
/// [`write_close`](super::write_close) with [`WebSocketError::close_code`], and then closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("WebSocket: {kind}, in the frame at byte {offset}")]
pub struct WebSocketError {
    /// What is wrong.
    pub kind: WebSocketErrorKind,
    /// Where the frame starts, from the first byte that was pushed.
    pub offset: u64,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebSocketErrorKind {
    /// A reserved bit is set, and no extension was agreed on (§5.2).
    #[error("a reserved bit is set")]
    ReservedBit,
    /// An opcode that is not defined (§5.2).
    #[error("opcode {0} is not defined")]
    Opcode(u8),
    /// A client's frame without a mask (§5.1).
    #[error("a frame of a client without a mask")]
    Unmasked,
    /// A server's frame with a mask (§5.1).
    #[error("a frame of a server with a mask")]
    Masked,
    /// A control frame in fragments (§5.5).
    #[error("a control frame in fragments")]
    ControlFragmented,
    /// A control frame of more than 125 bytes (§5.5).
    #[error("a control frame of more than 125 bytes")]
    ControlTooLong,
    /// A length that could be written shorter, or beyond 2⁶³ (§5.2).
    #[error("a length that is not in its shortest form, or beyond 2^63")]
    Length,
    /// A fragment that goes on where nothing was begun (§5.4).
    #[error("a continuation of no message")]
    NothingToContinue,
    /// A message that begins within another (§5.4).
    #[error("a message within the fragments of another")]
    Interleaved,
    /// A text, or the reason of a close, is not UTF-8 (§8.1).
    #[error("text that is not UTF-8")]
    Utf8,
    /// A close of one byte, or with a code that must not be sent (§7.4).
    #[error("a close without a valid code")]
    CloseCode,
    /// A limit was reached.
    #[error("more {0} than the limit")]
    Limit(Limit),
}

impl WebSocketError {
    /// What to say in our close (§7.4.1): 1002, 1007 for what is not UTF-8, 1009 past a limit.
    pub fn close_code(&self) -> u16 {
        match self.kind {
            WebSocketErrorKind::Utf8 => 1007,
            WebSocketErrorKind::Limit(_) => 1009,
            _ => 1002,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self.kind {
            WebSocketErrorKind::Limit(_) => Fault::Limit,
            _ => Fault::Peer,
        }
    }
}
