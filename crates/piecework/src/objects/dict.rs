//! A dict that programs share.
use std::marker::PhantomData;

use piecework_wire::request::ArgOut;
use piecework_wire::{Payload, Value as Data};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::error::{CallError, EntryError, GetError, OpenError, PutError};
use crate::item::to_payload;
use crate::manager::Manager;
use crate::objects::handle::Handle;
use crate::session::written;

/// A dict of the manager's, in the order of its entries. Cheap to clone.
///
/// Keys are what Python's dicts take, plain data without lists and dicts in it, and are equal where
/// Python's are: `1`, `1.0` and `true` are one key.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let ages = manager.dict::<String, u32>("ages").await?;
/// ages.insert(&"Ada".to_owned(), &36).await?;
/// assert_eq!(ages.get(&"Ada".to_owned()).await?, Some(36));
/// assert_eq!(ages.remove(&"Bob".to_owned()).await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dict<K, V> {
    handle: Handle,
    entries: PhantomData<fn() -> (K, V)>,
}

impl Manager {
    /// Opens the dict `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// let ages = manager.dict::<String, u32>("ages").await?;
    /// ages.insert(&"Ada".to_owned(), &36).await?;
    /// assert_eq!(manager.dict::<String, u32>("ages").await?.len().await?, 1); // the same one
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no dict of this name.
    pub async fn dict<K, V>(&self, name: &str) -> Result<Dict<K, V>, OpenError> {
        let handle = Handle::open(self, name, "dict", None, "popitem").await?;
        Ok(Dict { handle, entries: PhantomData })
    }
}

impl<K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned> Dict<K, V> {
    /// The value of a key, if it has one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&ada, &36).await?;
    /// assert_eq!((ages.get(&ada).await?, ages.get(&bob).await?), (Some(36), None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; the key is none, or the value no `V`.
    pub async fn get(&self, key: &K) -> Result<Option<V>, EntryError> {
        let key = to_payload(key)?;
        match self.handle.call(Again::Yes, "__getitem__", &[ArgOut::Payload(&key)]).await {
            Err(error) if error.is_remote("KeyError") => Ok(None),
            got => Ok(self.handle.read(&got?).map(Some)?),
        }
    }

    /// Sets the value of a key.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let ada = "Ada".to_owned();
    /// ages.insert(&ada, &36).await?;
    /// ages.insert(&ada, &37).await?;
    /// assert_eq!(ages.get(&ada).await?, Some(37));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::get`]; and the manager refuses the value.
    pub async fn insert(&self, key: &K, value: &V) -> Result<(), PutError> {
        let (key, value) = (to_payload(key)?, to_payload(value)?);
        let args = [ArgOut::Payload(&key), ArgOut::Payload(&value)];
        self.handle.call(Again::Yes, "__setitem__", &args).await?;
        Ok(())
    }

    /// The value of a key, which is set to this one if it has none: in one step.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let ada = "Ada".to_owned();
    /// assert_eq!(ages.get_or_insert(&ada, &36).await?, 36);
    /// assert_eq!(ages.get_or_insert(&ada, &99).await?, 36); // it has one
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::insert`].
    pub async fn get_or_insert(&self, key: &K, value: &V) -> Result<V, EntryError> {
        let (key, value) = (to_payload(key)?, to_payload(value)?);
        let args = [ArgOut::Payload(&key), ArgOut::Payload(&value)];
        Ok(self.handle.read(&self.handle.call(Again::Yes, "setdefault", &args).await?)?)
    }

    /// Takes a key out; gives the value that it had. One that is no `V`, or comes when the future
    /// was dropped, is put back, unless the key has another by then.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let ada = "Ada".to_owned();
    /// ages.insert(&ada, &36).await?;
    /// assert_eq!((ages.remove(&ada).await?, ages.remove(&ada).await?), (Some(36), None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::get`].
    pub async fn remove(&self, key: &K) -> Result<Option<V>, EntryError> {
        let key = to_payload(key)?;
        let kept = key.clone();
        let back = move |ident: &str, value: Payload| {
            let args = [ArgOut::Payload(&kept), ArgOut::Payload(&value)];
            Some(written(ident, "setdefault", &args))
        };
        Ok(self.handle.take("pop", &[ArgOut::Payload(&key)], "KeyError", back).await?)
    }

    /// Takes the last entry out, as [`Dict::remove`] does.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&ada, &36).await?;
    /// ages.insert(&bob, &41).await?;
    /// assert_eq!(ages.pop().await?, Some((bob, 41)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::get`].
    pub async fn pop(&self) -> Result<Option<(K, V)>, GetError> {
        let back = |ident: &str, entry: Payload| match entry.value().ok()? {
            Data::Tuple(entry) => {
                let args: Vec<_> = entry.iter().map(ArgOut::Value).collect();
                Some(written(ident, "setdefault", &args))
            }
            _ => None,
        };
        self.handle.take("popitem", &[], "KeyError", back).await
    }

    /// Whether a key has a value.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&ada, &36).await?;
    /// assert!(ages.contains(&ada).await? && !ages.contains(&bob).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::get`].
    pub async fn contains(&self, key: &K) -> Result<bool, PutError> {
        let key = to_payload(key)?;
        let args = [ArgOut::Payload(&key)];
        Ok(self.handle.told(&self.handle.call(Again::Yes, "__contains__", &args).await?)?)
    }

    /// How many entries there are.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&ada, &36).await?;
    /// ages.insert(&bob, &41).await?;
    /// assert_eq!(ages.len().await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn len(&self) -> Result<u64, CallError> {
        self.handle.told(&self.handle.call(Again::Yes, "__len__", &[]).await?)
    }

    /// Whether there is no entry.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// assert!(manager.dict::<String, u32>("ages").await?.is_empty().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// All entries.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&bob, &41).await?;
    /// ages.insert(&ada, &36).await?;
    /// assert_eq!(ages.entries().await?, [(bob, 41), (ada, 36)]); // as they came
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or an entry is no `(K, V)`.
    pub async fn entries(&self) -> Result<Vec<(K, V)>, GetError> {
        self.handle.read(&self.handle.call(Again::Yes, "items", &[]).await?)
    }

    /// All keys.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let [ada, bob] = ["Ada", "Bob"].map(str::to_owned);
    /// ages.insert(&bob, &41).await?;
    /// ages.insert(&ada, &36).await?;
    /// assert_eq!(ages.keys().await?, [bob, ada]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dict::entries`].
    pub async fn keys(&self) -> Result<Vec<K>, GetError> {
        self.handle.read(&self.handle.call(Again::Yes, "keys", &[]).await?)
    }

    /// Takes all entries out.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let ages = manager.dict::<String, u32>("ages").await?;
    /// # let ada = "Ada".to_owned();
    /// ages.insert(&ada, &36).await?;
    /// ages.clear().await?;
    /// assert!(ages.is_empty().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn clear(&self) -> Result<(), CallError> {
        self.handle.call(Again::Yes, "clear", &[]).await.map(drop)
    }
}
