//! One value that programs share.
use std::marker::PhantomData;

use piecework_wire::request::ArgOut;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::error::{GetError, OpenError, PutError};
use crate::item::to_payload;
use crate::manager::Manager;
use crate::objects::handle::Handle;

/// One value of the type `T`, Python's `Value`. Cheap to clone.
///
/// Reading and writing are two calls: what is made of the old value is written under a
/// [`Lock`](crate::objects::Lock).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let count = manager.value::<u64>("count").await?;
/// let lock = manager.lock("count_lock").await?;
/// let held = lock.lock().await?;
/// count.set(&(count.get().await? + 1)).await?;
/// drop(held);
/// assert_eq!(count.get().await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Value<T> {
    handle: Handle,
    value: PhantomData<fn(T) -> T>,
}

impl Manager {
    /// Opens the value `name`; one that is made for this is 0.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// assert_eq!(manager.value::<i64>("balance").await?.get().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no value of this name.
    pub async fn value<T>(&self, name: &str) -> Result<Value<T>, OpenError> {
        let handle = Handle::open(self, name, "Value", None, "set").await?;
        Ok(Value { handle, value: PhantomData })
    }
}

impl<T: Serialize + DeserializeOwned> Value<T> {
    /// Gets it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let balance = manager.value::<i64>("balance").await?;
    /// balance.set(&-5).await?;
    /// assert_eq!(balance.get().await?, -5);
    /// assert!(manager.value::<u8>("balance").await?.get().await.is_err()); // it is no `u8`
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or it is no `T`.
    pub async fn get(&self) -> Result<T, GetError> {
        self.handle.read(&self.handle.call(Again::Yes, "get", &[]).await?)
    }

    /// Sets it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let name = manager.value::<String>("name").await?;
    /// name.set(&"Ada".to_owned()).await?;
    /// assert_eq!(name.get().await?, "Ada");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the value cannot be said as plain data.
    pub async fn set(&self, value: &T) -> Result<(), PutError> {
        let value = to_payload(value)?;
        self.handle.call(Again::Yes, "set", &[ArgOut::Payload(&value)]).await?;
        Ok(())
    }
}
