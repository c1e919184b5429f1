use alloc::vec::Vec;

use jiff::civil::Date;

use super::DaySet;

/// A [`DaySet`] spread out for speed: one entry a date and one a day of the set, some 60 KB for
/// thirty years of working days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayTable {
    first_year: i16,
    /// By year, month and day in steps of 512, 32 and 1: how many days of the set lie before, and
    /// in the top bit whether the date is one itself. Dates that do not exist hold the mark.
    ranks: Vec<u16>,
    days: Vec<Date>,
}

const MEMBER: u16 = 0x8000;
/// No set is so large that this is a rank.
const NO_DATE: u16 = u16::MAX;

impl DayTable {
    /// `None` when the set is too large for it, with more than 32,000 days.
    pub(crate) fn new(set: &DaySet, first_year: i16, last_year: i16) -> Option<Self> {
        if set.len() > 32_000 {
            return None;
        }
        let years = usize::try_from(i32::from(last_year) - i32::from(first_year) + 1).ok()?;
        let mut ranks = alloc::vec![NO_DATE; years.checked_mul(512)?];
        let mut date = Date::new(first_year, 1, 1).ok()?;
        while date.year() <= last_year {
            let member = if set.get(date)? { MEMBER } else { 0 };
            let rank = u16::try_from(set.rank(date)?).ok()?;
            *ranks.get_mut(index(date, first_year))? = rank | member;
            date = match date.tomorrow() {
                Ok(next) => next,
                Err(_) => break,
            };
        }
        let days = (0..set.len()).map(|n| set.select(n)).collect::<Option<Vec<Date>>>()?;
        Some(Self { first_year, ranks, days })
    }

    /// How many days of the set lie before `date`.
    #[inline]
    pub(crate) fn rank(&self, date: Date) -> Option<u32> {
        self.entry(date).map(|entry| u32::from(entry & !MEMBER))
    }

    /// The `n`th day after `date`, which is not counted; for a negative `n` before it.
    #[inline]
    pub(crate) fn step(&self, date: Date, n: i32) -> Option<Date> {
        let entry = self.entry(date)?;
        // Ahead, the first is the one at the rank, or past it when that is `date` itself.
        let skip = if n > 0 { i32::from(entry & MEMBER != 0) - 1 } else { 0 };
        let target = i32::from(entry & !MEMBER).checked_add(n)?.checked_add(skip)?;
        self.days.get(target as usize).copied()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.ranks.as_slice()) + size_of_val(self.days.as_slice())
    }

    #[inline]
    fn entry(&self, date: Date) -> Option<u16> {
        self.ranks.get(index(date, self.first_year)).copied().filter(|entry| *entry != NO_DATE)
    }
}

/// Of years before the first past any end.
#[inline]
fn index(date: Date, first_year: i16) -> usize {
    let years = i32::from(date.year()) - i32::from(first_year);
    let index = years * 512 + i32::from(date.month()) * 32 + i32::from(date.day());
    index as usize
}
