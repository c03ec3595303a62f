//! How the bot presents itself: who it is, its commands and descriptions in both languages, and its webhook.

use std::time::Duration;

use contract::{Language, Phrase};
use store::bots;
use telegram::CallError;

use super::{Parts, ROUTE};

/// Waits after a failed round: doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Makes the bot known to the ledger and to people, as often as it takes.
pub(super) async fn introduce(parts: &Parts) {
    let mut pause = PAUSES.0;
    loop {
        match once(parts).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = %error, "the bot is not ready yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

async fn once(parts: &Parts) -> Result<(), String> {
    let failed = |error: CallError| match error {
        CallError::Unauthorized => format!("{error}: check TELEGRAM_BOT_TOKEN"),
        _ => error.to_string(),
    };
    let me = parts.bot.me().await.map_err(failed)?;
    bots::register(&parts.ledger, me.id, &me.username, &me.name, parts.settings.audience.as_deref())
        .await
        .map_err(|error| error.to_string())?;
    if let Err(error) = present(parts).await {
        // A menu that is missing is no reason not to answer.
        tracing::warn!(error = %failed(error), "the bot's commands and descriptions were not set");
    }
    if let (Some(url), Some(secret)) = (&parts.settings.public_url, parts.settings.secret()) {
        let url = format!("{}{ROUTE}", url.trim_end_matches('/'));
        if parts.bot.webhook().await.map_err(failed)?.url != url {
            parts.bot.set_webhook(&url, &secret).await.map_err(failed)?;
            tracing::info!(%url, "the webhook is set");
        }
    }
    Ok(())
}

/// The same every time, so it may be repeated. English is for everybody whose language has no text of its own.
async fn present(parts: &Parts) -> Result<(), CallError> {
    for (tag, language) in [(None, Language::English), (Some("ru"), Language::Russian)] {
        let commands: Vec<(String, String)> = [
            ("ask", Phrase::CommandAsk),
            ("human", Phrase::CommandHuman),
            ("language", Phrase::CommandLanguage),
            ("clear", Phrase::CommandClear),
            ("help", Phrase::CommandHelp),
            ("start", Phrase::CommandStart),
        ]
        .map(|(name, phrase)| (name.to_owned(), phrase.text(language)))
        .into();
        parts.bot.set_commands(tag, &commands).await?;
        let (long, short) =
            (Phrase::BotDescription.text(language), Phrase::BotShortDescription.text(language));
        parts.bot.set_description(tag, &long, &short).await?;
    }
    Ok(())
}
