//! The program over captures that are written here.

mod capture;

use std::process::{Command, Output};
use std::time::Duration;

use codec_g711::kernel::Kernel;
use rtp_core::dtmf::{Digit, Generator, GeneratorConfig};
use rtp_core::srtp::{MasterKey, Policy, Protector, SrtpConfig};
use rtp_core::telephone_event::{EventCode, EventReport};
use rtp_core::{Header, PayloadType, Ssrc};
use serde_json::Value;

use capture::{Capture, Format};

type Encode = fn(Kernel, &[i16], &mut [u8]) -> usize;

const A: &str = "192.0.2.1:4000";
const B: &str = "192.0.2.2:5000";

fn doctor(capture: &Capture, format: Format, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.pcap");
    std::fs::write(&file, capture.write(format)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtp-doctor"));
    command.args(arguments).arg(file).output().unwrap()
}

fn streams(capture: &Capture) -> Vec<Value> {
    let output = doctor(capture, Format::Pcap, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let streams = report["streams"].as_array().unwrap().clone();
    let findings: usize =
        streams.iter().map(|stream| stream["findings"].as_array().unwrap().len()).sum();
    assert_eq!(report["findings"], findings);
    assert_eq!(output.status.code(), Some(i32::from(findings > 0)));
    streams
}

fn kinds(stream: &Value) -> Vec<&str> {
    let findings = stream["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

fn rtp(payload_type: u8, number: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let payload_type = PayloadType::new(payload_type).unwrap();
    let header = Header::new(payload_type, number, timestamp, Ssrc(ssrc));
    let mut bytes = vec![0; 12 + payload.len()];
    header.write_packet(payload, 0, &mut bytes).unwrap();
    bytes
}

/// Ten seconds of A-law from one address to another, without the packets that `lost` names.
fn speech(capture: &mut Capture, from: &str, to: &str, ssrc: u32, lost: impl Fn(u16) -> bool) {
    for number in (0..500).filter(|&number| !lost(number)) {
        let packet = rtp(8, number, 160 * u32::from(number), ssrc, &[0xd5; 160]);
        capture.udp(20_000 * u64::from(number) + u64::from(ssrc), from, to, &packet);
    }
}

fn call(lost: impl Fn(u16) -> bool) -> Capture {
    let mut capture = Capture::default();
    speech(&mut capture, A, B, 1, lost);
    speech(&mut capture, B, A, 2, |_| false);
    capture
}

#[test]
fn a_good_call_is_called_good_whatever_the_format() {
    let capture = call(|_| false);
    let expected = doctor(&capture, Format::Pcap, &["--json"]);
    assert_eq!(expected.status.code(), Some(0));
    for format in Format::ALL {
        let output = doctor(&capture, format, &["--json"]);
        assert_eq!(output.stdout, expected.stdout, "{format:?}");
    }
    for stream in streams(&capture) {
        assert_eq!((&stream["packets"], &stream["lost"]), (&499.into(), &0.into()));
        assert_eq!((&stream["packet_ms"], &stream["jitter_ms"]), (&20.0.into(), &0.0.into()));
        assert_eq!(stream["formats"][0]["name"], "PCMA");
        assert!(stream["mos"].as_f64().unwrap() > 4.3, "{stream}");
    }
    let text = String::from_utf8(doctor(&capture, Format::Pcap, &[]).stdout).unwrap();
    assert!(text.contains("192.0.2.1:4000 > 192.0.2.2:5000  SSRC 00000001  PCMA 20 ms"), "{text}");
    assert!(text.ends_with("Nothing looks wrong.\n"), "{text}");
}

#[test]
fn loss_and_what_it_does_to_speech() {
    let random = streams(&call(|number| number % 20 == 10));
    assert_eq!(random[0]["lost"], 25);
    assert_eq!(kinds(&random[0]), ["loss"]);
    assert!(kinds(&random[1]).is_empty());
    let bursts = streams(&call(|number| number % 100 >= 95 && number < 499));
    assert_eq!((&bursts[0]["lost"], &bursts[0]["bursts"]), (&24.into(), &5.into()));
    assert_eq!(bursts[0]["burst_density"], 1.0);
    let mos = |stream: &Value| stream["mos"].as_f64().unwrap();
    assert!(mos(&random[0]) < mos(&random[1]) - 0.3);
}

#[test]
fn jitter_is_measured() {
    let mut capture = Capture::default();
    for number in 0..200u16 {
        let packet = rtp(0, number, 800 * u32::from(number), 1, &[0xff; 800]);
        let late = if number % 2 == 0 { 0 } else { 60_000 };
        capture.udp(100_000 * u64::from(number) + late, A, B, &packet);
    }
    speech(&mut capture, B, A, 2, |_| false);
    capture.sort();
    let streams = streams(&capture);
    let jitter = streams[0]["jitter_ms"].as_f64().unwrap();
    assert!((50.0..65.0).contains(&jitter), "{jitter}");
    assert_eq!(kinds(&streams[0]), ["jitter"]);
}

#[test]
fn one_way_audio_is_seen() {
    let mut capture = Capture::default();
    speech(&mut capture, A, B, 1, |_| false);
    assert_eq!(kinds(&streams(&capture)[0]), ["one-way"]);
}

#[test]
fn a_wrong_port_is_seen_by_icmp() {
    let mut capture = call(|_| false);
    let lost = rtp(8, 0, 0, 1, &[0xd5; 160]);
    capture.unreachable(50_000, A, B, &lost);
    let streams = streams(&capture);
    assert_eq!(kinds(&streams[0]), ["wrong-port"]);
    assert!(kinds(&streams[1]).is_empty());
}

#[test]
fn a_wrong_port_is_seen_by_sdp() {
    let mut capture = Capture::default();
    let body = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
                m=audio 5002 RTP/AVP 96\r\na=rtpmap:96 PCMA/8000\r\n";
    let message = format!(
        "SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    capture.udp(0, "192.0.2.2:5060", "192.0.2.1:5060", message.as_bytes());
    speech(&mut capture, A, B, 1, |_| false);
    speech(&mut capture, B, A, 2, |_| false);
    let streams = streams(&capture);
    assert_eq!(kinds(&streams[0]), ["wrong-port"]);
    let text = streams[0]["findings"][0]["text"].as_str().unwrap();
    assert_eq!(text, "goes to port 5000, but SDP asks for 5002");
}

#[test]
fn a_wrong_port_is_seen_by_where_the_other_side_sends_from() {
    let mut capture = Capture::default();
    speech(&mut capture, A, B, 1, |_| false);
    speech(&mut capture, "192.0.2.2:6000", A, 2, |_| false);
    let streams = streams(&capture);
    let text = streams[0]["findings"][0]["text"].as_str().unwrap();
    assert_eq!(text, "goes to port 5000, while 192.0.2.2 sends from 6000");
    assert!(kinds(&streams[1]).is_empty());
}

#[test]
fn two_sources_are_seen_and_a_switch_is_not() {
    let mut capture = call(|_| false);
    speech(&mut capture, "198.51.100.9:7000", B, 3, |_| false);
    capture.sort();
    let both = streams(&capture);
    assert_eq!(kinds(&both[0]), ["two-sources"]);
    assert_eq!(kinds(&both[2]), ["one-way", "two-sources"]);

    let mut capture = Capture::default();
    speech(&mut capture, A, B, 1, |number| number >= 250);
    speech(&mut capture, A, B, 7, |number| number < 250);
    speech(&mut capture, B, A, 2, |_| false);
    let switched = streams(&capture);
    assert_eq!(switched.len(), 3);
    assert!(switched.iter().all(|stream| kinds(stream).is_empty()), "{switched:?}");
}

#[test]
fn digits_are_read_with_and_without_sdp() {
    let mut capture = Capture::default();
    let (mut number, mut micros) = (0u16, 0);
    for digit in "12#*0".chars() {
        let code = EventCode::from_digit(digit).unwrap();
        let begin = 160 * u32::from(number);
        for update in 1..=8u16 {
            let end = update > 5;
            let report = EventReport { code, end, volume: 10, duration: 160 * update.min(6) };
            capture.udp(micros, A, B, &rtp(101, number, begin, 1, &report.to_bytes()));
            number += 1;
            micros += 20_000;
        }
        for _ in 0..20 {
            capture.udp(micros, A, B, &rtp(8, number, 160 * u32::from(number), 1, &[0xd5; 160]));
            number += 1;
            micros += 20_000;
        }
    }
    speech(&mut capture, B, A, 2, |_| false);
    let streams = streams(&capture);
    assert_eq!(streams[0]["digits"], "12#*0");
    assert_eq!(streams[0]["lost"], 0);
    assert_eq!(streams[0]["formats"].as_array().unwrap().len(), 1);
}

#[test]
fn digits_are_heard_in_the_sound() {
    let mut generator = Generator::new(GeneratorConfig::default());
    let press = Duration::from_millis(70);
    for digit in "5551#".chars() {
        generator.press(Digit::from_char(digit).unwrap(), press).unwrap();
    }
    for (law, payload_type) in [(Kernel::ulaw_encode as Encode, 0), (Kernel::alaw_encode, 8)] {
        let (mut capture, mut sounding) = (Capture::default(), generator.clone());
        for number in 0..100u16 {
            let (mut pcm, mut codes) = ([0; 160], [0; 160]);
            sounding.fill(&mut pcm);
            law(Kernel::PORTABLE, &pcm, &mut codes);
            // A packet is lost in a pause, and one comes twice.
            if number != 60 {
                let packet = rtp(payload_type, number, 160 * u32::from(number), 1, &codes);
                capture.udp(20_000 * u64::from(number), A, B, &packet);
                if number == 30 {
                    capture.udp(20_000 * u64::from(number) + 1, A, B, &packet);
                }
            }
        }
        let streams = streams(&capture);
        assert_eq!(
            (&streams[0]["digits_in_band"], &streams[0]["digits"]),
            (&"5551#".into(), &"".into())
        );
    }
}

#[test]
fn srtp_is_read_by_who_has_the_key() {
    let material: Vec<u8> = (1..=30).collect();
    let key = MasterKey::from_bytes(Policy::AesCm128HmacSha1_80, &material).unwrap();
    let mut protector = Protector::new(key, SrtpConfig::default()).unwrap();
    let mut capture = Capture::default();
    for number in 0..100u16 {
        let packet = if (50..53).contains(&number) {
            let code = EventCode::from_digit('7').unwrap();
            let report = EventReport { code, end: true, volume: 10, duration: 800 };
            rtp(101, number, 8_000, 1, &report.to_bytes())
        } else {
            rtp(8, number, 160 * u32::from(number), 1, &[0xd5; 160])
        };
        let mut wire = packet.clone();
        wire.resize(packet.len() + protector.rtp_overhead(), 0);
        protector.protect_rtp(&mut wire, packet.len()).unwrap();
        capture.udp(20_000 * u64::from(number), A, B, &wire);
    }
    let hex: String = material.iter().map(|octet| format!("{octet:02x}")).collect();
    let key = format!("AES_CM_128_HMAC_SHA1_80:{hex}");
    let event = ["--payload", "101=telephone-event/8000", "--json"];
    let with = |more: &[&str]| -> Value {
        let output = doctor(&capture, Format::Pcap, &[&event[..], more].concat());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["streams"][0].clone()
    };
    assert_eq!(with(&["--srtp", &key])["digits"], "7");
    let without = with(&[]);
    assert_eq!((&without["packets"], &without["lost"]), (&99.into(), &0.into()));
    assert_ne!(without["digits"], "7");
    for wrong in ["", "AES", "AES_CM_128_HMAC_SHA1_80:00", "X:00", "AES_CM_128_HMAC_SHA1_80:0g"] {
        let output = doctor(&capture, Format::Pcap, &["--srtp", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn clocks_are_told_or_guessed() {
    let mut capture = Capture::default();
    for number in 0..250u16 {
        let packet = rtp(96, number, 960 * u32::from(number), 1, &[7; 80]);
        capture.udp(20_000 * u64::from(number), A, B, &packet);
    }
    let guessed = streams(&capture);
    assert_eq!(guessed[0]["formats"][0]["clock_hz"], 48_000);
    assert_eq!((&guessed[0]["packet_ms"], &guessed[0]["mos"]), (&20.0.into(), &Value::Null));
    let output = doctor(&capture, Format::Pcap, &["--payload", "96=opus/48000"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("opus 20 ms"));
}

#[test]
fn duplicates_pauses_and_restarts() {
    let mut capture = Capture::default();
    for number in 0..500u16 {
        // Another number space from the middle on, after three seconds of nothing.
        let (wire, late) = if number < 250 { (number, 0) } else { (number + 20_000, 3_000_000) };
        let packet = rtp(8, wire, 160 * u32::from(number), 1, &[0xd5; 160]);
        let time = 20_000 * u64::from(number) + late;
        capture.udp(time, A, B, &packet);
        if number % 20 == 0 {
            capture.udp(time + 100, A, B, &packet);
        }
    }
    speech(&mut capture, B, A, 2, |_| false);
    let streams = streams(&capture);
    let kinds = kinds(&streams[0]);
    for kind in ["duplicates", "pause", "restart"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[test]
fn noise_is_no_stream_and_damage_is_said() {
    let mut capture = Capture::default();
    for number in 0..1_000u32 {
        // Looks like RTP, each time from another source.
        capture.udp(u64::from(number), A, B, &rtp(8, number as u16, 0, number * 77, &[1; 20]));
        capture.udp(u64::from(number), A, B, &[number as u8; 30]);
    }
    assert!(streams(&capture).is_empty());

    let whole = call(|_| false).write(Format::Pcap);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("empty", &[][..]), ("text", b"hello"), ("cut", &whole[..whole.len() - 50])]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let doctor = Command::new(env!("CARGO_BIN_EXE_rtp-doctor")).arg(&file).output().unwrap();
        assert_eq!(doctor.status.code(), Some(2), "{name}");
        assert!(!doctor.stderr.is_empty());
    }
}
