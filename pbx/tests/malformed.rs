//! Malformed datagrams at an idle exchange: it answers all the while, lets nobody in, and forgets them.
//!
//! They are mutations of the messages of real calls. A debug build sends 20,000 of them, a release build 100,000.

mod office;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use office::{Scene, exchange_address, phone_address, trunk_address};
use pbx::exchange::{Event, Settings};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::sdp::Direction;
use sip_core::{Limits, Message, StatusCode};
use testkit::{Answering, Datagram, Faults};

const DATAGRAMS: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
/// After so many datagrams somebody asks whether the exchange is there.
const BATCH: usize = 250;

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 5060))
}

fn watcher() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 5060))
}

#[test]
fn malformed_datagrams_do_no_harm() {
    flood(1);
}

#[test]
fn nor_do_others() {
    flood(2);
}

fn flood(seed: u64) {
    let settings = Settings { silence_limit: None, ..Settings::default() };
    let mut scene = Scene::with(3, Faults::NONE, seed, settings);
    let valid = conversation(&mut scene);
    assert!(valid.len() > 40, "{} messages", valid.len());
    scene.rest();
    scene.forget();
    let before = (scene.office().records.len(), started(&scene));

    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut readable = 0;
    for n in 0..DATAGRAMS {
        if n.is_multiple_of(BATCH) {
            is_there(&mut scene, n);
        }
        let bytes = mutated(&valid, &mut random);
        readable += usize::from(Message::parse(bytes.clone(), &Limits::default()).is_ok());
        let source = match random.next_u32() % 4 {
            0 => phone_address(1 + (random.next_u32() % 3) as u8),
            1 => SocketAddr::new(stranger().ip(), 1 + random.next_u32() as u16 % 60_000),
            _ => stranger(),
        };
        send(&mut scene, source, bytes);
        scene.run_for(Duration::from_micros(u64::from(random.next_u32() % 3_000)));
    }
    is_there(&mut scene, DATAGRAMS);
    // Neither wrecks alone nor whole messages alone would say much.
    let share = 100 * readable / DATAGRAMS;
    assert!((20..80).contains(&share), "{share} % can be read");

    scene.rest();
    assert_eq!((scene.office().records.len(), started(&scene)), before, "nobody was let in");
    for n in 1..=3 {
        assert_eq!(scene.seen(n), [], "telephone {n} heard nothing of it");
    }
    // And it still does what it is there for.
    scene.answering(2, Answering::After(Duration::from_secs(1)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(5);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.office().records.len(), before.0 + 1);
    assert_eq!(scene.office().records.last().unwrap().status, 200);
    scene.rest();
}

/// Calls of every kind; what was sent in them, both ways.
fn conversation(scene: &mut Scene) -> Vec<Bytes> {
    scene.act(3, |carol, now| carol.register(now));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(4);
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(1);
    for (answering, number) in [
        (Answering::Never, "102"),
        (Answering::Refuse(486), "102"),
        (Answering::EarlyMedia(Duration::from_secs(1)), "102"),
        (Answering::Never, "700"),
        (Answering::Never, "555"),
        (Answering::Never, "94951234567"),
    ] {
        scene.answering(2, answering);
        scene.act(1, |alice, now| alice.call(now, number));
        scene.run_for_seconds(3);
        scene.act(1, |alice, now| alice.hang_up(now));
        scene.run_for_seconds(2);
    }
    scene.act(2, |bob, _| bob.settings().delayed_offer = true);
    scene.act(2, |bob, now| bob.call(now, "103"));
    scene.run_for_seconds(4);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(40);
    let passages = scene.world.network().passages();
    let all: BTreeSet<Bytes> =
        passages.iter().map(|passage| passage.datagram.bytes.clone()).collect();
    all.into_iter().collect()
}

fn started(scene: &Scene) -> usize {
    let started = |event: &&(Duration, Event)| matches!(event.1, Event::Started { .. });
    scene.office().events.iter().filter(started).count()
}

/// One datagram to four mutations away from a valid message.
fn mutated(valid: &[Bytes], random: &mut ChaCha8Rng) -> Bytes {
    let mut below = |n: usize| random.next_u64() as usize % n.max(1);
    let mut bytes = valid[below(valid.len())].to_vec();
    if below(2) == 0 {
        let name = below(usize::MAX);
        rename(&mut bytes, name);
    }
    for _ in 0..1 + below(4) {
        let at = below(bytes.len());
        let length = below(40).min(bytes.len() - at);
        match below(6) {
            // Bits flip.
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(8);
                }
            }
            // Something is missing.
            2 => drop(bytes.drain(at..at + length)),
            // Something comes twice.
            3 => {
                let part = bytes[at..at + length].to_vec();
                let to = below(bytes.len());
                bytes.splice(to..to, part);
            }
            // A line comes again further on.
            4 => {
                let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                if !lines.is_empty() {
                    let mut lines = lines.clone();
                    lines.insert(below(lines.len()), lines[below(lines.len())]);
                    bytes = lines.concat();
                }
            }
            // The rest is that of another message, or missing.
            _ => {
                let other = &valid[below(valid.len())];
                let from = other.len() * below(5) / 4;
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
        }
    }
    bytes.into()
}

/// Makes it another transaction of another call, which no table knows.
fn rename(bytes: &mut Vec<u8>, name: usize) {
    for mark in [&b"z9hG4bK"[..], b"Call-ID: "] {
        if let Some(at) = bytes.windows(mark.len()).position(|window| window == mark) {
            let at = at + mark.len();
            bytes.splice(at..at, format!("{name:x}").bytes());
        }
    }
}

fn send(scene: &mut Scene, source: SocketAddr, bytes: Bytes) {
    let now = scene.world.now();
    assert_ne!(source, trunk_address(), "the trunk's calls are let in");
    scene.world.network().send(now, Datagram { source, destination: exchange_address(), bytes });
}

/// Asks for OPTIONS and looks at the answer, and at everything else that the exchange has sent since the last time.
fn is_there(scene: &mut Scene, n: usize) {
    let (to, from) = (exchange_address(), watcher());
    let options = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKwatch{n}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:watcher@{from}>;tag=w\r\nTo: <sip:{to}>\r\n\
         Call-ID: watch-{n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    send(scene, from, options.into());
    scene.run_for(Duration::from_millis(20));
    let mut answers = Vec::new();
    for passage in scene.world.network().passages() {
        let Datagram { source, destination, bytes } = &passage.datagram;
        if *source != to {
            continue;
        }
        let sent = Message::parse(bytes.clone(), &Limits::default());
        match sent.unwrap_or_else(|error| panic!("{error} in {}", bytes.escape_ascii())) {
            Message::Response(response) if *destination == from => answers.push(response.status),
            Message::Response(_) => {}
            Message::Request(request) => panic!("{} to {destination}", request.method),
        }
    }
    assert_eq!(answers, [StatusCode::OK], "OPTIONS after {n} datagrams");
    scene.world.network().forget();
}
