//! Following redirections (RFC 3261 §8.1.3.4, §16.5): which contacts of a 3xx may be tried, and in
//! which order.
//!
//! ```
//! use sip_core::header::{Contact, NameAddr};
//! use sip_core::redirection::Redirection;
//! use sip_core::{Response, StatusCode};
//!
//! let asked = "sip:bob@example.com".parse()?;
//! let mut redirection = Redirection::new(&asked, 5);
//! let mut response = Response::new(StatusCode::MOVED_TEMPORARILY);
//! response.headers.push_raw(
//!     sip_core::HeaderName::Contact,
//!     "<sip:bob@192.0.2.1>;q=0.2, <sip:bob@example.com>, <sip:bob@192.0.2.2>",
//! )?;
//! let targets: Vec<String> =
//!     redirection.take(&response).iter().map(|target| target.uri.to_string()).collect();
//! assert_eq!(targets, ["sip:bob@192.0.2.2", "sip:bob@192.0.2.1"], "and never back to where it was");
//! assert!(redirection.take(&response).is_empty(), "nor twice to one place");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::header::{Contact, NameAddr};
use crate::{Response, StatusCode, Uri};

/// The redirections of one request.
#[derive(Clone, Debug)]
pub struct Redirection {
    /// Where it has been sent, or is going to be.
    tried: Vec<Uri>,
    /// How many more targets may be tried.
    left: usize,
    /// Whether it must not leave what is secured by TLS.
    secure: bool,
}

impl Redirection {
    /// For a request to `uri`, which is followed to at most `limit` other targets.
    pub fn new(uri: &Uri, limit: usize) -> Self {
        let secure = uri.as_sip().is_some_and(|uri| uri.is_secure());
        Self { tried: vec![uri.clone()], left: limit, secure }
    }

    /// Takes note of a target that did not come from a redirection.
    pub fn add(&mut self, uri: &Uri) {
        if !self.has(uri) {
            self.tried.push(uri.clone());
        }
    }

    /// The contacts of a 300, 301 or 302 that may be tried, by descending `q`: SIP and SIPS URIs
    /// that were not tried before; of a request to a SIPS URI only SIPS. Headers and method in
    /// them are left out: they are what somebody else wants to have said in our name. Any other
    /// response has none.
    pub fn take(&mut self, response: &Response) -> Vec<NameAddr> {
        let follows = matches!(
            response.status,
            StatusCode::MULTIPLE_CHOICES
                | StatusCode::MOVED_PERMANENTLY
                | StatusCode::MOVED_TEMPORARILY
        );
        let mut targets = Vec::new();
        for contact in response.headers.all::<Contact>().filter(|_| follows) {
            let Ok(Contact::Address(mut address)) = contact else { continue };
            let Uri::Sip(uri) = &mut address.uri else { continue };
            uri.clear_headers();
            uri.params_mut().remove("method");
            if (self.secure && !uri.is_secure()) || self.left == 0 || self.has(&address.uri) {
                continue;
            }
            self.left -= 1;
            self.tried.push(address.uri.clone());
            targets.push(address);
        }
        // Without one, or with one that makes no sense, a contact is as good as any (§20.10).
        targets.sort_by_key(|target| core::cmp::Reverse(target.q().ok().flatten().unwrap_or(1000)));
        targets
    }

    fn has(&self, uri: &Uri) -> bool {
        self.tried.iter().any(|tried| tried.equivalent(uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderName;

    fn moved(status: StatusCode, contacts: &str) -> Response {
        let mut response = Response::new(status);
        response.headers.push_raw(HeaderName::Contact, contacts).unwrap();
        response
    }

    fn taken(redirection: &mut Redirection, status: StatusCode, contacts: &str) -> Vec<String> {
        let targets = redirection.take(&moved(status, contacts));
        targets.iter().map(|target| target.uri.to_string()).collect()
    }

    #[test]
    fn what_is_followed_and_what_is_not() {
        let found = StatusCode::MOVED_TEMPORARILY;
        let mut plain = Redirection::new(&"sip:a@h".parse().unwrap(), 9);
        assert_eq!(
            taken(&mut plain, found, "<mailto:a@h>, *, <tel:+1>, <SIP:a@H>").len(),
            0,
            "the same place in other letters"
        );
        assert_eq!(
            taken(&mut plain, found, "<sip:b@h;method=BYE?Route=x>, <sip:b@h>, <sips:c@h>"),
            ["sip:b@h", "sips:c@h"]
        );
        plain.add(&"sip:d@h".parse().unwrap());
        assert!(taken(&mut plain, found, "<sip:d@h>").is_empty());
        for status in [StatusCode::USE_PROXY, StatusCode::OK, StatusCode::NOT_FOUND] {
            assert!(taken(&mut plain, status, "<sip:e@h>").is_empty(), "{status:?}");
        }
        let mut secure = Redirection::new(&"sips:a@h".parse().unwrap(), 9);
        assert_eq!(taken(&mut secure, found, "<sip:b@h>, <sips:b@h>"), ["sips:b@h"]);
    }

    #[test]
    fn a_chain_has_an_end() {
        let mut redirection = Redirection::new(&"sip:0@h".parse().unwrap(), 3);
        let mut followed = 0;
        for hop in 1.. {
            let contact = format!("<sip:{hop}@h>");
            if taken(&mut redirection, StatusCode::MOVED_PERMANENTLY, &contact).is_empty() {
                break;
            }
            followed += 1;
        }
        assert_eq!(followed, 3);
    }
}
