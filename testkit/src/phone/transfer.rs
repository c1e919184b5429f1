//! Transfers: two calls at once, REFER, and what is heard of it.

use std::time::Duration;

use sip_core::auth::client::Credentials;
use sip_core::dialog::{DialogId, transfer};
use sip_core::endpoint::{Ended, SubscriptionId, within};
use sip_core::header::{NameAddr, ReferSub, ReferTo};
use sip_core::{Method, Request};

use super::{Call, Phone, Seen};

impl Phone {
    /// Puts the call aside and takes the one that was aside; it is for the script to hold and to resume.
    pub fn swap(&mut self) {
        std::mem::swap(&mut self.call, &mut self.aside);
    }

    /// The dialog of its call.
    pub fn dialog(&self) -> Option<DialogId> {
        self.call.as_ref()?.dialog
    }

    /// Transfers the other party of its call to a number of its exchange.
    pub fn transfer(&mut self, now: Duration, number: &str) {
        let uri = self.uri(number).to_string();
        self.refer(now, &uri);
    }

    /// Transfers the other party of its call to any URI.
    ///
    /// # Panics
    ///
    /// When `uri` is none.
    pub fn refer(&mut self, now: Duration, uri: &str) {
        let mut request = within(Method::Refer);
        let address = NameAddr::parse(format!("<{uri}>")).expect("a URI");
        request.headers.push(ReferTo(address));
        self.send_refer(now, self.dialog(), request);
    }

    /// The same without reports (RFC 4488).
    pub fn transfer_in_silence(&mut self, now: Duration, number: &str) {
        let mut request = within(Method::Refer);
        request.headers.push(ReferTo(NameAddr::new(self.uri(number))));
        request.headers.push(ReferSub::new(false));
        self.send_refer(now, self.dialog(), request);
    }

    /// Transfers the party of the call aside to that of its call (RFC 5589 §7).
    pub fn transfer_to_consultation(&mut self, now: Duration) {
        let aside = self.aside.as_ref().and_then(|call| call.dialog);
        let Some(consultation) = self.dialog().and_then(|dialog| self.endpoint.dialog(dialog))
        else {
            return;
        };
        let mut request = within(Method::Refer);
        request.headers.push(transfer::refer_to(consultation).expect("a SIP URI"));
        self.send_refer(now, aside, request);
    }

    /// Transfers the party of the call aside to the one that its call still rings.
    pub fn transfer_to_ringing(&mut self, now: Duration) {
        let early = self.call.as_mut().map(|call| (call.dialog, call.ringing));
        if let (Some(call), Some((None, ringing))) = (&mut self.call, early) {
            call.dialog = ringing;
        }
        self.transfer_to_consultation(now);
        if let (Some(call), Some((dialog, _))) = (&mut self.call, early) {
            call.dialog = dialog;
        }
    }

    /// What Refer-To would say to name its call.
    ///
    /// # Panics
    ///
    /// Without a call.
    pub fn reference_to_call(&self) -> String {
        let dialog = self.dialog().and_then(|dialog| self.endpoint.dialog(dialog));
        let ReferTo(address) = dialog.and_then(transfer::refer_to).expect("a call");
        address.uri.to_string()
    }

    fn send_refer(&mut self, now: Duration, dialog: Option<DialogId>, request: Request) {
        let Some(dialog) = dialog else { return };
        if let Ok(id) = self.endpoint.refer_in(now, dialog, request.clone()) {
            self.referring = Some((id, dialog, request));
        }
    }

    /// The call in a dialog, aside or not.
    pub(super) fn call_in(&mut self, dialog: DialogId) -> Option<&mut Call> {
        let calls = [&mut self.call, &mut self.aside];
        calls.into_iter().flatten().find(|call| call.dialog == Some(dialog))
    }

    pub(super) fn on_report(&mut self, now: Duration, request: &Request) {
        let line = String::from_utf8_lossy(&request.body);
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        if let Some(status) = status {
            self.note(now, Seen::Reported(status));
        }
    }

    pub(super) fn on_referral_ended(&mut self, now: Duration, id: SubscriptionId, why: Ended) {
        let Some((_, dialog, mut request)) = self.referring.take_if(|known| known.0 == id) else {
            return;
        };
        let Ended::Refused(response) = why else { return };
        let credentials = Credentials::new(&self.settings.number, &self.settings.password);
        if response.status.code() == 401
            && credentials.authorize(&mut request, &response, &mut self.random).is_ok()
        {
            return self.send_refer(now, Some(dialog), request);
        }
        self.note(now, Seen::ReferRefused(response.status.code()));
    }
}
