//! What the store holds of each registration, and when it has to be told of a refresh.
//!
//! A refresh that only extends a registration is written when half of the time that the store knows
//! of has passed, at the latest: so a telephone that registers every half minute to keep its NAT open
//! costs one write an hour, and what the store holds never runs out before the registration does.
//! After a sudden end a registration may look shorter than it was, never longer.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use sip_core::registrar::{AddressOfRecord, Binding};

/// What the store was last told of each binding.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    kept: HashMap<Key, Kept>,
    /// Refreshes that the store has still to be told of, by when.
    behind: BTreeMap<(Duration, u64), Key>,
    next: u64,
}

/// Names a binding: its address of record, and a hash of its contact. Who can make two contacts of
/// one address with the same hash is their owner, and has nothing from it.
type Key = (AddressOfRecord, u64);

#[derive(Debug)]
struct Kept {
    /// Everything but its contact's URI, end, Call-ID and CSeq, hashed.
    rest: u64,
    until: Duration,
    /// When half of the time until then has passed.
    half: Duration,
    behind: Option<(Duration, u64)>,
}

impl Keeping {
    /// Whether a binding that was registered or refreshed is to be written now. If not, it is among
    /// what [`due`](Self::due) gives later. `contact` is the text of its contact's URI.
    pub(super) fn note(&mut self, now: Duration, binding: &Binding, contact: &str) -> bool {
        let mut key = key(binding, contact);
        let rest = rest(binding);
        if let Some((known, _)) = self.kept.get_key_value(&key) {
            // Its memory lies where the registrar's does.
            key.clone_from(known);
        }
        if let Some(kept) = self.kept.get_mut(&key)
            && kept.rest == rest
            && kept.until <= binding.expires
            && now < kept.half
        {
            if kept.behind.is_none() && kept.until < binding.expires {
                let at = (kept.half, self.next);
                self.next += 1;
                kept.behind = Some(at);
                self.behind.insert(at, key);
            }
            return false;
        }
        self.wrote(now, key, rest, binding.expires);
        true
    }

    /// A binding that the store has told us of.
    pub(super) fn restored(&mut self, now: Duration, binding: &Binding) {
        self.wrote(now, key_of(binding), rest(binding), binding.expires);
    }

    /// A binding is gone.
    pub(super) fn forget(&mut self, binding: &Binding) {
        if let Some(kept) = self.kept.remove(&key_of(binding))
            && let Some(behind) = kept.behind
        {
            self.behind.remove(&behind);
        }
    }

    /// The address of record and the contact's hash of a binding that is to be written now: give
    /// each of that address to [`is`](Self::is), and the one to [`note`](Self::note).
    pub(super) fn due(&mut self, now: Duration) -> Option<Key> {
        let first = self.behind.first_entry().filter(|first| first.key().0 <= now)?;
        let key = first.remove();
        if let Some(kept) = self.kept.get_mut(&key) {
            kept.behind = None;
        }
        Some(key)
    }

    /// Whether a key of [`due`](Self::due) names a binding.
    pub(super) fn is(named: &Key, binding: &Binding) -> bool {
        key_of(binding) == *named
    }

    pub(super) fn shrink(&mut self) {
        self.kept.shrink_to_fit();
    }

    /// Names every binding by the registrar's own names, which have been moved.
    pub(super) fn rename<'a>(&mut self, bindings: impl Iterator<Item = &'a Binding>) {
        for key in bindings.map(key_of) {
            if let Some(kept) = self.kept.remove(&key) {
                if let Some(name) = kept.behind.and_then(|behind| self.behind.get_mut(&behind)) {
                    name.clone_from(&key);
                }
                self.kept.insert(key, kept);
            }
        }
    }

    /// When to ask for [`due`](Self::due).
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.behind.first_key_value().map(|((at, _), _)| *at)
    }

    fn wrote(&mut self, now: Duration, key: Key, rest: u64, until: Duration) {
        let half = now + until.saturating_sub(now) / 2;
        let kept = Kept { rest, until, half, behind: None };
        if let Some(before) = self.kept.insert(key, kept)
            && let Some(behind) = before.behind
        {
            self.behind.remove(&behind);
        }
    }
}

fn key_of(binding: &Binding) -> Key {
    key(binding, &binding.contact.uri.to_text())
}

fn key(binding: &Binding, contact: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    hasher.write(contact.as_bytes());
    (binding.aor.clone(), hasher.finish())
}

