use alloc::boxed::Box;
use core::time::Duration;

use super::MacAddress;
use super::hash::keyed;

/// Which station lives behind which port: learned from the frames that it sends, forgotten when it falls
/// silent (IEEE 802.1D, 7.8 and 7.9).
///
/// Stations hash into sets of eight places. The table never grows: a station that finds its set full of
/// others that are not aged stays unknown, which means its frames are flooded, not lost.
#[derive(Debug)]
pub struct MacTable {
    sets: Box<[[Place; WAYS]]>,
    config: MacTableConfig,
    key: u64,
    len: usize,
    refused: u64,
}

/// What a [`MacTable`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacTableConfig {
    /// The most stations known at once. Default 8192.
    pub capacity: usize,
    /// How long a silent station is remembered. Default 300 s, as 802.1D recommends.
    pub age: Duration,
}

impl Default for MacTableConfig {
    fn default() -> Self {
        Self { capacity: 8192, age: Duration::from_secs(300) }
    }
}

/// What [`MacTable::learn`] made of a frame's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learned {
    /// Known on this port already; its age starts anew.
    Refreshed,
    /// Not known before.
    New,
    /// Known on another port until now.
    Moved {
        /// That port.
        from: u16,
    },
    /// No room: the station stays unknown.
    Full,
    /// No station sends from a group's address or from zero.
    NotAStation,
}

impl MacTable {
    /// An empty table. `key` keys the hash, so that nobody can choose addresses that share a set: take it
    /// from a random source.
    pub fn new(config: MacTableConfig, key: u64) -> Self {
        // Twice the room, so that sets overflow only when the table is all but full.
        let sets = (config.capacity.max(1) * 2).div_ceil(WAYS).next_power_of_two();
        Self {
            sets: alloc::vec![[Place::default(); WAYS]; sets].into(),
            config,
            key,
            len: 0,
            refused: 0,
        }
    }

    /// Notes that a frame from `source` came in by `port` on `vlan` (0 when untagged).
    pub fn learn(&mut self, now: Duration, vlan: u16, source: MacAddress, port: u16) -> Learned {
        if !source.is_station() {
            return Learned::NotAStation;
        }
        let (set, tag) = self.set_of(vlan, source);
        let oldest = now.saturating_sub(self.config.age);
        let places = &mut self.sets[set];
        if let Some(place) = places.iter_mut().find(|place| place.tag == tag) {
            let fresh = place.seen >= oldest;
            let from = core::mem::replace(&mut place.port, port);
            place.seen = now;
            return match (fresh, from == port) {
                (true, true) => Learned::Refreshed,
                (true, false) => Learned::Moved { from },
                (false, _) => Learned::New,
            };
        }
        let aged = |place: &Place| place.tag != EMPTY && place.seen < oldest;
        // An aged station of this set gives its place; an empty one is taken below the limit only.
        let free = match places.iter().position(aged) {
            Some(at) => Some(at),
            None if self.len < self.config.capacity => {
                let at = places.iter().position(|place| place.tag == EMPTY);
                self.len += usize::from(at.is_some());
                at
            }
            None => None,
        };
        match free.and_then(|at| places.get_mut(at)) {
            Some(place) => {
                *place = Place { tag, port, seen: now };
                Learned::New
            }
            None => {
                self.refused += 1;
                Learned::Full
            }
        }
    }

    /// The port behind which a station lives; `None` means flood.
    #[inline]
    pub fn lookup(&self, now: Duration, vlan: u16, destination: MacAddress) -> Option<u16> {
        let (set, tag) = self.set_of(vlan, destination);
        let place = self.sets[set].iter().find(|place| place.tag == tag)?;
        (place.seen >= now.saturating_sub(self.config.age)).then_some(place.port)
    }

    /// Forgets every station behind a port, as when its link goes down.
    pub fn forget_port(&mut self, port: u16) {
        self.forget(|place| place.port == port);
    }

    /// Forgets the aged. Lookups ignore them anyway; call this now and then, for example every tenth of
    /// the age, so that they leave room.
    pub fn handle_timeout(&mut self, now: Duration) {
        let oldest = now.saturating_sub(self.config.age);
        self.forget(|place| place.seen < oldest);
    }

