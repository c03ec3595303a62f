//! A question in one language, a knowledge base in the other, and an embedder that knows both.

use contract::QuestionStatus;
use retrieval::calibrate::{TRANSLATED, Translated};
use testkit::models::{CHAT_MODEL, EMBEDDING_MODEL, FakeModels, bag_of_words};
use testkit::{Installation, Plan, Program, eventually};

use crate::BINARY;

/// English, Russian as it is asked for, and as the subject of a sentence.
const GOODS: [[&str; 3]; 8] = [
    ["umbrella", "зонтик", "зонтик"],
    ["lamp", "лампу", "лампа"],
    ["kettle", "чайник", "чайник"],
    ["carpet", "ковёр", "ковёр"],
    ["chair", "стул", "стул"],
    ["mirror", "зеркало", "зеркало"],
    ["guitar", "гитару", "гитара"],
    ["tent", "палатку", "палатка"],
];
const PLACES: [[&str; 2]; 5] =
    [["Berlin", "Берлин"], ["Madrid", "Мадрид"], ["Vienna", "Вен"], ["Oslo", "Осло"], ["Dublin", "Дублин"]];

const DIMS: usize = 256;

/// What a model of both languages makes of a text: what it speaks of, a little of its words, and which language it is.
fn meaning(text: &str, dims: usize) -> Vec<f32> {
    let mut vector: Vec<f32> = bag_of_words(text, dims).iter().map(|number| number * 0.02).collect();
    let lower = text.to_lowercase();
    for (at, names) in GOODS.iter().enumerate() {
        if names.iter().any(|name| lower.contains(name)) {
            vector[at] += 1.0;
        }
    }
    for (at, names) in PLACES.iter().enumerate() {
        if names.iter().any(|name| text.contains(name)) {
            vector[10 + at] += 0.5;
        }
    }
    let row = TRANSLATED.iter().position(|row: &Translated| row.contains(&text));
    if let Some(row) = row {
        vector[100 + row] += 1.0;
        vector[150 + row / 2] += 0.7;
    }
    vector[200] += if contract::Language::of(text) == contract::Language::Russian { 0.3 } else { 0.0 };
    vector
}

/// Forty articles in English, one a thing and a place.
fn articles() -> Vec<(String, String)> {
    let all = GOODS.iter().flat_map(|[thing, ..]| PLACES.map(|[place, _]| (thing, place)));
    all.map(|(thing, place)| {
        let text = format!(
            "# Sending a {thing} back from {place}\n\nPut the {thing} into its box. The {thing} is fetched by a courier in \
             {place}. Questions about it are taken at {thing}@help.example.\n"
        );
        (format!("{thing}-{place}.md"), text)
    })
    .collect()
}

struct Desk {
    models: FakeModels,
    installation: Installation,
    url: String,
    _programs: Vec<Program>,
}

