use alloc::{sync::Arc, vec::Vec};

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// A zone's wall clock, with its changes from 1970 to 2099 laid out for search.
///
/// A zone computes changes to come from a rule at each question; a telephone exchange asks for
/// every call. Outside of the table the zone is asked.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    table: Arc<Table>,
}

#[derive(Debug)]
struct Table {
    /// In order; the first is the beginning of the table.
    jumps: Vec<Jump>,
    /// For every stretch of 2^24 seconds (194 days), the last jump at or before its beginning.
    buckets: Vec<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Jump {
    /// Unix seconds.
    at: i64,
    /// The offset from then on.
    offset: Offset,
}

/// 1970-01-01T00:00Z and 2100-01-01T00:00Z.
const FIRST: i64 = 0;
const END: i64 = 4_102_444_800;
const BUCKET: u32 = 24;

/// Where the wall clock stands, and until when it only goes ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) civil: DateTime,
    /// The next change of clocks, in Unix seconds.
    pub(super) next_jump: Option<i64>,
}

impl Clock {
    pub(super) fn new(zone: TimeZone) -> Self {
        let begin = Timestamp::UNIX_EPOCH;
        let mut jumps = alloc::vec![Jump { at: FIRST, offset: zone.to_offset(begin) }];
        for jump in zone.following(begin) {
            let at = jump.timestamp().as_second();
            if at >= END {
                break;
            }
            jumps.push(Jump { at, offset: jump.offset() });
        }
        let buckets = (0..=(END - 1 - FIRST) >> BUCKET).map(|bucket| {
            let start = FIRST + (bucket << BUCKET);
            jumps.partition_point(|jump| jump.at <= start) as u16 - 1
        });
        let table = Table { buckets: buckets.collect(), jumps };
        Self { zone, table: Arc::new(table) }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What the wall clock shows at `t`.
    #[inline]
    pub(super) fn civil(&self, t: Timestamp) -> DateTime {
        match self.find(t.as_second()) {
            Some((jump, _)) => jump.offset.to_datetime(t),
            None => self.zone.to_datetime(t),
        }
    }

    #[inline]
    pub(super) fn read(&self, t: Timestamp) -> Reading {
        match self.find(t.as_second()) {
            Some((jump, Some(next))) => {
                Reading { civil: jump.offset.to_datetime(t), next_jump: Some(next.at) }
            }
            _ => Reading {
                civil: self.zone.to_datetime(t),
                next_jump: self.zone.following(t).next().map(|jump| jump.timestamp().as_second()),
            },
        }
    }

    /// The jump that holds at a second, and the next one in the table.
    #[inline]
    fn find(&self, second: i64) -> Option<(Jump, Option<Jump>)> {
        if second >= END {
            return None;
        }
        let bucket = usize::try_from((second - FIRST) >> BUCKET).ok()?;
        let mut index = usize::from(*self.table.buckets.get(bucket)?);
        loop {
            let next = self.table.jumps.get(index + 1).copied();
            match next {
                Some(jump) if jump.at <= second => index += 1,
                _ => return Some((*self.table.jumps.get(index)?, next)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone;

    #[test]
    fn agrees_with_the_zone() {
        for name in ["Europe/Moscow", "Europe/Berlin", "Africa/Casablanca", "UTC", "Asia/Kathmandu"]
        {
            let zone = zone(name).unwrap();
            let clock = Clock::new(zone.clone());
            let ends = [-1, 0, 1, END - 1, END, END + 1];
            let jumps = zone
                .following(Timestamp::UNIX_EPOCH)
                .take(60)
                .map(|jump| jump.timestamp().as_second())
                .flat_map(|at| [at - 1, at, at + 1]);
            for second in (-40..170).map(|n| n * 25_000_003).chain(ends).chain(jumps) {
                let t = Timestamp::from_second(second).unwrap();
                assert_eq!(clock.civil(t), zone.to_datetime(t), "{name} {second}");
                let reading = clock.read(t);
                assert_eq!(reading.civil, zone.to_datetime(t));
                let next = zone.following(t).next().map(|jump| jump.timestamp().as_second());
                assert_eq!(reading.next_jump, next, "{name} {second}");
            }
        }
    }
}
