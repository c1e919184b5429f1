//! The default store: one SQLite file, written ahead to a log (WAL).
//!
//! Commits of `synchronous = NORMAL` reach the log without waiting for the disk, which makes them
//! *written*; [`Store::sync`] flushes the log as a commit of `synchronous = FULL` does at its end, and
//! so makes everything before it *durable*. What SQLite has moved from the log into the database
//! meanwhile it has flushed itself.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Changed, Store, StoreError, StoredBinding, Versioned, Write};
use crate::call::{CallId, Cause};
use crate::directory::Party;
use crate::media::StreamStatistics;
use crate::record::{CallRecord, EndedBy, Transfer};

/// The layout that this version writes.
const LAYOUT: i64 = 2;
/// What is kept in memory of the file.
const CACHE_KIB: i64 = 512;
/// How long to wait for a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sequence (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO sequence VALUES (1, 0);
CREATE TABLE IF NOT EXISTS record (
    sequence INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    sip_call_id TEXT NOT NULL,
    caller_kind TEXT NOT NULL, caller_trunk TEXT, caller TEXT NOT NULL,
    dialled TEXT NOT NULL,
    answered_kind TEXT, answered_trunk TEXT, answered_by TEXT,
    started TEXT NOT NULL, answered TEXT, ended TEXT NOT NULL,
    billable_seconds INTEGER NOT NULL,
    cause INTEGER NOT NULL, ended_by TEXT NOT NULL, status INTEGER NOT NULL,
    caller_media TEXT, callee_media TEXT,
    transferred_kind TEXT, transferred_trunk TEXT, transferred_by TEXT, transferred_from INTEGER
);
CREATE TABLE IF NOT EXISTS binding (
    extension TEXT NOT NULL, contact TEXT NOT NULL, contact_header TEXT NOT NULL,
    transport TEXT NOT NULL, local TEXT NOT NULL, remote TEXT NOT NULL, until TEXT NOT NULL,
    q INTEGER NOT NULL, call_id TEXT NOT NULL, cseq INTEGER NOT NULL,
    PRIMARY KEY (extension, contact)
);
CREATE TABLE IF NOT EXISTS value (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB);
CREATE INDEX IF NOT EXISTS value_version ON value (version);
CREATE INDEX IF NOT EXISTS record_call ON record (call);
";

/// What a file of layout 1 lacks.
const SINCE_1: &str = "
ALTER TABLE record ADD COLUMN transferred_kind TEXT;
ALTER TABLE record ADD COLUMN transferred_trunk TEXT;
ALTER TABLE record ADD COLUMN transferred_by TEXT;
ALTER TABLE record ADD COLUMN transferred_from INTEGER;
";

/// Keeps everything in one file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    log: Log,
    /// Sequence number of the last write, once something was appended.
    appended: Option<u64>,
}

/// The write-ahead log beside the database.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    /// Open as soon as it was flushed once; it stays the same file while the connection lives.
    file: Option<File>,
}

impl SqliteStore {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, is no database, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Self::prepare(Connection::open(path)?)?;
        let mut log: OsString = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self { connection, log: Log { path: log.into(), file: None }, appended: None })
    }

    fn prepare(mut connection: Connection) -> Result<Connection, StoreError> {
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Writes go to the ends of tables, and all is read at the start only: the default of four
        // times as much is filled by many calls and never used.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if layout > LAYOUT {
            return Err(StoreError::Damaged(format!(
                "layout {layout} of a later version; this one knows {LAYOUT}"
            )));
        }
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        if layout == 1 {
            transaction.execute_batch(SINCE_1)?;
        }
        transaction.pragma_update(None, "user_version", LAYOUT)?;
        transaction.commit()?;
        Ok(connection)
    }
}

impl Log {
    fn flush(&mut self) -> std::io::Result<()> {
        if let Some(file) = &self.file {
            return file.sync_data();
        }
        let file = File::options().write(true).open(&self.path)?;
        file.sync_all()?;
        // The name of a new file is the folder's.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let here = folder.as_os_str().is_empty();
            File::open(if here { Path::new(".") } else { folder })?.sync_all()?;
        }
        self.file = Some(file);
        Ok(())
    }
}

impl Store for SqliteStore {
    fn append(&mut self, writes: &[Write]) -> Result<u64, StoreError> {
        let transaction = self.connection.transaction()?;
        let mut sequence: u64 = transaction
            .prepare_cached("SELECT last FROM sequence")?
            .query_row([], |row| row.get(0))?;
        for write in writes {
            sequence += 1;
            match write {
                Write::Record(record) => insert_record(&transaction, sequence, record)?,
                Write::Bind(binding) => insert_binding(&transaction, binding)?,
                Write::Unbind { extension, contact } => {
                    transaction
                        .prepare_cached("DELETE FROM binding WHERE extension = ? AND contact = ?")?
                        .execute(params![extension, contact])?;
                }
            }
        }
        transaction.prepare_cached("UPDATE sequence SET last = ?")?.execute([sequence])?;
        transaction.commit()?;
        self.appended = Some(sequence);
        Ok(sequence)
    }

