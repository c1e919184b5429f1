//! The state of somebody's calls (RFC 4235): `application/dialog-info+xml`, what lights the lamps of a
//! busy lamp field.

use super::Error;
use super::xml::{Writer, children, need, read, text};
use crate::header::{ContentType, MediaType, Params};
use crate::text::Token;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

/// A document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialogInfo {
    /// Rises by one with each document of a subscription, from 0.
    pub version: u32,
    /// Whether all dialogs are listed; else only those that have changed.
    pub full: bool,
    /// Whose calls, as a URI.
    pub entity: String,
    /// The dialogs.
    pub dialogs: Vec<DialogElement>,
}

/// One dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialogElement {
    /// Names it within this entity's documents.
    pub id: String,
    /// The Call-ID, when it is told; with the tags it allows a pickup by Replaces.
    pub call_id: Option<String>,
    /// The tag of the entity.
    pub local_tag: Option<String>,
    /// The tag of its peer.
    pub remote_tag: Option<String>,
    /// Whether the entity began it.
    pub direction: Option<Direction>,
    /// How far it is.
    pub state: State,
    /// Why it is there.
    pub event: Option<String>,
    /// The entity's address and target.
    pub local: Option<Participant>,
    /// Its peer's.
    pub remote: Option<Participant>,
}

/// Who began a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// The entity.
    Initiator,
    /// Its peer.
    Recipient,
}

/// How far a dialog is (RFC 4235 §3.7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The INVITE is out or in, and nothing has come of it.
    Trying,
    /// Answered without a tag.
    Proceeding,
    /// It rings.
    Early,
    /// They talk.
    Confirmed,
    /// It is over.
    Terminated,
}

/// One side of a dialog.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Participant {
    /// The address of record.
    pub identity: Option<String>,
    /// The name that is shown with it.
    pub display: Option<String>,
    /// The URI of the device.
    pub target: Option<String>,
}

impl State {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Trying, "trying"),
        (Self::Proceeding, "proceeding"),
        (Self::Early, "early"),
        (Self::Confirmed, "confirmed"),
        (Self::Terminated, "terminated"),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }
}

impl DialogElement {
    /// A dialog of which nothing but its state is told.
    pub fn new(id: impl Into<String>, state: State) -> Self {
        Self {
            id: id.into(),
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state,
            event: None,
            local: None,
            remote: None,
        }
    }
}

impl DialogInfo {
    /// The content type.
    pub fn content_type() -> ContentType {
        ContentType(MediaType {
            kind: Token::from_static("application"),
            subtype: Token::from_static("dialog-info+xml"),
            params: Params::default(),
        })
    }

    /// Reads a body.
    ///
    /// # Errors
    ///
    /// It is no well-formed document of this kind, or too large.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "dialog-info", |root| {
            let full = match need(root, "state")?.as_str() {
                "full" => true,
                "partial" => false,
                _ => return Err(Error::Value("state")),
            };
            Ok(Self {
                version: need(root, "version")?.parse().map_err(|_| Error::Value("version"))?,
                full,
                entity: need(root, "entity")?,
                dialogs: children(root, "dialog").map(dialog).collect::<Result<_, _>>()?,
            })
        })
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut xml = Writer::new();
        xml.start("dialog-info")
            .attribute("xmlns", NAMESPACE)
            .attribute("version", &self.version.to_string())
            .attribute("state", if self.full { "full" } else { "partial" })
            .attribute("entity", &self.entity);
        for dialog in &self.dialogs {
            xml.start("dialog")
                .attribute("id", &dialog.id)
                .optional("call-id", dialog.call_id.as_deref())
                .optional("local-tag", dialog.local_tag.as_deref())
                .optional("remote-tag", dialog.remote_tag.as_deref())
                .optional(
                    "direction",
                    dialog.direction.map(|direction| match direction {
                        Direction::Initiator => "initiator",
                        Direction::Recipient => "recipient",
                    }),
                );
            xml.start("state").optional("event", dialog.event.as_deref());
            xml.content(dialog.state.as_str()).end();
            for (name, side) in [("local", &dialog.local), ("remote", &dialog.remote)] {
                if let Some(side) = side {
                    xml.start(name);
                    participant(&mut xml, side);
                    xml.end();
                }
            }
            xml.end();
        }
        xml.finish()
    }
}

