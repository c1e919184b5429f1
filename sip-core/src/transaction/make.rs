//! The messages that the transaction layer makes.

use rand_core::Rng;

use crate::flow::Flow;
use crate::header::{CSeq, MAGIC_COOKIE, MaxForwards, To, Via};
use crate::keyed::hex;
use crate::text::Out;
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
    // As a Via writes itself, without making one.
    request.headers.push_front_with(HeaderName::Via, |out| {
        out.extend_from_slice(b"SIP/2.0/");
        out.extend_from_slice(flow.transport.as_str().as_bytes());
        out.push(b' ');
        // Writing to a Vec cannot fail.
        let _ = sent_by.put(&mut Out(out));
        out.extend_from_slice(b";branch=");
        out.extend_from_slice(MAGIC_COOKIE.as_bytes());
        out.extend_from_slice(&hex((branch >> 64) as u64));
        out.extend_from_slice(&hex(branch as u64));
        out.extend_from_slice(b";rport");
        // Over anything but TLS nobody could tell whose connection it is (RFC 5923 §8.1).
        if alias && flow.transport == Transport::Tls {
            out.extend_from_slice(b";alias");
        }
    });
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

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::Uri;

    #[test]
    fn our_via_is_what_a_via_writes() {
        for (transport, alias) in
            [(Transport::Udp, true), (Transport::Tcp, false), (Transport::Tls, true)]
        {
            for host in ["192.0.2.1:5066", "pbx.example.com", "[2001:db8::1]:5061"] {
                let sent_by: HostPort = host.parse().unwrap();
                let addresses = ["192.0.2.1:1".parse().unwrap(), "192.0.2.2:2".parse().unwrap()];
                let flow = Flow { transport, ..Flow::udp(addresses[0], addresses[1]) };
                let uri: Uri = "sip:h".parse().unwrap();
                let mut request = Request::new(Method::Options, uri);
                let mut random = ChaCha8Rng::seed_from_u64(1);
                let number = push_via(&mut request, &flow, sent_by.clone(), &mut random, alias);
                let branch = format!("{MAGIC_COOKIE}{number:032x}");
                assert_eq!(own_branch(&branch), Some(number));
                let mut expected = Via::new(transport, sent_by, &branch).unwrap();
                expected.set_rport(None);
                if alias && transport == Transport::Tls {
                    expected.params.set("alias", None).unwrap();
                }
                assert_eq!(request.headers.require::<Via>(), Ok(expected));
            }
        }
    }
}
