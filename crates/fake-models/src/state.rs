//! Everything behind the one lock.

use super::misbehave::Plans;
use super::record::Records;
use super::settings::Settings;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) plans: Plans,
    pub(super) records: Records,
}
