//! The ledger alone, on a real database: lost wake-ups, the limiter, and how often a ticket is issued again.

use std::future::Future;
use std::time::{Duration, Instant};

use contract::{Answer, AnswerKind, Channel, ConversationId, Language, QuestionText, Stage};
use store::accept::{AcceptError, Accepted, Idempotency, Submission};
use store::desks::Operators;
use store::intake::{Manners, Read, Reading, Said};
use store::limiter::Rate;
use store::outbound::sending::{self, Begin, Delivered, Next, Rates};
use store::turns::{Answered, Step};
use store::work::{self, Claim, Verdict};
use store::{Ledger, dispatch, intake, turns};
use testkit::sqlx::{self, PgPool};
use testkit::{eventually, postgres};
use uuid::Uuid;

const LEASE: Duration = Duration::from_mins(1);

fn stage(name: &str) -> Stage {
    *workers::stages::ALL.iter().find(|stage| stage.name == name).expect("there is such a stage")
}

async fn claim(ledger: &Ledger, name: &str, id: Uuid) -> Claim {
    let claimed = work::claim(ledger, &stage(name), &[id], "test", LEASE).await.expect("the ledger answers");
    claimed.claims.into_iter().next().expect("the row can be claimed")
}

/// A question over REST; in a conversation, if one is given. Its conversation.
async fn ask(
    ledger: &Ledger,
    key: contract::ApiKeyId,
    conversation: Option<ConversationId>,
) -> ConversationId {
    let text = QuestionText::new("hello".to_owned()).expect("a text");
    let submission = Submission { key, any: false, conversation, text, idempotency: None };
    let mut accepted = store::accept::questions(ledger, &[submission]).await;
    accepted.remove(0).expect("it is accepted").conversation
}

fn said() -> Said {
    Said { text: "hello".to_owned(), ..Said::default() }
}

fn manners() -> Manners {
    let operators = Operators { home: None, language: Language::English, idle: LEASE };
    Manners { operators, contact_rate: NO_LIMIT }
}

/// What `intake` commits for a claimed key.
async fn read(ledger: &Ledger, claim: Claim) -> usize {
    let mut loaded = intake::load(ledger, std::slice::from_ref(&claim)).await.expect("the ledger answers");
    let queue = loaded.remove(0).expect("there is a queue");
    let readings = queue.updates.iter().map(|_| Reading::Question(said())).collect();
    let verdict = Verdict::Done(Read { queue: queue.clone(), readings });
    let outcomes = intake::settle(ledger, &stage("intake"), &manners(), &[(claim, queue, verdict)]).await;
    let outcomes = outcomes.expect("it commits");
    assert!(outcomes[0].settled);
    outcomes[0].tickets.len()
}

/// What `answer` commits for a claimed turn.
async fn end(ledger: &Ledger, claim: Claim) -> usize {
    let mut loaded = turns::load(ledger, std::slice::from_ref(&claim)).await.expect("the ledger answers");
    let turn = loaded.remove(0).expect("there is a turn");
    let answer = Answer {
        kind: AnswerKind::Answered,
        text: "yes".to_owned(),
        citations: Vec::new(),
        model: "none".to_owned(),
    };
    let answered = Answered { answer, contents: Vec::new(), written: None, found: None };
    let answered = Step::Answered(Box::new(answered));
    let outcomes = turns::settle(ledger, &stage("retrieve"), &[(claim, turn, Verdict::Done(answered))]).await;
    let outcomes = outcomes.expect("it commits");
    assert!(outcomes[0].settled);
    outcomes[0].tickets.len()
}

