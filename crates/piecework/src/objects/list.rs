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
    /// # Errors
    /// The manager cannot be reached, or refuses the item.
    pub async fn push(&self, item: &T) -> Result<(), PutError> {
        let item = to_payload(item)?;
        self.handle.call(Again::No, "append", &[ArgOut::Payload(&item)]).await?;
        Ok(())
    }

    /// Appends items: all of them, or none.
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
    /// # Errors
    /// As for [`List::get`].
    pub async fn pop(&self) -> Result<Option<T>, GetError> {
        let back =
            |ident: &str, item: Payload| Some(written(ident, "append", &[ArgOut::Payload(&item)]));
        self.handle.take("pop", &[], "IndexError", back).await
    }

    /// Takes the item at an index out, if there is one, as [`List::pop`] does.
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
    /// # Errors
    /// The manager cannot be reached.
    pub async fn len(&self) -> Result<u64, CallError> {
        self.handle.told(&self.handle.call(Again::Yes, "__len__", &[]).await?)
    }

    /// Whether there is no item.
    ///
    /// # Errors
    /// The manager cannot be reached.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// All items.
    ///
    /// # Errors
    /// The manager cannot be reached; or an item is no `T`.
    pub async fn items(&self) -> Result<Vec<T>, GetError> {
        self.handle.read(&self.handle.call(Again::Yes, "copy", &[]).await?)
    }
}
