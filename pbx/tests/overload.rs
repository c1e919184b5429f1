//! More calls than can be served: a server of a known speed, in virtual time, behind a front.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pbx::front::{Event, Front, Settings};
use sip_core::endpoint::Input;
use sip_core::{Flow, Limits};

const US: Duration = Duration::from_micros(1);
/// What the server takes for a call, for anything else, and for a refusal.
const CALL: Duration = Duration::from_millis(1);
const OTHER: Duration = Duration::from_micros(100);

fn flow(n: u32) -> Flow {
    let local = SocketAddr::from(([192, 0, 2, 100], 5060));
    Flow::udp(local, SocketAddr::from(([198, 51, 100, (n % 250) as u8], 5060)))
}

fn request(method: &str, uri: &str, n: u32, to_tag: &str) -> Bytes {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{n}\r\n\
         From: <sip:101@h>;tag={n}\r\nTo: <{uri}>{to_tag}\r\nCall-ID: {n}\r\nCSeq: 1 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into()
}

fn front() -> Front {
    let trusted = vec!["0.0.0.0/0".parse().unwrap()];
    let emergency = vec!["112".to_owned()];
    Front::new(Settings { trusted, emergency, ..Settings::default() }, Limits::default(), [7; 32])
}

#[derive(Default, Debug)]
struct Outcome {
    calls: u32,
    in_dialog: u32,
    help: u32,
    registrations: u32,
    refused: u32,
    retry_after: std::collections::BTreeSet<String>,
    longest_wait: Duration,
    events: Vec<Event>,
}

/// Messages that arrive at these instants, and what a server does that takes its time for each.
fn play(front: &mut Front, arrivals: &[(Duration, Bytes)]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut arrivals = arrivals.iter().enumerate().peekable();
    let mut now = Duration::ZERO;
    let mut born = std::collections::HashMap::new();
    loop {
        while let Some((n, (at, message))) = arrivals.next_if(|(_, (at, _))| *at <= now) {
            born.insert(message.clone(), *at);
            front.handle_message(*at, flow(n as u32), message);
        }
        match front.poll_input(now) {
            Some(Input::Received { message, .. }) => {
                let text = String::from_utf8(message.to_vec()).unwrap();
                let wait = now - born[&message];
                if text.contains(";tag=mine") || text.starts_with("SIP/") {
                    outcome.in_dialog += 1;
                    now += OTHER;
                } else if text.contains("sos") || text.contains(":112@") {
                    outcome.help += 1;
                    now += CALL;
                } else if text.starts_with("REGISTER") {
                    outcome.registrations += 1;
                    now += OTHER;
                } else {
                    outcome.calls += 1;
                    outcome.longest_wait = outcome.longest_wait.max(wait);
                    now += CALL;
                }
            }
            Some(other) => panic!("{other:?}"),
            None => match arrivals.peek() {
                Some((_, (at, _))) => now = now.max(*at),
                None => break,
            },
        }
        while let Some(transmit) = front.poll_transmit() {
            let text = String::from_utf8(transmit.bytes.to_vec()).unwrap();
            assert!(text.starts_with("SIP/2.0 503 Service Unavailable\r\n"), "{text}");
            let after = text.lines().find(|line| line.starts_with("Retry-After: "));
            outcome.retry_after.insert(after.expect("when to come back").to_owned());
            outcome.refused += 1;
            now += OTHER / 2;
        }
        while let Some(event) = front.poll_event() {
            outcome.events.push(event);
        }
    }
    outcome
}

/// `rate` calls a second for `seconds`, evenly.
fn calls(rate: u32, seconds: u32) -> Vec<(Duration, Bytes)> {
    let each = Duration::from_secs(1) / rate;
    (0..rate * seconds).map(|n| (each * n, request("INVITE", "sip:600@h", n, ""))).collect()
}

