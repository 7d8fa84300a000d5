//! What tasks come to, for whoever waits for that.

use std::collections::VecDeque;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::tasks::{Packed, TaskError, result};

/// The results of some tasks of a call, from a number on; or why the one of this number has none.
pub(super) type Told = (usize, Result<Packed, TaskError>);

/// The results of one call on the pool.
#[derive(Debug)]
pub(super) struct Results<R> {
    told: mpsc::Receiver<Told>,
    /// What came together and was not yet asked for.
    come: (usize, Packed),
    /// Those that came before their turn, from that of the next one on.
    early: VecDeque<Option<Result<R, TaskError>>>,
    /// Whose turn it is, and how many there are.
    next: usize,
    len: usize,
    /// How many have come.
    came: usize,
}

impl<R> Results<R> {
    pub(super) fn new(told: mpsc::Receiver<Told>, len: usize) -> Self {
        Self { told, come: (0, Packed::default()), early: VecDeque::new(), next: 0, len, came: 0 }
    }

    /// Of a call that came to nothing.
    pub(super) fn failed(error: TaskError) -> Self {
        let (sender, told) = mpsc::channel(1);
        sender.try_send((0, Err(error))).expect("there is room for one");
        Self::new(told, 1)
    }
}

impl<R: DeserializeOwned> Results<R> {
    /// The next one to come, and which it is; `None` behind the last. May be dropped and called
    /// again. That no more will come though some are missing is told once, of the one whose turn
    /// it is.
    pub(super) async fn next(&mut self) -> Option<(usize, Result<R, TaskError>)> {
        if self.came >= self.len {
            return None;
        }
        loop {
            let (at, results) = &mut self.come;
            if let Some(result) = results.next(result) {
                self.came += 1;
                *at += 1;
                return Some((*at - 1, result));
            }
            match self.told.recv().await {
                Some((at, Ok(results))) => self.come = (at, results),
                Some((at, Err(error))) => {
                    self.came += 1;
                    return Some((at, Err(error)));
                }
                None => {
                    self.came = self.len;
                    return Some((self.next, Err(TaskError::Over("gone"))));
                }
            }
        }
    }

    /// The next one in order; `None` behind the last.
    pub(super) async fn next_in_order(&mut self) -> Option<Result<R, TaskError>> {
        if self.next >= self.len {
            return None;
        }
        while !self.has_next() {
            let Some((at, result)) = self.next().await else {
                self.next = self.len;
                return Some(Err(TaskError::Over("gone")));
            };
            self.keep(at, result);
        }
        self.next += 1;
        self.early.pop_front().flatten()
    }

    /// Whether the next one in order has come.
    fn has_next(&self) -> bool {
        self.early.front().is_some_and(Option::is_some)
    }

    /// Keeps one until its turn.
    fn keep(&mut self, at: usize, result: Result<R, TaskError>) {
        let place = at.saturating_sub(self.next);
        if self.early.len() <= place {
            self.early.resize_with(place + 1, || None);
        }
        if let Some(early) = self.early.get_mut(place) {
            *early = Some(result);
        }
    }

    /// All of them in order; or the first that failed.
    pub(super) async fn all(mut self) -> Result<Vec<R>, TaskError> {
        let mut all = Vec::with_capacity(self.len);
        while let Some(result) = self.next_in_order().await {
            all.push(result?);
        }
        Ok(all)
    }
}

/// The result of a task that somebody will ask for.
///
/// ```
/// # use piecework::Pool;
/// # #[piecework::task]
/// # fn square(n: u64) -> u64 {
/// #     n * n
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # piecework::init();
/// let pool = Pool::local(1); // without it there would be no result
/// let result = pool.apply_async(square, (12,)); // does not wait
/// assert_eq!(result.get().await?, 144);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncResult<R> {
    results: Results<R>,
}

impl<R: DeserializeOwned> AsyncResult<R> {
    pub(super) fn new(results: Results<R>) -> Self {
        Self { results }
    }

    /// Waits for the result.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let pool = Pool::local(1);
    /// assert_eq!(pool.apply_async(square, (12,)).get().await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The task panicked, or its child died as often as it was tried; the pool was closed.
    pub async fn get(mut self) -> Result<R, TaskError> {
        self.results.next_in_order().await.unwrap_or(Err(TaskError::Over("gone")))
    }

    /// Waits until there is a result. May be given up and called again.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let pool = Pool::local(1);
    /// let mut result = pool.apply_async(square, (12,));
    /// result.wait().await;
    /// assert!(result.ready());
    /// assert_eq!(result.get().await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait(&mut self) {
        if !self.results.has_next()
            && let Some((at, result)) = self.results.next().await
        {
            self.results.keep(at, result);
        }
    }

    /// Whether there is a result.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn square(n: u64) -> u64 {
    /// #     n * n
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let pool = Pool::local(1);
    /// let mut result = pool.apply_async(square, (12,));
    /// while !result.ready() {
    ///     tokio::task::yield_now().await; // or something of more use
    /// }
    /// assert_eq!(result.get().await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ready(&mut self) -> bool {
        if let Some(Some((at, result))) = self.results.next().now_or_never() {
            self.results.keep(at, result);
        }
        self.results.has_next()
    }

    /// Whether there is a result and no error; `None` while there is neither.
    ///
    /// ```
    /// # use piecework::Pool;
    /// # #[piecework::task]
    /// # fn divide(a: u64, b: u64) -> u64 {
    /// #     a / b
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # piecework::init();
    /// # let pool = Pool::local(1);
    /// let mut result = pool.apply_async(divide, (7, 0));
    /// result.wait().await;
    /// assert_eq!(result.successful(), Some(false)); // `get` says why
    /// # Ok(())
    /// # }
    /// ```
    pub fn successful(&mut self) -> Option<bool> {
        self.ready();
        self.results.early.front()?.as_ref().map(Result::is_ok)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::tasks::{Packing, answer};

    fn told(at: usize) -> Told {
        let mut packing = Packing::default();
        packing.add(|out| answer(&at, out)).unwrap();
        (at, Ok(packing.done()))
    }

    #[test]
    fn a_wait_that_is_given_up_loses_no_result() {
        let (sender, told_of) = mpsc::channel(1);
        let mut result = AsyncResult::<usize>::new(Results::new(told_of, 1));
        assert!(result.wait().now_or_never().is_none());
        sender.try_send(told(0)).unwrap();
        assert_eq!(result.get().now_or_never().unwrap().unwrap(), 0);
    }

    #[test]
    fn a_pool_that_is_gone_is_told_once() {
        let results = |sent: &[usize]| {
            let (sender, told_of) = mpsc::channel(4);
            sent.iter().for_each(|at| sender.try_send(told(*at)).unwrap());
            Results::<usize>::new(told_of, 4)
        };
        let gone = |result: Option<Result<usize, TaskError>>| {
            matches!(result, Some(Err(TaskError::Over("gone"))))
        };
        let mut unordered = results(&[2]);
        assert!(unordered.next().now_or_never().unwrap().is_some_and(|(at, _)| at == 2));
        assert!(gone(unordered.next().now_or_never().unwrap().map(|(_, result)| result)));
        assert!(unordered.next().now_or_never().unwrap().is_none());
        let mut ordered = results(&[0, 2]);
        assert_eq!(ordered.next_in_order().now_or_never().unwrap().unwrap().unwrap(), 0);
        assert!(gone(ordered.next_in_order().now_or_never().unwrap()));
        let mut asked = AsyncResult::new(Results::<usize>::new(mpsc::channel(1).1, 1));
        assert_eq!((asked.ready(), asked.successful()), (true, Some(false)));
    }
}