/// Both wait for the conversation's lock, `first` in front of `second`; then they get it.
async fn in_this_order<A, B>(
    sql: &PgPool,
    home: ConversationId,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let waiting = async |wanted: i64| {
        eventually(&format!("{wanted} transactions to wait for the lock"), || async {
            let count: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(sql)
            .await
            .ok()?;
            (count == wanted).then_some(())
        })
        .await;
    };
    let mut gate = sql.begin().await.expect("the database answers");
    sqlx::query("SELECT id FROM conversations WHERE id = $1 FOR NO KEY UPDATE")
        .bind(home.0)
        .execute(&mut *gate)
        .await
        .expect("the database answers");
    let second = async {
        waiting(1).await;
        second.await
    };
    let open = async {
        waiting(2).await;
        gate.commit().await.expect("the database answers");
    };
    let (first, second, ()) = tokio::join!(first, second, open);
    (first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_questions_accepted_together_each_goes_its_way() {
    let database = postgres::database().await;
    let (ledger, sql) = (database.ledger(), database.sql().await);
    let scopes = ["questions:write".to_owned()];
    let (key, _) = store::keys::create(&ledger, "test", &scopes, None, None).await.expect("a key is made");
    let home = ask(&ledger, key, None).await;
    let submission = |conversation: Option<ConversationId>, idempotency: Option<&str>| Submission {
        key,
        any: false,
        conversation,
        text: QuestionText::new("hello".to_owned()).expect("a text"),
        idempotency: idempotency.map(|key| Idempotency { key: key.to_owned(), fingerprint: [7; 32] }),
    };
    let other = Some(Idempotency { key: "once".to_owned(), fingerprint: [8; 32] });
    let batch = [
        submission(Some(home), None),
        submission(None, None),
        submission(Some(ConversationId::new()), None),
        submission(None, Some("once")),
        submission(None, Some("once")),
        submission(Some(home), None),
        Submission { idempotency: other, ..submission(Some(home), None) },
    ];
    let results = store::accept::questions(&ledger, &batch).await;
    let [Ok(further), Ok(opening), Err(nowhere), Ok(named), Ok(again), Ok(second), Err(mismatch)] =
        &results[..]
    else {
        panic!("{results:?}")
    };
    let stage = |accepted: &Accepted| accepted.ticket.as_ref().map(|ticket| ticket.stage.clone());
    assert_eq!(stage(opening).as_deref(), Some("retrieve"), "its turn is open");
    assert_eq!(stage(named).as_deref(), Some("retrieve"));
    assert_eq!(stage(further).as_deref(), Some("intake"), "it waits in its queue");
    assert_eq!((further.conversation, second.conversation), (home, home));
    assert!(matches!(nowhere, AcceptError::UnknownConversation), "{nowhere:?}");
    assert!(matches!(mismatch, AcceptError::IdempotencyMismatch), "{mismatch:?}");
    assert_eq!((again.question, again.replayed, named.replayed), (named.question, true, false));
    let rows = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM inbox WHERE state = 'done'),
                       (SELECT count(*) FROM inbox WHERE state = 'waiting'), (SELECT sum(pending) FROM intake_keys),
                       (SELECT count(*) FROM turns t JOIN messages m ON m.turn_id = t.id WHERE t.state = 'active')";
    let rows: (i64, i64, i64, i64, i64) =
        sqlx::query_as(rows).fetch_one(&sql).await.expect("the ledger answers");
    assert_eq!(rows, (3, 3, 2, 2, 3));

    // What comes later into a conversation that was opened so stands behind its first message.
    ask(&ledger, key, Some(opening.conversation)).await;
    let behind = "SELECT min(i.id) FILTER (WHERE i.state = 'waiting') > min(m.position) FROM inbox i
                  LEFT JOIN messages m ON m.id = i.message_id WHERE i.key_id = $1";
    let behind: bool = sqlx::query_scalar(behind)
        .bind(opening.conversation.0)
        .fetch_one(&sql)
        .await
        .expect("the ledger answers");
    assert!(behind);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_while_a_turn_ends_never_stays_behind() {
    for message_first in [true, false] {
        let database = postgres::database().await;
        let (ledger, sql) = (database.ledger(), database.sql().await);
        let scopes = ["questions:write".to_owned()];
        let (key, _) =
            store::keys::create(&ledger, "test", &scopes, None, None).await.expect("a key is made");
        let home = ask(&ledger, key, None).await;
        let turn: Uuid =
            sqlx::query_scalar("SELECT id FROM turns").fetch_one(&sql).await.expect("a turn is open");
        let ending = claim(&ledger, "retrieve", turn).await;
        ask(&ledger, key, Some(home)).await;
        let coming = claim(&ledger, "intake", home.0).await;

        let tickets = if message_first {
            let (read, ended) =
                Box::pin(in_this_order(&sql, home, read(&ledger, coming), end(&ledger, ending))).await;
            (read, ended)
        } else {
            let (ended, read) =
                Box::pin(in_this_order(&sql, home, end(&ledger, ending), read(&ledger, coming))).await;
            (read, ended)
        };
        let expected = if message_first { (0, 1) } else { (1, 0) };
        assert_eq!(tickets, expected, "whoever comes second opens the next turn");
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE state = 'waiting'")
            .fetch_one(&sql)
            .await
            .expect("the ledger answers");
        assert_eq!(waiting, 0, "message first: {message_first}");
        let active: i64 = sqlx::query_scalar("SELECT count(*) FROM turns WHERE state = 'active'")
            .fetch_one(&sql)
            .await
            .expect("the ledger answers");
        assert_eq!(active, 1, "message first: {message_first}");
    }
}

/// While hardly anything is active, an index of all that is looks as cheap as the key to the planner.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_turn_reads_none_of_the_others_however_many_are_active() {
    const OTHERS: i64 = 3000;
    let database = postgres::database().await;
    let sql = database.sql().await;
    let scopes = ["questions:write".to_owned()];
    let ledger = database.ledger();
    let (key, _) = store::keys::create(&ledger, "test", &scopes, None, None).await.expect("a key is made");
    ledger.close().await;
    let past = "WITH homes AS (
                    INSERT INTO conversations (id, channel, owner_key)
                    SELECT gen_random_uuid(), 'rest', $1 FROM generate_series(1, 20000) RETURNING id
                )
                INSERT INTO turns (id, conversation_id, stage, state) SELECT id, id, 'answer', 'done' FROM homes";
    sqlx::query(past).bind(key.0).execute(&sql).await.expect("they are done");
    sqlx::query("VACUUM ANALYZE turns").execute(&sql).await.expect("it is vacuumed");
    let mut read_before = 0;
    for others in [0, OTHERS] {
        let adding = "WITH homes AS (
                          INSERT INTO conversations (id, channel, owner_key)
                          SELECT gen_random_uuid(), 'rest', $1 FROM generate_series(1, $2) RETURNING id
                      )
                      INSERT INTO turns (id, conversation_id, stage, state) SELECT id, id, 'retrieve', 'active' FROM homes";
        sqlx::query(adding).bind(key.0).bind(others).execute(&sql).await.expect("they are active");
        let ledger = database.ledger();
        let home = ask(&ledger, key, None).await;
        let turn: Uuid = sqlx::query_scalar("SELECT id FROM turns WHERE conversation_id = $1")
            .bind(home.0)
            .fetch_one(&sql)
            .await
            .expect("a turn is open");
        // What comes meanwhile waits, and the turn it opens is the one of this conversation.
        ask(&ledger, key, Some(home)).await;
        assert_eq!(read(&ledger, claim(&ledger, "intake", home.0).await).await, 0, "one turn at a time");
        assert_eq!(end(&ledger, claim(&ledger, "retrieve", turn).await).await, 1, "the next turn");
        ledger.close().await;
        // A connection tells its figures when it ends at the latest.
        eventually("its connections to be gone", || async {
            let there = "SELECT count(*) FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'vectora%'";
            let there: i64 = sqlx::query_scalar(there).fetch_one(&sql).await.ok()?;
            (there == 0).then_some(())
        })
        .await;
        let read = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'turns'";
        let read: i64 = sqlx::query_scalar(read).fetch_one(&sql).await.expect("the ledger answers");
        let entries = read - read_before;
        read_before = read;
        assert!(
            (4..OTHERS / 10).contains(&entries),
            "{entries} entries of indexes of turns, beside {others}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_nobody_claims_is_issued_again_after_twice_the_time() {
    let database = postgres::database().await;
    let ledger = database.ledger();
    let update = store::accept::Update {
        channel: Channel::Loopback,
        address: "anna".to_owned(),
        source: "loopback".to_owned(),
        external_id: "1".to_owned(),
        payload: serde_json::json!({}),
    };
    store::accept::update(&ledger, &update).await.expect("the ledger answers").expect("it is new");
    let patience = Duration::from_millis(100);
    let mut last = Instant::now();
    for n in 0..5 {
        let reissued = || async {
            let issued = dispatch::reissue(&ledger, &stage("intake"), patience, None).await.ok()?;
            (issued.len() == 1).then_some(())
        };
        eventually("the ticket to be issued again", reissued).await;
        let waited = last.elapsed();
        last = Instant::now();
        let least = patience * 2_u32.pow(n);
        testkit::measured("until the next issue", waited);
        // The first was issued a little before the clock here was read; the poll adds 20 ms.
        assert!(waited + Duration::from_millis(60) >= least, "{n}: {waited:?}");
        assert!(waited < least + Duration::from_millis(500), "{n}: {waited:?}");
    }
}

/// A chat with claimed messages that wait to be sent.
struct Chat {
    ledger: Ledger,
    sql: PgPool,
    ids: Vec<Uuid>,
}

const NO_LIMIT: Rate = Rate { interval: Duration::ZERO, burst: 1 };

fn rates(chat: Rate, bot: Rate) -> Rates {
    Rates { chat, group: chat, bot, second_thoughts: LEASE, repeat_after: LEASE, attempts: 5, retry: LEASE }
}

impl Chat {
    async fn with(messages: i32) -> Self {
        let database = postgres::database().await;
        let (ledger, sql) = (database.ledger(), database.sql().await);
        sqlx::query(
            "INSERT INTO conversations (id, channel, address, next_seq) VALUES ($1, 'loopback', 'anna', 100)",
        )
        .bind(Uuid::now_v7())
        .execute(&sql)
        .await
        .expect("the ledger accepts");
        let ids = sqlx::query_scalar(
            "INSERT INTO outbound (id, conversation_id, seq, kind, author, text, stage, state)
             SELECT gen_random_uuid(), c.id, n, 'notice', 'bot', 'hello', 'deliver', 'ready'
             FROM conversations c, generate_series(1, $1) AS n RETURNING id",
        )
        .bind(messages)
        .fetch_all(&sql)
        .await
        .expect("the ledger accepts");
        Self { ledger, sql, ids }
    }

    /// Seconds until the message may be sent: `None` is now.
    async fn begin(&self, n: usize, rates: Rates) -> Option<f64> {
        let claim = claim(&self.ledger, "deliver", self.ids[n]).await;
        let mut loaded = sending::load(&self.ledger, std::slice::from_ref(&claim)).await.expect("it answers");
        let parcel = loaded.remove(0).expect("there is a parcel");
        let begun = sending::begin(&self.ledger, &stage("deliver"), rates, &[(claim, parcel)]).await;
        match begun.expect("the ledger answers").remove(0).step {
            Next::Call(_) => None,
            Next::Over(outcome) => {
                assert!(outcome.settled);
                Some(self.seconds("SELECT EXTRACT(EPOCH FROM not_before - clock_timestamp())::float8 FROM outbound WHERE id = $1", n).await)
            }
        }
    }

    async fn seconds(&self, sql: &'static str, n: usize) -> f64 {
        sqlx::query_scalar(sql).bind(self.ids[n]).fetch_one(&self.sql).await.expect("the ledger answers")
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.sql).await.expect("the ledger accepts");
    }

    async fn tat(&self) -> f64 {
        self.seconds("SELECT EXTRACT(EPOCH FROM max(tat))::float8 FROM limiters WHERE $1 IS NOT NULL", 0)
            .await
    }
}