/// What is not in the key: the URI of the contact is.
fn rest(binding: &Binding) -> u64 {
    let mut hasher = DefaultHasher::new();
    binding.contact.display_name.hash(&mut hasher);
    binding.contact.params.hash(&mut hasher);
    binding.q.hash(&mut hasher);
    let flow = &binding.flow;
    (flow.transport, flow.local, flow.remote).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use sip_core::header::{CallId, NameAddr};
    use sip_core::{Flow, SipUri};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn binding(host: u8, expires: Duration) -> Binding {
        let address = std::net::IpAddr::from([192, 0, 2, host]);
        let here = ([192, 0, 2, 1], 5060).into();
        Binding {
            aor: AddressOfRecord::new("101", "office"),
            contact: NameAddr::new(SipUri::new("101", address, None)),
            flow: Flow::udp(here, (address, 5060).into()),
            path: Vec::new(),
            expires,
            q: 1_000,
            call_id: CallId::new("a").unwrap(),
            cseq: 1,
            user_agent: None,
        }
    }

    fn note(keeping: &mut Keeping, now: Duration, binding: &Binding) -> bool {
        keeping.note(now, binding, &binding.contact.uri.to_text())
    }

    #[test]
    fn a_refresh_is_written_when_half_of_the_time_has_passed() {
        let mut keeping = Keeping::default();
        let start = HOUR;
        assert!(note(&mut keeping, start, &binding(2, start + HOUR)), "a new one is written");
        for minute in (1..30).map(|minute| start + minute * HOUR / 60) {
            assert!(!note(&mut keeping, minute, &binding(2, minute + HOUR)));
            assert_eq!(keeping.poll_timeout(), Some(start + HOUR / 2));
            assert!(keeping.due(minute).is_none());
        }
        let half = start + HOUR / 2;
        let due = keeping.due(half).expect("nobody has refreshed it since");
        let latest = binding(2, half + HOUR);
        assert!(Keeping::is(&due, &latest) && !Keeping::is(&due, &binding(3, half + HOUR)));
        assert!(note(&mut keeping, half, &latest));
        assert_eq!((keeping.due(half), keeping.poll_timeout()), (None, None));
        let later = half + HOUR / 2;
        assert!(
            note(&mut keeping, later, &binding(2, later + HOUR)),
            "a refresh at its time is written"
        );
    }

    #[test]
    fn what_changes_or_shortens_is_written_at_once() {
        let mut keeping = Keeping::default();
        let first = binding(2, HOUR);
        assert!(note(&mut keeping, Duration::ZERO, &first));
        let longer = Binding { expires: HOUR + HOUR, cseq: 2, ..first.clone() };
        assert!(!note(&mut keeping, Duration::ZERO, &longer));
        assert!(note(&mut keeping, Duration::ZERO, &Binding { q: 500, ..longer.clone() }));
        assert!(note(&mut keeping, Duration::ZERO, &longer), "back again");
        let there = ([192, 0, 2, 9], 4_000).into();
        let flow = Flow { remote: there, ..longer.flow };
        assert!(note(&mut keeping, Duration::ZERO, &Binding { flow, ..longer.clone() }));
        let shorter = Binding { flow, expires: HOUR, ..longer };
        assert!(note(&mut keeping, Duration::ZERO, &shorter), "never longer than it is");
        assert!(note(&mut keeping, Duration::ZERO, &binding(3, HOUR)), "another telephone");
        assert_eq!(keeping.poll_timeout(), None);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut keeping = Keeping::default();
        keeping.restored(Duration::ZERO, &binding(2, HOUR));
        assert!(!note(&mut keeping, Duration::ZERO, &binding(2, HOUR)), "the store has it");
        assert_eq!(keeping.poll_timeout(), None, "nothing new for the store");
        assert!(!note(&mut keeping, Duration::ZERO, &binding(2, HOUR + HOUR)));
        assert!(keeping.poll_timeout().is_some());
        let others = [binding(2, HOUR), binding(3, HOUR)];
        keeping.rename(others.iter());
        assert!(!note(&mut keeping, Duration::ZERO, &binding(2, HOUR)), "known by another name");
        let names = keeping.kept.keys().chain(keeping.behind.values());
        let place = |aor: &AddressOfRecord| aor.as_str().as_ptr();
        assert!(names.map(|(aor, _)| place(aor)).eq([place(&others[0].aor); 2]));
        keeping.forget(&binding(2, HOUR));
        assert_eq!(keeping.poll_timeout(), None);
        assert!(keeping.kept.is_empty() && keeping.behind.is_empty());
    }
}
