//! What a transaction and a dialog keep in memory.

use core::net::SocketAddr;
use core::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{Config, Endpoint, Event, Input, ServerId};
use sip_core::header::{ContentType, ToRef};
use sip_core::{Flow, Limits, Request, Response, StatusCode};

const NOW: Duration = Duration::from_secs(1);

/// Tables grow by doubling, so that what one entry costs depends on how many there are: just after
/// hash tables have grown (897, 1793), or lists (1025), and somewhere between.
const CROWDS: [usize; 7] = [897, 1000, 1025, 1100, 1500, 1793, 10_000];

fn endpoint() -> Endpoint {
    Endpoint::new(Config::default(), Box::new(ChaCha8Rng::seed_from_u64(1)))
}

fn request(endpoint: &mut Endpoint, message: String) -> (ServerId, Request) {
    receive(endpoint, message);
    match endpoint.poll_event() {
        Some(Event::Request { id, request, .. }) => (id, request),
        other => panic!("{other:?} and no request"),
    }
}

fn receive(endpoint: &mut Endpoint, message: String) {
    let [local, remote] = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 5060)));
    let flow = Flow::udp(local, remote);
    endpoint.handle_input(NOW, Input::Received { flow, message: message.into() });
}

fn answer(endpoint: &mut Endpoint, id: ServerId, response: Response) -> Bytes {
    endpoint.respond(NOW, id, response).unwrap();
    endpoint.poll_transmit().unwrap().bytes
}

fn head(method: &str, number: u32, call: usize, to_tag: &str) -> String {
    format!(
        "{method} sip:service@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-{method}-{call:08};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice Example\" <sip:101@pbx.example.com>;tag=4f8c21ab\r\n\
         To: <sip:service@pbx.example.com>{to_tag}\r\n\
         Call-ID: 9d3b6f0e5a7c{call:08}@192.0.2.2\r\n\
         CSeq: {number} {method}\r\n\
         Contact: <sip:101@192.0.2.2:5060;ob>\r\n\
         User-Agent: Example Phone 2.4 (build 1023107)\r\n"
    )
}

#[test]
fn a_transaction_with_its_response_takes_a_kibibyte() {
    for (crowd, answered) in CROWDS.into_iter().flat_map(|crowd| [(crowd, true), (crowd, false)]) {
        let mut endpoint = endpoint();
        let kept = measure(|| {
            for call in 0..crowd {
                let ping = head("OPTIONS", 1, call, "") + "\r\n";
                let (id, request) = request(&mut endpoint, ping);
                if answered {
                    answer(&mut endpoint, id, Response::to(&request, StatusCode::OK));
                }
            }
        });
        assert_eq!(endpoint.transactions(), crowd);
        let each = kept.bytes_current / crowd as i64;
        println!("{crowd} transactions, answered: {answered}: {each} bytes each");
        assert!(each <= 1024, "{crowd} transactions, answered: {answered}: {each} bytes each");
    }
}

#[test]
fn an_established_dialog_takes_three_kibibytes() {
    const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                       m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    for crowd in CROWDS {
        let mut endpoint = endpoint();
        let kept = measure(|| {
            for call in 0..crowd {
                let invite = head("INVITE", 1, call, "")
                    + &format!(
                        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                        SDP.len()
                    );
                let (id, request) = request(&mut endpoint, invite);
                answer(&mut endpoint, id, Response::to(&request, StatusCode::RINGING));
                let mut accepted = Response::to(&request, StatusCode::OK);
                accepted.headers.push(ContentType::sdp());
                accepted.body = Bytes::from_static(SDP.as_bytes());
                let accepted = answer(&mut endpoint, id, accepted);
                let accepted = Response::parse(accepted, &Limits::default()).unwrap();
                let tag =
                    accepted.headers.require::<ToRef<'_>>().unwrap().tag().unwrap().to_owned();
                receive(&mut endpoint, head("ACK", 1, call, &format!(";tag={tag}")) + "\r\n");
                assert!(matches!(endpoint.poll_event(), Some(Event::Ack { .. })));
            }
            // The transactions end; the dialogs stay.
            endpoint.handle_timeout(NOW + Duration::from_secs(64));
        });
        assert_eq!((endpoint.transactions(), endpoint.dialogs()), (0, crowd));
        let each = kept.bytes_current / crowd as i64;
        println!("{crowd} dialogs: {each} bytes each");
        assert!(each <= 3072, "{crowd} dialogs: {each} bytes each");
    }
}
