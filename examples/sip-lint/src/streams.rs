//! SIP over TCP in a capture: segments put in order, and cut into messages.

use core::net::SocketAddr;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use etherparse::TcpSlice;
use sip_core::Limits;
use sip_core::framing::{Frame, Framer};

use crate::capture::Take;

/// One way of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// All connections of a capture.
#[derive(Default)]
pub(crate) struct Streams(HashMap<Way, Stream>);

/// Bytes that may wait for a segment that is missing.
const MOST_WAITING: usize = 1 << 20;

struct Stream {
    framer: Framer,
    /// The sequence number of the next byte.
    next: u32,
    /// Segments that came too early, by their distance from where the stream began.
    early: BTreeMap<u32, Bytes>,
    waiting: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No byte was seen yet.
    New,
    /// It carries SIP.
    Sip,
    /// It carries something else, or where its messages end is no longer known.
    Ignored,
}

impl Streams {
    pub(crate) fn segment(
        &mut self,
        way: Way,
        segment: &TcpSlice<'_>,
        packet: usize,
        take: &mut impl Take,
    ) -> anyhow::Result<()> {
        let number = segment.sequence_number();
        if segment.syn() {
            self.0.insert(way, Stream::new(number.wrapping_add(1)));
            return Ok(());
        }
        if segment.payload().is_empty() {
            return Ok(());
        }
        let stream = self.0.entry(way).or_insert_with(|| Stream::new(number));
        stream.arrived(number, segment.payload());
        stream.messages(packet, take)
    }

    /// Takes what is left, and says how many messages have begun and not ended, or wait behind a gap.
    pub(crate) fn finish(&mut self, packet: usize, take: &mut impl Take) -> anyhow::Result<usize> {
        let mut begun = 0;
        for (_, mut stream) in self.0.drain() {
            stream.messages(packet, take)?;
            let is_left = stream.framer.pending() > 0 || stream.waiting > 0;
            begun += usize::from(stream.state != State::Ignored && is_left);
        }
        Ok(begun)
    }
}

impl Stream {
    fn new(next: u32) -> Stream {
        let framer = Framer::new(&Limits::default());
        Stream { framer, next, early: BTreeMap::new(), waiting: 0, state: State::New }
    }

    fn arrived(&mut self, number: u32, bytes: &[u8]) {
        if self.state == State::Ignored {
            return;
        }
        // Half of the numbers lie before the next byte.
        let ahead = number.wrapping_sub(self.next);
        if ahead > u32::MAX / 2 {
            let known = self.next.wrapping_sub(number) as usize;
            let new = bytes.get(known..).unwrap_or_default();
            self.push(new);
        } else if ahead == 0 {
            self.push(bytes);
        } else if self.waiting + bytes.len() <= MOST_WAITING {
            self.waiting += bytes.len();
            self.early.insert(number, Bytes::copy_from_slice(bytes));
        }
        while let Some(number) = self.ready() {
            let Some(bytes) = self.early.remove(&number) else { break };
            self.waiting -= bytes.len();
            let known = self.next.wrapping_sub(number) as usize;
            self.push(bytes.get(known..).unwrap_or_default());
        }
    }

    /// An early segment that is no longer early.
    fn ready(&self) -> Option<u32> {
        let is_ready = |number: &&u32| self.next.wrapping_sub(**number) <= u32::MAX / 2;
        self.early.keys().find(is_ready).copied()
    }

    fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.state == State::New {
            self.state = if is_sip_start(bytes) { State::Sip } else { State::Ignored };
        }
        self.next = self.next.wrapping_add(bytes.len() as u32);
        if self.state == State::Sip {
            self.framer.push(bytes);
        }
    }

    fn messages(&mut self, packet: usize, take: &mut impl Take) -> anyhow::Result<()> {
        while self.state == State::Sip {
            match self.framer.next() {
                Ok(Some(Frame::Message(bytes))) => take(packet, bytes)?,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(lost) => {
                    self.state = State::Ignored;
                    if is_sip(&lost.head) {
                        take(packet, lost.head)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a datagram looks like SIP: a first line that names the protocol at one of its ends.
pub(crate) fn is_sip(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let line = text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let has_name =
        |text: Option<&[u8]>| text.is_some_and(|text| text.eq_ignore_ascii_case(b"SIP/"));
    let version = line.iter().rposition(|byte| *byte == b' ').map_or(0, |space| space + 1);
    has_name(line.get(..4)) || has_name(line.get(version..version + 4))
}

/// The same for the first bytes of a stream. They may hold less than a line, which the framer judges.
fn is_sip_start(bytes: &[u8]) -> bool {
    if bytes.contains(&b'\n') {
        return is_sip(bytes) || bytes.iter().all(u8::is_ascii_whitespace);
    }
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r'))
}
