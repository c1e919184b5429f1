//! Nobody can have us send a third party more than he sends us, or anything to an address that only
//! he has named.

use std::net::SocketAddr;
use std::time::Duration;

use pbx::exchange::MediaNetworks;
use sip_core::Limits;

use crate::by_hand::{SDP, ask, authorized, guarded, received, request, send, status, stranger};
use crate::office::{PASSWORD, Scene, phone_address};

/// Requests as short as they can be and still be answered.
fn short(method: &str, n: u32, more: &str) -> String {
    format!(
        "{method} sip:1@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bK{n}\r\n\
         Max-Forwards: 7\r\nFrom: <sip:1@h>;tag={n}\r\nTo: <sip:1@h>\r\nCall-ID: {n}\r\n\
         CSeq: 1 {method}\r\n{more}\r\n"
    )
}

#[test]
fn strangers_get_at_most_one_and_a_half_times_what_they_send() {
    let from = stranger();
    let digest = "Authorization: Digest username=\"101\",realm=\"trunkline\",nonce=\"0\",\
                  uri=\"sip:h\",response=\"00000000000000000000000000000000\",qop=auth,nc=00000001,\
                  cnonce=\"x\"\r\n";
    let methods =
        ["INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "INFO", "BYE", "CANCEL", "FOO"];
    let mut all = (0, 0);
    for more in ["", digest, "Require: 100rel, foo\r\n"] {
        for (n, method) in methods.into_iter().enumerate() {
            let mut scene = guarded(1, pbx::front::Settings::default());
            let long = request(method, "102", from, n as u32, more, "");
            for text in [short(method, n as u32, more), long] {
                scene.world.network().forget();
                let sent = text.len();
                send(&mut scene, from, text);
                // Long enough for everything that would be repeated.
                scene.run_for_seconds(40);
                let answers = received(&mut scene, from);
                assert!(answers.len() <= 1, "{method}: {} answers", answers.len());
                let got: usize = answers.iter().map(bytes::Bytes::len).sum();
                assert!(
                    2 * got <= 3 * sent,
                    "{method} {more:?}: {got} bytes for {sent}: {answers:?}"
                );
                all = (all.0 + sent, all.1 + got);
            }
        }
    }
    assert!(all.1 < all.0, "on average less comes back than was sent: {all:?}");
}

#[test]
fn an_unauthenticated_request_leaves_no_transaction() {
    let mut scene = guarded(1, pbx::front::Settings::default());
    scene.run_for_seconds(40);
    let methods = ["INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE", "PUBLISH"];
    for (n, method) in methods.into_iter().enumerate() {
        let text = request(method, "102", stranger(), n as u32, "", "");
        assert_ne!(status(&mut scene, stranger(), text.clone()), 0, "{method}");
        let tagged =
            text.replace("@192.0.2.100:5060>\r\nCall-ID", "@192.0.2.100:5060>;tag=x\r\nCall-ID");
        send(&mut scene, stranger(), tagged);
        scene.run_for(Duration::from_millis(10));
        assert_eq!(scene.office().exchange.occupancy(), Default::default(), "{method}");
    }
}

#[test]
fn a_repeated_request_gets_the_same_answer() {
    let mut scene = guarded(1, pbx::front::Settings::default());
    let options = request("OPTIONS", "102", stranger(), 1, "", "");
    let first = ask(&mut scene, stranger(), options.clone());
    assert_eq!(first, ask(&mut scene, stranger(), options), "the To tag among it");
}

#[test]
fn nothing_goes_where_only_a_stranger_has_pointed() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    let victim: SocketAddr = "198.51.100.9:5060".parse().unwrap();
    // maddr, received, sent-by, Contact, Route, Record-Route and the media address name the victim.
    let more = format!(
        "Record-Route: <sip:{victim};lr>\r\nRoute: <sip:{victim};lr>\r\nReply-To: <sip:x@{victim}>\r\n\
         Content-Type: application/sdp\r\n"
    );
    let body = SDP.replace("192.0.2.66", "198.51.100.9");
    for (n, method) in
        ["INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "REFER"].into_iter().enumerate()
    {
        let text = request(method, "102", stranger(), n as u32, &more, &body)
            .replace(&format!("<sip:101@{}>", stranger()), &format!("<sip:101@{victim}>"))
            .replace(
                &format!("UDP {}", stranger()),
                &format!("UDP {victim};maddr={};received={}", victim.ip(), victim.ip()),
            );
        send(&mut scene, stranger(), text);
    }
    scene.run_for_seconds(60);
    let passages = scene.world.network().passages().iter();
    let to_victim = passages.filter(|passage| passage.datagram.destination.ip() == victim.ip());
    assert_eq!(to_victim.count(), 0);
    assert_eq!(scene.seen(2), []);
}

#[test]
fn no_rtp_goes_anywhere_before_the_caller_has_proved_itself() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    let body = "Content-Type: application/sdp\r\n";
    let invite = request("INVITE", "600", stranger(), 1, body, SDP);
    let challenge = ask(&mut scene, stranger(), invite.clone()).pop().unwrap();
    assert_eq!(challenge.status.code(), 401);
    scene.run_for_seconds(5);
    assert_eq!(scene.office().exchange.occupancy().ports_leased, 0);
    // With the password it is a call, and its RTP goes out.
    let again = authorized(&invite, &challenge, "101", PASSWORD);
    assert_eq!(status(&mut scene, stranger(), again), 200);
    assert_eq!(scene.office().exchange.occupancy().ports_leased, 1);
}

