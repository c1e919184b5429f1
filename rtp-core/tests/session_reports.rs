//! Two participants tell each other what they sent and received.

mod common;

use std::collections::VecDeque;
use std::time::Duration;

use common::{audio, ms, packet, rng};
use rand_chacha::ChaCha8Rng;
use rtp_core::rtcp::{self, Compound};
use rtp_core::sequence::Arrival;
use rtp_core::session::{
    Event, Frame, MAX_REPORT_LEN, Reception, RemoteReport, SessionConfig, random_cname,
};
use rtp_core::{NtpTime, Packet, PayloadType, Session, Ssrc};

/// A session that sends 20 ms packets, and a wire towards it.
struct End {
    session: Session,
    sends: bool,
    inbox: VecDeque<(Duration, Vec<u8>)>,
    reports: Vec<RemoteReport>,
    events: Vec<Event>,
    rtcp: Vec<(Duration, Vec<u8>)>,
}

struct Wire {
    a: End,
    b: End,
    rng: ChaCha8Rng,
    delay: Duration,
    /// Is the n-th RTP packet from A lost?
    lost: fn(u64) -> bool,
}

impl Wire {
    fn new(b_sends: bool) -> Wire {
        let mut rng = rng(42);
        let mut end = |cname: &str, sends, seconds: u64| {
            let config =
                SessionConfig { ntp_at_zero: NtpTime(seconds << 32), ..SessionConfig::new(cname) };
            let session = Session::new(config, ms(0), &mut rng).unwrap();
            End {
                session,
                sends,
                inbox: VecDeque::new(),
                reports: Vec::new(),
                events: Vec::new(),
                rtcp: Vec::new(),
            }
        };
        // Wall clocks that do not agree: the round trip must not depend on it.
        let (a, b) = (end("a@example.invalid", true, 1_000), end("b@example.invalid", b_sends, 77));
        Wire { a, b, rng, delay: ms(50), lost: |_| false }
    }

    /// Runs the milliseconds of `span`.
    fn run(&mut self, span: std::ops::Range<u64>) {
        let arrive = self.delay;
        for now in span {
            self.a.step(now, arrive, self.lost, &mut self.b.inbox, &mut self.rng);
            self.b.step(now, arrive, |_| false, &mut self.a.inbox, &mut self.rng);
        }
    }
}

impl End {
    fn step(
        &mut self,
        now_ms: u64,
        delay: Duration,
        lost: fn(u64) -> bool,
        peer: &mut VecDeque<(Duration, Vec<u8>)>,
        rng: &mut ChaCha8Rng,
    ) {
        let now = ms(now_ms);
        while self.inbox.front().is_some_and(|(at, _)| *at <= now) {
            let (at, bytes) = self.inbox.pop_front().unwrap();
            if (200..=201).contains(&bytes[1]) {
                self.session.handle_rtcp(at, &bytes).unwrap();
            } else {
                self.session.handle_rtp(at, &Packet::parse(&bytes).unwrap());
            }
        }
        if self.sends && now_ms.is_multiple_of(20) {
            let frame = Frame {
                payload_type: PayloadType::PCMA,
                timestamp: (now_ms * 8) as u32,
                marker: false,
                payload_len: 160,
            };
            let header = self.session.sender_mut().send(now, frame);
            if !lost(self.session.sender().packets()) {
                peer.push_back((now + delay, packet(header, &[0xd5; 160])));
            }
        }
        self.session.handle_timeout(now, rng);
        let mut buf = [0; MAX_REPORT_LEN];
        if let Some(len) = self.session.poll_transmit(now, &mut buf).unwrap() {
            self.rtcp.push((now, buf[..len].to_vec()));
            peer.push_back((now + delay, buf[..len].to_vec()));
        }
        while let Some(event) = self.session.poll_event() {
            self.events.push(event);
            if let Event::Report(report) = event {
                self.reports.push(report);
            }
        }
    }
}

#[test]
fn both_sides_report_and_measure_the_round_trip() {
    let mut wire = Wire::new(true);
    wire.run(0..60_000);
    let (a, b) = (wire.a.session.ssrc(), wire.b.session.ssrc());
    assert!(wire.a.events.contains(&Event::SourceValid(b)));
    assert!(wire.b.events.contains(&Event::SourceValid(a)));
    for (end, reporter) in [(&wire.a, b), (&wire.b, a)] {
        assert!(end.reports.len() >= 8, "{} reports in a minute", end.reports.len());
        let last = end.reports.last().unwrap();
        assert_eq!((last.reporter, last.block.ssrc), (reporter, end.session.ssrc()));
        assert_eq!((last.block.fraction_lost, last.block.cumulative_lost), (0, 0));
        let round_trip = last.round_trip.expect("both have reported").as_secs_f64();
        assert!((round_trip - 0.100).abs() < 0.000_05, "{round_trip}");
        assert_eq!(end.session.last_report(), Some(*last));
        assert_eq!(end.session.membership().members, 2);
        assert_eq!(end.session.membership().senders, 2);
    }
}

