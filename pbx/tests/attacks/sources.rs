//! Floods, guessing and scanning: what one source can do, and who suffers from it.

use std::net::SocketAddr;
use std::time::Duration;

use pbx::front::{BanSettings, Rate, Reason, Settings};
use testkit::Answering;

use crate::by_hand::{SDP, ask, authorized, front, guarded, request, send, status, stranger};
use crate::office::{PASSWORD, Scene, phone_address, trunk_address};

fn guess(scene: &mut Scene, source: SocketAddr, n: u32) -> u16 {
    let register = request("REGISTER", "101", source, n, "", "");
    let Some(challenge) = ask(scene, source, register.clone()).pop() else { return 0 };
    status(scene, source, authorized(&register, &challenge, "101", &format!("guess {n}")))
}

fn call_succeeds(scene: &mut Scene) {
    scene.answering(2, Answering::After(Duration::from_millis(100)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    assert!(scene.phone(1).is_busy(), "{:?}", scene.seen(1));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    let records = &scene.office().records;
    assert_eq!(records.last().map(|record| record.status), Some(200));
}

#[test]
fn who_guesses_passwords_is_not_listened_to_for_a_time() {
    let mut scene = guarded(2, Settings::default());
    let answered = (0..20).filter(|n| guess(&mut scene, stranger(), *n) == 401).count();
    assert_eq!(answered, 10, "the tenth guess begins the ban");
    let ban = front(&scene).bans().next().unwrap();
    assert_eq!((ban.source, ban.reason), (stranger().ip(), Reason::Failures));
    // Not even the right password helps now, from any port of the address.
    let elsewhere = SocketAddr::new(stranger().ip(), 6_000);
    assert_eq!(guess(&mut scene, elsewhere, 100), 0);
    call_succeeds(&mut scene);
    // Later it is listened to again.
    scene.run_for_seconds(601);
    assert_eq!(front(&scene).bans().count(), 0);
    assert_eq!(guess(&mut scene, stranger(), 101), 401);
}

#[test]
fn guessing_slowly_is_no_ban_and_lifting_is_at_once() {
    let bans = BanSettings { failures: 3, window: Duration::from_secs(10), ..Default::default() };
    let mut scene = guarded(2, Settings { bans, ..Settings::default() });
    for n in 0..10 {
        assert_eq!(guess(&mut scene, stranger(), n), 401);
        scene.run_for_seconds(6);
    }
    for n in 20..24 {
        guess(&mut scene, stranger(), n);
    }
    assert_eq!(front(&scene).bans().count(), 1);
    scene.office_acts(|office, _| {
        assert!(office.front.as_mut().unwrap().lift(stranger().ip()));
        assert!(!office.front.as_mut().unwrap().lift(stranger().ip()));
    });
    assert_eq!(
        status(&mut scene, stranger(), request("OPTIONS", "x", stranger(), 99, "", "")),
        200
    );
}

#[test]
fn a_colleague_with_a_wrong_password_does_not_lock_the_office_out() {
    // Behind one address: a telephone that is registered, and one that guesses.
    let mut scene = guarded(2, Settings::default());
    let colleague = SocketAddr::new(phone_address(1).ip(), 7_000);
    for n in 0..12 {
        guess(&mut scene, colleague, n);
    }
    assert_eq!(front(&scene).bans().count(), 1);
    call_succeeds(&mut scene);
}

#[test]
fn scanners_get_no_answer_whatever_they_ask() {
    for (n, agent) in ["friendly-scanner", "SIPVicious 0.3", "sipcli/v1.8"].into_iter().enumerate()
    {
        let mut scene = guarded(2, Settings::default());
        let more = format!("User-Agent: {agent}\r\n");
        let options = request("OPTIONS", "100", stranger(), n as u32, &more, "");
        assert_eq!(status(&mut scene, stranger(), options), 0, "{agent}");
        assert_eq!(front(&scene).bans().next().map(|ban| ban.reason), Some(Reason::Scanner));
        let plain = request("OPTIONS", "100", stranger(), 50, "", "");
        assert_eq!(status(&mut scene, stranger(), plain), 0, "and its source is known now");
        call_succeeds(&mut scene);
    }
}

#[test]
fn configured_peers_and_trusted_networks_are_neither_banned_nor_limited() {
    let settings = Settings { peers: vec![trunk_address()], ..Settings::default() };
    let mut scene = guarded(2, settings);
    let more = "User-Agent: friendly-scanner\r\nContent-Type: application/sdp\r\n";
    for n in 0..600 {
        let options = request("OPTIONS", "100", trunk_address(), n, more, "");
        send(&mut scene, trunk_address(), options);
    }
    scene.run_for(Duration::from_millis(10));
    let counts = front(&scene).counts();
    assert_eq!((counts.banned, counts.limited, counts.limited_silently), (0, 0, 0));
}

#[test]
fn a_flood_of_invites_of_one_source_is_limited_and_nobody_else_notices() {
    let mut scene = guarded(2, Settings::default());
    let before = front(&scene).counts();
    scene.world.network().keep_no_record();
    for n in 0..8_000u32 {
        let sdp = "Content-Type: application/sdp\r\n";
        let invite = request("INVITE", "102", stranger(), n, sdp, SDP);
        send(&mut scene, stranger(), invite);
        scene.run_for(Duration::from_micros(250));
        if n == 4_000 {
            call_succeeds(&mut scene);
        }
    }
    let counts = front(&scene).counts();
    let let_through = 8_000 - (counts.limited + counts.limited_silently - before.limited);
    // Its rate for four seconds and a little, and its burst.
    assert!((350..=700).contains(&let_through), "{counts:?}");
    assert!(counts.limited < 60, "a refusal now and then: {counts:?}");
    assert_eq!(scene.seen(2).len(), 3, "one call, from a friend: {:?}", scene.seen(2));
}

#[test]
fn a_flood_from_everywhere_does_not_grow_memory() {
    let settings = Settings { sources: 1_000, ..Settings::default() };
    let mut scene = guarded(2, settings);
    scene.run_for_seconds(40);
    scene.world.network().keep_no_record();
    for n in 0..20_000u32 {
        let source = SocketAddr::from((n.wrapping_mul(2_654_435_761).to_be_bytes(), 5_060));
        let agent = if n.is_multiple_of(2) { "User-Agent: sipvicious\r\n" } else { "" };
        send(&mut scene, source, request("INVITE", "102", source, n, agent, ""));
        scene.run_for(Duration::from_micros(100));
    }
    assert!(front(&scene).remembered() <= 1_000 + 2 + 16_384, "{}", front(&scene).remembered());
    assert_eq!(scene.office().exchange.occupancy().transactions, 0);
    call_succeeds(&mut scene);
}

#[test]
fn a_subnet_of_ipv6_is_one_source() {
    let requests = Rate { per_second: 1, burst: 5 };
    let mut scene = guarded(1, Settings { requests, ..Settings::default() });
    let before = front(&scene).counts();
    for n in 0..100u16 {
        let source = SocketAddr::from(([0x2001, 0xdb8, 0, 1, 0, 0, 0, n], 5060));
        send(&mut scene, source, request("OPTIONS", "x", source, n.into(), "", ""));
        scene.run_for(Duration::from_millis(1));
    }
    assert_eq!(front(&scene).counts().passed - before.passed, 5);
}

#[test]
fn strangers_at_the_same_address_do_not_use_up_what_friends_may_ask() {
    let requests = Rate { per_second: 20, burst: 40 };
    let mut scene = guarded(2, Settings { requests, ..Settings::default() });
    let neighbour = SocketAddr::new(phone_address(1).ip(), 9_999);
    scene.world.network().keep_no_record();
    for n in 0..2_000 {
        send(&mut scene, neighbour, request("OPTIONS", "x", neighbour, n, "", ""));
        scene.run_for(Duration::from_micros(250));
        if n.is_multiple_of(100) {
            let friend = request("OPTIONS", "x", phone_address(1), 10_000 + n, "", "");
            scene.run_for(Duration::from_millis(5));
            let before = front(&scene).counts().passed;
            send(&mut scene, phone_address(1), friend);
            scene.run_for(Duration::from_millis(5));
            assert_eq!(front(&scene).counts().passed, before + 1, "{n}");
        }
    }
    assert!(front(&scene).counts().limited_silently > 1_000);
    call_succeeds(&mut scene);
}

#[test]
fn the_right_password_is_not_limited_by_strangers_at_the_same_address() {
    let mut scene = guarded(2, Settings::default());
    let neighbour = SocketAddr::new(phone_address(1).ip(), 9_999);
    scene.world.network().keep_no_record();
    for n in 0..2_000 {
        send(&mut scene, neighbour, "what is this?\r\n\r\n");
        scene.run_for(Duration::from_micros(250));
        let _ = n;
    }
    assert!(front(&scene).counts().limited_silently > 1_000);
    call_succeeds(&mut scene);
    let _ = PASSWORD;
}
