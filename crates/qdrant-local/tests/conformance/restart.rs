//! Stopped, killed, and started again: what was acknowledged is there, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use qdrant_client::{
    Qdrant,
    qdrant::{
        DeletePointsBuilder, PointId, PointsIdsList, ScrollPointsBuilder, UpsertPointsBuilder, vector_output,
        vectors_output::VectorsOptions,
    },
};
use qdrant_local::{Options, Server};
use tokio::sync::Semaphore;

use crate::servers::{Embedded, KEY, SPARSE, client, number, numbers, options, point, wanted};

const DIRECTORY: &str = "VECTORA_TEST_INDEX_DIRECTORY";
const SEAL_EVERY: &str = "VECTORA_TEST_SEAL_EVERY";
const FLUSH_MILLISECONDS: &str = "VECTORA_TEST_FLUSH_MILLISECONDS";

/// Every point and its first term.
pub(crate) async fn contents(client: &Qdrant, collection: &str) -> BTreeMap<u64, u32> {
    let mut contents = BTreeMap::new();
    let mut offset: Option<PointId> = None;
    loop {
        let mut request =
            ScrollPointsBuilder::new(collection).limit(1_000).with_vectors(true).with_payload(false);
        if let Some(offset) = offset {
            request = request.offset(offset);
        }
        let page = client.scroll(request).await.expect("a page");
        for point in page.result {
            let id = number(point.id.as_ref());
            let Some(VectorsOptions::Vectors(mut named)) =
                point.vectors.and_then(|vectors| vectors.vectors_options)
            else {
                panic!("point {id} has no vector")
            };
            let vector = named.vectors.remove(SPARSE).expect("a sparse vector").into_vector();
            let vector_output::Vector::Sparse(sparse) = vector else { panic!("point {id} is not sparse") };
            assert!(contents.insert(id, sparse.indices[0]).is_none(), "point {id} twice");
        }
        offset = page.next_page_offset;
        if offset.is_none() {
            return contents;
        }
    }
}

/// A server in a process of its own.
pub(crate) struct ChildServer {
    child: Child,
    pub(crate) client: Qdrant,
}

