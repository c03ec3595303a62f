//! A folder taken in by `vectora ingest`, as people do it: from its start to the last document being
//! searchable.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use serde::Deserialize;
use tokio::process::Command;

use super::super::server::Server;
use super::{Figures, watched};

/// What `vectora ingest --json` says.
#[derive(Debug, Deserialize)]
pub(in crate::commands::bench) struct Ingested {
    files: f64,
    unchanged: f64,
    failed: f64,
    chunks: f64,
    seconds: f64,
}

/// Everything is new.
pub(super) async fn first(
    server: &Server,
    dir: &Path,
    kb: &Path,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (ingested, peak) = watched(server, run(dir, kb, "kb")).await;
    let ingested = ingested?;
    let Ingested { files, failed, chunks, seconds, .. } = ingested;
    figures.add("files", "Files in the folder", files, "", "");
    figures.add("files_failed", "Files that failed", failed, "", "");
    figures.add("chunks", "Chunks of them", chunks, "", "");
    figures.add("files_a_second", "Ingestion until searchable", files / seconds, "files/s", "≥ 200");
    figures.add("chunks_a_second", "The same", chunks / seconds, "chunks/s", "");
    figures.add("ingesting_mb", "Memory, ingesting, highest", super::mb(peak), "MB", "≤ 300");
    Ok(())
}

/// Nothing is new.
pub(super) async fn unchanged(
    server: &Server,
    dir: &Path,
    kb: &Path,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let before = embedded(server).await?;
    let Ingested { files, unchanged, seconds, .. } = run(dir, kb, "kb").await?;
    let embedded = embedded(server).await? - before;
    figures.add("unchanged_files", "Unchanged files, again", unchanged, "", "");
    figures.add("unchanged_files_a_second", "Unchanged again", files / seconds, "files/s", "≥ 1,000");
    figures.add("unchanged_embedded_batches", "Batches embedded for them", embedded, "", "0");
    Ok(())
}

/// Runs the command and waits for it. A file that failed is a figure, not an error.
pub(in crate::commands::bench) async fn run(dir: &Path, kb: &Path, source: &str) -> anyhow::Result<Ingested> {
    let binary = std::env::current_exe().context("this binary has no path")?;
    let output = Command::new(binary)
        .arg("ingest")
        .arg(kb)
        .args(["--json", "--source", source, "--data-dir"])
        .arg(dir)
        .env_remove("VECTORA_KEY")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("vectora ingest does not start")?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("vectora ingest ended with {}", output.status))
}

/// Batches embedded since the start of the server, from its own metrics.
async fn embedded(server: &Server) -> anyhow::Result<f64> {
    let http = reqwest::Client::builder().tls_certs_only([]).build()?;
    let metrics = http.get(format!("http://{}/metrics", server.run.internal)).send().await?.text().await?;
    Ok(metrics.lines().filter_map(done).sum())
}

/// The counter of finished batches, if this line is it.
fn done(line: &str) -> Option<f64> {
    let (name, value) = line.rsplit_once(' ')?;
    let is_it = name.starts_with("vectora_stage_handled")
        && name.contains("stage=\"embed\"")
        && name.contains("outcome=\"done\"");
    if is_it { value.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::done;

    #[test]
    fn only_embedded_batches_are_counted() {
        let line = |stage, outcome| {
            format!("vectora_stage_handled_total{{stage=\"{stage}\",outcome=\"{outcome}\"}} 17")
        };
        assert_eq!(done(&line("embed", "done")), Some(17.0));
        assert_eq!(done(&line("embed", "lost")), None);
        assert_eq!(done(&line("extract", "done")), None);
        assert_eq!(done("# EOF"), None);
    }
}
