//! A request, read as little as it takes to say what it is.

use sip_core::endpoint::Stateless;
use sip_core::header::{FromRef, ToRef};
use sip_core::message::{Outline, StartLine};
use sip_core::{Flow, HeaderName, Limits, MessageView, StatusCode};

/// A request by its outline, which is nearly always enough, or else read in full.
#[derive(Debug)]
pub(super) enum Head<'a> {
    Outline(Outline<'a>),
    Full(MessageView<'a>),
}

impl<'a> Head<'a> {
    /// `None` when it is no request, or one that cannot be read.
    pub(super) fn of(message: &'a [u8], limits: &Limits) -> Option<Self> {
        if message.len() <= limits.bytes
            && let Some(outline) = Outline::of(message)
        {
            return Some(Self::Outline(outline));
        }
        let view = MessageView::parse(message, limits).ok()?;
        view.is_request().then_some(Self::Full(view))
    }

    pub(super) fn method(&self) -> &'a str {
        match self {
            Self::Outline(outline) => outline.method(),
            Self::Full(view) => match view.start_line() {
                StartLine::Request { method, .. } => method,
                StartLine::Response { .. } => "",
            },
        }
    }

    /// The Request-URI.
    pub(super) fn uri(&self) -> &'a [u8] {
        match self {
            Self::Outline(outline) => outline.uri(),
            Self::Full(view) => match view.start_line() {
                StartLine::Request { uri, .. } => uri,
                StartLine::Response { .. } => b"",
            },
        }
    }

    /// What its repetitions share with it and no other request of its sender has.
    pub(super) fn name(&self) -> [&[u8]; 3] {
        match self {
            Self::Outline(outline) => {
                let via = outline.vias().first().copied().unwrap_or_default();
                [via, outline.call_id(), outline.cseq()]
            }
            Self::Full(view) => [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq]
                .map(|name| view.raw(name).next().unwrap_or_default()),
        }
    }

    /// Whether it says that it belongs to a dialog.
    pub(super) fn is_in_dialog(&self) -> bool {
        match self {
            Self::Outline(outline) => !outline.to_tag().is_empty(),
            Self::Full(view) => {
                view.typed::<ToRef<'_>>().is_ok_and(|to| to.is_some_and(|to| to.tag().is_some()))
            }
        }
    }

    /// User-Agent; empty when there is none.
    pub(super) fn user_agent(&self) -> &[u8] {
        match self {
            Self::Outline(outline) => outline.user_agent(),
            Self::Full(view) => view.raw(HeaderName::UserAgent).next().unwrap_or_default(),
        }
    }

    /// From; empty when there is none that can be read.
    pub(super) fn from(&self) -> &[u8] {
        match self {
            Self::Outline(outline) => outline.from(),
            Self::Full(view) => match view.typed::<FromRef<'_>>() {
                Ok(Some(_)) => view.raw(HeaderName::From).next().unwrap_or_default(),
                _ => b"",
            },
        }
    }

    /// Appends the 503 for it; gives the flow that it is to be sent by.
    pub(super) fn refuse(
        &self,
        stateless: &Stateless,
        flow: &Flow,
        retry_after: u32,
        out: &mut Vec<u8>,
    ) -> Option<Flow> {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let in_full = |view: &MessageView<'_>, out: &mut Vec<u8>| {
            let answer = stateless.answer(view, flow, status, Some(retry_after))?;
            out.extend_from_slice(&answer.bytes);
            Some(answer.flow)
        };
        match self {
            Self::Outline(outline) => {
                stateless.write(outline, flow, status, Some(retry_after), out)
            }
            Self::Full(view) => in_full(view, out),
        }
    }
}
