//! What an answer is made of, found without reading the rest.

use std::sync::LazyLock;

use memchr::{memchr, memchr2, memmem, memrchr};

use crate::text::{is_token, trim};

/// The parts of a plain request that a stateless answer is made of, and that tell what kind of request it
/// is: one walk over its lines, nothing copied, nothing allocated.
///
/// It says nothing about whether the message is in order. Where both can be had, it says the same as
/// [`MessageView`](super::MessageView), at a fraction of the cost: for whoever has too much to do to read
/// what it will refuse anyway.
///
/// ```
/// use sip_core::message::Outline;
///
/// let invite = b"INVITE sip:102@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
///     From: <sip:101@h>;tag=1\r\nTo: <sip:102@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
/// let outline = Outline::of(invite).unwrap();
/// assert_eq!((outline.method(), outline.uri()), ("INVITE", &b"sip:102@h"[..]));
/// assert_eq!((outline.from_tag(), outline.to_tag()), (&b"1"[..], &b""[..]));
/// ```
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    method: &'a str,
    uri: &'a [u8],
    vias: [&'a [u8]; VIAS],
    count: usize,
    from: &'a [u8],
    from_tag: &'a [u8],
    to: &'a [u8],
    to_tag: &'a [u8],
    call_id: &'a [u8],
    cseq: &'a [u8],
    number: u32,
    user_agent: &'a [u8],
    is_signed: bool,
    has_demands: bool,
}

/// Via lines of a plain request; each is a hop.
const VIAS: usize = 8;
/// Header lines of a plain request.
const LINES: usize = 64;

impl<'a> Outline<'a> {
    /// Looks at a request. `None` says that it is not plain: no request, broken, folded, with headers
    /// twice or in their compact form. Then it is to be read in full.
    pub fn of(message: &'a [u8]) -> Option<Self> {
        let (line, mut rest) = cut_line(message)?;
        let (method, line) = line.split_at_checked(memchr(b' ', line)?)?;
        let uri = line.strip_prefix(b" ")?.strip_suffix(b" SIP/2.0")?;
        if !is_token(method) || uri.is_empty() || uri.iter().any(|byte| *byte <= b' ') {
            return None;
        }
        let method = core::str::from_utf8(method).ok()?;
        let mut vias = [&[][..]; VIAS];
        let mut count = 0;
        let [mut from, mut to, mut call_id, mut cseq, mut user_agent] = [None; 5];
        let mut lines = 0;
        let [mut is_signed, mut has_demands] = [false; 2];
        loop {
            let (line, others) = cut_line(rest)?;
            rest = others;
            match line.first() {
                None => break,
                Some(b' ' | b'\t') => return None,
                Some(_) => {}
            }
            lines += 1;
            if lines > LINES {
                return None;
            }
            // Nearly every line is known by how it starts.
            let (place, value) = match line.first().map(u8::to_ascii_lowercase) {
                Some(b'v') if let Some(value) = after(line, b"Via:") => {
                    *vias.get_mut(count)? = trim(value);
                    count += 1;
                    continue;
                }
                Some(b't') if let Some(value) = after(line, b"To:") => (&mut to, value),
                Some(b'f') if let Some(value) = after(line, b"From:") => (&mut from, value),
                Some(b'c') if let Some(value) = after(line, b"Call-ID:") => (&mut call_id, value),
                Some(b'c') if let Some(value) = after(line, b"CSeq:") => (&mut cseq, value),
                Some(b'u') if let Some(value) = after(line, b"User-Agent:") => {
                    (&mut user_agent, value)
                }
                // These could be one of them with white space before the colon, or in its compact form.
                Some(b'v' | b't' | b'f' | b'c' | b'u' | b'i') => {
                    let name = line.get(..memchr(b':', line)?)?;
                    if name.len() < 2 || name.last().is_some_and(|byte| *byte <= b' ') {
                        return None;
                    }
                    continue;
                }
                // What begins like these may well be another header: then it is told to be read in full.
                Some(b'a') => {
                    is_signed |= after(line, b"Authorization").is_some();
                    continue;
                }
                Some(b'p') if after(line, b"Proxy-").is_some() => {
                    is_signed |= after(line, b"Proxy-Authorization").is_some();
                    has_demands |= after(line, b"Proxy-Require").is_some();
                    continue;
                }
                Some(b'r') => {
                    has_demands |= after(line, b"Require").is_some();
                    continue;
                }
                _ => continue,
            };
            if place.replace(trim(value)).is_some() {
                return None;
            }
        }
        let (from, to, cseq, call_id) = (from?, to?, cseq?, call_id?);
        if call_id.is_empty() || call_id.iter().any(|byte| *byte <= b' ') {
            return None;
        }
        Some(Self {
            method,
            uri,
            vias,
            count,
            from,
            from_tag: tag(from)?,
            to,
            to_tag: tag(to)?,
            call_id,
            cseq,
            number: number(cseq, method)?,
            user_agent: user_agent.unwrap_or_default(),
            is_signed,
            has_demands,
        })
    }

