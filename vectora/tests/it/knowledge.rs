//! Knowledge in, cited answers out; and what search sees while documents change.

use std::sync::atomic::{AtomicBool, Ordering};

use contract::QuestionStatus;
use store::ingestions::Listing;
use testkit::{Installation, Plan, eventually};

use crate::BINARY;

const ALL: &str = "intake,retrieve,answer,deliver,extract,embed";

/// An article about one thing.
fn article(title: &str, text: &str) -> String {
    format!("---\ntitle: {title}\n---\n\n{text}\n")
}

/// Without the scripted model: answers are made of quotes.
async fn installation() -> Installation {
    let plan = Plan { env: vec![("VECTORA__MODELS__PROVIDER".into(), "none".into())], ..Plan::default() };
    Box::pin(Installation::new(BINARY, plan)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_a_citation_and_another_is_refused() {
    let installation = installation().await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let english = "---\ntitle: Reset your password\nurl: https://help.example/reset\n---\n\n## From the login page\n\n\
                   Open the login page and choose Forgot password. The reset link is valid for 30 minutes.\n";
    let russian = "---\ntitle: Сброс пароля\n---\n\n## Со страницы входа\n\n\
                   Откройте страницу входа и нажмите «Забыли пароль?». Ссылка действует 30 минут.\n";
    let other = article("Invoices", "Invoices are sent on the first day of each month by e-mail.");
    let files: [(&str, &[u8]); 3] = [
        ("en/reset.md", english.as_bytes()),
        ("ru/reset.md", russian.as_bytes()),
        ("en/invoices.md", other.as_bytes()),
    ];
    let id = installation.ingest("help", &files).await;
    let progress = installation.ingested(id).await;
    assert_eq!((progress.live, progress.failed), (3, 0), "{progress:?}");

    let asked = installation.ask(&url, "How long is the reset link valid?").await;
    let question = installation.finished(asked).await;
    assert_eq!(question.status, QuestionStatus::Answered, "{question:?}");
    let answer = question.answer.expect("an answer");
    assert!(answer.contains("30 minutes") && answer.contains("[1]"), "{answer}");
    assert_eq!(question.citations[0].title, "Reset your password");
    assert_eq!(question.citations[0].section.as_deref(), Some("From the login page"));
    assert_eq!(question.citations[0].url.as_deref(), Some("https://help.example/reset"));

    let asked = installation.ask(&url, "Сколько действует ссылка для сброса пароля?").await;
    let question = installation.finished(asked).await;
    assert_eq!(question.status, QuestionStatus::Answered, "{question:?}");
    assert_eq!(question.citations[0].title, "Сброс пароля", "in the language of the question");

    let asked = installation.ask(&url, "Who won the football world cup in Brazil?").await;
    let question = installation.finished(asked).await;
    assert_eq!(question.status, QuestionStatus::Refused, "{question:?}");
    let refusal = question.answer.expect("a refusal says why");
    assert!(refusal.contains("human") && refusal.contains("football"), "{refusal}");
    assert!(question.citations.is_empty());
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_need_no_stage_of_their_own_in_one_process_and_are_the_same_from_another() {
    const ASKED: &str = "Are backups made every night?";
    let installation = installation().await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let together = installation.worker(ALL, &[]).await;
    let backups = article("Backups", "Backups are made every night. They are kept for 30 days.");
    let id = installation.ingest("help", &[("backups.md", backups.as_bytes())]).await;
    installation.ingested(id).await;
    let asked = installation.ask(&url, ASKED).await;
    let at_once = installation.finished(asked).await;
    assert_eq!(at_once.status, QuestionStatus::Answered, "{at_once:?}");
    assert_eq!(installation.count("SELECT max(epoch) FROM turns").await, 1, "one claim");
    assert_eq!(
        installation.count("SELECT count(*) FROM retrievals").await,
        1,
        "what it was made from is kept"
    );
    let quote = at_once.answer.as_deref().expect("an answer");
    installation.say("anna", ASKED).await;
    eventually("the quote to be shown", || async {
        (installation.messenger.showing("anna", quote) == 1).then_some(())
    })
    .await;
    installation.assert_finished().await;
    drop(together);

    // Who answers is the business of another process.
    let searching = installation.worker("intake,retrieve", &[]).await;
    let asked = installation.ask(&url, ASKED).await;
    eventually("the turn to wait for its answer", || async {
        let waiting = "SELECT count(*) FROM turns WHERE state = 'active' AND stage = 'answer'";
        (installation.count(waiting).await == 1).then_some(())
    })
    .await;
    drop(searching);
    let _answering = installation.worker("answer", &[]).await;
    let later = installation.finished(asked).await;
    assert_eq!((later.status, &later.answer), (at_once.status, &at_once.answer));
    assert_eq!(format!("{:?}", later.citations), format!("{:?}", at_once.citations));
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sees_the_documents_of_its_audience_only() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let public = article("Backups", "Backups are made every night and kept for 30 days.");
    let internal =
        "---\ntitle: Runbook of backups\ntags: [internal]\n---\n\nRestart the backup runner with force.\n";
    let files: [(&str, &[u8]); 2] = [("public.md", public.as_bytes()), ("runbook.md", internal.as_bytes())];
    let listing = Listing {
        source: "help".to_owned(),
        key: None,
        tags: Vec::new(),
        files: Vec::new(),
        prune: false,
        force: false,
        dry_run: false,
    };
    let id = installation.ingest("help", &files).await;
    installation.ingested(id).await;
    let customers =
        Listing { source: "for customers".to_owned(), tags: vec!["customers".to_owned()], ..listing };
    let opened = store::ingestions::open(&installation.ledger, &customers).await.expect("opened");
    let file = store::ingestions::File {
        path: "restore.md".to_owned(),
        bytes: article("Restore", "Restore a backup from the settings page.").into_bytes(),
    };
    let id = opened.id.expect("an id");
    store::ingestions::receive(&installation.ledger, id, &[file]).await.expect("received");
    installation.ingested(id).await;

    // Through a question, too: in a conversation of a key that sees everything.
    let (_more, url) = installation.ingress(&[]).await;
    let scopes = ["questions:write:any", "questions:read"].map(str::to_owned);
    let customers = ["customers".to_owned()];
    let (_, narrow) = store::keys::create(&installation.ledger, "shop", &scopes, None, Some(&customers))
        .await
        .expect("a key is made");
    let open = installation.ask(&url, "How do I restart the backup runner?").await;
    let open = installation.finished(open).await;
    assert!(open.answer.is_some_and(|answer| answer.contains("with force")), "the owner sees it");
    let body = serde_json::json!({
        "text": "How do I restart the backup runner?",
        "conversation_id": open.conversation_id.to_string(),
    });
    let key = secrecy::ExposeSecret::expose_secret(&narrow).to_owned();
    let asked =
        installation.http.post(format!("{url}/v1/questions")).bearer_auth(key).json(&body).send().await;
    let asked: serde_json::Value = asked.expect("answered").json().await.expect("JSON");
    let id = asked["id"].as_str().and_then(|id| id.parse().ok()).expect("it is accepted");
    let closed = installation.finished(id).await;
    assert!(!closed.answer.unwrap_or_default().contains("with force"), "it does not see it");

    let retriever = installation.retriever();
    let seen = |audience: Option<Vec<String>>| {
        let retriever = retriever.clone();
        async move {
            let found = retriever.search("backup runner restart", audience.as_deref(), 10).await;
            let mut titles: Vec<String> =
                found.expect("searched").passages.into_iter().map(|passage| passage.title).collect();
            titles.sort();
            titles
        }
    };
    assert_eq!(seen(None).await, ["Backups", "Restore", "Runbook of backups"]);
    assert_eq!(seen(Some(vec!["customers".to_owned()])).await, ["Restore"]);
    assert_eq!(seen(Some(vec!["internal".to_owned()])).await, ["Runbook of backups"]);
    assert!(seen(Some(vec!["nobody".to_owned()])).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_file_does_nothing_and_a_changed_one_embeds_only_what_changed() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let section = |n: usize, word: &str| {
        format!(
            "## Section {n}\n\nThis is section {n} about {word}. {}\n\n",
            "It has some more words. ".repeat(30)
        )
    };
    let before = format!("# Guide\n\n{}{}{}", section(1, "apples"), section(2, "pears"), section(3, "plums"));
    let after = before.replace("pears", "quinces");
    let id = installation.ingest("help", &[("guide.md", before.as_bytes())]).await;
    let chunks = installation.ingested(id).await.chunks;
    assert!(chunks >= 3, "{chunks} chunks");

    let again = installation.ingest("help", &[("guide.md", before.as_bytes())]).await;
    let progress = installation.ingested(again).await;
    assert_eq!((progress.unchanged, progress.live), (1, 0), "{progress:?}");
    assert_eq!(installation.count("SELECT count(*) FROM revisions").await, 1);

    let changed = installation.ingest("help", &[("guide.md", after.as_bytes())]).await;
    installation.ingested(changed).await;
    let embedded = "SELECT sum(cardinality(chunk_ids))::bigint FROM embed_batches b JOIN revisions r
                    ON r.id = b.revision_id WHERE r.number = 2";
    assert_eq!(installation.count(embedded).await, 1, "one section changed");
    assert_eq!(installation.search("quinces").await.passages.len(), 1);
    assert!(installation.search("pears").await.passages.iter().all(|found| !found.text.contains("pears")));
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

/// A searching client looks all the time: it sees the old text or the new, never both and never neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_replaced_is_seen_whole_old_or_new() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let version = |n: usize| {
        let part = |m: usize| {
            format!(
                "## Part {m}\n\nThe zeppelin manual, part {m}, is of edition {n}. {}\n\n",
                "Words. ".repeat(90)
            )
        };
        format!("# Zeppelin\n\n{}", (0..6).map(part).collect::<String>())
    };
    let id = installation.ingest("help", &[("z.md", version(0).as_bytes())]).await;
    installation.ingested(id).await;
    let retriever = installation.retriever();
    let over = AtomicBool::new(false);
    let searching = async {
        let (mut looks, mut editions) = (0, std::collections::BTreeSet::new());
        while !over.load(Ordering::Relaxed) {
            let found = retriever.search("zeppelin manual edition", None, 30).await.expect("searched");
            let seen: std::collections::BTreeSet<String> = found
                .passages
                .iter()
                .flat_map(|passage| {
                    passage.text.match_indices("edition ").map(|(at, word)| {
                        let rest = &passage.text[at + word.len()..];
                        rest.chars().take_while(char::is_ascii_digit).collect::<String>()
                    })
                })
                .collect();
            assert_eq!(seen.len(), 1, "half old, half new, or nothing: {seen:?}");
            editions.extend(seen);
            looks += 1;
        }
        (looks, editions.len())
    };
    let replacing = async {
        for n in 1..=8 {
            let id = installation.ingest("help", &[("z.md", version(n).as_bytes())]).await;
            installation.ingested(id).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let ((looks, editions), ()) = tokio::join!(searching, replacing);
    assert!(looks > 20 && editions > 2, "{looks} looks saw {editions} editions");
    installation.assert_index_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_search_remembers_is_shown_only_while_it_is_live_and_the_asker_may_see_it() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let id = installation.ingest("help", &[("a.md", article("A", "The heron stands.").as_bytes())]).await;
    installation.ingested(id).await;
    let retriever = installation.retriever();
    let narrow = ["customers".to_owned()];
    let seen = async |audience: Option<&[String]>| {
        let found = retriever.search("heron", audience, 10).await.expect("searched");
        found.passages.into_iter().map(|passage| passage.text).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(seen(None).await, ["The heron stands."]);
        assert!(seen(Some(&narrow)).await.is_empty(), "it has no tag");
    }
    let retag = async |tags: &[String]| {
        sqlx::query("UPDATE documents SET tags = $1")
            .bind(tags)
            .execute(&installation.sql)
            .await
            .expect("tagged");
    };
    retag(&narrow).await;
    assert_eq!(seen(Some(&narrow)).await, ["The heron stands."]);
    retag(&[]).await;
    assert!(seen(Some(&narrow)).await.is_empty(), "the tag is gone");

    let id = installation.ingest("help", &[("a.md", article("A", "The heron flies.").as_bytes())]).await;
    installation.ingested(id).await;
    assert_eq!(seen(None).await, ["The heron flies."], "replaced");
    for (title, tags, narrow_sees) in [("Herons", "customers", 1), ("Egrets", "staff", 0)] {
        let text = format!("---\ntitle: {title}\ntags: [{tags}]\n---\n\nThe heron flies.\n");
        let id = installation.ingest("help", &[("a.md", text.as_bytes())]).await;
        installation.ingested(id).await;
        let found = retriever.search("heron", None, 10).await.expect("searched");
        assert_eq!(found.passages[0].title, title, "the same chunk in another revision");
        assert_eq!(seen(Some(&narrow)).await.len(), narrow_sees, "by the tags of the revision");
    }
    let document = store::documents::list(&installation.ledger, None, None, 1).await.expect("listed")[0].id;
    assert!(store::documents::delete(&installation.ledger, document).await.expect("deleted"));
    assert!(seen(None).await.is_empty(), "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_is_invisible_at_once_also_while_it_is_embedded() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let release = tempfile::tempdir().expect("there is room");
    let go = release.path().join("go");
    let env = [
        ("VECTORA__FAULTS__AT", "embed.upserting=hold@2"),
        ("VECTORA__FAULTS__RELEASE", go.to_str().expect("a plain path")),
        // So that the second deletion comes soon.
        ("VECTORA__WORKERS__HARD_LIMIT__EMBED", "2s"),
    ];
    let worker = installation.worker(ALL, &env).await;
    let first = installation.ingest("help", &[("a.md", article("A", "The heron stands.").as_bytes())]).await;
    installation.ingested(first).await;
    let document = store::documents::list(&installation.ledger, None, None, 1).await.expect("listed")[0].id;
    let second =
        installation.ingest("help", &[("a.md", article("A", "The heron flies away.").as_bytes())]).await;
    worker.says("held at embed.upserting").await;
    assert_eq!(installation.search("heron").await.passages.len(), 1, "the old one is live");

    assert!(store::documents::delete(&installation.ledger, document).await.expect("deleted"));
    assert!(installation.search("heron").await.passages.is_empty(), "invisible at the commit");
    std::fs::write(&go, "").expect("released");
    let progress = installation.ingested(second).await;
    assert_eq!(progress.superseded, 1, "{progress:?}");
    assert!(installation.search("heron").await.passages.is_empty(), "the late upsert brings nothing back");
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

/// B is on its way when A comes back; later B and A go live one after the other. Late deletions of the one never
/// take points of the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_goes_and_comes_back_is_found_whatever_is_deleted_late() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[("VECTORA__WORKERS__HARD_LIMIT__EMBED", "1s")]).await;
    let (one, two) = (article("Bird", "The heron stands."), article("Bird", "The stork stands."));
    let send = |text: &str| {
        let text = text.to_owned();
        let installation = &installation;
        async move { installation.ingest("help", &[("bird.md", text.as_bytes())]).await }
    };
    installation.ingested(send(&one).await).await;
    // Without waiting in between: B is superseded by A's return.
    let b = send(&two).await;
    let a = send(&one).await;
    installation.ingested(b).await;
    installation.ingested(a).await;
    assert_eq!(installation.search("heron").await.passages.len(), 1);
    assert!(installation.search("stork").await.passages.is_empty());
    // One after the other.
    for _ in 0..2 {
        installation.ingested(send(&two).await).await;
        assert_eq!(installation.search("stork").await.passages.len(), 1);
        installation.ingested(send(&one).await).await;
        assert_eq!(installation.search("heron").await.passages.len(), 1);
    }
    eventually("the late deletions to be over", || async {
        (installation.count("SELECT count(*) FROM index_tombstones").await == 0).then_some(())
    })
    .await;
    assert_eq!(installation.search("heron").await.passages.len(), 1, "its own points are there");
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ingestions_of_one_folder_at_once_end_in_one_state() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    let texts: Vec<(String, String)> = (0..60)
        .map(|n| (format!("{n}.md"), article(&format!("Article {n}"), &format!("It is about subject{n}."))))
        .collect();
    let files: Vec<(&str, &[u8])> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let (one, two) = tokio::join!(installation.ingest("help", &files), installation.ingest("help", &files));
    let (one, two) = (installation.ingested(one).await, installation.ingested(two).await);
    assert_eq!((one.failed, two.failed), (0, 0), "{one:?} {two:?}");
    assert_eq!(one.live + one.unchanged + one.superseded, 60, "{one:?}");
    assert_eq!(
        installation.count("SELECT count(*) FROM documents WHERE live_revision IS NOT NULL").await,
        60
    );
    assert_eq!(installation.count("SELECT count(*) FROM revisions").await, 60, "each was made once");
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

/// What files lead to: each its clear state, and the rest of the ingestion goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_difficult_file_has_its_clear_state_and_the_rest_goes_on() {
    let installation = installation().await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker(ALL, &[]).await;
    // "Заголовок. Пингвин живёт во льдах Антарктики и не умеет летать." in Windows-1251.
    let cp1251: Vec<u8> = "Заголовок. Пингвин живёт во льдах Антарктики и не умеет летать."
        .chars()
        .map(|letter| match letter {
            'А'..='я' => u8::try_from(u32::from(letter) - 0x410 + 0xc0).expect("a letter of one byte"),
            'ё' => 0xb8,
            other => u8::try_from(u32::from(other)).expect("ASCII"),
        })
        .collect();
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain("The walrus sleeps on the ice.".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let binary: Vec<u8> = (0..4096_u32).map(|n| (n * 7 % 256).to_le_bytes()[0]).collect();
    let nested = "<ul><li>".repeat(512 * 1024 / 8);
    let long = "word ".repeat(10 * 1024 * 1024);
    let good = article("Good", "The albatross flies for years.");
    let files: [(&str, &[u8]); 8] = [
        ("cp1251.txt", &cp1251),
        ("utf16.txt", &utf16),
        ("zero.md", b""),
        ("binary.md", &binary),
        ("nested.html", nested.as_bytes()),
        ("long.md", long.as_bytes()),
        ("picture.png", b"\x89PNG\r\n"),
        ("good.md", good.as_bytes()),
    ];
    let id = installation.ingest("difficult", &files).await;
    let progress = installation.ingested(id).await;
    assert_eq!((progress.live, progress.failed), (3, 5), "{progress:?}");
    for (path, word) in [
        ("zero.md", "no text"),
        ("binary.md", "not text"),
        ("nested.html", "nest"),
        ("long.md", "MiB"),
        ("picture.png", "png"),
    ] {
        let failure = progress.failures.iter().find(|failure| failure.path == path).expect("it is named");
        assert!(failure.error.to_lowercase().contains(&word.to_lowercase()), "{path}: {}", failure.error);
    }
    for question in ["пингвин", "walrus", "albatross"] {
        assert_eq!(installation.search(question).await.passages.len(), 1, "{question}");
    }
    // Sent again they are not tried again; a human drives them.
    let again = installation.ingest("difficult", &files).await;
    let progress = installation.ingested(again).await;
    assert_eq!((progress.unchanged, progress.failed), (3, 5), "{progress:?}");
    assert_eq!(installation.count("SELECT count(*) FROM revisions").await, 8);
    installation.assert_finished().await;
}
