//! Moves processes on, one step at a time.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::{
    config::{Config, Waits},
    lead::{Event, Lead, NewLead, PRESSING, Phase},
    letter::{self, Person},
    outbox::{Outbox, SendError},
    store::Store,
};

/// Writes and notices, by the clock that its caller tells.
pub struct Engine {
    store: Store,
    rules: Rules,
    outbox: Box<dyn Outbox + Send>,
}

/// What the configuration says, ready for use.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The configuration.
    pub config: Config,
    /// How long to wait before a letter.
    pub waits: Waits,
}

/// The first wait after a failure, and the longest.
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(60);
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(1);

impl Rules {
    /// Prepares a configuration for use.
    pub fn new(config: Config) -> Result<Self> {
        let waits = config.waits()?;
        Ok(Self { config, waits })
    }

    /// Adds a lead, whose process starts if it is pressing.
    pub fn add(&self, store: &mut Store, lead: &NewLead, now: Timestamp) -> Result<i64> {
        let due = if lead.status == PRESSING { self.waits.due(now)? } else { now };
        store.add(lead, due, now)
    }

    /// Gives a lead another status. `false` when there is no such lead.
    pub fn set_status(
        &self,
        store: &mut Store,
        id: i64,
        status: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let due = if status == PRESSING { self.waits.due(now)? } else { now };
        store.set_status(id, status, due, now)
    }

    /// Ends the processes of the leads that called or wrote.
    pub fn take_event(&self, store: &mut Store, event: &Event, now: Timestamp) -> Result<Vec<i64>> {
        store.take_event(event, &self.config.status_after_contact, now)
    }
}

impl Engine {
    /// An engine on a database.
    pub fn new(store: Store, rules: Rules, outbox: Box<dyn Outbox + Send>) -> Self {
        Self { store, rules, outbox }
    }

    /// The database.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// When something is to be done next.
    pub fn wake(&self) -> Result<Option<Timestamp>> {
        Ok(self.store.next()?.and_then(|lead| lead.phase.wake()))
    }

    /// Does one step that is due at `now`: one transaction, and before it at most one message.
    /// `false` when nothing is due.
    pub fn step(&mut self, now: Timestamp) -> Result<bool> {
        let Some(lead) = self.store.next()? else { return Ok(false) };
        if lead.phase.wake().is_none_or(|wake| wake > now) {
            return Ok(false);
        }
        match lead.phase.clone() {
            Phase::Waiting { .. } => self.begin_letter(&lead, now)?,
            Phase::Letter { failures, .. } => self.send_letter(&lead, failures, now)?,
            Phase::Notice { failures, .. } => self.send_notice(&lead, failures, now)?,
            Phase::Ended { .. } => {}
        }
        Ok(true)
    }

    fn begin_letter(&mut self, lead: &Lead, now: Timestamp) -> Result<()> {
        let number = lead.sent + 1;
        let phase = match self.rules.waits.on_working_day(now) {
            Ok(at) if at > now => {
                let what = format!("letter {number} waits for a working day");
                self.store.advance(lead, lead.sent, &Phase::Waiting { due: at }, &what, now)?;
                return Ok(());
            }
            Ok(at) => Phase::Letter { at, failures: 0 },
            Err(error) => return self.end(lead, lead.sent, &format!("{error:#}"), now),
        };
        self.store.advance(lead, lead.sent, &phase, &format!("letter {number} is due"), now)?;
        Ok(())
    }

