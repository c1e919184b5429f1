//! The program as people run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dialplan-tool")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn shared(path: &str) -> Option<String> {
    let folder = std::env::var_os("TRUNKLINE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let file = folder.join(path);
    if !file.exists() {
        println!("skipped: no {} here; set TRUNKLINE_SHARED", file.display());
        return None;
    }
    Some(file.display().to_string())
}

/// The rows of a small table without quoted commas before the columns that count.
fn column(file: &str, index: usize) -> Vec<String> {
    let table = std::fs::read(file).unwrap();
    let mut rows = dialplan::csv::Rows::new(&table);
    rows.next().unwrap();
    let mut column = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        column.push(row.field(index).unwrap().to_owned());
    }
    column
}

#[test]
fn cases_of_patterns() {
    let Some(file) = shared("dialplan/dialplan_cases.csv") else { return };
    let output = tool(&["match", "--cases", &file]);
    assert!(output.status.success());
    let (ids, expected) = (column(&file, 0), column(&file, 5));
    let answers = lines(&output);
    assert_eq!(answers.len(), ids.len());
    for ((answer, id), winner) in answers.iter().zip(ids).zip(expected) {
        assert_eq!(answer["id"].to_string(), id);
        assert_eq!(answer["winner"], winner, "row {id}");
    }
}

#[test]
fn cases_of_numbers() {
    let Some(file) = shared("dialplan/number_cases.csv") else { return };
    let output = tool(&["normalise", "--cases", &file]);
    assert!(output.status.success());
    let answers = lines(&output);
    let names = ["e164", "valid", "type", "rfc3966", "national", "dialled_from_RU"];
    for (at, name) in (2..).zip(names) {
        let expected = column(&file, at);
        assert_eq!(answers.len(), expected.len());
        for (answer, expected) in answers.iter().zip(expected) {
            assert_eq!(answer[name], expected, "line {}", answer["line"]);
        }
    }
}

#[test]
fn cases_of_rates() {
    let Some(file) = shared("dialplan/rating_cases.csv") else { return };
    let output = tool(&["rate", "--cases", &file]);
    assert!(output.status.success());
    let answers = lines(&output);
    let number = |text: String| text.parse::<f64>().unwrap();
    for (at, name) in [(5, "billed_seconds"), (6, "cost")] {
        let expected = column(&file, at);
        assert_eq!(answers.len(), expected.len());
        for (answer, expected) in answers.iter().zip(expected) {
            assert_eq!(answer[name].as_f64(), Some(number(expected)), "line {}", answer["line"]);
        }
    }
}

#[test]
fn a_pattern_that_cannot_be_read_matches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.csv");
    std::fs::write(
        &file,
        "id,mode,patterns,input,callerid\nx1,match,_[0- _1X,15,\n2,match,_[0-,1,\n",
    )
    .unwrap();
    let output = tool(&["match", "--cases", file.to_str().unwrap()]);
    assert!(output.status.success());
    let answers = lines(&output);
    assert_eq!((&answers[0]["id"], &answers[0]["winner"]), (&"x1".into(), &"_1X".into()));
    assert_eq!(answers[1]["winner"], "NONE");
    assert!(String::from_utf8_lossy(&output.stderr).contains("position 1"));
}

const PLAN: &str = r#"
[context.internal.extensions]
"100" = "reception"
"_1XX" = "user"
"_9." = { external = "${EXTEN:1}" }
[trunk.city]
tariff = "city.csv"
[trunk.spare]
[route.russia]
prefixes = ["7"]
policy = "least-cost"
trunks = ["spare", "city"]
[emergency]
trunks = ["city"]
"#;

#[test]
fn a_plan_in_toml() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    std::fs::write(folder.path().join("city.csv"), "prefix,rate_per_min\n7,1.5\n").unwrap();
    let plan = plan.to_str().unwrap();
    assert!(text(&tool(&["match", "-p", plan, "100"])).starts_with("100 in internal: reception"));
    assert_eq!(tool(&["match", "-p", plan, "7"]).status.code(), Some(1));
    let lcr = text(&tool(&["lcr", "-p", plan, "84951234567"]));
    assert!(lcr.contains("1. city as +74951234567, 1.5 a minute"), "{lcr}");
    let explained = text(&tool(&["explain", "-p", plan, "984951234567"]));
    assert!(explained.contains("The call is sent over trunk `city`"), "{explained}");
    assert_eq!(text(&tool(&["check", "-p", plan])), "nothing found\n");
    let tariff = folder.path().join("city.csv");
    let rate = text(&tool(&["rate", "-t", tariff.to_str().unwrap(), "+74951234567", "90"]));
    assert!(rate.contains("90 s billed, 2.25"), "{rate}");
    assert_eq!(tool(&["check", "-p", "/nonexistent"]).status.code(), Some(2));
}

#[test]
fn an_extensions_conf() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("extensions.conf");
    std::fs::write(
        &plan,
        "[internal]\nexten => _1XX,1,Dial(PJSIP/${EXTEN})\n#include extra*.conf\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("extra1.conf"), "exten => 600,1,Echo()\nswitch => IAX2/x\n")
        .unwrap();
    let plan = plan.to_str().unwrap();
    assert!(text(&tool(&["match", "-p", plan, "600"])).starts_with("600 in internal: Echo()"));
    assert!(
        text(&tool(&["explain", "-p", plan, "150"])).contains("begins with Dial(PJSIP/${EXTEN})")
    );
    let checked = tool(&["check", "-p", plan]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked).contains("extra1.conf:2: `switch`"), "{}", text(&checked));
}
