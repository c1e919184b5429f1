//! Session timers of the dialogs (RFC 4028). In force when `timer` is in
//! [`Config::supported`](super::Config::supported).

use core::time::Duration;

use super::client::{Cancel, Client};
use super::{ClientId, Endpoint, Event, Wake, within};
use crate::dialog::DialogId;
use crate::dialog::session_timer::{self, Agreed, Asked, Side};
use crate::header::{CSeq, MinSe, Reason, SessionExpires};
use crate::text::Token;
use crate::timer::TimerKey;
use crate::{HeaderName, Headers, Method, Request, Response, StatusCode};

/// How long a refresh waits that could not be sent.
const LATER: Duration = Duration::from_secs(2);

/// The session timer of a dialog.
#[derive(Debug)]
pub(super) struct Session {
    agreed: Agreed,
    refresh: Option<TimerKey>,
    expiry: TimerKey,
}

impl Endpoint {
    /// Writes into an INVITE or UPDATE what we ask for.
    pub(super) fn ask_session(&self, dialog: Option<DialogId>, request: &mut Request) {
        if !self.abilities.timer {
            return;
        }
        let usage = dialog.and_then(|dialog| self.dialogs.get(dialog.0));
        let agreed = usage.and_then(|usage| usage.session.as_ref()).map(|session| session.agreed);
        let min = usage.map_or(0, |usage| usage.min_se);
        session_timer::ask(&self.config.session_timer, agreed, min, &mut request.headers);
    }

    /// What an INVITE or UPDATE of the peer's asks for; the Min-SE of the 422 when that is too
    /// little.
    pub(super) fn session_asked(&self, request: &Request) -> Result<Option<Asked>, u32> {
        if !self.abilities.timer || !matches!(request.method, Method::Invite | Method::Update) {
            return Ok(None);
        }
        // What cannot be read asks for nothing.
        let asked = Asked::read(&request.headers).unwrap_or_default();
        match asked.too_brief(&self.config.session_timer) {
            Some(min) => Err(min),
            None => Ok(Some(asked)),
        }
    }

    /// Writes into our 2xx what we agree to.
    pub(super) fn agree_on_session(&self, asked: Asked, headers: &mut Headers) -> Option<Agreed> {
        if !headers.contains(HeaderName::SessionExpires) {
            let agreed = asked.agree(&self.config.session_timer);
            session_timer::answer(agreed, headers);
            return Some(agreed);
        }
        // Our user has its own mind. What is "ours" to the reader of a 2xx is the peer's to its writer.
        session_timer::agreed(headers).map(|agreed| Agreed {
            refresher: if agreed.refresher == Side::Ours { Side::Theirs } else { Side::Ours },
            ..agreed
        })
    }

