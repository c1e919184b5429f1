//! What the phone was started for, and when that is done. No sockets, no clock.

use std::time::Duration;

use sip_core::{Flow, SipUri};

use crate::failure::Failure;
use crate::phone::{Answering, Ending, Event, HangUp, Phone};

/// How long goodbyes may take before the program ends without their answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the phone was started for.
#[derive(Clone, Debug)]
pub enum Errand {
    /// To register; `keep` goes on until it is interrupted.
    Register {
        /// The way to the server.
        flow: Flow,
        /// For how many seconds.
        expires: u32,
        /// Whether to stay registered.
        keep: bool,
    },
    /// To take every binding of the account back.
    Clear {
        /// The way to the server.
        flow: Flow,
    },
    /// To call somebody.
    Call {
        /// Whom.
        uri: SipUri,
        /// The way there.
        flow: Flow,
    },
    /// To be called.
    Answer {
        /// Where to register first, and for how many seconds, unless callers know where we are.
        register: Option<(Flow, u32)>,
        /// Whether to answer one call after the other, until interrupted.
        keep: bool,
    },
}

/// An errand being run.
#[derive(Debug)]
pub struct Run {
    errand: Errand,
    interrupted: bool,
    outcome: Option<Result<(), Failure>>,
    /// When to end although something is still open.
    deadline: Option<Duration>,
}

impl Run {
    /// Sets out.
    ///
    /// # Errors
    ///
    /// The first request could not be made.
    pub fn start(now: Duration, errand: Errand, phone: &mut Phone) -> Result<Self, Failure> {
        match &errand {
            Errand::Register { flow, expires, .. }
            | Errand::Answer { register: Some((flow, expires)), .. } => {
                phone.register(now, *flow, *expires)?;
            }
            Errand::Clear { flow } => phone.clear(now, *flow)?,
            Errand::Call { uri, flow } => phone.call(now, uri.clone(), *flow)?,
            Errand::Answer { register: None, .. } => {}
        }
        Ok(Self { errand, interrupted: false, outcome: None, deadline: None })
    }

    /// Takes what the phone tells.
    pub fn handle_event(&mut self, now: Duration, event: &Event, phone: &mut Phone) {
        match (event, &self.errand) {
            (Event::Registered { .. }, Errand::Register { keep: false, .. }) => {
                self.finish(now, Ok(()));
            }
            (Event::NotRegistered { failure, retry: None }, _) => {
                if phone.is_busy() {
                    phone.hang_up(now, HangUp::Interrupted);
                }
                self.finish(now, Err(failure.clone()));
            }
            (Event::Unregistered, _) => {
                let outcome = if self.was_cut_short() { Err(Failure::Interrupted) } else { Ok(()) };
                self.finish(now, outcome);
            }
            (Event::Ended { ending, .. }, errand) => {
                let goes_on = matches!(errand, Errand::Answer { keep: true, .. });
                if goes_on && !self.interrupted {
                    return;
                }
                let outcome = match ending {
                    Ending::Ours(_) | Ending::Theirs(_) => Ok(()),
                    Ending::Failed(failure) => Err(failure.clone()),
                };
                self.finish(now, outcome);
                self.retire(now, phone);
            }
            _ => {}
        }
    }

    /// The owner wants to stop. `false` when they have said so before.
    pub fn interrupt(&mut self, now: Duration, phone: &mut Phone) -> bool {
        if std::mem::replace(&mut self.interrupted, true) {
            return false;
        }
        self.deadline = self.deadline.or(Some(now + PATIENCE));
        if phone.is_busy() {
            phone.hang_up(now, HangUp::Interrupted);
        } else if !self.retire(now, phone) {
            let outcome = if self.was_cut_short() { Err(Failure::Interrupted) } else { Ok(()) };
            self.finish(now, outcome);
        }
        true
    }

    /// How the errand went, once it is done and nothing is left open or its patience is at its end.
    pub fn outcome(&self, now: Duration, phone: &Phone) -> Option<Result<(), Failure>> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(self.outcome.clone().unwrap_or(Err(Failure::Interrupted)));
        }
        self.outcome.clone().filter(|_| phone.is_quiet())
    }

    /// When [`Run::outcome`] may be there without any event.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.deadline
    }

    /// Takes the registration back and answers no more calls. `false` when there is none.
    fn retire(&mut self, now: Duration, phone: &mut Phone) -> bool {
        phone.set_answering(Answering::Never);
        let has_one = match &self.errand {
            Errand::Register { .. } => true,
            Errand::Answer { register, .. } => register.is_some(),
            _ => false,
        };
        if has_one {
            phone.unregister(now);
        }
        has_one
    }

    /// Whether an interruption kept the errand from being done.
    fn was_cut_short(&self) -> bool {
        self.interrupted
            && !matches!(
                self.errand,
                Errand::Register { keep: true, .. } | Errand::Answer { keep: true, .. }
            )
    }

    fn finish(&mut self, now: Duration, outcome: Result<(), Failure>) {
        // What came first is the reason; what follows are goodbyes.
        self.outcome.get_or_insert(outcome);
        self.deadline = self.deadline.or(Some(now + PATIENCE));
    }
}
