//! What answers people: on threads and connections that the work of the stages does not use.

use std::net::SocketAddr;

use anyhow::Context;
use runtime::front::Front;
use runtime::lifecycle::Lifecycle;
use store::{Ledger, Role};
use web::Router;

use crate::config::Config;

/// See the module.
#[derive(Debug)]
pub(super) struct Public {
    pub(super) ledger: Ledger,
    pub(super) lifecycle: Lifecycle,
    front: Front,
}

impl Public {
    pub(super) fn open(
        config: &Config,
        role: Role,
        ledger: &Ledger,
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<Self> {
        let front = Front::start().context("no thread for the public listener")?;
        let lifecycle = lifecycle.on(front.handle());
        let ledger = match role {
            Role::All => Ledger::open(&config.store, Role::Public)?,
            _ => ledger.clone(),
        };
        Ok(Self { ledger, lifecycle, front })
    }

    /// Where it listens.
    pub(super) async fn listen(
        &self,
        router: Router,
        config: &Config,
        http: web::Metrics,
    ) -> anyhow::Result<SocketAddr> {
        // A socket belongs to the runtime it is made on.
        let bound = self.front.handle().spawn(runtime::listener::bind(config.http.listen));
        let listener = bound.await.context("the public listener")??;
        let address = listener.local_addr()?;
        runtime::listener::serve(listener, web::app(router, &config.http, http), &self.lifecycle);
        Ok(address)
    }
}
