//! Figures, not a test:
//! `cargo test --release --workspace --test conformance measure -- --ignored --nocapture`.

#![expect(clippy::print_stdout, reason = "figures are for people")]

use std::time::{Duration, Instant};

use qdrant_client::{
    Qdrant,
    qdrant::{
        CreateCollectionBuilder, Datatype, Modifier, PointStruct, QueryPointsBuilder,
        SparseIndexConfigBuilder, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder,
    },
};

use crate::{
    restart::ChildServer,
    servers::{SPARSE, point, sparse_query},
};

const CLIENTS: u64 = 8;
/// As `Options::new` has it.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
const TERMS: usize = 120;
const VOCABULARY: f64 = 60_000.0;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    #[expect(clippy::cast_precision_loss, reason = "a fraction")]
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A word by Zipf's law, spread over all ids as a hash would.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank below 60,000")]
    fn word(&mut self) -> u32 {
        let rank = VOCABULARY.powf(self.fraction()) as u32;
        rank.wrapping_mul(2_654_435_761) >> 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
    fn terms(&mut self, count: usize) -> Vec<(u32, f32)> {
        let mut words = std::collections::BTreeMap::new();
        while words.len() < count {
            words.insert(self.word(), 0.3 + 1.5 * self.fraction() as f32);
        }
        words.into_iter().collect()
    }
}

fn points(ids: std::ops::Range<u64>) -> Vec<PointStruct> {
    ids.map(|id| point(id, &Numbers(id * 7_919 + 1).terms(TERMS))).collect()
}

/// Anonymous and mapped memory of a process, in MiB.
fn memory(process: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let field = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().nth(1).expect("a number").parse::<f64>().expect("a number") / 1_024.0
    };
    (field("RssAnon:"), field("RssFile:"))
}

fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * part / 100]
}

async fn insert(client: &Qdrant, collection: &str, total: u64, batch: u64) -> (Duration, Vec<Duration>) {
    let share = total / CLIENTS;
    let batches: Vec<Vec<_>> = (0..CLIENTS)
        .map(|n| {
            (0..share / batch).map(|b| points(n * share + b * batch..n * share + (b + 1) * batch)).collect()
        })
        .collect();
    let started = Instant::now();
    let writers = batches.into_iter().map(|batches| async move {
        let mut times = Vec::new();
        for batch in batches {
            let started = Instant::now();
            let request = UpsertPointsBuilder::new(collection, batch).wait(true);
            client.upsert_points(request).await.expect("upserted");
            times.push(started.elapsed());
        }
        times
    });
    let times = futures_util::future::join_all(writers).await.concat();
    (started.elapsed(), times)
}

async fn search(client: &Qdrant, collection: &str, number: u64) -> Duration {
    let terms = Numbers(number * 104_729 + 3).terms(20);
    let request = QueryPointsBuilder::new(collection).query(sparse_query(&terms)).using(SPARSE).limit(50);
    let started = Instant::now();
    client.query(request).await.expect("answered");
    started.elapsed()
}

async fn create(client: &Qdrant, name: &str, settings: (bool, Datatype)) {
    let index = SparseIndexConfigBuilder::default().on_disk(settings.0).datatype(settings.1);
    let params = SparseVectorParamsBuilder::default().modifier(Modifier::Idf).index(index);
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params(SPARSE, params);
    client
        .create_collection(CreateCollectionBuilder::new(name).sparse_vectors_config(sparse))
        .await
        .expect("created");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures, not a test"]
#[expect(clippy::disallowed_methods, reason = "how many points, and what is tried")]
#[expect(clippy::cast_precision_loss, reason = "a rate")]
async fn measure() {
    let total: u64 = std::env::var("POINTS").map_or(20_000, |text| text.parse().expect("a number"));
    let seal_every: usize = std::env::var("SEAL").map_or(5_000, |text| text.parse().expect("a number"));
    let only = std::env::var("ONLY").ok();
    for (label, settings) in [
        ("disk f32", (true, Datatype::Float32)),
        ("disk f16", (true, Datatype::Float16)),
        ("disk u8", (true, Datatype::Uint8)),
        ("ram f32", (false, Datatype::Float32)),
        ("ram u8", (false, Datatype::Uint8)),
    ] {
        if only.as_deref().is_some_and(|only| only != label) {
            continue;
        }
        for batch in [256, 16] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut server = ChildServer::start(directory.path(), seal_every, FLUSH_EVERY);
            let client = &server.client;
            create(client, "measured", settings).await;
            let empty = memory(server.process());
            let stop = tokio_util::sync::CancellationToken::new();
            let searching = async {
                let mut times = Vec::new();
                while !stop.is_cancelled() {
                    times.push(search(client, "measured", times.len() as u64).await);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                times
            };
            let inserting = async {
                let answer = insert(client, "measured", total, batch).await;
                stop.cancel();
                answer
            };
            let ((took, mut writes), mut busy) = tokio::join!(inserting, searching);
            let after = memory(server.process());
            // Until the quiet sealing has been.
            tokio::time::sleep(FLUSH_EVERY * 3).await;
            let mut idle = Vec::new();
            for number in 0..1_000 {
                idle.push(search(client, "measured", number).await);
            }
            let quiet = memory(server.process());
            let segments =
                client.collection_info("measured").await.expect("info").result.expect("one").segments_count;
            server.kill();
            let mut again = ChildServer::start(directory.path(), seal_every, FLUSH_EVERY);
            for number in 0..100 {
                search(&again.client, "measured", number).await;
            }
            let restarted = memory(again.process());
            again.kill();
            println!(
                "{label}, batches of {batch}: {:.0} points/s; write p50 {:?} p95 {:?} max {:?}; search while \
                 inserting p50 {:?} p95 {:?} max {:?}; idle p50 {:?} p95 {:?} max {:?}; {segments} segments; \
                 anonymous/mapped MiB: empty {empty:.1?}, after {after:.1?}, quiet {quiet:.1?}, \
                 restarted {restarted:.1?}",
                total as f64 / took.as_secs_f64(),
                percentile(&mut writes, 50),
                percentile(&mut writes, 95),
                percentile(&mut writes, 100),
                percentile(&mut busy, 50),
                percentile(&mut busy, 95),
                percentile(&mut busy, 100),
                percentile(&mut idle, 50),
                percentile(&mut idle, 95),
                percentile(&mut idle, 100),
            );
        }
    }
}
