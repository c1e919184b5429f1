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
    /// How long the newest packet waits, or waited, between arrival and playout; zero if it was late.
    pub delay: Duration,
    /// The delay aimed at.
    pub target: Duration,
}

/// RFC 3550 interarrival jitter.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    /// Arrival and media time of the packet before.
    last: Option<(Duration, i64)>,
    /// In sixteenths of a timestamp unit.
    scaled: i64,
}

impl Jitter {
    /// Notes a packet of media time `media`; `elapsed` gives the units between two times.
    #[inline]
    pub(crate) fn note(
        &mut self,
        now: Duration,
        media: i64,
        elapsed: impl FnOnce(Duration, Duration) -> i64,
    ) {
        if let Some((then, before)) = self.last.replace((now, media)) {
            let difference = (elapsed(then, now) - (media - before)).abs();
            self.scaled += difference - ((self.scaled + 8) >> 4);
        }
    }

    /// Goes on from a packet that has nothing to do with the one before.
    pub(crate) fn restart(&mut self, now: Duration, media: i64) {
        self.last = Some((now, media));
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
        let elapsed = |then: Duration, now: Duration| (now - then).as_millis() as i64 * 8;
        for n in 0..200_u32 {
            // Every other packet comes 10 ms (80 units) after its time.
            let now = Duration::from_millis(u64::from(20 * n + 10 * (n % 2)));
            jitter.note(now, i64::from(n) * 160, elapsed);
        }
        // The integer arithmetic of Appendix A.8 stops within a unit.
        assert!((79..=80).contains(&jitter.units()));
    }
}
