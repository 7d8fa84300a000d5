//! A task in a child process of its own.

use std::marker::PhantomData;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::target::{Signal, Target};
use crate::tasks::{Child, Packed, TaskError, TaskFn, luggage, name_of, packed, result};

/// How many were spawned, for their names.
static SPAWNED: AtomicU64 = AtomicU64::new(0);

/// A task that runs in a child process of its own. Whatever becomes of that, this program goes on;
/// dropped, the process is killed.
///
/// ```
/// use piecework::Process;
///
/// #[piecework::task]
/// fn run_proc(name: String) {
///     println!("Run child process {name} ({})...", std::process::id());
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), piecework::tasks::TaskError> {
///     piecework::init(); // first: the child is this program, too
///     let mut process = Process::spawn(run_proc, ("test".to_owned(),))?;
///     process.join().await?;
///     println!("Child process end.");
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Process<R> {
    name: String,
    pid: u32,
    target: Target,
    running: Option<JoinHandle<Result<Packed, TaskError>>>,
    exit_code: Option<i32>,
    result: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Process<R> {
    /// Starts a process that runs a task with these arguments, a tuple.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(square, (12,))?;
    /// assert_eq!(process.join().await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The function is no task, its arguments cannot be said, or there is no room for a process.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<F, A, M>(task: F, arguments: A) -> Result<Self, TaskError>
    where
        F: TaskFn<A, M, Output = R>,
        A: Serialize,
    {
        let task = name_of(task)?;
        let (packed, files) = luggage::along(|| packed([arguments]));
        let packed = packed?;
        let mut child = Child::start()?;
        let pid = child.pid().expect("it was just started, and nobody has waited for it");
        let target = Target::of(pid);
        let running = tokio::spawn(async move {
            let result = child.call_with(task, &packed, files).await;
            child.end().await;
            result
        });
        let name = format!("Process-{}", SPAWNED.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(Self { name, pid, target, running: Some(running), exit_code: None, result: PhantomData })
    }

    /// Gives it another name.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let process = Process::spawn(square, (12,))?.named("squares");
    /// assert_eq!(process.name(), "squares");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// What it is called.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let process = Process::spawn(square, (12,))?;
    /// assert_eq!(process.name(), "Process-1"); // the first of this program
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The system's number of it.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let process = Process::spawn(square, (12,))?;
    /// assert_ne!(process.pid(), std::process::id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it runs still.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(wait_for_ever, ())?;
    /// assert!(process.is_alive());
    /// process.kill();
    /// assert!(process.join().await.is_err() && !process.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_alive(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.is_finished())
    }

    /// Waits until it has ended, and gives what the task came to. The result is given once;
    /// [`Process::exit_code`] tells for ever how it ended.
    ///
    /// ```
    /// # use piecework::Process;
    /// use piecework::tasks::TaskError;
    ///
    /// #[piecework::task]
    /// fn divide(a: u64, b: u64) -> u64 {
    ///     a / b
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(divide, (1, 0))?;
    /// let divided = process.join().await;
    /// let Err(TaskError::Panicked(panic)) = divided else { panic!("{divided:?}") };
    /// assert!(panic.message.contains("divide by zero"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The task panicked, or its process died, or it was joined before.
    pub async fn join(&mut self) -> Result<R, TaskError> {
        let Some(running) = &mut self.running else { return Err(TaskError::Over("joined")) };
        let ended = running.await;
        self.ended(ended)
    }

    /// The same, or `None` if it runs still when the time is up.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// use std::time::Duration;
    ///
    /// let mut process = Process::spawn(wait_for_ever, ())?;
    /// assert_eq!(process.join_timeout(Duration::from_millis(20)).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Process::join`].
    pub async fn join_timeout(&mut self, patience: Duration) -> Result<Option<R>, TaskError> {
        let Some(running) = &mut self.running else { return Err(TaskError::Over("joined")) };
        match timeout(patience, running).await {
            Ok(ended) => self.ended(ended).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn ended(
        &mut self,
        told: Result<Result<Packed, TaskError>, JoinError>,
    ) -> Result<R, TaskError> {
        self.running = None;
        let told = told.unwrap_or(Err(TaskError::Over("gone")));
        let ended = told.and_then(|mut told| told.next(result).expect("one call has one result"));
        self.exit_code = Some(match &ended {
            Ok(_) => 0,
            Err(TaskError::Died { status, .. }) => code(*status),
            Err(_) => 1,
        });
        ended
    }

    /// Asks it to end (`SIGTERM`).
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(wait_for_ever, ())?;
    /// process.terminate();
    /// assert!(process.join().await.is_err());
    /// assert_eq!(process.exit_code(), Some(-15)); // SIGTERM
    /// # Ok(())
    /// # }
    /// ```
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it (`SIGKILL`).
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(wait_for_ever, ())?;
    /// process.kill();
    /// let error = process.join().await.unwrap_err();
    /// assert_eq!(error.to_string(), "the process that ran the task died: signal 9");
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// As Python's: 0 after a result, 1 after a panic, the number of a signal that killed it as a
    /// negative one; `None` until it was joined.
    ///
    /// ```
    /// # use piecework::Process;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// let mut process = Process::spawn(square, (12,))?;
    /// assert_eq!(process.exit_code(), None);
    /// process.join().await?;
    /// assert_eq!(process.exit_code(), Some(0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Err(error) = self.target.signal(signal)
        {
            tracing::debug!(%error, pid = self.pid, "it has ended already");
        }
    }
}

impl<R> Drop for Process<R> {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            // The child goes with the task that watches it.
            running.abort();
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.signal().map_or_else(|| status.code().unwrap_or(1), |signal| -signal)
}
