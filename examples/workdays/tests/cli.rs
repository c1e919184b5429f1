//! The program as it is called.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn workdays(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_workdays")).args(arguments).output().unwrap()
}

fn out(arguments: &[&str]) -> String {
    let output = workdays(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn error(arguments: &[&str]) -> String {
    let output = workdays(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn adds_and_counts() {
    assert_eq!(out(&["add", "2026-12-30", "3"]), "2027-01-13\n");
    assert_eq!(out(&["add", "2026-12-30", "-3"]), "2026-12-25\n");
    assert_eq!(out(&["add", "2026-12-30T17:30", "3"]), "2027-01-13T17:30:00\n");
    assert_eq!(out(&["add", "2010-03-26T18:30", "1", "--bitrix"]), "2010-03-29T19:30:00\n");
    assert_eq!(out(&["count", "2026-01-01", "2027-01-01"]), "247\n");
    assert_eq!(out(&["--decree-days-off", "add", "2020-03-27", "1"]), "2020-05-12\n");
    assert_eq!(out(&["add", "2028-05-01", "1", "--weekends-without-data"]), "2028-05-02\n");
    assert!(error(&["add", "2028-05-01", "1"]).contains("no data for 2028"));
    assert_eq!(out(&["--country", "CN", "add", "2026-02-13", "1"]), "2026-02-14\n");
    let json = out(&["--json", "add", "2026-12-30", "3"]);
    assert!(json.contains("\"result\": \"2027-01-13\""), "{json}");
}

#[test]
fn shows_days_months_and_norms() {
    assert_eq!(
        out(&["info", "2026-01-09"]),
        "2026-01-09 is a day off moved from Saturday 3 January\n"
    );
    let month = out(&["info", "2026-11"]);
    assert!(month.contains("  2   3*  4#  5   6   7   8 "), "{month}");
    assert!(month.contains("20 working days, 10 off, 1 short; 159.0 hours"), "{month}");
    assert!(!month.contains('\u{1b}'));
    assert!(out(&["info", "2026-11", "--color", "always"]).contains("\u{1b}[1;31m 4#"));
    let year = out(&["info", "2027", "--lang", "ru"]);
    assert!(year.contains("проект календаря") && year.contains("декабрь 2027"), "{year}");
    let norm = out(&["norm", "2025"]);
    assert!(
        norm.ends_with("2025          365      247      118        4   1972.0   1774.4   1181.6\n")
    );
    assert_eq!(norm.lines().count(), 21);
    assert!(out(&["norm", "2025-Q1", "--json"]).contains("\"hours36\": "));
    assert!(error(&["norm", "2025-Q7"]).contains("is no period"));
}

const OFFICE: &str = "zone = \"Europe/Moscow\"\ncalendar = \"RU\"\nwithout_data = \"weekly\"\n\
                      [hours]\nmon-fri = \"09:00-18:00\"\n";

#[test]
fn explains_in_two_languages() {
    let folder = tempfile::tempdir().unwrap();
    let office = write(folder.path(), "office.toml", OFFICE);
    let at = ["--at", "2026-01-09T12:00", "--explain"];
    let ask = |more: &[&str]| out(&[&["open", &office], &at[..], more].concat());
    assert_eq!(
        ask(&[]),
        "closed: 2026-01-09 is a day off moved from Saturday 3 January\nopens 2026-01-12 09:00, Monday\n"
    );
    assert_eq!(
        ask(&["--lang", "ru"]),
        "закрыто: 2026-01-09 — выходной, перенесённый с субботы 3 января\n\
         откроется 2026-01-12 09:00, понедельник\n"
    );
    let json = ask(&["--json"]);
    assert!(
        json.contains("\"open\": false") && json.contains("2026-01-12T09:00:00+03:00"),
        "{json}"
    );
    assert!(out(&["open", &office, "--at", "2026-01-12T06:00Z"]).starts_with("open\n"));
    assert!(
        out(&["open", &office, "--at", "2027-06-01T12:00", "--check"])
            .contains("check: the calendar has no data for 2028")
    );
}

#[test]
fn files_beside_the_schedule_are_found_and_mistakes_named() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "acme.json",
        "{\"format\": \"trunkline-calendar/1\", \"code\": \"ACME\", \"extends\": \"RU\",\n\
         \"days\": [{\"date\": \"2026-11-20\", \"kind\": \"holiday\", \"name\": \"Founders' day\"},\n\
         {\"date\": \"2026-11-20\", \"kind\": \"short\"}]}",
    );
    let office = write(folder.path(), "office.toml", &OFFICE.replace("RU", "acme.json"));
    let message = error(&["open", &office]);
    assert!(message.contains("office.toml:2: calendar: acme.json:3: 2026-11-20:"), "{message}");
    assert!(message.contains("keep one of them"), "{message}");
    let wrong = write(folder.path(), "wrong.toml", &OFFICE.replace("Moscow", "Moskow"));
    let message = error(&["open", &wrong]);
    assert!(message.contains("wrong.toml:1: zone: unknown time zone"), "{message}");
    assert!(error(&["open", "no-such.toml"]).contains("cannot read no-such.toml"));
    assert!(error(&["--calendar", "x.json", "norm", "2026"]).contains("cannot read x.json"));
}

#[test]
fn cases_print_the_rows_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    let header = "start,n,result(start day not counted; time of day kept),kind,\"working_days_in_[start,result)\"\n";
    let right = write(
        folder.path(),
        "right.csv",
        &format!("{header}2026-12-30,3,2027-01-13,edge,3\n2026-12-30,0,2026-12-30,zero,0\n"),
    );
    assert!(out(&["--cases", &right]).ends_with("2 rows, 0 differ\n"));
    let wrong = write(
        folder.path(),
        "wrong.csv",
        &format!(
            "{header}2026-12-30,3,2027-01-13,edge,3\n2026-12-30,3,2027-01-12,edge,3\n2027-12-30,3,2028-01-12,edge,3\n"
        ),
    );
    let output = workdays(&["--cases", &wrong]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("wrong.csv:3: 2026-12-30,3,2027-01-12,edge,3\n    found: 2027-01-13,3\n"),
        "{text}"
    );
    assert!(text.contains("wrong.csv:4:") && text.contains("no data for 2028"), "{text}");
    assert!(text.ends_with("3 rows, 2 differ\n"), "{text}");
    let output = workdays(&["--json", "--cases", &wrong]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"line\": 3"));
    let strange = write(folder.path(), "strange.csv", "a,b\n1,2\n");
    assert!(error(&["--cases", &strange]).contains("of no kind that is known"));
}

#[test]
fn every_shared_case_holds() {
    let shared = std::env::var_os("TRUNKLINE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    for name in [
        "ru_production_calendar_1999_2027",
        "ru_norms_1999_2027",
        "add_working_days_cases",
        "gotoiftime_cases",
        "makeup_days_other_countries",
    ] {
        let path = shared.join("calendar").join(name).with_extension("csv");
        if !path.exists() {
            // The macros' output is hidden where a test passes.
            let _ = writeln!(std::io::stderr(), "skipped: there is no {}", path.display());
            continue;
        }
        let text = out(&["--cases", path.to_str().unwrap()]);
        assert!(text.ends_with(" 0 differ\n"), "{text}");
    }
}
