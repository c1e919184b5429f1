//! What kind of message this is, told from as little of it as possible.

use sip_core::Limits;

use super::head::Head;

/// What is to be handled before what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// What belongs to a call that was let in: responses, ACK, and requests in a dialog. And calls for
    /// help.
    Urgent,
    /// A new call, or the end of one that may still wait here itself.
    Call,
    /// A registration.
    Registration,
    /// Another request, or something that cannot be read.
    Other,
}

impl Class {
    /// For metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Call => "call",
            Self::Registration => "registration",
            Self::Other => "other",
        }
    }
}

/// What the front has to know of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kind {
    pub(super) class: Class,
    /// Whether it begins something: a request outside a dialog.
    pub(super) begins: bool,
    /// Whether it may be answered 503 instead of being handled.
    pub(super) refusable: bool,
}

impl Kind {
    const IN_DIALOG: Self = Self { class: Class::Urgent, begins: false, refusable: false };
    const UNREADABLE: Self = Self { class: Class::Other, begins: true, refusable: false };

    /// The kind, and the request if it had to be looked at for that.
    pub(super) fn of<'a>(
        message: &'a [u8],
        limits: &Limits,
        emergency: &[String],
    ) -> (Self, Option<Head<'a>>) {
        // Most of what arrives while calls are made is known by its first letters.
        if [&b"SIP/2.0 "[..], b"ACK ", b"BYE ", b"PRACK "].iter().any(|it| message.starts_with(it))
        {
            return (Self::IN_DIALOG, None);
        }
        let Some(head) = Head::of(message, limits) else {
            return (Self::unreadable(message), None);
        };
        let kind = match head.method() {
            // A CANCEL must not overtake its INVITE.
            "CANCEL" => Self { class: Class::Call, begins: false, refusable: false },
            _ if head.is_in_dialog() => Self::IN_DIALOG,
            "INVITE" if is_emergency(head.uri(), emergency) => {
                Self { class: Class::Urgent, begins: true, refusable: false }
            }
            "INVITE" => Self { class: Class::Call, begins: true, refusable: true },
            "REGISTER" => Self { class: Class::Registration, begins: true, refusable: true },
            _ => Self { class: Class::Other, begins: true, refusable: true },
        };
        (kind, Some(head))
    }

    /// A response after empty lines is one, too.
    fn unreadable(message: &[u8]) -> Self {
        let start = message.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
        let is_response = message.get(start..).is_some_and(|rest| rest.starts_with(b"SIP/2.0 "));
        if is_response { Self::IN_DIALOG } else { Self::UNREADABLE }
    }
}

/// Whether a Request-URI calls for help: `urn:service:sos`, `urn:service:sos.fire` (RFC 5031), or
/// one of the numbers.
pub(crate) fn is_emergency(uri: &[u8], numbers: &[String]) -> bool {
    const SOS: &[u8] = b"urn:service:sos";
    if let Some((start, rest)) = uri.split_at_checked(SOS.len())
        && start.eq_ignore_ascii_case(SOS)
    {
        return rest.first().is_none_or(|next| *next == b'.');
    }
    let Some(colon) = uri.iter().position(|byte| *byte == b':') else { return false };
    let number = uri.get(colon + 1..).unwrap_or_default();
    let end = number.iter().position(|byte| matches!(byte, b'@' | b';' | b'?'));
    let number = number.get(..end.unwrap_or(number.len())).unwrap_or_default();
    !number.is_empty() && numbers.iter().any(|known| known.as_bytes() == number)
}

/// Whether the sender of a request says what it is, in User-Agent or in the name or user of From.
/// Patterns are parts of that, in lower case.
pub(super) fn is_scanner(head: &Head<'_>, patterns: &[String]) -> bool {
    contains_any(head.user_agent(), patterns) || contains_any(head.from(), patterns)
}

