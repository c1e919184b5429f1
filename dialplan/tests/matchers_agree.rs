//! The automaton, the tree and the naive matcher give the same answers on random plans.

use dialplan::plan::{Limits, Matcher, Plan, Query};
use proptest::prelude::*;

/// What a pattern may be made of: mostly few digits, so that patterns meet.
fn part() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => prop::sample::select(vec!["1", "2", "3", "9", "0"]),
        6 => prop::sample::select(vec!["X", "Z", "N", "x"]),
        3 => prop::sample::select(vec!["[12]", "[2-9]", "[139]", "[*#]", "[1-]", "[0-9]"]),
        1 => prop::sample::select(vec!["[]", "[9-1]", "[-]", "-", "*", "#", "+"]),
        1 => prop::sample::select(vec![".", "!"]),
    ]
}

fn letter() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["s", "a", "fax", "[a-c]", "B"])
}

fn pattern(letters: u32) -> impl Strategy<Value = String> {
    let parts = prop::collection::vec(prop_oneof![30 => part(), letters => letter()], 0..9);
    let ending = prop::sample::select(vec!["", "", "", ".", "!", "XXXXXXX", "XXXXXXXXXXXXXXXXXX"]);
    let pattern =
        (parts, ending).prop_map(|(parts, ending)| format!("_{}{ending}", parts.concat()));
    prop_oneof![4 => pattern, 1 => dialled()].prop_filter("nothing", |text| !text.is_empty())
}

fn dialled() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        30 => prop::sample::select(vec!["0", "1", "2", "3", "9"]),
        2 => prop::sample::select(vec!["*", "#", "+", "-", "a", "s", "f"]),
    ];
    let length = prop_oneof![10 => 0..12usize, 1 => 12..40usize];
    (prop::collection::vec(key, 40), length)
        .prop_map(|(keys, length)| keys.into_iter().take(length).collect())
}

fn extension(letters: u32) -> impl Strategy<Value = (String, u32)> {
    let caller = prop_oneof![
        8 => Just(None),
        1 => Just(Some(String::new())),
        2 => prop::sample::select(vec!["_1.", "_X.", "12", "_1XX", "_!"]).prop_map(|c| Some(c.into())),
    ];
    (pattern(letters), caller, prop_oneof![9 => Just(1), 1 => Just(2u32)]).prop_map(
        |(pattern, caller, priority)| match caller {
            None => (pattern, priority),
            Some(caller) => (format!("{pattern}/{caller}"), priority),
        },
    )
}

fn plan(extensions: &[(String, u32)], matcher: Matcher) -> Plan<usize> {
    let mut builder = Plan::builder();
    builder.matcher(matcher);
    builder.limits(Limits { automaton_rows: 1 << 16, ..Limits::default() });
    for (number, (extension, priority)) in extensions.iter().enumerate() {
        let step =
            dialplan::plan::Step { priority: *priority, label: None, origin: None, target: number };
        builder.context("c").add_step(extension, step).unwrap();
    }
    builder.context("c");
    builder.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn all_matchers_give_the_same_answer(
        extensions in prop_oneof![
            4 => prop::collection::vec(extension(0), 0..60),
            2 => prop::collection::vec(extension(1), 0..40),
            1 => prop::collection::vec(extension(0), 128..160),
        ],
        strings in prop::collection::vec(dialled(), 1..60),
        caller in prop::sample::select(vec![None, Some("12"), Some("155"), Some("")]),
        priority in 1..3u32,
    ) {
        let naive = plan(&extensions, Matcher::Linear);
        let tree = plan(&extensions, Matcher::Tree);
        let automaton = plan(&extensions, Matcher::Automaton);
        let has_letters = extensions
            .iter()
            .any(|(extension, _)| extension.contains(['s', 'f', 'B']) || extension.contains("a"));
        prop_assert!(has_letters || automaton.matcher("c") == Some(Matcher::Automaton));
        // Prefixes of the patterns themselves, so that not all strings miss.
        let near = extensions.iter().map(|(extension, _)| {
            extension.replace(['_', 'X', 'Z', 'N', 'x', '[', ']', '.', '!'], "2")
        });
        // Extensions dialled by their own text, as Asterisk looks them up.
        let patterns = extensions.iter().map(|(e, _)| e.split('/').next().unwrap().to_owned());
        for dialled in strings.iter().cloned().chain(near).chain(patterns) {
            let query = Query { caller, priority, ..Query::new(&dialled) };
            let expected = naive.find("c", &query).map(|m| (*m.target, m.pattern().to_owned()));
            let digits = naive.digits("c", &query);
            for (name, plan) in [("tree", &tree), ("automaton", &automaton)] {
                let found = plan.find("c", &query).map(|m| (*m.target, m.pattern().to_owned()));
                prop_assert_eq!(&found, &expected, "{} on {:?}", name, dialled);
                prop_assert_eq!(plan.digits("c", &query), digits, "{} on {:?}", name, dialled);
            }
        }
    }
}

