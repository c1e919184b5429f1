//! A telephone that registers with digest: REGISTER, 401, REGISTER with credentials, 200.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dialplan::plan::Plan;
use pbx::Exchange;
use pbx::directory::{Directory, Extension};
use pbx::exchange::{Input, Settings};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::auth::server::Secret;
use sip_core::{Flow, Limits, Request, Response, StatusCode, endpoint};

const PASSWORD: &str = "a password of the benches";

const REGISTER: &str = concat!(
    "REGISTER sip:192.0.2.12:5060 SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.11:5060;rport;branch=z9hG4bK-7a1c3e5f9b2d\r\n",
    "Max-Forwards: 70\r\n",
    "From: <sip:101@192.0.2.12:5060>;tag=4f8c21ab\r\n",
    "To: <sip:101@192.0.2.12:5060>\r\n",
    "Call-ID: 9d3b6f0e5a7c41f2@192.0.2.11\r\n",
    "CSeq: 1 REGISTER\r\n",
    "Contact: <sip:101@192.0.2.11:5060>\r\n",
    "Expires: 600\r\n",
    "User-Agent: Example Phone 2.4 (build 1023107)\r\n",
    "Content-Length: 0\r\n",
    "\r\n",
);

/// An exchange that 101 may register at.
pub struct Office {
    exchange: Box<Exchange>,
    now: Duration,
}

/// The two requests of one registration.
pub struct Script {
    first: Bytes,
    second: Bytes,
}

/// Both requests, and what answers them.
pub fn register((mut office, script): (Office, Script)) -> (Office, [Bytes; 2]) {
    let challenge = office.answer(script.first);
    let accepted = office.answer(script.second);
    (office, [challenge, accepted])
}

/// An office at which 101 is registered, and the messages with which it does so again.
pub fn refresh() -> (Office, Script) {
    // Its twin has the same seed and so gives the same nonce.
    let first = request(2);
    let challenge = Office::with_registration().answer(first.clone());
    let second = answer_to(&first, &challenge);
    (Office::with_registration(), Script { first, second })
}

impl Office {
    fn new() -> Self {
        let plan = Plan::builder().build().expect("an empty plan");
        let mut directory = Directory::new(plan);
        directory.add_extension(Extension {
            number: "101".to_owned(),
            name: "Anna".to_owned(),
            secret: Secret::Password(PASSWORD.to_owned()),
        });
        let epoch = "2026-11-23T09:00:00Z".parse().expect("a timestamp");
        let exchange = Exchange::new(Settings::default(), directory, epoch, 1, [1; 32]);
        Self { exchange: Box::new(exchange), now: Duration::from_secs(1) }
    }

    fn with_registration() -> Self {
        let mut office = Self::new();
        let first = request(1);
        let challenge = office.answer(first.clone());
        let second = answer_to(&first, &challenge);
        office.answer(second);
        office.now += Duration::from_secs(30);
        office
    }

    fn answer(&mut self, message: Bytes) -> Bytes {
        let [local, remote] = [12, 11].map(|host| SocketAddr::from(([192, 0, 2, host], 5060)));
        let flow = Flow::udp(local, remote);
        let input = endpoint::Input::Received { flow, message };
        self.exchange.handle_input(self.now, Input::Sip(input));
        while self.exchange.poll_store().is_some() {}
        while self.exchange.poll_event().is_some() {}
        self.exchange.poll_transmit().expect("an answer").bytes
    }
}

/// The REGISTER of a registration without credentials.
fn request(registration: u32) -> Bytes {
    let (call_id, branch) = (format!("{registration}d3b"), format!("{registration}a1c"));
    REGISTER.replace("9d3b", &call_id).replace("7a1c", &branch).into()
}

/// The same again, with the credentials that a challenge asks for.
fn answer_to(request: &Bytes, challenge: &Bytes) -> Bytes {
    let limits = Limits::default();
    let challenge = Response::parse(challenge.clone(), &limits).expect("a response");
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    let text = std::str::from_utf8(request).expect("ASCII");
    let again = text.replace("1 REGISTER", "2 REGISTER").replace("z9hG4bK-", "z9hG4bK-2");
    let mut again = Request::parse(again.into(), &limits).expect("a request");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let credentials = Credentials::new("101", PASSWORD);
    credentials.authorize(&mut again, &challenge, &mut random).expect("a challenge for us");
    again.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registration_is_challenged_and_accepted() {
        let (_, [challenge, accepted]) = register(refresh());
        let status = |bytes| Response::parse(bytes, &Limits::default()).expect("a response").status;
        assert_eq!(status(challenge), StatusCode::UNAUTHORIZED);
        assert_eq!(status(accepted.clone()), StatusCode::OK);
        assert!(accepted.windows(11).any(|text| text == b"expires=600"), "{accepted:?}");
    }
}
