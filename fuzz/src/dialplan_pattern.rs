use dialplan::pattern::{Element, MAX_LEN, Outcome, Pattern};
use dialplan::plan::{Limits, Matcher, Plan, Query};

/// A dialplan and what is dialled: a pattern a line, a line of `%%`, then a dialled string a line.
///
/// A pattern is written as it was read, and errors point into it. The order of patterns is total. Matching, what
/// more digits could do and satisfiability agree. A plan finds what the first matching pattern in that order leads
/// to, whether it looks at one after the other, at a tree, or at an automaton.
pub fn dialplan_pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (patterns, dialled) = text.split_once("\n%%\n").unwrap_or((text, ""));
    let mut known = Vec::new();
    for line in patterns.split('\n').take(24) {
        match Pattern::parse(line) {
            Ok(pattern) => {
                form(&pattern, line);
                known.push(pattern);
            }
            Err(error) => {
                assert!(error.position() <= line.len(), "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
    // The patterns themselves are dialled too, digits for letters.
    let near = known.iter().map(|pattern| {
        let digits = pattern.as_str().replace(['_', 'X', 'Z', 'N', '[', ']', '.', '!'], "2");
        digits.replace('-', "")
    });
    let mut strings: Vec<String> = dialled.split('\n').take(24).map(str::to_owned).collect();
    strings.extend(near);
    for string in &strings {
        for pattern in &known {
            meets(pattern, string);
        }
    }
    for one in &known {
        for other in &known {
            assert_eq!(one.cmp(other), other.cmp(one).reverse(), "{one} and {other}");
            assert_eq!(one == other, one.cmp(other).is_eq());
        }
    }
    plans(&known, &strings);
}

fn form(pattern: &Pattern, text: &str) {
    assert_eq!((pattern.as_str(), pattern.to_string().as_str()), (text, text));
    assert_eq!(pattern.is_exact(), !text.starts_with('_'));
    assert!(!text.is_empty() && text.len() <= MAX_LEN);
    let mut open_ended = false;
    for element in pattern.elements() {
        match element {
            Element::One(set) => assert!(!pattern.is_exact() || set.len() == 1),
            Element::AtLeastOne | Element::Anything => open_ended = true,
            Element::EmptySet => {}
        }
    }
    assert!(!(open_ended && pattern.is_exact()));
}

fn meets(pattern: &Pattern, dialled: &str) {
    let matches = pattern.matches(dialled);
    // A dialled pattern finds itself, though nobody can dial what it asks for.
    assert!(!matches || dialled.starts_with('_') || pattern.is_satisfiable(), "{pattern}");
    match pattern.more(dialled) {
        Outcome::Decided => assert!(matches, "{pattern} is decided by {dialled:?}"),
        Outcome::More => {}
        // A pattern that is dialled as such is found when its text is whole, digit by digit it is not.
        Outcome::No if !matches && !dialled.starts_with('_') => {
            for more in ["0", "5", "*", "a"] {
                assert!(!pattern.matches(&format!("{dialled}{more}")), "{pattern} {dialled:?}");
            }
        }
        Outcome::No => {}
    }
}

/// All matchers agree with each other and with the patterns one by one.
fn plans(patterns: &[Pattern], dialled: &[String]) {
    let build = |matcher| -> Plan<usize> {
        let mut builder = Plan::builder();
        builder.matcher(matcher);
        builder.limits(Limits { automaton_rows: 1 << 12, ..Limits::default() });
        for (number, pattern) in patterns.iter().enumerate() {
            builder.context("c").add(pattern.as_str(), number).unwrap();
        }
        builder.context("c");
        builder.build().unwrap()
    };
    let linear = build(Matcher::Linear);
    let others = [build(Matcher::Tree), build(Matcher::Automaton)];
    // Of patterns that are one extension what was written first counts.
    let mut order: Vec<&Pattern> = Vec::new();
    for pattern in patterns {
        if !order.iter().any(|known| same(known, pattern)) {
            order.push(pattern);
        }
    }
    order.sort();
    for dialled in dialled {
        let query = Query::new(dialled);
        let found = linear.find("c", &query).map(|found| (*found.target, found.pattern()));
        if dialled.len() > MAX_LEN {
            assert!(found.is_err());
        } else {
            let first = order.iter().find(|pattern| pattern.matches(dialled));
            let found = found.as_ref().ok().map(|(_, text)| *text);
            assert_eq!(found, first.map(|pattern| pattern.as_str()), "{dialled:?}");
        }
        for other in &others {
            let their = other.find("c", &query).map(|found| (*found.target, found.pattern()));
            assert_eq!(their, found, "{dialled:?}");
            assert_eq!(other.digits("c", &query), linear.digits("c", &query), "{dialled:?}");
        }
    }
}

/// Whether two patterns are one extension: sets that hold nothing make no difference between them.
fn same(one: &Pattern, other: &Pattern) -> bool {
    let parts = |pattern: &Pattern| -> Vec<Element> {
        let nothing = |element: &Element| match element {
            Element::One(set) => set.is_empty(),
            Element::EmptySet => true,
            _ => false,
        };
        pattern.elements().filter(|element| !nothing(element)).collect()
    };
    one.is_exact() == other.is_exact() && parts(one) == parts(other)
}
