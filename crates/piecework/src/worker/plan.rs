//! What a worker can do, checked at the door; and what of that a task asks for.

use std::collections::BTreeMap;

use piecework_wire::Value;

use crate::item::plain;
use crate::manager::Manager;
use crate::tasks::Task;
use crate::worker::concurrency::{Concurrency, TASKS_MAX};
use crate::worker::errand::{Errand, Manner};
use crate::worker::error::WorkerError;
use crate::worker::handler::Handler;
use crate::worker::message::Order;
use crate::worker::source::Held;
use crate::worker::work::{Make, Work};

/// What a worker is to do.
pub(super) struct Plan<S> {
    pub(super) manager: Manager,
    /// Where its tasks come from.
    pub(super) queue: String,
    /// Where results go, if that was said.
    pub(super) answers: Option<String>,
    /// Closures by name.
    pub(super) named: BTreeMap<String, Handler<S>>,
    /// The closure for every item.
    pub(super) each: Option<Handler<S>>,
    /// Makes a state, and whether that was asked for.
    pub(super) make: Make<S>,
    pub(super) has_state: bool,
    pub(super) manner: Manner,
}

/// A task as it was understood.
pub(super) enum Read<S> {
    Errand(Errand<S>),
    /// There is nothing here of this name.
    Missing(String, Held),
    /// It makes no sense, and why.
    Odd(String, Held),
}

impl<S> Plan<S> {
    /// Where results go that nobody has asked for.
    pub(super) fn answers(&self) -> &str {
        self.answers.as_deref().unwrap_or("result")
    }

    /// Whether there must be such a queue.
    pub(super) fn needs_answers(&self) -> bool {
        self.each.is_some() || self.answers.is_some()
    }

    pub(super) fn handlers(&self) -> impl Iterator<Item = (&str, &Handler<S>)> {
        let each = self.each.iter().map(|handler| ("each", handler));
        each.chain(self.named.iter().map(|(name, handler)| (name.as_str(), handler)))
    }

    /// How many tasks are done at a time and where; or why that cannot be.
    pub(super) fn concurrency(
        &self,
        said: Option<Concurrency>,
        begins_children: bool,
    ) -> Result<Concurrency, WorkerError> {
        if self.each.is_some()
            && let Some(task) = self.named.keys().next()
        {
            return Err(WorkerError::Both { task: task.clone() });
        }
        if self.handlers().next().is_none() && !Task::any() {
            return Err(WorkerError::Nothing { queue: self.queue.clone() });
        }
        let chosen = said.unwrap_or_else(|| Concurrency::fit(self.handlers().map(|(_, it)| it)));
        if chosen.count() > TASKS_MAX {
            return Err(WorkerError::TooMany { count: chosen.count() });
        }
        for (task, handler) in self.handlers() {
            if let Some((why, hint)) = chosen.refuses(handler) {
                let (task, place) = (task.to_owned(), chosen.place());
                return Err(WorkerError::Unfit { task, place, why, hint });
            }
        }
        let is_processes = matches!(chosen, Concurrency::Processes(_));
        let (task, why, hint) = match (self.has_state, begins_children) {
            (true, _) if is_processes => (
                "the worker's state",
                "only closures are handed it",
                "`initializer` runs a task first in each child process, which may keep its state \
                 in a static",
            ),
            (_, true) if !is_processes => (
                "what is said of child processes",
                "it has none",
                "`state` is for closures what `initializer` is for child processes",
            ),
            _ => return Ok(chosen),
        };
        Err(WorkerError::Unfit { task: task.to_owned(), place: chosen.place(), why, hint })
    }

    /// Understands what was taken.
    pub(super) fn read(&self, held: Held) -> Read<S> {
        let item = match plain(&held.payload) {
            Ok(item) => item,
            Err((found, why)) => return Read::Odd(format!("{found}: {why}"), held),
        };
        if let Some(each) = &self.each {
            let (work, arguments) = (Work::Closure(each.clone()), Value::Tuple(vec![item]));
            return Read::Errand(Errand { work, arguments, order: None, held });
        }
        let mut order = match Order::read(item) {
            Ok(order) => order,
            Err(why) => return Read::Odd(why, held),
        };
        let work = match self.named.get(&order.task) {
            Some(handler) => Work::Closure(handler.clone()),
            None => match Task::find(&order.task) {
                Some(task) => Work::Marked(task),
                None => return Read::Missing(order.task, held),
            },
        };
        let arguments = std::mem::replace(&mut order.arguments, Value::None);
        Read::Errand(Errand { work, arguments, order: Some(order), held })
    }
}