#[test]
fn a_challenge_to_a_usual_request_names_both_algorithms_and_to_a_tiny_one_one() {
    let mut scene = guarded(1, pbx::front::Settings::default());
    let usual = "User-Agent: a telephone with a rather long name, as they have\r\n\
                 Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE\r\n\
                 Supported: replaces, timer, path, outbound, gruu, 100rel, norefersub, sec-agree\r\n\
                 Allow-Events: presence, message-summary, dialog, refer, conference, reg\r\n\
                 Expires: 3600\r\n";
    for (text, expected) in [
        (request("REGISTER", "101", phone_address(1), 1, usual, ""), 2),
        (
            short(
                "REGISTER",
                2,
                "User-Agent: something short of little use\r\nContent-Length: 0\r\n",
            ),
            1,
        ),
    ] {
        let source = if expected == 2 { phone_address(1) } else { stranger() };
        scene.world.network().forget();
        send(&mut scene, source, text);
        scene.run_for(Duration::from_millis(10));
        let answer = received(&mut scene, source).pop().unwrap();
        let view = sip_core::MessageView::parse(&answer, &Limits::default()).unwrap();
        let challenges = view.raw(sip_core::HeaderName::WwwAuthenticate).count();
        assert_eq!(challenges, expected, "{}", answer.escape_ascii());
    }
}

/// Calls 700 from `source` with a description that names `media`: packets that went there within a few
/// seconds.
fn packets_to(settings: MediaNetworks, source: &str, media: &str) -> usize {
    let exchange = pbx::exchange::Settings { media_networks: settings, ..Default::default() };
    let mut scene = Scene::unregistered(1, testkit::Faults::NONE, 7, exchange);
    let (source, media): (SocketAddr, SocketAddr) =
        (source.parse().unwrap(), media.parse().unwrap());
    let family = if media.is_ipv4() { "IP4" } else { "IP6" };
    let body = SDP
        .replace("IP4 192.0.2.66", &format!("{family} {}", media.ip()))
        .replace("4000", &media.port().to_string());
    let invite = request("INVITE", "700", source, 1, "Content-Type: application/sdp\r\n", &body);
    let challenge = ask(&mut scene, source, invite.clone()).pop().unwrap();
    let invite = authorized(&invite, &challenge, "101", PASSWORD);
    // Some are no address for a call at all.
    let all = std::net::IpAddr::from([255; 4]);
    let expected = if media.ip().is_multicast() || media.ip() == all { 488 } else { 200 };
    assert_eq!(status(&mut scene, source, invite), expected, "{media}");
    scene.run_for_seconds(3);
    received(&mut scene, media).len()
}

#[test]
fn no_rtp_goes_to_addresses_that_a_description_has_no_business_with() {
    let none = MediaNetworks::default;
    let public = "203.0.113.5:5060";
    for media in [
        "127.0.0.1:11211",
        "169.254.169.254:80",
        "169.254.1.1:4000",
        "224.0.0.251:5353",
        "255.255.255.255:4000",
        "10.0.0.5:4000",
        "172.16.3.4:4000",
        "192.168.1.1:4000",
        "100.64.0.1:4000",
        "[::1]:4000",
        "[fe80::1]:4000",
        "[fd00:ec2::254]:80",
    ] {
        assert_eq!(packets_to(none(), public, media), 0, "{media}");
    }
    // An office has private addresses, and a telephone its own.
    for (source, media) in [
        (public, "198.51.100.7:4000"),
        ("192.168.1.20:5060", "192.168.1.20:4000"),
        ("192.168.1.20:5060", "10.0.0.5:4000"),
        ("127.0.0.1:5080", "127.0.0.1:4000"),
        ("127.0.0.1:5080", "10.0.0.5:4000"),
    ] {
        assert!(packets_to(none(), source, media) > 20, "{source} {media}");
    }
    // What the operator says goes first.
    let allowed = MediaNetworks { allowed: vec!["10.0.0.0/8".parse().unwrap()], ..none() };
    assert!(packets_to(allowed, public, "10.0.0.5:4000") > 20);
    let forbidden = MediaNetworks { forbidden: vec!["198.51.100.0/24".parse().unwrap()], ..none() };
    assert_eq!(packets_to(forbidden, public, "198.51.100.7:4000"), 0);
}

#[test]
fn a_telephone_behind_nat_is_found_where_its_packets_come_from() {
    let mut scene = guarded(1, pbx::front::Settings::default());
    let source: SocketAddr = "203.0.113.5:5060".parse().unwrap();
    let (named, seen): (SocketAddr, SocketAddr) =
        ("192.168.1.20:4000".parse().unwrap(), "203.0.113.5:34567".parse().unwrap());
    let body = SDP.replace("192.0.2.66", "192.168.1.20");
    let invite = request("INVITE", "700", source, 1, "Content-Type: application/sdp\r\n", &body);
    let challenge = ask(&mut scene, source, invite.clone()).pop().unwrap();
    let answer = ask(&mut scene, source, authorized(&invite, &challenge, "101", PASSWORD));
    let answer = answer.last().expect("an answer").body.to_vec();
    let answer = String::from_utf8(answer).unwrap();
    let port = answer.split("m=audio ").nth(1).unwrap().split(' ').next().unwrap();
    let ours = SocketAddr::new(crate::office::exchange_address().ip(), port.parse().unwrap());
    for n in 0..50_u8 {
        let mut packet = vec![0x80, 8, 0, n, 0, 0, n, 0, 1, 2, 3, 4];
        packet.extend([0xd5; 160]);
        let now = scene.world.now();
        let datagram = testkit::Datagram { source: seen, destination: ours, bytes: packet.into() };
        scene.world.network().send(now, datagram);
        scene.run_for(Duration::from_millis(20));
    }
    assert_eq!(received(&mut scene, named).len(), 0, "where nobody was heard");
    assert!(received(&mut scene, seen).len() > 30);
}
