//! The key that every call carries, compared in constant time.

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tonic::{Request, Status, service::Interceptor};

/// Where Qdrant's clients put the key; `authorization: Bearer` is the other place Qdrant reads.
const API_KEY: &str = "api-key";

/// Lets a call through that shows the key.
#[derive(Clone)]
pub(crate) struct KeyCheck {
    key: SecretString,
}

impl KeyCheck {
    pub(crate) fn new(key: SecretString) -> Self {
        Self { key }
    }

    fn is_right(&self, shown: &[u8]) -> bool {
        // Lengths are compared first and in the open: only what is in a key is secret.
        self.key.expose_secret().as_bytes().ct_eq(shown).into()
    }
}

impl Interceptor for KeyCheck {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata();
        let shown = metadata.get(API_KEY).map(tonic::metadata::MetadataValue::as_bytes).or_else(|| {
            metadata.get("authorization").and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        });
        match shown {
            None => Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token")),
            Some(shown) if self.is_right(shown) => Ok(request),
            Some(_) => Err(Status::unauthenticated("Invalid API key or JWT")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(header: Option<(&'static str, &'static str)>) -> Result<(), tonic::Code> {
        let mut request = Request::new(());
        if let Some((name, value)) = header {
            request.metadata_mut().insert(name, value.parse().expect("a header value"));
        }
        KeyCheck::new("right".to_owned().into()).call(request).map(|_| ()).map_err(|status| status.code())
    }

    #[test]
    fn only_the_right_key_passes_in_either_place() {
        assert_eq!(call(Some(("api-key", "right"))), Ok(()));
        assert_eq!(call(Some(("authorization", "Bearer right"))), Ok(()));
        for wrong in [None, Some(("api-key", "wrong")), Some(("api-key", "righ")), Some(("api-key", ""))] {
            assert_eq!(call(wrong), Err(tonic::Code::Unauthenticated));
        }
    }
}