async fn desk(more: &[(&str, &str)]) -> Desk {
    let models = FakeModels::start().await;
    models.embeds(meaning);
    models.dimension(DIMS);
    let env = [
        ("LLM_PROVIDER", "openai".to_owned()),
        ("OPENAI_API_KEY", "sk-of-a-test".to_owned()),
        ("OPENAI_BASE_URL", models.openai_url()),
        ("VECTORA__MODELS__PROVIDERS__OPENAI__MODEL", CHAT_MODEL.to_owned()),
        ("VECTORA__ANSWERS__NEAR", "0.0".to_owned()),
        ("VECTORA__MODELS__EMBEDDER", "both".to_owned()),
        ("VECTORA__MODELS__EMBEDDERS__BOTH__KIND", "openai".to_owned()),
        ("VECTORA__MODELS__EMBEDDERS__BOTH__BASE_URL", models.openai_url()),
        ("VECTORA__MODELS__EMBEDDERS__BOTH__MODEL", EMBEDDING_MODEL.to_owned()),
        ("VECTORA__MODELS__EMBEDDERS__BOTH__DIMS", DIMS.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let env: Vec<(String, String)> = env.into_iter().chain(more).collect();
    let installation = Box::pin(Installation::new(BINARY, Plan { env, ..Plan::default() })).await;
    let (ingress, url) = installation.ingress(&[]).await;
    let worker = installation.worker("intake,retrieve,answer,extract,embed", &[]).await;
    let articles = articles();
    let files: Vec<(&str, &[u8])> =
        articles.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let id = installation.ingest("help", &files).await;
    assert_eq!(installation.ingested(id).await.failed, 0);
    let desk = Desk { models, installation, url, _programs: vec![ingress, worker] };
    eventually("both languages to be fitted", || async {
        let fitted = "SELECT count(*) FROM index_generations WHERE fit -> 'fusion' ? 'ru' AND fit -> 'fusion' -> 'nearness' ? 'across'";
        (desk.installation.count(fitted).await == 1).then_some(())
    })
    .await;
    desk
}

impl Desk {
    async fn ask(&self, text: &str, said: &'static str) -> contract::Question {
        self.models.says(move |_| said.to_owned());
        let id = self.installation.ask(&self.url, text).await;
        self.installation.finished(id).await
    }
}

const ASKED: &str = "Мой номер +7 912 345-67-89. Как вернуть зонтик из Берлина?";
const ANSWERED: &str = "Зонтик у вас заберёт курьер [1].";
const WITHOUT_JUDGE: (&str, &str) = ("VECTORA__ANSWERS__JUDGE", "false");

/// What must not have left.
fn secrets<'a>(sent: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    sent.filter(|text| text.contains("912") || text.contains("@help.example")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_russian_question_is_answered_from_english_articles_in_russian() {
    let desk = desk(&[WITHOUT_JUDGE]).await;
    let question = desk.ask(ASKED, ANSWERED).await;
    assert_eq!(question.status, QuestionStatus::Answered, "{question:?}");
    assert_eq!(question.answer.as_deref(), Some("Зонтик у вас заберёт курьер. [1]"));
    assert_eq!(question.citations[0].title, "Sending a umbrella back from Berlin");

    for (text, said, why) in [
        (ASKED, "Подводную лодку у вас заберёт курьер [1].", "no passage says that, and nobody judges"),
        (ASKED, "Зонтик у вас курьер никогда не заберёт [1].", "the passage does not deny it"),
        ("Сколько стоит подводная лодка?", ANSWERED, "no article is near"),
    ] {
        let question = desk.ask(text, said).await;
        assert_eq!(question.status, QuestionStatus::Refused, "{why}: {question:?}");
    }
    let embedded = desk.models.embedded();
    let sent = || embedded.iter().flat_map(|call| &call.inputs);
    assert_eq!(secrets(sent()), Vec::<&String>::new(), "personal data has left for the embedder");
    assert!(sent().any(|text| text.contains("[PHONE_1]")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_decides_about_sentences_in_another_language_and_sees_no_personal_data() {
    let desk = desk(&[]).await;
    for (verdict, status) in [("yes", QuestionStatus::Answered), ("no", QuestionStatus::Refused)] {
        desk.models.says(move |call| {
            if call.last_of("system").is_some_and(|system| system.contains("check a sentence against")) {
                return verdict.to_owned();
            }
            // The article's own address, as the model sees it.
            let text = call.last_of("user").expect("a question");
            let token = text.split("taken at [").nth(1).and_then(|rest| rest.split(']').next());
            format!("Пишите о зонтике: [{}] [1].", token.expect("it is masked"))
        });
        let id = desk.installation.ask(&desk.url, ASKED).await;
        let question = desk.installation.finished(id).await;
        assert_eq!(question.status, status, "{verdict}: {question:?}");
        let shown = question.answer.unwrap_or_default();
        assert_eq!(shown.contains("umbrella@help.example"), verdict == "yes", "{shown}");
    }
    let chats = desk.models.chats();
    let sent = chats.iter().flat_map(|call| &call.messages).map(|(_, text)| text);
    assert_eq!(secrets(sent), Vec::<&String>::new(), "personal data has left for the model");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_english_article_is_quoted_and_an_open_installation_hides_nothing() {
    let desk = desk(&[("LLM_PROVIDER", "extractive"), ("VECTORA__ANSWERS__MASK", "false")]).await;
    let question = desk.ask("Как вернуть зонтик из Берлина?", "").await;
    let answer = question.answer.unwrap_or_default();
    assert!(answer.contains("Put the umbrella into its box."), "{answer}");
    let embedded = desk.models.embedded();
    assert!(
        !secrets(embedded.iter().flat_map(|call| &call.inputs)).is_empty(),
        "the articles are embedded as they are"
    );
}
