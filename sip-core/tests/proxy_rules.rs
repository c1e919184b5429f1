//! What proxies check, rewrite and hide: RFC 3261 §16, RFC 5806, RFC 7044.

mod common;

use common::proxying::{checked, ours, request, request_of};
use sip_core::header::{
    Diversion, HistoryInfo, MaxForwards, NameAddr, RecordRoute as RecordRouteHeader, Route, Via,
};
use sip_core::proxy::diversion::{Retarget, diversions, divert, retarget};
use sip_core::proxy::identity::Filter;
use sip_core::proxy::topology::{Mask, restore_vias, take_vias};
use sip_core::proxy::{
    Arrival, Ours, RecordRoute, Stateless, check, forward, mark_source, next_hop, pop_via,
    preprocess, response_flow,
};
use sip_core::{
    Flow, HeaderName, Limits, Request, Response, SipUri, StatusCode, Token, Transmit, Uri,
};

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn sip(text: &str) -> SipUri {
    SipUri::parse(text).unwrap()
}

fn routes(request: &Request) -> Vec<String> {
    request.headers.all::<Route>().map(|route| route.unwrap().uri.to_string()).collect()
}

fn record_routes(headers: &sip_core::Headers) -> Vec<String> {
    headers.all::<RecordRouteHeader>().map(|route| route.unwrap().uri.to_string()).collect()
}

#[test]
fn what_may_not_go_on_is_refused_with_its_reason() {
    for (bad, status) in [
        (request("sip:b@x", "Max-Forwards: 0\n"), 483),
        (request("sip:b@x", "Max-Forwards: many\n"), 400),
        (request("http://x/", "Max-Forwards: 70\n"), 416),
        (request("sip:b@x", "Proxy-Require: foo, bar\n"), 420),
    ] {
        assert_eq!(checked(&bad).unwrap_err().status().code(), status);
    }
    assert_eq!(checked(&request("sip:b@x", "Max-Forwards: 1\n")), Ok(()));
    let asks = request("sip:b@x", "Proxy-Require: foo, bar\n");
    let supported = [Token::from_static("FOO")];
    let refusal = check(&asks, &ours(), &supported, 0).unwrap_err();
    let response = refusal.response(&asks);
    assert_eq!(response.headers.raw(HeaderName::Unsupported).next(), Some(&b"bar"[..]));
}

#[test]
fn routes_that_are_us_are_taken_off() {
    let mut loose = request(
        "sip:bob@192.0.2.4",
        "Route: <sip:x@proxy.example.com;lr>, <sip:192.0.2.1;transport=tcp;lr>, <sip:next;lr>\n",
    );
    let passed = preprocess(&mut loose, &ours()).unwrap();
    let passed: Vec<String> = passed.iter().map(|hop| hop.uri.to_string()).collect();
    assert_eq!(passed, ["sip:x@proxy.example.com;lr", "sip:192.0.2.1;transport=tcp;lr"]);
    assert_eq!(routes(&loose), ["sip:next;lr"]);
    assert_eq!(next_hop(&loose).unwrap(), uri("sip:next;lr"));

    // §16.12.1.2: what a strict router makes of our Record-Route.
    let lines = "Route: <sip:next;lr>, <sip:bob@192.0.2.4>\n";
    let mut strict = request("sip:proxy.example.com;lr", lines);
    assert_eq!(preprocess(&mut strict, &ours()).unwrap().len(), 1);
    assert_eq!(strict.uri, uri("sip:bob@192.0.2.4"));
    assert_eq!(routes(&strict), ["sip:next;lr"]);

    // A request for us that has no route stays as it is.
    let mut ours_alone = request("sip:proxy.example.com;lr", "");
    assert!(preprocess(&mut ours_alone, &ours()).unwrap().is_empty());
    assert_eq!(next_hop(&ours_alone).unwrap(), uri("sip:proxy.example.com;lr"));

    let mut maddr = request("sip:bob@example.com;maddr=192.0.2.1;transport=tcp", "");
    preprocess(&mut maddr, &ours()).unwrap();
    assert_eq!(maddr.uri, uri("sip:bob@example.com"));
    let mut elsewhere = request("sip:bob@example.com;maddr=192.0.2.7", "");
    preprocess(&mut elsewhere, &ours()).unwrap();
    assert_eq!(elsewhere.uri, uri("sip:bob@example.com;maddr=192.0.2.7"));
}

