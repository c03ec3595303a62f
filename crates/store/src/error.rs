//! What can go wrong with the ledger, told apart by what the caller can do.

/// A statement or a commit did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be used now: connection lost, pool exhausted, shutting down, disk full,
    /// a lock or statement that took too long. Trying again later is right; an error of this kind at
    /// COMMIT is an unknown outcome.
    #[error("the ledger is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused what was asked: a fault of ours or of the data.
    #[error("the ledger refused a statement")]
    Refused(#[source] sqlx::Error),
    /// A row holds what this process cannot read.
    #[error("{table}.{column} of row {row} cannot be read: {problem}")]
    Row { table: &'static str, column: &'static str, row: String, problem: String },
}

impl Error {
    /// Whether waiting may help; HTTP answers 503 with `Retry-After` then.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if unavailable(&error) { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

fn unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| transient(&code)),
        _ => false,
    }
}

/// SQLSTATEs after which the same statement may succeed later (PostgreSQL, Appendix A).
fn transient(code: &str) -> bool {
    // 08 connection, 53 insufficient resources (disk full, too many connections), 58 system error,
    // 57P0x shutting down or starting, XX internal (a file that cannot be extended at its size limit).
    const CLASSES: [&str; 5] = ["08", "53", "58", "57P", "XX"];
    // Serialisation failure, deadlock, lock timeout, cancelled by statement_timeout,
    // read-only (a standby, or a full disk made it so), idle-in-transaction timeout.
    const CODES: [&str; 6] = ["40001", "40P01", "55P03", "57014", "25006", "25P03"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_goes_away_is_unavailable_and_a_broken_statement_is_not() {
        for code in ["57P01", "53300", "53100", "40P01", "55P03", "08006", "25P03"] {
            assert!(transient(code), "{code}");
        }
        for code in ["23505", "42703", "22P02", "23514"] {
            assert!(!transient(code), "{code}");
        }
        assert!(Error::from(sqlx::Error::PoolTimedOut).is_unavailable());
        assert!(!Error::from(sqlx::Error::RowNotFound).is_unavailable());
    }
}
