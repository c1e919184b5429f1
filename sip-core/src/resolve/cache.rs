//! What DNS has said, for as long as it holds.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::question::{Answer, Question};

/// Answers by question. Full, it forgets what would end first.
#[derive(Debug)]
pub(super) struct Cache {
    entries: BTreeMap<Question, (Duration, Arc<Answer>)>,
    ends: BTreeSet<(Duration, Question)>,
    capacity: usize,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), ends: BTreeSet::new(), capacity }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find(&self, now: Duration, question: &Question) -> Option<Arc<Answer>> {
        let (ends, answer) = self.entries.get(question)?;
        (*ends > now).then(|| Arc::clone(answer))
    }

    pub(super) fn keep(
        &mut self,
        now: Duration,
        ends: Duration,
        q: &Question,
        answer: Arc<Answer>,
    ) {
        self.forget(q);
        while self.ends.first().is_some_and(|(ends, _)| *ends <= now)
            || (self.entries.len() >= self.capacity && !self.entries.is_empty())
        {
            if let Some((_, oldest)) = self.ends.pop_first() {
                self.entries.remove(&oldest);
            }
        }
        if ends > now && self.capacity > 0 {
            self.entries.insert(q.clone(), (ends, answer));
            self.ends.insert((ends, q.clone()));
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.ends.clear();
    }

    fn forget(&mut self, question: &Question) {
        if let Some((ends, _)) = self.entries.remove(question) {
            self.ends.remove(&(ends, question.clone()));
        }
    }
}
