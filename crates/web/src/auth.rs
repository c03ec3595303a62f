//! Who is calling: the key in `Authorization: Bearer …`, looked up, compared, and held to its scopes.
//!
//! A key is looked up by the id inside its token and compared in constant time with the stored hash. What
//! was found is used for at most one second, so **a revocation takes effect within one second**; that a
//! key does not exist is remembered just as long, in a map of its own, so that a flood of invented keys
//! drives no real key out. A key is told that it has expired or was revoked only when its secret is right:
//! whoever guesses ids learns nothing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use contract::ApiKeyId;
use store::Ledger;
use store::keys::ApiKey;

use crate::Problem;
use crate::cache::Cache;

pub use store::keys::scope;

/// Keys in use at once that are remembered; about 300 bytes each.
const KNOWN: usize = 10_000;
/// Ids without a key that are remembered.
const UNKNOWN: usize = 1_000;

/// A key as its lookup found it.
pub struct Key {
    pub id: ApiKeyId,
    pub scopes: Vec<String>,
    pub expired: bool,
    pub revoked: bool,
    /// Tags of the documents it may search; `None`: all.
    pub audience: Option<Vec<String>>,
    verify: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Key {
    /// A live key whose token is right when `verify`, which compares in constant time, says so.
    pub fn new<const N: usize>(
        id: ApiKeyId,
        scopes: [&str; N],
        verify: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let scopes = scopes.map(str::to_owned).into();
        Self { id, scopes, expired: false, revoked: false, audience: None, verify: Box::new(verify) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl From<ApiKey> for Key {
    fn from(mut key: ApiKey) -> Self {
        Self {
            id: key.id,
            scopes: std::mem::take(&mut key.scopes),
            expired: key.expired,
            revoked: key.revoked,
            audience: key.audience.take(),
            verify: Box::new(move |token| key.matches(token)),
        }
    }
}

type Found = Result<Option<Key>, store::Error>;
type Lookup = Box<dyn Fn(ApiKeyId) -> Pin<Box<dyn Future<Output = Found> + Send>> + Send + Sync>;

/// The keys of this installation, as this process knows them. Clones share what is remembered.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    lookup: Lookup,
    known: Cache<ApiKeyId, Arc<Key>>,
    unknown: Cache<ApiKeyId, ()>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Keys as the ledger has them.
    pub fn new(ledger: Ledger) -> Self {
        Self::with_lookup(move |id| {
            let ledger = ledger.clone();
            async move { Ok(store::keys::find(&ledger, id).await?.map(Key::from)) }
        })
    }

    /// Keys found by a function: tests of routers need no ledger.
    pub fn with_lookup<F, Fut>(lookup: F) -> Self
    where
        F: Fn(ApiKeyId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Found> + Send + 'static,
    {
        Self(Arc::new(Inner {
            lookup: Box::new(move |id| Box::pin(lookup(id))),
            known: Cache::new(KNOWN),
            unknown: Cache::new(UNKNOWN),
        }))
    }

    async fn find(&self, id: ApiKeyId) -> Result<Option<Arc<Key>>, store::Error> {
        let began = Instant::now();
        if let Some(key) = self.0.known.get(&id, began) {
            return Ok(Some(key));
        }
        if self.0.unknown.get(&id, began).is_some() {
            return Ok(None);
        }
        let found = (self.0.lookup)(id).await?.map(Arc::new);
        if let Some(key) = &found {
            self.0.known.put(id, key.clone(), began, Instant::now());
        } else {
            self.0.known.remove(&id);
            self.0.unknown.put(id, (), began, Instant::now());
        }
        Ok(found)
    }

    /// Whether the key of a request that goes on for long (an event stream) may still be used.
    ///
    /// # Errors
    /// When the ledger cannot tell.
    pub async fn still_live(&self, caller: &Caller) -> Result<bool, store::Error> {
        Ok(self.find(caller.id()).await?.is_some_and(|key| !key.revoked && !key.expired))
    }

    async fn authenticate(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Caller, Problem> {
        if let Some(name) = query.and_then(key_in_query) {
            return Err(Problem::bad_request(
                "key-in-query",
                format!(
                    "the query has {name:?}: a key in a URL ends up in logs and browser histories, so it is \
                     taken from the Authorization header only; revoke this one if it was real"
                ),
            ));
        }
        let token = bearer(headers)?;
        let Some(id) = store::keys::parse(token) else { return Err(wrong_key()) };
        let key = self.find(id).await.map_err(Problem::ledger)?;
        admit(key, token)
    }
}

/// Names under which clients are known to put secrets into a URL.
fn key_in_query(query: &str) -> Option<&'static str> {
    const NAMES: [&str; 6] = ["key", "api_key", "apikey", "api-key", "access_token", "token"];
    query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or(pair))
        .find_map(|name| NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Problem::unauthorized(
            "no-key",
            "there is no API key: send the header Authorization: Bearer <key>",
        ));
    };
    if values.next().is_some() {
        return Err(Problem::unauthorized(
            "wrong-key",
            "there is more than one Authorization header: send one",
        ));
    }
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| {
            Problem::unauthorized(
                "no-key",
                "the Authorization header holds no API key: send Authorization: Bearer <key>",
            )
        })
}

/// One text for a key that does not exist and for a wrong secret.
fn wrong_key() -> Problem {
    Problem::unauthorized(
        "wrong-key",
        "this API key is not known here: check that it was copied whole (vk_…) and belongs to this installation",
    )
}

fn admit(key: Option<Arc<Key>>, token: &str) -> Result<Caller, Problem> {
    let key = key.filter(|key| (key.verify)(token)).ok_or_else(wrong_key)?;
    if key.revoked {
        return Err(Problem::unauthorized(
            "key-revoked",
            "this API key was revoked: make another one with `vectora keys create`",
        ));
    }
    if key.expired {
        return Err(Problem::unauthorized(
            "key-expired",
            "this API key has expired: make another one with `vectora keys create`",
        ));
    }
    Ok(Caller { key })
}

/// Whoever holds the key of this request. As an extractor it needs [`Keys`] in the router's state.
#[derive(Clone)]
pub struct Caller {
    key: Arc<Key>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.key.id)
    }
}