#[test]
fn forwarding_counts_down_records_and_turns_inside_out_for_strict_routers() {
    let incoming =
        request("sip:bob@example.com", "Max-Forwards: 9\nRecord-Route: <sip:before;lr>\n");
    let target = uri("sip:bob@192.0.2.4;method=BYE?Subject=x");
    let double =
        RecordRoute::Double { inward: sip("sip:in.example"), outward: sip("sip:out.example") };
    let sent = forward(&incoming, Some(&target), &double).unwrap();
    assert_eq!(sent.uri, uri("sip:bob@192.0.2.4"));
    assert_eq!(sent.headers.require::<MaxForwards>().unwrap().0, 8);
    let recorded = record_routes(&sent.headers);
    assert_eq!(recorded, ["sip:out.example;lr", "sip:in.example;lr", "sip:before;lr"]);
    let without = forward(&request("sip:b@x", ""), None, &RecordRoute::No).unwrap();
    assert_eq!(without.headers.require::<MaxForwards>().unwrap().0, 70);

    // §16.12.1.1: the next hop routes strictly.
    let lines = "Route: <sip:strict.example>, <sip:after;lr>\n";
    let sent = forward(&request("sip:bob@192.0.2.4", lines), None, &RecordRoute::No).unwrap();
    assert_eq!(sent.uri, uri("sip:strict.example"));
    assert_eq!(routes(&sent), ["sip:after;lr", "sip:bob@192.0.2.4"]);
}

fn flow(remote: &str) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), remote.parse().unwrap())
}

#[test]
fn responses_go_where_via_says() {
    let mut request = request("sip:b@x", "");
    let back = mark_source(&mut request, &flow("203.0.113.5:40000")).unwrap();
    assert_eq!(back, flow("203.0.113.5:40000"));
    let mut response = Response::to(&request, StatusCode::OK);
    assert!(!pop_via(&mut response, &ours()), "the top Via is the phone's");
    response.headers.push_front(Via::parse_text("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp"));
    assert!(pop_via(&mut response, &ours()));
    let there = response_flow(&response, back.local).unwrap();
    assert_eq!(there, flow("203.0.113.5:40000"));
    // Without rport: the port of the Via, at the address that it came from.
    let text = "Via: SIP/2.0/UDP host.invalid:5099;branch=z9hG4bKx\n";
    let mut plain = request_of("OPTIONS", "sip:b@x", "");
    plain.headers.remove(HeaderName::Via);
    plain.headers.push_raw(HeaderName::Via, text[5..].trim_end().as_bytes()).unwrap();
    let back = mark_source(&mut plain, &flow("203.0.113.5:40000")).unwrap();
    assert_eq!(back, flow("203.0.113.5:5099"));
    let response = Response::to(&plain, StatusCode::OK);
    assert_eq!(response_flow(&response, back.local), Some(back));
}

trait ParseVia {
    fn parse_text(text: &str) -> Via;
}

impl ParseVia for Via {
    fn parse_text(text: &str) -> Via {
        <Via as sip_core::TypedHeader>::parse(text.as_bytes()).unwrap()
    }
}

fn stateless(proxy: &Stateless, request: &Request, target: &str) -> Transmit {
    let Arrival::Request { request, .. } =
        proxy.handle_input(flow("192.0.2.9:5062"), request.to_bytes())
    else {
        panic!("not forwarded")
    };
    let next = flow("192.0.2.4:5060");
    proxy.forward(&request, Some(&uri(target)), &RecordRoute::No, next).unwrap()
}

