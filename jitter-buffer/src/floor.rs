//! The path's fastest time of late.

/// The least transit of the last second or so of media.
#[derive(Debug)]
pub(crate) struct Floor {
    buckets: [i64; BUCKETS],
    current: usize,
    filled: i64,
    bucket: i64,
    least: i64,
}

/// Six buckets of 200 ms: long enough that a path with jitter shows its fastest case (60 packets of
/// 20 ms), short enough that a slower path or a growing queue is known after a second. Time without
/// packets does not count.
const BUCKETS: usize = 6;
pub(crate) const BUCKET_MS: u64 = 200;

impl Floor {
    /// A floor with buckets of `bucket` units of media each, at `transit`.
    pub(crate) fn new(bucket: i64, transit: i64) -> Self {
        Self { buckets: [transit; BUCKETS], current: 0, filled: 0, bucket, least: transit }
    }

    /// Forgets all but one transit.
    pub(crate) fn restart(&mut self, transit: i64) {
        *self = Self::new(self.bucket, transit);
    }

    /// Notes the transit of a packet that brings `media` more.
    #[inline]
    pub(crate) fn note(&mut self, transit: i64, media: i64) {
        self.filled += media;
        if self.filled >= self.bucket {
            self.filled = 0;
            self.current = (self.current + 1) % BUCKETS;
            if let Some(bucket) = self.buckets.get_mut(self.current) {
                *bucket = transit;
            }
            self.least = self.buckets.iter().copied().fold(transit, i64::min);
        } else if let Some(bucket) = self.buckets.get_mut(self.current) {
            *bucket = transit.min(*bucket);
            self.least = transit.min(self.least);
        }
    }

    pub(crate) fn least(&self) -> i64 {
        self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faster_is_believed_at_once_and_slower_after_a_second() {
        let mut floor = Floor::new(1600, 800);
        for _ in 0..100 {
            floor.note(810, 160);
        }
        assert_eq!(floor.least(), 810);
        floor.note(500, 160);
        assert_eq!(floor.least(), 500);
        let packets = (1..).find(|_| {
            floor.note(900, 160);
            floor.least() == 900
        });
        assert!((50..=60).contains(&packets.unwrap()), "{packets:?}");
    }
}
