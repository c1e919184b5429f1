//! Join (RFC 3911): a call that wants to be mixed with another.

mod common;

use common::naming::{TO_FROM, invite_with, naming};
use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Event, Named};
use sip_core::header::{Join, Replaces, TypedHeader};
use sip_core::{Method, Transport};

fn lab() -> Lab {
    Lab::with(Transport::Udp, extended(&["replaces", "join"]))
}

#[test]
fn a_join_leaves_the_call_alone() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    lab.clear_ladder();
    let header: Join = naming(&lab, bobs, TO_FROM, "");
    invite_with(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(lab.bob.named(asked.id), Some(Named::Join(bobs)));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 200
    ");
    lab.no_event(Bob);
    assert_eq!(lab.bob.dialogs(), 2);
    let stranger = Join::parse(b"nobody;to-tag=1;from-tag=2").unwrap();
    invite_with(&mut lab, stranger);
    lab.expect_response(Alice, 200);
    lab.expect_response(Alice, 481);
}

/// §4: a header twice, or Join beside Replaces, is malformed.
#[test]
fn join_and_replaces_exclude_each_other() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    let (now, flow) = (lab.now, lab.flow(Alice));
    for both in [true, false] {
        let mut invite = request(Method::Invite, Alice);
        invite.headers.push(naming::<Join>(&lab, bobs, TO_FROM, ""));
        if both {
            invite.headers.push(naming::<Replaces>(&lab, bobs, TO_FROM, ""));
        } else {
            invite.headers.push(naming::<Join>(&lab, bobs, TO_FROM, ""));
        }
        lab.alice.invite(now, invite, flow).unwrap();
        lab.settle();
        lab.expect_response(Alice, 400);
    }
    lab.ignore_events(Bob);
    assert_eq!(lab.bob.dialogs(), 1);
}

/// §4: what has ended is not joined, and the tags have to be those of the dialog, each on its side.
#[test]
fn what_is_not_there_is_not_joined() {
    let mut lab = lab();
    let (alices, bobs) = lab.call();
    let header: Join = naming(&lab, bobs, TO_FROM, "");
    let turned =
        Join { to_tag: header.from_tag.clone(), from_tag: header.to_tag.clone(), ..header.clone() };
    invite_with(&mut lab, turned);
    lab.expect_response(Alice, 481);
    lab.hang_up(Alice, alices);
    invite_with(&mut lab, header);
    match lab.event(Alice) {
        Event::Response { response, .. } => assert!(response.status.code() >= 400),
        other => panic!("{other:?}"),
    }
    lab.no_event(Bob);
    lab.rest();
}

/// Without the option tag in our Supported the header is another's business.
#[test]
fn who_does_not_support_join_sees_an_ordinary_call() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let header: Join = naming(&lab, bobs, TO_FROM, "");
    invite_with(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(lab.bob.named(asked.id), None);
}
