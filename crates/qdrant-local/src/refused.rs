//! The calls that are not here, as a table: `UNIMPLEMENTED`, with the name of the call.

/// Methods of a service trait that answer `UNIMPLEMENTED`.
///
/// They are written as `#[tonic::async_trait]` would expand them: the attribute does not look into a
/// macro.
macro_rules! refused {
    ($service:literal: $($call:ident($request:ident) -> $response:ident;)*) => {$(
        fn $call<'life, 'call>(
            &'life self,
            _: tonic::Request<qdrant_client::qdrant::$request>,
        ) -> std::pin::Pin<Box<
            dyn Future<Output = Result<tonic::Response<qdrant_client::qdrant::$response>, tonic::Status>>
                + Send
                + 'call,
        >>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(std::future::ready(Err(
                crate::error::Refusal::Unsupported(concat!($service, ".", stringify!($call))).into(),
            )))
        }
    )*};
}

pub(crate) use refused;
