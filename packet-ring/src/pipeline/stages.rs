use core::time::Duration;
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::vec::Vec;
use std::{io, mem};

use crate::spsc::{self, Consumer, Producer};

/// Something that packets go through. Closures `FnMut(Duration, &mut Vec<T>, &mut Vec<T>)` are stages.
pub trait Stage<T>: Send {
    /// Works off `input` and puts what goes on into `output`. What is left in `input` is dropped, and
    /// counted so. The first stage of a pipeline gets no input and is asked again and again.
    fn process(&mut self, now: Duration, input: &mut Vec<T>, output: &mut Vec<T>);
}

impl<T, F: FnMut(Duration, &mut Vec<T>, &mut Vec<T>) + Send> Stage<T> for F {
    fn process(&mut self, now: Duration, input: &mut Vec<T>, output: &mut Vec<T>) {
        self(now, input, output);
    }
}

/// What happens to packets that a full ring has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The stage before waits with them and takes nothing new.
    #[default]
    Wait,
    /// They are dropped and counted.
    TailDrop,
}

/// The ring between two stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joint {
    /// Packets it holds. Default 512.
    pub capacity: usize,
    /// What happens when it is full. Default [`WhenFull::Wait`].
    pub when_full: WhenFull,
}

impl Default for Joint {
    fn default() -> Self {
        Self { capacity: 512, when_full: WhenFull::Wait }
    }
}

/// What a stage counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StageCounters {
    /// The stage's name.
    pub name: String,
    /// Packets taken from the ring before.
    pub taken: u64,
    /// Packets that the stage let go on.
    pub passed: u64,
    /// Packets that the stage dropped.
    pub dropped: u64,
    /// Packets that found the ring behind full and were dropped.
    pub tail_dropped: u64,
    /// How often the ring behind was full and the stage waited.
    pub stalls: u64,
    /// Batches processed.
    pub batches: u64,
}

/// Stages in a row.
pub struct Pipeline<T> {
    workers: Vec<Worker<T>>,
    joint: Joint,
}

const BATCH: usize = 64;
/// Pause of a thread that has nothing to do.
const NAP: Duration = Duration::from_micros(50);

impl<T: Send + 'static> Default for Pipeline<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + 'static> Pipeline<T> {
    /// No stages yet.
    pub fn new() -> Self {
        Self { workers: Vec::new(), joint: Joint::default() }
    }

    /// Says what the ring before the next stage is like; else it is as by default.
    #[must_use]
    pub fn joint(mut self, joint: Joint) -> Self {
        self.joint = joint;
        self
    }

    /// Adds a stage at the end.
    #[must_use]
    pub fn stage(mut self, name: &str, stage: impl Stage<T> + 'static) -> Self {
        let joint = mem::take(&mut self.joint);
        let input = self.workers.last_mut().map(|before| {
            let (producer, consumer) = spsc::ring(joint.capacity);
            before.output = Some((producer, joint.when_full));
            consumer
        });
        self.workers.push(Worker {
            stage: Box::new(stage),
            input,
            output: None,
            taken: Vec::with_capacity(BATCH),
            waiting: Vec::with_capacity(BATCH),
            counters: Arc::new(Shared { name: name.into(), ..Shared::default() }),
        });
        self
    }

    /// Lets each stage process one batch, the first one first. Returns whether any did anything.
    pub fn run_once(&mut self, now: Duration) -> bool {
        self.workers.iter_mut().fold(false, |any, worker| worker.run(now) | any)
    }

    /// What the stages counted, in their order.
    pub fn counters(&self) -> Vec<StageCounters> {
        self.workers.iter().map(|worker| worker.counters.snapshot()).collect()
    }

    /// Starts a thread for each stage. `clock` gives the time as the stages want it.
    ///
    /// # Errors
    ///
    /// When the system gives no thread; those started end.
    pub fn spawn(
        self,
        clock: impl Fn() -> Duration + Clone + Send + 'static,
    ) -> io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = Running {
            counters: self.workers.iter().map(|worker| worker.counters.clone()).collect(),
            stop: stop.clone(),
            threads: Vec::new(),
        };
        for mut worker in self.workers {
            let (stop, clock) = (stop.clone(), clock.clone());
            let name = worker.counters.name.clone();
            running.threads.push(thread::Builder::new().name(name).spawn(move || {
                while !worker.is_done(&stop) {
                    if !worker.run(clock()) {
                        thread::sleep(NAP);
                    }
                }
            })?);
        }
        Ok(running)
    }
}

/// A pipeline on threads of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    counters: Vec<Arc<Shared>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// What the stages counted so far, in their order.
    pub fn counters(&self) -> Vec<StageCounters> {
        self.counters.iter().map(|counters| counters.snapshot()).collect()
    }

    /// Stops the first stage, lets the others work off what is in the rings, and waits for that.
    pub fn stop(mut self) -> Vec<StageCounters> {
        self.join();
        self.counters()
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.join();
    }
}

struct Worker<T> {
    stage: Box<dyn Stage<T>>,
    input: Option<Consumer<T>>,
    output: Option<(Producer<T>, WhenFull)>,
    taken: Vec<T>,
    /// Processed, but not in the ring yet.
    waiting: Vec<T>,
    counters: Arc<Shared>,
}

