//! Words that are not indexed: they say how a sentence is built, not what it is about. And words that are not
//! asked for: they say it politely.
//!
//! Of the first, only words without a meaning of their own in support texts. "Not", "without", "before",
//! "off", "all", "нет", "без", "после" and their like stay: instructions differ in them. Measured: leaving
//! these lists out saves a fifth of the postings in English and a seventh in Russian, and is worth 0.3 points
//! of nDCG@10; it does not change how well coverage tells answerable from foreign questions (AUROC ± 0.006,
//! either way). The courtesies occur in too few of the questions measured to show in any figure.

use super::Token;
use crate::word_list::WordList;

static ENGLISH: WordList = WordList::new(
    "a an the and or but if then of at by for with about into during to from in on \
    further here there when where why how shall some such nor only so than too very s t can will just don \
    now i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her \
    hers herself it its itself they them their theirs themselves what which who whom whose this that these \
    those am is are was were be been being have has had having do does did doing would could ought as \
    because let d ll m re ve",
);

static RUSSIAN: WordList = WordList::new(
    "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по \
    только ее мне было вот от меня еще о из ему теперь когда даже ну вдруг ли если уже или ни быть был него \
    вас нибудь опять уж вам ведь там потом себя ничего ей они тут где есть ней для мы тебя их чем была сам \
    чтоб будто чего раз тоже себе будет ж тогда кто этот того потому этого какой совсем ним здесь этом \
    почти мой тем чтобы нее были куда зачем всех при об хоть тот эти нас про них какая разве эту моя \
    впрочем свою этой чуть том такой им более конечно всю это эта может иногда всего какие какое каким \
    какого каких какую каком какими который которая которое которые которых которого которой которым \
    которую которому котором которыми сколько чей чья почему также является являются ваш ваши наш наши \
    вашего свой своего своей своих",
);

/// What people say around a question. It is indexed, but not asked for: nobody's "hello" is in the articles,
/// and each unknown word would count as something that the knowledge base does not cover.
static COURTESY: WordList = WordList::new(
    "hello hi hey dear please pls thanks thank regards sorry tell explain want wanna \
    wonder wondering help здравствуйте здравствуй привет приветствую уважаемые пожалуйста спасибо заранее \
    благодарю извините простите подскажите подскажи скажите скажи расскажите расскажи объясните объясни \
    помогите помоги помочь хочу хотел хотела хотелось хотим интересует",
);

/// The same in two words, neither of which would be left out alone.
const GREETINGS: [(&str, &str); 12] = [
    ("good", "morning"),
    ("good", "day"),
    ("good", "afternoon"),
    ("good", "evening"),
    ("добрый", "день"),
    ("добрый", "вечер"),
    ("доброе", "утро"),
    ("доброго", "дня"),
    ("доброго", "вечера"),
    ("доброго", "утра"),
    ("доброго", "времени"),
    ("времени", "суток"),
];

/// Whether a folded token is a word that is not indexed.
pub fn is_function_word(token: &str) -> bool {
    if token.is_ascii() { ENGLISH.has(token) } else { RUSSIAN.has(token) }
}

/// Which words of a question are said out of courtesy. None, when nothing else would be left to ask for.
pub(super) fn courtesy(question: &[Token<'_>]) -> Vec<bool> {
    let mut said: Vec<bool> = question.iter().map(|token| COURTESY.has(&token.folded)).collect();
    for (at, pair) in question.windows(2).enumerate() {
        if GREETINGS.iter().any(|&(first, second)| pair[0].folded == first && pair[1].folded == second) {
            said[at] = true;
            said[at + 1] = true;
        }
    }
    let asked = |(token, &said): (&Token<'_>, &bool)| !said && !is_function_word(&token.folded);
    if !question.iter().zip(&said).any(asked) {
        said.fill(false);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_folded_themselves() {
        for word in ENGLISH.iter().chain(RUSSIAN.iter()).chain(COURTESY.iter()) {
            let folded: Vec<_> = super::super::tokens(word).map(|token| token.folded.into_owned()).collect();
            assert_eq!(folded, [word]);
        }
    }

    #[test]
    fn words_that_change_an_instruction_are_indexed() {
        for word in ["not", "without", "off", "before", "all", "без", "нет", "до", "после", "под"]
        {
            assert!(!is_function_word(word), "{word}");
        }
    }

    fn asked(question: &str) -> Vec<String> {
        let tokens: Vec<_> = super::super::tokens(question).collect();
        let said = courtesy(&tokens);
        let asked = tokens.iter().zip(said).filter(|(token, said)| !said && !is_function_word(&token.folded));
        asked.map(|(token, _)| token.folded.clone().into_owned()).collect()
    }

    #[test]
    fn courtesy_is_not_asked_for() {
        assert_eq!(
            asked("Hello! Could you please tell me how to reset my password? Thanks"),
            ["reset", "password"]
        );
        assert_eq!(asked("Добрый день! Подскажите, пожалуйста, как сменить пароль"), ["сменить", "пароль"]);
        assert_eq!(asked("Какой сегодня день?"), ["сегодня", "день"]);
    }

    #[test]
    fn a_question_of_nothing_but_courtesy_is_asked_as_it_is() {
        assert_eq!(asked("Help please"), ["help", "please"]);
        assert_eq!(asked("Добрый день"), ["добрый", "день"]);
    }
}