#[test]
fn who_repeats_a_call_that_was_let_in_is_not_refused() {
    let mut front = front();
    let mut now = Duration::ZERO;
    // The first calls are served; then twice as many come as fit, and these are repeated, as they are where their 100
    // was lost.
    let early = |n: u32| request("INVITE", "sip:600@h", 7_000_000 + n, "");
    for n in 0..700 {
        front.handle_message(now, flow(n), &early(n));
        assert!(front.poll_input(now).is_some());
    }
    let (mut repeated, mut refused) = (0, 0);
    let is_early = |message: &[u8]| String::from_utf8_lossy(message).contains("z9hG4bK7000");
    for n in 0..6_999_u32 {
        now = US * 500 * n;
        front.handle_message(now, flow(n), &request("INVITE", "sip:600@h", n, ""));
        if n % 2 == 0
            && let Some(Input::Received { message, .. }) = front.poll_input(now)
        {
            repeated += usize::from(is_early(&message));
        }
        if n % 10 == 9 {
            front.handle_message(now, flow(n / 10), &early(n / 10));
        }
        while let Some(refusal) = front.poll_transmit() {
            assert!(!is_early(&refusal.bytes), "after {now:?}");
            refused += 1;
        }
    }
    while let Some(Input::Received { message, .. }) = front.poll_input(now) {
        repeated += usize::from(is_early(&message));
    }
    assert!(refused > 500, "there was too much: {refused}");
    assert_eq!(repeated, 699, "each repetition reaches its call");
}

#[test]
fn below_the_peak_nobody_is_refused() {
    let outcome = play(&mut front(), &calls(900, 20));
    assert_eq!((outcome.calls, outcome.refused, outcome.events.len()), (18_000, 0, 0));
}

#[test]
fn at_twice_the_peak_as_many_are_served_as_at_the_peak() {
    let outcome = play(&mut front(), &calls(2_000, 20));
    // A refusal takes a twentieth of a call: of 2 offered, (1 - 2/20) / (1 - 1/20) fit.
    assert!(outcome.calls > 20_000 * 90 / 100, "{}", outcome.calls);
    assert_eq!(outcome.calls + outcome.refused, 40_000, "everybody is answered");
    assert!(outcome.longest_wait <= Duration::from_millis(200), "{:?}", outcome.longest_wait);
    assert!(outcome.events.contains(&Event::Overloaded));
    assert!(outcome.retry_after.len() > 5, "they do not come back together: {outcome:?}");
}

#[test]
fn calls_under_way_and_calls_for_help_are_served_first() {
    let mut arrivals = calls(3_000, 10);
    for n in 0..1_000 {
        let at = Duration::from_millis(10) * n;
        arrivals.push((at, request("BYE", "sip:600@h", 100_000 + n, ";tag=mine")));
        arrivals.push((at, request("INFO", "sip:600@h", 200_000 + n, ";tag=mine")));
    }
    for n in 0..100 {
        let at = Duration::from_millis(100) * n;
        arrivals.push((at, request("INVITE", "urn:service:sos.fire", 300_000 + n, "")));
        arrivals.push((at + US, request("INVITE", "sip:112@h", 400_000 + n, "")));
    }
    arrivals.sort();
    let outcome = play(&mut front(), &arrivals);
    assert_eq!((outcome.in_dialog, outcome.help), (2_000, 200), "none of them is lost");
    assert!(outcome.calls > 5_000, "and others are served all the while: {}", outcome.calls);
}

#[test]
fn registrations_after_a_power_cut_are_spread() {
    // 20,000 telephones in 2 seconds, in front of 1,000 calls a second.
    let mut arrivals = calls(1_000, 2);
    for n in 0..20_000 {
        arrivals.push((US * 100 * n, request("REGISTER", "sip:h", 500_000 + n, "")));
    }
    arrivals.sort();
    let outcome = play(&mut front(), &arrivals);
    assert!(outcome.calls > 900, "{outcome:?}");
    assert!(outcome.registrations > 250, "{outcome:?}");
    assert!(outcome.retry_after.len() > 30, "{outcome:?}");
}

