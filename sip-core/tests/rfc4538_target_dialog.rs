//! Target-Dialog (RFC 4538): a request outside a dialog that shows that it knows one.

mod common;

use common::naming::{LOCAL_REMOTE, naming};
use common::*;
use sip_core::endpoint::Named;
use sip_core::header::TargetDialog;
use sip_core::{Method, Transport};

fn lab() -> Lab {
    Lab::with(Transport::Udp, extended(&["tdialog"]))
}

/// What Bob is told of an OPTIONS of Alice's with the header.
fn hinted(lab: &mut Lab, header: TargetDialog) -> Option<Named> {
    let mut options = request(Method::Options, Alice);
    options.headers.push(header);
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.request(now, options, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Options);
    let named = lab.bob.named(asked.id);
    lab.answer(Bob, &asked, 200);
    named
}

/// §5: a dialog that is not known only means that the request proves nothing.
#[test]
fn a_target_dialog_is_a_hint() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    let header: TargetDialog = naming(&lab, bobs, LOCAL_REMOTE, "");
    let mut unknown = header.clone();
    unknown.local_tag = "other".to_owned();
    let mut turned = header.clone();
    core::mem::swap(&mut turned.local_tag, &mut turned.remote_tag);
    assert_eq!(hinted(&mut lab, unknown), None);
    assert_eq!(hinted(&mut lab, turned), None, "the sides are not exchanged");
    assert_eq!(hinted(&mut lab, header), Some(Named::Target(bobs)));
}

#[test]
fn who_does_not_support_it_is_told_nothing() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let header: TargetDialog = naming(&lab, bobs, LOCAL_REMOTE, "");
    assert_eq!(hinted(&mut lab, header), None);
}
