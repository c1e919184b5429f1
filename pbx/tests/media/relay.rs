//! Two telephones, bridged: what one sends the other hears.

use std::time::Duration;

use pbx::media::{Audio, CodecKind, Command, Event, Stream};
use rtp_core::{PayloadType, Ssrc};

use crate::bench::{A, B, Bench, FRAME, Phone, address, stream, tones, voice};

#[test]
fn a_bridge_relays_both_ways_with_numbers_of_its_own() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcma], b));
    let (mut alice, mut bob) = (Phone::new(1, 8), Phone::new(2, 8));
    for n in 0..20u8 {
        bench.receive(A, a, &alice.speak(&[n; 160]));
        bench.receive(B, b, &bob.speak(&[100 + n; 160]));
        bench.run_for(FRAME);
    }
    let heard = bench.to(b);
    assert_eq!(heard.len(), 20);
    assert!(heard[0].marker() && heard[1..].iter().all(|packet| !packet.marker()));
    for (n, pair) in heard.windows(2).enumerate() {
        assert_eq!(pair[0].payload(), [n as u8; 160]);
        assert_eq!(pair[1].sequence_number(), pair[0].sequence_number().wrapping_add(1));
        assert_eq!(pair[1].timestamp(), pair[0].timestamp().wrapping_add(160));
        assert_eq!(pair[1].ssrc(), pair[0].ssrc());
    }
    assert_ne!(heard[0].ssrc(), Ssrc(1), "each leg has an SSRC of ours");
    assert_eq!(bench.to(a).len(), 20);
    assert!(bench.sent.iter().all(|sent| sent.port == if sent.to == b { B } else { A }));
}

#[test]
fn laws_are_transcoded_and_payload_types_mapped() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 8);
    let octets: Vec<u8> = (0..160).collect();
    bench.receive(A, a, &alice.speak(&octets));
    let mut expected = octets.clone();
    codec_g711::transcode::alaw_to_ulaw_in_place(&mut expected);
    let heard = bench.to(b);
    assert_eq!(heard[0].payload_type(), PayloadType::PCMU);
    assert_eq!(heard[0].payload(), expected);
}

#[test]
fn packets_of_another_length_are_cut_anew() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let wants_30 = Stream { ptime_ms: 30, ..stream(&[CodecKind::Pcmu], b) };
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), wants_30);
    let mut alice = Phone::new(1, 8);
    let voice: Vec<u8> = (0..12 * 160).map(|n| (n / 7) as u8).collect();
    for octets in voice.chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    let heard = bench.to(b);
    assert_eq!(heard.len(), 8);
    let mut expected = voice.clone();
    codec_g711::transcode::alaw_to_ulaw_in_place(&mut expected);
    let octets: Vec<u8> = heard.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    assert_eq!(octets, expected);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].timestamp().wrapping_sub(pair[0].timestamp()), 240);
        assert_eq!(pair[1].sequence_number(), pair[0].sequence_number().wrapping_add(1));
    }
}

#[test]
fn a_codec_that_we_cannot_decode_passes_between_legs_that_share_it() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let opus = [CodecKind::Other("opus".into())];
    let mut bench = Bench::bridged(stream(&opus, a), stream(&opus, b));
    let mut alice = Phone::new(1, 97);
    bench.receive(A, a, &alice.speak(&[1, 2, 3]));
    assert_eq!(bench.to(b)[0].payload(), [1, 2, 3]);
}

#[test]
fn loss_and_order_of_the_first_hop_are_kept_for_the_listener_to_see() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 0);
    let packets: Vec<_> = (0..10u8).map(|n| alice.speak(&[n; 160])).collect();
    for n in [0, 1, 2, 4, 3, 5, 5, 8, 9] {
        bench.receive(A, a, &packets[n]);
    }
    let heard = bench.to(b);
    let first = heard[0].sequence_number();
    let order: Vec<_> = heard.iter().map(|p| p.sequence_number().wrapping_sub(first)).collect();
    assert_eq!(order, [0, 1, 2, 4, 3, 5, 8, 9], "the gap stays, the duplicate goes");
}

#[test]
fn the_listener_hears_one_stream_when_its_source_changes() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    let audio = Audio { samples: vec![1_000; 1_600].into(), repeat: false };
    bench.command(Command::Play { port: A, audio, token: 9 });
    bench.run_for(Duration::from_millis(400));
    assert!(matches!(bench.events.pop_front(), Some(Event::Played { port: A, token: 9 })));
    assert_eq!(bench.to(a).len(), 10);

    bench.command(Command::Open { port: B, stream: stream(&[CodecKind::Pcmu], b) });
    bench.command(Command::Bridge { a: A, b: B });
    let mut bob = Phone::new(2, 0);
    for _ in 0..5 {
        bench.receive(B, b, &bob.speak(&[9; 160]));
        bench.run_for(FRAME);
    }
    let heard = bench.to(a);
    assert_eq!(heard.len(), 15);
    assert!(heard.windows(2).all(|pair| {
        pair[0].ssrc() == pair[1].ssrc()
            && pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1)
            && pair[1].timestamp().wrapping_sub(pair[0].timestamp()) < 8_000
    }));
    assert!(heard[10].marker(), "the new source begins with the marker");
    let gap = heard[10].timestamp().wrapping_sub(heard[9].timestamp());
    let silent = bench.sent[10].at - bench.sent[9].at;
    assert_eq!(u128::from(gap), silent.as_millis() * 8, "and at the time that has passed");
}

#[test]
fn a_relay_listens_to_nothing() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let deaf = |peer| Stream { events: None, ..stream(&[CodecKind::Pcma], peer) };
    let mut bench = Bench::bridged(deaf(a), deaf(b));
    let free = bench.pool.stats().free;
    let mut alice = Phone::new(1, 8);
    for octets in [voice(5), tones('7'), voice(5)].concat().chunks(160) {
        let at = bench.now;
        bench.receive(A, a, &alice.speak(octets));
        assert_eq!(bench.sent.last().map(|sent| sent.at), Some(at), "not a moment later");
        assert_eq!(bench.pool.stats().free, free, "and nothing is kept");
        bench.run_for(FRAME);
    }
    assert!(bench.events.is_empty());
}
