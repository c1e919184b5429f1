//! What happens, a line each; telephone numbers beyond internal ones are redacted.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io::IsTerminal as _;

use anyhow::Context as _;
use pbx::call::CallId;
use pbx::exchange::Event;
use pbx::redact::{Redacted, RedactedParty};
use tracing::{Span, debug, info, info_span, warn};
use tracing_subscriber::EnvFilter;

/// Begins to log to standard error.
///
/// # Errors
///
/// When the filter cannot be understood.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// Logs events of the exchange, those of a call in a span of its own.
#[derive(Default)]
pub struct Log {
    // A tree: it becomes small again by itself.
    calls: BTreeMap<CallId, Span>,
    /// Hashes of the extensions and contacts that are known to be registered.
    registered: BTreeSet<u64>,
    hasher: RandomState,
}

impl Log {
    /// Logs one event.
    pub fn event(&mut self, event: &Event) {
        if let Event::Started { call, .. } = event {
            self.calls.insert(*call, info_span!("call", id = %call));
        }
        match event {
            // It is repeated for as long as it lasts: the first time is news.
            Event::Registered { extension, contact, expires }
                if !self.registered.insert(self.hasher.hash_one((extension, contact))) =>
            {
                debug!(extension, seconds = expires.as_secs(), "still registered");
                return;
            }
            Event::Unregistered { extension, contact } => {
                self.registered.remove(&self.hasher.hash_one((extension, contact)));
            }
            _ => {}
        }
        let call = event.call();
        let span = call.and_then(|call| self.calls.get(&call)).cloned().unwrap_or_else(Span::none);
        span.in_scope(|| line(event));
        if let Event::Ended { record } = event {
            self.calls.remove(&record.call);
        }
    }
}

fn line(event: &Event) {
    match event {
        Event::Started { call, caller, dialled } => {
            info!(%call, "{} calls {}", RedactedParty(caller), Redacted(dialled));
        }
        Event::Ringing { call, party } => info!(%call, "{} rings", RedactedParty(party)),
        Event::Answered { call, by } => info!(%call, "{} answers", RedactedParty(by)),
        Event::Held { call, by } => info!(%call, "{} holds", RedactedParty(by)),
        Event::Resumed { call, by } => info!(%call, "{} resumes", RedactedParty(by)),
        // What is pressed may be a PIN.
        Event::Digit { call, by, .. } => debug!(%call, "{} presses a key", RedactedParty(by)),
        Event::DialFailed { call, cause } => info!(%call, "nobody answers: {cause}"),
        Event::Transferred { call, from } => info!(%call, "transferred from call {from}"),
        Event::TransferFailed { call, status } => info!(%call, status, "transfer failed"),
        Event::Ended { record } => info!(
            call = %record.call,
            seconds = record.billable_seconds(),
            status = record.status,
            "ended by the {}: {}",
            record.ended_by.as_str(),
            record.cause,
        ),
        Event::Registered { extension, expires, .. } => {
            info!(extension, seconds = expires.as_secs(), "registered");
        }
        Event::Unregistered { extension, .. } => info!(extension, "no longer registered"),
        Event::Refused { source, method, status } => {
            warn!(%source, method, status, "refused");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use pbx::call::Cause;
    use pbx::directory::Party;
    use pbx::record::{CallRecord, EndedBy};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_log_of_a_whole_call_names_no_number_and_no_digit() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let call = CallId(7);
        let caller = Party::Trunk { trunk: "city".into(), number: "+74955550123".into() };
        let callee = Party::Trunk { trunk: "mobile".into(), number: "79161234567".into() };
        let time = "2026-11-21T10:00:00Z".parse().unwrap();
        let record = CallRecord {
            call,
            sip_call_id: "a@b".into(),
            caller: caller.clone(),
            dialled: "89161234567".into(),
            answered_by: Some(callee.clone()),
            started: time,
            answered: Some(time),
            ended: time,
            cause: Cause::NORMAL_CLEARING,
            ended_by: EndedBy::Caller,
            status: 200,
            caller_media: None,
            callee_media: None,
            transfer: None,
        };
        let duration = std::time::Duration::from_millis(100);
        let mut log = Log::default();
        tracing::subscriber::with_default(subscriber, || {
            log.event(&Event::Started {
                call,
                caller: caller.clone(),
                dialled: "89161234567".into(),
            });
            log.event(&Event::Ringing { call, party: callee.clone() });
            log.event(&Event::Answered { call, by: callee.clone() });
            log.event(&Event::Digit { call, by: caller.clone(), digit: '5', duration });
            log.event(&Event::Held { call, by: caller });
            log.event(&Event::Resumed { call, by: callee });
            log.event(&Event::Ended { record: Box::new(record) });
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.lines().all(|line| line.contains("call{id=7}")), "each in its span: {text}");
        assert!(log.calls.is_empty());
        for secret in ["4955550123", "9161234567", "digit", "'5'"] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
        assert!(text.contains("23 via trunk city"), "{text}");
    }

    #[test]
    fn a_registration_is_told_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let (extension, contact) = ("101".to_owned(), "sip:101@192.0.2.7".to_owned());
        let expires = std::time::Duration::from_secs(60);
        let registered =
            Event::Registered { extension: extension.clone(), contact: contact.clone(), expires };
        let mut log = Log::default();
        tracing::subscriber::with_default(subscriber, || {
            log.event(&registered);
            log.event(&registered);
            log.event(&Event::Unregistered { extension, contact });
            log.event(&registered);
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let told = |line: &str| text.lines().filter(|it| it.contains(line)).count();
        assert_eq!((told(": registered"), told("no longer registered")), (2, 1), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