#[test]
fn a_compound_is_a_report_and_a_name() {
    let mut wire = Wire::new(false);
    wire.run(0..10_000);
    let (at, bytes) = wire.a.rtcp.last().unwrap().clone();
    let packets: Vec<_> = Compound::parse(&bytes).unwrap().packets().collect();
    let [rtcp::Packet::SenderReport(report), rtcp::Packet::Sdes(sdes)] = &packets[..] else {
        panic!("{packets:?}");
    };
    assert_eq!(report.ssrc, wire.a.session.ssrc());
    assert_eq!(sdes.chunks().next().unwrap().cname(), Some(&b"a@example.invalid"[..]));
    // What was sent until then: a packet every 20 ms from 0 on.
    let sent = at.as_millis() as u32 / 20 + 1;
    assert_eq!((report.info.packet_count, report.info.octet_count), (sent, sent * 160));
    assert_eq!(report.info.ntp_time, NtpTime(1_000 << 32) + at);

    // A listener sends receiver reports about what it hears.
    let (_, bytes) = wire.b.rtcp.last().unwrap();
    let packets: Vec<_> = Compound::parse(bytes).unwrap().packets().collect();
    let rtcp::Packet::ReceiverReport(report) = &packets[0] else { panic!("{packets:?}") };
    assert_eq!(report.ssrc, wire.b.session.ssrc());
    let blocks: Vec<_> = report.blocks.clone().collect();
    assert_eq!((blocks.len(), blocks[0].ssrc), (1, wire.a.session.ssrc()));
}

#[test]
fn the_rtp_timestamp_of_a_sender_report_runs_with_its_clock() {
    let mut wire = Wire::new(true);
    wire.run(0..30_000);
    let infos: Vec<_> = wire
        .a
        .rtcp
        .iter()
        .filter_map(|(_, bytes)| match Compound::parse(bytes).unwrap().packets().next()? {
            rtcp::Packet::SenderReport(report) => Some(report.info),
            _ => None,
        })
        .collect();
    assert!(infos.len() >= 3);
    for pair in infos.windows(2) {
        let wall = (pair[1].ntp_time.0 - pair[0].ntp_time.0) as f64 / 2f64.powi(32);
        let ticks = f64::from(pair[1].rtp_timestamp.wrapping_sub(pair[0].rtp_timestamp));
        assert!((ticks / wall - 8_000.0).abs() < 1.0, "{}", ticks / wall);
    }
}

#[test]
fn loss_is_reported_to_its_sender() {
    let mut wire = Wire::new(true);
    wire.lost = |number| number % 10 == 3;
    wire.run(0..60_000);
    let last = wire.a.reports.last().unwrap().block;
    // Each tenth packet: 25.6 of 256, give or take the interval's ends.
    assert!((24..=27).contains(&last.fraction_lost), "{}", last.fraction_lost);
    let figures = wire.b.session.figures(wire.a.session.ssrc()).unwrap();
    let expected = figures.loss_runs.received + figures.loss_runs.lost;
    assert!((2_990..=3_000).contains(&expected), "{expected}");
    assert!((figures.loss_runs.loss() - 0.1).abs() < 0.001);
    assert_eq!(wire.b.session.current_source(), Some(wire.a.session.ssrc()));
    assert_eq!(figures.jitter, Duration::ZERO);
}

#[test]
fn who_leaves_says_goodbye_and_then_nothing() {
    let mut wire = Wire::new(true);
    wire.run(0..10_000);
    wire.a.sends = false;
    wire.a.session.leave(ms(10_000), Some("hung up"), &mut rng(1));
    assert!(!wire.a.session.has_left());
    let before = wire.a.rtcp.len();
    wire.run(10_000..40_000);
    assert!(wire.a.session.has_left());
    assert_eq!(wire.a.rtcp.len(), before + 1);
    assert_eq!(wire.a.session.poll_timeout(), None);
    let (at, bytes) = wire.a.rtcp.last().unwrap();
    assert_eq!(*at, ms(10_000), "a small group is left at once");
    let packets: Vec<_> = Compound::parse(bytes).unwrap().packets().collect();
    let [_, _, rtcp::Packet::Bye(bye)] = &packets[..] else { panic!("{packets:?}") };
    assert!(bye.sources().eq([wire.a.session.ssrc()]));
    assert_eq!(bye.reason(), Some(&b"hung up"[..]));
    assert!(wire.b.events.contains(&Event::SourceLeft(wire.a.session.ssrc())));
    assert_eq!(wire.b.session.membership().members, 1);
}