    fn send_letter(&mut self, lead: &Lead, failures: u32, now: Timestamp) -> Result<()> {
        let number = lead.sent + 1;
        let message_id = self.message_id(lead, number, "letter")?;
        let written = self.person(lead).and_then(|person| {
            let letter = self.rules.config.letter(number).context("there is no letter")?;
            letter.write(lead, person, &message_id, now)
        });
        let message = match written {
            Ok(message) => message,
            Err(error) => return self.end(lead, lead.sent, &format!("{error:#}"), now),
        };
        match self.outbox.send(&message, &message_id) {
            Ok(()) => {
                info!(lead = lead.id, letter = number, "sent");
                let phase = Phase::Notice { at: now, failures: 0 };
                let what = format!("letter {number} sent");
                if !self.store.advance(lead, number, &phase, &what, now)? {
                    // The lead called while the letter was on its way.
                    self.store.note(lead.id, &what, now)?;
                }
            }
            Err(SendError::Later(reason)) => {
                let at = retry(failures, now);
                warn!(lead = lead.id, letter = number, failures = failures + 1, %at, %reason, "not sent");
                let phase = Phase::Letter { at, failures: failures + 1 };
                let what = format!("letter {number} not sent, next try {at}: {reason}");
                self.store.advance(lead, lead.sent, &phase, &what, now)?;
            }
            Err(SendError::Never(reason)) => {
                warn!(lead = lead.id, letter = number, %reason, "refused");
                self.end(lead, lead.sent, &format!("letter {number} was refused: {reason}"), now)?;
            }
        }
        Ok(())
    }

    fn send_notice(&mut self, lead: &Lead, failures: u32, now: Timestamp) -> Result<()> {
        let number = lead.sent;
        let message_id = self.message_id(lead, number, "notice")?;
        let written = self
            .person(lead)
            .and_then(|person| letter::notice(lead, number, person, &message_id, now));
        let sent = match written {
            Ok(message) => self.outbox.send(&message, &message_id),
            Err(error) => Err(SendError::Never(format!("{error:#}"))),
        };
        match sent {
            Err(SendError::Later(reason)) => {
                let at = retry(failures, now);
                warn!(lead = lead.id, notice = number, failures = failures + 1, %at, %reason, "not sent");
                let phase = Phase::Notice { at, failures: failures + 1 };
                let what = format!("notice {number} not sent, next try {at}: {reason}");
                self.store.advance(lead, number, &phase, &what, now)?;
                Ok(())
            }
            // The letter has gone out; a notice that never can does not hold the process up.
            Err(SendError::Never(reason)) => {
                warn!(lead = lead.id, notice = number, %reason, "refused");
                self.store.note(lead.id, &format!("notice {number} was refused: {reason}"), now)?;
                self.wait(lead, now)
            }
            Ok(()) => self.wait(lead, now),
        }
    }

    /// Waits for the next letter, if there is to be one.
    fn wait(&mut self, lead: &Lead, now: Timestamp) -> Result<()> {
        if lead.sent >= u32::from(self.rules.config.letters) {
            return self.end(lead, lead.sent, "all letters sent", now);
        }
        match self.rules.waits.due(now) {
            Ok(due) => {
                let what = format!("responsible person told of letter {}", lead.sent);
                self.store.advance(lead, lead.sent, &Phase::Waiting { due }, &what, now)?;
                Ok(())
            }
            Err(error) => self.end(lead, lead.sent, &format!("{error:#}"), now),
        }
    }

    fn end(&mut self, lead: &Lead, sent: u32, reason: &str, now: Timestamp) -> Result<()> {
        info!(lead = lead.id, reason, "ended");
        let phase = Phase::Ended { reason: reason.into() };
        self.store.advance(lead, sent, &phase, &format!("ended: {reason}"), now)?;
        Ok(())
    }

    /// The same at every try, so that a mail system that got a message twice shows it once; of
    /// another database another, so that none takes two letters for one.
    fn message_id(&self, lead: &Lead, number: u32, what: &str) -> Result<String> {
        let email = self.person(lead).map_or("", |person| &person.email);
        let domain = email.rsplit('@').next().filter(|domain| !domain.is_empty());
        let (run, id, instance) = (lead.run, lead.id, self.store.instance()?);
        let domain = domain.unwrap_or("localhost");
        Ok(format!("<{what}-{number}.run-{run}.lead-{id}.{instance}@{domain}>"))
    }

    fn person(&self, lead: &Lead) -> Result<&Person> {
        let id = &lead.data.responsible;
        self.rules.config.person(id).with_context(|| format!("no responsible person {id:?}"))
    }
}

/// A minute after the first failure, then twice as long each time, an hour at most.
fn retry(failures: u32, now: Timestamp) -> Timestamp {
    let wait = FIRST_RETRY.saturating_mul(1 << failures.min(10)).min(LONGEST_RETRY);
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let minutes = |failures| retry(failures, now).duration_since(now).as_mins();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 40].map(minutes), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
