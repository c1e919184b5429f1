//! What a client remembers of a server that has challenged it, so that the next request need not be
//! challenged (RFC 7616 §3.3, §3.5; RFC 7615).
//!
//! ```text
//!   401 nonce=A ---> authorize(): nc=1 -----> 200, Authentication-Info: nextnonce=B, rspauth=...
//!                    authorize(): nonce B, nc=1 ---> 200
//!                    authorize(): nonce B, nc=2 ---> 401 stale=true, nonce=C ---> once more
//! ```

use core::net::SocketAddr;

use rand_core::Rng;
use subtle::ConstantTimeEq;

use super::client::{Credentials, Error};
use super::digest::{Algorithm, Covered, Qop, stored_digest};
use crate::flow::Flow;
use crate::header::{
    self, AuthParams, AuthenticationInfo, Authorization, Challenge, ProxyAuthenticationInfo,
    ProxyAuthorization,
};
use crate::{HeaderName, Request, Response, StatusCode};

/// Credentials and the state of their use with one realm. Use one for each server and realm.
#[derive(Clone, Debug)]
pub struct Session {
    credentials: Credentials,
    challenge: Option<Challenge>,
    proxy: bool,
    /// How often the nonce was used.
    count: u32,
    /// Whether the last answer went to a stale challenge, so that another one is not believed.
    stale: bool,
    /// Who may challenge us.
    next_hop: Option<SocketAddr>,
}

/// What a response proves of its sender.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Proof {
    /// It knows the secret: `rspauth` is right.
    Known,
    /// It says nothing.
    None,
}

impl Session {
    /// Nothing is known of the server yet.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, challenge: None, proxy: false, count: 0, stale: false, next_hop: None }
    }

    /// Binds it to the server at this address: nobody else's challenges are answered.
    #[must_use]
    pub fn with(mut self, next_hop: SocketAddr) -> Self {
        self.next_hop = Some(next_hop);
        self
    }

    /// The same as [`challenged`](Self::challenged) for a response that came over `flow`. Only the server
    /// that the session is bound to is answered; one that is bound to none is bound to the first that
    /// it answers.
    ///
    /// # Errors
    ///
    /// [`Error::OtherNextHop`], or as `challenged`.
    pub fn challenged_over(
        &mut self,
        request: &mut Request,
        response: &Response,
        flow: &Flow,
        random: &mut dyn Rng,
    ) -> Result<(), Error> {
        if self.next_hop.is_some_and(|bound| bound != flow.remote) {
            return Err(Error::OtherNextHop);
        }
        self.challenged(request, response, random)?;
        self.next_hop = Some(flow.remote);
        Ok(())
    }

    /// Puts credentials into a request that was not challenged yet, when an earlier challenge or a
    /// `nextnonce` allows it; `false` when there is nothing to put in. Its Request-URI must be
    /// final.
    ///
    /// # Errors
    ///
    /// A user name that cannot be written.
    pub fn authorize(
        &mut self,
        request: &mut Request,
        random: &mut dyn Rng,
    ) -> Result<bool, Error> {
        let Some(challenge) = &self.challenge else { return Ok(false) };
        self.count += 1;
        let answer = self.credentials.answer(challenge, request, self.count, random)?;
        put(request, answer, self.proxy, challenge);
        Ok(true)
    }

    /// Answers a 401 or 407, as [`Credentials::authorize`] does, and remembers its nonce. The same
    /// nonce is never answered twice, nor a second `stale=true` in a row.
    ///
    /// # Errors
    ///
    /// The challenge cannot or may not be answered; the request is unchanged.
    pub fn challenged(
        &mut self,
        request: &mut Request,
        response: &Response,
        random: &mut dyn Rng,
    ) -> Result<(), Error> {
        let proxy = response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let challenge = self.credentials.choose_for(response)?;
        let known = self.challenge.as_ref().and_then(Challenge::nonce);
        if known.is_some() && known == challenge.nonce() {
            return Err(Error::Refused);
        }
        if challenge.stale() && self.stale {
            return Err(Error::Refused);
        }
        self.credentials.authorize(request, response, random)?;
        self.stale = challenge.stale();
        self.challenge = Some(challenge);
        self.proxy = proxy;
        self.count = 1;
        Ok(())
    }

    /// Takes a final response to a request that carried our credentials: its `nextnonce` is used
    /// from now on, and its `rspauth` is verified.
    ///
    /// # Errors
    ///
    /// [`Error::Forged`]: `rspauth` is wrong, the sender does not know the secret.
    pub fn answered(&mut self, request: &Request, response: &Response) -> Result<Proof, Error> {
        let Some(challenge) = &mut self.challenge else { return Ok(Proof::None) };
        let Some(info) = info_of(response, self.proxy)? else {
            self.stale &= !response.status.is_success();
            return Ok(Proof::None);
        };
        let mut proof = Proof::None;
        if let Some(given) = info.get("rspauth") {
            let expected = expected(&self.credentials, challenge, request, response, &info)
                .ok_or(Error::Forged)?;
            let same = expected.as_bytes().ct_eq(given.to_ascii_lowercase().as_bytes());
            if !bool::from(same) {
                return Err(Error::Forged);
            }
            proof = Proof::Known;
        }
        self.stale = false;
        if let Some(next) = info.get("nextnonce")
            && challenge.params_mut().set_quoted("nonce", &next).is_ok()
        {
            self.count = 0;
        }
        Ok(proof)
    }
}

