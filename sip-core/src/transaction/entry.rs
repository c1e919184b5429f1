//! One client or server transaction: its machine, its timers and what it keeps.

use core::time::Duration;

use bytes::Bytes;

use super::key::ServerTag;
use super::make::derived;
use super::{
    Action, Timer, Timing, invite_client, invite_server, non_invite_client, non_invite_server,
};
use crate::flow::Flow;
use crate::header::To;
use crate::slab::Key;
use crate::timer::{TimerKey, Wheel};
use crate::{Method, Request, Response, StatusCode};

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Client(Key),
    Server(Key),
}

#[derive(Debug)]
pub(super) struct Client<C> {
    pub(super) state: ClientState,
    pub(super) flow: Flow,
    pub(super) branch: u128,
    pub(super) cancels: bool,
    pub(super) request: Bytes,
    /// The INVITE, until its final response: what ACK and CANCEL are made from.
    pub(super) invite: Option<Box<Request>>,
    pub(super) ack: Bytes,
    pub(super) clock: Clock,
    pub(super) user: C,
}

#[derive(Debug)]
pub(super) struct Server<S> {
    pub(super) state: ServerState,
    pub(super) tag: ServerTag,
    /// The keyed hash of the tag.
    pub(super) hash: u64,
    pub(super) flow: Flow,
    /// Where a stream's response goes when its connection is lost (§18.2.2).
    pub(super) fallback_port: u16,
    /// The last response; of a non-INVITE request without one, the 100 that it may come to.
    pub(super) response: Bytes,
    /// The INVITE, until its final response: what the first responses are made from.
    pub(super) invite: Option<Box<Request>>,
    pub(super) clock: Clock,
    pub(super) user: S,
}

/// A transaction's two running timers: the one that repeats and the one that ends a state.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub(super) repeats: Option<TimerKey>,
    pub(super) ends: Option<TimerKey>,
    pub(super) count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientState {
    Invite(invite_client::State),
    NonInvite(non_invite_client::State),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ServerState {
    Invite(invite_server::State),
    NonInvite(non_invite_server::State),
}

/// What happened, before a machine gives it its own name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stimulus {
    Request,
    Ack,
    Response(StatusCode),
    Fired(Timer),
    TransportError,
}

impl<C> Client<C> {
    pub(super) fn new(
        flow: Flow,
        branch: u128,
        request: Bytes,
        invite: Option<Box<Request>>,
        user: C,
    ) -> Self {
        let state = match &invite {
            Some(_) => ClientState::Invite(invite_client::State::Calling),
            None => ClientState::NonInvite(non_invite_client::State::Trying),
        };
        Self {
            state,
            flow,
            branch,
            cancels: false,
            request,
            invite,
            ack: Bytes::new(),
            clock: Clock::default(),
            user,
        }
    }

    /// Makes the ACK for a final response other than 2xx (§17.1.1.3); one and the same for all its
    /// repetitions.
    pub(super) fn acknowledge(&mut self, response: Option<&Response>) {
        let Some(invite) = self.invite.take() else { return };
        let to = response.and_then(|response| response.headers.require::<To>().ok());
        if let Some(ack) = derived(&invite, Method::Ack, to) {
            self.ack = ack.to_bytes();
        }
    }
}

impl<S> Server<S> {
    /// Makes the 100 to an INVITE without a response.
    pub(super) fn try_on(&mut self) {
        if let (true, Some(invite)) = (self.response.is_empty(), &self.invite) {
            self.response = Response::trying(invite, || Timing::TRYING);
        }
    }

    /// The last response, empty when none was sent.
    pub(super) fn sent(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        match self.state {
            ServerState::NonInvite(non_invite_server::State::Trying) => &NONE,
            _ => &self.response,
        }
    }
}

impl Clock {
    pub(super) fn slot(&mut self, timer: Timer) -> &mut Option<TimerKey> {
        match timer {
            Timer::A | Timer::E | Timer::G | Timer::Trying => &mut self.repeats,
            _ => &mut self.ends,
        }
    }

    pub(super) fn start(
        &mut self,
        timers: &mut Wheel<(Side, Timer)>,
        side: Side,
        timer: Timer,
        until: Option<Duration>,
    ) {
        self.stop(timers, timer);
        if matches!(timer, Timer::A | Timer::E | Timer::G) {
            self.count += 1;
        }
        *self.slot(timer) = until.map(|until| timers.start(until, (side, timer)));
    }