#[test]
fn who_never_spoke_leaves_silently() {
    let mut rng = rng(1);
    let mut session = Session::new(SessionConfig::new("x"), ms(0), &mut rng).unwrap();
    session.leave(ms(100), None, &mut rng);
    assert!(session.has_left());
    assert_eq!(session.poll_timeout(), None);
    assert_eq!(session.poll_transmit(ms(100), &mut [0; MAX_REPORT_LEN]), Ok(None));
}

#[test]
fn a_session_without_reports_still_reads_them() {
    let mut wire = Wire::new(true);
    wire.a.session = {
        let config = SessionConfig { reports: false, ..SessionConfig::new("a") };
        Session::new(config, ms(0), &mut rng(5)).unwrap()
    };
    wire.run(0..20_000);
    assert!(wire.a.rtcp.is_empty());
    assert!(!wire.a.reports.is_empty());
    assert_eq!(wire.a.reports.last().unwrap().round_trip, None, "no report of ours to measure by");
    wire.a.session.leave(ms(20_000), None, &mut rng(1));
    assert!(wire.a.session.has_left());
}

#[test]
fn the_silent_are_taken_for_gone_and_come_back() {
    let mut wire = Wire::new(true);
    wire.run(0..20_000);
    assert_eq!(wire.b.session.membership().senders, 2);
    // A's network fails.
    let (a, silent) = (wire.a.session.ssrc(), Wire::new(false).a);
    let gone = std::mem::replace(&mut wire.a, silent);
    wire.a.sends = false;
    wire.a.session = Session::new(
        SessionConfig { reports: false, ..SessionConfig::new("nobody") },
        ms(0),
        &mut rng(8),
    )
    .unwrap();
    wire.run(20_000..80_000);
    assert!(wire.b.events.contains(&Event::SourceTimedOut(a)));
    assert_eq!(wire.b.session.membership().members, 1);
    // And works again: the same source goes on with its counts.
    wire.a = gone;
    wire.run(80_000..90_000);
    assert_eq!(wire.b.session.membership().members, 2);
    assert!(wire.b.session.figures(a).unwrap().packets > 1_400);
}

#[test]
fn a_member_that_stops_sending_reports_as_a_receiver() {
    let mut wire = Wire::new(true);
    wire.run(0..20_000);
    wire.a.sends = false;
    wire.run(20_000..60_000);
    let kind = |bytes: &[u8]| bytes[1];
    assert_eq!(kind(&wire.a.rtcp.last().unwrap().1), 201);
    assert_eq!(wire.b.session.membership().senders, 1);
    assert!(wire.a.rtcp.iter().any(|(_, bytes)| kind(bytes) == 200));
}

#[test]
fn a_packet_with_our_own_ssrc_is_dropped() {
    let mut rng = rng(1);
    let mut session = Session::new(SessionConfig::new("x"), ms(0), &mut rng).unwrap();
    let own = session.ssrc();
    let echo = audio(own.0, 1, 0);
    assert_eq!(session.handle_rtp(ms(0), &Packet::parse(&echo).unwrap()), Reception::OwnSsrc);
    assert_eq!(session.poll_event(), Some(Event::SsrcCollision));
    session.change_ssrc(&mut rng);
    assert_ne!(session.ssrc(), own);
    let counted = session.handle_rtp(ms(0), &Packet::parse(&echo).unwrap());
    assert_eq!(counted, Reception::Counted(Arrival::Probation));
}

#[test]
fn any_number_of_sources_takes_bounded_room() {
    let mut rng = rng(1);
    let mut session = Session::new(SessionConfig::new("x"), ms(0), &mut rng).unwrap();
    // A valid source that goes on sending, among a flood of SSRCs.
    for number in 0..2_000u16 {
        let now = ms(u64::from(number));
        let valid = audio(7, number, 0);
        let taken = session.handle_rtp(now, &Packet::parse(&valid).unwrap());
        assert!(number == 0 || taken.is_playable(), "{number}: {taken:?}");
        for other in 0..5 {
            let flood = audio(1_000 + 5 * u32::from(number) + other, number, 0);
            session.handle_rtp(now, &Packet::parse(&flood).unwrap());
        }
    }
    assert_eq!(session.sources().count(), 8);
    assert_eq!(session.figures(Ssrc(7)).unwrap().packets, 1_999);

    // Eight valid sources leave no place for a ninth.
    let mut session = Session::new(SessionConfig::new("x"), ms(0), &mut rng).unwrap();
    for ssrc in 1..=9 {
        for number in 0..3 {
            let bytes = audio(ssrc, number, 0);
            let reception = session.handle_rtp(ms(1), &Packet::parse(&bytes).unwrap());
            assert_eq!(reception == Reception::TooManySources, ssrc == 9);
        }
    }
}

