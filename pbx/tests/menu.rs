//! The voice menu with its prompts and digits as RTP, from the first packet to the bridge.

mod office;

use std::time::Duration;

use bytes::Bytes;
use office::Scene;
use pbx::directory::Party;
use rtp_core::telephone_event::{EventCode, EventReport};
use rtp_core::{Header, Packet, PayloadType, Ssrc};
use testkit::{Answering, Datagram, Seen};

/// A caller that sends RTP from where its SDP says.
struct Voice {
    n: u8,
    sequence: u16,
    timestamp: u32,
}

impl Voice {
    fn new(n: u8) -> Self {
        Self { n, sequence: 1, timestamp: 0 }
    }

    fn send(&mut self, scene: &mut Scene, payload_type: u8, payload: &[u8]) {
        let phone = scene.phone(self.n);
        let session = phone.session().expect("a call");
        let agreed = session.negotiated().expect("an agreed session");
        let local = session.local();
        let header = Header::new(
            PayloadType::new(payload_type).unwrap(),
            self.sequence,
            self.timestamp,
            Ssrc(u32::from(self.n)),
        );
        let mut bytes = vec![0; 12 + payload.len()];
        header.write_packet(payload, 0, &mut bytes).unwrap();
        self.sequence += 1;
        let datagram = Datagram {
            source: (local.address, local.port).into(),
            destination: agreed.remote.unwrap(),
            bytes: Bytes::from(bytes),
        };
        let now = scene.world.now();
        scene.world.network().send(now, datagram);
    }

    fn speak(&mut self, scene: &mut Scene, frames: u32) {
        for n in 0..frames {
            self.send(scene, 8, &[n as u8; 160]);
            self.timestamp += 160;
            scene.run_for(Duration::from_millis(20));
        }
    }

    fn press(&mut self, scene: &mut Scene, digit: char) {
        let code = EventCode::from_digit(digit).unwrap();
        for n in 1..=7u16 {
            let report = EventReport { code, end: n > 4, volume: 10, duration: 160 * n.min(5) };
            self.send(scene, 101, &report.to_bytes());
            scene.run_for(Duration::from_millis(20));
        }
        self.timestamp += 1_600;
    }
}

/// RTP packets that reached telephone `n` since the record began.
fn heard(scene: &mut Scene, n: u8) -> Vec<Vec<u8>> {
    let local = scene.phone(n).session().expect("a call").local();
    let here = (local.address, local.port).into();
    let passages = scene.world.network().passages();
    passages
        .iter()
        .filter(|passage| passage.datagram.destination == here)
        .map(|passage| passage.datagram.bytes.to_vec())
        .collect()
}

fn payloads(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    packets.iter().map(|bytes| Packet::parse(bytes).unwrap().payload().to_vec()).collect()
}

#[test]
fn a_key_leads_to_an_extension_and_both_hear_each_other() {
    let mut scene = Scene::new(3);
    scene.answering(2, Answering::After(Duration::from_secs(1)));
    scene.act(1, |alice, now| alice.call(now, "700"));
    scene.run_for(Duration::from_millis(500));
    let greeting = heard(&mut scene, 1);
    assert!(greeting.len() > 20, "the greeting is playing: {} packets", greeting.len());

    let mut alice = Voice::new(1);
    alice.speak(&mut scene, 5);
    alice.press(&mut scene, '2');
    scene.world.network().forget();
    scene.run_for(Duration::from_millis(1_500));
    assert_eq!(heard(&mut scene, 1), [] as [Vec<u8>; 0], "a key stops the greeting");
    // Two seconds after the key there is no further one: it stands for 102.
    scene.run_for_seconds(1);
    assert!(scene.seen(2).contains(&Seen::Called));
    assert!(!heard(&mut scene, 1).is_empty(), "alice hears it ringing");
    scene.run_for_seconds(1);
    assert!(scene.seen(2).contains(&Seen::Acknowledged), "bob answers");

    let mut bob = Voice::new(2);
    scene.world.network().forget();
    for _ in 0..10 {
        alice.speak(&mut scene, 1);
        bob.speak(&mut scene, 1);
    }
    assert_eq!(payloads(&heard(&mut scene, 2)).len(), 10);
    assert_eq!(payloads(&heard(&mut scene, 1)).len(), 10);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(1);
    assert!(scene.seen(1).ends_with(&[Seen::HungUp]));
    assert_eq!(scene.record().answered_by, Some(Party::Extension("102".into())));
    scene.rest();
}

