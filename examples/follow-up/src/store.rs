//! The database: leads, where their processes stand, and what happened.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;

use crate::lead::{
    Event, EventKind, Lead, NewLead, PRESSING, Phase, canonical_email, canonical_phone,
};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS lead (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    contact TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    phone TEXT NOT NULL,
    phone_key TEXT NOT NULL,
    responsible TEXT NOT NULL,
    status TEXT NOT NULL,
    run INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    phase TEXT NOT NULL,
    wake INTEGER,
    failures INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS lead_wake ON lead (wake) WHERE wake IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_phone ON lead (phone_key);
CREATE INDEX IF NOT EXISTS lead_email ON lead (email_key);
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY,
    lead INTEGER NOT NULL REFERENCES lead (id),
    at INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS history_lead ON history (lead);
CREATE TABLE IF NOT EXISTS instance (id TEXT NOT NULL) STRICT;
INSERT INTO instance SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM instance);
";

const COLUMNS: &str = "id, title, contact, email, phone, responsible, status, run, sent, phase, wake, \
                       failures, reason";

/// A connection to the database. Several may be open, in this process or others.
pub struct Store {
    connection: Connection,
}

/// Something that happened to a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

impl Store {
    /// Opens the database, and makes it if need be.
    pub fn open(path: &Path) -> Result<Self> {
        let connection =
            Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A letter that went out must be known to have gone out, whatever happens next.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// A word that no other database has, made with it.
    pub fn instance(&self) -> Result<String> {
        Ok(self.connection.query_row("SELECT id FROM instance", [], |row| row.get(0))?)
    }

    /// Adds a lead; `due` is when its first letter would be.
    pub fn add(&mut self, lead: &NewLead, due: Timestamp, now: Timestamp) -> Result<i64> {
        let tx = self.begin()?;
        tx.execute(
            "INSERT INTO lead (title, contact, email, email_key, phone, phone_key, responsible,
             status, run, sent, phase, wake, failures, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', 0, 0, 'ended', NULL, 0, 'new')",
            params![
                lead.title,
                lead.contact,
                lead.email,
                canonical_email(&lead.email),
                lead.phone,
                canonical_phone(&lead.phone),
                lead.responsible,
            ],
        )?;
        let id = tx.last_insert_rowid();
        note(&tx, id, now, "added")?;
        change_status(&tx, id, &lead.status, due, now)?;
        tx.commit()?;
        Ok(id)
    }

    /// Gives a lead another status: "pressing" starts the process, any other ends it. `false` when
    /// there is no such lead.
    pub fn set_status(
        &mut self,
        id: i64,
        status: &str,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let tx = self.begin()?;
        let found = change_status(&tx, id, status, due, now)?;
        tx.commit()?;
        Ok(found)
    }

    /// Ends the processes of the leads that called or wrote; gives their numbers.
    pub fn take_event(&mut self, event: &Event, status: &str, now: Timestamp) -> Result<Vec<i64>> {
        let (column, key, what) = match event.kind {
            EventKind::Call => ("phone_key", canonical_phone(&event.from), "called"),
            EventKind::Letter => ("email_key", canonical_email(&event.from), "wrote"),
        };
        if key.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.begin()?;
        let ids: Vec<i64> = {
            let mut query =
                tx.prepare(&format!("SELECT id FROM lead WHERE {column} = ?1 AND status = ?2"))?;
            let found = query.query_map(params![key, PRESSING], |row| row.get(0))?;
            found.collect::<rusqlite::Result<_>>()?
        };
        for id in &ids {
            note(&tx, *id, now, &format!("the lead {what}"))?;
            change_status(&tx, *id, status, now, now)?;
        }
        tx.commit()?;
        Ok(ids)
    }

    /// A lead by its number.
    pub fn lead(&self, id: i64) -> Result<Option<Lead>> {
        let sql = format!("SELECT {COLUMNS} FROM lead WHERE id = ?1");
        Ok(self.connection.query_row(&sql, [id], read).optional()?)
    }

    /// All leads.
    pub fn leads(&self) -> Result<Vec<Lead>> {
        let mut query =
            self.connection.prepare(&format!("SELECT {COLUMNS} FROM lead ORDER BY id"))?;
        let leads = query.query_map([], read)?;
        Ok(leads.collect::<rusqlite::Result<_>>()?)
    }

    /// The lead that is to be looked after next.
    pub fn next(&self) -> Result<Option<Lead>> {
        let sql =
            format!("SELECT {COLUMNS} FROM lead WHERE wake IS NOT NULL ORDER BY wake, id LIMIT 1");
        Ok(self.connection.query_row(&sql, [], read).optional()?)
    }

    /// Moves a process on from where `before` says it stands, and notes what happened. `false`, and
    /// nothing changes, when it no longer stands there, as when the lead has called meanwhile.
    pub fn advance(
        &mut self,
        before: &Lead,
        sent: u32,
        phase: &Phase,
        what: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let tx = self.begin()?;
        let (name, wake, failures, reason) = columns(phase);
        let (old_name, old_wake, ..) = columns(&before.phase);
        let changed = tx.execute(
            "UPDATE lead SET sent = ?1, phase = ?2, wake = ?3, failures = ?4, reason = ?5
             WHERE id = ?6 AND run = ?7 AND sent = ?8 AND phase = ?9 AND wake IS ?10",
            params![
                sent,
                name,
                wake,
                failures,
                reason,
                before.id,
                before.run,
                before.sent,
                old_name,
                old_wake
            ],
        )?;
        if changed == 1 {
            note(&tx, before.id, now, what)?;
        }
        tx.commit()?;
        Ok(changed == 1)
    }

    /// Notes something about a lead.
    pub fn note(&mut self, id: i64, what: &str, now: Timestamp) -> Result<()> {
        let tx = self.begin()?;
        note(&tx, id, now, what)?;
        tx.commit()?;
        Ok(())
    }

    /// What happened to a lead, in order.
    pub fn history(&self, id: i64) -> Result<Vec<Entry>> {
        let mut query =
            self.connection.prepare("SELECT at, what FROM history WHERE lead = ?1 ORDER BY id")?;
        let entries =
            query.query_map([id], |row| Ok(Entry { at: instant(row, 0)?, what: row.get(1)? }))?;
        Ok(entries.collect::<rusqlite::Result<_>>()?)
    }

    fn begin(&mut self) -> Result<Transaction<'_>> {
        // Two writers that both read first would deadlock.
        Ok(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }
}

fn change_status(
    tx: &Transaction<'_>,
    id: i64,
    status: &str,
    due: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let old: Option<String> =
        tx.query_row("SELECT status FROM lead WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    let Some(old) = old else { return Ok(false) };
    if old == status {
        return Ok(true);
    }
    note(tx, id, now, &format!("status {status}"))?;
    if status == PRESSING {
        let (name, wake, ..) = columns(&Phase::Waiting { due });
        tx.execute(
            "UPDATE lead SET status = ?1, run = run + 1, sent = 0, phase = ?2, wake = ?3,
             failures = 0, reason = '' WHERE id = ?4",
            params![status, name, wake, id],
        )?;
    } else {
        // A process that ended by itself keeps its own reason.
        tx.execute("UPDATE lead SET status = ?1 WHERE id = ?2", params![status, id])?;
        tx.execute(
            "UPDATE lead SET phase = 'ended', wake = NULL, failures = 0, reason = ?1
             WHERE id = ?2 AND phase <> 'ended'",
            params![format!("status {status}"), id],
        )?;
    }
    Ok(true)
}

fn note(tx: &Transaction<'_>, id: i64, now: Timestamp, what: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO history (lead, at, what) VALUES (?1, ?2, ?3)",
        params![id, now.as_millisecond(), what],
    )?;
    Ok(())
}

fn columns(phase: &Phase) -> (&'static str, Option<i64>, u32, &str) {
    match phase {
        Phase::Waiting { due } => ("waiting", Some(due.as_millisecond()), 0, ""),
        Phase::Letter { at, failures } => ("letter", Some(at.as_millisecond()), *failures, ""),
        Phase::Notice { at, failures } => ("notice", Some(at.as_millisecond()), *failures, ""),
        Phase::Ended { reason } => ("ended", None, 0, reason),
    }
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let number: i64 = row.get(column)?;
    Timestamp::from_millisecond(number)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Lead> {
    let name: String = row.get(9)?;
    let phase = match name.as_str() {
        "waiting" => Phase::Waiting { due: instant(row, 10)? },
        "letter" => Phase::Letter { at: instant(row, 10)?, failures: row.get(11)? },
        "notice" => Phase::Notice { at: instant(row, 10)?, failures: row.get(11)? },
        _ => Phase::Ended { reason: row.get(12)? },
    };
    let data = NewLead {
        title: row.get(1)?,
        contact: row.get(2)?,
        email: row.get(3)?,
        phone: row.get(4)?,
        responsible: row.get(5)?,
        status: row.get(6)?,
    };
    Ok(Lead { id: row.get(0)?, data, run: row.get(7)?, sent: row.get(8)?, phase })
}
