//! Writes behind: a thread that appends groups of writes and makes them durable soon after.
//!
//! ```text
//!  exchange --Write--> queue (bounded) --group--> Store::append --every 20 ms--> Store::sync
//!                        |                             |
//!                        | full: counted, said once    | locked, disk full: kept and tried again
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Store, Write};

/// Writes that may wait while the store does not take them.
pub const SPILL: usize = 65_536;
/// How long a write may stay written without being durable.
const DURABLE_AFTER: Duration = Duration::from_millis(20);
/// Pause before a store that refused is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Writes of one group.
const GROUP: usize = 1_024;

/// How far writing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sequence number of the last write that survives the end of the process.
    pub written: u64,
    /// Sequence number of the last write that survives the loss of power.
    pub durable: u64,
    /// Writes given up because the queue was full.
    pub lost: u64,
    /// How often the store refused a group, which was then tried again.
    pub refused: u64,
}

/// The end of the queue that the exchange's driver holds.
#[derive(Debug)]
pub struct Writer {
    /// Bounded by `waiting`, since a bounded channel takes the memory of a full one at once.
    queue: Option<Sender<Write>>,
    waiting: Arc<AtomicUsize>,
    progress: Arc<Mutex<Progress>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread around a store.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start(store: Box<dyn Store>) -> std::io::Result<Self> {
        let (queue, writes) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let progress = Arc::new(Mutex::new(Progress::default()));
        let backlog = Backlog { writes, waiting: Arc::clone(&waiting) };
        let shared = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || run(store, &backlog, &shared))?;
        Ok(Self { queue: Some(queue), waiting, progress, thread: Some(thread) })
    }

    /// Hands a write over without waiting. `false` when the queue is full: the write is lost and
    /// counted, since a call must not wait for a disk.
    pub fn write(&self, write: Write) -> bool {
        let Some(queue) = &self.queue else { return false };
        let room = self.waiting.fetch_add(1, Ordering::Relaxed) < SPILL;
        if room && queue.send(write).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        lock(&self.progress).lost += 1;
        false
    }

    /// How far writing has come.
    pub fn progress(&self) -> Progress {
        *lock(&self.progress)
    }

    /// Writes what is queued, makes it durable, and ends the thread.
    pub fn finish(mut self) -> Progress {
        self.join();
        self.progress()
    }

    fn join(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.join();
    }
}

/// The end of the queue that the thread holds.
struct Backlog {
    writes: Receiver<Write>,
    waiting: Arc<AtomicUsize>,
}

impl Backlog {
    /// Takes what waits into the group, up to its size.
    fn fill(&self, group: &mut Vec<Write>) {
        let before = group.len();
        group.extend(self.writes.try_iter().take(GROUP.saturating_sub(before)));
        self.waiting.fetch_sub(group.len() - before, Ordering::Relaxed);
    }

    /// Waits for a write.
    fn wait(&self, patience: Duration) -> Result<Write, RecvTimeoutError> {
        let write = self.writes.recv_timeout(patience)?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(write)
    }
}

fn lock(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    // A plain record of numbers is whole even if its writer panicked.
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(mut store: Box<dyn Store>, backlog: &Backlog, progress: &Mutex<Progress>) {
    let mut group = Vec::new();
    let mut open = true;
    let mut unsynced = false;
    // A store that refuses after the end was asked for is tried a last few times.
    let mut last_tries = 25;
    while open || !group.is_empty() || unsynced {
        let patience = if unsynced { DURABLE_AFTER } else { Duration::from_secs(3_600) };
        if open && group.is_empty() {
            match backlog.wait(patience) {
                Ok(write) => group.push(write),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        }
        backlog.fill(&mut group);
        if group.is_empty() {
            if unsynced {
                unsynced = !sync(&mut *store, progress);
                if unsynced && !open {
                    return;
                }
            }
            continue;
        }
        match store.append(&group) {
            Ok(sequence) => {
                group.clear();
                unsynced = true;
                lock(progress).written = sequence;
            }
            Err(error) => {
                tracing::warn!(%error, waiting = group.len(), "the store refuses; trying again");
                lock(progress).refused += 1;
                if !open {
                    last_tries -= 1;
                    if last_tries == 0 {
                        lock(progress).lost += group.len() as u64;
                        return;
                    }
                }
                std::thread::sleep(RETRY);
            }
        }
    }
}

fn sync(store: &mut dyn Store, progress: &Mutex<Progress>) -> bool {
    match store.sync() {
        Ok(sequence) => {
            lock(progress).durable = sequence;
            true
        }
        Err(error) => {
            tracing::warn!(%error, "the store cannot be made durable; trying again");
            false
        }
    }
}
