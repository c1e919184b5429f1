//! Identities between neighbours that trust each other and others (RFC 3325, RFC 3323), and which
//! headers pass a border.

use crate::header::{NameAddr, PAssertedIdentity, Privacy, RemotePartyId};
use crate::{HeaderName, Headers, Request};

/// What an identity is worth at a border.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trust {
    /// A neighbour of the trust domain (RFC 3325 §2.3): what it asserts is believed, and it
    /// withholds what callers want withheld.
    Trusted,
    /// Anybody else.
    Untrusted,
}

/// Takes in a message from a neighbour (RFC 3325 §5): what a stranger asserts about identities is
/// taken off.
pub fn admit(headers: &mut Headers, from: Trust) {
    if from == Trust::Untrusted {
        headers.remove(HeaderName::PAssertedIdentity);
        headers.remove(HeaderName::RemotePartyId);
    }
}

/// Asserts who the authenticated sender is (RFC 3325 §5): one SIP or SIPS identity, and a tel one
/// where there is one. Of several of its own, the sender may prefer one; that wish has been heard by
/// now and is taken off.
pub fn assert(headers: &mut Headers, identities: impl IntoIterator<Item = NameAddr>) {
    headers.remove(HeaderName::PPreferredIdentity);
    headers.remove(HeaderName::PAssertedIdentity);
    for identity in identities.into_iter().take(2) {
        headers.push(PAssertedIdentity(identity));
    }
}

/// Hands a message over to a neighbour (RFC 3325 §7): a caller who asked for privacy (`id`) is not
/// named to strangers, a message without such a wish keeps its identity, and preferences are for
/// our own ears. `user` privacy (RFC 3323 §4.1) would also rewrite From, which takes a B2BUA; see
/// [`wants_privacy`].
pub fn release(headers: &mut Headers, to: Trust) {
    headers.remove(HeaderName::PPreferredIdentity);
    if to == Trust::Trusted || !wants_privacy(headers, "id") {
        return;
    }
    headers.remove(HeaderName::PAssertedIdentity);
    headers.remove(HeaderName::RemotePartyId);
    // The service has been done; what is left, such as `critical`, is for others.
    if let Ok(Some(privacy)) = headers.typed::<Privacy>() {
        let rest: Vec<_> =
            privacy.0.into_iter().filter(|v| !v.as_str().eq_ignore_ascii_case("id")).collect();
        match rest.iter().all(|value| value.as_str().eq_ignore_ascii_case("critical")) {
            true => {
                headers.remove(HeaderName::Privacy);
            }
            false => headers.set(Privacy(rest)),
        }
    }
}

/// Whether the sender asked for a kind of privacy: `id`, `user`, `header`, `session`, `history`.
/// `none` asks for none of them, whatever else is written. What cannot be read counts as asked for.
pub fn wants_privacy(headers: &Headers, kind: &str) -> bool {
    match headers.typed::<Privacy>() {
        Ok(Some(privacy)) => !privacy.contains("none") && privacy.contains(kind),
        Ok(None) => {
            // The older header says it for itself.
            kind == "id"
                && headers.all::<RemotePartyId>().flatten().any(|id| {
                    let privacy = id.params.text("privacy");
                    privacy.is_some_and(|privacy| !privacy.eq_ignore_ascii_case("off"))
                })
        }
        Err(_) => true,
    }
}

/// Which headers pass from one leg to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter {
    /// All but these.
    Except(Vec<HeaderName>),
    /// Only these, and those without which a request is none.
    Only(Vec<HeaderName>),
}

impl Filter {
    /// Takes off what does not pass.
    pub fn apply(&self, request: &mut Request) {
        const NEEDED: [HeaderName; 12] = [
            HeaderName::Via,
            HeaderName::Route,
            HeaderName::RecordRoute,
            HeaderName::MaxForwards,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
            HeaderName::Contact,
            HeaderName::ContentType,
            HeaderName::ContentLength,
            HeaderName::Require,
        ];
        let names: Vec<HeaderName> = request.headers.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            let passes = match self {
                Self::Except(listed) => NEEDED.contains(&name) || !listed.contains(&name),
                Self::Only(listed) => NEEDED.contains(&name) || listed.contains(&name),
            };
            if !passes {
                request.headers.remove(name);
            }
        }
    }
}
