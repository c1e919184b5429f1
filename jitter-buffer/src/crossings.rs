//! How often the network makes listeners wait, by how late.

use crate::units::MediaClock;

/// For each level of delay: how often the path's delay rose through it, and in how much time.
///
/// A buffer that adds the delay D and gives way to what comes later conceals exactly what rises above D:
/// each rise through a level above D costs the time between two levels. So the sum over the levels
/// above D is the concealment that D will cost, if the past is like the future.
///
/// What D costs in delay is less than D where giving way keeps playout late anyway: a level costs only in the
/// time in which playout would be below it. When packets come by threes, the first of each three is two frames
/// late, and playout that gave way to one has come back by little when the next is due.
#[derive(Debug, Clone)]
pub(crate) struct Crossings {
    /// In fractions of [`ONE`].
    counts: [u16; LEVELS],
    /// In fractions of [`MS`], how long playout that only gives way was at each level.
    times: [u32; LEVELS],
    /// No level from this one on has a count.
    used: usize,
    /// Media time that the counts speak of, in ms.
    elapsed: u32,
    since_decay: u32,
}

/// Levels of 4 ms each: finer makes no difference to a tick of 10 ms, coarser is felt with 2.5 ms.
pub(crate) const LEVELS: usize = 128;
const LEVEL_MS: i64 = 4;
/// One crossing. 16 of them fit, as many as are worth 43 s of a level.
const ONE: i64 = 4096;
/// One millisecond.
const MS: u32 = 256;
/// The weight of a crossing that counts as one.
pub(crate) const WEIGHT: i64 = 256;
/// Counts fade by a part in 50 every 200 ms: to a third in 10 s. Rare events that matter come every few
/// seconds, and a few of them have to be remembered at once; a longer memory would hold on to a network
/// that was.
const DECAY_MS: u32 = 200;
const DECAY_PART: u32 = 50;
/// No delay is found to gain more than so many times what it would cost all the time. At 1 it is given up after
/// 10 s x ln (1 + 1) = 7 s without a crossing, however bad it was before; half or twice of it would be 4 s or 11 s.
const SURENESS: u32 = 1;

impl Crossings {
    pub(crate) const fn new() -> Self {
        Self { counts: [0; LEVELS], times: [0; LEVELS], used: 0, elapsed: 0, since_decay: 0 }
    }

    /// As if `elapsed` ms had passed in which the levels up to `level` were surely worth while.
    pub(crate) fn with_prior(level: usize, elapsed: u32) -> Self {
        let mut crossings = Self { elapsed, used: level.min(LEVELS), ..Self::new() };
        crossings.times[0] = elapsed * MS;
        for (count, price) in crossings.counts.iter_mut().zip(&PRICES).take(level) {
            *count = most(*price, elapsed, elapsed) as u16;
        }
        crossings
    }

    /// Notes that the delay rose from one level to another, both in `level` units each, which counts for
    /// `weight` of [`WEIGHT`].
    #[inline]
    pub(crate) fn rise(&mut self, from: i64, to: i64, level: i64, weight: i64) {
        let (from, to) = (from.max(0), to.min(level * LEVELS as i64));
        if to <= from {
            return;
        }
        let (first, last) = ((from / level) as usize, ((to - 1) / level) as usize);
        self.used = self.used.max(last + 1);
        let (mut start, mut end) = (from, (first as i64 + 1) * level);
        for count in self.counts.iter_mut().take(last + 1).skip(first) {
            let part = (end.min(to) - start) * weight / level * (ONE / WEIGHT);
            let part = part.clamp(0, i64::from(u16::MAX)) as u16;
            *count = count.saturating_add(part);
            (start, end) = (end, end + level);
        }
    }

    /// Notes that `ms` of media passed with playout at a level, if it only gave way; whether the counts faded.
    #[inline]
    pub(crate) fn pass(&mut self, ms: u32, level: usize) -> bool {
        self.elapsed += ms;
        if let Some(time) = self.times.get_mut(level.min(LEVELS - 1)) {
            *time += ms * MS;
        }
        self.since_decay += ms;
        let is_time = self.since_decay >= DECAY_MS;
        if is_time {
            self.since_decay = 0;
            let elapsed = self.elapsed.max(PRIOR_MS);
            let (mut below, mut most_gained) = (0, 0);
            let levels = self.counts.iter_mut().zip(&self.times).zip(&PRICES).take(self.used);
            for ((count, time), price) in levels {
                below += time;
                most_gained += most(*price, below / MS, elapsed);
                let sure = i32::from(*count).min(most_gained);
                most_gained -= sure;
                *count = (sure as u32 * (DECAY_PART - 1) / DECAY_PART) as u16;
            }
            self.elapsed -= self.elapsed / DECAY_PART;
            for time in &mut self.times {
                *time -= *time / DECAY_PART;
            }
            while self.used > 0 && self.counts.get(self.used - 1) == Some(&0) {
                self.used -= 1;
            }
        }
        is_time
    }

    /// The delay, in levels, at which waiting and concealing together cost least, where `others` are
    /// asked for what is not known here.
    pub(crate) fn best_level(&self, others: &Self) -> usize {
        // As many fractions of the others' counts as make up the prior time.
        let share = i64::from(PRIOR_MS * 1024 / others.elapsed.max(PRIOR_MS)) as i32;
        // How long playout was below a level, in fractions of MS; what the prior time lacks, it was below all.
        let mut below = PRIOR_MS.saturating_sub(others.elapsed) * MS;
        let used = self.used.max(others.used);
        let (mut cost, mut least, mut best) = (0, 0, 0);
        let counts = self.counts.iter().zip(&others.counts);
        let times = self.times.iter().zip(&others.times);
        for (level, ((count, time), price)) in counts.zip(times).zip(&PRICES).take(used).enumerate()
        {
            let saved = i32::from(*count.0) + ((i32::from(*count.1) * share) >> 10);
            below += time.0 + (((time.1 / 16) * share as u32) >> 6);
            cost += ((price * (below / MS) as i32) >> 10) - saved;
            if cost < least {
                (least, best) = (cost, level + 1);
            }
        }
        best
    }
}

