//! The stages, in the order work meets them. Adding one is a file here and a line below.

use std::sync::Arc;

use runtime::lifecycle::Lifecycle;
use store::Ledger;

use crate::channel::Channels;
use crate::presence::Presence;
use crate::runner::Workshop;
use crate::{Author, Metrics};
use crate::{Settings, stage::Stage as _};

macro_rules! stages {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every stage there is.
        pub const ALL: &[contract::Stage] = &[$($module::$name::STAGE),+];

        /// Starts the runner of the stage with this name; `false` when there is none.
        pub fn start(name: &str, workshop: &Workshop, tools: &Tools) -> bool {
            $(if name == $module::$name::STAGE.name {
                workshop.run($module::$name::new(tools));
                return true;
            })+
            false
        }
    };
}

stages! {
    intake::Intake,
    retrieve::Retrieve,
    answer::Answer,
    deliver::Deliver,
    extract::Extract,
    embed::Embed,
}

/// What stages are made of.
#[derive(Debug, Clone)]
pub struct Tools {
    pub lifecycle: Lifecycle,
    pub ledger: Ledger,
    pub settings: Arc<Settings>,
    pub author: Author,
    pub channels: Arc<Channels>,
    pub presence: Presence,
    pub metrics: Metrics,
    /// The bot, and the people behind it.
    pub telegram: Arc<::telegram::Settings>,
    pub index: knowledge::Index,
    pub retriever: retrieval::Retriever,
    pub vectors: retrieval::Vectors,
    pub sandbox: ::extract::Sandbox,
    pub quoter: knowledge::extractive::Quoter,
    /// The stage `answer` runs in this process: it knows who answers.
    pub answers: bool,
}

/// Tickets with the stages they are for; a ticket for a stage this release does not have is left to the
/// dispatcher of one that does.
pub(crate) fn addressed(tickets: Vec<contract::Ticket>) -> Vec<(contract::Stage, contract::Ticket)> {
    let stage = |ticket: &contract::Ticket| ALL.iter().find(|stage| stage.name == ticket.stage).copied();
    tickets.into_iter().filter_map(|ticket| stage(&ticket).map(|stage| (stage, ticket))).collect()
}