impl<T> Worker<T> {
    fn run(&mut self, now: Duration) -> bool {
        if !self.waiting.is_empty() {
            // Nothing new while the ring behind is full.
            let before = self.waiting.len();
            self.deliver();
            if !self.waiting.is_empty() {
                return self.waiting.len() < before;
            }
        }
        if let Some(input) = &mut self.input {
            self.taken.extend(input.drain(BATCH));
            if self.taken.is_empty() {
                return false;
            }
        }
        let taken = self.taken.len() as u64;
        self.stage.process(now, &mut self.taken, &mut self.waiting);
        let dropped = self.taken.len() as u64;
        self.taken.clear();
        let passed = self.waiting.len() as u64;
        if taken + passed == 0 {
            return false;
        }
        let counters = &self.counters;
        counters.taken.fetch_add(taken, Ordering::Relaxed);
        counters.passed.fetch_add(passed, Ordering::Relaxed);
        // A stage may also drain its input and let nothing go on.
        let dropped = dropped.max(taken.saturating_sub(passed));
        counters.dropped.fetch_add(dropped, Ordering::Relaxed);
        counters.batches.fetch_add(1, Ordering::Relaxed);
        self.deliver();
        true
    }

    fn deliver(&mut self) {
        let Some((producer, when_full)) = &mut self.output else {
            self.waiting.clear();
            return;
        };
        let room = producer.free().min(self.waiting.len());
        producer.push_from(&mut self.waiting.drain(..room));
        if self.waiting.is_empty() {
            return;
        }
        match when_full {
            WhenFull::Wait => {
                self.counters.stalls.fetch_add(1, Ordering::Relaxed);
            }
            WhenFull::TailDrop => {
                let dropped = self.waiting.len() as u64;
                self.counters.tail_dropped.fetch_add(dropped, Ordering::Relaxed);
                self.waiting.clear();
            }
        }
    }

    /// Whether nothing will come any more: after a stop, from the first stage to the last.
    fn is_done(&self, stop: &AtomicBool) -> bool {
        match &self.input {
            _ if self.output.as_ref().is_some_and(|(producer, _)| producer.is_abandoned()) => true,
            _ if !self.waiting.is_empty() => false,
            None => stop.load(Ordering::Acquire),
            Some(input) => input.is_abandoned() && input.is_empty(),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    name: String,
    taken: AtomicU64,
    passed: AtomicU64,
    dropped: AtomicU64,
    tail_dropped: AtomicU64,
    stalls: AtomicU64,
    batches: AtomicU64,
}

impl Shared {
    fn snapshot(&self) -> StageCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StageCounters {
            name: self.name.clone(),
            taken: read(&self.taken),
            passed: read(&self.passed),
            dropped: read(&self.dropped),
            tail_dropped: read(&self.tail_dropped),
            stalls: read(&self.stalls),
            batches: read(&self.batches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    type Seen = Arc<Mutex<Vec<u32>>>;

    /// A source of numbers, a stage in between, and a sink that takes only so many a batch.
    fn pipeline(count: u32, joint: Joint) -> (Pipeline<u32>, Seen) {
        let seen = Seen::default();
        let sink = seen.clone();
        let mut numbers = 0..count;
        let pipeline = Pipeline::new()
            .stage("source", move |_, _: &mut Vec<u32>, output: &mut Vec<u32>| {
                output.extend(numbers.by_ref().take(40));
            })
            .joint(joint)
            .stage("odd", |_, input: &mut Vec<u32>, output: &mut Vec<u32>| {
                output.extend(input.drain(..).filter(|n| n % 2 == 1));
            })
            .stage("sink", move |_, input: &mut Vec<u32>, output: &mut Vec<u32>| {
                sink.lock().unwrap().extend(input.iter());
                output.append(input);
            });
        (pipeline, seen)
    }

    #[test]
    fn waiting_loses_nothing() {
        let (mut pipeline, seen) = pipeline(10_000, Joint { capacity: 7, ..Joint::default() });
        while pipeline.run_once(Duration::ZERO) {}
        assert_eq!(*seen.lock().unwrap(), (0..10_000).filter(|n| n % 2 == 1).collect::<Vec<_>>());
        let counters = pipeline.counters();
        assert!(counters[0].stalls > 100);
        assert_eq!(
            (counters[1].taken, counters[1].dropped, counters[2].passed),
            (10_000, 5000, 5000)
        );
    }

    #[test]
    fn tail_drop_counts_every_loss() {
        let joint = Joint { capacity: 7, when_full: WhenFull::TailDrop };
        let (mut pipeline, seen) = pipeline(10_000, joint);
        while pipeline.run_once(Duration::ZERO) {}
        let counters = pipeline.counters();
        assert!(counters[0].tail_dropped > 5000);
        assert_eq!(counters[1].taken + counters[0].tail_dropped, 10_000);
        assert_eq!(seen.lock().unwrap().len() as u64, counters[2].passed);
        assert!(seen.lock().unwrap().is_sorted());
    }

    #[test]
    fn a_thread_for_each_stage_sees_the_same() {
        let (pipeline, seen) = pipeline(50_000, Joint { capacity: 100, ..Joint::default() });
        let running = pipeline.spawn(|| Duration::ZERO).unwrap();
        while running.counters()[0].passed < 50_000 {
            thread::sleep(Duration::from_millis(1));
        }
        let counters = running.stop();
        assert_eq!(counters[2].passed, 25_000);
        assert_eq!(*seen.lock().unwrap(), (0..50_000).filter(|n| n % 2 == 1).collect::<Vec<_>>());
    }
}
