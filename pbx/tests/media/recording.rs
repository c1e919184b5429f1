//! What is written down of what is heard.

use pbx::media::{Audio, CodecKind, Command, Event, RecordedSides, RecordingId};

use crate::bench::{A, B, Bench, FRAME, Phone, address, stream, voice};

#[test]
fn a_recording_holds_what_both_sides_heard() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcma], a) });
    let (recording, sides) = (RecordingId(3), RecordedSides::Both);
    bench.command(Command::Record { port: A, recording, sides });
    let audio = Audio { samples: vec![2_000; 8_000].into(), repeat: false };
    bench.command(Command::Play { port: A, audio, token: 1 });
    let mut alice = Phone::new(1, 8);
    let mut octets = [0; 160];
    codec_g711::alaw::encode(&[-3_000; 160], &mut octets);
    for _ in 0..50 {
        bench.receive(A, a, &alice.speak(&octets));
        bench.run_for(FRAME);
    }
    bench.command(Command::StopRecording { recording });
    let ended = bench.events.iter().find_map(|event| match event {
        Event::Recorded { recording: RecordingId(3), samples } => Some(*samples),
        _ => None,
    });
    // What was heard last may reach a frame beyond the end.
    assert!(ended.is_some_and(|samples| (8_000..=8_160).contains(&samples)), "{ended:?}");
    assert_eq!(Some(bench.recorded.len() as u64), ended.map(|samples| 2 * samples));
    let near = |sample: i16, wanted: i16| (sample - wanted).abs() < 100;
    let middle = &bench.recorded[4_000..12_000];
    assert!(middle.chunks(2).all(|pair| near(pair[0], -3_000) && near(pair[1], 2_000)));
}

#[test]
fn a_recorded_relay_is_not_delayed_and_what_it_loses_is_made_up() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcma], b));
    let (recording, sides) = (RecordingId(1), RecordedSides::Both);
    bench.command(Command::Record { port: A, recording, sides });
    let (mut alice, mut bob) = (Phone::new(1, 8), Phone::new(2, 8));
    for (n, octets) in voice(150).chunks(160).enumerate() {
        let (from_alice, from_bob) = (alice.speak(octets), bob.speak(octets));
        if n % 10 != 9 {
            let before = bench.sent.len();
            bench.receive(A, a, &from_alice);
            bench.receive(B, b, &from_bob);
            assert_eq!(bench.sent.len(), before + 2, "relayed at once");
        }
        bench.run_for(FRAME);
    }
    bench.command(Command::StopRecording { recording });
    let loud = |side: usize| {
        let middle = &bench.recorded[2 * 8_000..2 * 20_000];
        let samples: Vec<i16> = middle.chunks(2).map(|pair| pair[side]).collect();
        samples.chunks(160).all(|frame| frame.iter().any(|sample| sample.abs() > 3_000))
    };
    assert!(loud(0), "the peer");
    assert!(loud(1), "what it is sent");
    bench.command(Command::Close { port: A });
    assert_eq!(bench.pool.stats().free, bench.pool.stats().slots);
}
