//! Messages written by hand, and what comes back for them.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pbx::front::{Front, Settings};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::{Limits, Message, Request, Response};
use testkit::{Datagram, Faults};

use crate::office::{Scene, exchange_address};

pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP4 192.0.2.66\r\nt=0 0\r\n\
                       m=audio 4000 RTP/AVP 8\r\n";

pub fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 5060))
}

/// A scene with a front that trusts nobody.
pub fn guarded(phones: u8, settings: Settings) -> Scene {
    let mut scene =
        Scene::unregistered(phones, Faults::NONE, 7, pbx::exchange::Settings::default());
    let settings = Settings { trusted: Vec::new(), ..settings };
    let front = Front::new(settings, Limits::default(), [3; 32]);
    scene.office_acts(|office, _| office.front = Some(front));
    scene.register_all();
    scene
}

pub fn front(scene: &Scene) -> &Front {
    scene.office().front.as_ref().unwrap()
}

/// A request outside a dialog; `more` are header lines with their ends.
pub fn request(
    method: &str,
    to: &str,
    source: SocketAddr,
    n: u32,
    more: &str,
    body: &str,
) -> String {
    let server = exchange_address();
    format!(
        "{method} sip:{to}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{n}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:101@{server}>;tag={n}\r\nTo: <sip:{to}@{server}>\r\n\
         Call-ID: call-{n}\r\nCSeq: 1 {method}\r\nContact: <sip:101@{source}>\r\n{more}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn send(scene: &mut Scene, source: SocketAddr, bytes: impl Into<Bytes>) {
    let now = scene.world.now();
    let datagram = Datagram { source, destination: exchange_address(), bytes: bytes.into() };
    scene.world.network().send(now, datagram);
}

/// What has come for `address` since the network's record was last forgotten.
pub fn received(scene: &mut Scene, address: SocketAddr) -> Vec<Bytes> {
    let passages = scene.world.network().passages().iter();
    let theirs = passages.filter(|passage| passage.datagram.destination == address);
    theirs.map(|passage| passage.datagram.bytes.clone()).collect()
}

/// Sends and gives the responses that come within the next 10 ms.
pub fn ask(scene: &mut Scene, source: SocketAddr, bytes: impl Into<Bytes>) -> Vec<Response> {
    scene.world.network().forget();
    send(scene, source, bytes);
    scene.run_for(Duration::from_millis(10));
    let parse = |bytes: Bytes| match Message::parse(bytes, &Limits::default()) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    };
    received(scene, source).into_iter().filter_map(parse).collect()
}

/// The last status that comes for a message; 0 for none.
pub fn status(scene: &mut Scene, source: SocketAddr, bytes: impl Into<Bytes>) -> u16 {
    ask(scene, source, bytes).last().map_or(0, |response| response.status.code())
}

/// The request again, with credentials for a challenge, as another transaction.
pub fn authorized(text: &str, challenge: &Response, user: &str, password: &str) -> String {
    let text = text.replace("branch=z9hG4bK", "branch=z9hG4bKagain");
    let mut request = Request::parse(text.into(), &Limits::default()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    Credentials::new(user, password).authorize(&mut request, challenge, &mut random).unwrap();
    String::from_utf8(request.to_bytes().to_vec()).unwrap()
}