/// Whether a text has one of the patterns in it. Every new request is looked through: nearly all
/// pairs of letters begin no pattern and are passed over at once.
fn contains_any(text: &[u8], patterns: &[String]) -> bool {
    // Five bits are the same in both cases.
    let bits = |byte: u8| usize::from(byte & 0x1f);
    let mut seconds = [0_u32; 32];
    for pattern in patterns {
        let (first, second) = match pattern.as_bytes() {
            [] => continue,
            [first] => (first, u32::MAX),
            [first, second, ..] => (first, 1 << bits(*second)),
        };
        seconds[bits(*first)] |= second;
    }
    let nexts = text.iter().skip(1).chain(&[0]);
    text.iter().zip(nexts).enumerate().any(|(at, (byte, next))| {
        seconds[bits(*byte)] >> bits(*next) & 1 != 0
            && patterns.iter().map(String::as_bytes).any(|pattern| {
                !pattern.is_empty()
                    && text
                        .get(at..at + pattern.len())
                        .is_some_and(|it| it.eq_ignore_ascii_case(pattern))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str, more: &str) -> String {
        format!(
            "{line} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             Call-ID: 1\r\nCSeq: 1 X\r\n{more}\r\n"
        )
    }

    #[test]
    fn messages_are_told_apart() {
        let numbers = ["112".to_owned()];
        let (new, known) = ("To: <sip:b@h>\r\n", "To: <sip:b@h>;tag=2\r\n");
        for (line, more, class, begins, refusable) in [
            ("INVITE sip:102@h", new, Class::Call, true, true),
            ("INVITE sip:102@h", known, Class::Urgent, false, false),
            ("INVITE sip:112@h", new, Class::Urgent, true, false),
            ("INVITE tel:112;phone-context=h", new, Class::Urgent, true, false),
            ("INVITE sip:1120@h", new, Class::Call, true, true),
            ("INVITE urn:service:sos", new, Class::Urgent, true, false),
            ("INVITE URN:Service:SOS.police", new, Class::Urgent, true, false),
            ("INVITE urn:service:sosumi", new, Class::Call, true, true),
            ("CANCEL sip:102@h", new, Class::Call, false, false),
            ("BYE sip:102@h", known, Class::Urgent, false, false),
            ("ACK sip:102@h", known, Class::Urgent, false, false),
            ("REGISTER sip:h", new, Class::Registration, true, true),
            ("OPTIONS sip:h", new, Class::Other, true, true),
            ("UPDATE sip:h", known, Class::Urgent, false, false),
        ] {
            let text = request(line, more);
            let (kind, _) = Kind::of(text.as_bytes(), &Limits::default(), &numbers);
            assert_eq!(kind, Kind { class, begins, refusable }, "{line} {more}");
            // The same by its outline.
            let method = line.split(' ').next().unwrap();
            let plain = text.replace("1 X", &format!("1 {method}"));
            let (kind, head) = Kind::of(plain.as_bytes(), &Limits::default(), &numbers);
            assert_eq!(kind, Kind { class, begins, refusable }, "{line} {more}");
            assert!(matches!(head, None | Some(Head::Outline(_))));
        }
        let late = Kind::of(b"\r\n\r\nSIP/2.0 200 OK\r\n", &Limits::default(), &[]).0;
        assert_eq!(late, Kind::IN_DIALOG);
        let (kind, _) = Kind::of(b"\x16\x03\x01", &Limits::default(), &[]);
        assert_eq!(kind, Kind::UNREADABLE);
    }

    #[test]
    fn scanners_are_known_by_what_they_call_themselves() {
        let patterns = ["friendly-scanner".to_owned(), "sipvicious".to_owned()];
        for (more, expected) in [
            ("User-Agent: Friendly-Scanner\r\n", true),
            ("User-Agent: phone 1.0\r\n", false),
            ("", false),
        ] {
            let text = request("OPTIONS sip:100@h", more);
            let head = Head::of(text.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(is_scanner(&head, &patterns), expected, "{more}");
        }
        let text = request("OPTIONS sip:100@h", "")
            .replace("From: <sip:a@h>", "From: \"sipvicious\" <sip:100@1.1.1.1>");
        let head = Head::of(text.as_bytes(), &Limits::default()).unwrap();
        assert!(is_scanner(&head, &patterns));
    }

    #[test]
    fn patterns_are_found_wherever_they_stand() {
        let patterns = ["sip-scan", "z", ""].map(str::to_owned);
        for text in ["sip-scan", "a SIP-Scan 1", "sip-ssip-scan", "sip-scaz"] {
            assert!(contains_any(text.as_bytes(), &patterns), "{text}");
        }
        for text in ["", "s", "sip-sca", "sip scan", "\u{1a}"] {
            assert!(!contains_any(text.as_bytes(), &patterns), "{text}");
        }
    }
}
