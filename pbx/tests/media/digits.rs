//! Keys: as events, as tones, and from one to the other.

use std::time::Duration;

use pbx::media::{Audio, CodecKind, Command, Event, Stream};
use rtp_core::PayloadType;
use rtp_core::telephone_event::EventReport;

use crate::bench::{A, Bench, FRAME, Phone, address, stream, tones, voice};

#[test]
fn digits_are_reported_once_and_passed_on() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 0);
    for _ in 0..3 {
        bench.receive(A, a, &alice.speak(&[1; 160]));
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
    }
    bench.receive(A, a, &alice.speak(&[1; 160]));
    assert_eq!(bench.events.len(), 1);
    assert!(matches!(
        bench.events[0],
        Event::Digit { port: A, digit: '5', duration } if duration == Duration::from_millis(100)
    ));
    let heard = bench.to(b);
    assert_eq!(heard.iter().filter(|p| p.payload_type().value() == 101).count(), 7);
    assert!(
        heard
            .windows(2)
            .all(|pair| { pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1) })
    );
}

#[test]
fn digits_become_tones_for_a_peer_without_telephone_events() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let deaf = Stream { events: None, ..stream(&[CodecKind::Pcmu], b) };
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), deaf);
    let mut alice = Phone::new(1, 0);
    for _ in 0..3 {
        bench.receive(A, a, &alice.speak(&[0xff; 160]));
        bench.run_for(FRAME);
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
    }
    bench.run_for(Duration::from_millis(300));
    let heard = bench.to(b);
    assert_eq!(heard.len(), 3 + 5, "100 ms of tone");
    assert!(heard.iter().all(|packet| packet.payload_type() == PayloadType::PCMU));
    let mut samples = vec![0i16; 800];
    for (packet, out) in heard[3..].iter().zip(samples.chunks_mut(160)) {
        codec_g711::ulaw::decode(packet.payload(), out);
    }
    let power = |hertz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = std::f64::consts::TAU * hertz * n as f64 / 8_000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        f64::hypot(re, im)
    };
    assert!(power(770.0) > 20.0 * power(697.0), "row of 5");
    assert!(power(1_336.0) > 20.0 * power(1_209.0), "column of 5");
}

#[test]
fn digits_that_we_send_are_events_beside_the_audio() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    for digit in ['1', '#'] {
        let duration = Duration::from_millis(100);
        bench.command(Command::SendDigit { port: A, digit, duration });
    }
    bench.run_for(Duration::from_secs(1));
    let reports: Vec<_> = bench
        .to(a)
        .iter()
        .flat_map(|packet| EventReport::parse(packet.payload()).unwrap().collect::<Vec<_>>())
        .collect();
    let digits: Vec<_> = reports.iter().filter_map(|report| report.code.digit()).collect();
    assert_eq!(digits, ['1'; 7].into_iter().chain(['#'; 7]).collect::<Vec<_>>());
}

#[test]
fn digits_in_the_sound_are_heard_where_events_were_not_agreed() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    let without = Stream { events: None, ..stream(&[CodecKind::Pcma], a) };
    bench.command(Command::Open { port: A, stream: without });
    let audio = Audio { samples: vec![500; 800].into(), repeat: true };
    bench.command(Command::Play { port: A, audio, token: 1 });
    let mut alice = Phone::new(1, 8);
    let spoken: Vec<u8> = [voice(25), tones('7'), tones('#'), voice(25)].concat();
    for (n, octets) in spoken.chunks(160).enumerate() {
        let packet = alice.speak(octets);
        let late = Duration::from_millis(n as u64 * 5 % 12);
        bench.run_for(late);
        bench.receive(A, a, &packet);
        bench.run_for(FRAME - late);
    }
    let digits: Vec<char> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Digit { port: A, digit, .. } => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(digits, ['7', '#']);
}
