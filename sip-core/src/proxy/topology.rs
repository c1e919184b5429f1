//! Hiding how a network looks inside from those outside.
//!
//! Vias are taken off a request and kept beside its transaction until the response needs them
//! ([`take_vias`], [`restore_vias`]); Record-Routes outlive transactions, so that they are sealed
//! into our own ([`Mask`]).

use core::fmt;

use crate::header::{NameAddr, RecordRoute, Route, Via};
use crate::sealed::Sealer;
use crate::{HeaderError, HeaderName, Request, Response, SipUri};

/// Takes the Vias off a request that leaves, to be given to [`restore_vias`]; our own is put on
/// afterwards.
///
/// # Errors
///
/// A Via is malformed; the request is unchanged.
pub fn take_vias(request: &mut Request) -> Result<Vec<Via>, HeaderError> {
    let vias = request.headers.all::<Via>().collect::<Result<Vec<Via>, HeaderError>>()?;
    request.headers.remove(HeaderName::Via);
    Ok(vias)
}

/// Puts the Vias of the request into a response to it, in place of whatever is there.
pub fn restore_vias(response: &mut Response, vias: &[Via]) {
    response.headers.remove(HeaderName::Via);
    for via in vias.iter().rev() {
        response.headers.push_front(via.clone());
    }
}

/// Takes off what names products and places inside: User-Agent, Server, Organization and Warning.
pub fn strip_products(headers: &mut crate::Headers) {
    for name in
        [HeaderName::UserAgent, HeaderName::Server, HeaderName::Organization, HeaderName::Warning]
    {
        headers.remove(name);
    }
}

/// Seals the Record-Routes of the inside into the user part of our own.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask(Sealer);

impl Mask {
    /// `secret` should be random, and stay as long as dialogs do.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Sealer::new(secret))
    }

    /// Replaces the Record-Routes of a request that leaves by one: `ours`, with them inside. A
    /// message without any gets `ours` alone.
    ///
    /// # Errors
    ///
    /// A Record-Route is malformed; the request is unchanged.
    pub fn hide(&self, request: &mut Request, ours: &SipUri) -> Result<(), HeaderError> {
        let mut inside = Vec::new();
        for hop in request.headers.all::<RecordRoute>() {
            if !inside.is_empty() {
                inside.push(b',');
            }
            hop?.write(&mut inside);
        }
        let mut uri = ours.clone();
        if !inside.is_empty()
            && let Some(user) = self.0.seal(&inside)
        {
            uri.set_user(&user);
        }
        let _ = uri.params_mut().set("lr", None);
        request.headers.remove(HeaderName::RecordRoute);
        request.headers.push(RecordRoute(NameAddr::new(uri)));
        Ok(())
    }

    /// Replaces a Route that [`hide`](Self::hide) has made, as
    /// [`preprocess`](super::preprocess) has taken it off, by those that are inside: from outside,
    /// for the way in. `false` when nothing is inside.
    pub fn reveal(&self, request: &mut Request, passed: &NameAddr) -> bool {
        let Some(hops) = self.open(passed) else { return false };
        for hop in hops.into_iter().rev() {
            request.headers.push_front(Route(hop));
        }
        true
    }

    /// Puts the Record-Routes that are inside back into a response for the inside, in place of
    /// ours. `false` when there is none.
    pub fn reveal_response(&self, response: &mut Response) -> bool {
        let routes: Vec<NameAddr> =
            response.headers.all::<RecordRoute>().flatten().map(|hop| hop.0).collect();
        let mut changed = false;
        let mut out = Vec::with_capacity(routes.len());
        for hop in routes {
            match self.open(&hop) {
                Some(inside) => {
                    changed = true;
                    // Ours stays, above what it hides: requests from inside pass it too.
                    out.push(hop);
                    out.extend(inside);
                }
                None => out.push(hop),
            }
        }
        if changed {
            response.headers.remove(HeaderName::RecordRoute);
            for hop in out {
                response.headers.push(RecordRoute(hop));
            }
        }
        changed
    }

    fn open(&self, hop: &NameAddr) -> Option<Vec<NameAddr>> {
        let user = hop.uri.as_sip()?.user()?.into_owned();
        let inside = self.0.open(&user)?;
        let mut headers = crate::Headers::new();
        headers.push_raw(HeaderName::RecordRoute, &inside).ok()?;
        headers.all::<RecordRoute>().map(|hop| hop.map(|hop| hop.0).ok()).collect()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
}
