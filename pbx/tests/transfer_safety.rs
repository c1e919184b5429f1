//! Who may transfer whom, and where to.

mod office;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use office::{Scene, exchange_address, phone_address};
use pbx::exchange::Settings;
use sip_core::header::Allow;
use sip_core::{Limits, Method, Request, Response};
use testkit::{Answering, Faults, Seen};

/// Bob talks to Alice, who called.
fn talking(phones: u8, settings: Settings) -> Scene {
    let mut scene = Scene::with(phones, Faults::NONE, 7, settings);
    scene.talk();
    scene
}

/// What telephone `n` was sent since the ladder began.
fn answers(scene: &mut Scene, n: u8) -> Vec<Response> {
    let passages = scene.world.network().passages();
    let to = passages.iter().filter(|passage| passage.datagram.destination == phone_address(n));
    to.filter_map(|passage| {
        Response::parse(passage.datagram.bytes.clone(), &Limits::default()).ok()
    })
    .collect()
}

/// A REFER as Bob would send it within his call, from another place.
fn forged(scene: &Scene, from: SocketAddr) -> String {
    let bob = scene.phone(2);
    let dialog = bob.endpoint().dialog(bob.dialog().unwrap()).unwrap();
    format!(
        "REFER sip:192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKforged\r\n\
         From: <sip:102@192.0.2.100>;tag={}\r\nTo: <sip:101@192.0.2.100>;tag={}\r\nCall-ID: {}\r\n\
         CSeq: 70 REFER\r\nMax-Forwards: 70\r\nContact: <sip:102@{from}>\r\n\
         Refer-To: <sip:103@192.0.2.100>\r\nContent-Length: 0\r\n\r\n",
        dialog.local_tag(),
        dialog.remote_tag(),
        dialog.call_id().as_str(),
    )
}

