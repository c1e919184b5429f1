//! REFER without reports (RFC 4488).

mod common;

use common::referral::{accept, expect_report, refer};
use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Config, Ended, Event};
use sip_core::header::ReferSub;
use sip_core::{Token, Transport};

fn without_reports() -> Lab {
    Lab::with(Transport::Udp, |config: &mut Config| {
        config.supported = vec![Token::from_static("norefersub")];
    })
}

#[test]
fn no_reports_when_both_agree() {
    let mut lab = without_reports();
    let (alices, _) = lab.call();
    lab.clear_ladder();
    let mut request = refer();
    request.headers.push(ReferSub::new(false));
    let ours = lab.alice.refer_in(lab.now, alices, request).unwrap();
    lab.settle();
    assert_eq!(accept(&mut lab), None);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> REFER
      0 <-- 202
    ");
    match lab.event(Alice) {
        Event::SubscriptionEnded { subscription, why } => {
            assert_eq!((subscription, why), (ours, Ended::NoSubscription));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_does_not_know_norefersub_reports() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let mut request = refer();
    request.headers.push(ReferSub::new(false));
    lab.alice.refer_in(lab.now, alices, request).unwrap();
    lab.settle();
    assert!(accept(&mut lab).is_some());
    lab.settle();
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
}
