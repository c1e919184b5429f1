//! Whether somebody can be reached (RFC 3863): `application/pidf+xml`.

use super::Error;
use super::xml::{Writer, children, need, read, text};
use crate::header::{ContentType, MediaType, Params};
use crate::text::Token;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";

/// A presence document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Presence {
    /// Whose, as a URI: `pres:alice@example.com` or a SIP URI.
    pub entity: String,
    /// The ways to reach them.
    pub tuples: Vec<Tuple>,
    /// Notes for people to read.
    pub notes: Vec<String>,
}

/// One way to reach somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tuple {
    /// Names it within the document.
    pub id: String,
    /// Whether it is open; `None` when that is not said.
    pub open: Option<bool>,
    /// The URI to reach them at.
    pub contact: Option<String>,
    /// The contact's priority in thousandths, 0 to 1000.
    pub priority: Option<u16>,
    /// When this was found, as an RFC 3339 time.
    pub timestamp: Option<String>,
    /// Notes for people to read.
    pub notes: Vec<String>,
}

impl Presence {
    /// Somebody with one way to be reached, open or closed.
    pub fn basic(entity: impl Into<String>, id: impl Into<String>, open: bool) -> Self {
        let tuple = Tuple {
            id: id.into(),
            open: Some(open),
            contact: None,
            priority: None,
            timestamp: None,
            notes: Vec::new(),
        };
        Self { entity: entity.into(), tuples: vec![tuple], notes: Vec::new() }
    }

    /// Whether any way is open.
    pub fn is_open(&self) -> bool {
        self.tuples.iter().any(|tuple| tuple.open == Some(true))
    }

    /// The content type.
    pub fn content_type() -> ContentType {
        ContentType(MediaType {
            kind: Token::from_static("application"),
            subtype: Token::from_static("pidf+xml"),
            params: Params::default(),
        })
    }

    /// Reads a body.
    ///
    /// # Errors
    ///
    /// It is no well-formed document of this kind, or too large.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "presence", |root| {
            Ok(Self {
                entity: need(root, "entity")?,
                tuples: children(root, "tuple").map(tuple).collect::<Result<_, _>>()?,
                notes: notes(root),
            })
        })
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut xml = Writer::new();
        xml.start("presence").attribute("xmlns", NAMESPACE).attribute("entity", &self.entity);
        for tuple in &self.tuples {
            xml.start("tuple").attribute("id", &tuple.id).start("status");
            if let Some(open) = tuple.open {
                xml.element("basic", if open { "open" } else { "closed" });
            }
            xml.end();
            if let Some(contact) = &tuple.contact {
                let priority = tuple.priority.map(|thousandths| {
                    let thousandths = thousandths.min(1000);
                    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
                });
                xml.start("contact").optional("priority", priority.as_deref());
                xml.content(contact).end();
            }
            for note in &tuple.notes {
                xml.element("note", note);
            }
            if let Some(timestamp) = &tuple.timestamp {
                xml.element("timestamp", timestamp);
            }
            xml.end();
        }
        for note in &self.notes {
            xml.element("note", note);
        }
        xml.finish()
    }
}

fn notes(node: roxmltree::Node<'_, '_>) -> Vec<String> {
    children(node, "note").map(|note| note.text().unwrap_or_default().trim().to_owned()).collect()
}

fn tuple(node: roxmltree::Node<'_, '_>) -> Result<Tuple, Error> {
    let status = children(node, "status").next().ok_or(Error::Missing("status"))?;
    let open = match text(status, "basic").as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Error::Value("basic")),
    };
    let priority = children(node, "contact").next().and_then(|contact| {
        let value: f32 = contact.attribute("priority")?.parse().ok()?;
        (0.0..=1.0).contains(&value).then(|| (value * 1000.0).round() as u16)
    });
    Ok(Tuple {
        id: need(node, "id")?,
        open,
        contact: text(node, "contact"),
        priority,
        timestamp: text(node, "timestamp"),
        notes: notes(node),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the example of RFC 3863 §4.3.2.
    const EXAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" entity="pres:someone@example.com">
  <impp:tuple id="bs35r9">
    <impp:status><impp:basic>open</impp:basic></impp:status>
    <impp:contact priority="0.8">im:someone@mobilecarrier.net</impp:contact>
    <impp:note xml:lang="en">Don't Disturb Please!</impp:note>
    <impp:timestamp>2001-10-27T16:49:29Z</impp:timestamp>
  </impp:tuple>
  <impp:tuple id="eg92n8"><impp:status/></impp:tuple>
  <impp:note>I'll be in Tokyo next week</impp:note>
</impp:presence>"#;

    #[test]
    fn a_document_survives_being_written() {
        let presence = Presence::parse(EXAMPLE.as_bytes()).unwrap();
        assert!(presence.is_open());
        assert_eq!(presence.tuples[0].priority, Some(800));
        assert_eq!(presence.tuples[0].notes, ["Don't Disturb Please!"]);
        assert_eq!(presence.tuples[1].open, None);
        assert_eq!(presence.notes.len(), 1);
        assert_eq!(Presence::parse(presence.write().as_bytes()), Ok(presence));
    }

    #[test]
    fn open_and_closed() {
        for open in [true, false] {
            let presence = Presence::basic("sip:a@b", "t1", open);
            let read = Presence::parse(presence.write().as_bytes()).unwrap();
            assert_eq!(read.is_open(), open);
        }
        let wrong = "<presence entity='a'><tuple id='1'><status><basic>ajar</basic></status></tuple></presence>";
        assert_eq!(Presence::parse(wrong.as_bytes()), Err(Error::Value("basic")));
    }
}
