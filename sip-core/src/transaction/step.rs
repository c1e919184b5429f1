//! How transactions move: a stimulus goes into the machine, and what that asks for is done.

use core::time::Duration;

use bytes::Bytes;

use super::entry::{ClientState, Side, Stimulus};
use super::non_invite_client;
use super::{Action, ClientKey, Failure, Outcome, ServerKey, Timer, Transactions};
use crate::Response;
use crate::flow::Transmit;

impl<C, S> Transactions<C, S> {
    /// Moves a client transaction; says whether its user is to see the response.
    pub(super) fn client_step(
        &mut self,
        now: Duration,
        key: ClientKey,
        stimulus: Stimulus,
        response: Option<&Response>,
    ) -> bool {
        let Some(client) = self.clients.get_mut(key.0) else { return false };
        let Some((state, actions)) = client.state.on(stimulus) else { return false };
        client.state = state;
        if !state.repeats() {
            client.request = Bytes::new();
        }
        self.client_acts(now, key, actions, response);
        if state.is_terminated() {
            let failure =
                actions.contains(&Action::Fail).then(|| self.client_failure(key, stimulus));
            self.end_client(key, failure.flatten());
        }
        actions.contains(&Action::Deliver)
    }

    pub(super) fn client_acts(
        &mut self,
        now: Duration,
        key: ClientKey,
        actions: &[Action],
        response: Option<&Response>,
    ) {
        for action in actions {
            let Some(client) = self.clients.get_mut(key.0) else { return };
            match action {
                Action::Send => {
                    let (flow, bytes) = (client.flow, client.request.clone());
                    self.transmit(flow, bytes);
                }
                Action::SendAck => {
                    client.acknowledge(response);
                    let (flow, bytes) = (client.flow, client.ack.clone());
                    self.transmit(flow, bytes);
                }
                Action::Start(timer) => {
                    let proceeding = client.state
                        == ClientState::NonInvite(non_invite_client::State::Proceeding);
                    let reliable = client.flow.is_reliable();
                    client.clock.start(
                        &mut self.timers,
                        Side::Client(key.0),
                        *timer,
                        self.timing
                            .duration(*timer, client.clock.count, reliable, proceeding)
                            .map(|after| self.timing.deadline(*timer, now, after)),
                    );
                }
                Action::Stop(timer) => client.clock.stop(&mut self.timers, *timer),
                Action::Deliver | Action::Fail | Action::Report | Action::SendTrying => {}
            }
        }
    }

    pub(super) fn client_failure(&self, key: ClientKey, stimulus: Stimulus) -> Option<Failure> {
        match stimulus {
            Stimulus::TransportError => {
                self.clients.get(key.0).map(|client| Failure::Transport(client.flow))
            }
            _ => Some(Failure::Timeout),
        }
    }

    pub(super) fn end_client(&mut self, key: ClientKey, failure: Option<Failure>) {
        let Some(mut client) = self.clients.remove(key.0) else { return };
        client.clock.stop_all(&mut self.timers);
        self.client_keys.remove(&(client.branch, client.cancels));
        self.outcomes.push_back(Outcome::ClientEnded { key, user: client.user, failure });
    }

    /// Moves a server transaction; says whether its user is to see the ACK.
    pub(super) fn server_step(
        &mut self,
        now: Duration,
        key: ServerKey,
        stimulus: Stimulus,
    ) -> bool {
        let Some(server) = self.servers.get_mut(key.0) else { return false };
        let flow = server.flow;
        let Some((state, actions)) = server.state.on(stimulus) else { return false };
        server.state = state;
        self.server_acts(now, key, actions);
        if !state.repeats()
            && let Some(server) = self.servers.get_mut(key.0)
        {
            server.response = Bytes::new();
        }
        let failure = match stimulus {
            Stimulus::TransportError => Failure::Transport(flow),
            Stimulus::Fired(Timer::Unanswered) => Failure::Unanswered,
            _ => Failure::Timeout,
        };
        if actions.contains(&Action::Report) {
            self.outcomes.push_back(Outcome::ServerTrouble { key, failure });
        }
        if state.is_terminated() {
            self.end_server(key, actions.contains(&Action::Fail).then_some(failure));
        }
        actions.contains(&Action::Deliver)
    }

    pub(super) fn server_acts(&mut self, now: Duration, key: ServerKey, actions: &[Action]) {
        let Some(server) = self.servers.get_mut(key.0) else { return };
        for action in actions {
            match action {
                Action::Send | Action::SendTrying => {
                    if *action == Action::SendTrying {
                        server.try_on();
                    }
                    let (flow, bytes) = (server.flow, &server.response);
                    if !bytes.is_empty() {
                        // As transmit() does, which would borrow the whole layer.
                        if self.transmits.len() < self.tables.transmits {
                            self.transmits.push_back(Transmit { flow, bytes: bytes.clone() });
                        } else {
                            self.dropped += 1;
                        }
                    }
                }
                Action::Start(timer) => {
                    let reliable = server.flow.is_reliable();
                    server.clock.start(
                        &mut self.timers,
                        Side::Server(key.0),
                        *timer,
                        self.timing
                            .duration(*timer, server.clock.count, reliable, false)
                            .map(|after| self.timing.deadline(*timer, now, after)),
                    );
                }
                Action::Stop(timer) => server.clock.stop(&mut self.timers, *timer),
                Action::Deliver | Action::Fail | Action::Report | Action::SendAck => {}
            }
        }
    }

    /// Ends a server transaction at once; its [`Outcome`] follows.
    pub(crate) fn end_server(&mut self, key: ServerKey, failure: Option<Failure>) {
        let Some(mut server) = self.servers.remove(key.0) else { return };
        server.clock.stop_all(&mut self.timers);
        self.server_keys.remove(&server.hash);
        self.outcomes.push_back(Outcome::ServerEnded { key, user: server.user, failure });
    }
}
