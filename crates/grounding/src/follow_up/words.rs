//! Words that show what a question leans on, folded as [`knowledge::analyser::tokens`] folds.

/// They go on from something said.
pub(super) const CONNECTIVE: &str = "and but or so also then а и но или тогда еще также";

/// Beginnings that leave out what they ask.
pub(super) const ELLIPSIS: &[&str] = &[
    "what about",
    "how about",
    "what if",
    "and what about",
    "and how about",
    "and what if",
    "and if",
    "but if",
    "and for",
    "but what about",
    "but what if",
    "что насчет",
    "как насчет",
    "а что насчет",
    "а как насчет",
    "а если",
    "и если",
    "а когда",
    "а что если",
    "а что с",
    "а что по",
    "а для",
    "а на",
    "а в",
    "а у",
    "а по",
    "а без",
    "а с",
    "и на",
    "и для",
    "то же самое",
    "а вот",
];

/// They stand for something said. Not "you", not "I".
pub(super) const PRONOUN: &str = "it its they them their he him his she her он она оно они его ее их ему ей им ним ними \
    нему ней нее них нем это этого этому этим этом";

/// Places said.
pub(super) const PLACE: &str = "there там туда оттуда";

/// They point at something said, alone or before a noun.
pub(super) const POINTING: &str = "this that these those этот эта эту этой этих эти этими тот ту той те тех";

/// What `this` points at without anything having been said.
pub(super) const DEICTIC: &str = "app application site website web service bot chat product company platform program tool \
    year month week time page system store shop приложение сайт сервис бот чат компания год месяц неделя раз программа \
    система магазин";

/// One more of something said.
pub(super) const ANOTHER: &str = "another other else same second third instead more ones подробнее другой другая другое \
    другие второй вторая второе третий дальше детальнее остальные";

pub(super) const PREPOSITION: &str = "on in at for with without from to by via of about after before under into на в во для с \
    со без из от к ко по о об через после до под при у";

/// They ask.
pub(super) const INTERROGATIVE: &str = "how what when where why who which whose как что где куда когда почему зачем кто какой \
    какая какое какие какую каком каких каким сколько чем откуда чей";

/// They ask, or carry a verb.
pub(super) const AUXILIARY: &str = "is are was were do does did can could should would will may must has have am можно нужно \
    надо ли есть нельзя могу может можете";

/// Measures and their verbs, which say nothing of what is measured.
pub(super) const QUANTITY: &str = "much many long often far soon cost costs take takes work works mean means happen happens \
    стоит стоят стоимость займет занимает долго часто быстро дорого работает работают значит означает делать сделать \
    происходит not не нет any way ways способ способы give приведи приведите дай дайте времени";

/// What follows a pronoun that stands for nothing.
pub(super) const EXPLETIVE: &str = "possible safe ok okay necessary take takes cost costs allowed true hard easy legal normal \
    required better можно нужно возможно безопасно законно";

/// Said around a question, or instead of one.
pub(super) const SAID: &str = "hello hi hey thanks thank you please ok okay yes no good great cool спасибо привет здравствуйте \
    пожалуйста да нет хорошо ок понятно ясно отлично супер благодарю добрый день вечер";

/// They ask for more of the same.
pub(super) const BARE: &str = "more details example examples example tell explain again really sure подробнее пример примеры \
    например расскажи расскажите объясни объясните поясните уверены точно конкретнее";

pub(super) fn is_in(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// Whether a question begins with one of these.
pub(super) fn starts(beginnings: &[&str], words: &[&str]) -> bool {
    beginnings.iter().any(|beginning| {
        let mut wanted = beginning.split(' ');
        let mut given = words.iter();
        wanted.all(|word| given.next() == Some(&word)) && given.next().is_some()
    })
}
