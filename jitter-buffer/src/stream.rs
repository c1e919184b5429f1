//! Which packet is which: from sequence number, timestamp and SSRC to a place in one endless order.

/// What the buffer reads of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

/// A packet's place: positions count packets, media times count timestamp units. Both go on without a
/// jump when the sender's numbers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: u64,
    pub(crate) media: i64,
}

/// What [`Stream::place`] makes of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Further than all before.
    Newest(Place),
    /// Not further than the newest, and not seen before.
    Older(Place),
    /// Seen before.
    Duplicate,
    /// Numbers that do not belong to the others, or a source that was left for this one.
    Far,
    /// A source not heard of late.
    OtherSource,
}

/// The sender's numbers, extended, and the packets seen of late.
#[derive(Debug)]
pub(crate) struct Stream {
    newest: Reference,
    /// The numbers in force before the last re-anchoring; its late packets still find their place.
    before: Option<Reference>,
    /// Bit n: the packet n positions before the newest was seen.
    seen: u128,
    /// The timestamps of the packets that `seen` speaks of, by position.
    timestamps: [u32; HISTORY],
}

/// A packet further ahead than this is suspected of a restart (RFC 3550 Appendix A.1, MAX_DROPOUT).
const MAX_DROPOUT: i16 = 3000;
/// A packet further behind than this likewise (MAX_MISORDER).
const MAX_MISORDER: i16 = 100;
/// Bits of `seen`; above `MAX_MISORDER`, so that every packet not far is told from its duplicate.
const HISTORY: usize = 128;
/// The numbers before an anchor are forgotten after this many packets: reordered ones have long come,
/// and before the sequence number wraps and they would match by chance.
const FORGET_BEFORE: u64 = 1000;
/// Positions begin here, so that packets before the first have one too.
const ORIGIN: u64 = 1 << 32;

impl Stream {
    /// A stream that begins with this packet, at media time zero.
    pub(crate) fn new(header: Header) -> Self {
        let newest = Reference { header, position: ORIGIN, media: 0 };
        let mut stream = Self { newest, before: None, seen: 0, timestamps: [0; HISTORY] };
        stream.see(newest.place(), header.timestamp);
        stream
    }

    /// The place of the newest packet.
    #[inline]
    pub(crate) fn newest(&self) -> Place {
        self.newest.place()
    }

    /// The source heard now.
    pub(crate) fn ssrc(&self) -> u32 {
        self.newest.header.ssrc
    }

    /// Finds a packet's place; changes nothing.
    ///
    /// `oldest_media` is the media time below which no packet can be of this stream.
    #[inline]
    pub(crate) fn place(&self, header: Header, oldest_media: i64) -> Placement {
        let is_current = header.ssrc == self.newest.header.ssrc;
        if is_current {
            let ahead = self.newest.sequence_distance(header);
            if (1..=MAX_DROPOUT).contains(&ahead) {
                return Placement::Newest(self.newest.place_at(header, ahead));
            }
            // Positions up to the last of the numbers before are theirs; those skipped when the new
            // ones began, for packets missing then, go with the new ones.
            if let Some(place) = self.newest.place_older(header)
                && self.before.is_none_or(|before| place.position > before.position)
            {
                return self.older(place, header.timestamp, oldest_media);
            }
        }
        if let Some(before) = &self.before
            && let Some(place) = before.place_older(header)
        {
            return self.older(place, header.timestamp, oldest_media);
        }
        // One packet of the source before may be a straggler that the new source overtook.
        let is_back = self.before.is_some_and(|before| before.header.ssrc == header.ssrc);
        if is_current || is_back { Placement::Far } else { Placement::OtherSource }
    }

    /// Notes a packet that was found at `place`, older than the newest.
    pub(crate) fn see(&mut self, place: Place, timestamp: u32) {
        let age = self.newest.position.saturating_sub(place.position);
        if age < HISTORY as u64 {
            self.seen |= 1 << age;
            if let Some(slot) = self.timestamps.get_mut(place.position as usize % HISTORY) {
                *slot = timestamp;
            }
        }
    }

    /// Notes the newest packet, found at `place`.
    #[inline]
    pub(crate) fn follow(&mut self, header: Header, place: Place) {
        let ahead = place.position.saturating_sub(self.newest.position);
        self.seen =
            u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead)).unwrap_or(0);
        self.newest = Reference { header, position: place.position, media: place.media };
        self.see(place, header.timestamp);
        self.before.take_if(|before| place.position > before.position + FORGET_BEFORE);
    }

    /// Begins new numbers with this packet as the newest, at `place`.
    pub(crate) fn reanchor(&mut self, header: Header, place: Place) {
        self.before = Some(self.newest);
        self.follow(header, place);
    }

    /// How many of the positions in `from..to` were never seen; those too long ago to know count.
    pub(crate) fn unseen(&self, from: u64, to: u64) -> u64 {
        let newest = self.newest.position;
        let known_from = from.max(newest.saturating_sub(HISTORY as u64 - 1));
        let known =
            (known_from..to.min(newest + 1)).filter(|&position| self.is_seen(position)).count();
        to.saturating_sub(from) - known as u64
    }

    fn is_seen(&self, position: u64) -> bool {
        let age = self.newest.position.saturating_sub(position);
        age < HISTORY as u64 && self.seen >> age & 1 == 1
    }

    fn older(&self, place: Place, timestamp: u32, oldest_media: i64) -> Placement {
        let seen = self.is_seen(place.position);
        let known = self.timestamps.get(place.position as usize % HISTORY);
        if seen && known == Some(&timestamp) {
            Placement::Duplicate
        } else if seen || place.media > self.newest.media || place.media < oldest_media {
            // A number used twice for different media, or out of step with the newest packet: the
            // sender must have begun anew close to where it was.
            Placement::Far
        } else {
            Placement::Older(place)
        }
    }
}

