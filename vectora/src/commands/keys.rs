//! `vectora keys create | list | revoke`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use contract::ApiKeyId;
use secrecy::ExposeSecret;

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it: the only time it is shown.
    Create {
        /// What it is for, for people.
        name: String,
        /// What it may do; may be repeated. Default: ask and read its own.
        #[arg(long = "scope", default_values_t = ["questions:write".to_owned(), "questions:read".to_owned()])]
        scopes: Vec<String>,
        /// Tags, separated by commas: the key finds only documents that carry one of them. Default: all documents.
        #[arg(long, value_delimiter = ',', value_name = "TAGS")]
        audience: Option<Vec<String>>,
        /// Days until it expires; never by default.
        #[arg(long)]
        days: Option<u32>,
    },
    /// List keys, without their secrets.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Take a key back. It stops working within a second.
    Revoke { id: ApiKeyId },
}

impl Keys {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let ledger = local::ledger(invocation)?;
        match self.action {
            Action::Create { name, scopes, audience, days } => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a person says days from now, by this machine's clock"
                )]
                let expires = days.map(|days| chrono::Utc::now() + chrono::Duration::days(days.into()));
                anyhow::ensure!(
                    audience.iter().flatten().all(|tag| !tag.trim().is_empty()),
                    "a tag of --audience is empty: leave the option out for a key that finds everything"
                );
                let made = store::keys::create(&ledger, &name, &scopes, expires, audience.as_deref()).await?;
                let (_, token) = made;
                output::line(token.expose_secret())?;
            }
            Action::List { json } => {
                let keys = store::keys::list(&ledger).await?;
                if json {
                    output::json(&keys)?;
                } else {
                    for key in keys {
                        let state = match (key.revoked_at, key.expires_at) {
                            (Some(at), _) => format!("revoked {at}"),
                            (None, Some(at)) => format!("until {at}"),
                            (None, None) => "live".to_owned(),
                        };
                        let audience = key.audience.map_or_else(
                            || "finds everything".to_owned(),
                            |tags| format!("finds {}", tags.join(",")),
                        );
                        output::line(&format!(
                            "{}  {}  {}  {audience}  {state}",
                            key.id,
                            key.name,
                            key.scopes.join(",")
                        ))?;
                    }
                }
            }
            Action::Revoke { id } => {
                anyhow::ensure!(store::keys::revoke(&ledger, id).await?, "there is no live key {id}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
