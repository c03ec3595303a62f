//! One connection of a client: reads its calls, has them understood, answers as planned.

use serde_json::Value;
use tokio::net::TcpStream;

use super::body;
use super::exchange::{Done, Exchange, Stop};
use super::http::{Connection, Request};
use super::misbehave::{Kind, Misbehave};
use super::record::{Api, ChatCall, EmbedCall, Flight};
use super::refusal::Refusal;
use super::settings::Settings;
use super::{FakeModels, chat, embed, ollama, openai};

/// What a call wants, once the real one would not refuse it.
#[derive(Debug)]
pub(super) enum Job {
    Chat {
        call: ChatCall,
        /// OpenAI only: the stream ends with the counts.
        include_usage: bool,
    },
    Embed(EmbedCall),
    Show(Value),
}

impl FakeModels {
    pub(super) async fn serve(self, stream: TcpStream) {
        let mut connection = Connection::new(stream);
        while let Some(request) = connection.request().await {
            match self.answer(&mut connection, &request).await {
                Ok(()) if !request.close => {}
                Ok(()) | Err(Stop::Gone) => return,
                Err(Stop::Cut) => return connection.cut(),
            }
        }
    }

    async fn answer(&self, connection: &mut Connection, request: &Request) -> Done {
        let settings = self.lock().settings.clone();
        self.lock().records.called(&request.path);
        let api = if request.path.starts_with("/api") { Api::Ollama } else { Api::OpenAi };
        let job = match api {
            Api::OpenAi => openai::understand(request, &settings),
            Api::Ollama => ollama::understand(request, &settings),
        };
        match job {
            Ok(job) => self.work(connection, api, &job, &settings).await,
            Err(refusal) => {
                let mut exchange = Exchange::new(connection, Flight::none(), &Misbehave::Well);
                body::refuse(&mut exchange, api, &refusal).await
            }
        }
    }

    async fn work(&self, connection: &mut Connection, api: Api, job: &Job, settings: &Settings) -> Done {
        let misbehave = self.lock().plans.next(job.kind());
        let flight = match job {
            Job::Chat { call, .. } => {
                self.lock().records.chat(call.clone());
                Flight::begin(self)
            }
            Job::Embed(call) => {
                self.lock().records.embed(call.clone());
                Flight::begin(self)
            }
            Job::Show(_) => Flight::none(),
        };
        let mut exchange = Exchange::new(connection, flight, &misbehave);
        let elsewhere = format!("http://localhost:{}/elsewhere", self.inner.address.port());
        let done = match body::instead(&mut exchange, api, &misbehave, &elsewhere).await {
            Some(done) => done,
            None => tell(&mut exchange, api, job, settings, &misbehave).await,
        };
        exchange.close(done)
    }
}

async fn tell(
    exchange: &mut Exchange<'_>,
    api: Api,
    job: &Job,
    settings: &Settings,
    misbehave: &Misbehave,
) -> Done {
    match job {
        Job::Chat { call, include_usage } if api == Api::OpenAi => {
            let wire = openai::sse::Sse::new(call, *include_usage, misbehave);
            chat::tell(exchange, &wire, call, settings, misbehave).await
        }
        Job::Chat { call, .. } => {
            let wire = ollama::ndjson::Ndjson::new(call, misbehave);
            chat::tell(exchange, &wire, call, settings, misbehave).await
        }
        Job::Embed(call) => embed::tell(exchange, call, settings, misbehave).await,
        Job::Show(value) => body::answer(exchange, api, value.to_string().as_bytes(), misbehave).await,
    }
}

impl Job {
    fn kind(&self) -> Kind {
        match self {
            Self::Chat { .. } => Kind::Chat,
            Self::Embed(_) => Kind::Embed,
            Self::Show(_) => Kind::List,
        }
    }
}

/// The body as a JSON object.
pub(super) fn object(request: &Request) -> Result<serde_json::Map<String, Value>, Refusal> {
    serde_json::from_slice(&request.body).map_err(|_| {
        Refusal::invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your \
             HTTP library correctly.)",
        )
    })
}
