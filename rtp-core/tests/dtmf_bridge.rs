//! Tones become events and events become tones, with the same digits and durations.

use std::time::Duration;

use rtp_core::dtmf::{Detector, Digit, Event, Generator, GeneratorConfig, ToEvents, ToTones};
use rtp_core::telephone_event::{
    self, EventReceiver, EventReceiverConfig, EventReport, EventSenderConfig,
};
use rtp_core::tone::Level;
use rtp_core::{ClockRate, Header, Packet, PayloadType, Ssrc};

const FRAME: Duration = Duration::from_millis(20);
const EVENT: PayloadType = PayloadType::from_octet(101);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Digits of one length, and a second of silence.
fn tones(keys: &str, duration: Duration) -> Vec<i16> {
    let config = GeneratorConfig { low: Level(-16.0), high: Level(-14.0), ..Default::default() };
    let mut generator = Generator::new(config);
    for key in keys.chars() {
        generator.press(Digit::from_char(key).unwrap(), duration).unwrap();
    }
    let mut audio = vec![0; 800];
    let mut frame = [0; 160];
    while generator.fill(&mut frame) {
        audio.extend(frame);
    }
    audio.extend([0; 8_000]);
    audio
}

/// Audio in, packets out, with the time since the beginning.
fn packets(audio: &[i16], rate: ClockRate) -> Vec<(Duration, Vec<u8>)> {
    let config = EventSenderConfig { clock_rate: rate, ..Default::default() };
    let mut bridge = ToEvents::new(Default::default(), config);
    let mut packets = Vec::new();
    let (mut now, mut number) = (Duration::ZERO, 0);
    for frame in audio.chunks(160) {
        bridge.handle_audio(frame);
        now += FRAME;
        let timestamp = rate.ticks(now) as u32;
        if bridge.poll_timeout().is_some_and(|due| due <= now)
            && let Some(event) = bridge.poll_transmit(now, timestamp)
        {
            assert!(bridge.is_muted() || event.payload[1] & 0x80 != 0);
            let header = Header {
                marker: event.marker,
                ..Header::new(EVENT, number, event.timestamp, Ssrc(1))
            };
            let mut bytes = vec![0; 16];
            header.write_packet(&event.payload, 0, &mut bytes).unwrap();
            packets.push((now, bytes));
            number += 1;
        }
    }
    assert!(!bridge.is_muted());
    assert_eq!(bridge.dropped(), 0);
    packets
}

#[test]
fn tones_become_events() {
    for rate in [ClockRate::HZ_8000, ClockRate::HZ_16000] {
        for length in [40, 65, 100, 333] {
            let mut receiver =
                EventReceiver::new(EventReceiverConfig { clock_rate: rate, ..Default::default() });
            let mut heard = String::new();
            for (now, packet) in packets(&tones("159D#0*", ms(length)), rate) {
                let packet = Packet::parse(&packet).unwrap();
                receiver.handle_packet(now, &packet).unwrap();
                for report in EventReport::parse(packet.payload()).unwrap() {
                    // -16 and -14 dBm0 are -11.9 together.
                    assert_eq!(report.volume, 12);
                }
                while let Some(event) = receiver.poll_event() {
                    if let telephone_event::Event::Ended { code, duration, complete } = event {
                        assert!(complete);
                        let error = duration.as_millis().abs_diff(length.into());
                        assert!(error <= 20, "{length} ms became {duration:?}");
                        heard.push(code.digit().unwrap());
                    }
                }
            }
            assert_eq!(heard, "159D#0*", "{rate:?}, {length} ms");
        }
    }
}

#[test]
fn events_become_tones() {
    for lost in [None, Some(3), Some(2)] {
        let audio = tones("13579*D", ms(120));
        let mut bridge = ToTones::new(Default::default(), Default::default(), ms(40));
        let mut detector = Detector::new(Default::default());
        let mut heard = Vec::new();
        let mut packets = packets(&audio, ClockRate::HZ_8000).into_iter().enumerate().peekable();
        for n in 0..250 {
            let now = FRAME * n;
            while let Some((number, (_, packet))) = packets.next_if(|(_, (at, _))| *at <= now) {
                if lost.is_none_or(|every| number % every != 0) {
                    bridge.handle_packet(now, &Packet::parse(&packet).unwrap()).unwrap();
                }
            }
            if bridge.poll_timeout().is_some_and(|due| due <= now) {
                bridge.handle_timeout(now);
            }
            let mut frame = [0; 160];
            bridge.fill(&mut frame);
            detector.process(&frame, |event| {
                if let Event::Ended { digit, duration, .. } = event {
                    heard.push((digit.as_char(), duration));
                }
            });
        }
        let keys: String = heard.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, "13579*D", "{lost:?}");
        for (_, duration) in heard {
            let error = duration.as_millis().abs_diff(120);
            assert!(error <= 25, "{lost:?}: {duration:?}");
        }
        assert_eq!(bridge.dropped(), 0);
    }
}

#[test]
fn a_short_event_sounds_long_enough() {
    let mut bridge = ToTones::new(Default::default(), Default::default(), ms(50));
    let report =
        EventReport { code: telephone_event::EventCode(7), end: true, volume: 10, duration: 80 };
    let header = Header { marker: true, ..Header::new(EVENT, 1, 1, Ssrc(1)) };
    let mut bytes = vec![0; 16];
    header.write_packet(&report.to_bytes(), 0, &mut bytes).unwrap();
    bridge.handle_packet(Duration::ZERO, &Packet::parse(&bytes).unwrap()).unwrap();
    let mut audio = [0; 1_600];
    assert!(bridge.fill(&mut audio));
    let last = audio.iter().rposition(|sample| *sample != 0).unwrap();
    assert!((398..=400).contains(&last), "{last}");
}

#[test]
fn a_flash_makes_no_sound() {
    let mut bridge = ToTones::new(Default::default(), Default::default(), ms(40));
    let report = EventReport {
        code: telephone_event::EventCode::FLASH,
        end: true,
        volume: 0,
        duration: 800,
    };
    let header = Header { marker: true, ..Header::new(EVENT, 1, 1, Ssrc(1)) };
    let mut bytes = vec![0; 16];
    header.write_packet(&report.to_bytes(), 0, &mut bytes).unwrap();
    bridge.handle_packet(Duration::ZERO, &Packet::parse(&bytes).unwrap()).unwrap();
    assert!(!bridge.fill(&mut [0; 160]));
}
