//! Frames as they are on the wire (RFC 6455 §5.2 to §5.5).

use super::WebSocketErrorKind;

/// Which side of a WebSocket connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We opened it: our frames are masked, those of the peer are not.
    Client,
    /// The peer opened it: its frames are masked, ours are not.
    Server,
}

/// Why a peer closes a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code: 1000 when all was well (RFC 6455 §7.4.1).
    pub code: u16,
    /// The same for people.
    pub reason: String,
}

/// Appends a message in one frame: of text where it is UTF-8, else binary. A client gives a `mask`,
/// fresh from a CSPRNG for each frame; a server gives none (§5.3).
pub fn write_message(message: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let is_text = core::str::from_utf8(message).is_ok();
    let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
    write(opcode, message, mask, out);
}

/// Appends a ping with up to 125 bytes that its pong will repeat; more are cut off.
pub fn write_ping(payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    write(Opcode::Ping, payload.get(..125).unwrap_or(payload), mask, out);
}

/// Appends the answer to a ping: its bytes, 125 at most.
pub fn write_pong(payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    write(Opcode::Pong, payload.get(..125).unwrap_or(payload), mask, out);
}

/// Appends a close. A reason of more than 123 bytes is cut off at a character; a code that must not
/// be sent (§7.4) is left out with its reason.
pub fn write_close(why: Option<&Close>, mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    if let Some(Close { code, reason }) = why {
        payload.extend_from_slice(&code.to_be_bytes());
        let end = (0..=reason.len().min(123)).rev().find(|end| reason.is_char_boundary(*end));
        payload.extend_from_slice(reason.get(..end.unwrap_or(0)).unwrap_or_default().as_bytes());
    }
    if close(&payload).is_err() {
        payload.clear();
    }
    write(Opcode::Close, &payload, mask, out);
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// The bytes of a frame before its payload (§5.2).
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) is_last: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) length: u64,
    /// How long it is itself.
    pub(super) bytes: usize,
}

impl Head {
    /// Reads a head; `None` when there is not enough of it. A fault is seen with the byte that has
    /// it, so that the outcome does not depend on where the stream was cut.
    pub(super) fn read(buffer: &[u8], role: Role) -> Result<Option<Head>, WebSocketErrorKind> {
        let Some(first) = buffer.first() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(WebSocketErrorKind::ReservedBit);
        }
        let is_last = first & 0x80 != 0;
        let opcode = match first & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            other => return Err(WebSocketErrorKind::Opcode(other)),
        };
        if opcode.is_control() && !is_last {
            return Err(WebSocketErrorKind::ControlFragmented);
        }
        let Some(second) = buffer.get(1) else { return Ok(None) };
        match (second & 0x80 != 0, role) {
            (false, Role::Server) => return Err(WebSocketErrorKind::Unmasked),
            (true, Role::Client) => return Err(WebSocketErrorKind::Masked),
            _ => {}
        }
        let rest = buffer.get(2..).unwrap_or_default();
        let (length, extended) = match second & 0x7f {
            126 | 127 if opcode.is_control() => return Err(WebSocketErrorKind::ControlTooLong),
            126 => match rest.first_chunk() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 2),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(length) => (u64::from_be_bytes(*length), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let is_shortest = match extended {
            0 => true,
            2 => length > 125,
            _ => length > u64::from(u16::MAX) && length <= i64::MAX as u64,
        };
        if !is_shortest {
            return Err(WebSocketErrorKind::Length);
        }
        let (mask, masked) = match role {
            Role::Client => (None, 0),
            Role::Server => match rest.get(extended..).and_then(|rest| rest.first_chunk()) {
                Some(mask) => (Some(*mask), 4),
                None => return Ok(None),
            },
        };
        Ok(Some(Head { is_last, opcode, mask, length, bytes: 2 + extended + masked }))
    }
}

/// Masks, or undoes it (§5.3).
pub(super) fn apply(mask: [u8; 4], payload: &mut [u8]) {
    for chunk in payload.chunks_mut(4) {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// What a close says (§5.5.1, §7.4).
pub(super) fn close(payload: &[u8]) -> Result<Option<Close>, WebSocketErrorKind> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(WebSocketErrorKind::CloseCode) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(WebSocketErrorKind::CloseCode);
    }
    match core::str::from_utf8(reason) {
        Ok(reason) => Ok(Some(Close { code, reason: reason.to_owned() })),
        Err(_) => Err(WebSocketErrorKind::Utf8),
    }
}

pub(super) fn write(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode as u8);
    match payload.len() {
        short @ 0..=125 => out.push(masked | short as u8),
        length => match u16::try_from(length) {
            Ok(length) => {
                out.push(masked | 126);
                out.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => {
                out.push(masked | 127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        },
    }
    let Some(mask) = mask else { return out.extend_from_slice(payload) };
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    apply(mask, out.get_mut(start..).unwrap_or_default());
}
