//! The calendar crate beside bdays, opening-hours and numpy, on the same questions in one run.
//!
//! `cargo run --release` prints a table. Numpy is asked through `busday.py` when `python3` (or what
//! `PYTHON` names) has it. Before anything is timed, answers are compared: a peer that says
//! something else is no peer for that question.

use std::{hint::black_box, process::Command, time::Instant};

use bdays::HolidayCalendar;
use calendar::{
    Schedule,
    production::{Calendar, russia},
    schedule::{OnCalendar, Week, WithoutData},
    zone,
};
use chrono::{Datelike, NaiveDate};
use jiff::{Timestamp, civil::Date};
use opening_hours::{Context, OpeningHours, localization::TzLocation};

/// Questions are asked in turn from a list of so many, so that nothing can be remembered.
const QUESTIONS: usize = 4096;

fn main() {
    let mut table = Vec::new();
    working_days(&mut table);
    opening_hours(&mut table);
    println!("{:<34}{:>12}{:>12}{:>8}  {}", "question", "ours, ns", "peer, ns", "times", "peer");
    for Line { question, ours, peer, name } in table {
        println!("{question:<34}{ours:>12.2}{peer:>12.2}{:>8.1}  {name}", peer / ours);
    }
}

struct Line {
    question: String,
    ours: f64,
    peer: f64,
    name: &'static str,
}

/// Nanoseconds a question: the best of several runs, since other programs only ever add to it.
fn time<T>(questions: usize, mut ask: impl FnMut(usize) -> T) -> f64 {
    let mut best = f64::MAX;
    // Many short runs, so that some are undisturbed on a machine that does other work as well.
    let questions = questions / 50;
    for _ in 0..200 {
        let start = Instant::now();
        for i in 0..questions {
            black_box(ask(i % QUESTIONS));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / questions as f64);
    }
    best
}

/// xorshift, so that every run asks the same.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// The Russian calendar as bdays sees it.
struct Russia(Calendar);

impl HolidayCalendar<NaiveDate> for Russia {
    fn is_holiday(&self, date: NaiveDate) -> bool {
        !self.is_bday(date)
    }

    fn is_bday(&self, date: NaiveDate) -> bool {
        let date = Date::new(date.year() as i16, date.month() as i8, date.day() as i8);
        self.0.is_working(date.unwrap()).unwrap()
    }
}

fn working_days(table: &mut Vec<Line>) {
    let ours = russia();
    let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
    let peer =
        bdays::HolidayCalendarCache::new(Russia(russia()), day(1999, 1, 1), day(2027, 12, 31));
    let mut random = Random(88_172_645_463_325_252);
    let first = jiff::civil::date(2000, 1, 1);
    let mut dates = Vec::new();
    while dates.len() < QUESTIONS {
        let date = first.checked_add(jiff::Span::new().days(random.below(9_800) as i64)).unwrap();
        // bdays moves a start that is not worked; only from working days are its answers ours.
        if ours.is_working(date).unwrap() {
            dates.push(date);
        }
    }
    let steps: Vec<i32> = (0..QUESTIONS).map(|_| random.below(250) as i32 + 1).collect();
    let short: Vec<i32> = (0..QUESTIONS).map(|_| random.below(10) as i32 + 1).collect();
    let theirs: Vec<NaiveDate> = dates
        .iter()
        .map(|date| day(date.year().into(), date.month() as u32, date.day() as u32))
        .collect();
    let back = |date: NaiveDate| {
        jiff::civil::date(date.year() as i16, date.month() as i8, date.day() as i8)
    };
    let next = |i: usize| (i + 1) % QUESTIONS;
    for i in 0..QUESTIONS {
        assert_eq!(ours.is_working(dates[i]).unwrap(), peer.is_bday(theirs[i]));
        let count = ours.working_days_between(dates[i], dates[next(i)]).unwrap();
        assert_eq!(count, i64::from(peer.bdays(theirs[i], theirs[next(i)])));
        let sum = ours.add_working_days(dates[i], short[i]).unwrap();
        assert_eq!(sum, back(peer.advance_bdays(theirs[i], short[i])));
    }
    let is_working = time(4_000_000, |i| ours.is_working(black_box(dates[i])).unwrap_or(false));
    let count = time(4_000_000, |i| {
        ours.working_days_between(black_box(dates[i]), black_box(dates[next(i)]))
    });
    let add = time(4_000_000, |i| ours.add_working_days(black_box(dates[i]), black_box(steps[i])));
    let add_short =
        time(4_000_000, |i| ours.add_working_days(black_box(dates[i]), black_box(short[i])));
    let large = russia().with_large_tables();
    let large_count = time(4_000_000, |i| {
        large.working_days_between(black_box(dates[i]), black_box(dates[next(i)]))
    });
    let large_add =
        time(4_000_000, |i| large.add_working_days(black_box(dates[i]), black_box(steps[i])));
    let large_short =
        time(4_000_000, |i| large.add_working_days(black_box(dates[i]), black_box(short[i])));
    println!("tables: {} bytes, large {} bytes", ours.table_bytes(), large.table_bytes());
    let mut line = |question: &str, ours, peer, name| {
        table.push(Line { question: question.into(), ours, peer, name });
    };
    let name = "bdays, cached";
    line("is it worked", is_working, time(4_000_000, |i| peer.is_bday(black_box(theirs[i]))), name);
    let peer_count =
        time(4_000_000, |i| peer.bdays(black_box(theirs[i]), black_box(theirs[next(i)])));
    line("count between two days", count, peer_count, name);
    line("  with the large tables", large_count, peer_count, name);
    let peer_add = time(200_000, |i| peer.advance_bdays(black_box(theirs[i]), black_box(steps[i])));
    line("add 1 to 250 days", add, peer_add, name);
    line("  with the large tables", large_add, peer_add, name);
    let peer_add = time(400_000, |i| peer.advance_bdays(black_box(theirs[i]), black_box(short[i])));
    line("add 1 to 10 days", add_short, peer_add, name);
    line("  with the large tables", large_short, peer_add, name);
    if let Some([is, between, offset]) = numpy(&ours, &dates, &steps) {
        line("is it worked", is_working, is, "numpy.is_busday, arrays");
        line("count between two days", count, between, "numpy.busday_count, arrays");
        line("add 1 to 250 days", add, offset, "numpy.busday_offset, arrays");
    }
}