#[test]
fn a_stranger_who_knows_the_dialog_is_challenged() {
    let mut scene = talking(3, Settings::default());
    let refer = forged(&scene, phone_address(3));
    scene.act(3, |carol, _| carol.send_raw(refer));
    scene.run_for_seconds(2);
    let statuses: Vec<u16> =
        answers(&mut scene, 3).iter().map(|answer| answer.status.code()).collect();
    assert_eq!(statuses, [401]);
    assert!(scene.phone(1).is_busy() && scene.phone(2).is_busy());
    assert!(!scene.seen(3).contains(&Seen::Called));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn another_extensions_password_does_not_help() {
    let mut scene = talking(3, Settings::default());
    let refer = forged(&scene, phone_address(3));
    scene.act(3, |carol, _| carol.send_raw(refer.clone()));
    scene.run_for_seconds(1);
    let challenge = answers(&mut scene, 3).pop().unwrap();
    let again = refer.replace("z9hG4bKforged", "z9hG4bKagain").replace("CSeq: 70", "CSeq: 71");
    let mut signed = Request::parse(Bytes::from(again), &Limits::default()).unwrap();
    let credentials = sip_core::auth::client::Credentials::new("103", office::PASSWORD);
    let mut random = <rand_chacha::ChaCha8Rng as rand_core::SeedableRng>::seed_from_u64(1);
    credentials.authorize(&mut signed, &challenge, &mut random).unwrap();
    scene.act(3, |carol, _| carol.send_raw(signed.to_bytes()));
    scene.run_for_seconds(2);
    assert_eq!(answers(&mut scene, 3).last().unwrap().status.code(), 403);
    // The one whose call it is may, from wherever.
    let third = refer.replace("z9hG4bKforged", "z9hG4bKthird").replace("CSeq: 70", "CSeq: 72");
    scene.act(3, |carol, _| carol.send_raw(third.clone()));
    scene.run_for_seconds(1);
    let challenge = answers(&mut scene, 3).pop().unwrap();
    let third = third.replace("z9hG4bKthird", "z9hG4bKlast").replace("CSeq: 72", "CSeq: 73");
    let mut signed = Request::parse(Bytes::from(third), &Limits::default()).unwrap();
    let credentials = sip_core::auth::client::Credentials::new("102", office::PASSWORD);
    credentials.authorize(&mut signed, &challenge, &mut random).unwrap();
    scene.act(3, |carol, _| carol.send_raw(signed.to_bytes()));
    scene.run_for_seconds(1);
    assert_eq!(answers(&mut scene, 3).last().unwrap().status.code(), 202);
    scene.run_for_seconds(3);
    assert!(scene.seen(3).contains(&Seen::Called));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(200);
    scene.rest();
}

#[test]
fn outside_a_call_nobody_is_referred() {
    let mut scene = Scene::new(2);
    let at = phone_address(2);
    let refer = format!(
        "REFER sip:101@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKout\r\n\
         From: <sip:102@192.0.2.100>;tag=1\r\nTo: <sip:101@192.0.2.100>\r\nCall-ID: out\r\n\
         CSeq: 1 REFER\r\nMax-Forwards: 70\r\nContact: <sip:102@{at}>\r\n\
         Refer-To: <sip:101@192.0.2.100>\r\nContent-Length: 0\r\n\r\n"
    );
    scene.act(2, |bob, _| bob.send_raw(refer));
    scene.run_for_seconds(1);
    assert_eq!(answers(&mut scene, 2).pop().unwrap().status.code(), 403);
    scene.rest();
}

#[test]
fn no_other_host_is_called() {
    let mut scene = talking(3, Settings::default());
    for uri in [
        "sip:103@evil.example",
        "sip:103@203.0.113.7",
        "sip:103@192.0.2.100:9",
        "sip:103@192.0.2.100;maddr=203.0.113.7",
        "sips:103@evil.example",
        "http://evil.example/103",
    ] {
        scene.act(2, |bob, _| bob.forget());
        scene.act(2, |bob, now| bob.refer(now, uri));
        scene.run_for_seconds(1);
        assert_eq!(scene.seen(2), [Seen::ReferRefused(403)], "{uri}");
    }
    // Nor is anything else sent than an INVITE.
    scene.act(2, |bob, _| bob.forget());
    scene.act(2, |bob, now| bob.refer(now, "sip:103@192.0.2.100;method=BYE"));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(2), [Seen::ReferRefused(603)]);
    let strangers = scene.world.network().passages().iter().filter(|passage| {
        let to = passage.datagram.destination;
        to != exchange_address() && ![1, 2, 3].map(phone_address).contains(&to)
    });
    assert_eq!(
        strangers.filter(|passage| passage.datagram.source == exchange_address()).count(),
        0
    );
    assert_eq!(scene.world.lost_to_nobody(), 0);
    // Headers of the URI other than Replaces go nowhere.
    scene.act(2, |bob, _| bob.forget());
    scene.act(2, |bob, now| bob.refer(now, "sip:103@192.0.2.100?P-Asserted-Identity=sip%3A1%40x"));
    scene.run_for_seconds(4);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(200), Seen::HungUp]);
    let leaked = scene.world.network().passages().iter().any(|passage| {
        passage.datagram.source == exchange_address()
            && passage.datagram.bytes.windows(10).any(|part| part == b"P-Asserted")
    });
    assert!(!leaked);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn the_transferor_dials_by_its_own_rights() {
    let mut scene = talking(3, Settings::default());
    // 9… leads to the trunk, which Bob may use: it is tried, and the trunk does not answer.
    scene.act(2, |bob, now| bob.transfer(now, "94951234567"));
    scene.run_for_seconds(1);
    let invites = scene.world.network().passages().iter().filter(|passage| {
        passage.datagram.destination == office::trunk_address()
            && passage.datagram.bytes.starts_with(b"INVITE sip:4951234567@")
    });
    assert_eq!(invites.count(), 2, "the first and its repetition");
    scene.run_for_seconds(25);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(480)]);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn transfers_come_to_an_end() {
    let settings = Settings { max_transfers: 3, ..Settings::default() };
    let mut scene = talking(3, settings);
    // Bob and Carol send Alice to each other.
    let mut turns = 0;
    for (by, to) in [(2, "103"), (3, "102"), (2, "103"), (3, "102")] {
        scene.act(by, |phone, _| phone.forget());
        scene.act(by, |phone, now| phone.transfer(now, to));
        scene.run_for_seconds(5);
        if scene.seen(by) == [Seen::ReferRefused(403)] {
            break;
        }
        turns += 1;
    }
    assert_eq!(turns, 3);
    assert!(scene.phone(1).is_busy());
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
    assert_eq!(scene.office().records.len(), 4);
}

#[test]
fn transfers_that_wait_are_limited() {
    let settings = Settings { max_referrals: 1, ..Settings::default() };
    let mut scene = Scene::with(5, Faults::NONE, 7, settings);
    scene.answering(5, Answering::Never);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.act(3, |carol, now| carol.call(now, "104"));
    scene.run_for_seconds(3);
    scene.act(1, |alice, now| alice.transfer(now, "105"));
    scene.run_for_seconds(1);
    scene.act(3, |carol, _| carol.forget());
    scene.act(3, |carol, now| carol.transfer(now, "105"));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(3), [Seen::ReferRefused(503)]);
    for n in [1, 3] {
        scene.act(n, |phone, now| phone.hang_up(now));
    }
    scene.run_for_seconds(30);
    scene.rest();
}

#[test]
fn refer_is_among_what_the_exchange_says_it_can() {
    let mut scene = talking(2, Settings::default());
    scene.act(2, |bob, now| bob.inform(now, "application/dtmf-relay", "Signal=1\r\n"));
    scene.act(2, |bob, now| bob.refer(now, "sip:103@evil.example"));
    scene.run_for(Duration::from_millis(100));
    let options = "OPTIONS sip:192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKo\r\n\
         From: <sip:102@192.0.2.100>;tag=1\r\nTo: <sip:192.0.2.100>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
         User-Agent: a telephone that says at length what it is, and of which version\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    scene.act(2, |bob, _| bob.send_raw(options));
    scene.run_for_seconds(1);
    let answer = answers(&mut scene, 2).pop().unwrap();
    assert!(answer.headers.require::<Allow>().unwrap().contains(&Method::Refer));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}
