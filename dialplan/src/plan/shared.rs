//! A plan that many threads ask while it is replaced.

use std::sync::{Arc, PoisonError, RwLock};

use super::Plan;

/// The plan in force. A new one takes its place at once; whoever asks the old one keeps it until he
/// is done, so that calls go on.
///
/// ```
/// use dialplan::plan::{Plan, SharedPlan};
///
/// let plan = |target| {
///     let mut builder = Plan::builder();
///     builder.context("internal").add("100", target).map(|_| ())?;
///     Ok::<_, Box<dyn std::error::Error>>(builder.build()?)
/// };
/// let shared = SharedPlan::new(plan("old")?);
/// let during_a_call = shared.load();
/// shared.replace(plan("new")?);
/// assert_eq!(*during_a_call.lookup("internal", "100")?.target, "old");
/// assert_eq!(*shared.load().lookup("internal", "100")?.target, "new");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedPlan<T> {
    current: RwLock<Arc<Plan<T>>>,
}

impl<T> SharedPlan<T> {
    /// Puts a plan in force.
    pub fn new(plan: Plan<T>) -> SharedPlan<T> {
        SharedPlan { current: RwLock::new(Arc::new(plan)) }
    }

    /// The plan in force. The lock is held only to count one more user.
    pub fn load(&self) -> Arc<Plan<T>> {
        // What is behind the lock is replaced in one move, so a panic elsewhere cannot have torn it.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another plan in force and gives back the one before.
    pub fn replace(&self, plan: Plan<T>) -> Arc<Plan<T>> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *current, Arc::new(plan))
    }
}
