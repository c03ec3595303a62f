//! One chat is told, in whichever API, at the pace that is set and with the misbehaviour that is planned.

use super::body;
use super::exchange::{Done, Exchange, Head};
use super::misbehave::Misbehave;
use super::pace::Pace;
use super::record::ChatCall;
use super::settings::Settings;
use super::tokens;
use super::wire::{Ending, Piece, Wire};

const THOUGHT: &str = "Сначала подумаю, that is the question. ";
/// A piece of what has no end: large, so that megabytes are not drowned in framing.
const AND_SO_ON: &str = "и так далее, and so on; ";

pub(super) async fn tell<W: Wire>(
    exchange: &mut Exchange<'_>,
    wire: &W,
    call: &ChatCall,
    settings: &Settings,
    misbehave: &Misbehave,
) -> Done {
    let pace = Pace::of(settings);
    let answer = Answer::new(call, settings, misbehave);
    if !call.stream {
        exchange.until(pace.due(answer.ending.completion_tokens.saturating_sub(1))).await?;
        let whole = wire.whole(answer.thought, &answer.text, &answer.ending);
        return body::answer(exchange, W::API, whole.as_bytes(), misbehave).await;
    }
    exchange.open(Head::ok(W::STREAM)).await?;
    if let Misbehave::KeepAliveComments(interval) = misbehave {
        return exchange.idle(W::IDLE, *interval).await;
    }
    exchange.until(pace.due(0)).await?;
    exchange.frame(wire.opening().as_bytes()).await?;
    let limit = match misbehave {
        Misbehave::StallMiddle(count)
        | Misbehave::CutMiddle(count)
        | Misbehave::EndMiddle(count)
        | Misbehave::ErrorInStream(count) => *count,
        _ => usize::MAX,
    };
    for (index, piece) in answer.pieces(misbehave).enumerate().take(limit) {
        exchange.until(pace.due(index)).await?;
        exchange.frame(wire.piece(&piece).as_bytes()).await?;
    }
    match misbehave {
        Misbehave::StallMiddle(_) => exchange.stall().await,
        Misbehave::CutMiddle(_) => exchange.cut(),
        Misbehave::EndMiddle(_) => exchange.last(b"").await,
        Misbehave::ErrorInStream(_) => exchange.last(wire.failure().as_bytes()).await,
        _ => {
            let mut frames = wire.closing(&answer.ending);
            let last = frames.pop().unwrap_or_default();
            for frame in frames {
                exchange.frame(frame.as_bytes()).await?;
            }
            exchange.last(last.as_bytes()).await
        }
    }
}

#[derive(Debug)]
struct Answer {
    thought: Option<&'static str>,
    text: String,
    ending: Ending,
}

impl Answer {
    fn new(call: &ChatCall, settings: &Settings, misbehave: &Misbehave) -> Self {
        let mut text = (settings.says)(call);
        if *misbehave == Misbehave::ThinkBlock {
            text = format!("<think>\n{THOUGHT}\n</think>\n\n{text}");
        }
        let allowed = call.max_tokens.unwrap_or(usize::MAX);
        let mut reason = "stop";
        if tokens::count(&text) > allowed {
            text = tokens::first(&text, allowed);
            reason = "length";
        }
        let completion_tokens = tokens::count(&text);
        let mut counted = true;
        match misbehave {
            Misbehave::HugeLine(bytes) => {
                // Two bytes each.
                text.push(' ');
                text.extend(std::iter::repeat_n('ы', bytes.div_ceil(2)));
            }
            Misbehave::FinishReason(other) => (reason, counted) = (other, false),
            _ => {}
        }
        let ending = Ending { reason, prompt_tokens: call.prompt_tokens, completion_tokens, counted };
        let thought = (*misbehave == Misbehave::ReasoningContent).then_some(THOUGHT);
        Self { thought, text, ending }
    }

    fn pieces(&self, misbehave: &Misbehave) -> Box<dyn Iterator<Item = Piece> + Send> {
        if matches!(misbehave, Misbehave::HugeLine(_)) {
            return Box::new(std::iter::once(Piece::Text(self.text.clone())));
        }
        let thoughts = tokens::pieces(self.thought.unwrap_or_default()).into_iter().map(Piece::Thought);
        let said = thoughts.chain(tokens::pieces(&self.text).into_iter().map(Piece::Text));
        if let Misbehave::HugeAnswer(bytes) = misbehave {
            let more = AND_SO_ON.repeat(64);
            let count = if *bytes == usize::MAX { usize::MAX } else { bytes.div_ceil(more.len()) };
            return Box::new(said.chain(std::iter::repeat_n(more, count).map(Piece::Text)));
        }
        Box::new(said)
    }
}