    fn sync(&mut self) -> Result<u64, StoreError> {
        // Asking the database locks it, which takes longer than most flushes.
        let last = match self.appended {
            Some(last) => last,
            None => self.last_sequence()?,
        };
        self.log.flush().map_err(StoreError::Flush)?;
        Ok(last)
    }

    fn rest(&mut self) {
        // Statements are small and many, each in a page of its own then.
        self.connection.flush_prepared_statement_cache();
        // What cannot be given back is no harm.
        let _ = self.connection.execute_batch("PRAGMA shrink_memory");
    }

    fn last_sequence(&mut self) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT last FROM sequence")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    fn next_call(&mut self) -> Result<u64, StoreError> {
        let highest: Option<u64> =
            self.connection.query_row("SELECT max(call) FROM record", [], |row| row.get(0))?;
        Ok(highest.unwrap_or(0) + 1)
    }

    fn bindings(&mut self) -> Result<Vec<StoredBinding>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT extension, contact, contact_header, transport, local, remote, until, q, call_id, cseq
             FROM binding ORDER BY extension, contact",
        )?;
        let mut rows = statement.query([])?;
        let mut bindings = Vec::new();
        while let Some(row) = rows.next()? {
            bindings.push(read_binding(row)?);
        }
        Ok(bindings)
    }

    fn records(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, CallRecord)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, call, sip_call_id, caller_kind, caller_trunk, caller, dialled,
                    answered_kind, answered_trunk, answered_by, started, answered, ended,
                    cause, ended_by, status, caller_media, callee_media,
                    transferred_kind, transferred_trunk, transferred_by, transferred_from
             FROM record WHERE sequence > ? ORDER BY sequence LIMIT ?",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![after, limit])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push((row.get(0)?, read_record(row)?));
        }
        Ok(records)
    }

    fn value(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let found = self
            .connection
            .prepare_cached("SELECT version, value FROM value WHERE key = ?")?
            .query_row([key], |row| Ok((row.get(0)?, row.get::<_, Option<Vec<u8>>>(1)?)))
            .optional()?;
        Ok(found.and_then(|(version, value)| Some(Versioned { version, value: value? })))
    }

    fn compare_and_set(
        &mut self,
        key: &str,
        expected: Option<u64>,
        value: Option<&[u8]>,
    ) -> Result<u64, StoreError> {
        let transaction = self.connection.transaction()?;
        let found: Option<u64> = transaction
            .query_row(
                "SELECT version FROM value WHERE key = ? AND value IS NOT NULL",
                [key],
                |row| row.get(0),
            )
            .optional()?;
        if found != expected {
            return Err(StoreError::Conflict { found });
        }
        let highest: Option<u64> =
            transaction.query_row("SELECT max(version) FROM value", [], |row| row.get(0))?;
        let version = highest.unwrap_or(0) + 1;
        transaction.execute(
            "INSERT INTO value VALUES (?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value",
            params![key, version, value],
        )?;
        transaction.commit()?;
        Ok(version)
    }

    fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Changed>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT version, key, value FROM value WHERE version > ? ORDER BY version LIMIT ?",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after, limit], |row| {
            Ok(Changed { version: row.get(0)?, key: row.get(1)?, value: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn insert_record(
    connection: &Connection,
    sequence: u64,
    record: &CallRecord,
) -> Result<(), StoreError> {
    let (caller_kind, caller_trunk, caller) = party_columns(&record.caller);
    let answered = record.answered_by.as_ref().map(party_columns);
    let transferred = record.transfer.as_ref().map(|transfer| party_columns(&transfer.by));
    connection
        .prepare_cached(
            "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        )?
        .execute(params![
            sequence,
            record.call.0,
            record.sip_call_id,
            caller_kind,
            caller_trunk,
            caller,
            record.dialled,
            answered.map(|(kind, _, _)| kind),
            answered.and_then(|(_, trunk, _)| trunk),
            answered.map(|(_, _, number)| number),
            record.started.to_string(),
            record.answered.map(|time| time.to_string()),
            record.ended.to_string(),
            record.billable_seconds(),
            record.cause.value(),
            record.ended_by.as_str(),
            record.status,
            record.caller_media.as_ref().map(media_text),
            record.callee_media.as_ref().map(media_text),
            transferred.map(|(kind, _, _)| kind),
            transferred.and_then(|(_, trunk, _)| trunk),
            transferred.map(|(_, _, number)| number),
            record.transfer.as_ref().map(|transfer| transfer.from.0),
        ])?;
    Ok(())
}

fn party_columns(party: &Party) -> (&'static str, Option<&str>, &str) {
    let trunk = match party {
        Party::Trunk { trunk, .. } => Some(trunk.as_str()),
        _ => None,
    };
    (party.kind(), trunk, party.number())
}

fn read_party(kind: &str, trunk: Option<String>, number: String) -> Result<Party, StoreError> {
    match (kind, trunk) {
        ("extension", _) => Ok(Party::Extension(number)),
        ("service", _) => Ok(Party::Service(number)),
        ("trunk", Some(trunk)) => Ok(Party::Trunk { trunk, number }),
        _ => Err(StoreError::Damaged(format!("a party of kind {kind:?}"))),
    }
}

fn read_record(row: &Row<'_>) -> Result<CallRecord, StoreError> {
    let answered_by = match row.get::<_, Option<String>>(7)? {
        Some(kind) => Some(read_party(&kind, row.get(8)?, row.get(9)?)?),
        None => None,
    };
    let answered: Option<String> = row.get(11)?;
    let media = |column: usize| -> Result<Option<StreamStatistics>, StoreError> {
        row.get::<_, Option<String>>(column)?.as_deref().map(read_media).transpose()
    };
    let cause: u8 = row.get(13)?;
    Ok(CallRecord {
        call: CallId(row.get(1)?),
        sip_call_id: row.get(2)?,
        caller: read_party(&row.get::<_, String>(3)?, row.get(4)?, row.get(5)?)?,
        dialled: row.get(6)?,
        answered_by,
        started: parsed(&row.get::<_, String>(10)?)?,
        answered: answered.as_deref().map(parsed).transpose()?,
        ended: parsed(&row.get::<_, String>(12)?)?,
        cause: Cause::from_value(cause)
            .ok_or_else(|| StoreError::Damaged(format!("cause {cause}")))?,
        ended_by: match row.get::<_, String>(14)?.as_str() {
            "caller" => EndedBy::Caller,
            "callee" => EndedBy::Callee,
            _ => EndedBy::Exchange,
        },
        status: row.get(15)?,
        caller_media: media(16)?,
        callee_media: media(17)?,
        transfer: match row.get::<_, Option<String>>(18)? {
            Some(kind) => Some(Box::new(Transfer {
                by: read_party(&kind, row.get(19)?, row.get(20)?)?,
                from: CallId(row.get(21)?),
            })),
            None => None,
        },
    })
}

fn insert_binding(connection: &Connection, binding: &StoredBinding) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO binding VALUES (?,?,?,?,?,?,?,?,?,?)")?
        .execute(params![
            binding.extension,
            binding.contact,
            binding.contact_header,
            binding.transport.as_str(),
            binding.local.to_string(),
            binding.remote.to_string(),
            binding.until.to_string(),
            binding.q,
            binding.call_id,
            binding.cseq,
        ])?;
    Ok(())
}

fn read_binding(row: &Row<'_>) -> Result<StoredBinding, StoreError> {
    let transport: String = row.get(3)?;
    Ok(StoredBinding {
        extension: row.get(0)?,
        contact: row.get(1)?,
        contact_header: row.get(2)?,
        transport: sip_core::Transport::parse(&transport)
            .ok_or_else(|| StoreError::Damaged(format!("transport {transport:?}")))?,
        local: parsed(&row.get::<_, String>(4)?)?,
        remote: parsed(&row.get::<_, String>(5)?)?,
        until: parsed(&row.get::<_, String>(6)?)?,
        q: row.get(7)?,
        call_id: row.get(8)?,
        cseq: row.get(9)?,
    })
}

/// `received=500 sent=501 lost=0 refused=0 jitter_us=120 round_trip_us=900 mos=4.38`
fn media_text(media: &StreamStatistics) -> String {
    let mut text = format!(
        "received={} sent={} lost={} refused={} jitter_us={}",
        media.packets_received,
        media.packets_sent,
        media.packets_lost,
        media.packets_refused,
        media.jitter.as_micros(),
    );
    if let Some(round_trip) = media.round_trip {
        text.push_str(&format!(" round_trip_us={}", round_trip.as_micros()));
    }
    if let Some(mos) = media.mos {
        text.push_str(&format!(" mos={mos}"));
    }
    text
}

fn read_media(text: &str) -> Result<StreamStatistics, StoreError> {
    let mut media = StreamStatistics::default();
    for field in text.split_whitespace() {
        let (name, value) =
            field.split_once('=').ok_or_else(|| StoreError::Damaged(text.to_owned()))?;
        match name {
            "received" => media.packets_received = parsed(value)?,
            "sent" => media.packets_sent = parsed(value)?,
            "lost" => media.packets_lost = parsed(value)?,
            "refused" => media.packets_refused = parsed(value)?,
            "jitter_us" => media.jitter = Duration::from_micros(parsed(value)?),
            "round_trip_us" => media.round_trip = Some(Duration::from_micros(parsed(value)?)),
            "mos" => media.mos = Some(parsed(value)?),
            // A later version may write more.
            _ => {}
        }
    }
    Ok(media)
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("{text:?}")))
}
