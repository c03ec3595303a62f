//! Answers in one JSON body, and what can go wrong with any answer before its first byte means something.

use tokio::time::Instant;

use super::exchange::{Done, Exchange, Head, JSON};
use super::misbehave::Misbehave;
use super::record::Api;
use super::refusal::Refusal;

/// Static: a future that holds it across an await would weigh as much.
static SPACE: [u8; 1 << 16] = [b' '; 1 << 16];

pub(super) async fn refuse(exchange: &mut Exchange<'_>, api: Api, refusal: &Refusal) -> Done {
    exchange.whole(Head::json(refusal.status), refusal.body(api).to_string().as_bytes()).await
}

/// `None` when the misbehaviour does not keep the answer from beginning.
pub(super) async fn instead(
    exchange: &mut Exchange<'_>,
    api: Api,
    misbehave: &Misbehave,
    elsewhere: &str,
) -> Option<Done> {
    Some(match misbehave {
        Misbehave::StallBefore => exchange.stall().await,
        Misbehave::StallHeaders => match exchange.raw(b"HTTP/1.1 200 X\r\ncontent-ty").await {
            Ok(()) => exchange.stall().await,
            gone => gone,
        },
        Misbehave::CutBefore => exchange.cut(),
        Misbehave::TooMany { retry_after } => {
            let extra = retry_after.as_deref().map(|wait| ("retry-after", wait));
            let body = Refusal::too_many().body(api).to_string();
            exchange.whole(Head { status: 429, kind: JSON, extra }, body.as_bytes()).await
        }
        Misbehave::OutOfQuota => refuse(exchange, api, &Refusal::out_of_quota()).await,
        Misbehave::Status(status) => refuse(exchange, api, &Refusal::fault(*status)).await,
        Misbehave::NotJson => {
            let page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
            exchange.whole(Head { status: 502, kind: "text/html", extra: None }, page).await
        }
        Misbehave::Garbage => exchange.whole(Head::ok(JSON), b"{\"choices\":[tru\xFF <html>").await,
        Misbehave::Redirect => {
            let extra = Some(("location", elsewhere));
            exchange.whole(Head { status: 307, kind: JSON, extra }, b"").await
        }
        _ => return None,
    })
}

pub(super) async fn answer(
    exchange: &mut Exchange<'_>,
    api: Api,
    body: &[u8],
    misbehave: &Misbehave,
) -> Done {
    match misbehave {
        Misbehave::StallMiddle(_) => {
            exchange.half(Head::json(200), body).await?;
            exchange.stall().await
        }
        Misbehave::CutMiddle(_) => {
            exchange.half(Head::json(200), body).await?;
            exchange.cut()
        }
        Misbehave::EndMiddle(_) => exchange.whole(Head::json(200), &body[..body.len() / 2]).await,
        Misbehave::ErrorInStream(_) => {
            let error = Refusal::fault(200).body(api).to_string();
            exchange.whole(Head::json(200), error.as_bytes()).await
        }
        Misbehave::KeepAliveComments(interval) => {
            exchange.open(Head::json(200)).await?;
            exchange.idle(" ", *interval).await
        }
        Misbehave::HugeAnswer(bytes) => {
            exchange.open(Head::json(200)).await?;
            let mut left = *bytes;
            while left > 0 {
                exchange.until(Instant::now()).await?;
                exchange.frame(&SPACE[..left.min(SPACE.len())]).await?;
                // Never runs out of what is for ever.
                left = if *bytes == usize::MAX { left } else { left.saturating_sub(SPACE.len()) };
            }
            exchange.last(body).await
        }
        _ => exchange.whole(Head::json(200), body).await,
    }
}
