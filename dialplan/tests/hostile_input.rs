//! A megabyte of one thing and another: answered at once, with an error that says where.
#![cfg(feature = "toml")]

use dialplan::Dialplan;
use dialplan::asterisk::{self, NoFiles};
use dialplan::number::{EnumName, Profile, TelUri, Template};
use dialplan::pattern::Pattern;
use dialplan::plan::Plan;
use dialplan::prefix::PrefixTable;
use dialplan::rate::Tariff;
use dialplan::variable::expand;

const MEGABYTE: usize = 1 << 20;

const UNITS: [&str; 16] = [
    "_",
    "1",
    "X",
    "[",
    "[0-",
    "!",
    ".",
    "-",
    "+",
    "${",
    "a,",
    "\"",
    "\n",
    "[a]\n",
    "é",
    "#include x\n",
];

#[test]
fn nothing_panics_on_a_megabyte() {
    for unit in UNITS {
        let text = unit.repeat(MEGABYTE / unit.len());
        let mut plan = Plan::builder();
        let _ = plan.context("c").add(&text, ());
        let _ = Dialplan::from_toml("plan.toml", &text, &mut |_: &str| Ok(Vec::new()));
        let _ = asterisk::read("extensions.conf", &text, &mut NoFiles);
        let _ = (Profile::russia().normalise(&text), TelUri::parse(&text));
        let _ = (EnumName::parse(&text), Template::parse(&text));
        let _ = expand(&text, &|name| Some(name.into()));
        let _ = PrefixTable::from_csv(text.as_bytes(), |row| row.field(1).map(str::len));
        let _ = Tariff::from_csv(text.as_bytes());
    }
}

#[test]
fn a_long_pattern_is_refused_with_its_position() {
    let pattern = format!("_[{}", "0-".repeat(MEGABYTE / 2));
    let error = Pattern::parse(&pattern).unwrap_err();
    assert!(error.to_string().contains("position"), "{error}");
}

#[test]
fn a_long_number_is_refused_with_its_position() {
    let error = Profile::russia().normalise(&"1".repeat(MEGABYTE)).unwrap_err();
    assert!(error.to_string().contains("position"), "{error}");
}
