//! Who may do what over REST: every endpoint, with every kind of key, on what is its own, another's and
//! another channel's; conversations; `Idempotency-Key`.

use std::time::{Duration, Instant};

use contract::{ApiKeyId, ConversationId, MessageId, QuestionText};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::accept::Submission;
use testkit::{Installation, Plan, eventually, measured, sqlx};

use crate::BINARY;

/// A question that is there already, and its conversation.
#[derive(Debug, Clone, Copy)]
struct Asked {
    question: MessageId,
    conversation: ConversationId,
}

async fn asked_by(installation: &Installation, key: ApiKeyId) -> Asked {
    let submission = Submission {
        key,
        any: false,
        conversation: None,
        text: QuestionText::new("earlier").expect("a text"),
        idempotency: None,
    };
    let accepted = store::accept::questions(&installation.ledger, &[submission]).await.remove(0);
    let accepted = accepted.expect("the ledger accepts");
    Asked { question: accepted.question, conversation: accepted.conversation }
}

/// A key with these scopes, and its token.
async fn key(installation: &Installation, scopes: &[&str]) -> (ApiKeyId, String) {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let made = store::keys::create(&installation.ledger, "of a test", &scopes, None, None).await;
    let (id, token) = made.expect("a key is made");
    (id, token.expose_secret().to_owned())
}

/// Everything a caller can try: statuses of `POST` (new conversation, own, another's, another channel's),
/// `GET` and its events (own, another's, another channel's).
type Statuses = ([u16; 4], [u16; 3]);

const BOTH: &[&str] = &["questions:write", "questions:read"];
const ALL: &[&str] = &["questions:write", "questions:read", "questions:write:any", "questions:read:any"];

/// What a live key with these scopes may do. No scope contains another, except that `:any` covers its own.
const LIVE: &[(&[&str], Statuses)] = &[
    (&[], ([403; 4], [403; 3])),
    (&["questions:write"], ([202, 202, 404, 404], [403; 3])),
    (&["questions:read"], ([403; 4], [200, 404, 404])),
    (&["questions:write:any"], ([202, 202, 202, 404], [403; 3])),
    (&["questions:read:any"], ([403; 4], [200; 3])),
    (BOTH, ([202, 202, 404, 404], [200, 404, 404])),
    (ALL, ([202, 202, 202, 404], [200; 3])),
];

/// The endpoints, and whose what.
struct Table<'a> {
    installation: &'a Installation,
    ingress: String,
    api: String,
    foreign: Asked,
    loopback: Asked,
}

