//! What we have last said of the session in a dialog: a refresh by re-INVITE repeats it (RFC 4028
//! §7.4).

use bytes::Bytes;

use super::{Endpoint, within};
use crate::dialog::DialogId;
use crate::header::ContentType;
use crate::{Headers, Method, Request};

/// A session description of ours.
#[derive(Clone, Debug)]
pub(super) struct Description {
    kind: ContentType,
    body: Bytes,
}

impl Description {
    /// What a message carries. A multipart body says more than a refresh should repeat.
    fn of(headers: &Headers, body: &Bytes) -> Option<Self> {
        if body.is_empty() {
            return None;
        }
        Self::new(headers.typed::<ContentType>().ok()??, body.clone())
    }

    fn new(kind: ContentType, body: Bytes) -> Option<Self> {
        kind.0.is("application", "sdp").then_some(Self { kind, body })
    }

    /// The re-INVITE that offers it once more.
    pub(super) fn repeat(&self) -> Request {
        let mut request = within(Method::Invite);
        request.headers.push(self.kind.clone());
        request.body = self.body.clone();
        request
    }
}

impl Endpoint {
    /// What a request of ours would leave behind if it succeeds.
    pub(super) fn description(&self, headers: &Headers, body: &Bytes) -> Option<Box<Description>> {
        if !self.repeats_descriptions() {
            return None;
        }
        Description::of(headers, body).map(Box::new)
    }

    /// A message of ours that cannot be refused was sent, or one that could be was not.
    pub(super) fn described(&mut self, dialog: DialogId, description: Option<Box<Description>>) {
        if description.is_some()
            && let Some(usage) = self.dialogs.get_mut(dialog.0)
        {
            usage.described = description;
        }
    }

    /// The same for the body of an ACK.
    pub(super) fn described_in_ack(&mut self, dialog: DialogId, body: &(ContentType, Bytes)) {
        if self.repeats_descriptions() {
            let description = Description::new(body.0.clone(), body.1.clone());
            self.described(dialog, description.map(Box::new));
        }
    }

    fn repeats_descriptions(&self) -> bool {
        self.abilities.timer && self.config.session_timer.re_invite
    }
}