#[test]
fn without_state_the_same_request_gets_the_same_branch() {
    let proxy = Stateless::new(ours());
    let sent = |method: &str, lines: &str| {
        let request = request_of(method, "sip:bob@example.com", lines);
        let transmit = stateless(&proxy, &request, "sip:bob@192.0.2.4");
        let sent = Request::parse(transmit.bytes, &Limits::default()).unwrap();
        let vias: Vec<Via> = sent.headers.all::<Via>().map(Result::unwrap).collect();
        assert_eq!(vias.len(), 2);
        assert_eq!(vias[1].received().unwrap().to_string(), "192.0.2.9");
        vias[0].branch().unwrap().to_owned()
    };
    let invite = sent("INVITE", "");
    assert_eq!(sent("INVITE", ""), invite);
    assert_eq!(sent("CANCEL", ""), invite);
    assert_eq!(sent("ACK", ""), invite);
    assert_ne!(sent("INVITE", "Route: <sip:x;lr>\n"), invite);
    // It comes back to us unchanged.
    let request = request("sip:bob@example.com", "");
    let looped = stateless(&proxy, &request, "sip:bob@example.com");
    let Arrival::Send(answer) = proxy.handle_input(flow("192.0.2.4:5060"), looped.bytes) else {
        panic!("forwarded")
    };
    assert!(answer.bytes.starts_with(b"SIP/2.0 482 "));
    assert_eq!(answer.flow.remote, "192.0.2.4:5060".parse().unwrap());
}

#[test]
fn without_state_responses_are_passed_back() {
    let proxy = Stateless::new(ours());
    let sent = stateless(&proxy, &request("sip:bob@example.com", ""), "sip:bob@192.0.2.4");
    let sent = Request::parse(sent.bytes, &Limits::default()).unwrap();
    for (status, passes) in [(100, false), (180, true), (200, true)] {
        let response = Response::to(&sent, StatusCode::new(status).unwrap());
        let arrival = proxy.handle_input(flow("192.0.2.4:5060"), response.to_bytes());
        match arrival {
            Arrival::Send(transmit) if passes => {
                assert_eq!(transmit.flow, flow("192.0.2.9:5062"));
                let text = String::from_utf8_lossy(&transmit.bytes).into_owned();
                assert_eq!(text.matches("Via:").count(), 1, "{text}");
            }
            other => assert!(!passes && other == Arrival::Dropped, "{status}"),
        }
    }
    let stray = Response::to(&request("sip:b@x", ""), StatusCode::OK);
    assert_eq!(proxy.handle_input(flow("192.0.2.4:5060"), stray.to_bytes()), Arrival::Dropped);
    assert_eq!(proxy.handle_input(flow("192.0.2.4:5060"), "rubbish".into()), Arrival::Dropped);
}

#[test]
fn headers_pass_by_list_and_never_lose_what_a_request_needs() {
    let lines = "X-Internal: 1\nUser-Agent: U\nSubject: s\n";
    let names = |filter: Filter| {
        let mut request = request("sip:b@x", lines);
        filter.apply(&mut request);
        let count = |name| request.headers.contains(name);
        assert!(count(HeaderName::Via) && count(HeaderName::CallId) && count(HeaderName::CSeq));
        [HeaderName::from_static("X-Internal"), HeaderName::UserAgent, HeaderName::Subject]
            .map(count)
    };
    let internal = vec![HeaderName::from_static("x-internal"), HeaderName::Via];
    assert_eq!(names(Filter::Except(internal)), [false, true, true]);
    assert_eq!(names(Filter::Only(vec![HeaderName::Subject])), [false, false, true]);
}

