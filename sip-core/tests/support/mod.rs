//! Reads the shared corpora and says what a user agent does with a message.

// Each test file uses its part.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sip_core::header::ContentType;
use sip_core::message::Policy;
use sip_core::sdp::{self, SessionDescription};
use sip_core::{Limits, Message, MessageView, Method, Rejection, Response, StatusCode};

/// One line of the corpus's manifest.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub file: String,
    pub expected: String,
    pub bytes: Bytes,
}

/// What becomes of a message before the transaction layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Accept,
    /// A request is answered with this.
    Answer(u16),
    /// A response, or what is no message, is dropped.
    Drop,
}

/// The cases of one category that are SIP messages; `None`, with a word on the terminal, where the
/// shared folder is not at hand.
pub fn cases(category: &str) -> Option<Vec<Case>> {
    let Some(shared) = shared() else {
        println!("skipped: no shared corpus (set TRUNKLINE_SHARED)");
        return None;
    };
    let corpus = shared.join("corpus");
    let manifest = std::fs::read_to_string(corpus.join("manifest.csv")).expect("a manifest");
    let mut lines = records(&manifest).into_iter();
    let head = lines.next().expect("a head line");
    let column = |name: &str| head.iter().position(|field| field == name).expect("a column");
    let (name, file, expected) = (column("name"), column("file"), column("expected"));
    let (kind, of_category) = (column("kind"), column("category"));
    let cases = lines.filter(|row| row[kind] == "sip" && row[of_category].starts_with(category));
    let cases: Vec<_> = cases
        .map(|row| Case {
            name: row[name].clone(),
            file: row[file].clone(),
            expected: row[expected].clone(),
            bytes: std::fs::read(corpus.join(&row[file])).expect("a corpus file").into(),
        })
        .collect();
    assert!(!cases.is_empty(), "nothing of {category} in the manifest");
    Some(cases)
}

fn shared() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let named = std::env::var_os("TRUNKLINE_SHARED").map(PathBuf::from);
    named.into_iter().chain([here]).find(|folder| folder.join("corpus").is_dir())
}

/// Records of a CSV text, quotes minded.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let record = records.last_mut().expect("never empty");
        match character {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => {
                record.last_mut().expect("never empty").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\n' if !quoted => records.push(vec![String::new()]),
            '\r' if !quoted => {}
            _ => record.last_mut().expect("never empty").push(character),
        }
    }
    records.retain(|record| record.len() > 1);
    records
}

/// What becomes of a datagram. The view and the owned message must agree on it.
pub fn outcome(bytes: &Bytes) -> Outcome {
    let limits = Limits::default();
    let policy = Policy::default();
    let owned = match Message::parse(bytes.clone(), &limits) {
        Ok(message) => checked(bytes, message.check(&policy)),
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}: beyond the message");
            answer(bytes, error.status())
        }
    };
    let view = match MessageView::parse(bytes, &limits) {
        Ok(view) => checked(bytes, view.check(&policy)),
        Err(error) => answer(bytes, error.status()),
    };
    assert_eq!(owned, view, "the view and the owned message differ");
    match owned {
        Outcome::Accept => of_body(bytes),
        other => other,
    }
}

/// What becomes of a message that is in order but for its session description.
fn of_body(bytes: &Bytes) -> Outcome {
    let Ok(Message::Request(request)) = Message::parse(bytes.clone(), &Limits::default()) else {
        return Outcome::Accept;
    };
    let kind = request.headers.typed::<ContentType>().ok().flatten();
    if request.method != Method::Invite || !kind.is_some_and(|kind| kind.is("application", "sdp")) {
        return Outcome::Accept;
    }
    match SessionDescription::parse(&request.body, &sdp::Limits::default()) {
        Ok(_) => Outcome::Accept,
        Err(error) => answer(bytes, error.status()),
    }
}

fn checked(bytes: &[u8], result: Result<(), Rejection>) -> Outcome {
    match result {
        Ok(()) => Outcome::Accept,
        Err(rejection) => {
            assert!(rejection.offset <= bytes.len(), "{rejection}: beyond the message");
            answer(bytes, rejection.status)
        }
    }
}

fn answer(bytes: &[u8], status: StatusCode) -> Outcome {
    match Response::to_malformed(bytes, status) {
        Some(response) => {
            let written = response.to_bytes();
            let again = Message::parse(written, &Limits::default());
            assert!(matches!(again, Ok(Message::Response(_))), "an answer that cannot be read");
            Outcome::Answer(status.code())
        }
        None => Outcome::Drop,
    }
}

/// What the manifest permits: `None` when it names no outcome.
pub fn permitted(expected: &str) -> Option<Vec<Outcome>> {
    let (word, rest) = expected.split_once(':').unwrap_or((expected, ""));
    let mut permitted: Vec<_> = rest
        .split(|character: char| !character.is_ascii_digit())
        .filter(|digits| digits.len() == 3)
        .filter_map(|digits| digits.parse().ok())
        .filter(|code| (400..700).contains(code))
        .map(Outcome::Answer)
        .collect();
    if rest.contains("drop") || rest.contains("discard") {
        permitted.push(Outcome::Drop);
    }
    match word {
        "VALID" | "TOLERATE" => permitted = vec![Outcome::Accept],
        "PARSE" => permitted.push(Outcome::Accept),
        "INVALID" if rest.contains("liberal") || rest.contains("acceptable but") => {
            permitted.push(Outcome::Accept);
        }
        "INVALID" if permitted.is_empty() => {
            permitted = vec![Outcome::Answer(400), Outcome::Drop];
        }
        "INVALID" => {}
        _ => return None,
    }
    Some(permitted)
}

/// Compares all outcomes with what the manifest permits. `deviations` are names for which they
/// differ on purpose; each must still do so.
pub fn assert_outcomes(cases: &[Case], deviations: &[&str]) {
    let differing: Vec<_> = cases
        .iter()
        .filter(|case| {
            let outcome = outcome(&case.bytes);
            let permitted = permitted(&case.expected);
            let differs = permitted.is_some_and(|permitted| !permitted.contains(&outcome));
            if differs && !deviations.contains(&&*case.name) {
                println!("{}: {outcome:?}, but: {}", case.name, case.expected);
            }
            differs
        })
        .map(|case| &*case.name)
        .collect();
    assert_eq!(differing, deviations);
}

/// Writing a message and reading it again changes nothing, and from then on not even a byte.
pub fn assert_fixed_point(bytes: &Bytes) {
    let limits = Limits::default();
    let message = Message::parse(bytes.clone(), &limits).expect("a message");
    let written = message.to_bytes();
    let again = Message::parse(written.clone(), &limits).expect("what was written to be read");
    assert_eq!(again.body(), message.body());
    let without_length = |message: &Message| {
        let mut message = message.clone();
        message.headers_mut().remove(sip_core::HeaderName::ContentLength);
        message
    };
    assert_eq!(without_length(&again), without_length(&message));
    assert_eq!(again.to_bytes(), written, "writing is no fixed point");
}

/// The message with that name.
pub fn case<'a>(cases: &'a [Case], name: &str) -> &'a Case {
    cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// The same, read.
pub fn message(cases: &[Case], name: &str) -> Message {
    Message::parse(case(cases, name).bytes.clone(), &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The same, which must be a request.
pub fn request(cases: &[Case], name: &str) -> sip_core::Request {
    match message(cases, name) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{name} is a response"),
    }
}
