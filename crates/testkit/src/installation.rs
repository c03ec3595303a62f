//! One installation for one test: a database, a nats-server of its own, and processes of the shipped binary.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use contract::{Channel, MessageId, QuestionStatus};
use embedded::nats::NatsServer;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::Ledger;

use crate::{Database, Engine, Messenger, Program, eventually, postgres};

/// What a test wants otherwise than usual.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    /// Environment of every process, on top of the usual.
    pub env: Vec<(String, String)>,
    /// Use this database instead of a new one.
    pub database: Option<Database>,
}

/// Servers, and what is needed to start processes and to ask.
#[derive(Debug)]
pub struct Installation {
    pub database: Database,
    pub ledger: Ledger,
    pub sql: PgPool,
    pub nats: NatsServer,
    pub messenger: Messenger,
    pub index: Engine,
    pub http: reqwest::Client,
    /// All scopes.
    pub key: String,
    binary: PathBuf,
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// Leases of tests: short, so that what a killed process held is free soon; in the proportions of the
/// defaults.
const SHORT: &[(&str, &str)] = &[
    ("VECTORA__WORKERS__LEASE", "1500ms"),
    ("VECTORA__WORKERS__RENEW", "400ms"),
    ("VECTORA__WORKERS__PROGRESS", "500ms"),
    ("VECTORA__WORKERS__RETRY", "50ms"),
    ("VECTORA__WORKERS__DRAIN", "5s"),
    ("VECTORA__NATS__ACK_WAIT", "2s"),
    ("VECTORA__MODELS__PROVIDER", "scripted"),
    ("VECTORA__LOG__FORMAT", "json"),
    ("VECTORA__HTTP__LISTEN", "127.0.0.1:0"),
    ("VECTORA__HTTP__INTERNAL_LISTEN", "127.0.0.1:0"),
];

/// The longest lease of [`SHORT`].
pub const LEASE: Duration = Duration::from_millis(1500);

impl Installation {
    /// Servers up, schema and streams there, no process of ours running. `binary` is
    /// `env!("CARGO_BIN_EXE_vectora")`.
    ///
    /// # Panics
    /// When a server does not start.
    pub async fn new(binary: &str, plan: Plan) -> Self {
        crate::install_tls();
        let database = match plan.database {
            Some(database) => database,
            None => Box::pin(postgres::database()).await,
        };
        let ledger = database.ledger();
        let sql = database.sql().await;
        let dir = tempfile::Builder::new().prefix("vn").tempdir().expect("there is room");
        let token = embedded::random_token().expect("there is randomness");
        let mut options = embedded::nats::Options::new(dir.path().join("nats"), token);
        options.durable = false;
        let nats = Box::pin(embedded::nats::start(options)).await.expect("nats-server starts");
        let messenger = Messenger::start().await;
        let index = Engine::start(dir.path().join("index")).await;
        let scopes = store::keys::SCOPES.map(str::to_owned);
        let (_, key) =
            store::keys::create(&ledger, "test", &scopes, None, None).await.expect("a key is made");
        let mut env: Vec<(String, String)> =
            SHORT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        env.extend([
            ("DATABASE_URL".to_owned(), database.url.clone()),
            ("NATS_URL".to_owned(), nats.url()),
            ("VECTORA__NATS__TOKEN".to_owned(), nats.token().to_owned()),
            ("QDRANT_URL".to_owned(), index.url()),
            ("QDRANT_API_KEY".to_owned(), index.key.clone()),
            ("VECTORA__WORKERS__LOOPBACK_URL".to_owned(), messenger.url()),
        ]);
        env.extend(plan.env);
        let key = secrecy::ExposeSecret::expose_secret(&key).to_owned();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        let installation = Self {
            database,
            ledger,
            sql,
            nats,
            messenger,
            index,
            http,
            key,
            binary: binary.into(),
            dir,
            env,
        };
        let mut applied = installation.start(&["topology", "apply"], &[]);
        assert!(applied.ended().await.success(), "{}", applied.output());
        installation
    }

    /// A command of the binary with this installation's environment.
    pub fn command(&self, arguments: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.dir.path()).env_clear();
        command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", self.dir.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.envs(env.iter().copied());
        command
    }

    pub fn start(&self, arguments: &[&str], env: &[(&str, &str)]) -> Program {
        Program::start(self.command(arguments, env))
    }

    /// A worker for these stages, ready to pull.
    pub async fn worker(&self, stages: &str, env: &[(&str, &str)]) -> Program {
        let program = self.start(&["worker", "--stage", stages], env);
        program.says("\"ready\"").await;
        program
    }

