//! What is kept of each SSRC: a bounded table.

use alloc::vec::Vec;

use super::SrtpError;
use super::index::estimate;
use super::replay::ReplayWindow;
use crate::Ssrc;

/// One SSRC.
pub(super) struct Stream {
    ssrc: Ssrc,
    pub(super) rtp: ReplayWindow,
    pub(super) rtcp: ReplayWindow,
    /// The rollover counter before the first packet.
    rollover: u32,
}

impl Stream {
    fn new(ssrc: Ssrc) -> Stream {
        Stream { ssrc, rtp: ReplayWindow::new(), rtcp: ReplayWindow::new(), rollover: 0 }
    }

    /// The index of the RTP packet with `number`; may lie above the last there is.
    #[inline]
    pub(super) fn index(&self, number: u16) -> u64 {
        match self.rtp.highest() {
            Some(highest) => estimate(highest, number),
            None => u64::from(self.rollover) << 16 | u64::from(number),
        }
    }

    pub(super) fn rollover_counter(&self) -> u32 {
        self.rtp.highest().map_or(self.rollover, |highest| (highest >> 16) as u32)
    }

    pub(super) fn restart(&mut self, rollover: u32) {
        self.rtp.restart(None);
        self.rollover = rollover;
    }
}

/// All SSRCs of a direction. Made with room for all that it may hold.
pub(super) struct Streams {
    table: Vec<Stream>,
    max: usize,
    /// Where the last packet's stream is: usually the next one's, too.
    last: usize,
}

impl Streams {
    pub(super) fn new(max: usize) -> Streams {
        let max = max.max(1);
        Streams { table: Vec::with_capacity(max), max, last: 0 }
    }

    #[inline]
    pub(super) fn find(&mut self, ssrc: Ssrc) -> Option<&mut Stream> {
        let known = |stream: &Stream| stream.ssrc == ssrc;
        if !self.table.get(self.last).is_some_and(known) {
            self.last = self.table.iter().position(known)?;
        }
        self.table.get_mut(self.last)
    }

    pub(super) fn look(&self, ssrc: Ssrc) -> Option<&Stream> {
        self.table.iter().find(|stream| stream.ssrc == ssrc)
    }

    /// Is there a place for another SSRC?
    pub(super) fn check_room(&self) -> Result<(), SrtpError> {
        if self.table.len() < self.max { Ok(()) } else { Err(SrtpError::TooManyStreams(self.max)) }
    }

    /// The stream of `ssrc`, made if need be.
    #[inline]
    pub(super) fn entry(&mut self, ssrc: Ssrc) -> Result<&mut Stream, SrtpError> {
        if self.find(ssrc).is_none() {
            self.check_room()?;
            self.last = self.table.len();
            self.table.push(Stream::new(ssrc));
        }
        self.table.get_mut(self.last).ok_or(SrtpError::TooManyStreams(self.max))
    }

    pub(super) fn remove(&mut self, ssrc: Ssrc) -> bool {
        let before = self.table.len();
        self.table.retain(|stream| stream.ssrc != ssrc);
        self.table.len() < before
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}
