use jiff::civil::{Date, Weekday};

use crate::text::index;

/// The days of the week that are days off unless something says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekend {
    /// Bit 0 is Monday.
    bits: u8,
}

impl Weekend {
    /// Saturday and Sunday.
    pub const SATURDAY_SUNDAY: Weekend = Weekend { bits: 0b110_0000 };

    /// These days of the week.
    pub fn new(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self { bits: days.into_iter().fold(0, |bits, day| bits | 1 << index(day)) }
    }

    /// Whether `day` is one of them.
    pub fn contains(self, day: Weekday) -> bool {
        self.bits >> index(day) & 1 == 1
    }

    /// The days, from Monday on.
    pub fn days(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.contains(*day))
    }

    /// Days of [`from`, `to`) that are not in the weekend; negative when `to` is before `from`.
    pub(crate) fn workdays_between(self, from: Date, to: Date) -> i64 {
        if to < from {
            return -self.workdays_between(to, from);
        }
        let days = to.duration_since(from).as_hours() / 24;
        let weeks = days / 7;
        let rest = from.weekday().cycle_forward().take((days % 7) as usize);
        weeks * self.workdays_a_week() + rest.filter(|day| !self.contains(*day)).count() as i64
    }

    /// The `n`th day, from 0, on or after `from` that is not in the weekend; for a negative `n` the
    /// `-n`th before `from`. `None` past jiff's range, or when every day is in the weekend.
    pub(crate) fn nth_workday(self, from: Date, n: i64) -> Option<Date> {
        let a_week = self.workdays_a_week();
        if a_week == 0 {
            return None;
        }
        let weeks = n.div_euclid(a_week);
        let mut left = n.rem_euclid(a_week);
        let mut day = from.checked_add(jiff::Span::new().try_weeks(weeks).ok()?).ok()?;
        loop {
            if !self.contains(day.weekday()) {
                if left == 0 {
                    return Some(day);
                }
                left -= 1;
            }
            day = day.tomorrow().ok()?;
        }
    }

    fn workdays_a_week(self) -> i64 {
        7 - i64::from(self.bits.count_ones())
    }
}

impl Default for Weekend {
    fn default() -> Self {
        Self::SATURDAY_SUNDAY
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn counts_and_walks_both_ways() {
        let weekend = Weekend::SATURDAY_SUNDAY;
        let monday = date(2026, 11, 16);
        assert_eq!(weekend.workdays_between(monday, date(2026, 11, 23)), 5);
        assert_eq!(weekend.workdays_between(date(2026, 11, 21), date(2026, 11, 23)), 0);
        assert_eq!(weekend.workdays_between(date(2026, 11, 23), monday), -5);
        assert_eq!(weekend.nth_workday(monday, 0), Some(monday));
        assert_eq!(weekend.nth_workday(monday, 5), Some(date(2026, 11, 23)));
        assert_eq!(weekend.nth_workday(date(2026, 11, 21), 0), Some(date(2026, 11, 23)));
        assert_eq!(weekend.nth_workday(monday, -1), Some(date(2026, 11, 13)));
        assert_eq!(weekend.nth_workday(date(2026, 11, 22), -1), Some(date(2026, 11, 20)));
        assert_eq!(weekend.nth_workday(Date::MAX, 3), None);
    }

    #[test]
    fn a_week_of_seven_days_off_has_no_workday() {
        let all = Weekend::new(Weekday::Monday.cycle_forward().take(7));
        assert_eq!(all.nth_workday(date(2026, 1, 1), 0), None);
        assert_eq!(all.workdays_between(date(2026, 1, 1), date(2027, 1, 1)), 0);
    }
}
