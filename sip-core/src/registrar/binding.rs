//! An address of record and where it can be reached.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use crate::flow::Flow;
use crate::header::{CallId, NameAddr};
use crate::keyed::with_joined;
use crate::text::str;
use crate::{TelUri, Uri};

/// Who is registered, in the form in which such addresses are compared (§10.3, step 5): user and
/// host for a SIP URI, unescaped, the host in lower case, without port and parameters; the number
/// for a tel URI.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressOfRecord(Arc<str>);

impl AddressOfRecord {
    /// `user@host`.
    pub fn new(user: &str, host: &str) -> Self {
        let host = match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        };
        let parts = [user.as_bytes(), b"@", host.as_bytes()];
        Self(with_joined(&parts, |address| Arc::from(str(address))))
    }

    /// The address that a URI names; `None` for a scheme that has none.
    pub fn of(uri: &Uri) -> Option<Self> {
        if let Some(uri) = uri.as_sip() {
            let user = uri.user().unwrap_or_default();
            return Some(Self::new(&user, &uri.host().to_string()));
        }
        uri.as_tel().map(TelUri::digits).map(|digits| Self(digits.into()))
    }

    /// The same in memory of its own.
    pub(super) fn copied(&self) -> Self {
        Self(self.as_str().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One place where an address of record can be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Whose it is.
    pub aor: AddressOfRecord,
    /// The Contact as it was registered, its `expires` apart.
    pub contact: NameAddr,
    /// The flow that the REGISTER arrived on: the way back through a NAT.
    pub flow: Flow,
    /// The route to the contact (RFC 3327), nearest hop first.
    pub path: Vec<NameAddr>,
    /// When it ends, on the clock of `now`.
    pub expires: Duration,
    /// Preference in thousandths, 0 to 1000; 1000 when the contact names none.
    pub q: u16,
    /// Call-ID of the REGISTER.
    pub call_id: CallId,
    /// CSeq number of the REGISTER.
    pub cseq: u32,
    /// User-Agent of the REGISTER.
    pub user_agent: Option<String>,
}

impl Binding {
    /// The whole seconds that are left at `now`, rounded up.
    pub fn seconds_left(&self, now: Duration) -> u32 {
        let left = self.expires.saturating_sub(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    /// The instance that registered, such as `urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`
    /// (RFC 5626 §4.1).
    pub fn instance(&self) -> Option<String> {
        instance(&self.contact)
    }

    /// The number of the flow among those of its instance, 1 and up; `None` without outbound.
    pub fn reg_id(&self) -> Option<u32> {
        self.flow_of_instance().map(|(_, reg_id)| reg_id)
    }

    pub(super) fn flow_of_instance(&self) -> Option<(String, u32)> {
        flow_of_instance(&self.contact)
    }
}

/// Instance and `reg-id` of a contact; a `reg-id` alone means nothing (RFC 5626 §6).
pub(super) fn flow_of_instance(contact: &NameAddr) -> Option<(String, u32)> {
    let reg_id = contact.params.get("reg-id")?.parse().ok()?;
    (1..1 << 31).contains(&reg_id).then_some((instance(contact)?, reg_id))
}

fn instance(contact: &NameAddr) -> Option<String> {
    let text = contact.params.text("+sip.instance")?;
    let urn = text.strip_prefix('<')?.strip_suffix('>')?;
    (!urn.is_empty()).then(|| urn.to_owned())
}

/// What became of a binding: what a store has to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is new, or was refreshed; its address of record and the URI of its contact say which.
    Registered(Binding),
    /// It is gone.
    Removed {
        /// As it last was.
        binding: Binding,
        /// Why.
        reason: Removal,
    },
}

/// Why a binding is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Removal {
    /// Its owner said so.
    Unregistered,
    /// Nobody refreshed it.
    Expired,
    /// Its connection was lost.
    FlowFailed,
}
