//! Calendars as files: what is written comes back, and mistakes name their place.
#![cfg(all(feature = "json", feature = "csv", feature = "xml"))]

mod shared;

use calendar::{
    Calendar, Lang,
    production::{DayKind, Special, Weekend, YearStatus, country, russia},
};
use jiff::civil::{Weekday, date};
use proptest::prelude::*;

/// Everything that a calendar file can hold.
#[expect(clippy::type_complexity, reason = "compared and thrown away")]
fn contents(
    calendar: &Calendar,
) -> (String, String, String, Weekend, Vec<(i16, YearStatus)>, Vec<Special>) {
    (
        calendar.code().into(),
        format!("{}|{:?}", calendar.name(), calendar.name().ru()),
        calendar.version().into(),
        calendar.weekend(),
        calendar.years().iter().map(|year| (year.number, year.status)).collect(),
        calendar.specials(),
    )
}

fn check_round_trips(calendar: &Calendar) {
    let expected = contents(calendar);
    let json = calendar.to_json();
    assert_eq!(contents(&Calendar::from_file(&json, "a/x.json").unwrap()), expected);
    let csv = calendar.to_csv();
    assert_eq!(contents(&Calendar::from_file(&csv, "x.csv").unwrap()), expected);
    let ics = calendar.to_ics("2026-11-20T12:00Z".parse().unwrap());
    assert!(ics.lines().all(|line| line.len() <= 75));
    assert_eq!(contents(&Calendar::from_file(&ics, "x.ics").unwrap()), expected);
}

#[test]
fn embedded_calendars_come_back_from_json_csv_and_ics() {
    for code in ["RU", "CN", "BY", "UA"] {
        check_round_trips(&country(code).unwrap());
    }
}

proptest! {
    #[test]
    fn any_calendar_comes_back(
        days in prop::collection::btree_map(0_i64..1_400, (0_usize..8, "\\PC{0,12}", any::<bool>()), 0..40),
        name in "\\PC{1,20}",
    ) {
        let name = name.trim();
        let mut builder = Calendar::builder("T-1").name(if name.is_empty() { "n" } else { name })
            .version("v;1,\"2\"").weekend(Weekend::new([Weekday::Friday, Weekday::Saturday]));
        for year in 2024..2028 {
            builder = builder.year(year, YearStatus::Draft);
        }
        for (offset, (kind, name, ru)) in days {
            let date = date(2024, 1, 1).checked_add(jiff::Span::new().days(offset)).unwrap();
            let weekend = matches!(date.weekday(), Weekday::Friday | Weekday::Saturday);
            let kind = match DayKind::ALL[kind] {
                DayKind::Short if weekend => DayKind::ShortWorkingWeekend,
                DayKind::DayOffMoved if weekend => DayKind::WorkingWeekend,
                DayKind::WorkingWeekend | DayKind::ShortWorkingWeekend if !weekend => DayKind::Short,
                kind => kind,
            };
            let mut special = Special::new(date, kind);
            let name = name.trim();
            if !name.is_empty() {
                let name = calendar::Name::new(name);
                special = special.named(if ru { name.with_ru("имя, \"в\\кавычках\";") } else { name });
            }
            if kind == DayKind::DayOffMoved {
                special = special.moved_from(date.yesterday().unwrap());
            }
            builder = builder.special(special);
        }
        check_round_trips(&builder.build().unwrap());
    }
}

#[test]
fn xmlcalendar_years_come_back() {
    let calendar = russia();
    for year in [2012, 2024, 2026] {
        let xml = calendar.to_xml(year, Lang::Ru).unwrap();
        let back = Calendar::from_file(&xml, "calendar.xml").unwrap();
        assert_eq!(back.code(), "RU");
        let mut day = date(year, 1, 1);
        while day.year() == year {
            let (before, after) = (calendar.day(day).unwrap(), back.day(day).unwrap());
            assert_eq!(before.kind, after.kind, "{day}");
            assert_eq!(before.moved_from, after.moved_from, "{day}");
            let ru =
                |day: &calendar::production::Day<'_>| day.name.map(|n| n.text(Lang::Ru).to_owned());
            assert_eq!(ru(&before), ru(&after), "{day}");
            day = day.tomorrow().unwrap();
        }
    }
    assert_eq!(calendar.to_xml(2030, Lang::En).unwrap_err().year, 2030);
}

