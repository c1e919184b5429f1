//! Every SIP message, for people.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::capture::Passage;

/// Prints SIP messages with their direction and addresses.
///
/// Digest responses are printed as they are: they hold no password, but belong in no public place.
#[derive(Clone)]
pub struct SipTrace(Arc<Mutex<dyn Write + Send>>);

impl std::fmt::Debug for SipTrace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SipTrace")
    }
}

impl SipTrace {
    /// Prints to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(out)))
    }

    pub(super) fn passed(&self, passage: &Passage) {
        let Passage { transport, message, sent, .. } = passage;
        let (arrow, local, remote) = match sent {
            true => ("-->", passage.from, passage.to),
            false => ("<--", passage.to, passage.from),
        };
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(message);
        // Other control characters could redraw the terminal.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() && c != '\n' && c != '\t' && c != '\r' { '?' } else { c })
            .filter(|c| *c != '\r')
            .collect();
        let _ = writeln!(out, "{transport} {local} {arrow} {remote}\n{text}");
    }
}