fn about(value: Option<f64>, expected: f64) {
    let value = value.expect("it has to wait");
    assert!((expected - 1.5..=expected + 0.01).contains(&value), "{value} is not about {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_goes_at_once_and_then_one_an_interval() {
    let chat = Chat::with(9).await;
    let rates = rates(Rate { interval: Duration::from_secs(5), burst: 3 }, NO_LIMIT);
    for n in 0..3 {
        assert_eq!(chat.begin(n, rates).await, None, "message {n} of the burst goes at once");
    }
    about(chat.begin(3, rates).await, 5.0);
    about(chat.begin(4, rates).await, 10.0);
    // An hour of silence saves up one burst, not more.
    chat.execute("UPDATE limiters SET tat = tat - interval '1 hour'").await;
    for n in 5..8 {
        assert_eq!(chat.begin(n, rates).await, None, "message {n}");
    }
    about(chat.begin(8, rates).await, 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_begin_together_draw_one_slot_after_the_other() {
    let chat = Chat::with(5).await;
    let rates = rates(Rate { interval: Duration::from_secs(5), burst: 3 }, NO_LIMIT);
    let mut batch = Vec::new();
    for id in &chat.ids {
        let claim = claim(&chat.ledger, "deliver", *id).await;
        let mut loaded = sending::load(&chat.ledger, std::slice::from_ref(&claim)).await.expect("it answers");
        batch.push((claim, loaded.remove(0).expect("there is a parcel")));
    }
    // One of them is somebody else's by now: it draws for nothing, and says nothing.
    chat.execute("UPDATE outbound SET epoch = epoch + 1 WHERE seq = 2").await;
    let lost: Uuid = sqlx::query_scalar("SELECT id FROM outbound WHERE seq = 2")
        .fetch_one(&chat.sql)
        .await
        .expect("the ledger answers");
    let lost = chat.ids.iter().position(|id| *id == lost);
    let begun = sending::begin(&chat.ledger, &stage("deliver"), rates, &batch).await.expect("it answers");
    let mut waits = 0.0;
    for (n, begun) in begun.into_iter().enumerate() {
        match begun.step {
            Next::Over(outcome) if Some(n) == lost => assert!(!outcome.settled),
            Next::Call(_) => assert!(n < 3 && Some(n) != lost, "message {n}"),
            Next::Over(outcome) => {
                assert!(outcome.settled && n >= 3, "message {n}");
                waits += 5.0;
                let own = "SELECT EXTRACT(EPOCH FROM not_before - clock_timestamp())::float8 FROM outbound WHERE id = $1";
                about(Some(chat.seconds(own, n).await), waits);
            }
        }
    }
    assert!((waits - 10.0).abs() < f64::EPSILON, "two of them wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_drawn_once() {
    let chat = Chat::with(2).await;
    let rates = rates(Rate { interval: Duration::from_secs(5), burst: 1 }, NO_LIMIT);
    assert_eq!(chat.begin(0, rates).await, None);
    about(chat.begin(1, rates).await, 5.0);
    let tat = chat.tat().await;
    chat.execute("UPDATE outbound SET not_before = clock_timestamp()").await;
    assert_eq!(chat.begin(1, rates).await, None, "what is reserved goes without another draw");
    assert!((chat.tat().await - tat).abs() < 0.001, "the second claim moved the bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slower_of_chat_and_bot_decides() {
    let chat = Chat::with(2).await;
    let slow = Rate { interval: Duration::from_secs(20), burst: 1 };
    let fast = Rate { interval: Duration::from_secs(5), burst: 1 };
    assert_eq!(chat.begin(0, rates(fast, slow)).await, None);
    about(chat.begin(1, rates(fast, slow)).await, 20.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_the_channel_asks_for_is_longer_than_any_burst() {
    let chat = Chat::with(3).await;
    let rates = rates(Rate { interval: Duration::from_secs(5), burst: 10 }, NO_LIMIT);
    let claim = claim(&chat.ledger, "deliver", chat.ids[0]).await;
    let mut loaded = sending::load(&chat.ledger, std::slice::from_ref(&claim)).await.expect("it answers");
    let parcel = loaded.remove(0).expect("there is a parcel");
    let one = [(claim.clone(), parcel.clone())];
    let begun =
        sending::begin(&chat.ledger, &stage("deliver"), rates, &one).await.expect("the ledger answers");
    assert!(matches!(begun[..], [Begin { step: Next::Call(_), .. }]));
    let verdict = Verdict::Done(Delivered::Limited { retry_after: Duration::from_secs(12) });
    let settled = sending::settle(&chat.ledger, &stage("deliver"), rates, &[(claim, parcel, verdict)]).await;
    assert!(settled.expect("it commits")[0].settled);
    about(chat.begin(1, rates).await, 12.0);
    about(chat.begin(2, rates).await, 17.0);
    let own = "SELECT EXTRACT(EPOCH FROM not_before - clock_timestamp())::float8 FROM outbound WHERE id = $1";
    about(Some(chat.seconds(own, 0).await), 12.0);
    let reserved: bool = sqlx::query_scalar("SELECT reserved FROM outbound WHERE id = $1")
        .bind(chat.ids[0])
        .fetch_one(&chat.sql)
        .await
        .expect("the ledger answers");
    assert!(!reserved, "what was refused has no slot any more");
}

/// A process whose ledger was away for longer than a lease may hold two claims of one row, and settle both in
/// one batch.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_claims_of_one_row_in_one_batch_only_the_newer_one_counts() {
    let database = postgres::database().await;
    let (ledger, sql) = (database.ledger(), database.sql().await);
    let scopes = ["questions:write".to_owned()];
    let (key, _) = store::keys::create(&ledger, "test", &scopes, None, None).await.expect("a key is made");
    ask(&ledger, key, None).await;
    let turn: Uuid =
        sqlx::query_scalar("SELECT id FROM turns").fetch_one(&sql).await.expect("a turn is open");
    let older = claim(&ledger, "retrieve", turn).await;
    sqlx::query("UPDATE turns SET lease_until = clock_timestamp() - interval '1 second'")
        .execute(&sql)
        .await
        .expect("the lease runs out");
    let newer = claim(&ledger, "retrieve", turn).await;
    let input = turns::load(&ledger, std::slice::from_ref(&newer)).await.expect("it loads").remove(0);
    let input = input.expect("the turn is there");
    let answer = Answer {
        kind: AnswerKind::Answered,
        text: "the newer".to_owned(),
        citations: Vec::new(),
        model: "test".to_owned(),
    };
    let answered = Answered { answer, contents: Vec::new(), written: None, found: None };
    let answered = Step::Answered(Box::new(answered));
    let retry = Verdict::Retry { delay: Duration::ZERO, error: "the older".to_owned(), cut_off: false };
    let batch = [(older.clone(), input.clone(), retry), (newer.clone(), input, Verdict::Done(answered))];
    let renewed = work::renew(&ledger, contract::Kind::Turn, &[older.fence(), newer.fence()], LEASE).await;
    assert_eq!(renewed.expect("the ledger answers"), [newer.fence()]);
    let settled = turns::settle(&ledger, &stage("retrieve"), &batch).await.expect("the ledger answers");
    assert_eq!(settled.iter().map(|outcome| outcome.settled).collect::<Vec<_>>(), [false, true]);
    let state: (String, i32) = sqlx::query_as("SELECT state, attempts FROM turns")
        .fetch_one(&sql)
        .await
        .expect("the ledger answers");
    assert_eq!(state, ("done".to_owned(), 0));
}