impl Table<'_> {
    async fn call(&self, method: Method, url: &str, headers: &[String], body: Option<Value>) -> Response {
        let mut request = self.installation.http.request(method, url);
        for value in headers {
            request = request.header("authorization", value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("somebody answers")
    }

    async fn post(&self, headers: &[String], conversation: Option<ConversationId>) -> Response {
        let body = json!({ "text": "hello", "conversation_id": conversation });
        self.call(Method::POST, &format!("{}/v1/questions", self.ingress), headers, Some(body)).await
    }

    async fn get(&self, headers: &[String], path: &str) -> Response {
        self.call(Method::GET, &format!("{}{path}", self.api), headers, None).await
    }

    /// Tries everything; an error is a problem that says what is wrong, and not with the key in it.
    async fn row(&self, who: &str, headers: &[String], own: Asked, wanted: &Statuses) -> Vec<String> {
        let mut slugs = Vec::new();
        let conversations =
            [None, Some(own.conversation), Some(self.foreign.conversation), Some(self.loopback.conversation)];
        for (conversation, wanted) in conversations.into_iter().zip(wanted.0) {
            let response = self.post(headers, conversation).await;
            slugs.extend(check(&format!("{who}: POST into {conversation:?}"), response, wanted).await);
        }
        for (asked, wanted) in [own, self.foreign, self.loopback].iter().zip(wanted.1) {
            for path in ["", "/events"] {
                let path = format!("/v1/questions/{}{path}", asked.question);
                let response = self.get(headers, &path).await;
                slugs.extend(check(&format!("{who}: GET {path}"), response, wanted).await);
            }
        }
        for path in ["/healthz", "/openapi.json"] {
            let response = self.get(headers, path).await;
            check(&format!("{who}: GET {path}"), response, 200).await;
        }
        slugs
    }
}

/// The slug of the problem, if it is one.
async fn check(what: &str, response: Response, wanted: u16) -> Option<String> {
    assert_eq!(response.status().as_u16(), wanted, "{what}");
    if wanted < 400 {
        return None;
    }
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{what}");
    let asked_for_a_key = response.headers().get("www-authenticate").is_some_and(|value| value == "Bearer");
    assert_eq!(asked_for_a_key, wanted == 401, "{what}");
    let body: Value = response.json().await.expect("a problem is JSON");
    let detail = body["detail"].as_str().expect("a problem has a detail");
    assert!(detail.len() > 20 && !detail.contains("vk_0"), "{what}: {detail}");
    Some(body["type"].as_str()?.trim_start_matches("urn:vectora:problem:").to_owned())
}

/// Ingress, API and workers, a question of another key and one of another channel.
async fn table(installation: &Installation) -> (Table<'_>, [testkit::Program; 3]) {
    let (ingress_program, ingress) = installation.ingress(&[]).await;
    let (api_program, api) = installation.api(&[]).await;
    let worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let other = store::keys::parse(&installation.key).expect("the installation's key is one");
    let foreign = asked_by(installation, other).await;
    let question = installation.say("anna", "hello").await;
    installation.answered(question).await;
    let conversation = installation.question(question).await.conversation_id;
    let loopback = Asked { question, conversation };
    (Table { installation, ingress, api, foreign, loopback }, [ingress_program, api_program, worker])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_key_may_do_exactly_what_its_scopes_say() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (table, _programs) = table(&installation).await;
    for (scopes, wanted) in LIVE {
        let (id, token) = key(&installation, scopes).await;
        let own = asked_by(&installation, id).await;
        let slugs = table.row(&format!("{scopes:?}"), &[format!("Bearer {token}")], own, wanted).await;
        let known = ["missing-scope", "not-found"];
        assert!(slugs.iter().all(|slug| known.contains(&slug.as_str())), "{scopes:?}: {slugs:?}");
    }
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_live_key_may_do_nothing_and_is_told_why() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (table, _programs) = table(&installation).await;
    let (own_id, live) = key(&installation, ALL).await;
    let own = asked_by(&installation, own_id).await;
    let (revoked_id, revoked) = key(&installation, ALL).await;
    assert!(store::keys::revoke(&installation.ledger, revoked_id).await.expect("the ledger revokes"));
    let (expired_id, expired) = key(&installation, ALL).await;
    let past = "UPDATE api_keys SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1";
    sqlx::query(past).bind(expired_id.0).execute(&installation.sql).await.expect("the row is there");
    let wrong = |token: &str| format!("{}{}", &token[..token.len() - 64], "0".repeat(64));
    let unknown = format!("vk_{}_{}", MessageId::new().0.simple(), "0".repeat(64));
    let bearer = |token: &str| vec![format!("Bearer {token}")];
    let cases = [
        ("no key", vec![], "no-key"),
        ("no scheme", vec![live.clone()], "no-key"),
        ("another scheme", vec![format!("Basic {live}")], "no-key"),
        ("an empty one", vec!["Bearer ".to_owned()], "no-key"),
        ("two", vec![format!("Bearer {live}"), format!("Bearer {live}")], "wrong-key"),
        ("malformed", bearer("let me in"), "wrong-key"),
        ("cut short", bearer(&live[..live.len() - 1]), "wrong-key"),
        ("not ASCII", bearer("vk_ключ"), "no-key"),
        ("unknown", bearer(&unknown), "wrong-key"),
        ("wrong secret", bearer(&wrong(&live)), "wrong-key"),
        ("wrong secret of a revoked one", bearer(&wrong(&revoked)), "wrong-key"),
        ("wrong secret of an expired one", bearer(&wrong(&expired)), "wrong-key"),
        ("revoked", bearer(&revoked), "key-revoked"),
        ("expired", bearer(&expired), "key-expired"),
    ];
    for (who, headers, slug) in cases {
        let slugs = table.row(who, &headers, own, &([401; 4], [401; 3])).await;
        assert!(slugs.iter().all(|own| own == slug), "{who}: {slugs:?}");
    }
    let slugs = table.row("the scheme in capitals", &[format!("BEARER {live}")], own, &LIVE[6].1).await;
    assert_eq!(slugs, ["not-found"], "only another channel's conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_or_expired_key_stops_working_within_a_second() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, ingress) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let ends = [
        ("revocation", "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = $1"),
        ("expiry", "UPDATE api_keys SET expires_at = clock_timestamp() WHERE id = $1"),
    ];
    for (what, sql) in ends {
        let (id, token) = key(&installation, ALL).await;
        let own = asked_by(&installation, id).await;
        let get = format!("{api}/v1/questions/{}", own.question);
        let events = installation.http.get(format!("{get}/events")).bearer_auth(&token).send().await;
        let events = events.expect("the API answers");
        assert_eq!(events.status(), StatusCode::OK);
        let ask = || async {
            let request = installation.http.post(format!("{ingress}/v1/questions")).bearer_auth(&token);
            request.json(&json!({ "text": "hello" })).send().await.expect("ingress answers").status()
        };
        let read = || async {
            installation.http.get(&get).bearer_auth(&token).send().await.expect("the API answers").status()
        };
        assert_eq!((ask().await, read().await), (StatusCode::ACCEPTED, StatusCode::OK));
        sqlx::query(sql).bind(id.0).execute(&installation.sql).await.expect("the row is there");
        let ended = Instant::now();
        let last = eventually("the key to be refused", || async {
            let began = ended.elapsed();
            let statuses = (ask().await, read().await);
            Some(began).filter(|_| statuses == (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED))
        })
        .await;
        measured(&format!("{what} takes effect"), last);
        assert!(last < Duration::from_millis(1100), "{what} took {last:?}");
        let rest = tokio::time::timeout(Duration::from_secs(10), events.text()).await;
        assert!(rest.expect("the stream ends").expect("it ends well").contains("event: status"));
        measured(&format!("{what} ends an open event stream"), ended.elapsed());
        assert!(ended.elapsed() < Duration::from_secs(3), "the stream went on for {:?}", ended.elapsed());
    }
}

/// The one case in which asker and owner differ.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_reads_what_it_asked_in_anothers_conversation_and_nothing_else_there() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_api, url) = installation.api(&[]).await;
    let (owner, owners) = key(&installation, BOTH).await;
    let theirs = asked_by(&installation, owner).await;
    let (guest, guests) = key(&installation, &["questions:write:any", "questions:read"]).await;
    let submission = Submission {
        key: guest,
        any: true,
        conversation: Some(theirs.conversation),
        text: QuestionText::new("and I?").expect("a text"),
        idempotency: None,
    };
    let asked = store::accept::questions(&installation.ledger, &[submission]).await.remove(0);
    let asked = asked.expect("the ledger accepts").question;
    let status = async |token: &str, id: MessageId| {
        let request = installation.http.get(format!("{url}/v1/questions/{id}")).bearer_auth(token);
        request.send().await.expect("the API answers").status()
    };
    assert_eq!(status(&guests, asked).await, StatusCode::OK);
    assert_eq!(status(&guests, theirs.question).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&owners, asked).await, StatusCode::OK, "it is the owner's conversation");
}