#[test]
fn the_list_of_special_days_is_itself_a_calendar_file() {
    let Some(rows) = shared::rows("ru_production_calendar_1999_2027.csv") else { return };
    let mut text = String::from("date,type,moved_from_or_decree,weekday\n");
    for row in &rows {
        text += &format!(
            "{},{},{},{}\n",
            row["date"], row["type"], row["moved_from_or_decree"], row["weekday"]
        );
    }
    let loaded = Calendar::from_csv(&text, "ru.csv").unwrap();
    let embedded = russia();
    for (a, b) in loaded.specials().iter().zip(embedded.specials()) {
        assert_eq!((a.date, a.kind, a.moved_from), (b.date, b.kind, b.moved_from));
    }
    assert_eq!(loaded.years().len(), 29);
}

#[test]
fn a_holiday_calendar_of_any_provider() {
    let ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Holidays in Utopia\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20260103\r\nSUMMARY:New Year\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:May Day\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:3\r\nDTSTART;VALUE=DATE:20260501\r\nSUMMARY:Labour Day\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:4\r\nDTSTART;VALUE=DATE:20271224\r\nSTATUS:CANCELLED\r\nSUMMARY:Off\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:5\r\nDTSTART;VALUE=DATE:20271225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let calendar = Calendar::from_ics(ics, "utopia.ics").unwrap();
    assert_eq!(calendar.name().to_string(), "Holidays in Utopia");
    let years: Vec<i16> = calendar.years().iter().map(|year| year.number).collect();
    assert_eq!(years, [2026, 2027]);
    let text = |y, m, d| calendar.day(date(y, m, d)).unwrap().to_string();
    assert_eq!(text(2026, 1, 2), "2026-01-02 is a holiday: New Year");
    assert_eq!(text(2026, 1, 3), "2026-01-03 is a Saturday, a day of the weekend");
    assert_eq!(text(2026, 5, 1), "2026-05-01 is a holiday: May Day; Labour Day");
    assert_eq!(text(2027, 5, 1), "2027-05-01 is a holiday: May Day");
    assert_eq!(text(2027, 12, 24), "2027-12-24 is a working Friday");
}

#[test]
fn mistakes_name_file_line_key_and_what_to_do() {
    let json = |days: &str| {
        let text = format!(
            "{{\n  \"format\": \"trunkline-calendar/1\",\n  \"code\": \"ACME\",\n  \"extends\": \"RU\",\n  \"days\": [\n    {days}\n  ]\n}}\n"
        );
        Calendar::from_json(&text, "acme.json").unwrap_err().to_string()
    };
    assert_eq!(
        json("{\"date\": \"2026-02-30\", \"kind\": \"holiday\"}"),
        "acme.json:6: days[1].date: \"2026-02-30\" is not what belongs here; write a date that exists as 2026-12-31"
    );
    assert_eq!(
        json(
            "{\"date\": \"2026-11-20\", \"kind\": \"holiday\"},\n    {\"date\": \"2026-11-20\", \"kind\": \"working\"}"
        ),
        "acme.json:7: 2026-11-20: 2026-11-20 is given twice, as holiday and as working; keep one of them"
    );
    assert_eq!(
        json("{\"date\": \"2026-11-20\", \"kind\": \"working_weekend\"}"),
        "acme.json:6: 2026-11-20: 2026-11-20 is a Friday and cannot be working_weekend"
    );
    assert!(
        json("{\"date\": \"2026-11-20\", \"kind\": \"hollyday\"}")
            .starts_with("acme.json:6: days[1].kind: \"hollyday\"")
    );
    assert!(json("{\"date\": \"2029-11-20\", \"kind\": \"holiday\"}").contains("declare 2029"));
    assert!(
        json("{\"date\": \"2026-11-20\",\n \"kind\": 7}")
            .starts_with("acme.json:7: days[1]: invalid type")
    );
    assert!(json("{\"date\": \"2026-11-20\" \"kind\"}").starts_with("acme.json:6:"));
    let csv = |text: &str| Calendar::from_csv(text, "x.csv").unwrap_err().to_string();
    assert_eq!(
        csv("date,type,weekday\n2026-11-20,holiday,Sat\n"),
        "x.csv:2: weekday: \"Sat\" is not what belongs here; that date is another day of the week"
    );
    assert!(csv("day,type\n").starts_with("x.csv:1: date: missing"));
    assert!(
        csv("date,type\n2026-11-20,holiday\n2026-11-20,short\n")
            .starts_with("x.csv:3: 2026-11-20:")
    );
    let xml = |text: &str| Calendar::from_xml(text, "x.xml").unwrap_err().to_string();
    assert!(
        xml("<calendar year=\"2026\">\n<days>\n<day d=\"02.30\" t=\"1\"/></days></calendar>")
            .starts_with("x.xml:3: d: \"02.30\"")
    );
    assert!(xml("<calendar year=\"2026\"><days>").starts_with("x.xml:1"));
    assert!(Calendar::from_file("", "x.doc").unwrap_err().to_string().contains("not supported"));
}
