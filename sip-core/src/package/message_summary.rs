//! Waiting messages (RFC 3842): `application/simple-message-summary`.

use core::fmt::Write as _;

use super::Error;
use crate::header::{ContentType, MediaType, Params};
use crate::text::Token;

/// How many lines are read.
const LINES: usize = 256;

/// Which messages wait for whom.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MessageSummary {
    /// Whether there are new messages: what lights the lamp.
    pub waiting: bool,
    /// The mailbox, as a URI.
    pub account: Option<String>,
    /// How many there are of each class.
    pub counts: Vec<Count>,
}

/// Messages of one class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Count {
    /// `voice-message`, `fax-message`, `pager-message`, `multimedia-message`, `text-message`, `none` or
    /// another token.
    pub class: Token,
    /// Those not heard yet.
    pub new: u32,
    /// Those heard.
    pub old: u32,
    /// Urgent ones among both, when that is said.
    pub urgent: Option<(u32, u32)>,
}

impl MessageSummary {
    /// A mailbox of voice messages.
    pub fn voice(new: u32, old: u32) -> Self {
        let class = Token::from_static("voice-message");
        let count = Count { class, new, old, urgent: None };
        Self { waiting: new > 0, account: None, counts: vec![count] }
    }

    /// The content type.
    pub fn content_type() -> ContentType {
        ContentType(MediaType {
            kind: Token::from_static("application"),
            subtype: Token::from_static("simple-message-summary"),
            params: Params::default(),
        })
    }

    /// The voice messages.
    pub fn voice_messages(&self) -> Option<&Count> {
        self.counts.iter().find(|count| count.class.as_str().eq_ignore_ascii_case("voice-message"))
    }

    /// Reads a body. Lines behind the first empty one describe single messages and are passed
    /// over.
    ///
    /// # Errors
    ///
    /// `Messages-Waiting` is absent or a line is malformed.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let text = core::str::from_utf8(body).map_err(|_| Error::Utf8)?;
        let mut waiting = None;
        let mut summary = Self::default();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            if n >= LINES {
                return Err(Error::Large);
            }
            let (name, value) = line.split_once(':').ok_or(Error::Line(n + 1))?;
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("Messages-Waiting") {
                waiting = Some(match value {
                    yes if yes.eq_ignore_ascii_case("yes") => true,
                    no if no.eq_ignore_ascii_case("no") => false,
                    _ => return Err(Error::Line(n + 1)),
                });
            } else if name.eq_ignore_ascii_case("Message-Account") {
                summary.account = Some(value.to_owned());
            } else if let Some(count) = count(name, value) {
                summary.counts.push(count);
            } else {
                return Err(Error::Line(n + 1));
            }
        }
        summary.waiting = waiting.ok_or(Error::Missing("Messages-Waiting"))?;
        Ok(summary)
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut text = String::new();
        let waiting = if self.waiting { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = write!(text, "Messages-Waiting: {waiting}\r\n");
        if let Some(account) = &self.account {
            let account: String = account.chars().filter(|c| !c.is_control()).collect();
            let _ = write!(text, "Message-Account: {account}\r\n");
        }
        for Count { class, new, old, urgent } in &self.counts {
            let _ = write!(text, "{class}: {new}/{old}");
            if let Some((new, old)) = urgent {
                let _ = write!(text, " ({new}/{old})");
            }
            text.push_str("\r\n");
        }
        text
    }
}

/// `voice-message: 4/8 (1/2)`.
fn count(name: &str, value: &str) -> Option<Count> {
    let class = Token::new(name.to_owned())?;
    let (all, urgent) = match value.split_once('(') {
        Some((all, rest)) => (all.trim(), Some(pair(rest.strip_suffix(')')?)?)),
        None => (value, None),
    };
    let (new, old) = pair(all)?;
    Some(Count { class, new, old, urgent })
}

fn pair(text: &str) -> Option<(u32, u32)> {
    let (new, old) = text.trim().split_once('/')?;
    Some((new.trim().parse().ok()?, old.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 3842 §5.2 and what becomes of it.
    #[test]
    fn the_example_of_the_standard() {
        let body = b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n\
                     Voice-Message: 2/8 (0/2)\r\n\r\nTo: <alice@atlanta.example.com>\r\nDate: x\r\n";
        let summary = MessageSummary::parse(body).unwrap();
        assert!(summary.waiting);
        assert_eq!(summary.account.as_deref(), Some("sip:alice@vmail.example.com"));
        let voice = summary.voice_messages().unwrap();
        assert_eq!((voice.new, voice.old, voice.urgent), (2, 8, Some((0, 2))));
        assert_eq!(MessageSummary::parse(summary.write().as_bytes()), Ok(summary));
    }

    #[test]
    fn what_is_written() {
        assert_eq!(
            MessageSummary::voice(1, 2).write(),
            "Messages-Waiting: yes\r\nvoice-message: 1/2\r\n"
        );
        assert_eq!(
            MessageSummary::voice(0, 0).write(),
            "Messages-Waiting: no\r\nvoice-message: 0/0\r\n"
        );
        let forged = MessageSummary {
            account: Some("sip:a\r\nVoice-Message: 9/9".to_owned()),
            ..MessageSummary::default()
        };
        assert_eq!(MessageSummary::parse(forged.write().as_bytes()).unwrap().counts, []);
    }

    #[test]
    fn what_is_no_summary() {
        assert_eq!(MessageSummary::parse(b""), Err(Error::Missing("Messages-Waiting")));
        assert_eq!(MessageSummary::parse(b"\xff"), Err(Error::Utf8));
        for body in
            ["Messages-Waiting: perhaps", "nonsense", "Messages-Waiting: no\nVoice-Message: 1"]
        {
            assert!(
                matches!(MessageSummary::parse(body.as_bytes()), Err(Error::Line(_))),
                "{body}"
            );
        }
        let long = "x: 1/1\r\n".repeat(LINES + 1);
        assert_eq!(MessageSummary::parse(long.as_bytes()), Err(Error::Large));
    }
}
