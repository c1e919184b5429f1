//! Schedules as TOML files.
#![cfg(all(feature = "toml", feature = "json"))]

use calendar::{FileError, Schedule};

const HEAD: &str = "zone = \"Europe/Moscow\"\n[hours]\nmon-fri = \"09:00-18:00\"\n";

fn read(text: &str) -> Result<Schedule, FileError> {
    Schedule::from_toml(text, "office.toml", |name| {
        match name {
        "acme.json" => Ok("{\"format\": \"trunkline-calendar/1\", \"code\": \"ACME\", \"extends\": \"RU\",\n \
                           \"days\": [{\"date\": \"2026-11-20\", \"kind\": \"holiday\", \"name\": \"Founders' day\"}]}"
            .into()),
        "broken.json" => Ok("{\n\"format\": 1}".into()),
        "works.ics" => Ok("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20261123\nSUMMARY:Works\n\
                           END:VEVENT\nEND:VCALENDAR\n"
            .into()),
        _ => Err("no such file".into()),
    }
    })
}

fn why(schedule: &Schedule, t: &str) -> String {
    schedule.state_at(format!("{t}+03:00").parse().unwrap()).why.to_string()
}

#[test]
fn a_file_with_everything() {
    let text = r#"
        name = "Office"
        zone = "Europe/Moscow"
        calendar = "acme.json"
        without_data = "closed"
        decree_days = "off"
        day_off = "closed"
        working_weekend = "10:00-16:00"
        short_by_minutes = 90
        closed_by_ics = ["works.ics"]

        [hours]
        mon-fri = "09:00-13:00, 14:00-18:00"
        fri = "09:00-16:45"

        [[season]]
        name = "Summer"
        from = "06-01"
        to = "08-31"
        hours.mon-fri = "08:00-16:00"

        [[recurring]]
        rule = "FREQ=MONTHLY;BYDAY=-1TH"
        start = 2026-01-01
        except = [2026-12-31]
        cut = "16:00-18:00"
        why = "Inventory"

        [[exception]]
        from = 2026-12-28
        to = "2026-12-29"
        hours = "10:00-15:00"
        why = "Christmas hours"
        why_ru = "Предпраздничные часы"

        [override]
        state = "closed"
        from = 2026-11-25T12:00:00
        until = "2026-11-25T15:00+03:00"
        why = "Fire drill"
    "#;
    let office = read(text).unwrap();
    assert_eq!(why(&office, "2026-11-20T12:00"), "closed: 2026-11-20 is a holiday: Founders' day");
    assert_eq!(why(&office, "2026-11-23T12:00"), "closed: exception for 2026-11-23: Works");
    assert_eq!(why(&office, "2026-11-25T13:00"), "closed by hand until 15:00: Fire drill");
    assert_eq!(why(&office, "2026-11-25T15:00"), "open: Wednesday hours 14:00-18:00");
    assert_eq!(
        why(&office, "2026-11-26T17:00"),
        "closed: recurring hours of 2026-11-26: Inventory, outside hours 09:00-13:00, 14:00-16:00"
    );
    assert_eq!(why(&office, "2026-11-27T17:00"), "closed: outside Friday hours 09:00-16:45");
    assert_eq!(
        why(&office, "2026-12-28T12:00"),
        "open: exception for 2026-12-28: Christmas hours, hours 10:00-15:00"
    );
    assert_eq!(
        why(&office, "2026-07-01T08:30"),
        "open: Wednesday hours 08:00-16:00 in the season Summer"
    );
    assert_eq!(
        why(&office, "2028-11-20T12:00"),
        "closed: no calendar for 2028, as declared for such years"
    );
    assert!(why(&office, "2020-04-01T12:00").contains("day off by decree: Decree 206"));
}

#[test]
fn mistakes_name_file_line_key_and_what_to_do() {
    let error = |text: &str| read(text).unwrap_err().to_string();
    let with = |text: &str| error(&format!("{HEAD}{text}"));
    assert_eq!(
        error("zone = \"Europe/Moskow\"\n[hours]\n"),
        "office.toml:1: zone: unknown time zone \"Europe/Moskow\"; did you mean \"Europe/Moscow\"?"
    );
    assert_eq!(
        with("sat = \"10:00-25-00\"\n"),
        "office.toml:4: hours.sat: at column 7: \"25-00\" is no time; write it as 09:00, up to 48:00"
    );
    assert!(
        with("funday = \"10:00-14:00\"\n")
            .starts_with("office.toml:4: hours.funday: \"funday\" is no day of the week")
    );
    assert_eq!(
        with(
            "[[exception]]\ndate = 2026-11-20\nhours = \"closed\"\n\n[[exception]]\nfrom = 2026-11-19\nto = 2026-11-21\nhours = \"10:00-12:00\"\n"
        ),
        "office.toml:8: exception[2]: exceptions 1 and 2 contradict each other on 2026-11-20; join them into one, or move one"
    );
    assert_eq!(
        with("[[exceptions]]\n"),
        "office.toml:4: exceptions: unknown key; did you mean \"exception\"?"
    );
    assert_eq!(
        with("[[exception]]\ndate = 2026-11-31\nhours = \"closed\"\n")
            .lines()
            .next()
            .unwrap()
            .split(": ")
            .next()
            .unwrap(),
        "office.toml:5"
    );
    assert!(
        with("[[exception]]\nhours = \"closed\"\n")
            .starts_with("office.toml:4: exception[1].from: missing")
    );
    assert!(
        with("[[exception]]\ndate = 2026-11-20\n")
            .starts_with("office.toml:4: exception[1].hours: missing")
    );
    assert!(error("zone = \"UTC\"\n").starts_with("office.toml:1: hours: missing"));
    assert!(error("[hours]\n").contains("zone: missing; name one"));
    assert!(
        error("calendar = \"RU\"\nzone = \"UTC\"\n[hours]\n")
            .contains("without_data: missing; say what holds")
    );
    assert!(
        error("calendar = \"RX\"\nzone = \"UTC\"\n[hours]\n")
            .starts_with("office.toml:1: calendar: no calendar is embedded for \"RX\"")
    );
    assert_eq!(
        error("zone = \"UTC\"\ncalendar = \"broken.json\"\n[hours]\n"),
        "office.toml:2: calendar: broken.json:2: invalid type: integer `1`, expected a string"
    );
    assert_eq!(
        error("zone = \"UTC\"\ncalendar = \"gone.json\"\n[hours]\n"),
        "office.toml:2: calendar: cannot read \"gone.json\": no such file"
    );
    assert!(error("zone = \n").starts_with("office.toml:1:"));
    assert!(
        with("[[season]]\nfrom = \"06-01\"\nto = \"02-30\"\nhours.mon = \"open\"\n")
            .starts_with("office.toml:6: season[1].to: \"02-30\"")
    );
    assert!(
        with("[[recurring]]\nrule = \"FREQ=HOURLY\"\nhours = \"closed\"\n")
            .starts_with("office.toml:5: recurring[1].rule: recurrence rule, \"FREQ=HOURLY\"")
    );
    let conditions = "zone = \"UTC\"\ngotoiftime = [\"25:00-26:00,*,*,*\"]\n";
    assert!(error(conditions).starts_with("office.toml:2: gotoiftime: time condition 1:"));
}

#[test]
fn time_conditions_from_a_file() {
    let office = read("zone = \"UTC\"\ngotoiftime = [\"09:00-18:00,mon-fri,*,*\"]\n").unwrap();
    assert!(office.state_at("2026-11-20T18:00:30Z".parse().unwrap()).open);
}
