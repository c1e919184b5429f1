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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_core::Flow;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_message_cannot_redraw_the_terminal() {
        let lines = Lines::default();
        let flow =
            Flow::udp("192.0.2.1:5060".parse().unwrap(), "203.0.113.66:5060".parse().unwrap());
        let message = b"OPTIONS sip:h SIP/2.0\r\nSubject: \x1b[2Ja\x08\xff\0\tb\r\n\r\n";
        let time = "2026-11-23T09:00:00Z".parse().unwrap();
        let passage = Passage::received(time, &flow, &Bytes::from_static(message));
        SipTrace::new(lines.clone()).passed(&passage);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "UDP 192.0.2.1:5060 <-- 203.0.113.66:5060\nOPTIONS sip:h SIP/2.0\n\
             Subject: ?[2Ja?\u{fffd}?\tb\n\n\n"
        );
    }
}
