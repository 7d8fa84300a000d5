//! How a session comes by its queues.
use piecework_wire::{Value, WireError};

use crate::error::{CallError, OpenError};
use crate::opening::Wanted;
use crate::raw_queue::RawQueue;
use crate::session::{MANAGER_IDENT, Session};

/// The method that only piecework's queues have: by it they are told from stock ones.
const NATIVE_METHOD: &str = "lease";

impl Session {
    /// Opens a queue: by the name that `piecework serve --queue` gave it, or by a typeid.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let session = manager.session().await?;
    /// let (tasks, results) = (session.queue("task").await?, session.queue("result").await?);
    /// assert!(tasks.is_native() && results.is_native());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no queue of this name.
    pub async fn queue(&self, name: &str) -> Result<RawQueue, OpenError> {
        let typeids = [name.to_owned(), format!("get_{name}_queue"), format!("get_{name}")];
        let opened = Wanted { place: self.place(), kind: "queue", name }.open(&typeids).await?;
        let native = opened.has(NATIVE_METHOD);
        Ok(RawQueue { session: self.clone(), ident: opened.ident, native })
    }

    /// Begins a run: the queue of tasks that all runs of the manager share, and a queue for the
    /// results of this one, which ends with this session.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// let (tasks, results) = manager.session().await?.begin_run().await?;
    /// tasks.put_for(&item, results.ident()).await?; // nobody gets it when this session has ended
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn begin_run(&self) -> Result<(RawQueue, RawQueue), CallError> {
        let returned = self.call(MANAGER_IDENT, "run", &[]).await?;
        match returned.value().map_err(|error| self.place().protocol(error))? {
            Value::Tuple(idents) => match &idents[..] {
                [Value::Str(tasks), Value::Str(results)] => {
                    Ok((self.native_queue(tasks), self.native_queue(results)))
                }
                _ => Err(self.odd("run", &Value::Tuple(idents))),
            },
            other => Err(self.odd("run", &other)),
        }
    }

    /// Opens the queue of tasks that all runs of the manager share.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let item = piecework::Payload::from_value(&"a".into());
    /// # let (run, _results) = manager.session().await?.begin_run().await?;
    /// # run.put(&item).await?;
    /// let tasks = manager.session().await?.tasks_of_runs().await?; // as a worker does
    /// assert_eq!(tasks.qsize().await?, 1); // which somebody's run has put
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The connection has ended, or the manager is a stock Python one.
    pub async fn tasks_of_runs(&self) -> Result<RawQueue, CallError> {
        let returned = self.call(MANAGER_IDENT, "tasks", &[]).await?;
        match returned.value().map_err(|error| self.place().protocol(error))? {
            Value::Str(ident) => Ok(self.native_queue(&ident)),
            other => Err(self.odd("tasks", &other)),
        }
    }

    /// A handle on what is known to be a queue of piecework.
    fn native_queue(&self, ident: &str) -> RawQueue {
        RawQueue { session: self.clone(), ident: ident.to_owned(), native: true }
    }

    fn odd(&self, message: &'static str, value: &Value) -> CallError {
        self.place().protocol(WireError::Shape { message, what: value.to_string() })
    }
}
