//! Deadlines: a hierarchical timing wheel.
//!
//! Starting, stopping and expiring a timer take constant time however many are pending, and a
//! stopped timer leaves nothing behind. Deadlines are kept in whole milliseconds and rounded up,
//! so a timer never fires early; timers of one millisecond fire in the order in which they were
//! started, which keeps a simulation repeatable.
//!
//! ```
//! use core::time::Duration;
//! use sip_core::timer::Wheel;
//!
//! let mut wheel = Wheel::new();
//! let retransmit = wheel.start(Duration::from_millis(500), "E");
//! wheel.start(Duration::from_secs(32), "F");
//! assert_eq!(wheel.stop(retransmit), Some("E"));
//! assert_eq!(wheel.expire(Duration::from_secs(31)), None);
//! assert_eq!(wheel.expire(Duration::from_secs(32)), Some("F"));
//! assert!(wheel.is_empty());
//! ```

use core::time::Duration;

const LEVELS: usize = 6;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_MASK: u64 = SLOTS as u64 - 1;
/// The longest distance the wheel tells apart: 2^36 ms, about two years.
const SPAN: u64 = 1 << (SLOT_BITS * LEVELS as u32);
/// Room for so many timers is made with the first.
const FIRST: usize = 32;
const NIL: u32 = u32::MAX;

/// Names one started timer. Once the timer has fired or was stopped the key is spent: using it
/// again does nothing, even when its place was taken by another timer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimerKey {
    index: u32,
    generation: u32,
}

