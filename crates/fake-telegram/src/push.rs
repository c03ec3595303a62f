//! One POST to the webhook, on a connection that lived on if there is one.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http::read_message;
use super::webhook::Target;

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// Fit for the next delivery.
    pub(super) idle: Option<TcpStream>,
}

/// The longest `Retry-After` that is honoured.
const LONGEST: Duration = Duration::from_hours(1);

/// `None` when there was no answer.
pub(super) async fn push(
    target: &Target,
    secret: Option<&str>,
    body: &str,
    idle: Option<TcpStream>,
) -> Option<Reply> {
    let secret = secret.map(|secret| format!("x-telegram-bot-api-secret-token: {secret}\r\n"));
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {}:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n{body}",
        target.path,
        target.host,
        target.port,
        body.len(),
        secret.unwrap_or_default(),
    );
    let stream = match idle.filter(is_open) {
        Some(stream) => stream,
        None => TcpStream::connect((target.host.as_str(), target.port)).await.ok()?,
    };
    drop(stream.set_nodelay(true));
    exchange(stream, &request).await
}

/// A kept connection that was closed meanwhile says nothing about the server.
fn is_open(stream: &TcpStream) -> bool {
    let nothing_yet = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    stream.try_read(&mut [0]).as_ref().is_err_and(nothing_yet)
}

async fn exchange(mut stream: TcpStream, request: &str) -> Option<Reply> {
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut rest = Vec::new();
    let message = read_message(&mut stream, &mut rest).await?;
    let seconds = message.header("retry-after").and_then(|wait| wait.parse::<f64>().ok());
    let retry_after = seconds.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
    let close = message.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let whole = message.header("transfer-encoding").is_none() && rest.is_empty();
    Some(Reply {
        status: message.status()?,
        retry_after: retry_after.map(|wait| wait.min(LONGEST)),
        idle: (whole && !close).then_some(stream),
    })
}
