//! Who hears whom: answers and offers towards the caller, and commands to the media machine.

use std::time::Duration;

use sip_core::header::ContentType;
use sip_core::{Response, StatusCode};

use super::reach::Reach;
use super::{Event, Exchange};
use crate::call::{CallId, CallState, Cause, Hearing, LegId, LegState};
use crate::media::{Command, Event as MediaEvent};
use crate::record::EndedBy;

impl Exchange {
    pub(super) fn on_media(&mut self, now: Duration, event: MediaEvent) {
        match event {
            MediaEvent::Digit { port, digit, duration } => {
                let Some(leg) = self.by_port.get(&port).and_then(|id| self.legs.get(id)) else {
                    return;
                };
                let (call, by) = (leg.call, leg.party.clone());
                self.emit(Event::Digit { call, by, digit, duration });
            }
            MediaEvent::Played { port, .. } => {
                let Some(leg) = self.by_port.get(&port).and_then(|id| self.legs.get_mut(id)) else {
                    return;
                };
                if matches!(leg.hearing, Hearing::Audio(_)) {
                    leg.hearing = Hearing::Nothing;
                    let call = leg.call;
                    self.emit(Event::Played { call });
                }
            }
            MediaEvent::Silence { port, .. } => {
                let Some(leg) = self.by_port.get(&port).and_then(|id| self.legs.get(id)) else {
                    return;
                };
                let call = leg.call;
                self.end(now, call, Cause::NETWORK_OUT_OF_ORDER, EndedBy::Exchange, 408);
            }
            MediaEvent::Closed { port, statistics } => self.on_closed(now, port, statistics),
            _ => {}
        }
    }

    /// Answers the caller's INVITE with 200. Where `like` names a leg, its codec is preferred, so
    /// that nothing has to be transcoded.
    pub(super) fn answer_caller(&mut self, now: Duration, id: CallId, like: Option<LegId>) {
        let preferred = like
            .and_then(|id| self.legs.get(&id))
            .and_then(|leg| leg.session.negotiated().cloned());
        let time = self.wall_clock(now);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let caller = call.caller;
        let Some(leg) = self.legs.get_mut(&caller) else { return };
        let Some((server, request)) = leg.invite.take() else { return };
        let body = if leg.awaits_answer {
            Ok(leg.session.offer())
        } else {
            leg.session.answer(preferred.as_ref())
        };
        let Ok(body) = body else {
            leg.invite = Some((server, request));
            return self.end(now, id, Cause::INCOMPATIBLE_DESTINATION, EndedBy::Exchange, 488);
        };
        let mut response = Response::to(&request, StatusCode::OK);
        response.headers.set(ContentType::sdp());
        response.body = body;
        self.by_server.remove(&server);
        match self.endpoint.respond(now, server, response) {
            Ok(Some(dialog)) => {
                leg.state = LegState::Answered;
                leg.dialog = Some(dialog);
                self.by_dialog.insert(dialog, caller);
                call.draft.answered.get_or_insert(time);
                call.draft.status = Some(200);
                if !leg.awaits_answer {
                    self.open_media(caller);
                }
            }
            // The INVITE is gone: its CANCEL came first.
            _ => {
                self.signalling_done(caller);
                self.end(now, id, Cause::NORMAL_CLEARING, EndedBy::Caller, 487);
            }
        }
    }

    /// Tells the caller of ringing without media.
    pub(super) fn pass_provisional(&mut self, now: Duration, caller: LegId, status: StatusCode) {
        let Some(leg) = self.legs.get_mut(&caller) else { return };
        let Some((server, request)) = &leg.invite else { return };
        if leg.provisional == status.code() {
            return;
        }
        leg.provisional = status.code();
        if let Ok(Some(dialog)) = self.endpoint.respond(now, *server, Response::to(request, status))
        {
            self.by_dialog.insert(dialog, caller);
            leg.dialog = Some(dialog);
        }
    }

    /// Lets the caller hear what the called side already sends (RFC 3960 §3, gateway model).
    pub(super) fn early_answer(&mut self, now: Duration, caller: LegId, from: LegId) {
        let preferred = self.legs.get(&from).and_then(|leg| leg.session.negotiated().cloned());
        let Some(leg) = self.legs.get_mut(&caller) else { return };
        let Some((server, request)) = &leg.invite else { return };
        let Ok(body) = leg.session.answer(preferred.as_ref()) else { return };
        let mut response = Response::to(request, StatusCode::SESSION_PROGRESS);
        response.headers.set(ContentType::sdp());
        response.body = body;
        leg.provisional = 183;
        if let Ok(Some(dialog)) = self.endpoint.respond(now, *server, response) {
            self.by_dialog.insert(dialog, caller);
            leg.dialog = Some(dialog);
        }
        self.open_media(caller);
    }

    /// Starts a leg's stream, or changes it to what the last offer and answer agreed on.
    pub(super) fn open_media(&mut self, id: LegId) {
        let silence = self.settings.silence_limit;
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (Some(port), false) = (leg.port, leg.closing) else { return };
        let from = leg.flow.remote.ip();
        let Some(mut stream) = leg.session.stream(Some(from), silence) else { return };
        if let Some(remote) = stream.remote {
            match self.settings.media_networks.reach(remote.ip(), from) {
                Reach::Free => {}
                Reach::Heard => stream.sends_first = false,
                // As if it had named none.
                Reach::Never => stream.remote = None,
            }
        }
        let first = !std::mem::replace(&mut leg.open, true);
        self.media.push_back(Command::Open { port: port.id, stream });
        if first {
            self.apply_hearing(id);
        }
    }

    /// Joins two legs, as soon as both have a stream.
    pub(super) fn let_hear_each_other(&mut self, a: LegId, b: LegId) {
        for (one, other) in [(a, b), (b, a)] {
            if let Some(leg) = self.legs.get_mut(&one) {
                leg.hearing = Hearing::Leg(other);
            }
        }
        self.apply_hearing(a);
    }

    pub(super) fn let_caller_hear(&mut self, id: CallId, hearing: Hearing) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.state == CallState::Service {
            self.let_hear(call.caller, hearing);
        }
    }

    pub(super) fn let_hear(&mut self, id: LegId, hearing: Hearing) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.hearing = hearing;
            self.apply_hearing(id);
        }
    }

    fn apply_hearing(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let (Some(port), true, false) = (leg.port, leg.open, leg.closing) else { return };
        let command = match &leg.hearing {
            Hearing::Nothing => Command::Idle { port: port.id },
            Hearing::Echo => Command::Echo { port: port.id },
            Hearing::Audio(audio) => {
                Command::Play { port: port.id, audio: audio.clone(), token: id.0 }
            }
            Hearing::Leg(other) => {
                let Some(other) = self.legs.get(other).filter(|leg| leg.open && !leg.closing)
                else {
                    return;
                };
                let Some(b) = other.port else { return };
                Command::Bridge { a: port.id, b: b.id }
            }
        };
        self.media.push_back(command);
    }

    /// Ends a leg's stream. Its port comes back when the media machine says so.
    pub(super) fn close_port(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(port) = leg.port else { return };
        if std::mem::replace(&mut leg.closing, true) {
            return;
        }
        if leg.open {
            self.media.push_back(Command::Close { port: port.id });
        } else {
            // The media machine never heard of it.
            leg.port = None;
            self.by_port.remove(&port.id);
            self.ports.give_back(port);
        }
    }
}
