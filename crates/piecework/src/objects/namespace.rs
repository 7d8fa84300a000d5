//! Values by name that programs share.
use piecework_wire::request::ArgOut;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::error::{CallError, GetError, OpenError, PutError};
use crate::item::to_payload;
use crate::manager::Manager;
use crate::objects::handle::Handle;

/// Values by name, each of its own type: Python's `Namespace`. Cheap to clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let settings = manager.namespace("settings").await?;
/// settings.set("host", &"example.org").await?;
/// settings.set("port", &5000).await?;
/// assert_eq!(settings.get::<String>("host").await?.as_deref(), Some("example.org"));
/// assert_eq!(settings.get::<u16>("port").await?, Some(5000));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Namespace {
    handle: Handle,
}

impl Manager {
    /// Opens the namespace `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// manager.namespace("settings").await?.set("port", &5000).await?;
    /// let same = manager.namespace("settings").await?;
    /// assert_eq!(same.get::<u16>("port").await?, Some(5000));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no namespace of this name.
    pub async fn namespace(&self, name: &str) -> Result<Namespace, OpenError> {
        let handle = Handle::open(self, name, "Namespace", None, "__setattr__").await?;
        Ok(Namespace { handle })
    }
}

impl Namespace {
    /// The value of this name, if there is one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let settings = manager.namespace("settings").await?;
    /// assert_eq!(settings.get::<u16>("port").await?, None);
    /// settings.set("port", &5000).await?;
    /// assert_eq!(settings.get::<u16>("port").await?, Some(5000));
    /// assert!(settings.get::<String>("port").await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the value is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, GetError> {
        match self.handle.call(Again::Yes, "__getattribute__", &[ArgOut::Str(name)]).await {
            Err(error) if error.is_remote("AttributeError") => Ok(None),
            got => self.handle.read(&got?).map(Some),
        }
    }

    /// Sets the value of this name.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let settings = manager.namespace("settings").await?;
    /// settings.set("port", &5000).await?;
    /// settings.set("port", &"http").await?; // of another type, from now on
    /// assert_eq!(settings.get::<String>("port").await?.as_deref(), Some("http"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or refuses the value.
    pub async fn set<T: Serialize>(&self, name: &str, value: &T) -> Result<(), PutError> {
        let value = to_payload(value)?;
        let args = [ArgOut::Str(name), ArgOut::Payload(&value)];
        self.handle.call(Again::Yes, "__setattr__", &args).await?;
        Ok(())
    }

    /// Takes the value of this name out; whether there was one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let settings = manager.namespace("settings").await?;
    /// settings.set("port", &5000).await?;
    /// assert!(settings.remove("port").await?);
    /// assert!(!settings.remove("port").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn remove(&self, name: &str) -> Result<bool, CallError> {
        match self.handle.call(Again::No, "__delattr__", &[ArgOut::Str(name)]).await {
            Err(error) if error.is_remote("AttributeError") => Ok(false),
            removed => removed.map(|_| true),
        }
    }
}
