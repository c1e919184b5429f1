//! Who is registered where (RFC 3680, RFC 5628 for GRUUs): `application/reginfo+xml`.

use super::Error;
use super::xml::{Writer, children, need, read, text};
use crate::header::{ContentType, MediaType, Params};
use crate::text::Token;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:reginfo";
const GRUU: &str = "urn:ietf:params:xml:ns:gruuinfo";

/// A document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistrationInfo {
    /// Rises by one with each document of a subscription, from 0.
    pub version: u32,
    /// Whether all registrations are listed; else only those that have changed.
    pub full: bool,
    /// The registrations.
    pub registrations: Vec<Registration>,
}

/// The bindings of one address of record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The address of record.
    pub aor: String,
    /// Names it within the documents.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// The bindings.
    pub contacts: Vec<ContactElement>,
}

/// Where a registration stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// It has no bindings yet.
    Init,
    /// It has bindings.
    Active,
    /// It has none any more.
    Terminated,
}

/// One binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContactElement {
    /// Names it within the documents.
    pub id: String,
    /// The contact's URI.
    pub uri: String,
    /// Whether it is bound; else it was until now.
    pub active: bool,
    /// What has happened: `registered`, `created`, `refreshed`, `shortened`, `expired`, `deactivated`,
    /// `probation`, `unregistered` or `rejected`.
    pub event: String,
    /// Seconds until it expires.
    pub expires: Option<u32>,
    /// The contact's q in thousandths, 0 to 1000.
    pub q: Option<u16>,
    /// The Call-ID and CSeq of its last REGISTER.
    pub last: Option<(String, u32)>,
    /// The name that is shown with it.
    pub display: Option<String>,
    /// Its public GRUU.
    pub public_gruu: Option<String>,
}

impl State {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Init, "init"), (Self::Active, "active"), (Self::Terminated, "terminated")];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.iter().find(|(_, known)| *known == name);
        known.map(|(state, _)| *state).ok_or(Error::Value("state"))
    }
}

impl ContactElement {
    /// A binding of which no more is told.
    pub fn new(id: impl Into<String>, uri: impl Into<String>, event: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            uri: uri.into(),
            active: true,
            event: event.into(),
            expires: None,
            q: None,
            last: None,
            display: None,
            public_gruu: None,
        }
    }
}

impl RegistrationInfo {
    /// The content type.
    pub fn content_type() -> ContentType {
        ContentType(MediaType {
            kind: Token::from_static("application"),
            subtype: Token::from_static("reginfo+xml"),
            params: Params::default(),
        })
    }

    /// Reads a body.
    ///
    /// # Errors
    ///
    /// It is no well-formed document of this kind, or too large.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "reginfo", |root| {
            let full = match need(root, "state")?.as_str() {
                "full" => true,
                "partial" => false,
                _ => return Err(Error::Value("state")),
            };
            Ok(Self {
                version: need(root, "version")?.parse().map_err(|_| Error::Value("version"))?,
                full,
                registrations: children(root, "registration")
                    .map(registration)
                    .collect::<Result<_, _>>()?,
            })
        })
    }

    /// The body.
    pub fn write(&self) -> String {
        let mut xml = Writer::new();
        xml.start("reginfo")
            .attribute("xmlns", NAMESPACE)
            .attribute("version", &self.version.to_string())
            .attribute("state", if self.full { "full" } else { "partial" });
        for registration in &self.registrations {
            xml.start("registration")
                .attribute("aor", &registration.aor)
                .attribute("id", &registration.id)
                .attribute("state", registration.state.as_str());
            for contact in &registration.contacts {
                write_contact(&mut xml, contact);
            }
            xml.end();
        }
        xml.finish()
    }
}

