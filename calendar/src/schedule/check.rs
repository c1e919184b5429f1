use alloc::vec::Vec;
use core::fmt;

use jiff::{ToSpan, civil::Date};

use super::{Cause, Hours, Schedule, Span, hours::DAY};
use crate::production::YearStatus;

/// Something in a schedule that its writer may not have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The production calendar has no data for a year.
    NoData {
        /// The year.
        year: i16,
    },
    /// The production calendar's data for a year are not final.
    Draft {
        /// The year.
        year: i16,
    },
    /// The production calendar has a working day, but there are no hours.
    WorkingDayClosed {
        /// The day.
        date: Date,
    },
    /// Closed for longer than two weeks on end.
    LongGap {
        /// The first closed day.
        first: Date,
        /// The last.
        last: Date,
    },
    /// An exception that leaves the hours of all its days as they were.
    IdleException {
        /// Its number, from 0.
        number: usize,
    },
    /// Hours past midnight run into a day that is closed by an exception or the calendar.
    NightIntoClosedDay {
        /// The day on which they began.
        date: Date,
        /// Which hours.
        span: Span,
    },
    /// Hours past midnight overlap those of the next day.
    NightOverlapsMorning {
        /// The day on which they began.
        date: Date,
        /// Which hours.
        span: Span,
    },
    /// It opens or closes at a time that clocks skip or show twice on that day.
    ClockChange {
        /// The day.
        date: Date,
        /// Seconds after its midnight.
        second: u32,
        /// Shown twice, else skipped.
        twice: bool,
    },
}

impl Schedule {
    /// Looks for conflicts and gaps in the days from `first` to `last`, both included, at most
    /// [`HORIZON_DAYS`](Self::HORIZON_DAYS) of them.
    ///
    /// What contradicts itself is refused when a schedule is built; this is about what is allowed
    /// but may not be meant. Findings come by kind of question, then by date.
    pub fn check(&self, first: Date, last: Date) -> Vec<Finding> {
        let days = usize::try_from(Self::HORIZON_DAYS).unwrap_or(0);
        let dates: Vec<Date> =
            first.series(1.day()).take(days).take_while(|date| *date <= last).collect();
        let mut findings = Vec::new();
        self.check_calendar(&dates, &mut findings);
        self.check_gaps(&dates, &mut findings);
        for number in self.idle_exceptions() {
            let exception = &self.exceptions()[number];
            if exception.first <= last && exception.last >= first {
                findings.push(Finding::IdleException { number });
            }
        }
        for date in &dates {
            self.check_night(*date, &mut findings);
            self.check_clocks(*date, &mut findings);
        }
        findings
    }

    fn check_calendar(&self, dates: &[Date], findings: &mut Vec<Finding>) {
        let Some(on) = self.calendar() else { return };
        let mut years: Vec<i16> = dates.iter().map(|date| date.year()).collect();
        years.dedup();
        for year in years {
            match on.calendar.year(year).map(|year| year.status) {
                None => findings.push(Finding::NoData { year }),
                Some(YearStatus::Draft) => findings.push(Finding::Draft { year }),
                Some(_) => {}
            }
        }
        for date in dates {
            let known = on.calendar.year(date.year()).is_some();
            let working = known && on.calendar.day(*date).is_ok_and(|day| day.kind.is_working());
            let (hours, cause) = self.hours_on(*date);
            // An exception says what is meant.
            if working && hours.is_closed() && !matches!(cause, Cause::Exception(_)) {
                findings.push(Finding::WorkingDayClosed { date: *date });
            }
        }
    }

    fn check_gaps(&self, dates: &[Date], findings: &mut Vec<Finding>) {
        let closed = |date: &Date| self.hours_on(*date).0.is_closed();
        for run in dates.chunk_by(|a, b| closed(a) == closed(b)) {
            if let [first, .., last] = run
                && run.len() > 14
                && closed(first)
            {
                findings.push(Finding::LongGap { first: *first, last: *last });
            }
        }
    }

    fn check_night(&self, date: Date, findings: &mut Vec<Finding>) {
        let spans = self.hours_on(date).0.spans();
        let Some(span) = spans.iter().copied().find(|span| span.is_overnight()) else { return };
        let Ok(next) = date.tomorrow() else { return };
        let (hours, cause) = self.hours_on(next);
        let decided = matches!(cause, Cause::Exception(_) | Cause::Calendar(_));
        if hours.is_closed() && decided {
            findings.push(Finding::NightIntoClosedDay { date, span });
        }
        if hours.spans().iter().any(|morning| morning.start() + DAY < span.end()) {
            findings.push(Finding::NightOverlapsMorning { date, span });
        }
    }

