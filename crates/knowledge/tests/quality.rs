//! Search quality on the measuring data in `../shared/data`, exact: BM25 over the product's own vectors
//! without an index, reranking by its own code, IDF as Qdrant computes it. Says that it skipped where there
//! is no data.
//!
//! The figures are printed with `cargo test --release -p knowledge --test quality -- --nocapture`. The bars
//! are what was reached, less what differs between two halves of the questions; all are above the issue's.
#![expect(clippy::cast_precision_loss, reason = "counts of passages and questions")]

mod collection;

use std::{path::PathBuf, time::Instant};

use collection::{Collection, Question};
use knowledge::{analyser, coverage, rerank};

/// Least nDCG@10 of the order of the index, of the reranked order, and least AUROC of coverage.
struct Bars {
    set: &'static str,
    language: &'static str,
    index: f64,
    reranked: f64,
    auroc: f64,
}

const BARS: [Bars; 6] = [
    Bars { set: "xquad", language: "en", index: 0.97, reranked: 0.978, auroc: 0.97 },
    Bars { set: "xquad", language: "ru", index: 0.955, reranked: 0.963, auroc: 0.96 },
    Bars { set: "danetqa", language: "ru", index: 0.79, reranked: 0.795, auroc: 0.905 },
    Bars { set: "docheads", language: "en", index: 0.57, reranked: 0.615, auroc: 0.99 },
    Bars { set: "docheads", language: "ru", index: 0.61, reranked: 0.645, auroc: 0.99 },
    Bars { set: "squad2", language: "en", index: 0.895, reranked: 0.915, auroc: 0.95 },
];

const SKIPPED: &str = "skipped: no ../shared/data beside the repository";

#[expect(clippy::print_stderr, reason = "a test that skips, or measures, has to say so")]
fn say(what: &str) {
    eprintln!("{what}");
}

fn data() -> Option<PathBuf> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    data.join("xquad").is_dir().then_some(data)
}

#[test]
fn search_and_coverage_reach_their_bars_on_every_set() {
    let Some(data) = data() else { return say(SKIPPED) };
    let foreign = collection::foreign(&data);
    std::thread::scope(|scope| {
        let sets: Vec<_> = BARS.chunks(3).collect();
        for bars in sets {
            let (data, foreign) = (&data, &foreign);
            scope.spawn(move || {
                for bar in bars {
                    measure(&Collection::load(data, bar.set, bar.language), foreign, bar);
                }
            });
        }
    });
}

fn measure(collection: &Collection, foreign: &[(String, String)], bars: &Bars) {
    let mut positives = Vec::new();
    let (mut index, mut reranked, mut held_out) = (0.0, 0.0, Vec::new());
    let answered: Vec<&Question> = collection.questions.iter().filter(|q| !q.relevant.is_empty()).collect();
    for question in &answered {
        let found = collection.ask(&question.text, None);
        index += collection::ndcg(&found.index, &question.relevant);
        reranked += collection::ndcg(&found.reranked, &question.relevant);
        positives.push(found.coverage);
        let own = &collection.passages[question.relevant[0]].title;
        if !own.is_empty() {
            held_out.push(collection.ask(&question.text, Some(own)).coverage);
        }
    }
    let negatives: Vec<f32> = foreign
        .iter()
        .filter(|(language, _)| language == bars.language)
        .map(|(_, text)| collection.ask(text, None).coverage)
        .collect();
    let (index, reranked) = (index / answered.len() as f64, reranked / answered.len() as f64);
    let auroc = coverage::auroc(&positives, &negatives).expect("both are there");
    say(&format!(
        "{} {}: nDCG@10 {:.1} -> {:.1}; AUROC {auroc:.3}, {:.0} % refused at 95 % kept; \
         {:.0} postings a chunk, {:.0} in 700 characters",
        bars.set,
        bars.language,
        100.0 * index,
        100.0 * reranked,
        100.0 * refused_at_95(&positives, &negatives),
        collection.postings(),
        collection.postings_in(700),
    ));
    report_thresholds(collection, &positives, &negatives, &held_out);
    assert!(index >= bars.index, "{} {}: index {index:.4}", bars.set, bars.language);
    assert!(reranked >= bars.reranked, "{} {}: reranked {reranked:.4}", bars.set, bars.language);
    assert!(auroc >= bars.auroc, "{} {}: AUROC {auroc:.4}", bars.set, bars.language);
}

/// The share of the foreign questions below what 95 % of the answerable ones reach.
fn refused_at_95(positives: &[f32], negatives: &[f32]) -> f64 {
    let mut sorted = positives.to_vec();
    sorted.sort_by(f32::total_cmp);
    let threshold = sorted[sorted.len() / 20];
    negatives.iter().filter(|&&value| value < threshold).count() as f64 / negatives.len() as f64
}