fn participant(xml: &mut Writer, side: &Participant) {
    if let Some(identity) = &side.identity {
        xml.start("identity").optional("display", side.display.as_deref());
        xml.content(identity).end();
    }
    if let Some(target) = &side.target {
        xml.start("target").attribute("uri", target).end();
    }
}

fn dialog(node: roxmltree::Node<'_, '_>) -> Result<DialogElement, Error> {
    let own = |name| node.attribute(name).map(str::to_owned);
    let state = children(node, "state").next().ok_or(Error::Missing("state"))?;
    let direction = match node.attribute("direction") {
        None => None,
        Some("initiator") => Some(Direction::Initiator),
        Some("recipient") => Some(Direction::Recipient),
        Some(_) => return Err(Error::Value("direction")),
    };
    let side = |name| {
        children(node, name).next().map(|side| Participant {
            identity: text(side, "identity"),
            display: children(side, "identity")
                .next()
                .and_then(|identity| identity.attribute("display").map(str::to_owned)),
            target: children(side, "target")
                .next()
                .and_then(|target| target.attribute("uri").map(str::to_owned)),
        })
    };
    Ok(DialogElement {
        id: need(node, "id")?,
        call_id: own("call-id"),
        local_tag: own("local-tag"),
        remote_tag: own("remote-tag"),
        direction,
        state: State::parse(state.text().unwrap_or_default().trim())
            .ok_or(Error::Value("state"))?,
        event: state.attribute("event").map(str::to_owned),
        local: side("local"),
        remote: side("remote"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the example of RFC 4235 §6.
    const EXAMPLE: &str = r#"<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="2" state="partial"
             entity="sip:alice@example.com">
  <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774"
          remote-tag="456887766" direction="initiator">
    <state event="rejected" code="486">terminated</state>
    <duration>274</duration>
    <local>
      <identity display="Alice &amp; Co">sip:alice@example.com</identity>
      <target uri="sip:alice@pc33.example.com">
        <param pname="isfocus" pval="true"/>
      </target>
    </local>
    <remote><identity>sip:bob@example.com</identity></remote>
  </dialog>
</dialog-info>"#;

    #[test]
    fn a_document_survives_being_written() {
        let info = DialogInfo::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((info.version, info.full, &*info.entity), (2, false, "sip:alice@example.com"));
        let dialog = &info.dialogs[0];
        assert_eq!(dialog.state, State::Terminated);
        assert_eq!(dialog.event.as_deref(), Some("rejected"));
        assert_eq!(dialog.direction, Some(Direction::Initiator));
        let local = dialog.local.as_ref().unwrap();
        assert_eq!(local.display.as_deref(), Some("Alice & Co"));
        assert_eq!(DialogInfo::parse(info.write().as_bytes()), Ok(info));
    }

    #[test]
    fn what_is_written() {
        let info = DialogInfo {
            version: 0,
            full: true,
            entity: "sip:101@example.com".to_owned(),
            dialogs: vec![DialogElement::new("1", State::Early)],
        };
        assert_eq!(
            info.write(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
             entity=\"sip:101@example.com\"><dialog id=\"1\"><state>early</state></dialog>\
             </dialog-info>\n"
        );
    }

    #[test]
    fn what_is_no_document() {
        for (text, error) in [
            ("<presence/>", Error::Missing("dialog-info")),
            ("<dialog-info version='1' state='full'/>", Error::Missing("entity")),
            ("<dialog-info version='-1' state='full' entity='a'/>", Error::Value("version")),
            ("<dialog-info", Error::Xml(1)),
        ] {
            assert_eq!(DialogInfo::parse(text.as_bytes()), Err(error), "{text}");
        }
        let bomb =
            "<!DOCTYPE x [<!ENTITY a 'b'>]><dialog-info version='1' state='full' entity='&a;'/>";
        assert!(DialogInfo::parse(bomb.as_bytes()).is_err());
        let many = format!(
            "<dialog-info version='1' state='full' entity='a'>{}</dialog-info>",
            "<x/>".repeat(5_000)
        );
        assert_eq!(DialogInfo::parse(many.as_bytes()), Err(Error::Large));
    }
}