/// Pending timers, each with a value that says what it is for.
#[derive(Debug)]
pub struct Wheel<T> {
    slots: Box<[[List; SLOTS]; LEVELS]>,
    occupied: [u64; LEVELS],
    entries: Vec<Entry<T>>,
    free: u32,
    /// The generation in which a further entry begins.
    first: u32,
    elapsed: u64,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

#[derive(Debug)]
struct Entry<T> {
    value: Option<T>,
    deadline: u64,
    generation: u32,
    previous: u32,
    next: u32,
    level: u8,
    slot: u8,
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Wheel<T> {
    /// An empty wheel that stands at time zero.
    pub fn new() -> Self {
        Self {
            slots: Box::new([[List { head: NIL, tail: NIL }; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
            entries: Vec::new(),
            free: NIL,
            first: 0,
            elapsed: 0,
            len: 0,
        }
    }

    /// The number of pending timers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Starts a timer that fires at `deadline`, or at the next expiry when that has passed.
    pub fn start(&mut self, deadline: Duration, value: T) -> TimerKey {
        let deadline = ticks_up(deadline);
        let index = self.allocate(value, deadline);
        self.link(index);
        self.len += 1;
        TimerKey { index, generation: self.entries[index as usize].generation }
    }

    /// Stops a timer and gives its value back; `None` when it has fired or was stopped before.
    pub fn stop(&mut self, key: TimerKey) -> Option<T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.generation != key.generation || entry.value.is_none() {
            return None;
        }
        self.unlink(key.index);
        self.release(key.index)
    }

    /// The value of one timer whose deadline is at or before `now`, earliest first; `None` when
    /// there is none left. Call it until it says so.
    pub fn expire(&mut self, now: Duration) -> Option<T> {
        let now = ticks_down(now);
        while let Some((level, slot, at)) = self.first() {
            if at > now {
                break;
            }
            self.elapsed = self.elapsed.max(at);
            if level == 0 {
                let index = self.slots[0][slot].head;
                self.unlink(index);
                return self.release(index);
            }
            self.cascade(level, slot);
        }
        self.elapsed = self.elapsed.max(now);
        None
    }

    /// When to call [`expire`](Self::expire) next. Exact for a deadline nearer than 64 ms; for a
    /// farther one it may name an earlier moment at which timers only move closer.
    pub fn next(&self) -> Option<Duration> {
        self.first().map(|(_, _, at)| Duration::from_millis(at))
    }

    /// Gives back the room that was needed for more timers than there are now, as far as there is none
    /// in use behind it. Takes time for each timer that there was room for.
    pub fn shrink(&mut self) {
        let used = self.entries.iter().rposition(|entry| entry.value.is_some());
        let used = used.map_or(0, |last| last + 1);
        // A key of an entry that is gone must not fit one that comes in its stead.
        let spent = self.entries.drain(used..).map(|entry| entry.generation).max();
        self.first = self.first.max(spent.unwrap_or(0));
        self.entries.shrink_to_fit();
        self.free = NIL;
        for (index, entry) in self.entries.iter_mut().enumerate().rev() {
            if entry.value.is_none() {
                entry.next = self.free;
                self.free = index as u32;
            }
        }
    }

    /// The earliest occupied slot: its level, its index and the tick at which it is due.
    fn first(&self) -> Option<(usize, usize, u64)> {
        for level in 0..LEVELS {
            let occupied = self.occupied[level];
            if occupied == 0 {
                continue;
            }
            let shift = SLOT_BITS * level as u32;
            let now_slot = (self.elapsed >> shift) & SLOT_MASK;
            let ahead = u64::from(occupied.rotate_right(now_slot as u32).trailing_zeros());
            let slot = (now_slot + ahead) & SLOT_MASK;
            let range_start = self.elapsed & !((1 << (shift + SLOT_BITS)) - 1);
            let mut at = range_start + (slot << shift);
            // A slot behind the hand belongs to the next turn; only the outermost level wraps.
            if slot < now_slot {
                at += 1 << (shift + SLOT_BITS);
            }
            return Some((level, slot as usize, at.max(self.elapsed)));
        }
        None
    }

    /// Moves every timer of a due slot to the level that its remaining distance asks for.
    fn cascade(&mut self, level: usize, slot: usize) {
        let mut index = self.slots[level][slot].head;
        self.slots[level][slot] = List { head: NIL, tail: NIL };
        self.occupied[level] &= !(1 << slot);
        while index != NIL {
            let next = self.entries[index as usize].next;
            self.link(index);
            index = next;
        }
    }

    fn link(&mut self, index: u32) {
        let deadline = self.entries[index as usize].deadline;
        // Farther than the wheel reaches: parked at its rim and looked at again there.
        let when = deadline.clamp(self.elapsed, self.elapsed + SPAN - 1);
        let level = level_of(self.elapsed, when);
        let slot = ((when >> (SLOT_BITS * level as u32)) & SLOT_MASK) as usize;
        let tail = self.slots[level][slot].tail;
        let entry = &mut self.entries[index as usize];
        entry.level = level as u8;
        entry.slot = slot as u8;
        entry.previous = tail;
        entry.next = NIL;
        match tail {
            NIL => self.slots[level][slot].head = index,
            tail => self.entries[tail as usize].next = index,
        }
        self.slots[level][slot].tail = index;
        self.occupied[level] |= 1 << slot;
    }

    fn unlink(&mut self, index: u32) {
        let entry = &self.entries[index as usize];
        let (level, slot) = (usize::from(entry.level), usize::from(entry.slot));
        let (previous, next) = (entry.previous, entry.next);
        match previous {
            NIL => self.slots[level][slot].head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NIL => self.slots[level][slot].tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
        if self.slots[level][slot].head == NIL {
            self.occupied[level] &= !(1 << slot);
        }
    }

    fn allocate(&mut self, value: T, deadline: u64) -> u32 {
        if self.free == NIL {
            if self.entries.capacity() == 0 {
                self.entries.reserve(FIRST);
            }
            let index = self.entries.len() as u32;
            self.entries.push(Entry {
                value: Some(value),
                deadline,
                generation: self.first,
                previous: NIL,
                next: NIL,
                level: 0,
                slot: 0,
            });
            return index;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        entry.value = Some(value);
        entry.deadline = deadline;
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        self.free = index;
        self.len -= 1;
        entry.value.take()
    }
}

/// The level whose slots are the finest that still tell `when` from `elapsed`.
fn level_of(elapsed: u64, when: u64) -> usize {
    let differing = (elapsed ^ when) | SLOT_MASK;
    let level = (63 - differing.leading_zeros()) / SLOT_BITS;
    (level as usize).min(LEVELS - 1)
}

fn ticks_up(at: Duration) -> u64 {
    let is_whole = at.subsec_millis() * 1_000_000 == at.subsec_nanos();
    ticks_down(at) + u64::from(!is_whole)
}

fn ticks_down(at: Duration) -> u64 {
    let whole = at.as_secs().saturating_mul(1000);
    whole.saturating_add(at.subsec_millis().into()).min(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn fires_in_order_and_never_early() {
        let mut wheel = Wheel::new();
        for at in [32_000, 500, 64, 63, 4096, 0, 500] {
            wheel.start(ms(at), at);
        }
        let mut fired = Vec::new();
        let mut wakes = 0;
        while let Some(at) = wheel.next() {
            wakes += 1;
            while let Some(value) = wheel.expire(at) {
                assert_eq!(ms(value), at);
                fired.push(value);
            }
        }
        assert_eq!(fired, [0, 63, 64, 500, 500, 4096, 32_000]);
        assert!(wakes < 20, "{wakes} wake-ups for 7 timers");
    }

    #[test]
    fn part_of_a_millisecond_is_rounded_up() {
        let mut wheel = Wheel::new();
        wheel.start(Duration::from_micros(1500), ());
        assert_eq!(wheel.expire(Duration::from_micros(1900)), None);
        assert_eq!(wheel.expire(ms(2)), Some(()));
    }

    #[test]
    fn a_passed_deadline_fires_at_once() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.expire(ms(1000)), None);
        wheel.start(ms(3), ());
        assert_eq!(wheel.next(), Some(ms(1000)));
        assert_eq!(wheel.expire(ms(1000)), Some(()));
    }

    #[test]
    fn a_spent_key_does_not_stop_its_successor() {
        let mut wheel = Wheel::new();
        let first = wheel.start(ms(5), 1);
        assert_eq!(wheel.stop(first), Some(1));
        let second = wheel.start(ms(5), 2);
        assert_eq!(wheel.stop(first), None);
        assert_eq!(wheel.len(), 1);
        assert_eq!(wheel.stop(second), Some(2));
        assert!(wheel.is_empty());
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn stopped_timers_leave_no_memory_behind() {
        let mut wheel = Wheel::new();
        for at in 0..10_000 {
            let key = wheel.start(ms(at + 32_000), at);
            wheel.stop(key);
        }
        assert_eq!(wheel.entries.len(), 1);
    }

    #[test]
    fn what_a_busy_time_has_taken_is_given_back() {
        let mut wheel = Wheel::new();
        let keys: Vec<TimerKey> = (0..1_000).map(|at| wheel.start(ms(at), at)).collect();
        for key in keys.iter().filter(|key| ![1, 4].contains(&key.index)) {
            wheel.stop(*key);
        }
        wheel.shrink();
        assert_eq!((wheel.len(), wheel.entries.capacity()), (2, 5));
        for at in 1_000..2_000 {
            wheel.start(ms(at), at);
        }
        assert!(keys.iter().all(|key| wheel.stop(*key).is_some() == [1, 4].contains(&key.index)));
        let mut fired = 0;
        while let Some(at) = wheel.expire(ms(2_000)) {
            assert!(at >= 1_000);
            fired += 1;
        }
        assert_eq!((fired, wheel.len()), (1_000, 0));
    }

    #[test]
    fn farther_than_the_wheel_reaches() {
        let mut wheel = Wheel::new();
        wheel.start(ms(SPAN * 3 + 17), "far");
        wheel.start(Duration::MAX, "never");
        let mut wakes = 0;
        loop {
            let at = wheel.next().expect("two are pending");
            wakes += 1;
            assert!(wakes < 1000);
            if let Some(value) = wheel.expire(at) {
                assert_eq!((value, at), ("far", ms(SPAN * 3 + 17)));
                break;
            }
        }
        assert_eq!(wheel.len(), 1);
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(
            steps in prop::collection::vec((0u64..200_000, 0u64..5_000, any::<bool>()), 1..200)
        ) {
            let mut wheel = Wheel::new();
            let mut model: Vec<(u64, usize, TimerKey)> = Vec::new();
            let mut now = 0;
            for (id, (delay, advance, stop)) in steps.into_iter().enumerate() {
                let key = wheel.start(ms(now + delay), id);
                model.push((now + delay, id, key));
                if stop && model.len() > 2 {
                    let (_, id, key) = model.remove(model.len() / 2);
                    prop_assert_eq!(wheel.stop(key), Some(id));
                }
                now += advance;
                let mut due: Vec<_> = model.iter().filter(|t| t.0 <= now).map(|t| t.1).collect();
                let mut fired = Vec::new();
                let mut last = 0;
                while let Some(id) = wheel.expire(ms(now)) {
                    let at = model.iter().find(|t| t.1 == id).expect("pending").0;
                    prop_assert!(at >= last);
                    last = at;
                    fired.push(id);
                }
                due.sort_unstable();
                fired.sort_unstable();
                prop_assert_eq!(due, fired);
                model.retain(|t| t.0 > now);
                prop_assert_eq!(wheel.len(), model.len());
                if let Some(next) = wheel.next() {
                    prop_assert!(next <= ms(model.iter().map(|t| t.0).min().expect("pending")));
                }
            }
        }
    }
}
