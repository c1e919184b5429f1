//! Refusals that wait for a driver to send them.

use sip_core::{Flow, Transmit};

/// One after the other in one piece of memory, which is used again and again: a refusal costs no
/// allocation.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    bytes: Vec<u8>,
    /// Where each is sent, and where it ends.
    each: Vec<(Flow, usize)>,
    /// Those that are gone already.
    sent: usize,
}

/// Further ones are not made.
const MOST: usize = 8_192;
/// More memory than this is given back when all are sent.
const KEPT: usize = 1 << 16;

impl Refusals {
    /// Adds what `write` appends, sent by the flow that it gives; whether there was room and it gave one.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<Flow>) -> bool {
        if self.each.len() >= MOST {
            return false;
        }
        let begin = self.bytes.len();
        let Some(flow) = write(&mut self.bytes) else {
            self.bytes.truncate(begin);
            return false;
        };
        self.each.push((flow, self.bytes.len()));
        true
    }

    /// Gives up to `most` of them where they lie.
    pub(super) fn take(&mut self, most: usize, taker: &mut dyn FnMut(&Flow, &[u8])) {
        for _ in 0..most {
            let Some((flow, bytes)) = self.next() else { break };
            taker(&flow, bytes);
        }
        if self.len() == 0 {
            self.clear();
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.each.len() - self.sent
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<Transmit> {
        let next = self.next().map(|(flow, bytes)| (flow, bytes.to_vec()));
        let Some((flow, bytes)) = next else {
            self.clear();
            return None;
        };
        Some(Transmit { flow, bytes: bytes.into() })
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.each.shrink_to_fit();
    }

    fn next(&mut self) -> Option<(Flow, &[u8])> {
        let (flow, end) = *self.each.get(self.sent)?;
        let begin = self.sent.checked_sub(1).and_then(|at| self.each.get(at)).map_or(0, |it| it.1);
        self.sent += 1;
        Some((flow, self.bytes.get(begin..end).unwrap_or_default()))
    }

    fn clear(&mut self) {
        (self.bytes, self.sent) = (std::mem::take(&mut self.bytes), 0);
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.each.clear();
        self.each.shrink_to(KEPT / 256);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16) -> Flow {
        Flow::udp(([127, 0, 0, 1], 5060).into(), ([127, 0, 0, 1], port).into())
    }

    fn push(refusals: &mut Refusals, port: u16) -> bool {
        refusals.push(|out| {
            out.extend_from_slice(port.to_string().as_bytes());
            Some(flow(port))
        })
    }

    #[test]
    fn each_is_given_once_and_in_order() {
        let mut refusals = Refusals::default();
        for _ in 0..3 {
            assert!((1..=20).all(|port| push(&mut refusals, port)));
            assert!(!refusals.push(|out| {
                out.push(b'x');
                None
            }));
            let first = refusals.pop().unwrap();
            assert_eq!((first.flow, &first.bytes[..]), (flow(1), &b"1"[..]));
            let mut rest = Vec::new();
            refusals.take(5, &mut |flow, bytes| rest.push((*flow, bytes.to_vec())));
            assert_eq!(refusals.len(), 14);
            refusals.take(99, &mut |flow, bytes| rest.push((*flow, bytes.to_vec())));
            let expected: Vec<_> =
                (2..=20).map(|port: u16| (flow(port), port.to_string().into_bytes())).collect();
            assert_eq!(rest, expected);
            assert_eq!(refusals.pop(), None);
        }
    }

    #[test]
    fn they_are_bounded() {
        let mut refusals = Refusals::default();
        assert_eq!((0..9_000).filter(|_| push(&mut refusals, 7)).count(), MOST);
        refusals.take(MOST, &mut |_, _| ());
        assert!(refusals.bytes.capacity() <= KEPT && refusals.each.capacity() <= KEPT / 256);
    }
}