/// Nanoseconds of numpy's three functions on the same questions; none without numpy.
fn numpy(ours: &Calendar, dates: &[Date], steps: &[i32]) -> Option<[f64; 3]> {
    let off: Vec<String> = jiff::civil::date(1999, 1, 1)
        .series(jiff::Span::new().days(1))
        .take_while(|date| date.year() < 2028)
        .filter(|date| !ours.is_working(*date).unwrap())
        .map(|date| date.to_string())
        .collect();
    let sum = |values: Vec<i64>| values.iter().sum::<i64>();
    let n = dates.len();
    let count = sum((0..n)
        .map(|i| ours.working_days_between(dates[i], dates[(i + 1) % n]).unwrap())
        .collect());
    let epoch = jiff::civil::date(1970, 1, 1);
    let since = |date: Date| date.duration_since(epoch).as_hours() / 24;
    let added =
        sum((0..n).map(|i| since(ours.add_working_days(dates[i], steps[i]).unwrap())).collect());
    let list = |items: Vec<String>| items.join(" ");
    let input = format!(
        "{}\n{}\n{}\n",
        off.join(" "),
        list(dates.iter().map(ToString::to_string).collect()),
        list(steps.iter().map(ToString::to_string).collect())
    );
    let file = std::env::temp_dir().join(format!("busday-{}.txt", std::process::id()));
    std::fs::write(&file, input).ok()?;
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/busday.py");
    let output = Command::new(python).arg(script).arg(&file).output();
    let _ = std::fs::remove_file(&file);
    let output = output.ok().filter(|output| output.status.success());
    let Some(output) = output else {
        println!("skipped: no python with numpy");
        return None;
    };
    let text = String::from_utf8(output.stdout).ok()?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [is, between, offset, their_count, their_sum] = numbers[..] else { return None };
    assert_eq!((count as f64, added as f64), (their_count, their_sum), "numpy says something else");
    Some([is, between, offset])
}

fn opening_hours(table: &mut Vec<Line>) {
    for name in ["Europe/Moscow", "Europe/Berlin"] {
        let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00").unwrap();
        let week = week.with("sat", "22:00-02:00").unwrap();
        let ours = Schedule::weekly(zone(name).unwrap(), week.clone());
        let on_calendar = Schedule::builder(zone(name).unwrap())
            .week(week)
            .calendar(OnCalendar::new(russia(), WithoutData::Weekly))
            .build()
            .unwrap();
        let tz: chrono_tz::Tz = name.parse().unwrap();
        let context = Context::default().with_locale(TzLocation::new(tz));
        let expression = "Mo-Fr 09:00-13:00,14:00-18:00; Sa 22:00-02:00";
        let peer: OpeningHours<_> =
            expression.parse::<OpeningHours>().unwrap().with_context(context);
        let mut random = Random(88_172_645_463_325_252);
        let (mut instants, mut theirs, mut differ) = (Vec::new(), Vec::new(), 0);
        while instants.len() < QUESTIONS {
            let second = 1_577_836_800 + random.below(8 * 365 * 86_400) as i64;
            let instant = Timestamp::from_second(second).unwrap();
            let their = chrono::DateTime::from_timestamp(second, 0).unwrap().with_timezone(&tz);
            let change = ours.next_change(instant).map(Timestamp::as_second);
            let their_change = peer.next_change(their).map(|at| at.timestamp());
            let agree =
                ours.state_at(instant).open == peer.is_open(their) && change == their_change;
            if !agree {
                differ += 1;
                continue;
            }
            instants.push(instant);
            theirs.push(their);
        }
        // Where an hour comes twice, opening-hours closes at 02:00 of its second time.
        println!("{name}: {differ} of {} answers differ and are left out", QUESTIONS + differ);
        assert!(differ * 100 < QUESTIONS);
        let mut line = |question: String, ours, peer| {
            table.push(Line { question, ours, peer, name: "opening-hours" });
        };
        let state = time(1_000_000, |i| ours.state_at(black_box(instants[i])));
        let peer_state = time(100_000, |i| peer.state(black_box(theirs[i])));
        line(format!("state, {name}"), state, peer_state);
        let change = time(500_000, |i| ours.next_change(black_box(instants[i])));
        let peer_change = time(50_000, |i| peer.next_change(black_box(theirs[i])));
        line(format!("next change, {name}"), change, peer_change);
        let state = time(1_000_000, |i| on_calendar.state_at(black_box(instants[i])));
        let change = time(500_000, |i| on_calendar.next_change(black_box(instants[i])));
        line("  the same on Russia's calendar".into(), state, peer_state);
        line("  next change on it".into(), change, peer_change);
    }
}
