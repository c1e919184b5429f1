//! Headers that name a dialog: Replaces, Join, Target-Dialog.

use sip_core::header::TypedHeader;
use sip_core::{DialogId, Method};

use super::{Alice, Lab, request};

/// What the header calls the two tags: the receiver's own, and its peer's.
pub type Tags = (&'static str, &'static str);

/// Replaces and Join.
pub const TO_FROM: Tags = ("to-tag", "from-tag");
/// Target-Dialog.
pub const LOCAL_REMOTE: Tags = ("local-tag", "remote-tag");

/// A header that names Bob's dialog from his side.
pub fn naming<T: TypedHeader>(lab: &Lab, bobs: DialogId, (own, peer): Tags, more: &str) -> T {
    let dialog = lab.bob.dialog(bobs).unwrap();
    let (local, remote) = (dialog.local_tag(), dialog.remote_tag());
    let call_id = dialog.call_id().as_str();
    T::parse(format!("{call_id};{own}={local};{peer}={remote}{more}").as_bytes()).unwrap()
}

/// An INVITE of Alice's with this header.
pub fn invite_with(lab: &mut Lab, header: impl TypedHeader) {
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(header);
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, invite, flow).unwrap();
    lab.settle();
}
