//! The side that answers challenges (RFC 3261 §22.1 to §22.3, RFC 7616, RFC 8760).

use core::fmt;

use rand_core::Rng;
use thiserror::Error;

use super::digest::{Algorithm, Covered, Qop, stored_digest};
use crate::header::{
    Authorization, CSeq, CallId, Challenge, From, ProxyAuthenticate, ProxyAuthorization,
    WwwAuthenticate,
};
use crate::keyed::push_hex;
use crate::{HeaderError, Request, Response, StatusCode, header};

/// A user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The realm they are for; `None` for any. A server that may be impersonated deserves a
    /// realm, else a stranger's challenge is answered too.
    pub realm: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Why a challenge is not answered.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The response is no 401 or 407.
    #[error("the response is no challenge")]
    NoChallenge,
    /// No challenge is a digest with an algorithm and quality of protection that are known here.
    #[error("no challenge can be answered")]
    Unsupported,
    /// The challenges are for other realms.
    #[error("the challenge is for another realm")]
    OtherRealm,
    /// The challenge came from another than our next hop.
    #[error("the challenge came from somebody else")]
    OtherNextHop,
    /// The response claims to prove that its sender knows the secret, and does not (RFC 7616 §3.5).
    #[error("the server does not know the secret")]
    Forged,
    /// The request carried these credentials already and they were not accepted: user name or
    /// password are wrong.
    #[error("the credentials were refused")]
    Refused,
    /// The response lacks a header, or one is malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