    /// Stations in the table, the aged that were not forgotten yet included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no station is known.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How often a station found no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// All stations: VLAN, address, port, when last seen.
    pub fn iter(&self) -> impl Iterator<Item = (u16, MacAddress, u16, Duration)> {
        self.sets.iter().flatten().filter(|place| place.tag != EMPTY).map(|place| {
            let [a, b, c, d, e, f, y, z] = place.tag.to_be_bytes();
            let vlan = u16::from_be_bytes([y, z]);
            (vlan, MacAddress([a, b, c, d, e, f]), place.port, place.seen)
        })
    }

    fn forget(&mut self, which: impl Fn(&Place) -> bool) {
        for place in self.sets.iter_mut().flatten().filter(|place| place.tag != EMPTY) {
            if which(place) {
                *place = Place::default();
                self.len -= 1;
            }
        }
    }

    #[inline]
    fn set_of(&self, vlan: u16, address: MacAddress) -> (usize, u64) {
        let tag = address.to_bits() << 16 | u64::from(vlan & 0xfff);
        (keyed(self.key, [tag]) as usize & (self.sets.len() - 1), tag)
    }
}

const WAYS: usize = 8;
/// The tag of an empty place: address zero is no station.
const EMPTY: u64 = 0;

/// Where a station may stand.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// The address in the upper 48 bits, the VLAN in the lower 16.
    tag: u64,
    port: u16,
    seen: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn station(number: u32) -> MacAddress {
        let [a, b, c, d] = number.to_be_bytes();
        MacAddress([2, 0, a, b, c, d])
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_station_is_learned_moves_and_ages() {
        let mut table = MacTable::new(MacTableConfig::default(), 1);
        assert_eq!(table.learn(at(0), 1, station(1), 3), Learned::New);
        assert_eq!(table.learn(at(10), 1, station(1), 3), Learned::Refreshed);
        assert_eq!(table.lookup(at(10), 1, station(1)), Some(3));
        assert_eq!(table.lookup(at(10), 2, station(1)), None, "another VLAN, another station");
        assert_eq!(table.learn(at(20), 1, station(1), 4), Learned::Moved { from: 3 });
        assert_eq!(table.lookup(at(320), 1, station(1)), Some(4));
        assert_eq!(table.lookup(at(321), 1, station(1)), None);
        assert_eq!(table.iter().collect::<Vec<_>>(), [(1, station(1), 4, at(20))]);
        table.handle_timeout(at(321));
        assert!(table.is_empty());
        assert_eq!(table.learn(at(0), 0, MacAddress::BROADCAST, 1), Learned::NotAStation);
    }

    #[test]
    fn a_flood_of_addresses_stays_within_the_capacity() {
        let mut table = MacTable::new(MacTableConfig { capacity: 100, age: at(300) }, 7);
        for number in 0..100_000 {
            table.learn(at(1), 0, station(number), 1);
            assert!(table.len() <= 100);
        }
        assert!(table.len() > 90 && table.refused() >= 99_900);
        // An aged table makes room again, without being told.
        let late =
            (0..100).filter(|n| table.learn(at(400), 0, station(n + 1_000_000), 2) == Learned::New);
        assert!(late.count() > 30);
        table.forget_port(1);
        assert!(table.iter().all(|(_, _, port, _)| port == 2));
    }

    proptest! {
        #[test]
        fn behaves_as_a_map(key: u64, steps in prop::collection::vec((0_u32..20, 0_u16..3, 0_u16..4, 0_u64..200), 0..100)) {
            let mut table = MacTable::new(MacTableConfig { capacity: 1000, age: at(300) }, key);
            let mut twin = BTreeMap::new();
            let mut now = at(0);
            for (number, vlan, port, pause) in steps {
                now += at(pause);
                table.learn(now, vlan, station(number), port);
                twin.insert((vlan, number), (port, now));
                if pause == 0 { table.handle_timeout(now); }
                for (&(vlan, number), &(port, seen)) in &twin {
                    let expected = (now - seen <= at(300)).then_some(port);
                    prop_assert_eq!(table.lookup(now, vlan, station(number)), expected);
                }
            }
        }
    }
}
