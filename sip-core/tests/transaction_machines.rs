//! The four transaction machines against the figures of RFC 3261 §17 and RFC 6026, state by event.
//!
//! Each figure is written down here arrow by arrow, by hand and apart from the code: what the
//! transaction does as the figure words it. Whatever the figure does not draw must change nothing.

use core::fmt::Debug;

use sip_core::StatusCode;
use sip_core::transaction::{
    Action, Timer, invite_client, invite_server, non_invite_client, non_invite_server,
};

/// What an arrow of a figure says apart from timers: which machines they start and stop follows
/// from the text of §17 and is checked below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    Send,
    SendAck,
    SendTrying,
    ToUser,
    InformUser,
}
use Says::*;

fn says(actions: &[Action]) -> Vec<Says> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send => Some(Send),
            Action::SendAck => Some(SendAck),
            Action::SendTrying => Some(SendTrying),
            Action::Deliver => Some(ToUser),
            Action::Fail | Action::Report => Some(InformUser),
            Action::Start(_) | Action::Stop(_) => None,
        })
        .collect()
}

fn timers(actions: &[Action]) -> Vec<Action> {
    actions
        .iter()
        .copied()
        .filter(|action| matches!(action, Action::Start(_) | Action::Stop(_)))
        .collect()
}

type Arrow<S, E> = (S, E, S, &'static [Says]);

/// Compares a machine with its figure over every pair of state and event.
fn compare<S: Copy + PartialEq + Debug, E: Copy + PartialEq + Debug>(
    states: &[S],
    events: &[E],
    figure: &[Arrow<S, E>],
    machine: impl Fn(S, E) -> (S, &'static [Action]),
) {
    let mut drawn = 0;
    for state in states {
        for event in events {
            let arrows: Vec<_> =
                figure.iter().filter(|arrow| arrow.0 == *state && arrow.1 == *event).collect();
            assert!(arrows.len() <= 1, "{state:?} {event:?} is drawn twice");
            let (next, actions) = machine(*state, *event);
            match arrows.first() {
                Some((_, _, expected, words)) => {
                    drawn += 1;
                    assert_eq!(next, *expected, "{state:?} on {event:?}");
                    assert_eq!(says(actions), *words, "{state:?} on {event:?}");
                }
                None => {
                    assert_eq!(next, *state, "{state:?} on {event:?} is not drawn");
                    assert!(actions.is_empty(), "{state:?} on {event:?} is not drawn");
                }
            }
        }
    }
    assert_eq!(drawn, figure.len(), "an arrow names a state or event that is not listed");
}

/// RFC 6026 §8.4, replacing figure 5 of RFC 3261.
#[test]
fn invite_client_transaction() {
    use invite_client::Event::*;
    use invite_client::State::{self, *};
    compare(
        &State::ALL,
        &invite_client::Event::ALL,
        &[
            (Calling, TimerA, Calling, &[Send]),
            (Calling, TimerB, Terminated, &[InformUser]),
            (Calling, TransportError, Terminated, &[InformUser]),
            (Calling, Provisional, Proceeding, &[ToUser]),
            (Calling, Success, Accepted, &[ToUser]),
            (Calling, Failure, Completed, &[SendAck, ToUser]),
            (Proceeding, Provisional, Proceeding, &[ToUser]),
            (Proceeding, Success, Accepted, &[ToUser]),
            (Proceeding, Failure, Completed, &[SendAck, ToUser]),
            (Completed, Failure, Completed, &[SendAck]),
            (Completed, TransportError, Terminated, &[InformUser]),
            (Completed, TimerD, Terminated, &[]),
            (Accepted, Success, Accepted, &[ToUser]),
            (Accepted, TimerM, Terminated, &[]),
        ],
        State::on,
    );
    assert_eq!(State::START, [Action::Send, Action::Start(Timer::A), Action::Start(Timer::B)]);
}

/// RFC 3261 figure 6.
#[test]
fn non_invite_client_transaction() {
    use non_invite_client::Event::*;
    use non_invite_client::State::{self, *};
    compare(
        &State::ALL,
        &non_invite_client::Event::ALL,
        &[
            (Trying, TimerE, Trying, &[Send]),
            (Trying, TimerF, Terminated, &[InformUser]),
            (Trying, TransportError, Terminated, &[InformUser]),
            (Trying, Provisional, Proceeding, &[ToUser]),
            (Trying, Final, Completed, &[ToUser]),
            (Proceeding, TimerE, Proceeding, &[Send]),
            (Proceeding, TimerF, Terminated, &[InformUser]),
            (Proceeding, TransportError, Terminated, &[InformUser]),
            (Proceeding, Provisional, Proceeding, &[ToUser]),
            (Proceeding, Final, Completed, &[ToUser]),
            (Completed, TimerK, Terminated, &[]),
        ],
        State::on,
    );
    assert_eq!(State::START, [Action::Send, Action::Start(Timer::E), Action::Start(Timer::F)]);
}

/// RFC 6026 §8.7, replacing figure 7 of RFC 3261. The 100 after 200 ms is in the text of
/// §17.2.1.
#[test]
fn invite_server_transaction() {
    use invite_server::Event::*;
    use invite_server::State::{self, *};
    compare(
        &State::ALL,
        &invite_server::Event::ALL,
        &[
            (Proceeding, Invite, Proceeding, &[Send]),
            (Proceeding, TimerTrying, Proceeding, &[SendTrying]),
            (Proceeding, Provisional, Proceeding, &[Send]),
            (Proceeding, Success, Accepted, &[Send]),
            (Proceeding, Failure, Completed, &[Send]),
            (Proceeding, TransportError, Proceeding, &[InformUser]),
            (Completed, Invite, Completed, &[Send]),
            (Completed, TimerG, Completed, &[Send]),
            (Completed, TimerH, Terminated, &[InformUser]),
            (Completed, TransportError, Completed, &[InformUser]),
            (Completed, Ack, Confirmed, &[]),
            (Confirmed, TimerI, Terminated, &[]),
            (Accepted, Success, Accepted, &[Send]),
            (Accepted, Ack, Accepted, &[ToUser]),
            (Accepted, TransportError, Accepted, &[InformUser]),
            (Accepted, TimerL, Terminated, &[]),
        ],
        State::on,
    );
}

/// RFC 3261 figure 8, with the 100 of RFC 4320 §4.1. `TimerUnanswered` is ours.
#[test]
fn non_invite_server_transaction() {
    use non_invite_server::Event::*;
    use non_invite_server::State::{self, *};
    compare(
        &State::ALL,
        &non_invite_server::Event::ALL,
        &[
            (Trying, TimerLateTrying, Proceeding, &[SendTrying]),
            (Trying, Provisional, Proceeding, &[Send]),
            (Trying, Final, Completed, &[Send]),
            // The user has sent a 100 before: it only goes on.
            (Proceeding, TimerLateTrying, Proceeding, &[]),
            (Proceeding, Request, Proceeding, &[Send]),
            (Proceeding, Provisional, Proceeding, &[Send]),
            (Proceeding, Final, Completed, &[Send]),
            (Proceeding, TransportError, Terminated, &[InformUser]),
            (Completed, Request, Completed, &[Send]),
            (Completed, TransportError, Terminated, &[InformUser]),
            (Completed, TimerJ, Terminated, &[]),
            (Proceeding, TimerUnanswered, Terminated, &[InformUser]),
        ],
        State::on,
    );
}

/// Timers start where §17 says, and none that could still do harm runs on in the next state.
#[test]
fn timers_start_and_stop() {
    use Action::{Start, Stop};
    let a_and_b = [Stop(Timer::A), Stop(Timer::B)];
    let e_and_f = [Stop(Timer::E), Stop(Timer::F)];

    let client = |state: invite_client::State, event| timers(state.on(event).1);
    use invite_client::{Event as IC, State as S};
    assert_eq!(client(S::Calling, IC::TimerA), [Start(Timer::A)]);
    assert_eq!(client(S::Calling, IC::Provisional), a_and_b);
    assert_eq!(client(S::Calling, IC::Success), [&a_and_b[..], &[Start(Timer::M)]].concat());
    assert_eq!(client(S::Calling, IC::Failure), [&a_and_b[..], &[Start(Timer::D)]].concat());
    assert_eq!(client(S::Proceeding, IC::Success), [Start(Timer::M)]);
    assert_eq!(client(S::Proceeding, IC::Failure), [Start(Timer::D)]);

    let client = |state: non_invite_client::State, event| timers(state.on(event).1);
    use non_invite_client::{Event as NC, State as T};
    assert_eq!(client(T::Trying, NC::TimerE), [Start(Timer::E)]);
    assert_eq!(client(T::Trying, NC::Provisional), []);
    for state in [T::Trying, T::Proceeding] {
        assert_eq!(client(state, NC::Final), [&e_and_f[..], &[Start(Timer::K)]].concat());
    }

    let server = |state: invite_server::State, event| timers(state.on(event).1);
    use invite_server::{Event as IS, State as U};
    assert_eq!(U::START, [Start(Timer::Trying)]);
    let trying = [Stop(Timer::Trying)];
    assert_eq!(server(U::Proceeding, IS::Provisional), trying);
    assert_eq!(server(U::Proceeding, IS::Success), [&trying[..], &[Start(Timer::L)]].concat());
    assert_eq!(
        server(U::Proceeding, IS::Failure),
        [&trying[..], &[Start(Timer::G), Start(Timer::H)]].concat()
    );
    assert_eq!(server(U::Completed, IS::TimerG), [Start(Timer::G)]);
    assert_eq!(server(U::Completed, IS::Ack), [Stop(Timer::G), Stop(Timer::H), Start(Timer::I)]);

    use non_invite_server::{Event as NS, State as V};
    assert_eq!(V::START, [Start(Timer::LateTrying)]);
    for state in [V::Trying, V::Proceeding] {
        assert_eq!(timers(state.on(NS::Final).1), [Start(Timer::J)]);
        assert_eq!(timers(state.on(NS::Provisional).1), []);
        assert_eq!(timers(state.on(NS::TimerLateTrying).1), [Start(Timer::Unanswered)]);
    }
}

/// RFC 4320 §4: which responses a transaction takes from its user, by state, status and transport.
#[test]
fn a_non_invite_server_transaction_takes_no_harm() {
    use non_invite_server::State::*;
    let takes = |state: non_invite_server::State, reliable| -> Vec<u16> {
        [100, 180, 199, 200, 202, 302, 407, 408, 409, 500, 603]
            .into_iter()
            .filter(|code| state.takes(StatusCode::new(*code).unwrap(), reliable))
            .collect()
    };
    let ends = [200, 202, 302, 407, 409, 500, 603];
    let all = [&[100][..], &ends].concat();
    assert_eq!(takes(Trying, false), ends);
    assert_eq!(takes(Trying, true), all);
    for reliable in [false, true] {
        assert_eq!(takes(Proceeding, reliable), all);
        assert_eq!(takes(Completed, reliable), []);
        assert_eq!(takes(Terminated, reliable), []);
    }
}
