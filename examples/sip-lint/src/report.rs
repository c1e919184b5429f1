//! What was found, for programs and for people.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use sip_core::{HeaderName, StatusCode};

/// The judgement on one message or description.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    verdict: Word,
    kind: Kind,
    method: Option<String>,
    /// What a UAS answers; none when it would go on, and for a response.
    status: Option<u16>,
    /// The status code in a response.
    code: Option<u64>,
    problems: Vec<Problem>,
    /// Whether it is the same after it was written and read again.
    roundtrip: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Accept,
    Reject,
}

/// What was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Request,
    Response,
    Sdp,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The header at fault, or the line of a description; none for the start line and the whole.
    pub(crate) header: Option<Cow<'static, str>>,
    /// Where, in bytes from the start.
    pub(crate) offset: usize,
    pub(crate) text: Cow<'static, str>,
}

impl Problem {
    pub(crate) fn new(
        header: Option<&HeaderName>,
        offset: usize,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let header = header.map(|name| name.as_str().to_owned().into());
        Self { header, offset, text: text.into() }
    }
}

impl Verdict {
    /// A request, and what a UAS answers to it.
    pub(crate) fn request(method: Option<String>, status: Option<StatusCode>) -> Self {
        Self::new(Kind::Request, method, status)
    }

    /// A response with the code in it, and whether it is to be dropped.
    pub(crate) fn response(code: Option<u64>, is_dropped: bool) -> Self {
        let verdict = if is_dropped { Word::Reject } else { Word::Accept };
        Self { verdict, code, ..Self::new(Kind::Response, None, None) }
    }

    /// A session description, and what its offer is answered with.
    pub(crate) fn description(status: Option<StatusCode>) -> Self {
        Self::new(Kind::Sdp, None, status)
    }

    fn new(kind: Kind, method: Option<String>, status: Option<StatusCode>) -> Self {
        let is_rejected =
            matches!(status, Some(StatusCode::BAD_REQUEST | StatusCode::VERSION_NOT_SUPPORTED));
        Self {
            verdict: if is_rejected { Word::Reject } else { Word::Accept },
            kind,
            method,
            status: status.map(StatusCode::code),
            code: None,
            problems: Vec::new(),
            roundtrip: false,
        }
    }

    /// The same with what was found.
    pub(crate) fn with(self, problems: Vec<Problem>, roundtrip: bool) -> Self {
        Self { problems, roundtrip, ..self }
    }
}

/// A verdict and what it is about.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) file: &'a str,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

impl Report<'_> {
    /// One line of JSON.
    pub(crate) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// A line, and one more for each problem.
    pub(crate) fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = &self.verdict;
        write!(out, "{}: ", self.file)?;
        match (verdict.kind, &verdict.method, verdict.code) {
            (Kind::Request, Some(method), _) => write!(out, "{method} request")?,
            (Kind::Request, None, _) => write!(out, "request")?,
            (Kind::Response, _, Some(code)) => write!(out, "{code} response")?,
            (Kind::Response, _, None) => write!(out, "response")?,
            (Kind::Sdp, ..) => write!(out, "session description")?,
        }
        match (verdict.kind, verdict.verdict, verdict.status.and_then(StatusCode::new)) {
            (Kind::Response, Word::Reject, _) => write!(out, ": rejected, it is dropped")?,
            (_, Word::Reject, None) => write!(out, ": rejected")?,
            (_, Word::Accept, None) => write!(out, ": accepted")?,
            (_, word, Some(status)) => {
                let word = if word == Word::Accept { "accepted" } else { "rejected" };
                let (code, reason) = (status.code(), status.reason());
                write!(out, ": {word}, a UAS answers {code} {reason}")?;
            }
        }
        // What cannot be read cannot be written either.
        let is_lost =
            !verdict.roundtrip && verdict.status.is_none() && verdict.verdict == Word::Accept;
        writeln!(out, "{}", if is_lost { "; it does not survive writing" } else { "" })?;
        for problem in &verdict.problems {
            write!(out, "  byte {}", problem.offset)?;
            if let Some(header) = &problem.header {
                write!(out, ", {header}")?;
            }
            writeln!(out, ": {}", problem.text)?;
        }
        Ok(())
    }
}
