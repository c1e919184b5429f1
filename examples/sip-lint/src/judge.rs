//! The judgement on a message.

use core::net::Ipv4Addr;

use bytes::Bytes;
use sip_core::error::{ParseError, ParseErrorKind};
use sip_core::header::ViaRef;
use sip_core::message::StartLine;
use sip_core::uri::HostRef;
use sip_core::{HeaderName, Limits, Message, MessageView, Rejection, StatusCode};

use crate::report::{Problem, Verdict};
use crate::{inspect, uas};

pub(crate) fn message(bytes: &Bytes) -> Verdict {
    let view = match MessageView::parse(bytes, &Limits::default()) {
        Ok(view) => view,
        Err(error) => return unreadable(bytes, &error),
    };
    let outcome = match view.start_line() {
        StartLine::Request { .. } => uas::answer(bytes, &view),
        StartLine::Response { .. } => {
            view.check(&Default::default()).and_then(|()| misdirected(&view))
        }
    };
    let mut problems = inspect::problems(&view);
    if let Err(refusal) = &outcome {
        // The reason comes first, and once.
        problems.retain(|problem| {
            problem.offset != refusal.offset
                || problem.header.as_deref() != refusal.header.as_ref().map(|name| name.as_str())
        });
        let reason = Problem::new(refusal.header.as_ref(), refusal.offset, refusal.text.clone());
        problems.insert(0, reason);
    }
    let verdict = match view.start_line() {
        StartLine::Request { method, .. } => {
            Verdict::request(Some(method.to_owned()), outcome.err().map(|refusal| refusal.status))
        }
        StartLine::Response { status, .. } => {
            Verdict::response(Some(status.code().into()), outcome.is_err())
        }
    };
    verdict.with(problems, survives_writing(bytes))
}

/// A response that would go on to everybody belongs to nobody (RFC 4475 §3.3.10).
fn misdirected(view: &MessageView<'_>) -> Result<(), Rejection> {
    let mut vias = view.all::<ViaRef<'_>>().flatten();
    if !vias.any(|via| via.host() == HostRef::V4(Ipv4Addr::BROADCAST)) {
        return Ok(());
    }
    Err(Rejection {
        status: StatusCode::BAD_REQUEST,
        header: Some(HeaderName::Via),
        offset: view.offset(HeaderName::Via).unwrap_or_default(),
        text: "the broadcast address".into(),
    })
}

/// Lines that make no message.
fn unreadable(bytes: &[u8], error: &ParseError) -> Verdict {
    let header = error.header();
    let problem = Problem::new(header.as_ref(), error.offset, error.kind.to_string());
    let start = bytes.trim_ascii_start();
    let line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let verdict = if start.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/")) {
        Verdict::response(code(line), true)
    } else if error.kind == ParseErrorKind::Empty && !bytes.is_empty() {
        // A keep-alive (RFC 5626 §3.5.1) is no message, and nothing is wrong with it.
        Verdict::request(None, None)
    } else {
        Verdict::request(method(line), Some(error.status()))
    };
    verdict.with(vec![problem], false)
}

/// The method of what is not quite a request line.
fn method(line: &[u8]) -> Option<String> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    let name = core::str::from_utf8(line.get(..end)?).ok()?;
    sip_core::Method::parse(name).map(|method| method.as_str().to_owned())
}

/// The code of what is not quite a status line.
fn code(line: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(line).ok()?;
    text.split([' ', '\t']).filter(|word| !word.is_empty()).nth(1)?.parse().ok()
}

/// Whether the message is the same after it was written and read, and written the same from then on.
fn survives_writing(bytes: &Bytes) -> bool {
    let limits = Limits::default();
    let Ok(message) = Message::parse(bytes.clone(), &limits) else { return false };
    let written = message.to_bytes();
    // A Content-Length may have been added.
    let limits = Limits { bytes: usize::MAX, headers: limits.headers + 1, ..limits };
    let Ok(again) = Message::parse(written.clone(), &limits) else { return false };
    let without_length = |message: &Message| {
        let mut message = message.clone();
        message.headers_mut().remove(HeaderName::ContentLength);
        message
    };
    again.to_bytes() == written && without_length(&again) == without_length(&message)
}
