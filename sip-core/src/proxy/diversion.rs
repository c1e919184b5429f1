//! Where a call has been before (RFC 5806, RFC 7044).

use crate::header::{Diversion, HistoryInfo, NameAddr};
use crate::{HeaderError, Headers, StatusCode, Uri};

/// Notes that `from` has diverted the call, for `reason` (RFC 5806 §4): `unconditional`,
/// `user-busy`, `no-answer`, `unavailable`, `deflection` and the like. The latest stands on top.
///
/// # Errors
///
/// The reason is text that no header can hold.
pub fn divert(headers: &mut Headers, from: Uri, reason: &str) -> Result<(), HeaderError> {
    let mut diverting = NameAddr::new(from);
    diverting
        .params
        .set("reason", Some(reason))
        .and_then(|()| diverting.params.set("counter", Some("1")))
        .map_err(|error| error.of(crate::HeaderName::Diversion))?;
    headers.push_front(Diversion(diverting));
    Ok(())
}

/// How often the call was diverted, entries that stand for several counted as such: to be held
/// against a limit, so that two phones that forward to each other come to an end (RFC 5806 §9).
pub fn diversions(headers: &Headers) -> u32 {
    let count = |entry: &Diversion| entry.params.get("counter").and_then(|text| text.parse().ok());
    headers
        .all::<Diversion>()
        .map(|entry| entry.ok().as_ref().and_then(count).unwrap_or(1))
        .fold(0, u32::saturating_add)
}

/// How a new target came about (RFC 7044 §5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Retarget {
    /// Another user (`mp`): the call was forwarded.
    MappedUser,
    /// A contact of the same user (`rc`): the registrar's answer.
    RegisteredContact,
    /// The same target, on to the next hop (`np`).
    NotChanged,
}

/// Notes in History-Info that the request goes from `old` to `new` (RFC 7044 §9 and §10): the first
/// entry is made where it is absent, `cause` says in its Reason why `old` did not take it, and the
/// new entry's index continues that of the last one.
///
/// # Errors
///
/// An entry that is there is malformed.
pub fn retarget(
    headers: &mut Headers,
    old: &Uri,
    new: &Uri,
    cause: Option<StatusCode>,
    kind: Retarget,
) -> Result<(), HeaderError> {
    let mut entries =
        headers.all::<HistoryInfo>().collect::<Result<Vec<HistoryInfo>, HeaderError>>()?;
    if entries.is_empty() {
        let mut first = NameAddr::new(old.clone());
        // Digits and dots are a token.
        let _ = first.params.set("index", Some("1"));
        entries.push(HistoryInfo(first));
    }
    let mut before = String::from("1");
    if let Some(last) = entries.last_mut() {
        before = last.index().unwrap_or("1").to_owned();
        if let (Some(status), Uri::Sip(uri)) = (cause, &last.uri) {
            let reason = format!("SIP;cause={};text=\"{}\"", status.code(), status.reason());
            if let Ok(uri) = uri.clone().with_header("Reason", &reason) {
                last.uri = Uri::Sip(uri);
            }
        }
    }
    let mut entry = NameAddr::new(new.clone());
    let name = match kind {
        Retarget::MappedUser => "mp",
        Retarget::RegisteredContact => "rc",
        Retarget::NotChanged => "np",
    };
    let _ = entry.params.set("index", Some(&format!("{before}.1")));
    let _ = entry.params.set(name, Some(&before));
    entries.push(HistoryInfo(entry));
    headers.remove(crate::HeaderName::HistoryInfo);
    for entry in entries {
        headers.push(entry);
    }
    Ok(())
}