    pub(super) fn stop(&mut self, timers: &mut Wheel<(Side, Timer)>, timer: Timer) {
        if let Some(key) = self.slot(timer).take() {
            timers.stop(key);
        }
    }

    pub(super) fn stop_all(&mut self, timers: &mut Wheel<(Side, Timer)>) {
        self.stop(timers, Timer::A);
        self.stop(timers, Timer::B);
    }
}

impl ClientState {
    /// `None` when the stimulus is none that this machine knows.
    pub(super) fn on(self, stimulus: Stimulus) -> Option<(Self, &'static [Action])> {
        match self {
            Self::Invite(state) => {
                use invite_client::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(status) if status.is_success() => Event::Success,
                    Stimulus::Response(_) => Event::Failure,
                    Stimulus::Fired(Timer::A) => Event::TimerA,
                    Stimulus::Fired(Timer::B) => Event::TimerB,
                    Stimulus::Fired(Timer::D) => Event::TimerD,
                    Stimulus::Fired(Timer::M) => Event::TimerM,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::Invite(next), actions))
            }
            Self::NonInvite(state) => {
                use non_invite_client::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(_) => Event::Final,
                    Stimulus::Fired(Timer::E) => Event::TimerE,
                    Stimulus::Fired(Timer::F) => Event::TimerF,
                    Stimulus::Fired(Timer::K) => Event::TimerK,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::NonInvite(next), actions))
            }
        }
    }

    /// Whether the request may have to be sent again.
    pub(super) fn repeats(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_client::State::Calling)
                | Self::NonInvite(
                    non_invite_client::State::Trying | non_invite_client::State::Proceeding
                )
        )
    }

    pub(super) fn is_terminated(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_client::State::Terminated)
                | Self::NonInvite(non_invite_client::State::Terminated)
        )
    }
}

impl ServerState {
    /// `None` when the stimulus is none that this machine knows.
    pub(super) fn on(self, stimulus: Stimulus) -> Option<(Self, &'static [Action])> {
        match self {
            Self::Invite(state) => {
                use invite_server::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Request => Event::Invite,
                    Stimulus::Ack => Event::Ack,
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(status) if status.is_success() => Event::Success,
                    Stimulus::Response(_) => Event::Failure,
                    Stimulus::Fired(Timer::Trying) => Event::TimerTrying,
                    Stimulus::Fired(Timer::G) => Event::TimerG,
                    Stimulus::Fired(Timer::H) => Event::TimerH,
                    Stimulus::Fired(Timer::I) => Event::TimerI,
                    Stimulus::Fired(Timer::L) => Event::TimerL,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::Invite(next), actions))
            }
            Self::NonInvite(state) => {
                use non_invite_server::Event;
                let (next, actions) = state.on(match stimulus {
                    Stimulus::Request => Event::Request,
                    Stimulus::Response(status) if status.is_provisional() => Event::Provisional,
                    Stimulus::Response(_) => Event::Final,
                    Stimulus::Fired(Timer::J) => Event::TimerJ,
                    Stimulus::Fired(Timer::LateTrying) => Event::TimerLateTrying,
                    Stimulus::Fired(Timer::Unanswered) => Event::TimerUnanswered,
                    Stimulus::TransportError => Event::TransportError,
                    _ => return None,
                });
                Some((Self::NonInvite(next), actions))
            }
        }
    }

    /// Whether a response of this status may be sent now.
    pub(super) fn takes(self, status: StatusCode, reliable: bool) -> bool {
        match self {
            Self::Invite(invite_server::State::Proceeding) => true,
            Self::Invite(invite_server::State::Accepted) => status.is_success(),
            Self::Invite(_) => false,
            Self::NonInvite(state) => state.takes(status, reliable),
        }
    }

    /// Whether the response may have to be sent again by the transaction; a 2xx to an INVITE is
    /// its user's to repeat.
    pub(super) fn repeats(self) -> bool {
        !matches!(
            self,
            Self::Invite(invite_server::State::Accepted | invite_server::State::Confirmed)
        )
    }

    pub(super) fn is_terminated(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_server::State::Terminated)
                | Self::NonInvite(non_invite_server::State::Terminated)
        )
    }
}
