//! Authentication-Info: the server's proof and the next nonce (RFC 7615, RFC 7616 §3.5).

use core::time::Duration;

use rand_core::Rng;

use super::digest::{Algorithm, Qop};
use super::server::{Authenticator, Secret};
use super::session::rspauth;
use crate::header::{AuthParams, AuthenticationInfo, ProxyAuthenticationInfo};
use crate::{Request, Response};

impl Authenticator {
    /// Adds Authentication-Info, or that of a proxy, to the response to a request that was
    /// [verified](Self::verify): a nonce for the next request, so that it need not be challenged, and
    /// the proof that we know the secret too. The body of `response` must be final. Does nothing
    /// when the request carries no credentials that can be answered.
    pub fn inform(
        &self,
        now: Duration,
        request: &Request,
        response: &mut Response,
        secret: &dyn Fn(&str) -> Option<Secret>,
        random: &mut dyn Rng,
    ) {
        let Ok(Some(sent)) = self.credentials(request) else { return };
        let algorithm = match sent.algorithm() {
            None => Some(Algorithm::Md5),
            Some(name) => Algorithm::parse(&name),
        };
        let qop = sent.qop().and_then(|name| Qop::parse(&name));
        let (Some(algorithm), Some(qop), Some(username)) = (algorithm, qop, sent.username()) else {
            return;
        };
        let (stored, known) = self.stored(algorithm, &username, secret);
        let proof = rspauth(algorithm, stored.as_str(), &sent, qop, &response.body);
        let (Some(proof), true) = (proof, known) else { return };
        let mut info = AuthParams::default();
        // Names are fixed text; the values were read as what they are written as.
        let _ = info.set_quoted("nextnonce", self.next_nonce(now, random).as_str());
        let _ = info.set_token("qop", qop.as_str());
        let _ = info.set_quoted("rspauth", &proof);
        let _ = info.set_quoted("cnonce", &sent.cnonce().unwrap_or_default());
        let _ = info.set_token("nc", &sent.params().get("nc").unwrap_or_default());
        if self.is_proxy() {
            response.headers.set(ProxyAuthenticationInfo(info));
        } else {
            response.headers.set(AuthenticationInfo(info));
        }
    }
}
