//! A telephone that hears itself.

use std::net::SocketAddr;
use std::time::Duration;

use pbx::media::{CodecKind, Command};
use rtp_core::{Packet, Ssrc};

use crate::bench::{A, Bench, FRAME, Phone, address, stream, voice};

#[test]
fn echo_returns_what_was_said() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    let said = voice(50);
    for octets in said.chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    bench.run_for(Duration::from_secs(2));
    let heard = bench.to(a);
    assert!((50..90).contains(&heard.len()), "and not for ever: {}", heard.len());
    let octets: Vec<u8> = heard.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    let middle = &said[20 * 160..30 * 160];
    assert!(octets.windows(middle.len()).any(|part| part == middle), "octet for octet");
    assert_ne!(heard[0].ssrc(), Ssrc(1));
}

#[test]
fn echo_comes_at_an_even_pace_and_without_gaps_from_a_bad_network() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    for (n, octets) in voice(300).chunks(160).enumerate() {
        let packet = alice.speak(octets);
        // Up to 15 ms late, and every twentieth packet lost.
        let late = Duration::from_millis(n as u64 * 7 % 16);
        bench.run_for(late);
        if n % 20 != 19 {
            bench.receive(A, a, &packet);
        }
        bench.run_for(FRAME - late);
    }
    let sent: Vec<_> = bench.sent.iter().map(|sent| sent.at).collect();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] == FRAME), "an even pace");
    let heard = bench.to(a);
    assert!(heard.len() > 280, "{}", heard.len());
    assert!(heard.windows(2).all(|pair| {
        pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1)
            && pair[1].timestamp().wrapping_sub(pair[0].timestamp()) == 160
    }));
    let samples = decoded(&heard);
    let loud = |frame: &[i16]| frame.iter().any(|sample| sample.abs() > 3_000);
    let settled = samples.get(20 * 160..).unwrap();
    assert!(settled.chunks_exact(160).all(loud), "what was lost is made up");
    let step = settled.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap();
    assert!(step < 1_600, "nothing clicks: {step}");
}

#[test]
fn a_codec_that_we_cannot_decode_is_echoed_as_it_came() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Other("opus".into()));
    let mut alice = Phone::new(1, 97);
    bench.receive(A, a, &alice.speak(&[1, 2, 3]));
    assert_eq!(bench.to(a)[0].payload(), [1, 2, 3]);
}

#[test]
fn a_key_during_the_echo_leaves_no_gap_behind() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    for octets in voice(20).chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
        bench.run_for(FRAME);
    }
    for octets in voice(20).chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    let heard = bench.to(a);
    assert!(heard.len() >= 40, "{}", heard.len());
    assert!(heard.iter().all(|packet| packet.payload_type().value() == 8), "the key is for us");
    let steps = heard
        .windows(2)
        .map(|pair| pair[1].sequence_number().wrapping_sub(pair[0].sequence_number()));
    assert!(steps.into_iter().all(|step| step == 1), "the peer would count the key as loss");
}

fn echo(peer: SocketAddr, kind: CodecKind) -> Bench {
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[kind], peer) });
    bench.command(Command::Echo { port: A });
    bench
}

fn decoded(packets: &[Packet<'_>]) -> Vec<i16> {
    let octets: Vec<u8> = packets.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    let mut samples = vec![0; octets.len()];
    codec_g711::alaw::decode(&octets, &mut samples);
    samples
}