#[test]
fn too_few_rows_make_a_tree() {
    let extensions: Vec<(String, u32)> =
        (0..200).map(|n| (format!("_{:03}12[39]X", n * 5), 1)).collect();
    let mut builder = Plan::builder();
    builder.limits(Limits { automaton_rows: 10, ..Limits::default() });
    for (extension, _) in &extensions {
        builder.context("many").add(extension, ()).unwrap();
    }
    builder.context("letters").add("_aX", ()).unwrap().add("_bX", ()).unwrap();
    builder.context("few").add("_8XXXXXXXXXX", ()).unwrap().add("s", ()).unwrap();
    let plan = builder.build().unwrap();
    assert_eq!(plan.matcher("few"), Some(Matcher::Automaton));
    assert_eq!(plan.matcher("letters"), Some(Matcher::Tree));
    assert!(plan.lookup("many", "9951235").is_ok());
    assert!(plan.lookup("letters", "b5").is_ok());
    assert!(plan.lookup("letters", "c5").is_err());
}

/// So many extensions that the automaton jumps over the first symbols.
#[test]
fn thousands_of_extensions() {
    let mut state = 1u64;
    let mut random = move |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut extensions: Vec<(String, u32)> = ["_X.", "_0!", "_8XXXXXXXXXX", "_*X!", "1", "9"]
        .map(|general| (general.to_owned(), 1))
        .into();
    while extensions.len() < 3000 {
        let digits = random(100_000_000).to_string();
        let (head, tail) = digits.split_at(1 + random(digits.len() as u64) as usize);
        extensions.push(match random(6) {
            0 => (digits, 1),
            1 => (format!("_{head}."), 1),
            2 => (format!("_{head}[2-5]{}", "X".repeat(tail.len())), 1),
            3 => (format!("_{head}N!"), 1),
            _ => (format!("_{head}{}", "X".repeat(tail.len())), 1),
        });
    }
    let tree = plan(&extensions, Matcher::Tree);
    let automaton = plan(&extensions, Matcher::Automaton);
    assert_eq!(automaton.matcher("c"), Some(Matcher::Automaton));
    for _ in 0..20_000 {
        let length = 1 + random(9) as u32;
        let mut dialled = random(10u64.pow(length)).to_string();
        dialled.push_str(&"4".repeat(random(4) as usize));
        if random(20) == 0 {
            let (at, key) = (random(dialled.len() as u64 + 1), random(4));
            dialled.insert(at as usize, ['*', '+', '-', 'a'][key as usize]);
        }
        let query = Query::new(&dialled);
        let expected = tree.find("c", &query).map(|m| *m.target);
        assert_eq!(automaton.find("c", &query).map(|m| *m.target), expected, "{dialled}");
        assert_eq!(automaton.digits("c", &query), tree.digits("c", &query), "{dialled}");
    }
    for dialled in ["", "1", "12", "9"] {
        let query = Query::new(dialled);
        assert_eq!(automaton.digits("c", &query), tree.digits("c", &query), "{dialled:?}");
        assert_eq!(
            automaton.find("c", &query).map(|m| *m.target),
            tree.find("c", &query).map(|m| *m.target),
            "{dialled:?}"
        );
    }
}
