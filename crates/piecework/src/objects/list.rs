//! A list that programs share.
use std::marker::PhantomData;

use piecework_wire::Payload;
use piecework_wire::request::ArgOut;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::again::Again;
use crate::error::{CallError, GetError, OpenError, PutError};
use crate::item::to_payload;
use crate::manager::Manager;
use crate::objects::handle::{Handle, count};
use crate::session::written;

/// A list of the manager's. Cheap to clone.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = piecework::Manager::local().await?;
/// let names = manager.list::<String>("names").await?;
/// names.push(&"Ada".to_owned()).await?;
/// assert_eq!((names.len().await?, names.get(0).await?), (1, Some("Ada".to_owned())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct List<T> {
    handle: Handle,
    items: PhantomData<fn(T) -> T>,
}

impl Manager {
    /// Opens the list `name`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// manager.list::<u32>("numbers").await?.push(&7).await?;
    /// assert_eq!(manager.list::<u32>("numbers").await?.items().await?, [7]); // the same one
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or has no list of this name.
    pub async fn list<T>(&self, name: &str) -> Result<List<T>, OpenError> {
        let handle = Handle::open(self, name, "list", None, "append").await?;
        Ok(List { handle, items: PhantomData })
    }
}

impl<T: Serialize + DeserializeOwned> List<T> {
    /// The item at an index, if there is one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8]).await?;
    /// assert_eq!((numbers.get(1).await?, numbers.get(2).await?), (Some(8), None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or the item is no `T`.
    pub async fn get(&self, index: usize) -> Result<Option<T>, GetError> {
        match self.handle.call(Again::Yes, "__getitem__", &[count(index)]).await {
            Err(error) if error.is_remote("IndexError") => Ok(None),
            got => self.handle.read(&got?).map(Some),
        }
    }

    /// Sets the item at an index.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8]).await?;
    /// numbers.set(0, &6).await?;
    /// assert_eq!(numbers.items().await?, [6, 8]);
    /// assert!(numbers.set(2, &9).await.is_err()); // `push` makes it longer
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or refuses the item; there is no such index (`IndexError`).
    pub async fn set(&self, index: usize, item: &T) -> Result<(), PutError> {
        let item = to_payload(item)?;
        let args = [count(index), ArgOut::Payload(&item)];
        self.handle.call(Again::Yes, "__setitem__", &args).await?;
        Ok(())
    }

    /// Appends an item.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.push(&7).await?;
    /// numbers.push(&8).await?;
    /// assert_eq!(numbers.items().await?, [7, 8]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached, or refuses the item.
    pub async fn push(&self, item: &T) -> Result<(), PutError> {
        let item = to_payload(item)?;
        self.handle.call(Again::No, "append", &[ArgOut::Payload(&item)]).await?;
        Ok(())
    }

    /// Appends items: all of them, or none.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8]).await?;
    /// numbers.extend(&[9]).await?;
    /// assert_eq!(numbers.items().await?, [7, 8, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`List::push`].
    pub async fn extend<'a>(&self, items: impl IntoIterator<Item = &'a T>) -> Result<(), PutError>
    where
        T: 'a,
    {
        let items: Vec<Payload> = items.into_iter().map(to_payload).collect::<Result<_, _>>()?;
        self.handle.call(Again::No, "extend", &[ArgOut::Payloads(&items)]).await?;
        Ok(())
    }

    /// Puts an item in front of that at an index.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 9]).await?;
    /// numbers.insert(1, &8).await?;
    /// assert_eq!(numbers.items().await?, [7, 8, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`List::push`].
    pub async fn insert(&self, index: usize, item: &T) -> Result<(), PutError> {
        let item = to_payload(item)?;
        let args = [count(index), ArgOut::Payload(&item)];
        self.handle.call(Again::No, "insert", &args).await?;
        Ok(())
    }

    /// Takes the last item out. One that is no `T`, or comes when the future was dropped, is put
    /// back.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.push(&7).await?;
    /// assert_eq!((numbers.pop().await?, numbers.pop().await?), (Some(7), None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`List::get`].
    pub async fn pop(&self) -> Result<Option<T>, GetError> {
        let back =
            |ident: &str, item: Payload| Some(written(ident, "append", &[ArgOut::Payload(&item)]));
        self.handle.take("pop", &[], "IndexError", back).await
    }

    /// Takes the item at an index out, if there is one, as [`List::pop`] does.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8, 9]).await?;
    /// assert_eq!((numbers.remove(0).await?, numbers.remove(5).await?), (Some(7), None));
    /// assert_eq!(numbers.items().await?, [8, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`List::get`].
    pub async fn remove(&self, index: usize) -> Result<Option<T>, GetError> {
        let back = move |ident: &str, item: Payload| {
            Some(written(ident, "insert", &[count(index), ArgOut::Payload(&item)]))
        };
        self.handle.take("pop", &[count(index)], "IndexError", back).await
    }

    /// How many items there are.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8]).await?;
    /// assert_eq!(numbers.len().await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn len(&self) -> Result<u64, CallError> {
        self.handle.told(&self.handle.call(Again::Yes, "__len__", &[]).await?)
    }

    /// Whether there is no item.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// assert!(manager.list::<u32>("numbers").await?.is_empty().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// All items.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = piecework::Manager::local().await?;
    /// # let numbers = manager.list::<u32>("numbers").await?;
    /// numbers.extend(&[7, 8]).await?;
    /// assert_eq!(numbers.items().await?, [7, 8]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The manager cannot be reached; or an item is no `T`.
    pub async fn items(&self) -> Result<Vec<T>, GetError> {
        self.handle.read(&self.handle.call(Again::Yes, "copy", &[]).await?)
    }
}
