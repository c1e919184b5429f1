//! Where messages end on a stream (RFC 3261 §18.3, RFC 5626 §3.5.1, RFC 7118).

mod handshake;
mod stream;
mod websocket;

pub use handshake::{HandshakeError, Upgrade, UpgradeAnswer};
pub use stream::{Frame, Framer, FramingError};
pub use websocket::{
    Close, Role, WebSocketError, WebSocketErrorKind, WebSocketFrame, WebSocketFramer, write_close,
    write_message, write_ping, write_pong,
};
