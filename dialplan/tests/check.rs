//! A check finds each planted fault with its line, and nothing in a good plan.
#![cfg(feature = "toml")]

use dialplan::asterisk::{Application, NoFiles, read};
use dialplan::{Dialplan, Fault};

const GOOD: &str = include_str!("plans/good.toml");
const FAULTY: &str = include_str!("plans/faulty.toml");

fn fetch(name: &str) -> Result<Vec<u8>, String> {
    match name {
        "sale.csv" => {
            Ok(b"prefix,destination,rate_per_min\n7,Russia,2\n7495,Moscow,1.5\n".to_vec())
        }
        _ => Err("no such file".into()),
    }
}

#[test]
fn nothing_in_a_good_plan() {
    let plan = Dialplan::from_toml("good.toml", GOOD, &mut fetch).unwrap();
    assert_eq!(plan.check(), []);
    let rules: usize = plan.plan.context_names().map(|name| plan.plan.rule_count(name)).sum();
    assert!(rules >= 48, "{rules} rules");
}

#[test]
fn each_planted_fault_with_its_line() {
    let plan = Dialplan::from_toml("faulty.toml", FAULTY, &mut fetch).unwrap();
    let findings = plan.check();
    let found: Vec<(u32, Fault)> = findings.iter().map(|f| (f.line, f.kind)).collect();
    let line = |text: &str| FAULTY.lines().position(|line| line.contains(text)).unwrap() as u32 + 1;
    let mut planted = vec![
        (line("\"gone\""), Fault::UnknownContext),
        (line("[profile]"), Fault::NoEmergencyRoute),
        (line("\"no-such-context\""), Fault::UnknownContext),
        (line("\"lunch\""), Fault::UnknownSchedule),
        (line("\"101\""), Fault::HiddenByEmergency),
        (line("\"_2XX\""), Fault::Shadowed),
        (line("\"_3[9-0]X\""), Fault::NeverMatches),
        (line("\"_4[0-\""), Fault::BadExtension),
        (line("\"5-00\""), Fault::Duplicate),
        (line("include = [\"services\"]"), Fault::IncludeLoop),
        (line("[context.forgotten"), Fault::Unreachable),
        (line("\"{dail}\""), Fault::BadValue),
        (line("[trunk.idle]"), Fault::UnusedTrunk),
        (line("[trunk.closed]"), Fault::UnknownSchedule),
        (line("\"ctiy\""), Fault::UnknownTrunk),
        (line("prefixes = [\"7495\"]"), Fault::AmbiguousPrefix),
        (line("[route.moscow]"), Fault::NowhereRoute),
        (line("[route.nowhere]"), Fault::NowhereRoute),
        (line("\"4x\""), Fault::BadValue),
        (line("company"), Fault::BadValue),
    ];
    planted.sort();
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, planted, "{text:#?}");
    assert!(text.iter().all(|text| text.starts_with("faulty.toml:")), "{text:#?}");
    let bad = findings.iter().find(|finding| finding.kind == Fault::BadExtension).unwrap();
    assert!(bad.text.contains("position 2"), "{bad}");
}

#[test]
fn faults_of_an_extensions_conf() {
    let text = "[in]\ninclude => a\nexten => 1,1,Goto(b,s,1)\nexten => 2,2,NoOp()\n\
        [a]\ninclude => in\nexten => _3X,1,NoOp()\nexten => _3X,1,Hangup()\n\
        [b]\nexten => s,1,NoOp()\n[c]\nexten => s,1,NoOp()\n";
    let (plan, notes) = read("e.conf", text, &mut NoFiles).unwrap();
    assert!(notes.is_empty());
    let findings = plan.check(&["in"], &Application::contexts);
    let found: Vec<(u32, Fault)> = findings.iter().map(|f| (f.line, f.kind)).collect();
    assert_eq!(
        found,
        [
            (4, Fault::NoFirstStep),
            (6, Fault::IncludeLoop),
            (8, Fault::Duplicate),
            (11, Fault::Unreachable),
        ]
    );
}

#[test]
fn a_file_that_is_no_plan() {
    let error =
        |text: &str| Dialplan::from_toml("p.toml", text, &mut fetch).unwrap_err().to_string();
    assert!(error("start = 5").starts_with("p.toml:1: "), "{}", error("start = 5"));
    assert!(error("\n\n[trunk.a]\nnumer = \"x\"\n").starts_with("p.toml:4: "));
    assert!(
        error("[context.a.extensions]\n\"1\" = \"a\"\n\"1\" = \"b\"\n").starts_with("p.toml:3: ")
    );
    assert!(error(&"[".repeat(1 << 20)).starts_with("p.toml:1: "));
    assert!(error(&" ".repeat(17 << 20)).contains("too many"));
    let many: String =
        (0..10_000).map(|n| format!("[context.c{n}]\ninclude = [\"c{}\"]\n", n + 1)).collect();
    assert!(error(&many).contains("more than 128 contexts"), "{}", error(&many));
}
