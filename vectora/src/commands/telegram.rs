//! `vectora telegram webhook set | info | delete`, `pause`, `resume`, `erase`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use contract::{Channel, Chat};
use telegram::Bot;

use super::{local, output};
use crate::config::{Config, Invocation};

#[derive(Debug, Args)]
pub(crate) struct Telegram {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// How Telegram brings updates: to an address of ours, or not.
    #[command(subcommand)]
    Webhook(Webhook),
    /// Open no more turns: people are told, and answered when the bot goes on.
    Pause {
        /// What they are told, instead of the usual words in their language.
        #[arg(long)]
        notice: Option<String>,
    },
    /// Go on, and answer what came meanwhile.
    Resume,
    /// Erase what is stored about a person: their words, the answers, their name.
    Erase {
        /// Telegram's id of the person.
        #[arg(allow_negative_numbers = true)]
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
enum Webhook {
    /// Have Telegram bring updates to `<URL>/telegram/webhook`.
    Set {
        /// Default: `telegram.public_url`.
        url: Option<String>,
    },
    /// What Telegram has, and what went wrong last.
    Info {
        #[arg(long)]
        json: bool,
    },
    /// Have Telegram keep updates until they are fetched: what long polling needs. Nothing is dropped.
    Delete,
}

impl Telegram {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = local::config(invocation)?;
        let bot = config.telegram.bot()?.context("there is no bot: set TELEGRAM_BOT_TOKEN")?;
        match self.action {
            Action::Webhook(webhook) => webhook.run(&config, &bot).await?,
            Action::Pause { notice } => {
                let ledger = local::ledger(invocation)?;
                let known = store::bots::pause(&ledger, bot.id(), notice.as_deref()).await?;
                anyhow::ensure!(known, NEVER_SEEN);
                output::line("paused: `vectora telegram resume` goes on")?;
            }
            Action::Resume => {
                let ledger = local::ledger(invocation)?;
                anyhow::ensure!(store::bots::resume(&ledger, bot.id()).await?, NEVER_SEEN);
                output::line("the bot goes on, within a few seconds")?;
            }
            Action::Erase { id } => {
                let ledger = local::ledger(invocation)?;
                let address = Chat { bot: bot.id(), chat: id, topic: None }.to_string();
                let erased = store::contacts::erase(&ledger, Channel::Telegram, &address).await?;
                let erased = erased.with_context(|| format!("nobody with the id {id} is known"))?;
                output::line(&format!(
                    "erased: {} conversations, {} messages",
                    erased.conversations, erased.messages
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

const NEVER_SEEN: &str = "this bot has never been seen here: start Vectora with its token first";

impl Webhook {
    async fn run(self, config: &Config, bot: &Bot) -> anyhow::Result<()> {
        match self {
            Self::Set { url } => {
                let url = url
                    .as_deref()
                    .or(config.telegram.public_url.as_deref())
                    .context("say where: give a URL, or set telegram.public_url")?;
                let url = format!("{}{}", url.trim_end_matches('/'), ingress::telegram::ROUTE);
                let secret = config.telegram.secret().context("there is no token")?;
                bot.set_webhook(&url, &secret).await?;
                output::line(&format!("Telegram brings updates to {url}"))?;
            }
            Self::Info { json } => {
                let info = bot.webhook().await?;
                if json {
                    return output::json(&info);
                }
                if info.url.is_empty() {
                    output::line("no webhook: updates are fetched by long polling")?;
                } else {
                    output::line(&format!("url      {}", info.url))?;
                }
                output::line(&format!("pending  {}", info.pending_update_count))?;
                if let Some(error) = &info.last_error_message {
                    output::line(&format!("failed   {error}"))?;
                }
            }
            Self::Delete => {
                bot.delete_webhook().await?;
                output::line("Telegram keeps updates until they are fetched")?;
            }
        }
        Ok(())
    }
}
