//! The letters' words.

use anyhow::{Context, Result};
use jiff::Timestamp;
use lettre::{
    Message,
    message::{Mailbox, header::ContentType},
};
use serde::Deserialize;

use crate::lead::Lead;

/// Who is responsible for leads, and writes to them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// What leads call them by.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their address, the sender of letters and where notices go.
    pub email: String,
    /// What stands below their letters.
    pub signature: String,
}

impl Person {
    /// Their name and address as mail has it.
    pub fn mailbox(&self) -> Result<Mailbox> {
        let address =
            self.email.parse().with_context(|| format!("{:?} is no address", self.email))?;
        Ok(Mailbox::new(Some(self.name.clone()), address))
    }
}

/// A letter with `{contact}`, `{lead}`, `{name}` and `{signature}` to be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// Six letters that serve when the configuration has none.
pub fn default_letters() -> Vec<Letter> {
    let letter = |subject: &str, body: &str| Letter {
        subject: subject.into(),
        body: format!("Dear {{contact}},\n\n{body}\n\n{{signature}}\n"),
    };
    vec![
        letter(
            "{lead}",
            "I am writing about \"{lead}\". Is there anything I can clear up for you?",
        ),
        letter(
            "{lead}: any questions?",
            "Have you had time to look at \"{lead}\"? I am glad to answer questions.",
        ),
        letter(
            "{lead}: a short call?",
            "Shall we speak about \"{lead}\" by telephone? Ten minutes are enough.",
        ),
        letter(
            "{lead}: still of interest?",
            "Is \"{lead}\" still of interest to you? A line is enough for me.",
        ),
        letter(
            "{lead}: shall I keep it open?",
            "I keep \"{lead}\" open for you. Please tell me whether I should.",
        ),
        letter(
            "{lead}: my last letter",
            "This is my last letter about \"{lead}\". Write or call whenever it suits you.",
        ),
    ]
}

impl Letter {
    /// The finished letter to a lead. `message_id` is the same at every try.
    pub fn write(
        &self,
        lead: &Lead,
        from: &Person,
        message_id: &str,
        now: Timestamp,
    ) -> Result<Message> {
        let fill = |text: &str| {
            text.replace("{contact}", &lead.data.contact)
                .replace("{lead}", &lead.data.title)
                .replace("{signature}", &from.signature)
                .replace("{name}", &from.name)
        };
        let address = lead
            .data
            .email
            .parse()
            .with_context(|| format!("{:?} is no address", lead.data.email))?;
        let to = Mailbox::new(Some(lead.data.contact.clone()), address);
        message(from, to, one_line(&fill(&self.subject)), fill(&self.body), message_id, now)
    }
}

/// Tells the responsible person that a letter went out.
pub fn notice(
    lead: &Lead,
    number: u32,
    to: &Person,
    message_id: &str,
    now: Timestamp,
) -> Result<Message> {
    let subject = format!("Letter {number} to {} was sent: {}", lead.data.contact, lead.data.title);
    let body = format!(
        "Letter {number} about \"{}\" was sent to {} <{}> in your name.\n",
        lead.data.title, lead.data.contact, lead.data.email
    );
    message(to, to.mailbox()?, one_line(&subject), body, message_id, now)
}

fn message(
    from: &Person,
    to: Mailbox,
    subject: String,
    body: String,
    message_id: &str,
    now: Timestamp,
) -> Result<Message> {
    Ok(Message::builder()
        .from(from.mailbox()?)
        .to(to)
        .subject(subject)
        .message_id(Some(message_id.into()))
        .date(std::time::SystemTime::from(now))
        .header(ContentType::TEXT_PLAIN)
        .body(body)?)
}

/// What a lead wrote into its title must not become headers.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
