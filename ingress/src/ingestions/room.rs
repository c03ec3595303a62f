//! How many uploads a process reads at once, so that its memory has a bound whatever clients do.
//!
//! A place is worth one group of files and the small file that is being read, 12 MiB. Whatever is larger also needs
//! the one large place, for 64 MiB more. Who holds the large place holds a small one already and waits for nobody, so
//! waiting for it inside a small place cannot lock up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::Problem;

/// Places. The ledger writes files as fast from two connections as from ten; more places would only be memory.
const PLACES: usize = 4;

/// How long a request waits for a place. Shorter than clients' usual patience of 30 s.
const WAIT: Duration = Duration::from_secs(20);

/// Seconds after which a request that found no place may come again.
const AGAIN: u32 = 5;

/// The places of a process; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    places: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), large: Arc::new(Semaphore::new(1)) }
    }
}

impl Room {
    /// # Errors
    /// 503 with `Retry-After` when there is no place for long.
    pub(crate) async fn enter(&self) -> Result<Place, Problem> {
        Ok(Place { room: self.clone(), _small: wait(&self.places).await?, large: None })
    }
}

/// One request's place; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    _small: OwnedSemaphorePermit,
    large: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Makes room for something large. Called again it does nothing.
    ///
    /// # Errors
    /// As [`Room::enter`].
    pub(crate) async fn enlarge(&mut self) -> Result<(), Problem> {
        if self.large.is_none() {
            self.large = Some(wait(&self.room.large).await?);
        }
        Ok(())
    }

    /// The large thing is gone.
    pub(crate) fn shrink(&mut self) {
        self.large = None;
    }
}

async fn wait(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = tokio::time::timeout(WAIT, places.clone().acquire_owned()).await;
    permit.ok().and_then(Result::ok).ok_or_else(|| {
        let detail =
            format!("other uploads have filled this process for {} s: send it again", WAIT.as_secs());
        Problem::unavailable("too-many-uploads", detail, AGAIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_is_told_when_to_come_again_and_a_free_place_is_taken() {
        let room = Room::default();
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(room.enter().await.expect("a place"));
        }
        let problem = room.enter().await.expect_err("no place");
        assert_eq!(problem.slug(), "too-many-uploads");
        places.pop();
        places.push(room.enter().await.expect("the free one"));

        places[0].enlarge().await.expect("the large one");
        places[0].enlarge().await.expect("it has it");
        places[1].enlarge().await.expect_err("there is one");
        places[0].shrink();
        places[1].enlarge().await.expect("it is free");
        drop(places);
        room.enter().await.expect("a place").enlarge().await.expect("all are free");
    }
}
