use std::time::Duration;

use rtp_core::dtmf::{Detector, Event as Heard, ToEvents, ToTones};
use rtp_core::telephone_event::{Event, EventReceiver, EventReceiverConfig};
use rtp_core::{ClockRate, Packet};

use crate::records::records;

/// RTP packets of telephone events, each with the time since the one before; of other sources when the source
/// byte says so. The first byte chooses the clock.
///
/// Starts and ends take turns and name the same event; no event lasts longer than its packets can say; waiting
/// events are bounded. As tones they sound no longer than the queue allows, and everything that the detector
/// hears of them ends.
pub fn telephone_event(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let clock_rate = if first & 1 == 0 { ClockRate::HZ_8000 } else { ClockRate::HZ_16000 };
    let config = EventReceiverConfig { clock_rate, ..EventReceiverConfig::default() };
    let mut receiver = EventReceiver::new(config);
    let mut tones = ToTones::new(config, Default::default(), Duration::from_millis(40));
    let mut events = ToEvents::new(Default::default(), Default::default());
    let mut detector = Detector::new(Default::default());
    let mut down = None;
    let mut heard = 0i32;
    let mut now = Duration::ZERO;
    for record in records(rest) {
        now += record.after;
        if receiver.poll_timeout().is_some_and(|due| due <= now) {
            receiver.handle_timeout(now);
        }
        tones.handle_timeout(now);
        let mut bytes = record.bytes.to_vec();
        if record.from & 1 == 1
            && let Some(ssrc) = bytes.get_mut(11)
        {
            *ssrc ^= record.from;
        }
        if let Ok(packet) = Packet::parse(&bytes) {
            let outcome = receiver.handle_packet(now, &packet);
            assert_eq!(tones.handle_packet(now, &packet), outcome);
        }
        while let Some(event) = receiver.poll_event() {
            match event {
                Event::Started(code) => assert_eq!(down.replace(code), None),
                Event::Ended { code, duration, .. } => {
                    assert_eq!(down.take(), Some(code));
                    // 200 packets of a segment each.
                    assert!(duration <= Duration::from_secs(9) * 200);
                }
            }
        }
        assert_eq!(receiver.current(), down);
        let mut frame = [0; 160];
        tones.fill(&mut frame);
        detector.process(&frame, |event| match event {
            Heard::Started { .. } => heard += 1,
            Heard::Ended { .. } => heard -= 1,
        });
        assert!((0..=1).contains(&heard));
        events.handle_audio(&frame);
        if let Some(due) = events.poll_timeout() {
            let _ = events.poll_transmit(now.max(due), 0);
        }
    }
    detector.finish(|event| heard += if matches!(event, Heard::Ended { .. }) { -1 } else { 1 });
    assert_eq!(heard, 0);
}
