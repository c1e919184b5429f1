//! WebSocket: each message of the WebSocket is a message of SIP (RFC 6455 §5, RFC 7118 §5).

mod error;
mod frame;
mod framer;

pub use error::{WebSocketError, WebSocketErrorKind};
pub use frame::{Close, Role, write_close, write_message, write_ping, write_pong};
pub use framer::{WebSocketFrame, WebSocketFramer};
