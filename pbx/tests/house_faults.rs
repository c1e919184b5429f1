//! Faults of the house the exchange lives in: its clock is set, its disk is full, its process ended
//! without a word. Calls go on.

mod office;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use office::{Scene, epoch};
use pbx::exchange::{Event, Input, Settings};
use pbx::store::writer::{SPILL, Writer};
use pbx::store::{Changed, MemoryStore, Store, StoreError, StoredBinding, Versioned, Write};
use sip_core::Transport;
use testkit::{Answering, Faults, Seen};

fn set_clock(scene: &mut Scene, seconds: i64) {
    scene.office_acts(|office, now| {
        let passed = jiff::SignedDuration::try_from(now).unwrap();
        let time = epoch() + passed + jiff::SignedDuration::from_secs(seconds);
        office.input(now, Input::Clock(time));
    });
}

#[test]
fn a_clock_that_is_set_by_an_hour_ends_no_call_and_no_registration() {
    for seconds in [3_600, -3_600] {
        let mut scene = Scene::new(3);
        scene.answering(2, Answering::After(Duration::from_secs(1)));
        scene.act(1, |alice, now| alice.call(now, "102"));
        scene.run_for_seconds(10);
        set_clock(&mut scene, seconds);
        scene.run_for_seconds(20);
        assert!(scene.phone(1).is_busy() && scene.phone(2).is_busy(), "{seconds}: they still talk");
        scene.act(1, |alice, now| alice.hang_up(now));
        scene.run_for_seconds(2);
        let record = scene.record();
        let answered = record.answered.unwrap();
        assert!(record.started <= answered && answered <= record.ended, "{seconds}: {record:?}");
        // 103 had registered before; it is reached as if nothing had happened.
        scene.answering(3, Answering::After(Duration::from_millis(100)));
        scene.act(1, |alice, now| alice.call(now, "103"));
        scene.run_for_seconds(2);
        assert!(scene.seen(3).contains(&Seen::Called), "{seconds}");
        let gone = |event: &&(Duration, Event)| matches!(event.1, Event::Unregistered { .. });
        assert_eq!(scene.office().events.iter().filter(gone).count(), 0, "{seconds}");
    }
}

/// A store on a disk that is full until somebody makes room.
struct Full(MemoryStore, Arc<AtomicBool>);

impl Store for Full {
    fn append(&mut self, writes: &[Write]) -> Result<u64, StoreError> {
        if self.1.load(Ordering::Acquire) {
            return Err(StoreError::Damaged("there is no room".into()));
        }
        self.0.append(writes)
    }

    fn sync(&mut self) -> Result<u64, StoreError> {
        self.0.sync()
    }

    fn bindings(&mut self) -> Result<Vec<StoredBinding>, StoreError> {
        self.0.bindings()
    }

    fn records(
        &mut self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, pbx::record::CallRecord)>, StoreError> {
        self.0.records(after, limit)
    }

    fn next_call(&mut self) -> Result<u64, StoreError> {
        self.0.next_call()
    }

    fn last_sequence(&mut self) -> Result<u64, StoreError> {
        self.0.last_sequence()
    }

    fn value(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.0.value(key)
    }

    fn compare_and_set(
        &mut self,
        key: &str,
        expected: Option<u64>,
        value: Option<&[u8]>,
    ) -> Result<u64, StoreError> {
        self.0.compare_and_set(key, expected, value)
    }

    fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Changed>, StoreError> {
        self.0.changes(after, limit)
    }
}

fn unbind() -> Write {
    Write::Unbind { extension: "101".into(), contact: "sip:101@192.0.2.1".into() }
}

#[test]
fn a_full_disk_holds_no_call_up_keeps_what_fits_and_counts_the_rest() {
    let full = Arc::new(AtomicBool::new(true));
    let writer = Writer::start(Box::new(Full(MemoryStore::new(), Arc::clone(&full)))).unwrap();
    // More than the queue and the group in hand can hold: every answer comes at once.
    let taken = (0..SPILL + 5_000).filter(|_| writer.write(unbind())).count();
    assert!((SPILL..SPILL + 5_000).contains(&taken), "{taken}");
    full.store(false, Ordering::Release);
    let progress = writer.finish();
    assert_eq!(progress.lost, (SPILL + 5_000 - taken) as u64);
    assert_eq!(
        progress.durable, taken as u64,
        "when there is room again, what was kept is written"
    );
}

fn kept(transport: Transport, contact: &str) -> StoredBinding {
    StoredBinding {
        extension: "102".into(),
        contact: contact.into(),
        contact_header: format!("<{contact}>"),
        transport,
        local: office::exchange_address(),
        remote: office::phone_address(2),
        until: epoch() + jiff::SignedDuration::from_secs(600),
        q: 1_000,
        call_id: "kept".into(),
        cseq: 1,
    }
}

/// What an exchange makes of a registration that its predecessor has kept.
fn restored(binding: StoredBinding) -> Scene {
    let mut scene = Scene::unregistered(2, Faults::NONE, 7, Settings::default());
    scene.act(1, |alice, now| alice.register(now));
    scene.office_acts(|office, now| office.input(now, Input::Restore(binding)));
    scene.run_for_seconds(1);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    scene
}

#[test]
fn after_a_restart_datagrams_reach_who_had_registered_and_lost_connections_are_told() {
    let scene = restored(kept(Transport::Udp, "sip:102@192.0.2.2:5060"));
    assert!(scene.seen(2).contains(&Seen::Called));

    // It had called from another port than it listens on: its connection was the only way to it.
    let scene = restored(kept(Transport::Tcp, "sip:102@192.0.2.2:6000;transport=tcp"));
    assert_eq!(scene.seen(1).last(), Some(&Seen::Refused(480)), "{:?}", scene.seen(1));
    let office = scene.office();
    assert!(office.events.iter().any(|(_, event)| matches!(event, Event::Unregistered { .. })));
    assert!(office.writes.iter().any(|write| matches!(write, Write::Unbind { .. })));
}
