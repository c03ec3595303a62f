//! `vectora migrate up | down | status`. The migrations are compiled in.

use sqlx::PgConnection;
use sqlx::migrate::{Migrate, Migrator};

use crate::{Error, Ledger};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Why the schema could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("a migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Ledger(#[from] Error),
}

impl MigrateError {
    /// Whether waiting may help.
    pub const fn is_unavailable(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_unavailable(),
            Self::Migration(_) => false,
        }
    }
}

/// One migration this binary knows.
#[derive(Debug, Clone)]
pub struct Step {
    pub version: i64,
    pub description: String,
    pub applied: bool,
}

/// Applies what is missing, one transaction each, under an advisory lock. Returns how many.
///
/// # Errors
/// [`MigrateError`] when a migration fails (it is rolled back) or the ledger is away.
pub async fn up(ledger: &Ledger) -> Result<usize, MigrateError> {
    let before = pending(ledger).await?;
    MIGRATOR.run(&mut unlimited(ledger).await?).await?;
    Ok(before)
}

/// Takes the newest `steps` applied migrations back. Returns how many.
///
/// # Errors
/// As [`up`].
pub async fn down(ledger: &Ledger, steps: usize) -> Result<usize, MigrateError> {
    let applied: Vec<i64> =
        status(ledger).await?.iter().filter(|step| step.applied).map(|step| step.version).collect();
    let steps = steps.min(applied.len());
    let target = applied.len().checked_sub(steps + 1).map_or(0, |index| applied[index]);
    MIGRATOR.undo(&mut unlimited(ledger).await?, target).await?;
    Ok(steps)
}

/// A connection of its own, without the limits of everyday statements: an index on a large table takes its
/// time, and so does waiting for another migrator.
async fn unlimited(ledger: &Ledger) -> Result<PgConnection, Error> {
    let mut connection = ledger.pool.acquire().await?.detach();
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
    sqlx::query("SET lock_timeout = 0").execute(&mut connection).await?;
    Ok(connection)
}

/// All migrations in order, and which are applied.
///
/// # Errors
/// As [`up`].
pub async fn status(ledger: &Ledger) -> Result<Vec<Step>, MigrateError> {
    let mut connection = ledger.pool.acquire().await.map_err(Error::from)?;
    connection.ensure_migrations_table(&MIGRATOR.table_name).await.map_err(cause)?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await.map_err(cause)?;
    Ok(MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration())
        .map(|migration| Step {
            version: migration.version,
            description: migration.description.to_string(),
            applied: applied.iter().any(|done| done.version == migration.version),
        })
        .collect())
}

/// How many migrations are not applied; 0 means this binary fits the schema.
///
/// # Errors
/// As [`up`].
pub async fn pending(ledger: &Ledger) -> Result<usize, MigrateError> {
    Ok(status(ledger).await?.iter().filter(|step| !step.applied).count())
}

/// A statement that failed because the ledger is away is that, whoever made it.
fn cause(error: sqlx::migrate::MigrateError) -> MigrateError {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => MigrateError::Ledger(error.into()),
        other => MigrateError::Migration(other),
    }
}
