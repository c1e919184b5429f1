//! What a fuzzer feeds with bytes: each function must neither panic nor take long.

use dialplan::Dialplan;
use dialplan::asterisk::{self, Application, NoFiles};
use dialplan::number::{EnumName, Profile, TelUri, Template};
use dialplan::pattern::Pattern;
use dialplan::plan::{Matcher, Plan, Query};
use dialplan::prefix::PrefixTable;
use dialplan::rate::Tariff;
use dialplan::variable::expand;

/// Lines of patterns; the last line is dialled. All matchers have to agree.
pub(crate) fn pattern(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let (patterns, dialled) = text.rsplit_once('\n').unwrap_or((text, "123"));
    let build = |matcher| {
        let mut builder = Plan::builder();
        builder.matcher(matcher);
        for (index, line) in patterns.lines().take(64).enumerate() {
            let _ = builder.context("c").add(line, index);
        }
        builder.context("c");
        builder.build().expect("one context breaks no limit")
    };
    let query = Query { caller: dialled.get(..3), ..Query::new(dialled) };
    let [naive, tree, automaton] = [Matcher::Linear, Matcher::Tree, Matcher::Automaton].map(build);
    let expected = naive.find("c", &query).map(|found| *found.target);
    let digits = naive.digits("c", &query);
    for plan in [tree, automaton] {
        assert_eq!(plan.find("c", &query).map(|found| *found.target), expected);
        assert_eq!(plan.digits("c", &query), digits);
    }
    for line in patterns.lines().take(64) {
        if let Ok(pattern) = Pattern::parse(line) {
            assert_eq!(pattern.mismatch(dialled).is_none(), pattern.matches(dialled));
            let _ = (pattern.words().to_string(), pattern.more(dialled));
        }
    }
    let _ = naive.check(&["c"], &|_, _| {});
}

/// A plan in TOML.
pub(crate) fn plan_file(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let mut fetch = |_: &str| Ok(data.to_vec());
    if let Ok(plan) = Dialplan::from_toml("fuzz", text, &mut fetch) {
        let _ = plan.check();
    }
}

/// An `extensions.conf`.
pub(crate) fn extensions_conf(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Ok((plan, _)) = asterisk::read("fuzz", text, &mut NoFiles) {
        let names: Vec<String> = plan.context_names().map(Into::into).collect();
        for name in names.iter().take(8) {
            let _ = plan.lookup(name, "100");
        }
        let _ = plan.check(&["default"], &Application::contexts);
    }
}

/// A number as dialled, a `tel:` URI, an ENUM name, a template, a text with variables.
pub(crate) fn number(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let profile = Profile::russia();
    if let Ok(dialled) = profile.normalise(text)
        && let Some(number) = dialled.number()
    {
        assert_eq!(number.to_string().parse(), Ok(number));
        assert_eq!(
            EnumName::parse(&EnumName::of(number).to_string()).map(|n| n.number()),
            Ok(number)
        );
        let again = profile.normalise(&number.to_string()).map(|dialled| dialled.number());
        assert_eq!(again, Ok(Some(number)));
    }
    if let Ok(uri) = TelUri::parse(text) {
        let written = uri.to_string();
        assert_eq!(TelUri::parse(&written).map(|uri| uri.number()), Ok(uri.number()));
    }
    let _ = (EnumName::parse(text), Template::parse(text), profile.is_emergency(text));
    let _ = expand(text, &|name| Some(name.into()));
    #[cfg(feature = "phonenumber")]
    let _ = dialplan::number::describe(text, Some("RU"));
}

/// A table of prefixes, a tariff.
pub(crate) fn csv(data: &[u8]) {
    let _ = PrefixTable::from_csv(data, |row| row.field(1).map(str::len));
    let _ = Tariff::from_csv(data);
}
