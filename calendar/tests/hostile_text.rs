//! Text from anywhere never panics a reader.

use calendar::{GotoIfTime, Recurrence, arithmetic::Period, ics, schedule::Hours};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use proptest::prelude::*;

/// Pieces that readers look for, in any order.
fn pieces(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(list).prop_map(String::from),
        1 => "\\PC{0,3}",
        1 => "[0-9]{1,9}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const ICS: &[&str] = &[
    "BEGIN:VCALENDAR\n",
    "END:VCALENDAR\n",
    "BEGIN:VEVENT\n",
    "END:VEVENT\n",
    "UID:1\n",
    "DTSTART",
    "DTEND",
    ";VALUE=DATE",
    ";TZID=",
    "Europe/Berlin",
    ":",
    ";",
    "\"",
    "20260101",
    "20260329T023000",
    "Z",
    "\n",
    "\n ",
    "RRULE:FREQ=DAILY",
    ";COUNT=3",
    ";INTERVAL=9",
    "EXDATE:",
    "RDATE:",
    "DURATION:",
    "PT2H",
    "P9999999D",
    "RECURRENCE-ID:",
];

proptest! {
    #[test]
    fn ics_files(text in pieces(ICS)) {
        if let Ok(events) = ics::read(&text, "x.ics") {
            ics::closures(&events, &TimeZone::UTC);
        }
        let _ = calendar::Calendar::from_ics(&text, "x.ics");
    }

    #[test]
    fn hours_rules_conditions_and_periods(
        hours in pieces(&["09:00", "-", ",", ":", "24:00", "48:00", " ", "closed", "é"]),
        rule in pieces(&["FREQ=", "DAILY", "MONTHLY", "YEARLY", ";", "BYDAY=", "-5MO", "BYSETPOS=", "BYMONTHDAY=", "-31", ",", "COUNT=", "UNTIL=", "20260101T000000Z", "INTERVAL=", "65535", "é"]),
        condition in pieces(&["09:00", "-", "&", ",", "|", "mon", "dec", "*", "31", "Europe/Moscow", "é", " ", "+"]),
        period in pieces(&["2026", "-", "Q1", "H2", "11", "é"]),
    ) {
        if let Ok(hours) = hours.parse::<Hours>() {
            prop_assert_eq!(hours.to_string().parse::<Hours>().unwrap(), hours);
        }
        if let Ok(rule) = rule.parse::<Recurrence>() {
            prop_assert_eq!(rule.to_string().parse::<Recurrence>().unwrap(), rule.clone());
            let start = date(2026, 1, 31).at(9, 0, 0, 0);
            let count = rule.occurrences(start, &TimeZone::UTC).take_while(|at| at.year() < 2040).count();
            prop_assert!(count <= 14 * 366);
        }
        GotoIfTime::new(&condition).matches(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        let _ = period.parse::<Period>();
    }
}

#[cfg(all(feature = "toml", feature = "json", feature = "csv", feature = "xml"))]
mod files {
    use calendar::{Calendar, Schedule};

    use super::*;

    const TOML: &[&str] = &[
        "zone = \"Europe/Moscow\"\n",
        "[hours]\n",
        "mon-fri",
        " = ",
        "\"09:00-18:00\"",
        "\n",
        "[[exception]]\n",
        "date = 2026-11-20\n",
        "hours = \"closed\"\n",
        "cut = \"22:00-47:00\"\n",
        "[[season]]\n",
        "from = \"06-01\"\n",
        "to = \"02-29\"\n",
        "calendar = \"RU\"\n",
        "without_data = \"weekly\"\n",
        "[[recurring]]\n",
        "rule = \"FREQ=DAILY\"\n",
        "from = 1970-01-01\n",
        "to = 2099-12-31\n",
        "gotoiftime = [\"22:00-06:00,fri\"]\n",
    ];

    const JSON: &[&str] = &[
        "{\"format\": \"trunkline-calendar/1\", \"code\": \"A\"",
        ", \"extends\": \"RU\"",
        ", \"years\": [",
        "{\"year\": 2026, \"status\": \"official\"}",
        "]",
        ", \"days\": [",
        "{\"date\": \"2026-11-20\", \"kind\": \"holiday\"}",
        ",",
        "}",
        "\"",
        ", \"remove\": [",
        "\"2026-01-01\"",
    ];

    const CSV: &[&str] = &[
        "date,type,moved_from_or_decree,weekday\n",
        "2026-11-20,holiday,,Fri\n",
        "2026,year,official\n",
        "calendar,weekend,sat\n",
        "2026-11-21",
        ",",
        "short",
        "\"",
        "\n",
    ];

    const XML: &[&str] = &[
        "<calendar year=\"2026\" country=\"ru\">",
        "<holidays>",
        "<holiday id=\"1\" title=\"x\"/>",
        "</holidays>",
        "<days>",
        "<day d=\"01.01\" t=\"1\" h=\"1\"/>",
        "<day d=\"01.31\" t=\"3\"/>",
        "</days>",
        "</calendar>",
        "<",
        "&amp;",
        "\n",
    ];

    proptest! {
        #[test]
        fn calendars_and_schedules(
            toml in pieces(TOML), json in pieces(JSON), csv in pieces(CSV), xml in pieces(XML),
        ) {
            let read = |_: &str| Err("no files".to_string());
            let text = format!("zone = \"Europe/Berlin\"\n{toml}");
            for text in [&toml, &text] {
                if let Ok(schedule) = Schedule::from_toml(text, "x.toml", read) {
                    schedule.state_at(Timestamp::UNIX_EPOCH);
                    schedule.next_change(Timestamp::UNIX_EPOCH);
                    schedule.check(date(2026, 1, 1), date(2026, 3, 1));
                }
            }
            let _ = Calendar::from_json(&json, "x.json");
            let _ = Calendar::from_csv(&csv, "x.csv");
            let _ = Calendar::from_xml(&xml, "x.xml");
        }
    }
}