fn write_contact(xml: &mut Writer, contact: &ContactElement) {
    let expires = contact.expires.map(|seconds| seconds.to_string());
    let q = contact.q.map(|q| format!("{}.{:03}", q.min(1000) / 1000, q.min(1000) % 1000));
    let number = contact.last.as_ref().map(|(_, number)| number.to_string());
    xml.start("contact")
        .attribute("id", &contact.id)
        .attribute("state", if contact.active { "active" } else { "terminated" })
        .attribute("event", &contact.event)
        .optional("expires", expires.as_deref())
        .optional("q", q.as_deref())
        .optional("callid", contact.last.as_ref().map(|(call_id, _)| call_id.as_str()))
        .optional("cseq", number.as_deref());
    xml.element("uri", &contact.uri);
    if let Some(display) = &contact.display {
        xml.element("display-name", display);
    }
    if let Some(gruu) = &contact.public_gruu {
        xml.start("pub-gruu").attribute("xmlns", GRUU).attribute("uri", gruu).end();
    }
    xml.end();
}

fn registration(node: roxmltree::Node<'_, '_>) -> Result<Registration, Error> {
    Ok(Registration {
        aor: need(node, "aor")?,
        id: need(node, "id")?,
        state: State::parse(&need(node, "state")?)?,
        contacts: children(node, "contact").map(contact).collect::<Result<_, _>>()?,
    })
}

fn contact(node: roxmltree::Node<'_, '_>) -> Result<ContactElement, Error> {
    let active = match need(node, "state")?.as_str() {
        "active" => true,
        "terminated" => false,
        _ => return Err(Error::Value("state")),
    };
    let number = |name| node.attribute(name).and_then(|value| value.parse::<u32>().ok());
    let q = node.attribute("q").and_then(|q| q.parse::<f32>().ok());
    Ok(ContactElement {
        id: need(node, "id")?,
        uri: text(node, "uri").ok_or(Error::Missing("uri"))?,
        active,
        event: need(node, "event")?,
        expires: number("expires"),
        q: q.filter(|q| (0.0..=1.0).contains(q)).map(|q| (q * 1000.0).round() as u16),
        last: node.attribute("callid").map(str::to_owned).zip(number("cseq")),
        display: text(node, "display-name"),
        public_gruu: children(node, "pub-gruu")
            .next()
            .and_then(|gruu| gruu.attribute("uri").map(str::to_owned)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the example of RFC 3680 §6.
    const EXAMPLE: &str = r#"<?xml version="1.0"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1" state="partial">
  <registration aor="sip:joe@example.com" id="a7" state="active">
    <contact id="76" state="active" event="registered" duration-registered="0" q="0.8"
             expires="3600" callid="1j9FpLxk3uxtm8tn@192.0.2.7" cseq="2">
      <uri>sip:joe@pc34.example.com</uri>
      <display-name>Joe</display-name>
      <pub-gruu xmlns="urn:ietf:params:xml:ns:gruuinfo" uri="sip:joe@example.com;gr=hha9s8d-999a"/>
      <unknown-param name="audio"/>
    </contact>
  </registration>
</reginfo>"#;

    #[test]
    fn a_document_survives_being_written() {
        let info = RegistrationInfo::parse(EXAMPLE.as_bytes()).unwrap();
        let contact = &info.registrations[0].contacts[0];
        assert_eq!((contact.q, contact.expires), (Some(800), Some(3600)));
        assert_eq!(contact.public_gruu.as_deref(), Some("sip:joe@example.com;gr=hha9s8d-999a"));
        assert_eq!(RegistrationInfo::parse(info.write().as_bytes()), Ok(info));
    }

    #[test]
    fn what_is_no_document() {
        let root = "<reginfo version='0' state='full'><registration aor='a' id='1' state='active'>";
        let contact = "<contact id='1' state='active' event='created'/>";
        let text = format!("{root}{contact}</registration></reginfo>");
        assert_eq!(RegistrationInfo::parse(text.as_bytes()), Err(Error::Missing("uri")));
        let odd = root.replace("'active'", "'odd'");
        let text = format!("{odd}</registration></reginfo>");
        assert_eq!(RegistrationInfo::parse(text.as_bytes()), Err(Error::Value("state")));
    }
}
