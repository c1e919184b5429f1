//! The opening handshake of WebSocket, which is HTTP (RFC 6455 §4, RFC 7118 §4).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;

/// The subprotocol of SIP.
const PROTOCOL: &str = "sip";
/// Joined to the key before it is hashed (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of a request or an answer.
const MOST_BYTES: usize = 16_384;
/// Header lines of it.
const MOST_HEADERS: usize = 64;

/// A client's request to go on in WebSocket: written by a client, read by a server.
///
/// ```
/// use sip_core::framing::{Upgrade, UpgradeAnswer};
///
/// // The client; the sixteen bytes come from a CSPRNG.
/// let upgrade = Upgrade::new("sip.example.com", "/", [7; 16]);
/// // The server.
/// let asked = upgrade.to_string();
/// let (read, length) = Upgrade::read(asked.as_bytes())?.expect("a whole request");
/// assert_eq!((read.host.as_str(), length), ("sip.example.com", asked.len()));
/// let answer = read.accept();
/// // The client again; the frames start where the answer ends.
/// assert_eq!(UpgradeAnswer::read(answer.as_bytes(), &upgrade)?, Some(answer.len()));
/// # Ok::<(), sip_core::framing::HandshakeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The server's name, and its port if it is not the usual one.
    pub host: String,
    /// Path and query of the URI.
    pub target: String,
    /// The page that a browser opened the connection for. A server that is not for every page
    /// compares it (RFC 6455 §10.2).
    pub origin: Option<String>,
    key: String,
}

/// A server's answer.
#[derive(Debug)]
pub struct UpgradeAnswer(());

/// There will be no WebSocket connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// It is no HTTP/1.1, or too long.
    #[error("no HTTP/1.1 that can be read")]
    Http,
    /// A method other than GET.
    #[error("a method other than GET")]
    Method,
    /// A header that must be there is missing, repeated or malformed.
    #[error("{0} is missing or malformed")]
    Header(&'static str),
    /// Another version of WebSocket than 13.
    #[error("a version of WebSocket other than 13")]
    Version,
    /// The subprotocol `sip` is not among those offered, or not the one chosen.
    #[error("the subprotocol is not sip")]
    Protocol,
    /// The server answered with this instead of 101.
    #[error("the server answers {0}")]
    Status(u16),
    /// The answer belongs to another request.
    #[error("the answer is none to our key")]
    Accept,
    /// The server chose an extension, and none was offered.
    #[error("the server chose an extension that was not offered")]
    Extension,
}

impl HandshakeError {
    /// What a server answers before it closes the connection: 400, 405 or 426.
    pub fn answer(&self) -> &'static str {
        match self {
            HandshakeError::Method => {
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
            HandshakeError::Version => {
                "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\
                 Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
            }
            _ => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        }
    }
}

impl Upgrade {
    /// A client's request. `key` is fresh from a CSPRNG for each. Control characters and spaces in
    /// `host` and `target` are left out.
    pub fn new(host: &str, target: &str, key: [u8; 16]) -> Upgrade {
        let clean = |text: &str| text.chars().filter(char::is_ascii_graphic).collect::<String>();
        let target = clean(target);
        let target = if target.starts_with('/') { target } else { format!("/{target}") };
        Upgrade { host: clean(host), target, origin: None, key: STANDARD.encode(key) }
    }

    /// Reads a request from the start of what arrived, and says how long it is; `None` when more
    /// is needed. What follows are frames.
    ///
    /// # Errors
    ///
    /// When it is none that a server of SIP over WebSocket takes; see [`HandshakeError::answer`].
    pub fn read(bytes: &[u8]) -> Result<Option<(Upgrade, usize)>, HandshakeError> {
        let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut lines);
        let Some(length) = whole(request.parse(bounded(bytes)), bytes)? else { return Ok(None) };
        if request.method != Some("GET") {
            return Err(HandshakeError::Method);
        }
        if request.version != Some(1) {
            return Err(HandshakeError::Http);
        }
        let fields = Fields(request.headers);
        let host = fields.one("Host")?;
        if !fields.tokens("Upgrade").any(|token| token.eq_ignore_ascii_case("websocket")) {
            return Err(HandshakeError::Header("Upgrade"));
        }
        if !fields.tokens("Connection").any(|token| token.eq_ignore_ascii_case("Upgrade")) {
            return Err(HandshakeError::Header("Connection"));
        }
        if fields.one("Sec-WebSocket-Version")? != "13" {
            return Err(HandshakeError::Version);
        }
        let key = fields.one("Sec-WebSocket-Key")?;
        if !STANDARD.decode(key).is_ok_and(|key| key.len() == 16) {
            return Err(HandshakeError::Header("Sec-WebSocket-Key"));
        }
        if !fields.tokens("Sec-WebSocket-Protocol").any(|token| token == PROTOCOL) {
            return Err(HandshakeError::Protocol);
        }
        let upgrade = Upgrade {
            host: host.to_owned(),
            target: request.path.unwrap_or("/").to_owned(),
            origin: fields.all("Origin").next().map(str::to_owned),
            key: key.to_owned(),
        };
        Ok(Some((upgrade, length)))
    }

    /// The server's answer that takes it.
    pub fn accept(&self) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n",
            self.accept_key()
        )
    }

    fn accept_key(&self) -> String {
        let text = [self.key.as_str(), GUID].concat();
        STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
    }
}

