//! A manager that this program is itself.
use std::sync::Arc;

use piecework_server::{Config, Server, ServerError};
use piecework_wire::auth::Key;
use tokio::sync::oneshot;

use crate::manager::Manager;
use crate::place::Place;
use crate::served::Served;

/// What lists show of this process's own key.
const KEY_NAME: &str = "own";

impl Manager {
    /// Runs a manager in this process, as `piecework serve` does, for as long as this handle or a
    /// clone of it lives; [`Manager::stop`] waits for its end.
    ///
    /// ```
    /// use piecework::server::{Config, QueueSpec};
    /// use piecework::{Key, Manager};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut config = Config::new(Key::new("abc"));
    /// config.listen = vec!["127.0.0.1:0".parse()?];
    /// config.queues = vec![QueueSpec::named("mails")];
    /// let manager = Manager::serve(config).await?;
    /// println!("listening on {}", manager.address());
    /// manager.queue::<String>("mails").await?.put(&"Dear Python".to_owned()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It cannot listen at an address, or read what earlier runs have kept, or its queues do not
    /// fit together.
    ///
    /// # Panics
    /// The system has no random numbers, and so no key for this program's own connections.
    pub async fn serve(config: Config) -> Result<Self, ServerError> {
        // A way in of its own, whatever keys and addresses others use.
        let mut own = [0; 32];
        getrandom::fill(&mut own).expect("the system has random numbers");
        let key = Key::new(own);
        let config = Config { keys: config.keys.with(KEY_NAME, key.clone()), ..config };
        let mut server = Server::bind(config).await?;
        let place = Place::within(server.connector(), server.addresses(), key);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        let served = Served::new(stop, running);
        let mut manager = Self::at(place);
        manager.served = Some(Arc::new(served));
        Ok(manager)
    }

    /// Runs a manager in this process that nobody else can reach and that keeps nothing on disk:
    /// for the threads and tasks of one program, and for tests. It has a queue of any name that is
    /// asked for.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = piecework::Manager::local().await?;
    /// let lines = manager.queue::<String>("lines").await?; // any name
    /// lines.put(&"Dear Python".to_owned()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The process has no room for one more.
    ///
    /// # Panics
    /// As [`Manager::serve`].
    pub async fn local() -> Result<Self, ServerError> {
        let config = Config::new(Key::new(""));
        Self::serve(Config { listen: Vec::new(), open: true, ..config }).await
    }

    /// Stops a manager that runs in this process, and waits until what it holds is kept; others
    /// are left alone.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let tasks = manager.queue::<u64>("task").await?;
    /// tasks.put(&3411).await?;
    /// manager.stop().await?; // and with it ends what was put: nothing is kept on disk here
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Something could not be kept.
    pub async fn stop(self) -> Result<(), ServerError> {
        let running = self.served.as_ref().and_then(|served| served.take());
        let Some((stop, running)) = running else { return Ok(()) };
        drop(stop);
        running.await.map_err(|_| ServerError::Lost)?
    }
}