#[test]
fn the_longest_report_fits_the_stated_room() {
    let mut rng = rng(1);
    let config = SessionConfig { max_sources: 40, ..SessionConfig::new("c".repeat(255)) };
    let mut session = Session::new(config, ms(0), &mut rng).unwrap();
    let hear = |session: &mut Session, at: u16| {
        for ssrc in 1..=40 {
            for number in 0..2 {
                let bytes = audio(ssrc, at * 2 + number, 0);
                session.handle_rtp(ms(1), &Packet::parse(&bytes).unwrap());
            }
        }
        let frame = Frame {
            payload_type: PayloadType::PCMU,
            timestamp: 0,
            marker: false,
            payload_len: 160,
        };
        session.sender_mut().send(ms(1), frame);
    };
    hear(&mut session, 0);
    let mut buf = [0; MAX_REPORT_LEN];
    let blocks = |buf: &[u8]| match Compound::parse(buf).unwrap().packets().next() {
        Some(rtcp::Packet::SenderReport(report)) => report.blocks.map(|b| b.ssrc).collect(),
        Some(rtcp::Packet::ReceiverReport(report)) => report.blocks.map(|b| b.ssrc).collect(),
        _ => Vec::new(),
    };
    let mut reported = Vec::new();
    while reported.len() < 40 {
        let due = session.poll_timeout().unwrap();
        session.handle_timeout(due, &mut rng);
        if let Some(len) = session.poll_transmit(due, &mut buf).unwrap() {
            reported.extend(blocks(&buf[..len]));
        }
    }
    reported.sort();
    assert!(reported.iter().copied().eq((1..=40).map(Ssrc)), "each once: {reported:?}");
    // With everything there is: 31 blocks, the longest name and reason.
    hear(&mut session, 1);
    session.leave(ms(30_000), Some(&"ä".repeat(200)), &mut rng);
    assert_eq!(
        session.poll_transmit(ms(30_000), &mut [0; 100]),
        Err(rtcp::RtcpWriteError::BufferTooSmall)
    );
    let len = session.poll_transmit(ms(30_000), &mut buf).unwrap().unwrap();
    assert_eq!(blocks(&buf[..len]).len(), 31);
    let bye = Compound::parse(&buf[..len]).unwrap().packets().last();
    let Some(rtcp::Packet::Bye(bye)) = bye else { panic!("{bye:?}") };
    let reason = std::str::from_utf8(bye.reason().unwrap()).expect("cut between characters");
    assert_eq!(reason, "ä".repeat(127));
}

#[test]
fn names_are_random_and_bounded() {
    let mut rng = rng(1);
    let (first, second) = (random_cname(&mut rng), random_cname(&mut rng));
    assert_ne!(first, second);
    assert_eq!(first.len(), 24);
    assert!(Session::new(SessionConfig::new("x".repeat(256)), ms(0), &mut rng).is_err());
}

#[test]
fn a_peer_without_rtcp_is_measured_all_the_same() {
    let mut random = rng(4);
    let mut ours = Session::new(SessionConfig::new("x"), ms(0), &mut random).unwrap();
    let mut buf = [0; MAX_REPORT_LEN];
    let mut reports = 0;
    // Ten minutes of RTP with one packet in twenty lost, and no RTCP at all.
    for count in 0..30_000u32 {
        let now = ms(20 * u64::from(count));
        if count % 20 != 19 {
            let bytes = audio(7, count as u16, 160 * count);
            ours.handle_rtp(now, &Packet::parse(&bytes).unwrap());
        }
        ours.handle_timeout(now, &mut random);
        reports += u32::from(ours.poll_transmit(now, &mut buf).unwrap().is_some());
    }
    assert!((90..160).contains(&reports), "{reports}");
    let figures = ours.figures(Ssrc(7)).unwrap();
    assert!((figures.loss_runs.loss() - 0.05).abs() < 0.001);
    assert_eq!(ours.membership().members, 2);
    assert_eq!(ours.last_report(), None);
    let events: Vec<Event> = std::iter::from_fn(|| ours.poll_event()).collect();
    assert_eq!(events, [Event::SourceValid(Ssrc(7))]);
}