#[test]
fn a_number_is_dialled_and_a_busy_one_apologised_for() {
    let mut scene = Scene::new(3);
    scene.answering(3, Answering::Refuse(486));
    scene.act(1, |alice, now| alice.call(now, "700"));
    scene.run_for(Duration::from_millis(500));
    let mut alice = Voice::new(1);
    alice.speak(&mut scene, 5);
    for digit in ['1', '0', '3'] {
        alice.press(&mut scene, digit);
    }
    scene.run_for(Duration::from_millis(200));
    assert_eq!(scene.seen(3), [Seen::Called]);
    scene.world.network().forget();
    scene.run_for_seconds(3);
    // The apology of one second, then the greeting of one second.
    let packets = heard(&mut scene, 1);
    assert!((80..=100).contains(&packets.len()), "{} packets", packets.len());
    // Then the echo test by key.
    alice.press(&mut scene, '9');
    alice.press(&mut scene, '#');
    scene.run_for(Duration::from_millis(200));
    scene.world.network().forget();
    alice.speak(&mut scene, 10);
    scene.run_for(Duration::from_millis(200));
    let echoed = payloads(&heard(&mut scene, 1));
    let said: Vec<_> = (0..10).map(|n| vec![n as u8; 160]).collect();
    let returned = echoed.iter().filter(|frame| said.contains(frame)).count();
    assert!(returned >= 7, "{returned} of 10; the rest may be stretched");
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn a_caller_who_presses_nothing_is_let_go() {
    let mut scene = Scene::new(1);
    scene.act(1, |alice, now| alice.call(now, "700"));
    scene.run_for_seconds(30);
    assert!(scene.seen(1).ends_with(&[Seen::Accepted, Seen::HungUp]));
    // Two greetings of one second less its last frame, and two waits of five.
    assert_eq!(scene.record().billable_seconds(), 11);
    scene.rest();
}

#[test]
fn a_call_without_voice_is_ended() {
    let mut scene = Scene::new(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    let mut alice = Voice::new(1);
    alice.speak(&mut scene, 100);
    scene.run_for_seconds(40);
    assert!(scene.seen(1).ends_with(&[Seen::HungUp]), "bob never sent anything");
    assert_eq!(scene.record().cause, pbx::call::Cause::NETWORK_OUT_OF_ORDER);
    let media = scene.record().caller_media.unwrap();
    assert_eq!((media.packets_received, media.packets_lost), (100, 0));
    scene.rest();
}

#[test]
fn digits_in_info_work_the_menu_and_reach_the_other_leg() {
    let mut scene = Scene::new(3);
    scene.answering(3, Answering::After(Duration::ZERO));
    scene.act(1, |alice, now| alice.call(now, "700"));
    scene.run_for(Duration::from_millis(500));
    let relay = "application/dtmf-relay";
    for (kind, body) in
        [(relay, "Signal=1\r\nDuration=160\r\n"), ("application/dtmf", "0"), (relay, "Signal= 3")]
    {
        scene.act(1, |alice, now| alice.inform(now, kind, body));
        scene.run_for(Duration::from_millis(100));
    }
    scene.run_for_seconds(1);
    assert!(scene.seen(3).contains(&Seen::Acknowledged), "103 was dialled and answered");
    let answers = scene.seen(1).iter().filter(|seen| **seen == Seen::Informed(200)).count();
    assert_eq!(answers, 3);

    scene.world.network().forget();
    scene.act(1, |alice, now| alice.inform(now, relay, "Signal=#\r\nDuration=100"));
    scene.run_for_seconds(1);
    let reports: Vec<_> = payloads(&heard(&mut scene, 3))
        .iter()
        .filter_map(|payload| EventReport::parse(payload).ok()?.next())
        .collect();
    assert!(!reports.is_empty() && reports.iter().all(|report| report.code.digit() == Some('#')));

    let before = scene.seen(1).len();
    for (kind, body) in [(relay, "Signal=x"), ("text/plain", "5"), ("application/dtmf", "")] {
        scene.act(1, |alice, now| alice.inform(now, kind, body));
        scene.run_for(Duration::from_millis(100));
    }
    let refused = [Seen::Informed(400), Seen::Informed(415), Seen::Informed(200)];
    assert_eq!(scene.seen(1)[before..], refused);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}