    /// What the peer can do.
    pub(super) fn learn_methods(&mut self, dialog: DialogId, headers: &Headers) {
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.peer.learn(&self.abilities, headers);
        }
    }

    /// The peer's 2xx to our INVITE or UPDATE.
    pub(super) fn session_answered(&mut self, now: Duration, dialog: DialogId, headers: &Headers) {
        self.learn_methods(dialog, headers);
        if self.abilities.timer {
            self.begin_session(now, dialog, session_timer::agreed(headers));
        }
    }

    /// A refresh, or the beginning, of a session: the timers start anew.
    pub(super) fn begin_session(
        &mut self,
        now: Duration,
        dialog: DialogId,
        agreed: Option<Agreed>,
    ) {
        self.end_session(dialog);
        let Some(agreed) = agreed else { return };
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        let refresh = (agreed.refresher == Side::Ours)
            .then(|| self.timers.start(now + agreed.refresh_after(), Wake::Refresh(dialog)));
        let expiry = self.timers.start(now + agreed.expire_after(), Wake::Expire(dialog));
        usage.session = Some(Box::new(Session { agreed, refresh, expiry }));
    }

    /// Stops the timers of a session.
    pub(super) fn end_session(&mut self, dialog: DialogId) {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        if let Some(session) = usage.session.take() {
            self.stop_session(*session);
        }
    }

    pub(super) fn stop_session(&mut self, session: Session) {
        self.timers.stop(session.expiry);
        if let Some(refresh) = session.refresh {
            self.timers.stop(refresh);
        }
    }

    /// Half the interval is over and the refresh is ours: UPDATE where the peer takes it, else a
    /// re-INVITE that says what we said before. Without that the user is asked, who knows the
    /// session.
    pub(super) fn refresh_session(&mut self, now: Duration, dialog: DialogId) {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        if let Some(session) = &mut usage.session {
            session.refresh = None;
        }
        if usage.bye.is_some() {
            return;
        }
        let request = match usage.peer.update {
            true => Some(within(Method::Update)),
            false => usage.described.as_ref().map(|described| described.repeat()),
        };
        let Some(request) = request else {
            self.events.push_back(Event::SessionRefreshDue { dialog });
            return;
        };
        let mut client = Client::new(request.method.clone(), Some(dialog));
        client.own = true;
        // An INVITE in progress refreshes the session itself, unless it fails.
        if self.request_as(now, dialog, request, client).is_err() {
            self.refresh_later(now + LATER, dialog);
        }
    }

    fn refresh_later(&mut self, deadline: Duration, dialog: DialogId) {
        let usage = self.dialogs.get_mut(dialog.0);
        if let Some(session) = usage.and_then(|usage| usage.session.as_mut()) {
            let refresh = self.timers.start(deadline, Wake::Refresh(dialog));
            if let Some(before) = session.refresh.replace(refresh) {
                self.timers.stop(before);
            }
        }
    }

    /// Nobody has refreshed the session: it is given up (§10).
    pub(super) fn expire_session(&mut self, now: Duration, dialog: DialogId) {
        self.end_session(dialog);
        if self.dialogs.get(dialog.0).is_none_or(|usage| usage.bye.is_some()) {
            return;
        }
        let mut request = within(Method::Bye);
        let why = Reason::with_cause(Token::from_static("SIP"), 408, "Session expired");
        request.headers.push(why);
        let bye = self.request_in(now, dialog, request).ok();
        if bye.is_none() {
            self.remove_dialog(now, dialog);
        }
        self.events.push_back(Event::SessionExpired { dialog, bye });
    }

    /// Our own refresh has its outcome.
    pub(super) fn refreshed(
        &mut self,
        now: Duration,
        dialog: DialogId,
        method: &Method,
        status: StatusCode,
    ) {
        match status {
            StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT => {
                self.expire_session(now, dialog);
            }
            StatusCode::REQUEST_PENDING | StatusCode::SERVER_INTERNAL_ERROR => {
                let delay = self.glare_delay(dialog);
                self.refresh_later(now + delay, dialog);
            }
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
                if *method == Method::Update =>
            {
                if let Some(usage) = self.dialogs.get_mut(dialog.0) {
                    usage.peer.update = false;
                    self.refresh_session(now, dialog);
                }
            }
            // Expiry decides.
            _ => {}
        }
    }

    /// Sends a request again that was answered 422, with the interval that the response names
    /// (§7.3); `false` when it may not be.
    pub(super) fn try_again(&mut self, now: Duration, id: ClientId, response: &Response) -> bool {
        let Ok(Some(min)) = response.headers.typed::<MinSe>() else { return false };
        let Some(client) = self.clients.get_mut(id.0) else { return false };
        if client.cancel != Cancel::No {
            return false;
        }
        let (Some(mut request), Some(key)) = (client.again.take(), client.transaction) else {
            return false;
        };
        let asked = request.headers.typed::<SessionExpires>().ok().flatten();
        // A 422 that asks for no more than it was given would go on for ever.
        if asked.is_none_or(|asked| asked.seconds >= min.seconds) {
            return false;
        }
        request.headers.remove(HeaderName::SessionExpires);
        request.headers.remove(HeaderName::MinSe);
        let (dialog, own) = (client.dialog, client.own);
        if let Some(dialog) = dialog {
            if let Some(usage) = self.dialogs.get_mut(dialog.0) {
                usage.min_se = usage.min_se.max(min.seconds);
            }
            return self.begin_again(now, id, dialog, *request, own).is_ok();
        }
        let Some(flow) = self.transactions.client_flow(key) else { return false };
        let settings = &self.config.session_timer;
        session_timer::ask(settings, None, min.seconds, &mut request.headers);
        if let Ok(cseq) = request.headers.require::<CSeq>() {
            request.headers.set(CSeq::new((cseq.number + 1) & 0x7fff_ffff, cseq.method));
        }
        self.end_early_forks(now, id);
        self.start_again(now, id, *request, flow)
    }
}
