//! The messages that the transaction layer makes.

use rand_core::Rng;

use crate::flow::Flow;
use crate::header::{CSeq, MAGIC_COOKIE, MaxForwards, To, Via};
use crate::keyed::push_hex;
use crate::{HeaderName, HostPort, Method, Request, Transport};

/// Puts our Via on top, asking for the port (RFC 3581), and gives its branch back.
pub(super) fn push_via(
    request: &mut Request,
    flow: &Flow,
    sent_by: HostPort,
    random: &mut dyn Rng,
    alias: bool,
) -> u128 {
    let branch = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    let mut text = String::with_capacity(MAGIC_COOKIE.len() + 32);
    text.push_str(MAGIC_COOKIE);
    push_hex(&mut text, (branch >> 64) as u64);
    push_hex(&mut text, branch as u64);
    // The branch is a token by construction, so that nothing can be refused.
    if let Ok(mut via) = Via::new(flow.transport, sent_by, &text) {
        via.set_rport(None);
        // Over anything but TLS nobody could tell whose connection it is (RFC 5923 §8.1).
        if alias && flow.transport == Transport::Tls {
            let _ = via.params.set("alias", None);
        }
        request.headers.push_front(via);
    }
    branch
}

/// The number in a branch of ours.
pub(super) fn own_branch(branch: &str) -> Option<u128> {
    let digits = branch.strip_prefix(MAGIC_COOKIE)?;
    if digits.len() != 32 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

/// The ACK or CANCEL that belongs to an INVITE (§17.1.1.3, §9.1); an ACK has the To of the
/// response and, as §22.1 asks, the INVITE's credentials.
pub(super) fn derived(invite: &Request, method: Method, to: Option<To>) -> Option<Request> {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    let (from, headers) = (&invite.headers, &mut request.headers);
    headers.push(from.require::<Via>().ok()?);
    headers.push(MaxForwards(70));
    headers.copy(HeaderName::Route, from);
    headers.copy(HeaderName::From, from);
    match to {
        Some(to) => headers.push(to),
        None => headers.copy(HeaderName::To, from),
    }
    headers.copy(HeaderName::CallId, from);
    let number = from.require::<CSeq>().ok()?.number;
    headers.push(CSeq { number, method: method.clone() });
    if method == Method::Ack {
        headers.copy(HeaderName::Authorization, from);
        headers.copy(HeaderName::ProxyAuthorization, from);
    }
    Some(request)
}