/// Time in which a context of its own is believed no more than all together: the first event in it
/// should neither rule nor be ignored.
const PRIOR_MS: u32 = 1500;

/// The width of a level in timestamp units.
pub(crate) fn level_units(clock: MediaClock) -> i64 {
    clock.units(core::time::Duration::from_millis(LEVEL_MS as u64)).max(1)
}

/// What a level may add to the greatest gain, when playout was below it for so many of the `elapsed` ms.
fn most(price: i32, below: u32, elapsed: u32) -> i32 {
    (price * (below + SURENESS * elapsed) as i32) >> 10
}

/// How many crossings of a level a millisecond (in ONE / 1024) make the level worth its delay.
///
/// By the E-model (ITU-T G.107) with a network and packetisation delay of 150 ms, another millisecond
/// costs 0.035 of the rating R at first, rising by 0.0017 a millisecond, and 0.137 from 60 ms on. One per
/// cent of concealed frames costs 3.64 (G.711 with concealment, Bpl 25.1); one crossing a second of a
/// level conceals a millisecond a second more for each millisecond of its width: 0.364.
const PRICES: [i32; LEVELS] = {
    let mut prices = [0; LEVELS];
    let mut level = 0;
    while level < LEVELS {
        let ms = level as i64 * LEVEL_MS + LEVEL_MS / 2;
        // Thousandths of a crossing a second: 0.035 / 0.364, 0.0017 / 0.364, 0.137 / 0.364.
        let rate = 95_000 + 4_700 * ms;
        let rate = if rate < 376_000 { rate } else { 376_000 };
        prices[level] = (rate * ONE / 1_000_000 * 1024 / 1_000) as i32;
        level += 1;
    }
    prices
};

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 kHz.
    const LEVEL: i64 = 32;

    /// The best level after `seconds` in which every `period` ms the delay rose to `height` ms.
    fn learned(seconds: u32, period: u32, height: i64) -> i64 {
        let mut crossings = Crossings::new();
        for ms in (0..seconds * 1000).step_by(20) {
            crossings.pass(20, 0);
            if ms % period == 0 {
                crossings.rise(0, height * 8, LEVEL, WEIGHT);
            }
        }
        crossings.best_level(&crossings) as i64 * LEVEL_MS
    }

    #[test]
    fn frequent_rises_are_waited_for_and_rare_ones_are_not() {
        assert_eq!(learned(60, 1000, 40), 40);
        assert_eq!(learned(60, 1000, 200), 200);
        assert_eq!(learned(65, 10_000, 200), 0);
        // Cheap levels are worth more than dear ones.
        assert!((8..40).contains(&learned(60, 5_000, 200)));
    }

    #[test]
    fn a_level_costs_only_while_playout_is_below_it() {
        let learned = |at: usize| {
            let mut crossings = Crossings::new();
            for n in 0..1000 {
                crossings.pass(20, at);
                if n % 50 == 0 {
                    crossings.rise(40 * 8, 48 * 8, LEVEL, WEIGHT);
                }
            }
            crossings.best_level(&crossings) as i64 * LEVEL_MS
        };
        // Playout that goes to and fro between 40 and 48 ms may as well stay at 48.
        assert_eq!(learned(10), 48);
        // From far below it is not worth while.
        assert_eq!(learned(0), 0);
    }

    #[test]
    fn a_long_way_is_gone_for_what_often_comes_at_its_end() {
        // Two packets a second that are overtaken by 80 ms, and would be waited for 20 ms anyway.
        let mut crossings = Crossings::new();
        for n in 0..1000 {
            crossings.pass(20, 0);
            if n % 25 == 0 {
                crossings.rise(60 * 8, 80 * 8, LEVEL, WEIGHT);
            }
        }
        assert_eq!(crossings.best_level(&crossings) as i64 * LEVEL_MS, 80);
        for _ in 0..400 {
            crossings.pass(20, 0);
        }
        assert_eq!(crossings.best_level(&crossings), 0);
    }

    #[test]
    fn any_past_is_forgotten_in_ten_seconds() {
        let mut crossings = Crossings::new();
        for _ in 0..100_000 {
            crossings.pass(20, 0);
            crossings.rise(0, 500 * 8, LEVEL, WEIGHT);
        }
        assert_eq!(crossings.best_level(&crossings), 125);
        for _ in 0..400 {
            crossings.pass(20, 0);
        }
        assert_eq!(crossings.best_level(&crossings), 0);
    }

    #[test]
    fn a_rise_counts_in_part_where_it_begins_and_ends() {
        let mut crossings = Crossings { elapsed: 16_000, ..Crossings::new() };
        crossings.rise(16, 80, LEVEL, WEIGHT);
        assert_eq!(crossings.counts[..4], [2048, 4096, 2048, 0]);
        crossings.rise(1 << 40, 1 << 41, LEVEL, WEIGHT);
        crossings.rise(-50, -10, LEVEL, WEIGHT);
        assert_eq!(crossings.used, 3);
    }

    #[test]
    fn the_prior_is_soon_overruled() {
        let mut crossings = Crossings::with_prior(10, 2000);
        assert_eq!(crossings.best_level(&crossings), 10);
        for _ in 0..250 {
            crossings.pass(20, 0);
        }
        assert_eq!(crossings.best_level(&crossings), 0);
    }
}