/// The `rspauth` that a server that knows the secret sends (RFC 7616 §3.5).
pub(super) fn rspauth(
    algorithm: Algorithm,
    stored: &str,
    sent: &header::Credentials,
    qop: Qop,
    body: &[u8],
) -> Option<String> {
    let (nonce, uri) = (sent.nonce()?, sent.uri()?);
    let (count, cnonce) = (sent.params().get("nc")?, sent.cnonce()?);
    let protection = Some((qop, &*count, &*cnonce));
    let covered = Covered { algorithm, nonce: &nonce, protection, method: "", uri: &uri, body };
    Some(covered.response(stored).as_str().to_owned())
}

fn expected(
    credentials: &Credentials,
    challenge: &Challenge,
    request: &Request,
    response: &Response,
    info: &AuthParams,
) -> Option<String> {
    let realm = challenge.realm()?;
    let proxy = request.headers.all::<ProxyAuthorization>().flatten().map(|c| c.0);
    let user = request.headers.all::<Authorization>().flatten().map(|c| c.0);
    let sent =
        user.chain(proxy).find(|sent| sent.realm() == Some(realm.clone()) && sent.nc().is_ok())?;
    // What is repeated must be what was sent.
    for (name, own) in [("cnonce", sent.cnonce()), ("nc", sent.params().get("nc"))] {
        if info.get(name).is_some_and(|given| Some(given) != own) {
            return None;
        }
    }
    let algorithm = match sent.algorithm() {
        None => Algorithm::Md5,
        Some(name) => Algorithm::parse(&name)?,
    };
    let qop = match info.get("qop") {
        Some(name) => Qop::parse(&name)?,
        None => Qop::parse(&sent.qop()?)?,
    };
    let stored = stored_digest(algorithm, &credentials.username, &realm, &credentials.password);
    rspauth(algorithm, &stored, &sent, qop, &response.body)
}

fn info_of(response: &Response, proxy: bool) -> Result<Option<AuthParams>, Error> {
    let headers = &response.headers;
    Ok(match proxy {
        false => headers.typed::<AuthenticationInfo>()?.map(|info| info.0),
        true => headers.typed::<ProxyAuthenticationInfo>()?.map(|info| info.0),
    })
}

/// Puts credentials into a request, in the place of those for the same realm.
fn put(request: &mut Request, answer: header::Credentials, proxy: bool, challenge: &Challenge) {
    let realm = challenge.realm();
    let other = |known: &header::Credentials| known.realm() != realm;
    if proxy {
        let kept: Vec<_> = request.headers.all::<ProxyAuthorization>().flatten().collect();
        request.headers.remove(HeaderName::ProxyAuthorization);
        for known in kept.into_iter().filter(|known| other(&known.0)) {
            request.headers.push(known);
        }
        request.headers.push(ProxyAuthorization(answer));
    } else {
        let kept: Vec<_> = request.headers.all::<Authorization>().flatten().collect();
        request.headers.remove(HeaderName::Authorization);
        for known in kept.into_iter().filter(|known| other(&known.0)) {
            request.headers.push(known);
        }
        request.headers.push(Authorization(answer));
    }
}