    /// The same of a request without credentials only, which takes next to nothing for one that has some.
    pub fn of_unsigned(message: &'a [u8]) -> Option<Self> {
        // However else they may be written is seen in the outline.
        static CREDENTIALS: LazyLock<memmem::Finder<'static>> =
            LazyLock::new(|| memmem::Finder::new(b"\r\nAuthorization:"));
        if CREDENTIALS.find(message).is_some() {
            return None;
        }
        Self::of(message).filter(|outline| !outline.is_signed)
    }

    /// The method, as it was written.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The Request-URI, unread.
    pub fn uri(&self) -> &'a [u8] {
        self.uri
    }

    /// The values of Via line by line, unread.
    pub fn vias(&self) -> &[&'a [u8]] {
        self.vias.get(..self.count).unwrap_or_default()
    }

    /// The value of From, unread.
    pub fn from(&self) -> &'a [u8] {
        self.from
    }

    /// The tag of From; empty when there is none.
    pub fn from_tag(&self) -> &'a [u8] {
        self.from_tag
    }

    /// The value of To, unread.
    pub fn to(&self) -> &'a [u8] {
        self.to
    }

    /// The tag of To; empty when there is none, as in a request outside a dialog.
    pub fn to_tag(&self) -> &'a [u8] {
        self.to_tag
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &'a [u8] {
        self.call_id
    }

    /// The value of CSeq, unread.
    pub fn cseq(&self) -> &'a [u8] {
        self.cseq
    }

    /// The number in CSeq.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The value of User-Agent, unread; empty when there is none.
    pub fn user_agent(&self) -> &'a [u8] {
        self.user_agent
    }

    /// Whether there are credentials, in Authorization or Proxy-Authorization.
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Whether there is a Require or Proxy-Require.
    pub fn has_demands(&self) -> bool {
        self.has_demands
    }
}

/// A line without its end, and what follows it. `None` without CRLF, or with one half of it alone.
fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr2(b'\r', b'\n', bytes)?;
    let (line, rest) = bytes.split_at_checked(end)?;
    Some((line, rest.strip_prefix(b"\r\n")?))
}

/// What follows the name of a header and its colon.
#[inline(always)]
fn after<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    // Nearly all write it as the standards do, which is a comparison of a word or two.
    (start == name || is_same(start, name)).then_some(value)
}

/// The same without regard to case.
#[inline(never)]
fn is_same(start: &[u8], name: &[u8]) -> bool {
    start.eq_ignore_ascii_case(name)
}

/// The tag among the parameters of From or To; empty when there is none, `None` when it takes more than a
/// glance to say.
fn tag(value: &[u8]) -> Option<&[u8]> {
    let params = match memrchr(b'>', value) {
        Some(end) => value.get(end + 1..)?,
        None => value.get(memchr(b';', value).unwrap_or(value.len())..)?,
    };
    let mut params = trim(params);
    if memchr(b'"', params).is_some() {
        return None;
    }
    while !params.is_empty() {
        let param = params.strip_prefix(b";")?;
        let end = memchr(b';', param).unwrap_or(param.len());
        let (param, rest) = param.split_at_checked(end)?;
        params = rest;
        let equals = memchr(b'=', param).unwrap_or(param.len());
        let (name, text) = param.split_at_checked(equals)?;
        if trim(name).eq_ignore_ascii_case(b"tag") {
            let text = trim(text.strip_prefix(b"=")?);
            return (!text.is_empty()).then_some(text);
        }
    }
    Some(b"")
}

