//! What a question asks for: its terms and the kind of answer.

use crate::analyser;
use crate::word_list::WordList;

/// What an answer must hold, as far as the question's own words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    Date,
    Number,
    Name,
    Reason,
    None,
}

/// A question as it is compared with sentences.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Index and weight (IDF times occurrences) of the terms.
    pub(super) terms: Vec<(u32, f32)>,
    /// Σ of the weights, above 0.
    pub(super) total: f32,
    pub(super) cue: Cue,
    /// Steps are wanted.
    pub(super) how_to: bool,
    /// A definition is wanted.
    pub(super) definition: bool,
}

/// They ask; they are not what is asked about, however rare they are in the knowledge base.
static ASKING: WordList = WordList::new(
    "\
    what which who whom whose when where why how что кто какой какая какое какие какого какую каком \
    каким каких какими каков какова каковы когда где куда откуда почему зачем отчего как сколько чей чья \
    чье чьи чем чего чему кого кому кем",
);

impl Asked {
    /// `None`: the question has no terms, or none that tells passages apart.
    pub(super) fn new(question: &str, idf: &impl Fn(u32) -> f32) -> Option<Self> {
        let words: Vec<_> = analyser::tokens(question).map(|token| token.folded.into_owned()).collect();
        let content: Vec<_> = analyser::tokens(question)
            .filter(|token| !ASKING.has(&token.folded))
            .map(|token| &question[token.start..token.end])
            .collect();
        let query = analyser::query(&content.join(" "));
        let terms: Vec<_> =
            query.terms.iter().map(|term| (term.index, term.weight * idf(term.index).max(0.0))).collect();
        let total: f32 = terms.iter().map(|&(_, weight)| weight).sum();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        (total > 0.0).then(|| Self {
            terms,
            total,
            cue: cue(&words),
            how_to: is_how_to(&words),
            definition: is_definition(&words),
        })
    }
}

impl Asked {
    /// Neither a fact nor a definition is wanted.
    pub(super) fn is_open(&self) -> bool {
        self.cue == Cue::None && !self.definition
    }
}

fn cue(words: &[&str]) -> Cue {
    let has = |list: &str| words.iter().any(|word| is_in(list, word));
    let pair = |first: &str, second: &str| {
        words.windows(2).any(|two| matches!(two, [one, other] if is_in(first, one) && is_in(second, other)))
    };
    let quantity = "many much long old often far large big high tall fast долго много часто далеко";
    if pair("how как", quantity) || has("сколько скольких скольким скольки")
    {
        Cue::Number
    } else if has("when когда")
        || pair("what which в каком какого какой", "year date month day century году год дата")
    {
        Cue::Date
    } else if has("who whom whose where кто кого кому кем чей чья чьи где куда откуда")
    {
        Cue::Name
    } else if has("why почему зачем отчего") {
        Cue::Reason
    } else {
        Cue::None
    }
}

fn is_how_to(words: &[&str]) -> bool {
    let english = words.windows(2).any(|two| {
        matches!(two, ["how", next] if is_in("do does to can could should would i we you", next))
            || matches!(two, ["steps", "to" | "for"])
    });
    let asked = words.iter().position(|&word| word == "как");
    // The infinitive stands right behind `как`, or after `мне`, `можно`, `правильно`, `в Linux`.
    let russian = asked.is_some_and(|at| words.iter().skip(at + 1).take(4).any(|word| is_infinitive(word)))
        || words.first().is_some_and(|word| is_infinitive(word));
    english || russian
}

fn is_infinitive(word: &str) -> bool {
    const NOUNS: &str = "есть сеть часть память область путь запись модель";
    word.chars().nth(3).is_some()
        && ["ть", "ти", "чь", "ться", "тись"].iter().any(|ending| word.ends_with(ending))
        && !word.ends_with("ость")
        && !is_in(NOUNS, word)
}

fn is_definition(words: &[&str]) -> bool {
    // Longer ones ask for one thing of many: `What is the price of …`.
    const WORDS: usize = 5;
    match words {
        ["what" | "who", "is" | "are", ..]
        | ["что", "такое" | "значит" | "означает" | "делает", ..]
        | ["кто", "такой" | "такая" | "такие", ..] => words.len() <= WORDS,
        ["what", "does" | "do", .., "do" | "mean"] => words.len() <= WORDS + 1,
        _ => false,
    }
}

fn is_in(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str) -> Asked {
        Asked::new(question, &|_| 1.0).expect("has terms")
    }

    #[test]
    fn the_kind_of_answer_is_told_by_the_words_that_ask() {
        let cases = [
            ("How many pods fit on a node?", Cue::Number),
            ("How long is a session kept?", Cue::Number),
            ("Сколько стоит подписка?", Cue::Number),
            ("Как долго хранятся копии?", Cue::Number),
            ("When was it founded?", Cue::Date),
            ("В каком году вышла версия?", Cue::Date),
            ("Who can see my data?", Cue::Name),
            ("Где находится офис?", Cue::Name),
            ("Why does the upload fail?", Cue::Reason),
            ("Reset the password", Cue::None),
        ];
        for (question, cue) in cases {
            assert_eq!(asked(question).cue, cue, "{question}");
        }
    }

    #[test]
    fn questions_for_steps_are_known() {
        for question in [
            "How do I reset my password?",
            "how to export data",
            "Как сменить пароль?",
            "Как мне правильно настроить почту",
            "Сбросить пароль",
        ] {
            assert!(asked(question).how_to, "{question}");
        }
        for question in
            ["How many users?", "Как называется река?", "Как долго работал театр?", "Сеть не работает"]
        {
            assert!(!asked(question).how_to, "{question}");
        }
    }

    #[test]
    fn questions_for_definitions_are_known() {
        for question in ["What is a pod?", "Что такое под?", "What does the kubelet do?"] {
            assert!(asked(question).definition, "{question}");
        }
        for question in ["What is the price of the team plan?", "What do I do with the old key?"] {
            assert!(!asked(question).definition, "{question}");
        }
    }

    #[test]
    fn a_question_of_asking_words_alone_is_none() {
        assert!(Asked::new("What? Как?", &|_| 1.0).is_none());
    }
}
