//! Publishing event state (RFC 3903): entity tags, refreshes, lost state and limits.

use bytes::Bytes;
use core::time::Duration;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::header::{CSeq, CallId, NameAddr, SipIfMatch};
use sip_core::header::{ContentType, Event, From, MediaType, MinExpires, To};
use sip_core::publication::{Config, Next, Publication, Publications};
use sip_core::{HeaderName, Method, Request, StatusCode, Token, Uri};

struct Bench {
    now: Duration,
    ours: Publication,
    table: Publications,
    random: ChaCha8Rng,
}

fn config() -> Config {
    let mut config = Config::default();
    config.packages = vec![Token::from_static("presence")];
    config
}

fn state(text: &'static str) -> Option<(ContentType, Bytes)> {
    let kind = MediaType::parse("application/pidf+xml").unwrap();
    Some((ContentType(kind), Bytes::from_static(text.as_bytes())))
}

fn publish() -> Request {
    let uri: Uri = "sip:alice@example.com;transport=udp".parse().unwrap();
    let mut request = Request::new(Method::Publish, uri.clone());
    request.headers.push(From(NameAddr::new(uri.clone())));
    request.headers.push(To(NameAddr::new(uri)));
    request.headers.push(CallId::new("call").unwrap());
    request.headers.push(CSeq::new(1, Method::Publish));
    request
}

impl Bench {
    fn new() -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        Self {
            now: Duration::ZERO,
            ours: Publication::new(Token::from_static("presence"), 600),
            table: Publications::new(config(), &mut random),
            random,
        }
    }

    /// Sends a request; whether the state changed, what it was answered, and what comes next.
    fn send(&mut self, request: &Request) -> (bool, StatusCode, Next) {
        let judged = self.table.receive(self.now, request, &mut self.random);
        let next = self.ours.answered(request, &judged.response);
        (judged.changed, judged.response.status, next)
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.table
            .of("sip:alice@example.com", "presence")
            .map(|published| published.body.clone())
            .collect()
    }
}

#[test]
fn a_publication_is_made_refreshed_changed_and_removed() {
    let mut bench = Bench::new();
    let stays = Next::RefreshAfter(Duration::from_secs(568));
    let mut request = publish();
    bench.ours.publish(&mut request, state("open"));
    assert!(!request.headers.contains(HeaderName::SipIfMatch));
    assert_eq!(bench.send(&request), (true, StatusCode::OK, stays));
    assert_eq!(bench.bodies(), ["open"]);

    let mut request = publish();
    bench.ours.refresh(&mut request);
    assert!(request.body.is_empty());
    let first: SipIfMatch = request.headers.require().unwrap();
    assert_eq!(bench.send(&request), (false, StatusCode::OK, stays));
    assert_eq!(bench.bodies(), ["open"]);

    let mut request = publish();
    bench.ours.publish(&mut request, state("closed"));
    let second: SipIfMatch = request.headers.require().unwrap();
    assert_ne!(first, second, "each 200 brings a new tag");
    assert_eq!(bench.send(&request), (true, StatusCode::OK, stays));
    assert_eq!(bench.bodies(), ["closed"]);

    let mut request = publish();
    bench.ours.remove(&mut request);
    assert_eq!(bench.send(&request), (true, StatusCode::OK, Next::Removed));
    assert!(bench.table.is_empty() && !bench.ours.stands());
}

#[test]
fn a_tag_that_is_not_known_gets_412_and_all_begins_anew() {
    let mut bench = Bench::new();
    let mut request = publish();
    bench.ours.publish(&mut request, state("open"));
    bench.send(&request);
    // The compositor has lost everything.
    bench.table = Publications::new(config(), &mut bench.random);
    let mut request = publish();
    bench.ours.refresh(&mut request);
    let lost = (false, StatusCode::CONDITIONAL_REQUEST_FAILED, Next::Again);
    assert_eq!(bench.send(&request), lost);
    let mut request = publish();
    bench.ours.publish(&mut request, None);
    assert_eq!(&request.body[..], b"open", "the last state is published again");
    assert!(bench.send(&request).0);
    assert_eq!(bench.bodies(), ["open"]);
}

#[test]
fn a_tag_of_another_resource_is_not_known() {
    let mut bench = Bench::new();
    let mut request = publish();
    bench.ours.publish(&mut request, state("open"));
    bench.send(&request);
    let mut request = publish();
    bench.ours.publish(&mut request, state("hacked"));
    request.uri = "sip:bob@example.com".parse().unwrap();
    let (changed, status, _) = bench.send(&request);
    assert_eq!((changed, status), (false, StatusCode::CONDITIONAL_REQUEST_FAILED));
    assert_eq!(bench.bodies(), ["open"]);
}

#[test]
fn too_brief_a_life_gets_423_and_the_least_that_is_taken() {
    let mut bench = Bench::new();
    bench.ours = Publication::new(Token::from_static("presence"), 10);
    let mut request = publish();
    bench.ours.publish(&mut request, state("open"));
    let judged = bench.table.receive(bench.now, &request, &mut bench.random);
    assert_eq!(judged.response.headers.require::<MinExpires>().unwrap().0, 60);
    assert_eq!(bench.ours.answered(&request, &judged.response), Next::Again);
    let mut request = publish();
    bench.ours.publish(&mut request, None);
    assert_eq!(bench.send(&request).2, Next::RefreshAfter(Duration::from_secs(45)));
}

#[test]
fn what_nobody_refreshes_expires() {
    let mut bench = Bench::new();
    let mut request = publish();
    bench.ours.publish(&mut request, state("open"));
    bench.send(&request);
    assert_eq!(bench.table.poll_timeout(), Some(Duration::from_secs(600)));
    assert_eq!(bench.table.expire(Duration::from_secs(599)), []);
    let gone = bench.table.expire(Duration::from_secs(600));
    assert_eq!(gone, [("sip:alice@example.com".to_owned(), Token::from_static("presence"))]);
    assert_eq!(bench.table.len(), 0);
}

#[test]
fn refusals() {
    let mut bench = Bench::new();
    let cases: [(&str, StatusCode); 4] = [
        ("other package", StatusCode::BAD_EVENT),
        ("no event", StatusCode::BAD_EVENT),
        ("no body", StatusCode::BAD_REQUEST),
        ("too large", StatusCode::REQUEST_ENTITY_TOO_LARGE),
    ];
    for (what, expected) in cases {
        let mut request = publish();
        bench.ours.publish(&mut request, state("open"));
        match what {
            "other package" => request.headers.set(Event::new(Token::from_static("dialog"))),
            "no event" => drop(request.headers.remove(HeaderName::Event)),
            "no body" => request.body = Bytes::new(),
            _ => request.body = vec![b'x'; 10_000].into(),
        }
        assert_eq!(bench.send(&request), (false, expected, Next::Refused), "{what}");
    }
    assert!(bench.table.is_empty());
}

#[test]
fn a_hostile_publisher_cannot_grow_the_table() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut small = config();
    small.capacity = 3;
    let mut table = Publications::new(small, &mut random);
    let mut refused = 0;
    for _ in 0..10 {
        let mut request = publish();
        Publication::new(Token::from_static("presence"), 600).publish(&mut request, state("x"));
        let judged = table.receive(Duration::ZERO, &request, &mut random);
        refused += u32::from(judged.response.status == StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(judged.response.headers.contains(HeaderName::SipEtag), judged.changed);
    }
    assert_eq!((table.len(), refused), (3, 7));
}