impl ChildServer {
    pub(crate) fn start(directory: &Path, seal_every: usize, flush_every: Duration) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["restart::serve_for_a_parent", "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .env(SEAL_EVERY, seal_every.to_string())
            .env(FLUSH_MILLISECONDS, flush_every.as_millis().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        // The test harness prints the test's name before it, on the same line.
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.find("http://").map(|start| line[start..].to_owned()))
            .expect("the child says where it is, or it did not start");
        let client = client(&url, Some(KEY));
        Self { child, client }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the server of `ChildServer`, not a test"]
#[expect(clippy::disallowed_methods, reason = "what the parent says")]
#[expect(clippy::print_stdout, reason = "the parent reads where it is")]
async fn serve_for_a_parent() {
    let directory = PathBuf::from(std::env::var(DIRECTORY).expect("only as a child"));
    let mut options = Options::new(directory.join("index"), KEY.to_owned().into());
    let told = |name| std::env::var(name).expect("only as a child");
    options.seal_every = told(SEAL_EVERY).parse().expect("a number");
    options.flush_every = Duration::from_millis(told(FLUSH_MILLISECONDS).parse().expect("a number"));
    let server = Server::start(options).await.expect("started");
    println!("{}", server.url());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_a_stop() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("stopped").await;
    embedded.target.upsert(&name, (0..500).map(|id| point(id, &[(7, 1.0), (9, 2.0)])).collect()).await;
    embedded.server.stop().await;
    let server = Server::start(options(&embedded.directory)).await.expect("started again");
    let client = client(&server.url(), Some(KEY));
    assert_eq!(contents(&client, &name).await.len(), 500);
    server.stop().await;
    server.stop().await;
}

/// What was answered: points with their latest term, and deleted ones.
#[derive(Default)]
struct Written {
    there: BTreeMap<u64, u32>,
    gone: BTreeSet<u64>,
}

/// Ids rise from `base`; of each batch half overwrites the one before with a larger term.
async fn write_until_killed(client: Qdrant, base: u64, batches: &Semaphore) -> Written {
    let mut written = Written::default();
    for batch in 0..u32::MAX {
        let first = base + u64::from(batch) * 10;
        let terms: Vec<(u32, f32)> = (0..40).map(|n| (batch + n * 1_000_000, 1.0)).collect();
        let points: Vec<_> = (first..first + 20).map(|id| point(id, &terms)).collect();
        let request = UpsertPointsBuilder::new("kept", points).wait(true);
        if client.upsert_points(request).await.is_err() {
            break;
        }
        written.there.extend((first..first + 20).map(|id| (id, batch)));
        batches.add_permits(1);
        if batch % 7 == 0 {
            // No later batch writes it again.
            written.there.remove(&first);
            let ids = PointsIdsList { ids: vec![first.into()] };
            let request = DeletePointsBuilder::new("kept").points(ids).wait(true);
            if client.delete_points(request).await.is_err() {
                break;
            }
            written.gone.insert(first);
        }
    }
    written
}

/// Clients write, overwrite and delete, with sealings and flushes all the time, and the process is
/// killed; again and again on the same directory.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_and_is_there_once() {
    const ROUNDS: u64 = 4;
    const CLIENTS: u64 = 4;
    let directory = tempfile::tempdir().expect("a directory");
    let mut acknowledged: BTreeMap<u64, u32> = BTreeMap::new();
    let mut gone: BTreeSet<u64> = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut server = ChildServer::start(directory.path(), 700, Duration::from_millis(200));
        if round == 0 {
            server.client.create_collection(wanted("kept")).await.expect("created");
        }
        let found = contents(&server.client, "kept").await;
        let count =
            server.client.collection_info("kept").await.expect("info").result.expect("a result").points_count;
        assert_eq!(count, Some(found.len() as u64), "no point is counted twice");
        // A write that was not acknowledged may be there: ids are never used twice by different rounds,
        // but for the overwritten ones, which only grow.
        for (id, term) in &acknowledged {
            assert!(
                found.get(id).is_some_and(|seen| seen >= term),
                "round {round}: point {id} is lost or old"
            );
        }
        for id in &gone {
            assert!(!found.contains_key(id), "round {round}: point {id} was deleted and is back");
        }
        let batches = Semaphore::new(0);
        let writers = (0..CLIENTS).map(|writer| {
            write_until_killed(server.client.clone(), (round * CLIENTS + writer) * 1_000_000, &batches)
        });
        let writing = futures_util::future::join_all(writers);
        let killing = async {
            // So many writes that the kill falls into another part of flushes and sealings each round.
            let enough = batches.acquire_many(60 + 37 * u32::try_from(round).expect("small")).await;
            enough.expect("never closed").forget();
            server.kill();
        };
        let (done, ()) = tokio::join!(writing, killing);
        for written in done {
            acknowledged.extend(written.there);
            gone.extend(written.gone);
        }
    }
    assert!(acknowledged.len() > 1_000, "only {} points were written", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn points_left_twice_by_a_cut_off_sealing_are_put_right() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("doubled").await;
    let terms: Vec<(u32, f32)> = (0..100).map(|term| (term, 1.0)).collect();
    embedded.target.upsert(&name, (0..1_000).map(|id| point(id, &terms)).collect()).await;
    embedded.server.stop().await;
    let segments = embedded.directory.path().join("index").join(&name).join("segments");
    let before: BTreeSet<_> =
        fs::read_dir(&segments).expect("read").map(|entry| entry.expect("one").path()).collect();
    let kept = embedded.directory.path().join("kept");
    copy(&segments, &kept);

    let mut sealing = options(&embedded.directory);
    sealing.seal_every = 1;
    let server = Server::start(sealing).await.expect("started");
    let key = Some(KEY);
    let one = UpsertPointsBuilder::new(&name, vec![point(5_000, &terms)]).wait(true);
    client(&server.url(), key).upsert_points(one).await.expect("upserted");
    server.stop().await;
    let after: BTreeSet<_> =
        fs::read_dir(&segments).expect("read").map(|entry| entry.expect("one").path()).collect();
    let replaced: Vec<_> = before.difference(&after).collect();
    assert!(!replaced.is_empty(), "nothing was sealed");
    for segment in replaced {
        copy(&kept.join(segment.file_name().expect("a name")), segment);
    }

    let server = Server::start(options(&embedded.directory)).await.expect("started");
    let client = client(&server.url(), key);
    assert_eq!(contents(&client, &name).await.len(), 1_001);
    let info = client.collection_info(&name).await.expect("info").result.expect("a result");
    assert_eq!(info.points_count, Some(1_001));
    let all = QueryAll(&name).ask(&client).await;
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1_001);
    server.stop().await;
}

struct QueryAll<'a>(&'a str);

impl QueryAll<'_> {
    async fn ask(&self, client: &Qdrant) -> Vec<u64> {
        use qdrant_client::qdrant::QueryPointsBuilder;
        let query = crate::servers::sparse_query(&[(1, 1.0)]);
        let request = QueryPointsBuilder::new(self.0).query(query).using(SPARSE).limit(2_000);
        numbers(&client.query(request).await.expect("answered").result)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("one");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copied");
        }
    }
}