/// The number of a CSeq of this method.
fn number(cseq: &[u8], method: &str) -> Option<u32> {
    let (number, own) = cseq.split_at_checked(memchr(b' ', cseq)?)?;
    if trim(own) != method.as_bytes() || number.is_empty() || number.len() > 10 {
        return None;
    }
    let mut value = 0_u64;
    for byte in number {
        value = value * 10 + u64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    u32::try_from(value).ok().filter(|value| *value < 1 << 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{CSeqRef, CallIdRef, FromRef, ToRef};
    use crate::message::StartLine;
    use crate::{HeaderName, Limits, MessageView};

    const PLAIN: &str = "INVITE sip:102@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK0\r\nfrom: \"a;tag=x>\" <sip:101@h;tag=u>;x=1;Tag=1 \r\n\
        TO:<sip:102@h>\r\nCall-ID: 1@h\r\nUser-Agent: p/1\r\nCSeq: 7  INVITE\r\nX-Y: z\r\n\r\nbody";

    /// Whether there is an outline; if so, that it says the same as the view of the message.
    fn agrees(message: &[u8]) -> bool {
        let Some(outline) = Outline::of(message) else { return false };
        let Ok(view) = MessageView::parse(message, &Limits::default()) else { return true };
        let StartLine::Request { method, uri } = view.start_line() else { panic!("no request") };
        assert_eq!((outline.method(), outline.uri()), (method, uri));
        assert!(outline.vias().iter().copied().eq(view.raw(HeaderName::Via)));
        assert_eq!(view.raw(HeaderName::From).next(), Some(outline.from()));
        assert_eq!(view.raw(HeaderName::To).next(), Some(outline.to()));
        assert_eq!(view.raw(HeaderName::CSeq).next(), Some(outline.cseq()));
        assert_eq!(
            view.raw(HeaderName::UserAgent).next().unwrap_or_default(),
            outline.user_agent()
        );
        let any = |names: [HeaderName; 2]| {
            names.iter().any(|name| view.raw(name.clone()).next().is_some())
        };
        let signed = any([HeaderName::Authorization, HeaderName::ProxyAuthorization]);
        assert!(outline.is_signed() || !signed);
        let demands = any([HeaderName::Require, HeaderName::ProxyRequire]);
        assert!(outline.has_demands() || !demands);
        if let Ok(from) = view.require::<FromRef<'_>>() {
            assert_eq!(from.tag_bytes(), outline.from_tag());
        }
        if let Ok(to) = view.require::<ToRef<'_>>() {
            assert_eq!(to.tag_bytes(), outline.to_tag());
        }
        if let Ok(call_id) = view.require::<CallIdRef<'_>>() {
            assert_eq!(call_id.as_bytes(), outline.call_id());
        }
        if let Ok(cseq) = view.require::<CSeqRef<'_>>() {
            assert_eq!(cseq.number(), outline.number());
        }
        true
    }

    #[test]
    fn an_outline_says_what_the_whole_says() {
        assert!(agrees(PLAIN.as_bytes()));
        let outline = Outline::of(PLAIN.as_bytes()).unwrap();
        assert_eq!((outline.from_tag(), outline.to_tag()), (&b"1"[..], &b""[..]));
        assert_eq!((outline.number(), outline.vias().len()), (7, 2));
        assert!(agrees(PLAIN.replace("TO:<sip:102@h>", "To: sip:102@h;tag=2").as_bytes()));
    }

    #[test]
    fn credentials_and_demands_are_seen_however_they_are_written() {
        let of = |line: &str| {
            let text = PLAIN.replace("X-Y: z", line);
            assert!(agrees(text.as_bytes()));
            let outline = Outline::of(text.as_bytes()).unwrap();
            let unsigned = Outline::of_unsigned(text.as_bytes());
            assert_eq!(unsigned.is_none(), outline.is_signed(), "{line}");
            (outline.is_signed(), outline.has_demands())
        };
        assert_eq!(of("X-Y: z"), (false, false));
        for line in ["Authorization: Digest a=b", "AUTHORIZATION : x y", "proxy-authorization:x y"]
        {
            assert_eq!(of(line), (true, false), "{line}");
        }
        for line in ["Require: path", "require :path", "PROXY-REQUIRE:x"] {
            assert_eq!(of(line), (false, true), "{line}");
        }
        for line in ["Allow: INVITE", "Accept: x/y", "Route: <sip:h;lr>", "Priority: normal"] {
            assert_eq!(of(line), (false, false), "{line}");
        }
    }

    #[test]
    fn what_is_not_plain_has_none() {
        for (plain, other) in [
            ("X-Y: z", "X-Y: z\r\n folded"),
            ("Call-ID:", "i:"),
            ("Call-ID:", "Call-ID :"),
            ("X-Y: z", "To: <sip:102@h>;tag=3"),
            ("X-Y: z", "a\nb: c"),
            ("X-Y: z", "a\rb: c"),
            ("X-Y: z", "v no colon"),
            ("X-Y: z", "f: <sip:x@h>"),
            ("7  INVITE", "7 ACK"),
            ("7  INVITE", "4294967296 INVITE"),
            ("7  INVITE", "-7 INVITE"),
            ("x=1;Tag=1", "x=\"1;Tag=1\""),
            ("x=1;Tag=1", "x=1;Tag="),
            ("Call-ID: 1@h", "Call-ID: "),
            ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"),
            ("sip:102@h SIP", "sip:102 @h SIP"),
            ("\r\n\r\nbody", "\r\n"),
            ("From", "Frm"),
            ("from", "frm"),
            ("INVITE sip", " sip"),
        ] {
            let changed = PLAIN.replacen(plain, other, 1);
            assert!(changed == PLAIN || !agrees(changed.as_bytes()), "{other}");
        }
        let vias = "Via: SIP/2.0/UDP h\r\n".repeat(VIAS);
        assert!(!agrees(PLAIN.replace("X-Y: z\r\n", &vias).as_bytes()));
        let many = "X-Y: z\r\n".repeat(LINES);
        assert!(!agrees(PLAIN.replace("X-Y: z\r\n", &many).as_bytes()));
        assert!(!agrees(b"") && !agrees(b"SIP/2.0 200 OK\r\n\r\n"));
    }

    #[test]
    fn a_message_with_any_byte_changed_is_read_alike_or_not_at_all() {
        let mut plain = 0;
        for at in 0..PLAIN.len() {
            for byte in *b"\r\n :;,=<>\"\\@\0\x80a1\tT/" {
                let mut message = PLAIN.as_bytes().to_vec();
                message[at] = byte;
                plain += u32::from(agrees(&message));
                message.insert(at, byte);
                plain += u32::from(agrees(&message));
                message.truncate(at);
                plain += u32::from(agrees(&message));
            }
        }
        assert!(plain > 1_000, "{plain}");
    }
}