impl fmt::Display for Upgrade {
    /// The request as a client sends it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.target, self.host, self.key
        )
    }
}

impl UpgradeAnswer {
    /// Reads a server's answer from the start of what arrived, and says how long it is; `None`
    /// when more is needed. What follows are frames.
    ///
    /// # Errors
    ///
    /// When it does not take our request; the connection has to be closed.
    pub fn read(bytes: &[u8], asked: &Upgrade) -> Result<Option<usize>, HandshakeError> {
        let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut lines);
        let Some(length) = whole(response.parse(bounded(bytes)), bytes)? else { return Ok(None) };
        match response.code {
            Some(101) => {}
            Some(code) => return Err(HandshakeError::Status(code)),
            None => return Err(HandshakeError::Http),
        }
        let fields = Fields(response.headers);
        if !fields.one("Upgrade")?.eq_ignore_ascii_case("websocket") {
            return Err(HandshakeError::Header("Upgrade"));
        }
        if !fields.tokens("Connection").any(|token| token.eq_ignore_ascii_case("Upgrade")) {
            return Err(HandshakeError::Header("Connection"));
        }
        if fields.one("Sec-WebSocket-Accept")? != asked.accept_key() {
            return Err(HandshakeError::Accept);
        }
        if fields.tokens("Sec-WebSocket-Extensions").next().is_some() {
            return Err(HandshakeError::Extension);
        }
        match fields.one("Sec-WebSocket-Protocol") {
            Ok(PROTOCOL) => Ok(Some(length)),
            _ => Err(HandshakeError::Protocol),
        }
    }
}

fn bounded(bytes: &[u8]) -> &[u8] {
    bytes.get(..MOST_BYTES).unwrap_or(bytes)
}

/// The length of a head, or that it is not all there.
fn whole(parsed: httparse::Result<usize>, bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
    match parsed {
        Ok(httparse::Status::Complete(length)) => Ok(Some(length)),
        Ok(httparse::Status::Partial) if bytes.len() < MOST_BYTES => Ok(None),
        _ => Err(HandshakeError::Http),
    }
}

