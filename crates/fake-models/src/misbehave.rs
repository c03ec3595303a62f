//! What a test plans: what goes wrong with the next calls, or with all of them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::FakeModels;

/// What can go wrong with a call. Where a variant counts tokens, an answer that is not streamed, and every
/// answer with embeddings, is hit after half of its bytes instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehave {
    /// It does what it shall: the place of a call that goes well before one that does not.
    Well,
    /// All is said, but every byte is a chunk of its own.
    ByteByByte,
    /// All is said, but a chunk ends after the first byte of every letter that has more than one.
    SplitLetters,
    /// The call is read, and nothing ever comes.
    StallBefore,
    /// The status line and half a header, then nothing. All of the head and then nothing is what a stream with
    /// a long [`FakeModels::first_token_after`] is.
    StallHeaders,
    /// So many tokens, then nothing, the connection open.
    StallMiddle(usize),
    /// The connection is reset before the answer.
    CutBefore,
    /// So many tokens, then the connection is reset.
    CutMiddle(usize),
    /// So many tokens, then the response ends as a response ends, but without `[DONE]` or `done`: only who
    /// knows the API can tell that something is missing.
    EndMiddle(usize),
    /// 429, with this `Retry-After`: seconds, a date, or whatever else.
    TooMany { retry_after: Option<String> },
    /// OpenAI's other 429, for which no waiting helps: `insufficient_quota`.
    OutOfQuota,
    /// This status, with an error in the API's own form.
    Status(u16),
    /// 502 with a page for people, as a proxy in front sends it.
    NotJson,
    /// 200 with something that is neither JSON nor UTF-8.
    Garbage,
    /// 307 to `/elsewhere` under another name of this machine: [`FakeModels::calls_of`] tells who followed.
    Redirect,
    /// 200 and so many tokens, then an error in the API's own form; at once where it is not streamed.
    ErrorInStream(usize),
    /// `choices: []`, wherever there would be one; Ollama: no `message`.
    EmptyChoices,
    /// All is said, but this is the reason for the end, and `usage` is `{}`; Ollama: no counts.
    FinishReason(&'static str),
    /// The answer has at least so many bytes: streamed, in tokens that do not end before; otherwise as white
    /// space before the JSON. [`usize::MAX`] is for ever.
    HugeAnswer(usize),
    /// All is said in one line of at least so many bytes, letters without a space behind the answer.
    HugeLine(usize),
    /// The model thinks first, where models that do so put it: `reasoning_content`, and Ollama's `thinking`.
    ReasoningContent,
    /// The model thinks first, in a `<think>` block of the text itself.
    ThinkBlock,
    /// Only what means nothing, this often and for ever: SSE comments, empty lines, white space.
    KeepAliveComments(Duration),
    /// All vectors have this dimension.
    WrongDimension(usize),
    /// The first vector is not there.
    MissingEmbedding,
    /// The vectors are in reverse, each with its true index. Ollama's API has none, and stays as it is.
    ShuffledEmbeddings,
    /// Every vector says that its index is 0; Ollama's API has none, and stays as it is.
    SameIndex,
    /// The first number of every vector is none: NaN in base64, `null` in JSON; Ollama answers 500, as it
    /// does when it cannot write one down.
    NanEmbedding,
    /// The first number of every vector does not fit 32 bits: infinity in base64, `1e39` in JSON.
    InfiniteEmbedding,
    /// Every vector is all zeros: it has no direction.
    ZeroEmbedding,
}

/// What a call wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Chat,
    Embed,
    /// Which models there are, or which version this is.
    List,
}

impl Misbehave {
    /// Whether it can happen to such a call.
    fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::EmptyChoices | Self::FinishReason(_) | Self::ReasoningContent | Self::ThinkBlock => {
                kind == Kind::Chat
            }
            Self::WrongDimension(_)
            | Self::MissingEmbedding
            | Self::ShuffledEmbeddings
            | Self::SameIndex
            | Self::NanEmbedding
            | Self::InfiniteEmbedding
            | Self::ZeroEmbedding => kind == Kind::Embed,
            _ => true,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Plans {
    /// For chats and embeddings alike, each for the first that it fits.
    next: VecDeque<Misbehave>,
    next_for: HashMap<Kind, VecDeque<Misbehave>>,
    always: Option<Misbehave>,
    always_for: HashMap<Kind, Misbehave>,
}

impl Plans {
    /// The more particular goes first, and what is next goes before what is always.
    pub(super) fn next(&mut self, kind: Kind) -> Misbehave {
        if let Some(planned) = self.next_for.get_mut(&kind).and_then(VecDeque::pop_front) {
            return planned;
        }
        // A probe in between must not eat the plan.
        if kind != Kind::List
            && let Some(place) = self.next.iter().position(|planned| planned.fits(kind))
        {
            return self.next.remove(place).unwrap_or(Misbehave::Well);
        }
        let always = self.always_for.get(&kind).or(self.always.as_ref());
        always.filter(|planned| planned.fits(kind)).cloned().unwrap_or(Misbehave::Well)
    }
}

impl FakeModels {
    /// The next chat or call for embeddings, whichever comes first and can go like this; calls in a row
    /// queue up, one misbehaviour each. A call that is refused eats none, nor does a list.
    pub fn next(&self, misbehave: Misbehave) {
        self.lock().plans.next.push_back(misbehave);
    }

    /// The next call of this kind, before whatever [`Self::next`] plans.
    pub fn next_for(&self, kind: Kind, misbehave: Misbehave) {
        self.lock().plans.next_for.entry(kind).or_default().push_back(misbehave);
    }

    /// All calls for which nothing else is planned, lists too.
    pub fn always(&self, misbehave: Misbehave) {
        self.lock().plans.always = Some(misbehave);
    }

    /// All calls of this kind for which nothing else is planned.
    pub fn always_for(&self, kind: Kind, misbehave: Misbehave) {
        self.lock().plans.always_for.insert(kind, misbehave);
    }

    /// Nothing is planned any more. Calls under way go on as they began.
    pub fn well(&self) {
        self.lock().plans = Plans::default();
    }

    /// How many misbehaviours for a next call have not happened yet.
    pub fn misbehaviours_left(&self) -> usize {
        let state = self.lock();
        state.plans.next.len() + state.plans.next_for.values().map(VecDeque::len).sum::<usize>()
    }
}
