//! `deliver` sends or edits one message on the person's channel.
//!
//! Reads: an outbound row. Writes: the row, the shared limiter, the next row of the conversation. What a
//! repeat and a late call do is said in `store::outbound::sending`. Deliberately not here: waiting. A slot in
//! the future, or a "not before" of the channel, is a `not_before` in the ledger.

use std::sync::Arc;

use contract::{Kind, Stream};
use store::outbound::sending::{self, Call, Delivered, Next, Parcel, Rates, Topicless};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::Metrics;
use crate::batches::{self, Begins};
use crate::channel::{Channel, ChannelError, Channels};
use crate::presence::Presence;
use crate::runner::LEDGER;
use crate::stage::{Stage, StageError};

pub(super) struct Deliver {
    ledger: Ledger,
    begins: Begins,
    channels: Arc<Channels>,
    presence: Presence,
    rates: Rates,
    metrics: Metrics,
}

impl Deliver {
    pub(super) fn new(tools: &Tools) -> Self {
        let settings = &tools.settings;
        let rates = Rates {
            chat: settings.chat_rate,
            group: settings.group_rate,
            bot: settings.bot_rate,
            second_thoughts: settings.second_thoughts,
            repeat_after: settings.repeat_after,
            attempts: settings.attempts,
            retry: settings.retry,
        };
        let (begins, beginning) = batches::begins(&tools.ledger, Self::STAGE, rates);
        tools.lifecycle.spawn("begins", beginning);
        Self {
            ledger: tools.ledger.clone(),
            begins,
            channels: tools.channels.clone(),
            presence: tools.presence.clone(),
            rates,
            metrics: tools.metrics.clone(),
        }
    }
}

impl Stage for Deliver {
    const STAGE: contract::Stage =
        contract::Stage { name: store::outbound::DELIVER, kind: Kind::Outbound, stream: Stream::Turns };
    type Input = Parcel;
    type Output = Delivered;

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Parcel>>, Error> {
        sending::load(&self.ledger, claims).await
    }

    async fn handle(&self, claim: &Claim, parcel: &Parcel) -> Result<Delivered, StageError> {
        let Some(channel) = self.channels.of(parcel.channel) else {
            return Err(StageError::Waits {
                source: format!("this process has no channel {}: configure it", parcel.channel).into(),
            });
        };
        let begun = match self.begins.call((claim.clone(), parcel.clone())).await {
            Ok(begun) => begun.map_err(StageError::ledger)?,
            Err(dropped) => return Err(StageError::Unavailable { dependency: LEDGER, source: dropped.into() }),
        };
        if begun.unknown {
            self.metrics.unknown_sends.inc();
        }
        let call = match begun.step {
            Next::Over(outcome) => return Ok(Delivered::Over(outcome)),
            Next::Call(call) => call,
        };
        runtime::fault::point("deliver.begun").await;
        let mut ended = make(channel.as_ref(), &parcel.address, &call).await;
        // Nothing was sent, and it is known where to.
        if let (Err(ChannelError::Moved(address)), Call::Send(_) | Call::Edit { .. }) = (&ended, &call) {
            ended = make(channel.as_ref(), &address.clone(), &call).await;
        }
        runtime::fault::point("deliver.called").await;
        match ended {
            Ok(delivered) => Ok(delivered),
            Err(ChannelError::Unknown(_)) => {
                self.metrics.unknown_sends.inc();
                Ok(Delivered::Unknown)
            }
            Err(ChannelError::Limited(retry_after)) => {
                self.presence.quiet(retry_after);
                Ok(Delivered::Limited { retry_after })
            }
            Err(ChannelError::Moved(address)) => Ok(Delivered::Moved { address }),
            Err(ChannelError::TopicGone) => Ok(Delivered::TopicGone),
            Err(ChannelError::TargetGone) => Ok(Delivered::TargetGone),
            Err(error @ ChannelError::Gone) => Ok(Delivered::Gone { error: error.to_string() }),
            Err(error @ ChannelError::Away(_)) => {
                Err(StageError::Unavailable { dependency: "channel", source: error.into() })
            }
            Err(error @ ChannelError::Failed(_)) => Err(StageError::Retry { source: error.into() }),
            Err(error @ ChannelError::Rejected(_)) => Err(StageError::Reject { source: error.into() }),
        }
    }

    fn proves_dependencies(delivered: &Delivered) -> bool {
        !matches!(delivered, Delivered::Over(_))
    }

    async fn settle(&self, batch: &[(Claim, Parcel, Verdict<Delivered>)]) -> Result<Vec<Outcome>, Error> {
        sending::settle(&self.ledger, &Self::STAGE, self.rates, batch).await
    }
}

async fn make(channel: &dyn Channel, address: &str, call: &Call) -> Result<Delivered, ChannelError> {
    match call {
        Call::Send(content) => channel.send(address, content).await.map(|target| Delivered::Sent { target }),
        Call::Edit { target, content } => {
            let edited = channel.edit(address, target, content).await;
            edited.map(|()| Delivered::Sent { target: target.clone() })
        }
        Call::Open(Topicless { home, name }) => {
            channel.open(home, name).await.map(|topic| Delivered::Opened { topic })
        }
        Call::Close(closed) => {
            channel.close(address, *closed).await.map(|()| Delivered::Sent { target: String::new() })
        }
    }
}