/// What a fitted threshold does to the questions it was not fitted by: every second heading fits it where the
/// questions are headings, the titles where they are not.
fn report_thresholds(collection: &Collection, positives: &[f32], negatives: &[f32], held_out: &[f32]) {
    let half = |values: &[f32], parity: usize| -> Vec<f32> {
        values.iter().enumerate().filter(|(at, _)| at % 2 == parity).map(|(_, &value)| value).collect()
    };
    let (fit, check) = if collection.headings() {
        (coverage::fit(&half(positives, 0), &half(held_out, 0)), half(positives, 1))
    } else {
        let (own, others) = collection.titles();
        (coverage::fit(&own, &others), positives.to_vec())
    };
    for (name, threshold) in [("fitted", fit.threshold), ("fallback", coverage::FALLBACK)] {
        let kept = check.iter().filter(|&&value| value >= threshold).count() as f64 / check.len() as f64;
        let refused = negatives.iter().filter(|&&v| v < threshold).count() as f64 / negatives.len() as f64;
        say(&format!(
            "    {name} {threshold:.3}: {:.1} % kept, {:.1} % refused",
            100.0 * kept,
            100.0 * refused
        ));
    }
}

#[test]
fn a_small_knowledge_base_answers_what_it_has_and_refuses_what_it_has_not() {
    let articles = [
        (
            "Reset your password",
            "Open the sign-in page, choose “Forgot password” and follow the link in the letter.",
        ),
        ("Сброс пароля", "Чтобы сменить пароль, откройте страницу входа и нажмите «Забыли пароль»."),
        (
            "Invoices",
            "Invoices are sent on the first day of the month. You can download them in your account.",
        ),
        (
            "Delivery times",
            "Orders arrive within three to five days. Delivery to other countries takes two weeks.",
        ),
        ("Возврат денег", "Деньги возвращаются на карту в течение десяти дней после отмены заказа."),
        ("Two-factor sign-in", "Scan the code with an authenticator and enter the six digits it shows."),
        ("Удаление аккаунта", "Аккаунт удаляется через тридцать дней. До этого его можно восстановить."),
        (
            "Exporting data",
            "Choose Settings, Export. The archive of the whole world of your notes is ready in an hour.",
        ),
    ];
    let collection = Collection::of(&articles);
    for question in
        ["How do I reset my password?", "Как сменить пароль?", "password", "when do invoices arrive"]
    {
        let found = collection.ask(question, None).coverage;
        assert!(found >= coverage::FALLBACK, "{question}: {found}");
    }
    for question in [
        "Who won the football world cup?",
        "Кто выиграл чемпионат мира?",
        "tell me a joke",
        "What is the weather?",
    ] {
        let found = collection.ask(question, None).coverage;
        assert!(found < coverage::FALLBACK, "{question}: {found}");
    }
}

/// Prints what analysing and reranking cost, the least of several turns. What it asserts is a thirtieth of
/// that on an idle core: other work on the machine is no fault of theirs.
#[test]
fn analysing_and_reranking_keep_up() {
    let Some(data) = data() else { return say(SKIPPED) };
    for language in ["en", "ru"] {
        let collection = Collection::load(&data, "docheads", language);
        let bytes: usize = collection.passages.iter().map(|passage| passage.text.len()).sum();
        let analysing = || {
            let begin = Instant::now();
            for passage in &collection.passages {
                std::hint::black_box(analyser::document(&passage.title, &passage.heading, &passage.text));
            }
            begin.elapsed().as_secs_f64()
        };
        let reranking = || {
            let asked = collection.questions.iter().take(100);
            let found: Vec<_> = asked.map(|question| collection.ask(&question.text, None)).collect();
            let spent: f64 = found.iter().map(|found| found.reranking.as_secs_f64()).sum();
            let characters: usize = found.iter().map(|found| found.characters).sum();
            spent / characters as f64 * 700.0 * rerank::CANDIDATES as f64
        };
        let least = |turn: &dyn Fn() -> f64| (0..5).map(|_| turn()).fold(f64::INFINITY, f64::min);
        let (rate, each) = (bytes as f64 / least(&analysing) / 1e6, least(&reranking));
        say(&format!(
            "{language}: {rate:.0} MB/s; reranking 30 passages of 700 characters {:.2} ms",
            each * 1e3
        ));
        assert!(rate > 1.0, "{rate} MB/s");
        assert!(each < 0.03, "{each} s");
    }
}
