//! REST keys: `vk_<32 hex digits of the id>_<64 hex digits of secret>`, shown once, stored as SHA-256.

use chrono::{DateTime, Utc};
use contract::ApiKeyId;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{Error, Ledger};

/// What a key may be allowed to do. No scope contains another one, except that an `:any` scope covers
/// what is the key's own as well; there is no wildcard.
pub mod scope {
    /// Ask questions, in conversations of its own.
    pub const WRITE: &str = "questions:write";
    /// Ask questions, in REST conversations of every key.
    pub const WRITE_ANY: &str = "questions:write:any";
    /// Read the questions it asked.
    pub const READ: &str = "questions:read";
    /// Read everybody's questions.
    pub const READ_ANY: &str = "questions:read:any";
    /// Search the knowledge base, as far as its audience allows.
    pub const SEARCH: &str = "knowledge:search";
    /// See documents and ingestions.
    pub const KNOWLEDGE_READ: &str = "knowledge:read";
    /// Load and delete documents.
    pub const KNOWLEDGE_WRITE: &str = "knowledge:write";
}

/// Every scope there is.
pub const SCOPES: [&str; 7] = [
    scope::WRITE,
    scope::READ,
    scope::WRITE_ANY,
    scope::READ_ANY,
    scope::SEARCH,
    scope::KNOWLEDGE_READ,
    scope::KNOWLEDGE_WRITE,
];

/// A key as stored. Expiry and revocation are judged by the database's clock at the time of reading.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<String>,
    pub expired: bool,
    pub revoked: bool,
    /// Tags of the documents it may search; `None`: all.
    pub audience: Option<Vec<String>>,
    hash: Vec<u8>,
}

impl ApiKey {
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|have| have == scope)
    }

    /// Whether `token` is this key, compared in constant time. Says nothing of expiry or revocation.
    pub fn matches(&self, token: &str) -> bool {
        self.hash.ct_eq(Sha256::digest(token).as_slice()).into()
    }
}

/// The id inside a key's text; `None` when it is no key at all.
pub fn parse(token: &str) -> Option<ApiKeyId> {
    let (id, secret) = token.strip_prefix("vk_")?.split_once('_')?;
    (secret.len() == 64 && id.len() == 32).then(|| Uuid::try_parse(id).ok().map(ApiKeyId))?
}

/// # Errors
/// [`Error`].
pub async fn find(ledger: &Ledger, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
    let row = sqlx::query!(
        "SELECT name, hash, scopes, audience, coalesce(expires_at <= clock_timestamp(), false) AS \"expired!\",
                revoked_at IS NOT NULL AS \"revoked!\"
         FROM api_keys WHERE id = $1",
        id.0
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(row.map(|row| ApiKey {
        id,
        name: row.name,
        scopes: row.scopes,
        expired: row.expired,
        revoked: row.revoked,
        audience: row.audience,
        hash: row.hash,
    }))
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("unknown scope {0:?}: there are {list}", list = SCOPES.join(", "))]
    UnknownScope(String),
    #[error("no randomness to be had from the operating system")]
    Randomness,
    #[error(transparent)]
    Ledger(#[from] Error),
}

/// Makes a key. The returned text is the only time it exists in the clear. `audience`: tags of the documents it may
/// search; `None` for all.
///
/// # Errors
/// [`CreateError`].
pub async fn create(
    ledger: &Ledger,
    name: &str,
    scopes: &[String],
    expires_at: Option<DateTime<Utc>>,
    audience: Option<&[String]>,
) -> Result<(ApiKeyId, SecretString), CreateError> {
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(CreateError::UnknownScope(unknown.clone()));
    }
    let id = ApiKeyId::new();
    let token = format!("vk_{}_{}", id.0.simple(), random_hex()?);
    let hash = Sha256::digest(&token);
    sqlx::query!(
        "INSERT INTO api_keys (id, name, hash, scopes, expires_at, audience) VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        name,
        hash.as_slice(),
        scopes,
        expires_at,
        audience
    )
    .execute(&ledger.pool)
    .await
    .map_err(Error::from)?;
    Ok((id, SecretString::from(token)))
}

/// A key in a list: everything but its secret.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Listed {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<String>,
    /// Tags of the documents it may search; `None`: all.
    pub audience: Option<Vec<String>>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// All keys, oldest first.
///
/// # Errors
/// [`Error`].
pub async fn list(ledger: &Ledger) -> Result<Vec<Listed>, Error> {
    Ok(sqlx::query_as!(
        Listed,
        "SELECT id, name, scopes, audience, created_at, expires_at, revoked_at FROM api_keys ORDER BY created_at, id"
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// Takes a key back for ever; `false` when there is none with that id, or it was taken back already.
///
/// # Errors
/// [`Error`].
pub async fn revoke(ledger: &Ledger, id: ApiKeyId) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL",
        id.0
    )
    .execute(&ledger.pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// 32 random bytes in hex. 256 bits: guessing is out of the question, so a plain SHA-256 is hash enough.
fn random_hex() -> Result<String, CreateError> {
    let mut bytes = [0_u8; 32];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|_| CreateError::Randomness)?;
    if got != bytes.len() {
        return Err(CreateError::Randomness);
    }
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_shape_is_a_key() {
        let id = ApiKeyId::new();
        let token = format!("vk_{}_{}", id.0.simple(), "0".repeat(64));
        assert_eq!(parse(&token), Some(id));
        for broken in
            ["", "vk_", "vk_1_2", &token[1..], &token[..token.len() - 1], &token.replace("vk_", "sk_")]
        {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }
}
