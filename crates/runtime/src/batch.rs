//! Many callers, one statement: calls that arrive while another is under way go together in the next.
//!
//! Nothing waits for a batch to fill. A call that finds nothing in the air starts at once, alone; what comes meanwhile
//! goes together when it has landed. So a batch is as large as the load makes it, and one when there is none. A flight that
//! is late (it waits for a row that somebody else holds) keeps nobody: after [`LATE`] others take off beside it.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How long a flight has the air for itself. Statements of two at once would only take turns on the server, and each would
/// carry half.
const LATE: Duration = Duration::from_millis(50);

type Call<T, R> = (T, oneshot::Sender<R>);

/// The callers' end. Clones share the flights; the task ends when the last clone is dropped.
pub struct Batcher<T, R> {
    calls: mpsc::UnboundedSender<Call<T, R>>,
}

impl<T, R> Clone for Batcher<T, R> {
    fn clone(&self) -> Self {
        Self { calls: self.calls.clone() }
    }
}

impl<T, R> fmt::Debug for Batcher<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}

/// The batch that held the call was given up: the process is going down, or the batch panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch was dropped before it was done")]
pub struct Dropped;

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// Makes a batcher and the task that runs it; the caller spawns the task.
    ///
    /// `run` gets at most `largest` items and returns one result for each, in order; at most `flights`
    /// runs are under way at once, and a second one only when the one before it is late.
    pub fn new<F, Fut>(
        largest: usize,
        flights: usize,
        run: F,
    ) -> (Self, impl Future<Output = ()> + Send + 'static)
    where
        F: Fn(Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Vec<R>> + Send + 'static,
    {
        let (calls, inbox) = mpsc::unbounded_channel();
        (Self { calls }, fly(inbox, largest, flights, run))
    }

    /// Hands one item in and waits for its result.
    ///
    /// # Errors
    /// [`Dropped`] when the batch did not come to an end: the outcome is unknown.
    pub async fn call(&self, item: T) -> Result<R, Dropped> {
        let (reply, result) = oneshot::channel();
        self.calls.send((item, reply)).map_err(|_| Dropped)?;
        result.await.map_err(|_| Dropped)
    }
}

async fn fly<T, R, F, Fut>(
    mut inbox: mpsc::UnboundedReceiver<Call<T, R>>,
    largest: usize,
    flights: usize,
    run: F,
) where
    F: Fn(Vec<T>) -> Fut,
    Fut: Future<Output = Vec<R>>,
{
    let mut flying = FuturesUnordered::new();
    let mut waiting = Vec::with_capacity(largest);
    let mut patience = Instant::now();
    loop {
        let room = flying.len() < flights;
        let free = flying.is_empty() || Instant::now() >= patience;
        tokio::select! {
            count = inbox.recv_many(&mut waiting, largest), if room && free => {
                if count == 0 {
                    break;
                }
                // Callers that gave up while the flights were late: nobody would hear the result, and after
                // an outage they would stand before everybody who still waits.
                waiting.retain(|(_, reply)| !reply.is_closed());
                if waiting.is_empty() {
                    continue;
                }
                let (items, replies): (Vec<T>, Vec<_>) = waiting.drain(..).unzip();
                let results = run(items);
                flying.push(async move { (results.await, replies) });
                patience = Instant::now() + LATE;
            }
            () = tokio::time::sleep_until(patience), if room && !free => {}
            Some((results, replies)) = flying.next() => reply(results, replies),
        }
    }
    while let Some((results, replies)) = flying.next().await {
        reply(results, replies);
    }
}

/// A caller that went away is no error: its batch was done all the same.
fn reply<R>(results: Vec<R>, replies: Vec<oneshot::Sender<R>>) {
    debug_assert_eq!(results.len(), replies.len(), "a batch returns one result for each item");
    for (result, reply) in results.into_iter().zip(replies) {
        drop(reply.send(result));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use futures_util::FutureExt;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_lone_call_does_not_wait_and_later_calls_share_the_next_flight() {
        let gate = Arc::new(Semaphore::new(0));
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let (batcher, task) = Batcher::new(100, 1, {
            let (gate, sizes) = (gate.clone(), sizes.clone());
            move |items: Vec<u32>| {
                let (gate, sizes) = (gate.clone(), sizes.clone());
                async move {
                    sizes.lock().unwrap().push(items.len());
                    gate.acquire().await.unwrap().forget();
                    items.into_iter().map(|n| n * 2).collect()
                }
            }
        });
        let mut calls = FuturesUnordered::new();
        for n in 0..10 {
            let batcher = batcher.clone();
            calls.push(async move { (n, batcher.call(n).await) });
        }
        drop(batcher);
        gate.add_permits(100);
        let check = async {
            while let Some((n, result)) = calls.next().await {
                assert_eq!(result, Ok(n * 2));
            }
            drop(calls);
        };
        tokio::join!(task, check);
        let sizes = sizes.lock().unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), 10);
        assert!(sizes.len() < 10, "calls that arrive together fly together: {sizes:?}");
    }

    #[tokio::test]
    async fn a_flight_that_is_late_keeps_nobody() {
        let (gate, off) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (batcher, task) = Batcher::new(100, 2, {
            let (gate, off) = (gate.clone(), off.clone());
            move |items: Vec<u32>| {
                let (gate, off) = (gate.clone(), off.clone());
                async move {
                    if items.contains(&0) {
                        off.add_permits(1);
                        gate.acquire().await.unwrap().forget();
                    }
                    items
                }
            }
        });
        let check = async move {
            let stuck = batcher.call(0);
            tokio::pin!(stuck);
            assert!((&mut stuck).now_or_never().is_none());
            off.acquire().await.unwrap().forget();
            let began = Instant::now();
            assert_eq!(batcher.call(1).await, Ok(1));
            assert!(began.elapsed() >= LATE / 2, "it went beside the first only when that was late");
            gate.add_permits(1);
            assert_eq!(stuck.await, Ok(0));
        };
        tokio::join!(task, check);
    }

    #[tokio::test]
    async fn a_caller_that_gave_up_takes_no_place_in_a_later_flight() {
        let gate = Arc::new(Semaphore::new(0));
        let flown = Arc::new(Mutex::new(Vec::new()));
        let (batcher, task) = Batcher::new(100, 1, {
            let (gate, flown) = (gate.clone(), flown.clone());
            move |items: Vec<u32>| {
                let (gate, flown) = (gate.clone(), flown.clone());
                async move {
                    flown.lock().unwrap().extend(items.clone());
                    gate.acquire().await.unwrap().forget();
                    items
                }
            }
        });
        let caller = batcher.clone();
        let seen = flown.clone();
        let check = async move {
            let first = caller.call(1);
            tokio::pin!(first);
            assert!((&mut first).now_or_never().is_none());
            // Let the first take off, so that the others queue behind it.
            while seen.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            {
                let gone = caller.call(2);
                tokio::pin!(gone);
                assert!((&mut gone).now_or_never().is_none());
            }
            let third = caller.call(3);
            tokio::pin!(third);
            assert!((&mut third).now_or_never().is_none());
            gate.add_permits(10);
            assert_eq!((first.await, third.await), (Ok(1), Ok(3)));
        };
        let check = async {
            check.await;
            drop(batcher);
        };
        tokio::join!(task, check);
        assert_eq!(*flown.lock().unwrap(), [1, 3]);
    }
}
