use alloc::vec::Vec;

use jiff::civil::Date;

/// Some days of a row of years, the working days above all, as bits with rank and select.
///
/// One 32-bit word a month, so that a civil date finds its bit without a day count since some
/// epoch, and so that an answer of [`select`](Self::select) is a civil date at once. A thirty-year
/// table takes under 4 KB ([`bytes`](Self::bytes)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySet {
    /// Months since year 0 of the first word.
    first: i32,
    months: Vec<Month>,
    /// For every 16th day of the set, the month that holds it.
    samples: Vec<u16>,
    /// Days in all months.
    len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Month {
    /// Bit `d - 1` is set when day `d` is one of them.
    bits: u32,
    /// Days in all months before.
    before: u32,
}

/// Log2 of the distance of samples, in days of the set.
const SAMPLE: u32 = 4;

impl DaySet {
    /// A table of `years` years from `first_year` on, each day asked of `contains` once, in order.
    ///
    /// Years that jiff cannot express (before -9999, after 9999) hold none. At most 5,000
    /// years are taken.
    pub fn new(first_year: i16, years: u16, mut contains: impl FnMut(Date) -> bool) -> Self {
        let first = i32::from(first_year) * 12;
        let count = i32::from(years.min(5_000)) * 12;
        let mut months = Vec::with_capacity(count as usize);
        let mut samples = Vec::new();
        let mut before = 0;
        for month in first..first + count {
            let mut bits = 0;
            for day in 1..=31 {
                if date(month, day).is_some_and(&mut contains) {
                    bits |= 1 << (day - 1);
                }
            }
            let after = before + u32::count_ones(bits);
            while (samples.len() as u32) << SAMPLE < after {
                samples.push((month - first) as u16);
            }
            months.push(Month { bits, before });
            before = after;
        }
        samples.shrink_to_fit();
        Self { first, months, samples, len: before }
    }

    /// Whether `date` is one of them; `None` outside the table.
    #[inline]
    pub fn get(&self, date: Date) -> Option<bool> {
        let month = self.month(date)?;
        Some(month.bits >> (date.day() - 1) & 1 != 0)
    }

    /// How many of them lie before `date`; `None` outside the table.
    #[inline]
    pub fn rank(&self, date: Date) -> Option<u32> {
        let month = self.month(date)?;
        let below = month.bits & ((1 << (date.day() - 1)) - 1);
        Some(month.before + below.count_ones())
    }

    /// The `n`th of them, from 0; `None` when there are no more than `n`.
    #[inline]
    pub fn select(&self, n: u32) -> Option<Date> {
        let mut index = usize::from(*self.samples.get((n >> SAMPLE) as usize)?);
        if n >= self.len {
            return None;
        }
        // Sixteen working days lie in one month or two; sparser sets take more steps.
        while self.months.get(index + 1).is_some_and(|next| next.before <= n) {
            index += 1;
        }
        let month = self.months.get(index)?;
        date(self.first + index as i32, nth_bit(month.bits, n - month.before) as i8 + 1)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the tables take, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.months.as_slice()) + size_of_val(self.samples.as_slice())
    }

    #[inline]
    fn month(&self, date: Date) -> Option<Month> {
        let index = i32::from(date.year()) * 12 + i32::from(date.month()) - 1 - self.first;
        // A negative index becomes one past any end.
        self.months.get(index as usize).copied()
    }
}

/// `month` counts from January of year 0.
fn date(month: i32, day: i8) -> Option<Date> {
    Date::new((month.div_euclid(12)) as i16, (month.rem_euclid(12) + 1) as i8, day).ok()
}

/// The position of the `n`th set bit, from 0. There must be more than `n`.
#[inline]
fn nth_bit(word: u32, n: u32) -> u32 {
    // Sums of set bits in fields of 2, 4, 8 and 16; then from the widest down: is it in the upper
    // half? No branch depends on the data, since a wrong guess costs more than the whole search.
    let twos = word - ((word >> 1) & 0x5555_5555);
    let fours = (twos & 0x3333_3333) + ((twos >> 2) & 0x3333_3333);
    let eights = (fours + (fours >> 4)) & 0x0f0f_0f0f;
    let sixteens = (eights + (eights >> 8)) & 0x00ff_00ff;
    let mut rest = n;
    let mut at = 0;
    let mut step = |sums: u32, width: u32, mask: u32| {
        let lower = (sums >> at) & mask;
        let upper = u32::from(rest >= lower);
        rest -= lower * upper;
        at += width * upper;
    };
    step(sixteens, 16, 0xff);
    step(eights, 8, 0xff);
    step(fours, 4, 0xf);
    step(twos, 2, 0x3);
    step(word, 1, 0x1);
    at
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn finds_every_bit() {
        for word in [1, 0x8000_0000, 0xffff_ffff, 0x5a5a_1234, 0x0f0f_0f01, 0x7fff_fffe] {
            let bits: Vec<u32> = (0..32).filter(|bit| word >> bit & 1 == 1).collect();
            for (n, bit) in bits.iter().enumerate() {
                assert_eq!(nth_bit(word, n as u32), *bit, "bit {n} of {word:#x}");
            }
        }
    }

    #[test]
    fn rank_and_select_are_inverse() {
        let odd = |date: Date| date.day() % 3 == 1 && date.month() != 5;
        let table = DaySet::new(1999, 30, odd);
        let mut day = date(1999, 1, 1);
        let mut before = 0;
        while day < date(2029, 1, 1) {
            assert_eq!(table.get(day), Some(odd(day)));
            assert_eq!(table.rank(day), Some(before), "{day}");
            if odd(day) {
                assert_eq!(table.select(before), Some(day));
                before += 1;
            }
            day = day.tomorrow().unwrap();
        }
        assert_eq!(table.len(), before);
        assert_eq!(table.select(before), None);
        assert_eq!(table.get(date(1998, 12, 31)), None);
        assert_eq!(table.rank(date(2029, 1, 1)), None);
    }

    #[test]
    fn thirty_years_take_under_four_kilobytes() {
        let table = DaySet::new(1999, 30, |day| day.weekday().to_monday_zero_offset() < 5);
        assert!(table.bytes() <= 4096, "{} bytes", table.bytes());
    }

    #[test]
    fn an_empty_table_and_the_ends_of_time_answer_nothing() {
        assert_eq!(DaySet::default().get(Date::MAX), None);
        assert_eq!(DaySet::default().select(0), None);
        let all = DaySet::new(9_990, 100, |_| true);
        assert_eq!(all.select(all.len() - 1), Some(Date::MAX));
        assert_eq!(all.rank(Date::MIN), None);
        assert_eq!(DaySet::new(2000, 1, |_| false).select(0), None);
    }
}
