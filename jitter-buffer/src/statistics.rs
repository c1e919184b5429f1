use core::time::Duration;

/// What a [`JitterBuffer`](crate::JitterBuffer) has seen and done since it was made or reset.
///
/// Every packet ends in one place: `received` is `played + late + duplicates + discarded` and those
/// that still wait (`queued`, and at most one held).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Packets pushed.
    pub received: u64,
    /// Frames pulled.
    pub played: u64,
    /// Packets that never came, as far as their playout time has passed.
    pub lost: u64,
    /// Packets dropped because they came after their playout time.
    pub late: u64,
    /// Packets dropped because their sequence number had been here before.
    pub duplicates: u64,
    /// Packets that came after a later one (and in time or not).
    pub reordered: u64,
    /// Packets dropped because too many waited, the delay had grown, or a suspected restart was none.
    pub discarded: u64,
    /// Pulls answered with [`Playout::Conceal`](crate::Playout::Conceal).
    pub concealed: u64,
    /// Pulls answered with [`Playout::Silence`](crate::Playout::Silence).
    pub silent: u64,
    /// Times the buffer ran empty.
    pub underruns: u64,
    /// Times a new timeline began: see [`Reanchor`](crate::Reanchor).
    pub reanchors: u64,
    /// Frames waiting now.
    pub queued: usize,
    /// The most frames that ever waited.
    pub most_queued: usize,
    /// Interarrival jitter as of RFC 3550 Appendix A.8.
    pub jitter: Duration,
    /// How much longer stretching has made what was played, all in all.
    pub lengthened: Duration,
    /// How much shorter.
    pub shortened: Duration,
    /// How long the newest packet waits, or waited, between arrival and playout; zero if it was late.
    pub delay: Duration,
    /// The delay aimed at.
    pub target: Duration,
    /// RFC 7005 nominal delay: what the buffer adds to a packet that came by the fastest path of late.
    /// In [`Mode::Fixed`](crate::Mode::Fixed), what it added to the frame played last.
    pub nominal: Duration,
    /// RFC 7005 maximum delay: of the earliest packet that would not be discarded.
    pub maximum: Duration,
    /// RFC 7005 high water mark: the greatest nominal delay in the reporting interval, which
    /// [`JitterBuffer::begin_interval`](crate::JitterBuffer::begin_interval) begins.
    pub high_water: Duration,
    /// RFC 7005 low water mark: the least nominal delay in the reporting interval.
    pub low_water: Duration,
}

/// Delays in timestamp units.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    pub(crate) newest: i64,
    pub(crate) nominal: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    is_measured: bool,
}

impl Delays {
    /// Notes the nominal delay of a frame played.
    #[inline]
    pub(crate) fn note(&mut self, nominal: i64) {
        let (high, low) = if self.is_measured { (self.high, self.low) } else { (nominal, nominal) };
        self.high = high.max(nominal);
        self.low = low.min(nominal);
        self.nominal = nominal;
        self.is_measured = true;
    }

    pub(crate) fn begin_interval(&mut self) {
        (self.high, self.low) = (self.nominal, self.nominal);
    }
}

/// RFC 3550 interarrival jitter.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    /// Arrival less media time of the packet before.
    last: Option<i64>,
    /// In sixteenths of a timestamp unit.
    scaled: i64,
}

impl Jitter {
    /// Notes a packet that came `transit` after its media time.
    #[inline]
    pub(crate) fn note(&mut self, transit: i64) {
        if let Some(before) = self.last.replace(transit) {
            self.scaled += (transit - before).abs() - ((self.scaled + 8) >> 4);
        }
    }

    /// Goes on from a packet that has nothing to do with the one before.
    pub(crate) fn restart(&mut self, transit: i64) {
        self.last = Some(transit);
    }

    /// In timestamp units.
    pub(crate) fn units(&self) -> i64 {
        self.scaled >> 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_difference_is_approached_by_sixteenths() {
        let mut jitter = Jitter::default();
        for n in 0..200_i64 {
            // Every other packet comes 10 ms (80 units) after its time.
            jitter.note(80 * (n % 2));
        }
        // The integer arithmetic of Appendix A.8 stops within a unit.
        assert!((79..=80).contains(&jitter.units()));
    }
}