    /// Ingress (with the dispatcher), and where it listens.
    pub async fn ingress(&self, env: &[(&str, &str)]) -> (Program, String) {
        self.listening("ingress", env).await
    }

    /// The API, and where it listens.
    pub async fn api(&self, env: &[(&str, &str)]) -> (Program, String) {
        self.listening("api", env).await
    }

    async fn listening(&self, role: &str, env: &[(&str, &str)]) -> (Program, String) {
        let program = self.start(&[role], env);
        let ready: Value =
            serde_json::from_str(&program.says("\"ready\"").await).expect("the ready line is JSON");
        let listen = ready["listen"].as_str().expect("it says where it listens").to_owned();
        (program, format!("http://{listen}"))
    }

    /// Asks over REST; the question's id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn ask(&self, url: &str, text: &str) -> MessageId {
        let (status, body) = self.post(url, &json!({ "text": text }), &[]).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        id_of(&body)
    }

    /// Asks in a conversation of an earlier question.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn ask_in(&self, url: &str, conversation: &str, text: &str) -> MessageId {
        let body = json!({ "text": text, "conversation_id": conversation });
        let (status, body) = self.post(url, &body, &[]).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        id_of(&body)
    }

    /// Asks in a conversation that is there already and in which nothing was said: the question goes through its queue.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn ask_queued(&self, url: &str, text: &str) -> MessageId {
        let conversation = self.conversation().await;
        self.ask_in(url, &conversation, text).await
    }

    /// A conversation over REST in which nothing was said yet.
    ///
    /// # Panics
    /// When the ledger does not answer.
    pub async fn conversation(&self) -> String {
        let opening = "INSERT INTO conversations (id, channel, owner_key)
             SELECT gen_random_uuid(), 'rest', id FROM api_keys ORDER BY created_at LIMIT 1 RETURNING id::text";
        sqlx::query_scalar(opening).fetch_one(&self.sql).await.expect("it is opened")
    }

    /// `POST /v1/questions`, whatever comes of it.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn post(&self, url: &str, body: &Value, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut request = self.http.post(format!("{url}/v1/questions")).bearer_auth(&self.key).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("ingress answers");
        (response.status(), response.json().await.unwrap_or_default())
    }

    /// Asks until it is accepted, as a client does that is told 503 or finds nobody. The idempotency key
    /// makes the repetition harmless.
    pub async fn insist(&self, url: &str, text: &str) -> MessageId {
        let key = uuid::Uuid::now_v7().to_string();
        eventually("the question to be accepted", || async {
            let request = self.http.post(format!("{url}/v1/questions")).bearer_auth(&self.key);
            let sent = request.header("idempotency-key", &key).json(&json!({ "text": text })).send().await;
            let response = sent.ok().filter(|response| response.status() == StatusCode::ACCEPTED)?;
            Some(id_of(&response.json().await.ok()?))
        })
        .await
    }

    /// Puts a message of a chat on the loopback channel into the inbox, as its ingress would.
    ///
    /// # Panics
    /// When the ledger does not take it.
    pub async fn say(&self, chat: &str, text: &str) -> MessageId {
        self.update(chat, &uuid::Uuid::now_v7().to_string(), json!({ "text": text })).await
    }

    /// A raw update on the loopback channel. The dispatcher finds it.
    ///
    /// # Panics
    /// When the ledger does not take it, or has it already.
    pub async fn update(&self, chat: &str, external_id: &str, payload: Value) -> MessageId {
        let update = store::accept::Update {
            channel: Channel::Loopback,
            address: chat.to_owned(),
            source: "loopback".to_owned(),
            external_id: external_id.to_owned(),
            payload,
        };
        let accepted = store::accept::update(&self.ledger, &update).await.expect("the ledger accepts");
        accepted.expect("it is new").0
    }

    /// Where a question is.
    ///
    /// # Panics
    /// When there is no such question.
    pub async fn status(&self, id: MessageId) -> QuestionStatus {
        self.question(id).await.status
    }

    /// # Panics
    /// When there is no such question.
    pub async fn question(&self, id: MessageId) -> contract::Question {
        let found = store::questions::get(&self.ledger, id).await.expect("the ledger answers");
        found.expect("the question exists").question
    }

    /// Waits until a question has come to its end.
    pub async fn finished(&self, id: MessageId) -> contract::Question {
        eventually(&format!("question {id} to come to its end"), || async {
            let found = store::questions::get(&self.ledger, id).await.ok()??.question;
            found.status.is_final().then_some(found)
        })
        .await
    }

    /// Waits until a question is answered by the scripted model, exactly once.
    ///
    /// # Panics
    /// When it ends otherwise.
    pub async fn answered(&self, id: MessageId) -> String {
        let question = self.finished(id).await;
        assert_eq!(question.status, QuestionStatus::Answered, "{question:?}");
        question.answer.expect("an answered question has an answer")
    }

    /// Changes the ledger behind the product's back.
    ///
    /// # Panics
    /// When the statement is wrong.
    pub async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.sql).await.expect("the statement is right");
    }

    /// One number out of the ledger.
    ///
    /// # Panics
    /// When the statement is wrong.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.sql).await.expect("the statement is right")
    }

    /// The sum of the samples of a metric of a process that have all these labels (`stage="answer"`).
    ///
    /// # Panics
    /// When the process is not ready, or does not answer.
    pub async fn metric(&self, program: &Program, name: &str, labels: &[&str]) -> f64 {
        let ready: Value =
            serde_json::from_str(&program.says("\"ready\"").await).expect("the ready line is JSON");
        let internal = ready["internal"].as_str().expect("it says where its internal listener is");
        let response = self.http.get(format!("http://{internal}/metrics")).send().await;
        let text = response.expect("the internal listener answers").text().await.expect("metrics are text");
        let of_it = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        text.lines().filter(of_it).filter_map(value).sum()
    }

    /// Waits for a metric: the first line of a program's metrics that holds every one of `words`.
    pub async fn metric_line(&self, program: &Program, words: &[&str]) -> String {
        let ready: Value =
            serde_json::from_str(&program.says("\"ready\"").await).expect("the ready line is JSON");
        let internal = ready["internal"].as_str().expect("it says where its internal listener is");
        let url = format!("http://{internal}/metrics");
        eventually(&format!("a metric with {words:?}"), || async {
            let text = self.http.get(&url).send().await.ok()?.text().await.ok()?;
            text.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
        .await
    }

    /// Nothing is left unfinished: no row is claimable or leased, every message has its answer, and no
    /// turn was answered twice.
    ///
    /// # Panics
    /// When something is.
    pub async fn assert_finished(&self) {
        eventually(&format!("nothing to be left unfinished; left: {}", self.left().await), || async {
            self.left().await.is_empty().then_some(())
        })
        .await;
        let doubled = "SELECT count(*) FROM (SELECT m.id FROM messages m JOIN turns t ON t.id = m.turn_id
                       JOIN answers a ON a.turn_id = t.id GROUP BY m.id HAVING count(*) > 1) AS d";
        assert_eq!(self.count(doubled).await, 0, "a question was answered twice");
    }

    /// What is unfinished, for people.
    pub(crate) async fn left(&self) -> String {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT 'intake key ' || id FROM intake_keys WHERE state = 'ready' OR pending > 0 OR owner IS NOT NULL
             UNION ALL SELECT 'inbox row ' || id FROM inbox WHERE state = 'waiting'
             UNION ALL SELECT 'turn ' || id FROM turns WHERE state = 'active' OR owner IS NOT NULL
             UNION ALL SELECT 'message ' || m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id
                 WHERE m.state = 'waiting' AND c.handled_by = 'bot'
             UNION ALL SELECT 'revision ' || r::text FROM (SELECT id, stage, state, epoch, claims, attempts, issues, not_before, issued_at, owner, lease_until, last_error FROM revisions) r WHERE state = 'building' OR owner IS NOT NULL
             UNION ALL SELECT 'embed batch ' || b::text FROM (SELECT id, stage, state, epoch, claims, attempts, issues, not_before, issued_at, owner, lease_until, last_error FROM embed_batches) b WHERE state = 'open' OR owner IS NOT NULL
             UNION ALL SELECT 'escalation ' || id FROM escalations WHERE state = 'open'
             UNION ALL SELECT 'outbound ' || id || ' ' || state FROM outbound
                 WHERE (state IN ('waiting', 'ready', 'sending') OR owner IS NOT NULL)",
        )
        .fetch_all(&self.sql)
        .await
        .unwrap_or_else(|error| vec![error.to_string()]);
        rows.join(", ")
    }
}

fn id_of(body: &Value) -> MessageId {
    body["id"].as_str().and_then(|id| id.parse().ok()).expect("an accepted question has an id")
}
