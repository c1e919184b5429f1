//! A stream before it is opened, while nothing comes, and when it is closed.

use std::time::Duration;

use pbx::media::{CodecKind, Command, Event, Stream};

use crate::bench::{A, B, Bench, FRAME, Phone, address, stream};

#[test]
fn what_was_said_before_the_answer_was_understood_is_heard() {
    let (a, b, mallory) = (address(1, 4000), address(2, 4002), address(66, 6666));
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    let (mut bob, mut thief) = (Phone::new(2, 0), Phone::new(3, 0));
    for n in 0..2u8 {
        bench.receive(B, mallory, &thief.speak(&[66; 160]));
        bench.receive(B, b, &bob.speak(&[n; 160]));
    }
    bench.run_for(Duration::from_millis(5));
    bench.command(Command::Open { port: B, stream: stream(&[CodecKind::Pcmu], b) });
    bench.command(Command::Bridge { a: A, b: B });
    bench.receive(B, b, &bob.speak(&[2; 160]));
    let heard: Vec<_> = bench.to(a).iter().map(|packet| packet.payload()[0]).collect();
    assert_eq!(heard, [0, 1, 2], "in order, and nothing of anybody else");
}

#[test]
fn silence_is_told_once_until_the_peer_speaks_again() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    let limit = Duration::from_secs(10);
    let stream = Stream { silence: Some(limit), ..stream(&[CodecKind::Pcmu], a) };
    bench.command(Command::Open { port: A, stream: stream.clone() });
    let mut alice = Phone::new(1, 0);
    for _ in 0..100 {
        bench.receive(A, a, &alice.speak(&[1; 160]));
        bench.run_for(FRAME);
    }
    assert!(bench.events.is_empty());
    bench.run_for(Duration::from_secs(60));
    assert!(matches!(bench.events.make_contiguous(), [Event::Silence { port: A, .. }]));
    // On hold the peer need not speak.
    bench.events.clear();
    bench.command(Command::Open { port: A, stream: Stream { receive: false, ..stream } });
    bench.run_for(Duration::from_secs(60));
    assert!(bench.events.is_empty());
}

#[test]
fn nothing_is_left_when_streams_are_closed() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let free = bench.pool.stats().free;
    bench.command(Command::Close { port: A });
    let mut bob = Phone::new(2, 0);
    bench.receive(B, b, &bob.speak(&[2; 160]));
    bench.command(Command::Close { port: B });
    bench.receive(B, b, &bob.speak(&[2; 160]));
    assert_eq!(bench.machine.streams(), 0);
    // It might be early for a stream to come.
    bench.run_for(Duration::from_secs(1));
    assert_eq!(bench.machine.poll_timeout(), None);
    assert_eq!(bench.machine.counters().unexpected, 1);
    assert_eq!(bench.pool.stats().free, free);
    assert!(bench.sent.is_empty());
}
