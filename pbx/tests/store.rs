//! Both stores keep the same promises, and the file keeps them over restarts.

use std::time::Duration;

use pbx::call::{CallId, Cause};
use pbx::directory::Party;
use pbx::media::StreamStatistics;
use pbx::record::{CallRecord, EndedBy, Transfer};
use pbx::store::writer::Writer;
use pbx::store::{MemoryStore, Store, StoreError, StoredBinding, Write};
use sip_core::Transport;

fn record(call: u64) -> CallRecord {
    CallRecord {
        call: CallId(call),
        sip_call_id: format!("{call}@192.0.2.1"),
        caller: Party::Trunk { trunk: "city".into(), number: "+74955550100".into() },
        dialled: "101".into(),
        answered_by: (call.is_multiple_of(2)).then(|| Party::Extension("101".into())),
        started: "2026-11-21T10:00:00.25Z".parse().unwrap(),
        answered: (call.is_multiple_of(2)).then(|| "2026-11-21T10:00:05Z".parse().unwrap()),
        ended: "2026-11-21T10:01:00Z".parse().unwrap(),
        cause: Cause::NORMAL_CLEARING,
        ended_by: EndedBy::Callee,
        status: 200,
        caller_media: Some(StreamStatistics {
            packets_received: 2_750,
            packets_lost: -2,
            jitter: Duration::from_micros(1_250),
            round_trip: Some(Duration::from_micros(30_500)),
            mos: Some(4.25),
            ..StreamStatistics::default()
        }),
        callee_media: None,
        transfer: call.is_multiple_of(2).then(|| {
            let by = Party::Trunk { trunk: "city".into(), number: "102".into() };
            Box::new(Transfer { by, from: CallId(1) })
        }),
    }
}

fn binding(extension: &str, contact: &str) -> StoredBinding {
    StoredBinding {
        extension: extension.into(),
        contact: contact.into(),
        contact_header: format!("\"Anna\" <{contact}>;q=0.5"),
        transport: Transport::Tcp,
        local: "192.0.2.100:5060".parse().unwrap(),
        remote: "[2001:db8::1]:49152".parse().unwrap(),
        until: "2026-11-21T11:00:00Z".parse().unwrap(),
        q: 500,
        call_id: "a@b".into(),
        cseq: 7,
    }
}

fn keeps_its_promises(store: &mut dyn Store) {
    assert_eq!((store.last_sequence().unwrap(), store.next_call().unwrap()), (0, 1));
    let writes = [
        Write::Record(record(1)),
        Write::Bind(binding("101", "sip:101@192.0.2.1")),
        Write::Bind(binding("101", "sip:101@192.0.2.2")),
        Write::Record(record(2)),
    ];
    assert_eq!(store.append(&writes).unwrap(), 4);
    let moved = StoredBinding { cseq: 8, ..binding("101", "sip:101@192.0.2.2") };
    let writes = [
        Write::Unbind { extension: "101".into(), contact: "sip:101@192.0.2.1".into() },
        Write::Bind(moved.clone()),
    ];
    assert_eq!(store.append(&writes).unwrap(), 6);
    assert_eq!(store.sync().unwrap(), 6);
    assert_eq!(store.bindings().unwrap(), [moved]);
    assert_eq!(store.records(0, 10).unwrap(), [(1, record(1)), (4, record(2))]);
    assert_eq!(store.records(1, 10).unwrap(), [(4, record(2))]);
    assert_eq!(store.records(0, 1).unwrap(), [(1, record(1))]);
    assert_eq!(store.next_call().unwrap(), 3);

    let first = store.compare_and_set("a", None, Some(b"1")).unwrap();
    let second = store.compare_and_set("b", None, Some(b"2")).unwrap();
    assert!(second > first);
    assert!(matches!(
        store.compare_and_set("a", None, Some(b"x")),
        Err(StoreError::Conflict { found: Some(version) }) if version == first
    ));
    let third = store.compare_and_set("a", Some(first), Some(b"3")).unwrap();
    assert_eq!(store.value("a").unwrap().unwrap().value, b"3");
    let removed = store.compare_and_set("b", Some(second), None).unwrap();
    assert_eq!(store.value("b").unwrap(), None);
    let changes = store.changes(second, 10).unwrap();
    let seen: Vec<_> = changes
        .iter()
        .map(|change| (change.version, &*change.key, change.value.is_some()))
        .collect();
    assert_eq!(seen, [(third, "a", true), (removed, "b", false)]);
    assert!(store.compare_and_set("b", None, Some(b"4")).unwrap() > removed);
}

#[test]
fn memory() {
    keeps_its_promises(&mut MemoryStore::new());
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use pbx::store::SqliteStore;

    use super::*;

    #[test]
    fn a_file() {
        let folder = tempfile::tempdir().unwrap();
        keeps_its_promises(&mut SqliteStore::open(&folder.path().join("a.sqlite")).unwrap());
    }

    #[test]
    fn what_was_written_is_there_after_a_sudden_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let mut store = SqliteStore::open(&path).unwrap();
        store.append(&[Write::Record(record(1)), Write::Bind(binding("101", "sip:a"))]).unwrap();
        // The process ends without a word: the connection is never closed.
        std::mem::forget(store);
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.records(0, 10).unwrap(), [(1, record(1))]);
        assert_eq!(store.bindings().unwrap().len(), 1);
        assert_eq!((store.last_sequence().unwrap(), store.next_call().unwrap()), (1 + 1, 2));
    }

    #[test]
    fn a_file_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        drop(SqliteStore::open(&path).unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(error.to_string().contains("later version"), "{error}");
    }

    #[test]
    fn a_file_of_an_earlier_version_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let mut store = SqliteStore::open(&path).unwrap();
        store.append(&[Write::Record(record(1))]).unwrap();
        drop(store);
        let connection = rusqlite::Connection::open(&path).unwrap();
        for column in ["kind", "trunk", "by", "from"] {
            let change = format!("ALTER TABLE record DROP COLUMN transferred_{column}");
            connection.execute_batch(&change).unwrap();
        }
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let mut store = SqliteStore::open(&path).unwrap();
        store.append(&[Write::Record(record(2))]).unwrap();
        drop(store);
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.records(0, 10).unwrap(), [(1, record(1)), (2, record(2))]);
    }

    #[test]
    fn a_locked_file_holds_nothing_up_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let store = SqliteStore::open(&path).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let writer = Writer::start(Box::new(store)).unwrap();
        for call in 1..=100 {
            assert!(writer.write(Write::Record(record(call))), "taken at once");
        }
        assert_eq!(writer.progress().written, 0);
        other.execute_batch("COMMIT").unwrap();
        let progress = writer.finish();
        assert_eq!((progress.written, progress.durable, progress.lost), (100, 100, 0));
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.records(0, 1_000).unwrap().len(), 100);
    }
}

#[test]
fn a_writer_writes_everything_before_it_ends() {
    let writer = Writer::start(Box::new(MemoryStore::new())).unwrap();
    for call in 1..=5_000 {
        assert!(writer.write(Write::Record(record(call))));
    }
    let progress = writer.finish();
    assert_eq!((progress.written, progress.durable, progress.lost), (5_000, 5_000, 0));
}