    fn check_clocks(&self, date: Date, findings: &mut Vec<Finding>) {
        let edges = |hours: &Hours, shift: u32| -> Vec<u32> {
            let spans = hours.spans().iter();
            let edges = spans.flat_map(|span| [span.start(), span.end()]);
            edges.filter_map(|edge| edge.checked_sub(shift)).filter(|edge| *edge < DAY).collect()
        };
        let mut seconds = edges(self.hours_on(date).0, 0);
        if let Ok(yesterday) = date.yesterday() {
            seconds.extend(edges(self.hours_on(yesterday).0, DAY));
        }
        seconds.sort_unstable();
        seconds.dedup();
        for second in seconds {
            let at = date.at(0, 0, 0, 0).checked_add(i64::from(second).seconds());
            let Ok(at) = at else { continue };
            let ambiguous = self.zone().to_ambiguous_timestamp(at);
            if ambiguous.is_ambiguous() {
                // A skipped time comes out different from what went in.
                let back = ambiguous.compatible().map(|instant| self.zone().to_datetime(instant));
                let twice = back.is_ok_and(|back| back == at);
                findings.push(Finding::ClockChange { date, second, twice });
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData { year } => {
                write!(f, "the calendar has no data for {year}; without_data holds")
            }
            Self::Draft { year } => write!(f, "the calendar of {year} is a draft"),
            Self::WorkingDayClosed { date } => {
                write!(f, "{date} is a working day, but there are no hours")
            }
            Self::LongGap { first, last } => {
                write!(f, "closed for more than two weeks, from {first} to {last}")
            }
            Self::IdleException { number } => {
                write!(f, "exception {} changes nothing; remove it", number + 1)
            }
            Self::NightIntoClosedDay { date, span } => {
                write!(
                    f,
                    "the hours {span} of {date} go on into a closed day; cut them there if that is \
                     not meant"
                )
            }
            Self::NightOverlapsMorning { date, span } => {
                write!(f, "the hours {span} of {date} overlap those of the next day")
            }
            Self::ClockChange { date, second, twice } => {
                let (hour, minute) = (second / 3600, second / 60 % 60);
                let how = if *twice { "comes twice" } else { "does not exist" };
                write!(f, "{hour:02}:{minute:02} {how} on {date}, where clocks change")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use jiff::civil::date;

    use super::*;
    use crate::{
        production::russia,
        schedule::{Change, Exception, OnCalendar, Week, WithoutData},
        zone,
    };

    fn findings(schedule: &Schedule, first: Date, last: Date) -> Vec<String> {
        schedule.check(first, last).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_what_may_not_be_meant() {
        let week = Week::new().with("mon-thu", "09:00-18:00").unwrap();
        let week = week.with("thu", "18:00-03:00").unwrap();
        let closed = Change::Replace(Hours::CLOSED);
        let schedule = Schedule::builder(zone("Europe/Moscow").unwrap())
            .week(week)
            .calendar(OnCalendar::new(russia(), WithoutData::Weekly))
            .exception(Exception::on(date(2026, 11, 21), closed.clone()))
            .exception(Exception::on(date(2026, 11, 20), closed.clone()))
            .exception(Exception::between(date(2026, 7, 6), date(2026, 7, 26), closed))
            .build()
            .unwrap();
        assert_eq!(
            findings(&schedule, date(2026, 11, 16), date(2026, 11, 22)),
            [
                "exception 1 changes nothing; remove it",
                "exception 2 changes nothing; remove it",
                "the hours 18:00-03:00 of 2026-11-19 go on into a closed day; cut them there if \
                 that is not meant",
            ]
        );
        assert_eq!(
            findings(&schedule, date(2026, 7, 3), date(2026, 7, 27)),
            [
                "2026-07-03 is a working day, but there are no hours",
                "closed for more than two weeks, from 2026-07-03 to 2026-07-26",
            ]
        );
        let ends = findings(&schedule, date(2027, 12, 31), date(2028, 1, 2));
        assert_eq!(
            ends[..2],
            [
                "the calendar of 2027 is a draft",
                "the calendar has no data for 2028; without_data holds"
            ]
        );
    }

    #[test]
    fn finds_hours_that_clocks_skip_or_repeat() {
        let week = Week::new().with("mon-sun", "02:30-12:00").unwrap();
        let schedule = Schedule::weekly(zone("Europe/Berlin").unwrap(), week);
        assert_eq!(
            findings(&schedule, date(2026, 3, 28), date(2026, 3, 30)),
            ["02:30 does not exist on 2026-03-29, where clocks change"]
        );
        assert_eq!(
            findings(&schedule, date(2026, 10, 25), date(2026, 10, 25)),
            ["02:30 comes twice on 2026-10-25, where clocks change"]
        );
    }
}