impl Caller {
    pub fn id(&self) -> ApiKeyId {
        self.key.id
    }

    pub fn has(&self, scope: &str) -> bool {
        self.key.scopes.iter().any(|own| own == scope)
    }

    /// Tags of the documents it may search; `None`: all.
    pub fn audience(&self) -> Option<&[String]> {
        self.key.audience.as_deref()
    }

    /// Passes a caller that has `scope`.
    ///
    /// # Errors
    /// 403 naming the scope that is missing.
    pub fn demand(&self, scope: &'static str) -> Result<(), Problem> {
        self.require(scope, scope)
    }

    /// Passes a caller that has `scope`, or `any`, the same right over what is not its own.
    ///
    /// # Errors
    /// 403 naming the scope that is missing.
    pub fn require(&self, scope: &'static str, any: &'static str) -> Result<(), Problem> {
        if self.has(scope) || self.has(any) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "missing-scope",
            "The key lacks a scope",
            format!("this API key lacks the scope {scope}: use a key that has it"),
        ))
    }
}

impl<S> FromRequestParts<S> for Caller
where
    Keys: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Keys::from_ref(state).authenticate(&parts.headers, parts.uri.query()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn token(id: ApiKeyId, secret: char) -> String {
        format!("vk_{}_{}", id.0.simple(), secret.to_string().repeat(64))
    }

    fn keys(id: ApiKeyId, change: fn(&mut Key)) -> (Keys, Arc<AtomicUsize>) {
        let lookups = Arc::new(AtomicUsize::new(0));
        let counted = lookups.clone();
        let keys = Keys::with_lookup(move |asked| {
            counted.fetch_add(1, Ordering::Relaxed);
            let right = token(id, 'a');
            let mut key = Key::new(id, [scope::READ], move |token| token == right);
            change(&mut key);
            async move { Ok((asked == id).then_some(key)) }
        });
        (keys, lookups)
    }

    async fn slug(keys: &Keys, authorization: Option<&str>) -> &'static str {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        match keys.authenticate(&headers, None).await {
            Ok(_) => "in",
            Err(problem) => {
                assert_eq!(problem.status(), StatusCode::UNAUTHORIZED);
                problem.slug()
            }
        }
    }

    #[test]
    fn the_scopes_here_are_the_ones_keys_can_have() {
        let here = [
            scope::READ,
            scope::READ_ANY,
            scope::WRITE,
            scope::WRITE_ANY,
            scope::SEARCH,
            scope::KNOWLEDGE_READ,
            scope::KNOWLEDGE_WRITE,
        ];
        for known in here {
            assert!(store::keys::SCOPES.contains(&known), "{known}");
        }
    }

    #[tokio::test]
    async fn a_right_key_comes_in_and_an_unknown_one_and_a_wrong_secret_look_the_same() {
        let id = ApiKeyId::new();
        let (keys, _) = keys(id, |_| ());
        assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(id, 'a')))).await, "in");
        assert_eq!(slug(&keys, Some(&format!("bearer  {}", token(id, 'a')))).await, "in");
        assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(id, 'b')))).await, "wrong-key");
        assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(ApiKeyId::new(), 'a')))).await, "wrong-key");
        assert_eq!(slug(&keys, Some("Bearer sk-123")).await, "wrong-key");
        for none in [None, Some("Bearer"), Some("Bearer "), Some("Basic dTpw"), Some("")] {
            assert_eq!(slug(&keys, none).await, "no-key", "{none:?}");
        }
    }

    #[tokio::test]
    async fn that_a_key_expired_or_was_revoked_is_told_only_to_who_has_its_secret() {
        for (change, told) in [
            ((|key| key.revoked = true) as fn(&mut Key), "key-revoked"),
            (|key| key.expired = true, "key-expired"),
        ] {
            let id = ApiKeyId::new();
            let (keys, _) = keys(id, change);
            assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(id, 'a')))).await, told);
            assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(id, 'b')))).await, "wrong-key");
        }
    }

    #[tokio::test]
    async fn a_busy_key_and_an_unknown_one_are_looked_up_once() {
        let id = ApiKeyId::new();
        let (keys, lookups) = keys(id, |_| ());
        for _ in 0..50 {
            assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(id, 'a')))).await, "in");
        }
        assert_eq!(lookups.load(Ordering::Relaxed), 1);
        let unknown = ApiKeyId::new();
        for _ in 0..50 {
            assert_eq!(slug(&keys, Some(&format!("Bearer {}", token(unknown, 'a')))).await, "wrong-key");
        }
        assert_eq!(lookups.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_key_in_the_query_is_noticed_under_its_usual_names() {
        for query in ["key=vk_1", "a=b&access_token=x", "API_KEY", "token="] {
            assert!(key_in_query(query).is_some(), "{query}");
        }
        for query in ["", "keys=1", "a=key"] {
            assert!(key_in_query(query).is_none(), "{query}");
        }
    }
}
