//! Changes of clocks: every transition of ten zones from 2020 to 2030, against a walk by minutes.

use calendar::{Schedule, schedule::Week, zone};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Zones with their changes at 02:00, 00:00, 24:00, half an hour, in UTC, in both hemispheres, one
/// that moved its offset for good, and one without any.
const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Beirut",
    "Pacific/Chatham",
    "Europe/Volgograd",
    "Africa/Casablanca",
];

/// Hours whose edges fall into the hours that are skipped or come twice.
const HOURS: [&str; 6] = [
    "09:00-18:00",
    "22:00-06:00",
    "01:30-02:30",
    "00:00-00:30, 02:00-03:00, 23:30-01:15",
    "00:00-24:00",
    "02:15-02:45",
];

fn transitions(name: &str) -> Vec<Timestamp> {
    let zone = zone(name).unwrap();
    let (from, to) = ("2020-01-01T00:00Z".parse().unwrap(), "2030-12-31T00:00Z".parse().unwrap());
    zone.following(from).map(|jump| jump.timestamp()).take_while(|at| *at < to).collect()
}

/// Minutes of a day, from a beginning to an end which may lie past midnight.
fn spans(hours: &str) -> Vec<(i16, i16)> {
    let clock = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<i16>().unwrap() * 60 + minute.parse::<i16>().unwrap()
    };
    let span = |span: &str| span.split_once('-').map(|(a, b)| (clock(a), clock(b))).unwrap();
    hours.split(", ").map(span).collect()
}

/// The rule in a sentence: it is open when the wall clock shows a time inside.
fn naive(spans: &[(i16, i16)], minute: i16) -> bool {
    spans.iter().any(|(start, end)| {
        if start < end {
            *start <= minute && minute < *end
        } else {
            minute >= *start || minute < *end
        }
    })
}

fn seconds(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn states_changes_and_working_time_agree_with_a_walk() {
    let mut seen = 0;
    for name in ZONES {
        let clock = zone(name).unwrap();
        let schedules = HOURS.map(|hours| {
            let week = Week::new().with("mon-sun", hours).unwrap();
            (hours, spans(hours), Schedule::weekly(clock.clone(), week))
        });
        for jump in transitions(name) {
            seen += 1;
            let from = jump - 30.hours();
            let minutes: Vec<Timestamp> =
                (0..60 * 60).map(|minute| seconds(from.as_second() + minute * 60)).collect();
            let shown: Vec<i16> = minutes
                .iter()
                .map(|t| clock.to_datetime(*t))
                .map(|civil| i16::from(civil.hour()) * 60 + i16::from(civil.minute()))
                .collect();
            for (hours, spans, schedule) in &schedules {
                let open: Vec<bool> = shown.iter().map(|minute| naive(spans, *minute)).collect();
                for (t, open) in minutes.iter().zip(&open).step_by(11) {
                    assert_eq!(schedule.state_at(*t).open, *open, "{name} {hours} {t}");
                }
                // Every change, found one after the other.
                let mut expected = (1..open.len()).filter(|i| open[i - 1] != open[*i]);
                let mut at = from;
                for index in expected.by_ref() {
                    let next = schedule.next_change(at);
                    assert_eq!(next, Some(minutes[index]), "{name} {hours} after {at}");
                    at = minutes[index];
                }
                // Time worked in the whole stretch, and back again.
                let worked = open.iter().filter(|open| **open).count() as i64;
                let to = from + 60.hours();
                let total = schedule.working_time_between(from, to);
                assert_eq!(total, SignedDuration::from_mins(worked), "{name} {hours} {jump}");
                if worked > 0 {
                    let half = SignedDuration::from_mins(worked / 2);
                    let middle = schedule.add_working_time(from, half).unwrap();
                    assert_eq!(schedule.working_time_between(from, middle), half);
                    let back = schedule.add_working_time(to, half - total).unwrap();
                    assert_eq!(schedule.working_time_between(back, to), total - half);
                }
            }
        }
    }
    assert!(seen > 150, "{seen} transitions");
}

#[test]
fn a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
    let week = Week::new().with("mon-sun", "22:00-06:00").unwrap();
    let shift = Schedule::weekly(zone("Europe/Berlin").unwrap(), week);
    let worked = |from: &str, to: &str| {
        shift.working_time_between(from.parse().unwrap(), to.parse().unwrap()).as_hours()
    };
    assert_eq!(worked("2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00"), 7);
    assert_eq!(worked("2026-10-24T12:00+02:00", "2026-10-25T12:00+01:00"), 9);
}
