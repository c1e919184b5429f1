//! Every typed header has its grammar, its RFC and an example on its page; the example is read and written again.

#[macro_use]
#[path = "support/all_headers.rs"]
mod all_headers;

use std::path::Path;

use sip_core::HeaderName;
use sip_core::header::{self, Shape, TypedHeader};

/// The files that headers are written in.
fn sources() -> impl Iterator<Item = String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/header");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap())
}

/// Lines `Example: …` of the pages of all headers: name and value.
fn examples() -> Vec<(HeaderName, String)> {
    let mut examples = Vec::new();
    for source in sources() {
        for line in source.lines() {
            let Some(example) = line.trim().strip_prefix("/// Example: `") else { continue };
            let (name, value) = example.trim_end_matches('`').split_once(": ").unwrap();
            examples.push((HeaderName::parse(name).unwrap(), value.to_owned()));
        }
    }
    examples
}

fn check<T: TypedHeader + PartialEq + std::fmt::Debug>(examples: &[(HeaderName, String)]) {
    let name = T::NAME;
    let mut found = 0;
    for (_, value) in examples.iter().filter(|(other, _)| *other == name) {
        found += 1;
        let mut headers = header::Headers::new();
        headers.push_raw(name.clone(), value).unwrap();
        let values: Vec<T> = headers
            .all()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{name}: {value}: {error}"));
        assert!(!values.is_empty());
        for value in values {
            let mut written = Vec::new();
            value.write(&mut written);
            let again = T::parse(&written).unwrap();
            assert_eq!(again, value, "{name}: {}", String::from_utf8_lossy(&written));
        }
    }
    assert_eq!(found, 1, "{name} needs one example");
}

#[test]
fn every_example_is_read() {
    let examples = examples();
    let mut count = 0;
    macro_rules! check_all {
        ($($name:ident)*) => { $(
            check::<header::$name>(&examples);
            count += 1;
        )* };
    }
    all_headers!(check_all);
    assert_eq!(examples.len(), count, "a header that this test does not know");
}

/// An empty value is an empty list for those that may be empty, and nothing for the others.
#[test]
fn empty_values() {
    let mut may_be_empty = Vec::new();
    macro_rules! collect {
        ($($name:ident)*) => { $(
            if header::$name::parse(b"").is_ok() {
                may_be_empty.push(stringify!($name));
            }
        )* };
    }
    all_headers!(collect);
    let expected = "Accept AcceptEncoding AcceptLanguage Allow AllowEvents ContentEncoding ContentId \
        ContentLanguage Identity Organization PAccessNetworkInfo PEarlyMedia ProxyRequire RecvInfo \
        Require Server Subject Supported Unsupported UserAgent";
    assert_eq!(may_be_empty.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
}

#[test]
fn shapes() {
    assert_eq!(header::Via::SHAPE, Shape::List);
    assert_eq!(header::Supported::SHAPE, Shape::Whole);
    assert_eq!(header::WwwAuthenticate::SHAPE, Shape::Lines);
    assert_eq!(header::From::SHAPE, Shape::Single);
}

/// The page of each header: the doc comment that its example stands in.
#[test]
fn every_page_has_grammar_and_section() {
    let mut pages = 0;
    for source in sources() {
        let is_doc = |line: &str| line.trim().starts_with("///");
        let lines: Vec<&str> = source.lines().collect();
        for block in lines.split(|line| !is_doc(line)) {
            let page: String =
                block.iter().map(|line| line.trim().trim_start_matches("///")).collect();
            let Some((before, example)) = page.split_once(" Example: `") else { continue };
            pages += 1;
            assert!(before.contains(" Grammar: `"), "no grammar: {example}");
            let says_where = before.split("RFC ").skip(1).any(|rfc| {
                let number = rfc.trim_start_matches(|character: char| character.is_ascii_digit());
                number.len() < rfc.len() && number.trim_start().starts_with('§')
            });
            // Those two are of no standard: a historic RFC and a draft.
            let is_historic = before.contains("(RFC 5806)") || before.contains("(draft-");
            assert!(says_where || is_historic, "no RFC and section: {before}");
        }
    }
    assert_eq!(pages, examples().len());
}
