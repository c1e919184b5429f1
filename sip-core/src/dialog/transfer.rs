//! Call transfer (RFC 5589): what goes into Refer-To, and the INVITE that comes of it.
//!
//! ```text
//!   transferor            transferee             target
//!       |<---- call ---------->|                    |
//!       |<---- consultation call ------------------>|
//!       |-- REFER, Refer-To: <target?Replaces> ---->|  (to the transferee)
//!       |                      |-- INVITE, Replaces ->
//!       |                      |<- 200 -------------|-- BYE, the consultation --> transferor
//! ```

use super::Dialog;
use crate::header::{NameAddr, ReferTo, ReferredBy, Replaces, TypedHeader};
use crate::{HeaderError, Method, Request, Uri};

/// Refer-To for an attended transfer: the remote target of `consultation`, with a Replaces that names
/// that dialog as its peer sees it (RFC 5589 §7.1). `None` when the target is no SIP URI.
///
/// ```
/// # use sip_core::dialog::{Dialog, transfer};
/// # fn example(consultation: &Dialog) -> Option<sip_core::Request> {
/// use sip_core::{Method, endpoint::within};
///
/// let mut refer = within(Method::Refer);
/// refer.headers.push(transfer::refer_to(consultation)?);
/// # Some(refer) }
/// ```
pub fn refer_to(consultation: &Dialog) -> Option<ReferTo> {
    let target = consultation.target().as_sip()?;
    // To and From are the receiver's: what is remote here is local there.
    let value = format!(
        "{};to-tag={};from-tag={}",
        consultation.call_id().as_str(),
        consultation.remote_tag(),
        consultation.local_tag(),
    );
    let uri = target.clone().with_header("Replaces", &value).ok()?;
    Some(ReferTo(NameAddr::new(uri)))
}

/// The INVITE that a REFER asks for: its Request-URI is that of Refer-To without headers, Replaces
/// comes from these (no other header does: they are a stranger's), Referred-By from the REFER. From
/// and the offer are for the caller to add.
///
/// # Errors
///
/// Refer-To is missing or malformed, or its Replaces is. `None` when another method than
/// INVITE is asked for.
pub fn referred(refer: &Request) -> Result<Option<Request>, HeaderError> {
    let ReferTo(address) = refer.headers.require()?;
    let Some(sip) = address.uri.as_sip() else {
        return Ok(Some(Request::new(Method::Invite, address.uri)));
    };
    let mut uri = sip.clone();
    let method = uri.params().get("method").map(|method| method.into_owned());
    if method.is_some_and(|method| method != "INVITE") {
        return Ok(None);
    }
    uri.params_mut().remove("method");
    uri.clear_headers();
    let mut request = Request::new(Method::Invite, Uri::from(uri));
    let replaces = sip.headers().find(|(name, _)| name.eq_ignore_ascii_case("Replaces"));
    if let Some((_, value)) = replaces {
        request.headers.push(Replaces::parse(value.as_bytes())?);
    }
    if let Ok(Some(by)) = refer.headers.typed::<ReferredBy>() {
        request.headers.push(by);
    }
    Ok(Some(request))
}
