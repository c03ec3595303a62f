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
            Action::Create { name, scopes, days } => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a person says days from now, by this machine's clock"
                )]
                let expires = days.map(|days| chrono::Utc::now() + chrono::Duration::days(days.into()));
                let (_, token) = store::keys::create(&ledger, &name, &scopes, expires).await?;
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
                        output::line(&format!(
                            "{}  {}  {}  {state}",
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
