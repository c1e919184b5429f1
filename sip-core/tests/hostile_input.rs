//! Mutated messages from anywhere: no panic, no growth, and the endpoint goes on answering.

mod common;

use common::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::endpoint::{Event, Input};
use sip_core::transaction::Tables;
use sip_core::{Method, Response, StatusCode, Transport};

/// Every message of a call with a re-INVITE, a CANCEL and a challenge in it.
fn harvest() -> Vec<Packet> {
    let mut lab = Lab::new();
    let mut packets = Vec::new();
    let mut step = |lab: &mut Lab| {
        lab.pump();
        while let Some(packet) = lab.wire.pop_front() {
            packets.push(packet.clone());
            lab.deliver(packet);
            lab.pump();
        }
    };
    let call = lab.invite(Alice);
    step(&mut lab);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 183);
    step(&mut lab);
    lab.alice.cancel(lab.now, call).unwrap();
    step(&mut lab);
    lab.ignore_events(Alice);
    lab.ignore_events(Bob);
    lab.invite(Alice);
    step(&mut lab);
    let asked = lab.expect_request(Bob, Method::Invite);
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    step(&mut lab);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.request_in(Alice, alices, Method::Invite);
    step(&mut lab);
    lab.ignore_events(Bob);
    lab.request_in(Bob, bobs, Method::Bye);
    step(&mut lab);
    packets
}

fn mutate(random: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 12] = [
        b"\r\n",
        b"\r\n\r\n",
        b";tag=",
        b"z9hG4bK",
        b"SIP/2.0 ",
        b"ACK ",
        b"CANCEL ",
        b"\0",
        b"\xff\xfe",
        b"99999999999999999999",
        b",,,,",
        b"Require: 100rel\r\n",
    ];
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.next_u32() % 4 {
        if bytes.is_empty() {
            break;
        }
        let at = random.next_u32() as usize % bytes.len();
        let length = (random.next_u32() as usize % 40).min(bytes.len() - at);
        match random.next_u32() % 5 {
            0 => bytes[at] = random.next_u32() as u8,
            1 => drop(bytes.drain(at..at + length)),
            2 => {
                let piece = PIECES[random.next_u32() as usize % PIECES.len()];
                bytes.splice(at..at, piece.iter().copied());
            }
            3 => {
                let copy = bytes[at..at + length].to_vec();
                let to = random.next_u32() as usize % bytes.len();
                bytes.splice(to..to, copy);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn mutated_messages_do_no_harm() {
    let harvest = harvest();
    assert!(harvest.len() > 10);
    let mut random = ChaCha8Rng::seed_from_u64(42);
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.capacity.transactions = Tables { clients: 50, servers: 50, ..Tables::default() };
        config.capacity.dialogs = 20;
        config.capacity.events = 30;
    });
    for round in 0..30_000 {
        let packet = &harvest[random.next_u32() as usize % harvest.len()];
        let bytes = mutate(&mut random, &packet.bytes);
        let flow = lab.flow(Bob);
        lab.bob.handle_input(lab.now, Input::Received { flow, message: bytes.into() });
        // A user that does something with what it hears, most of the time.
        if random.next_u32().is_multiple_of(3) {
            while let Some(event) = lab.bob.poll_event() {
                if let Event::Request { id, request, .. } = event {
                    let code = [100, 180, 200, 401, 486, 600][random.next_u32() as usize % 6];
                    let response = Response::to(&request, StatusCode::new(code).unwrap());
                    let _ = lab.bob.respond(lab.now, id, response);
                }
            }
        }
        while lab.bob.poll_transmit().is_some() {}
        lab.now += ms(u64::from(random.next_u32() % 50));
        lab.bob.handle_timeout(lab.now);
        assert!(lab.bob.transactions() <= 100, "round {round}");
        assert!(lab.bob.dialogs() <= 70, "round {round}");
    }
    assert!(lab.bob.statistics().malformed > 1000);

    // Unanswered calls and dialogs without an end are the user's; the rest goes away by itself.
    lab.ignore_events(Bob);
    lab.run_cut_off(secs(70));
    lab.ignore_events(Bob);
    lab.request(Alice, Method::Options);
    lab.settle();
    let mut asked = None;
    while let Some(event) = lab.bob.poll_event() {
        if let Event::Request { id, dialog, request, flow } = event
            && request.method == Method::Options
        {
            asked = Some(Asked { id, dialog, request, flow });
        }
    }
    lab.respond(Bob, &asked.expect("nobody heard the OPTIONS"), 200);
    lab.settle();
    lab.expect_response(Alice, 200);
}