impl Credentials {
    /// Credentials for whatever realm asks.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into(), realm: None }
    }

    /// Binds them to one realm.
    #[must_use]
    pub fn for_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Puts into `request` the answer to the challenge of `response`, with the From tag and
    /// Call-ID of the first attempt and the next CSeq (§8.1.3.5), ready to be sent again. Its
    /// Request-URI must be the one it will be sent with: within a dialog, that is the remote target.
    ///
    /// The topmost challenge that is understood is answered. A challenge is answered once: when
    /// the request carries credentials for its realm already, only `stale=true` gets another
    /// answer.
    ///
    /// # Errors
    ///
    /// The challenge cannot or may not be answered; the request is unchanged.
    pub fn authorize(
        &self,
        request: &mut Request,
        response: &Response,
        random: &mut dyn Rng,
    ) -> Result<(), Error> {
        let challenge = self.choose_for(response)?;
        let proxy = response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let realm = challenge.realm().unwrap_or_default().into_owned();
        let mut carried = carried(request, proxy);
        if let Some(used) = carried.iter().find(|c| c.realm().as_deref() == Some(&*realm))
            && (!challenge.stale() || used.nonce() == challenge.nonce())
        {
            return Err(Error::Refused);
        }
        let cseq = response.headers.require::<CSeq>()?;
        let call_id = response.headers.require::<CallId>()?;
        let from = response.headers.require::<From>()?;
        // A nonce that a challenge brings is fresh.
        let answer = self.answer(&challenge, request, 1, random)?;

        carried.retain(|c| c.realm().as_deref() != Some(&*realm));
        carried.push(answer);
        if proxy {
            request.headers.remove(crate::HeaderName::ProxyAuthorization);
            for credentials in carried {
                request.headers.push(ProxyAuthorization(credentials));
            }
        } else {
            request.headers.remove(crate::HeaderName::Authorization);
            for credentials in carried {
                request.headers.push(Authorization(credentials));
            }
        }
        request.headers.set(from);
        request.headers.set(call_id);
        // The response may claim any number; ours stay below 2^31 (§8.1.1.5).
        let number = cseq.number.wrapping_add(1) & 0x7fff_ffff;
        request.headers.set(CSeq { number, method: request.method.clone() });
        Ok(())
    }

    /// The challenge of a 401 or 407 that is to be answered.
    pub(super) fn choose_for(&self, response: &Response) -> Result<Challenge, Error> {
        match response.status {
            StatusCode::UNAUTHORIZED => self.choose(response, false),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => self.choose(response, true),
            _ => Err(Error::NoChallenge),
        }
    }

    /// The topmost challenge that we understand and that is for us (RFC 8760 §2.4).
    fn choose(&self, response: &Response, proxy: bool) -> Result<Challenge, Error> {
        let headers = &response.headers;
        let challenges: Vec<Challenge> = if proxy {
            headers.all::<ProxyAuthenticate>().flatten().map(|challenge| challenge.0).collect()
        } else {
            headers.all::<WwwAuthenticate>().flatten().map(|challenge| challenge.0).collect()
        };
        if challenges.is_empty() {
            return Err(Error::NoChallenge);
        }
        let for_us = |challenge: &Challenge| match &self.realm {
            Some(realm) => challenge.realm().as_deref() == Some(realm),
            None => challenge.realm().is_some(),
        };
        if !challenges.iter().any(for_us) {
            return Err(Error::OtherRealm);
        }
        challenges
            .into_iter()
            .find(|challenge| for_us(challenge) && understood(challenge).is_some())
            .ok_or(Error::Unsupported)
    }

    /// The credentials for the `count`th use of the challenge's nonce.
    pub(super) fn answer(
        &self,
        challenge: &Challenge,
        request: &Request,
        count: u32,
        random: &mut dyn Rng,
    ) -> Result<header::Credentials, Error> {
        let (algorithm, qop) = understood(challenge).ok_or(Error::Unsupported)?;
        let realm = challenge.realm().unwrap_or_default();
        let nonce = challenge.nonce().unwrap_or_default();
        let uri = request.uri.to_string();
        let mut cnonce = String::with_capacity(16);
        push_hex(&mut cnonce, random.next_u64());
        let count = &*format!("{count:08x}");
        let covered = Covered {
            algorithm,
            nonce: &nonce,
            protection: qop.map(|qop| (qop, count, &*cnonce)),
            method: request.method.as_str(),
            uri: &uri,
            body: &request.body,
        };
        let stored = stored_digest(algorithm, &self.username, &realm, &self.password);
        let mut credentials = header::Credentials::digest();
        let params = credentials.params_mut();
        let unwritable = |_| Error::Unsupported;
        params.set_quoted("username", &self.username).map_err(unwritable)?;
        params.set_quoted("realm", &realm).map_err(unwritable)?;
        params.set_quoted("nonce", &nonce).map_err(unwritable)?;
        params.set_quoted("uri", &uri).map_err(unwritable)?;
        params.set_quoted("response", covered.response(&stored).as_str()).map_err(unwritable)?;
        if challenge.algorithm().is_some() {
            params.set_token("algorithm", algorithm.as_str()).map_err(unwritable)?;
        }
        if let Some(opaque) = challenge.opaque() {
            params.set_quoted("opaque", &opaque).map_err(unwritable)?;
        }
        if let Some(qop) = qop {
            params.set_token("qop", qop.as_str()).map_err(unwritable)?;
            params.set_token("nc", count).map_err(unwritable)?;
            params.set_quoted("cnonce", &cnonce).map_err(unwritable)?;
        }
        Ok(credentials)
    }
}

/// Algorithm and quality of protection to answer with; `None` when the challenge is beyond us.
/// No `qop` at all is the challenge of RFC 2069.
fn understood(challenge: &Challenge) -> Option<(Algorithm, Option<Qop>)> {
    if !challenge.is_digest() || challenge.nonce().is_none() {
        return None;
    }
    let algorithm = match challenge.algorithm() {
        None => Algorithm::Md5,
        Some(name) => Algorithm::parse(&name)?,
    };
    let offered = challenge.qop();
    if offered.is_empty() {
        return Some((algorithm, None));
    }
    let known: Vec<Qop> = offered.iter().filter_map(|name| Qop::parse(name)).collect();
    let qop = if known.contains(&Qop::Auth) { Some(&Qop::Auth) } else { known.first() };
    qop.map(|qop| (algorithm, Some(*qop)))
}

fn carried(request: &Request, proxy: bool) -> Vec<header::Credentials> {
    if proxy {
        request.headers.all::<ProxyAuthorization>().flatten().map(|c| c.0).collect()
    } else {
        request.headers.all::<Authorization>().flatten().map(|c| c.0).collect()
    }
}