#[test]
fn diversions_are_noted_and_counted() {
    let mut headers =
        request("sip:b@x", "Diversion: <sip:a@x>;reason=user-busy;counter=3\n").headers;
    divert(&mut headers, uri("sip:b@x"), "no-answer").unwrap();
    let top: Diversion = headers.require().unwrap();
    assert_eq!(
        (top.uri.to_string(), top.reason().as_deref()),
        ("sip:b@x".into(), Some("no-answer"))
    );
    assert_eq!(diversions(&headers), 4);
    headers.push_raw(HeaderName::Diversion, b"<sip:c@x>, nonsense;;").unwrap();
    assert!(diversions(&headers) >= 5);
}

#[test]
fn history_is_continued() {
    let mut headers = request("sip:bob@example.com", "").headers;
    let (bob, carol) = (uri("sip:bob@example.com"), uri("sip:carol@example.com"));
    let contact = uri("sip:carol@192.0.2.5");
    retarget(&mut headers, &bob, &carol, Some(StatusCode::BUSY_HERE), Retarget::MappedUser)
        .unwrap();
    retarget(&mut headers, &carol, &contact, None, Retarget::RegisteredContact).unwrap();
    let entries: Vec<HistoryInfo> = headers.all().map(Result::unwrap).collect();
    let indices: Vec<&str> = entries.iter().filter_map(HistoryInfo::index).collect();
    assert_eq!(indices, ["1", "1.1", "1.1.1"]);
    assert_eq!(entries[1].params.get("mp"), Some("1"));
    assert_eq!(entries[2].params.get("rc"), Some("1.1"));
    let (name, reason) = entries[0].uri.as_sip().unwrap().headers().next().unwrap();
    assert_eq!((name.as_ref(), reason.starts_with("SIP;cause=486")), ("Reason", true), "{reason}");
    assert_eq!(entries[2].uri, contact);
}

#[test]
fn the_inside_is_hidden_and_found_again() {
    let lines = "Via: SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKin\nMax-Forwards: 3\n\
                 Record-Route: <sip:10.0.0.2;lr>, <sip:10.0.0.1;lr;x=y>\n";
    let mut outgoing = request("sip:bob@example.net", lines);
    let vias = take_vias(&mut outgoing).unwrap();
    assert_eq!(vias.len(), 2);
    let mask = Mask::new([3; 32]);
    mask.hide(&mut outgoing, &sip("sip:edge.example.com")).unwrap();
    let text = String::from_utf8(outgoing.to_bytes().to_vec()).unwrap();
    assert!(!text.contains("10.0.0.") && !text.contains("192.0.2.9"), "{text}");
    let [hidden] = &record_routes(&outgoing.headers)[..] else { panic!("one") };

    // The answer, on its way in.
    let mut response = Response::to(&outgoing, StatusCode::OK);
    response.headers.copy(HeaderName::RecordRoute, &outgoing.headers);
    restore_vias(&mut response, &vias);
    assert!(mask.reveal_response(&mut response));
    let back: Vec<Via> = response.headers.all::<Via>().map(Result::unwrap).collect();
    assert_eq!(back, vias);
    let inside = record_routes(&response.headers);
    assert_eq!(inside[1..], ["sip:10.0.0.2;lr".to_owned(), "sip:10.0.0.1;lr;x=y".to_owned()]);
    assert_eq!(inside[0], *hidden);

    // A later request from outside.
    let edge = Ours::at(vec!["edge.example.com".parse().unwrap()]);
    let mut bye = request_of("BYE", "sip:alice@10.0.0.7", &format!("Route: <{hidden}>\n"));
    let passed = preprocess(&mut bye, &edge).unwrap();
    assert!(mask.reveal(&mut bye, &passed[0]));
    assert_eq!(routes(&bye), ["sip:10.0.0.2;lr", "sip:10.0.0.1;lr;x=y"]);
    let stranger = NameAddr::parse("<sip:abcd@edge.example.com;lr>").unwrap();
    assert!(!mask.reveal(&mut bye, &stranger));
    assert!(!Mask::new([4; 32]).reveal(&mut bye, &passed[0]));
}
