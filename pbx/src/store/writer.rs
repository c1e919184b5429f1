//! Writes behind: a thread that appends groups of writes and makes them durable.
//!
//! ```text
//!  exchange --Write--> queue (bounded) --group, every 200 ms--> Store::append -> Store::sync
//!                        |                                        |
//!                        | full: counted, said once               | locked, disk full: kept and tried again
//! ```
//!
//! A commit costs as much as many writes. So a write that comes alone is appended after the 2 ms in
//! which others may join it, and those that follow wait for the next group: call records, which are
//! announced when they are durable, for 200 ms or until there are 128 of them; registrations,
//! which have been confirmed already, for 50 ms, and what waits goes with them. Call records are made
//! durable with their group, registrations within a second: what a loss of power takes of those, the
//! telephones repeat.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Store, Write};

/// Writes that may wait while the store does not take them.
pub const SPILL: usize = 65_536;
/// The shortest time between two groups. A registration that was confirmed and not written is lost when the
/// process is killed, and its telephone is not called until it registers again: no longer than this.
const GATHER: Duration = Duration::from_millis(50);
/// How long call records wait for each other: a group that is made for one of them wakes three threads.
const RECORDS: Duration = Duration::from_millis(200);
/// So many writes do not wait any longer for others.
const PLENTY: usize = 128;
/// How long the first write of a group waits for those that come with it.
const COMPANY: Duration = Duration::from_millis(2);
/// How long a registration may stay written without being durable.
const DURABLE_AFTER: Duration = Duration::from_secs(1);
/// A store that had nothing to write for so long may give back what it holds.
const REST: Duration = Duration::from_secs(5);
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
    /// Whether what waits is not to wait for call records to come.
    hurried: Arc<AtomicBool>,
    /// Writes that were taken.
    taken: AtomicU64,
    /// How many of them are durable, in the order in which they were taken.
    durable: Arc<AtomicU64>,
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
        Self::start_telling(store, || {}, || {})
    }

    /// The same; `tell` is called on the thread whenever more has become durable, and `rested` when there was
    /// nothing to write for some seconds and the store has given back what it held.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start_telling(
        store: Box<dyn Store>,
        tell: impl Fn() + Send + 'static,
        rested: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, writes) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let progress = Arc::new(Mutex::new(Progress::default()));
        let hurried = Arc::new(AtomicBool::new(false));
        let backlog =
            Backlog { writes, waiting: Arc::clone(&waiting), hurried: Arc::clone(&hurried) };
        let shared = Arc::clone(&progress);
        let durable = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&durable);
        let work =
            Work { store, backlog, progress: shared, appended: 0, durable: told, tell, rested };
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || work.run())?;
        let taken = AtomicU64::new(0);
        let queue = Some(queue);
        Ok(Self { queue, waiting, hurried, taken, durable, progress, thread: Some(thread) })
    }

    /// Hands a write over without waiting. `false` when the queue is full: the write is lost and
    /// counted, since a call must not wait for a disk.
    pub fn write(&self, write: Write) -> bool {
        let Some(queue) = &self.queue else { return false };
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let hurries = !matches!(write, Write::Record(_)) || waiting + 1 >= PLENTY;
        if waiting < SPILL && queue.send(write).is_ok() {
            self.taken.fetch_add(1, Ordering::Relaxed);
            if hurries {
                self.hurry();
            }
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        lock(&self.progress).lost += 1;
        false
    }

    /// How many writes were taken since the start. The one that was taken last is durable when
    /// [`durable`](Self::durable) has come as far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many of the writes that were taken are durable, in their order.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
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

    /// Has a group made as soon as one may be.
    fn hurry(&self) {
        if !self.hurried.swap(true, Ordering::Release)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    fn join(&mut self) {
        self.queue = None;
        self.hurry();
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
    hurried: Arc<AtomicBool>,
}

impl Backlog {
    /// Takes what waits into the group, up to its size.
    fn fill(&self, group: &mut Vec<Write>) {
        // Before the queue is emptied: what comes in after that hurries again.
        self.hurried.swap(false, Ordering::Acquire);
        let before = group.len();
        group.extend(self.writes.try_iter().take(GROUP.saturating_sub(before)));
        self.waiting.fetch_sub(group.len() - before, Ordering::Relaxed);
    }

    /// Lets further writes come until the time for the next group, unless there is a full one.
    fn gather(&self, last_group: Option<Instant>) {
        let earliest = Instant::now() + COMPANY;
        while self.waiting.load(Ordering::Relaxed) < GROUP {
            let apart = match self.hurried.load(Ordering::Acquire) {
                true => GATHER,
                false => RECORDS,
            };
            let next = last_group.map_or(earliest, |last| earliest.max(last + apart));
            let rest = next.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            // Whoever hurries wakes us sooner.
            std::thread::park_timeout(rest);
        }
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

/// What the thread works with.
struct Work<T, R> {
    store: Box<dyn Store>,
    backlog: Backlog,
    progress: Arc<Mutex<Progress>>,
    /// Writes appended so far.
    appended: u64,
    durable: Arc<AtomicU64>,
    tell: T,
    rested: R,
}

impl<T: Fn(), R: Fn()> Work<T, R> {
    fn run(mut self) {
        let mut group = Vec::new();
        let mut open = true;
        let mut last_group: Option<Instant> = None;
        let mut rested = true;
        // By when what is written has to be durable.
        let mut sync_by: Option<Instant> = None;
        // A store that refuses after the end was asked for is tried a last few times.
        let mut last_tries = 25;
        while open || !group.is_empty() || sync_by.is_some() {
            if open && group.is_empty() {
                let patience = match sync_by {
                    Some(by) => by.saturating_duration_since(Instant::now()),
                    None if rested => Duration::from_secs(3_600),
                    None => REST,
                };
                match self.backlog.wait(patience) {
                    Ok(write) => {
                        rested = false;
                        group.push(write);
                        self.backlog.gather(last_group);
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        if sync_by.is_none() && !rested {
                            self.store.rest();
                            group.shrink_to_fit();
                            (self.rested)();
                            rested = true;
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => open = false,
                }
            }
            self.backlog.fill(&mut group);
            if !group.is_empty() {
                match self.store.append(&group) {
                    Ok(sequence) => {
                        self.appended += group.len() as u64;
                        let records = group.iter().any(|write| matches!(write, Write::Record(_)));
                        group.clear();
                        lock(&self.progress).written = sequence;
                        let now = Instant::now();
                        last_group = Some(now);
                        let by = if records { now } else { now + DURABLE_AFTER };
                        sync_by = Some(sync_by.map_or(by, |earlier| earlier.min(by)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, waiting = group.len(), "the store refuses; trying again");
                        lock(&self.progress).refused += 1;
                        if !open {
                            last_tries -= 1;
                            if last_tries == 0 {
                                lock(&self.progress).lost += group.len() as u64;
                                return;
                            }
                        }
                        std::thread::sleep(RETRY);
                        continue;
                    }
                }
            }
            let now = Instant::now();
            if sync_by.is_none_or(|by| open && now < by) {
                continue;
            }
            sync_by = match self.sync() {
                true => None,
                false if open => Some(now + RETRY),
                false => return,
            };
        }
    }

    fn sync(&mut self) -> bool {
        match self.store.sync() {
            Ok(sequence) => {
                lock(&self.progress).durable = sequence;
                self.durable.store(self.appended, Ordering::Release);
                (self.tell)();
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the store cannot be made durable; trying again");
                false
            }
        }
    }
}
