//! The ACK for a 2xx, which is the user's and not the transaction's (RFC 3261 §13.2.2.4).

use core::time::Duration;

use bytes::Bytes;

use super::{Endpoint, Error, Noun};
use crate::dialog::{Dialog, DialogId};
use crate::flow::Flow;
use crate::header::ContentType;
use crate::transaction::ClientKey;
use crate::{HeaderName, Method, Request};

impl Endpoint {
    /// Sends the ACK for the 2xx that confirmed `dialog` or a re-INVITE in it (§13.2.2.4), with an
    /// answer in `body` (content type and content) when the 2xx carried an offer. The ACK is
    /// kept and repeated, byte for byte, for each repetition of the 2xx; calling this again
    /// repeats it too.
    ///
    /// # Errors
    ///
    /// The dialog is gone, or no 2xx waits for its ACK.
    pub fn ack(
        &mut self,
        now: Duration,
        dialog: DialogId,
        body: Option<(ContentType, Bytes)>,
    ) -> Result<(), Error> {
        // The ACK has no timer of its own; `now` keeps the face alike.
        let _ = now;
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        let ack = usage.ack.as_ref().ok_or(Error::NotAllowed("no 2xx waits for its ACK"))?;
        let (id, number) = (ack.client, ack.number);
        let client = self.clients.get(id.0);
        let transaction = client.and_then(|client| client.transaction);
        if let Some((flow, bytes)) = client.and_then(|client| client.fork(dialog)?.ack.as_ref()) {
            self.transactions.transmit(*flow, bytes.clone());
            return Ok(());
        }
        let flow = self.config.next_hop.of(&usage.dialog);
        let request = self.new_ack(&usage.dialog, number, transaction, body.clone());
        if let Some(body) = &body {
            self.described_in_ack(dialog, body);
        }
        let bytes = self.send_ack(request, flow);
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.turns.acknowledged();
            if let Some(ack) = &mut usage.ack {
                ack.sent = true;
            }
        }
        if let Some(fork) = self.clients.get_mut(id.0).and_then(|client| client.fork_mut(dialog)) {
            fork.ack = Some((flow, bytes));
        }
        Ok(())
    }

    /// The ACK for a 2xx to a re-INVITE whose dialog has ended meanwhile: its user has nothing to
    /// say any more, but the peer may wait for it.
    pub(super) fn ack_alone(
        &mut self,
        dialog: &Dialog,
        number: u32,
        transaction: ClientKey,
    ) -> (Flow, Bytes) {
        let request = self.new_ack(dialog, number, Some(transaction), None);
        let flow = self.config.next_hop.of(dialog);
        (flow, self.send_ack(request, flow))
    }

    fn new_ack(
        &self,
        dialog: &Dialog,
        number: u32,
        transaction: Option<ClientKey>,
        body: Option<(ContentType, Bytes)>,
    ) -> Request {
        let mut request = Request::new(Method::Ack, dialog.target().clone());
        dialog.address(&mut request, number);
        if let Some(invite) = transaction.and_then(|key| self.transactions.sent_invite(key)) {
            // An ACK cannot be challenged, so it carries what its INVITE was accepted with (§22.1).
            request.headers.copy(HeaderName::Authorization, &invite.headers);
            request.headers.copy(HeaderName::ProxyAuthorization, &invite.headers);
        }
        if let Some((content_type, body)) = body {
            request.headers.set(content_type);
            request.body = body;
        }
        request
    }

    fn send_ack(&mut self, request: Request, flow: Flow) -> Bytes {
        let sent_by = self.config.address.on(&flow);
        self.transactions.send_alone(request, flow, sent_by, &mut *self.random)
    }
}