#[test]
fn when_it_is_over_it_is_over() {
    let mut front = front();
    let mut arrivals = calls(3_000, 2);
    for (at, message) in calls(500, 5) {
        let message =
            String::from_utf8(message.to_vec()).unwrap().replace("Call-ID: ", "Call-ID: later");
        arrivals.push((at + Duration::from_secs(3), message.into()));
    }
    let outcome = play(&mut front, &arrivals);
    assert_eq!(outcome.events, [Event::Overloaded, Event::KeepsUp]);
    assert!(!front.is_overloaded() && front.is_empty());
    assert!(outcome.calls > 2_500 + 1_500, "{outcome:?}");
    assert_eq!(front.counts().overloads, 1);
}

#[test]
fn the_ack_of_a_refusal_goes_no_further_and_that_of_a_call_does() {
    let mut front = front();
    let mut arrivals = calls(3_000, 1);
    let outcome = play(&mut front, &arrivals);
    assert!(outcome.refused > 0);
    while front.poll_transmit().is_some() {}
    // Whatever is refused now, its ACK is dropped here.
    let invite = request("INVITE", "sip:600@h", 9, "");
    let now = Duration::from_secs(2);
    arrivals.clear();
    for n in 0..10_000 {
        front.handle_message(now, flow(n), &invite);
    }
    let refusal = front.poll_transmit().expect("too many wait");
    let text = String::from_utf8(refusal.bytes.to_vec()).unwrap();
    let tag = text.split("To: <sip:600@h>;tag=").nth(1).unwrap().split('\r').next().unwrap();
    while front.poll_input(now).is_some() {}
    front.handle_message(now, flow(0), &request("ACK", "sip:600@h", 9, &format!(";tag={tag}")));
    // An ACK has the number of its INVITE and its own method.
    assert_eq!(front.counts().acks, 1);
    assert!(front.is_empty());
    front.handle_message(now, flow(0), &request("ACK", "sip:600@h", 9, ";tag=ours"));
    assert!(!front.is_empty(), "this one belongs to a call");
}

/// A server that has a share of a processor: it runs for so long of each 100 ms, and reads what has come
/// meanwhile when it runs again. Calls served of `rate` a second in 20 s, where it could do 1,000.
fn served_by_a_share(share: f64, rate: u32) -> u32 {
    let period = Duration::from_millis(100);
    let (call, refusal) = (CALL.mul_f64(share), (OTHER / 2).mul_f64(share));
    let mut front = front();
    let mut arrivals = calls(rate, 20).into_iter().enumerate().peekable();
    let (mut ran, mut periods, mut served) = (Duration::ZERO, 0, 0);
    while arrivals.peek().is_some() {
        // The time of the world, from the time it has run.
        if ran >= period.mul_f64(share) {
            (ran, periods) = (Duration::ZERO, periods + 1);
        }
        let now = period * periods + ran;
        while let Some((n, (_, message))) = arrivals.next_if(|(_, (at, _))| *at <= now) {
            front.handle_message(now, flow(n as u32), &message);
        }
        match front.poll_input(now) {
            Some(_) => {
                served += 1;
                ran += call;
            }
            None => ran += call / 10,
        }
        while front.poll_transmit().is_some() {
            ran += refusal;
        }
    }
    served
}

#[test]
fn a_server_that_runs_in_turns_with_others_is_kept_busy_all_the_same() {
    for share in [1.0, 0.5, 0.25, 0.1] {
        // Below its peak everybody is served; at twice that, (1 - 2/20) / (1 - 1/20) of it.
        let (below, above) = (served_by_a_share(share, 800), served_by_a_share(share, 2_000));
        assert!(below >= 15_900, "{share}: {below} of 16,000");
        assert!(above >= 18_000, "{share}: {above} of 20,000");
    }
}
