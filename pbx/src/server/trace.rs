//! Every SIP message, for people.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use sip_core::Flow;

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

    pub(super) fn received(&self, flow: &Flow, message: &[u8]) {
        self.print("<--", flow, message);
    }

    pub(super) fn sent(&self, flow: &Flow, message: &[u8]) {
        self.print("-->", flow, message);
    }

    fn print(&self, arrow: &str, flow: &Flow, message: &[u8]) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(message);
        // Other control characters could redraw the terminal.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() && c != '\n' && c != '\t' && c != '\r' { '?' } else { c })
            .filter(|c| *c != '\r')
            .collect();
        let Flow { transport, local, remote, .. } = flow;
        let _ = writeln!(out, "{transport} {local} {arrow} {remote}\n{text}");
    }
}
