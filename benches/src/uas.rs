//! An endpoint as the server of a ping and of a call: bytes in, bytes out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{Config, Endpoint, Event, Input, ServerId};
use sip_core::header::{ContentType, ToRef};
use sip_core::{Flow, Limits, Request, Response, StatusCode};

use crate::invite;

/// An endpoint that answers, its clock, and what it answers an offer with.
pub struct Server {
    endpoint: Box<Endpoint>,
    now: Duration,
    answer: Bytes,
}

/// What the server of a call is sent.
pub struct Script {
    invite: Bytes,
    ack: Bytes,
    bye: Bytes,
}

/// What it sends.
pub type Answers = [Bytes; 3];

const OPTIONS: &str = concat!(
    "OPTIONS sip:192.0.2.12:5060 SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.11:5060;rport;branch=z9hG4bK-7a1c3e5f9b2d\r\n",
    "Max-Forwards: 70\r\n",
    "From: <sip:101@192.0.2.11>;tag=4f8c21ab\r\n",
    "To: <sip:192.0.2.12:5060>\r\n",
    "Call-ID: 9d3b6f0e5a7c41f2@192.0.2.11\r\n",
    "CSeq: 1 OPTIONS\r\n",
    "Contact: <sip:101@192.0.2.11:5060>\r\n",
    "User-Agent: Example Phone 2.4 (build 1023107)\r\n",
    "Accept: application/sdp\r\n",
    "Content-Length: 0\r\n",
    "\r\n",
);

/// The text of an OPTIONS request, as a datagram of its own.
pub fn ping() -> Bytes {
    Bytes::copy_from_slice(OPTIONS.as_bytes())
}

/// Takes a ping and answers it 200.
pub fn options((mut server, ping): (Server, Bytes)) -> (Server, Bytes) {
    let (id, request) = server.request(ping);
    let answer = server.answer(id, Response::to(&request, StatusCode::OK));
    (server, answer)
}

/// A call: INVITE, 180, 200, ACK, BYE, 200.
pub fn call((mut server, script): (Server, Script)) -> (Server, Answers) {
    let (id, request, ringing) = server.ring(script.invite);
    let accepted = server.accept(id, &request);
    let over = server.hang_up(script.ack, script.bye);
    (server, [ringing, accepted, over])
}

/// A server that has answered a ping and a call before, and the messages of its next call.
pub fn with_script() -> (Server, Script) {
    // Its twin has the same seed and so chooses the same tag.
    let (_, _, ringing) = Server::warm().ring(invite::bytes());
    (Server::warm(), Script::new(invite::TEXT, &ringing))
}

impl Server {
    /// One that has answered a ping and a call before.
    pub fn warm() -> Server {
        let random = Box::new(ChaCha8Rng::seed_from_u64(1));
        let endpoint = Box::new(Endpoint::new(Config::default(), random));
        let answer = invite::offer_bytes();
        let server = Server { endpoint, now: Duration::from_secs(1), answer };
        let ping = OPTIONS.replace("7a1c", "0000").replace("9d3b", "0000");
        let (mut server, _) = options((server, ping.into()));
        let invite = invite::TEXT.replace("7a1c", "0001").replace("9d3b", "0001");
        let (id, request, ringing) = server.ring(invite.clone().into());
        server.accept(id, &request);
        let Script { ack, bye, .. } = Script::new(&invite, &ringing);
        server.hang_up(ack, bye);
        server
    }

    fn ring(&mut self, invite: Bytes) -> (ServerId, Request, Bytes) {
        let (id, request) = self.request(invite);
        let ringing = self.answer(id, Response::to(&request, StatusCode::RINGING));
        (id, request, ringing)
    }

    fn accept(&mut self, id: ServerId, request: &Request) -> Bytes {
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.push(ContentType::sdp());
        response.body = self.answer.clone();
        self.answer(id, response)
    }

    fn hang_up(&mut self, ack: Bytes, bye: Bytes) -> Bytes {
        self.receive(ack);
        assert!(matches!(self.endpoint.poll_event(), Some(Event::Ack { .. })));
        let (id, request) = self.request(bye);
        self.answer(id, Response::to(&request, StatusCode::OK))
    }

    fn receive(&mut self, message: Bytes) {
        let [local, remote] = [12, 11].map(|host| SocketAddr::from(([192, 0, 2, host], 5060)));
        let flow = Flow::udp(local, remote);
        self.endpoint.handle_input(self.now, Input::Received { flow, message });
    }

    fn request(&mut self, message: Bytes) -> (ServerId, Request) {
        self.receive(message);
        match self.endpoint.poll_event() {
            Some(Event::Request { id, request, .. }) => (id, request),
            other => panic!("{other:?} and no request"),
        }
    }

    fn answer(&mut self, id: ServerId, response: Response) -> Bytes {
        self.endpoint.respond(self.now, id, response).expect("a request that waits");
        self.endpoint.poll_transmit().expect("the answer").bytes
    }
}

impl Script {
    /// ACK and BYE to a call, given its INVITE and the answer that names our tag.
    fn new(invite: &str, ringing: &Bytes) -> Script {
        let ringing = Response::parse(ringing.clone(), &Limits::default()).expect("a response");
        let to = ringing.headers.require::<ToRef<'_>>().expect("a To");
        let tag = to.tag().expect("a tag");
        let within = |method: &str, number: u32, branch: &str| {
            let (head, _) = invite.split_once("Allow:").expect("an Allow");
            let text = head
                .replacen(
                    "INVITE sip:102@pbx.example.com",
                    &format!("{method} sip:102@192.0.2.12:5060"),
                    1,
                )
                .replace("1 INVITE", &format!("{number} {method}"))
                .replace(
                    "To: <sip:102@pbx.example.com>",
                    &format!("To: <sip:102@pbx.example.com>;tag={tag}"),
                )
                .replace("z9hG4bK-", &format!("z9hG4bK-{branch}"));
            Bytes::from(format!("{text}Content-Length: 0\r\n\r\n"))
        };
        Script {
            invite: Bytes::copy_from_slice(invite.as_bytes()),
            ack: within("ACK", 1, "a"),
            bye: within("BYE", 2, "b"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_answered() {
        let (_, answer) = options((Server::warm(), ping()));
        let answer = Response::parse(answer, &Limits::default()).unwrap();
        assert_eq!((answer.status, answer.check()), (StatusCode::OK, Ok(())));
    }

    #[test]
    fn a_call_is_rung_accepted_and_over() {
        let (mut server, answers) = call(with_script());
        let codes = answers.map(|answer| {
            let answer = Response::parse(answer, &Limits::default()).unwrap();
            assert_eq!(answer.check(), Ok(()));
            answer.status.code()
        });
        assert_eq!(codes, [180, 200, 200]);
        assert_eq!(server.endpoint.dialogs(), 0);
        assert!(server.endpoint.poll_event().is_none());
        server.endpoint.handle_timeout(Duration::from_secs(100));
        assert!(server.endpoint.is_idle());
    }
}
