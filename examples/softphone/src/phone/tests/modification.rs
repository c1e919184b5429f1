//! Sessions that change: early media, hold, offers that come late.

use sip_core::sdp::Direction;

use super::*;
use crate::phone::Media;

fn media(handset: &Handset) -> Vec<(Direction, bool)> {
    let of = |(_, event): &(Duration, Event)| match event {
        Event::Media(Media { direction, early, .. }) => Some((*direction, *early)),
        _ => None,
    };
    handset.events.iter().filter_map(of).collect()
}

#[test]
fn early_media_are_there_before_the_answer() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    town.scripted(2, 1, testkit::Answering::EarlyMedia(secs(2)));
    town.call(alice, 2);
    town.run_for(secs(1));
    assert_eq!(media(town.handset(alice)), [(Direction::SendRecv, true)]);
    assert!(town.handset(alice).said(|event| *event == Event::Answered).is_empty());
    town.run_for(secs(2));
    let all = [(Direction::SendRecv, true), (Direction::SendRecv, false)];
    assert_eq!(media(town.handset(alice)), all);
    assert_eq!(town.handset(alice).said(|event| *event == Event::Answered).len(), 1);
}

#[test]
fn a_peer_that_holds_us_is_only_listened_to() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    let scripted = town.scripted(2, 1, testkit::Answering::After(secs(1)));
    town.call(alice, 2);
    town.run_for(secs(2));
    town.act_scripted(scripted, |phone, now| phone.modify(now, Direction::SendOnly));
    town.run_for(secs(1));
    town.act_scripted(scripted, |phone, now| phone.modify(now, Direction::SendRecv));
    town.run_for(secs(1));
    let all = [Direction::SendRecv, Direction::RecvOnly, Direction::SendRecv];
    assert_eq!(media(town.handset(alice)), all.map(|direction| (direction, false)));
    let sent = |from: Duration, to: Duration, town: &mut Town| {
        let rtp = SocketAddr::new(address(1).ip(), 4_000);
        let passages = town.world.network().passages();
        passages.iter().filter(|p| p.datagram.source == rtp && p.sent > from && p.sent < to).count()
    };
    assert_eq!(
        sent(ms(2_010), ms(2_990), &mut town),
        0,
        "nothing is sent to one who does not listen"
    );
    assert!(sent(ms(3_010), ms(3_990), &mut town) >= 48);
}

#[test]
fn an_invite_without_an_offer_gets_ours_in_the_200_and_the_answer_in_the_ack() {
    let mut town = Town::new(Faults::NONE);
    let bob = town.phone(2, settings("bob"));
    let scripted = town.scripted(1, 2, testkit::Answering::Never);
    town.act_scripted(scripted, |phone, now| {
        phone.settings().delayed_offer = true;
        phone.call(now, "bob");
    });
    town.run_for(secs(4));
    assert_eq!(media(town.handset(bob)), [(Direction::SendRecv, false)]);
    assert_eq!(town.handset(bob).said(|event| matches!(event, Event::Tick { .. })).len(), 2);
    town.act_scripted(scripted, |phone, now| phone.hang_up(now));
    town.run_for(secs(1));
    assert_eq!(town.handset(bob).ending(), Some(&Ending::Theirs(None)));
}