/// The header lines of a head.
struct Fields<'a>(&'a [httparse::Header<'a>]);

impl<'a> Fields<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
        named.filter_map(|line| core::str::from_utf8(line.value).ok())
    }

    /// The value of a header that stands once.
    fn one(&self, name: &'static str) -> Result<&'a str, HandshakeError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value.trim()),
            _ => Err(HandshakeError::Header(name)),
        }
    }

    /// The elements of a comma list, over one line or several.
    fn tokens(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let elements = self.all(name).flat_map(|value| value.split(','));
        elements.map(str::trim).filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7118 §4.1.
    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://www.example.com\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

    fn refused(from: &str, to: &str) -> HandshakeError {
        let text = REQUEST.replace(from, to);
        assert_ne!(text, REQUEST);
        let error = Upgrade::read(text.as_bytes()).unwrap_err();
        assert!(error.answer().starts_with("HTTP/1.1 4") && error.answer().ends_with("\r\n\r\n"));
        error
    }

    #[test]
    fn as_the_rfc_has_it() {
        let (upgrade, length) = Upgrade::read(REQUEST.as_bytes()).unwrap().unwrap();
        assert_eq!(length, REQUEST.len());
        assert_eq!(upgrade.host, "sip-ws.example.com");
        assert_eq!(
            (upgrade.target.as_str(), upgrade.origin.as_deref()),
            ("/", Some("http://www.example.com"))
        );
        let answer = upgrade.accept();
        assert!(
            answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\r\nSec-WebSocket-Protocol: sip\r\n"));
        let with_frames = [answer.as_bytes(), b"\x81\x00"].concat();
        assert_eq!(UpgradeAnswer::read(&with_frames, &upgrade), Ok(Some(answer.len())));
        for cut in 0..REQUEST.len() {
            assert_eq!(Upgrade::read(&REQUEST.as_bytes()[..cut]), Ok(None), "cut at {cut}");
        }
        for cut in 0..answer.len() {
            assert_eq!(UpgradeAnswer::read(&answer.as_bytes()[..cut], &upgrade), Ok(None));
        }
    }

    #[test]
    fn other_spellings() {
        for (from, to) in [
            ("Upgrade: websocket", "upgrade: WebSocket"),
            ("Connection: Upgrade", "Connection: keep-alive, upgrade"),
            ("Protocol: sip", "Protocol: msrp, sip"),
            ("Protocol: sip", "Protocol: msrp\r\nsec-websocket-protocol: sip"),
        ] {
            let text = REQUEST.replace(from, to);
            assert_ne!(text, REQUEST);
            assert!(Upgrade::read(text.as_bytes()).is_ok(), "{to}");
        }
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(refused("GET", "POST"), HandshakeError::Method);
        assert_eq!(refused("/1.1", "/1.0"), HandshakeError::Http);
        assert_eq!(refused("GET / HTTP/1.1", "OPTIONS sip:h SIP/2.0"), HandshakeError::Http);
        assert_eq!(refused("Host", "X"), HandshakeError::Header("Host"));
        assert_eq!(refused("websocket", "h2c"), HandshakeError::Header("Upgrade"));
        assert_eq!(
            refused("Connection: Upgrade", "Connection: close"),
            HandshakeError::Header("Connection")
        );
        assert_eq!(refused("Version: 13", "Version: 8"), HandshakeError::Version);
        assert_eq!(refused("dGhl", "dGh"), HandshakeError::Header("Sec-WebSocket-Key"));
        assert_eq!(
            refused("dGhlIHNhbXBsZSBub25jZQ==", "dGhl"),
            HandshakeError::Header("Sec-WebSocket-Key")
        );
        assert_eq!(refused("Protocol: sip", "Protocol: sips"), HandshakeError::Protocol);
        assert_eq!(refused("Sec-WebSocket-Protocol", "X"), HandshakeError::Protocol);
        let endless = [REQUEST.trim_end().as_bytes(), &[b'a'; MOST_BYTES]].concat();
        assert_eq!(Upgrade::read(&endless), Err(HandshakeError::Http));
        let many = REQUEST.replace("\r\n\r\n", &"\r\nX: y".repeat(MOST_HEADERS));
        assert_eq!(Upgrade::read(format!("{many}\r\n\r\n").as_bytes()), Err(HandshakeError::Http));
    }

    #[test]
    fn answers_that_do_not_take_it() {
        let upgrade = Upgrade::new("h\r\nX: y", "a b", [1; 16]);
        assert_eq!((upgrade.host.as_str(), upgrade.target.as_str()), ("hX:y", "/ab"));
        let answer = upgrade.accept();
        for (from, to, error) in [
            ("101", "200", HandshakeError::Status(200)),
            ("HTTP", "SIP", HandshakeError::Http),
            ("websocket", "h2c", HandshakeError::Header("Upgrade")),
            ("Connection: Upgrade", "Connection: close", HandshakeError::Header("Connection")),
            ("Accept: ", "Accept: x", HandshakeError::Accept),
            ("Sec-WebSocket-Accept", "X", HandshakeError::Header("Sec-WebSocket-Accept")),
            ("Protocol: sip", "Protocol: msrp", HandshakeError::Protocol),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                HandshakeError::Extension,
            ),
        ] {
            let text = answer.replace(from, to);
            assert_ne!(text, answer);
            assert_eq!(UpgradeAnswer::read(text.as_bytes(), &upgrade), Err(error), "{to}");
        }
        let other = Upgrade::new("h", "/", [2; 16]);
        assert_eq!(UpgradeAnswer::read(answer.as_bytes(), &other), Err(HandshakeError::Accept));
    }
}
