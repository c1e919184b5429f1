//! Reading `extensions.conf`.

use dialplan::asterisk::{Files, HINT, NoFiles, ReadError, Special, read};
use dialplan::plan::{BuildError, NoMatch, Query};

const CONF: &str = r#"
[general]
static=yes
[globals]
CITY => 495
TRUNK=PJSIP/upstream ; the way out
[extension-template](!)
exten => 600,1,Echo()
;-- a comment
   over lines --;
[internal](extension-template)
exten => _1XX,hint,PJSIP/${EXTEN}
exten => _1XX,1(start),NoOp(to \; ${EXTEN})
 same => n,Dial(PJSIP/${EXTEN},20)
 same => n(busy),VoiceMail(${EXTEN}@default)
exten => _8${CITY}XXX XXXX,1,Dial(${TRUNK}/${EXTEN:1})
exten => 100/101,1,Playback(to yourself)
exten => 100,1,Dial,SIP/100
exten => h,1,NoOp
include => daytime|9:00-17:00|mon-fri|*|*
include => services
[daytime]
exten => 0,1,Dial(PJSIP/reception)
[services]
exten => _*9[78],1,VoiceMailMain()
include => missing
#include "more.conf"
"#;

struct More;

impl Files for More {
    fn read(&mut self, name: &str) -> Result<Vec<(String, String)>, String> {
        match name {
            "more.conf" => {
                Ok(vec![(name.into(), "[services](+)\nexten => 700,1,Playback(x)\n".into())])
            }
            "self.conf" => Ok(vec![(name.into(), "#include self.conf".into())]),
            _ => Err("no such file".into()),
        }
    }
}

#[test]
fn reads_what_people_have() {
    let (plan, notes) = read("extensions.conf", CONF, &mut More).unwrap();
    assert_eq!(notes, []);
    let application = |dialled: &str, priority| {
        let query = Query { priority, caller: Some("101"), ..Query::new(dialled) };
        plan.find("internal", &query).map(|m| format!("{}({})", m.target.name, m.target.arguments))
    };
    assert_eq!(application("101", 1).as_deref(), Ok("NoOp(to ; ${EXTEN})"));
    assert_eq!(application("142", 2).as_deref(), Ok("Dial(PJSIP/${EXTEN},20)"));
    assert_eq!(application("142", 4), Err(NoMatch::NoPriority));
    assert_eq!(application("142", HINT).as_deref(), Ok("hint(PJSIP/${EXTEN})"));
    assert_eq!(application("600", 1).as_deref(), Ok("Echo()"));
    assert_eq!(application("84951234567", 1).as_deref(), Ok("Dial(${TRUNK}/${EXTEN:1})"));
    assert_eq!(application("100", 1).as_deref(), Ok("Playback(to yourself)"));
    assert_eq!(application("100", 2).as_deref(), Ok("Dial(PJSIP/${EXTEN},20)"), "falls through");
    assert_eq!(application("*98", 1).as_deref(), Ok("VoiceMailMain()"));
    assert_eq!(application("700", 1).as_deref(), Ok("Playback(x)"));
    assert_eq!(
        application("0", 1),
        Err(NoMatch::NoExtension),
        "nobody says that the office is open"
    );
    let step = plan.find("internal", &Query { priority: 3, ..Query::new("142") }).unwrap();
    assert_eq!(step.label(), Some("busy"));
    assert_eq!(step.origin().unwrap().to_string(), "extensions.conf:15");
    assert_eq!(plan.special("internal", Special::Hangup).unwrap().pattern(), "h");
    assert_eq!(plan.lookup("services", "700").unwrap().origin().unwrap().file, "more.conf");
}

#[test]
fn includes_ask_the_schedules_depth_first() {
    let (plan, _) = read("extensions.conf", CONF, &mut More).unwrap();
    let open = |schedule: &str| Some(schedule == "9:00-17:00,mon-fri,*,*");
    let query = Query { schedules: &open, ..Query::new("0") };
    assert_eq!(plan.find("internal", &query).unwrap().context(), "daytime");
}

#[test]
fn what_is_not_understood_is_reported() {
    let text = "exten => 1,1,A\n[c]\nexten => 1\nexten => _9[0-,1,A\nswitch => IAX2/x\nsame => n,B\n\
        exten => 2,0,A\nexten => 3,x,A\nexten => 4,1,\nwhat\n#exec /bin/x\n#include gone.conf\n\
        [open\nexten => 5,1,A\n[d]\nexten => 2,n,A\n";
    let (_, notes) = read("e.conf", text, &mut NoFiles).unwrap();
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let lines: Vec<&str> = notes.iter().map(|note| note.split(": ").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "e.conf:1",
            "e.conf:10",
            "e.conf:11",
            "e.conf:12",
            "e.conf:13",
            "e.conf:14",
            "e.conf:3",
            "e.conf:4",
            "e.conf:5",
            "e.conf:6",
            "e.conf:7",
            "e.conf:8",
            "e.conf:9",
            "e.conf:16"
        ],
        "{notes:#?}"
    );
    assert!(notes[7].contains("opened at position 2"), "{}", notes[7]);
}

#[test]
fn priorities_as_asterisk_counts_them() {
    let text = "[c]\nexten => 1,1,A\nexten => 1,n+2,B\nexten => 2,n(x),C\nexten => 2,s+101,D\n\
        exten => _5X/(495) 123-45.67,1,E\nexten => _6X/_7[4-5].,1,F\n";
    let (plan, notes) = read("e.conf", text, &mut NoFiles).unwrap();
    assert_eq!(notes, []);
    let name = |dialled: &str, priority, caller| {
        let query = Query { priority, caller, ..Query::new(dialled) };
        plan.find("c", &query).map(|found| found.target.name.to_string())
    };
    assert_eq!(name("1", 4, None).as_deref(), Ok("B"));
    assert_eq!(name("2", 5, None).as_deref(), Ok("C"), "goes on from the line above");
    assert_eq!(name("2", 106, None).as_deref(), Ok("D"));
    assert_eq!(name("55", 1, Some("4951234567")).as_deref(), Ok("E"));
    assert_eq!(name("65", 1, Some("74951234567")).as_deref(), Ok("F"));
}

#[test]
fn nested_too_deep() {
    let error = read("e.conf", "#include self.conf", &mut More).unwrap_err();
    assert!(matches!(error, ReadError::TooDeep { line: 1, .. }), "{error}");

    let contexts: String =
        (0..10_000).map(|n| format!("[c{n}]\ninclude => c{}\nexten => {n},1,A\n", n + 1)).collect();
    let error = read("e.conf", &contexts, &mut NoFiles).unwrap_err();
    let ReadError::Build(BuildError::TooManyIncludes { line, limit: 128, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(*line, 127 * 3 + 2, "{error}");
}

#[test]
fn loops_end() {
    let text =
        "[a]\ninclude => b\nexten => 1,1,A\n[b]\ninclude => a\ninclude => b\nexten => 2,1,B\n";
    let (plan, _) = read("e.conf", text, &mut NoFiles).unwrap();
    assert_eq!(plan.lookup("b", "1").unwrap().context(), "a");
    assert_eq!(plan.lookup("a", "2").unwrap().context(), "b");
    assert!(plan.lookup("a", "3").is_err());
}