/// A packet whose place is known, from which others' places are reckoned.
#[derive(Debug, Clone, Copy)]
struct Reference {
    header: Header,
    position: u64,
    media: i64,
}

impl Reference {
    fn place(&self) -> Place {
        Place { position: self.position, media: self.media }
    }

    /// How far `header` is ahead of this packet, negative when behind.
    #[inline]
    fn sequence_distance(&self, header: Header) -> i16 {
        header.sequence.wrapping_sub(self.header.sequence).cast_signed()
    }

    #[inline]
    fn place_at(&self, header: Header, distance: i16) -> Place {
        let elapsed = header.timestamp.wrapping_sub(self.header.timestamp).cast_signed();
        Place {
            position: self.position.saturating_add_signed(distance.into()),
            media: self.media + i64::from(elapsed),
        }
    }

    /// The place of a packet of this source that is this one or a little behind it.
    #[inline]
    fn place_older(&self, header: Header) -> Option<Place> {
        let distance = self.sequence_distance(header);
        (header.ssrc == self.header.ssrc && (-MAX_MISORDER..=0).contains(&distance))
            .then(|| self.place_at(header, distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDEST: i64 = i64::MIN;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { sequence, timestamp, ssrc: 1 }
    }

    fn newest(placement: Placement) -> Place {
        match placement {
            Placement::Newest(place) => place,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_go_on_across_the_wrap() {
        let mut stream = Stream::new(header(u16::MAX - 1, u32::MAX - 200));
        for n in 1..200_000_u32 {
            let header = header(
                (u16::MAX - 1).wrapping_add(n as u16),
                (u32::MAX - 200).wrapping_add(n * 160),
            );
            let place = newest(stream.place(header, OLDEST));
            assert_eq!(place, Place { position: ORIGIN + u64::from(n), media: i64::from(n) * 160 });
            stream.follow(header, place);
        }
    }

    #[test]
    fn a_duplicate_is_told_from_a_reused_number() {
        let mut stream = Stream::new(header(10, 1000));
        stream.follow(header(12, 1320), newest(stream.place(header(12, 1320), OLDEST)));
        assert_eq!(stream.place(header(10, 1000), OLDEST), Placement::Duplicate);
        assert_eq!(stream.place(header(12, 1320), OLDEST), Placement::Duplicate);
        assert_eq!(stream.place(header(10, 777_000), OLDEST), Placement::Far);
        let missing = Place { position: ORIGIN + 1, media: 160 };
        assert_eq!(stream.place(header(11, 1160), OLDEST), Placement::Older(missing));
        assert_eq!(stream.place(header(11, 1160), 161), Placement::Far);
        assert_eq!(stream.unseen(ORIGIN, ORIGIN + 3), 1);
        stream.see(missing, 1160);
        assert_eq!(stream.place(header(11, 1160), OLDEST), Placement::Duplicate);
        assert_eq!(stream.unseen(ORIGIN, ORIGIN + 5), 2);
    }

    #[test]
    fn far_numbers_and_other_sources() {
        let stream = Stream::new(header(10_000, 0));
        assert_eq!(stream.place(header(13_001, 0), OLDEST), Placement::Far);
        assert_eq!(stream.place(header(9_899, 0), OLDEST), Placement::Far);
        let other = Header { sequence: 10_001, timestamp: 160, ssrc: 2 };
        assert_eq!(stream.place(other, OLDEST), Placement::OtherSource);
    }

    #[test]
    fn packets_of_the_numbers_before_an_anchor_find_their_place() {
        let mut stream = Stream::new(header(10, 0));
        stream.follow(header(12, 320), newest(stream.place(header(12, 320), OLDEST)));
        let other = Header { sequence: 900, timestamp: 5, ssrc: 2 };
        stream.reanchor(other, Place { position: ORIGIN + 3, media: 480 });
        let missing = Place { position: ORIGIN + 1, media: 160 };
        assert_eq!(stream.place(header(11, 160), OLDEST), Placement::Older(missing));
        assert_eq!(stream.place(header(13, 480), OLDEST), Placement::Far, "is it back?");
        let third = Header { ssrc: 3, ..other };
        assert_eq!(stream.place(third, OLDEST), Placement::OtherSource);
        let next = Header { sequence: 901, timestamp: 165, ssrc: 2 };
        assert_eq!(newest(stream.place(next, OLDEST)), Place { position: ORIGIN + 4, media: 640 });
    }
}
