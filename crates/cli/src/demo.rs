//! `lineclear demo`: the control plane with the example estate, a simulated hosting estate behind real protocols, and a
//! scripted agent that speaks MCP.

mod agent;
mod ending;
mod people;
mod stage;
mod story;
mod teller;

use std::path::PathBuf;
use std::process::ExitCode;

use lineclear_core::{Span, Timestamp};
use lineclear_server::{AgentToken, App, Auth, Issued, Settings, WebhookToken};
use lineclear_sim::{Estate, Options};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use stage::Stage;
pub use teller::Teller;

use crate::house::{House, HouseError};

/// How long the tokens of the demo are good for.
const TOKEN_TTL: Span = Span::from_secs(24 * 3_600);

/// What to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// Whether scripted operators answer, and the process ends with the proof.
    pub unattended: bool,
    /// Whether one JSON document is printed instead of the story.
    pub json: bool,
    /// The port of the console; another one when it is taken.
    pub port: u16,
    /// Where the installation is kept; a temporary directory otherwise.
    pub keep: Option<PathBuf>,
}

/// Why the demo does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// A person's key.
    #[error("a person's key cannot be made or used: {0}")]
    Key(String),
    /// A file.
    #[error("`{path}` cannot be written: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The example estate.
    #[error("the example estate is broken: {0}")]
    Estate(String),
    /// The simulated hosting estate.
    #[error(transparent)]
    Sim(#[from] lineclear_sim::SimError),
    /// The installation.
    #[error(transparent)]
    House(#[from] Box<HouseError>),
    /// The server.
    #[error("the server does not start: {0}")]
    Server(String),
    /// The scripted agent.
    #[error("the scripted agent cannot go on: {0}")]
    Agent(String),
    /// A scripted person.
    #[error("a scripted person cannot go on: {0}")]
    Person(#[from] crate::client::ClientError),
    /// The story did not go as written.
    #[error("the story went wrong: {0}")]
    Story(String),
    /// The proof.
    #[error("the proof failed: {0}")]
    Proof(String),
}

impl From<HouseError> for DemoError {
    fn from(error: HouseError) -> Self {
        Self::House(Box::new(error))
    }
}

/// Everything that runs while the story is told.
pub struct Scene {
    /// The stage.
    pub stage: Stage,
    /// The simulated hosting estate.
    pub sim: Estate,
    /// The installation.
    pub house: House,
    /// Where the console is.
    pub base: String,
    /// Who may speak.
    pub app: App,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    // Removed with everything in it when the scene is struck, unless it is kept.
    _folder: Option<Folder>,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // A temporary directory that stays is untidy and nothing worse.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Plays the demo.
///
/// # Errors
/// Whatever keeps it from going on.
pub async fn play(play: Play) -> Result<ExitCode, DemoError> {
    let teller = Teller::new(play.json);
    let scene = Scene::set(&play).await?;
    let code = story::tell(&scene, &play, &teller).await;
    scene.strike().await;
    code
}

impl Scene {
    async fn set(play: &Play) -> Result<Self, DemoError> {
        let (data, folder) = if let Some(kept) = &play.keep {
            (kept.clone(), None)
        } else {
            let name = stage::secret()?.chars().take(12).collect::<String>();
            let data = std::env::temp_dir().join(format!("lineclear-demo-{name}"));
            (data.clone(), Some(Folder(data)))
        };
        std::fs::create_dir_all(&data).map_err(|source| DemoError::Io { path: data.clone(), source })?;
        let fault = |source| DemoError::Io { path: data.clone(), source };
        if std::fs::read_dir(&data).map_err(fault)?.next().is_some() {
            return Err(fault(std::io::ErrorKind::DirectoryNotEmpty.into()));
        }
        crate::keys::private_directory(&data).map_err(fault)?;
        let data = data.canonicalize().map_err(|source| DemoError::Io { path: data.clone(), source })?;
        let tsig = stage::tsig()?;
        let sockets = data.join("sim");
        std::fs::create_dir_all(&sockets).map_err(|source| DemoError::Io { path: sockets.clone(), source })?;
        let sim = Estate::start(Options::new(sockets, tsig.clone())).await?;
        let stage = Stage::set(&data, sim.addresses(), &tsig)?;
        let estate = crate::house::Folder::read(&stage.estate).map_err(|error| DemoError::Estate(error.to_string()))?;
        let listener = listen(play.port).await?;
        let address = listener.local_addr().map_err(|error| DemoError::Server(error.to_string()))?;
        let base = format!("http://{address}");
        let house = House::open(&stage.place, estate, Some(&stage.runner_toml), None, &base).await?;
        let app = app(&stage, &house, &base)?;
        sim.set_notify(&format!("{base}/hooks/alertmanager"), Some(&stage.webhook_token))?;
        let stop = CancellationToken::new();
        let server = tokio::spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                if let Err(error) = lineclear_server::serve(app, listener, stop).await {
                    tracing::error!(%error, "the server ended");
                }
            }
        });
        Ok(Self { stage, sim, house, base, app, stop, server, _folder: folder })
    }

    async fn strike(self) {
        self.stop.cancel();
        // Whatever ended badly has been logged.
        let _ = self.server.await;
        self.house.close().await;
        self.sim.stop().await;
    }

    /// The operator of a login.
    ///
    /// # Errors
    /// When the example estate does not know them.
    pub fn operator(&self, login: &str) -> Result<lineclear_core::OperatorId, DemoError> {
        let unknown = || DemoError::Story(format!("the example estate knows no `{login}`"));
        let login = login.parse().map_err(|_| unknown())?;
        self.house.engine.estate().directory.operator(&login).map(|person| person.id).ok_or_else(unknown)
    }

    /// A link that signs a person in once.
    ///
    /// # Errors
    /// When the example estate does not know them.
    pub fn sign_in_link(&self, login: &str) -> Result<String, DemoError> {
        let engine = &self.house.engine;
        let path = self.app.auth.invite(self.operator(login)?, engine.now(), engine.random());
        Ok(format!("{}{path}", self.base))
    }

    /// A bearer token for a person's command line.
    ///
    /// # Errors
    /// When the example estate does not know them.
    pub fn token(&self, login: &str) -> Result<String, DemoError> {
        let engine = &self.house.engine;
        Ok(self.app.auth.operator_token(self.operator(login)?, engine.now(), engine.random()))
    }
}

fn app(stage: &Stage, house: &House, base: &str) -> Result<App, DemoError> {
    let agent: Option<lineclear_core::AgentId> =
        "triage-agent".parse().ok().and_then(|login| house.engine.estate().directory.agent(&login).map(|agent| agent.id));
    let agent = agent.ok_or_else(|| DemoError::Story("the example estate knows no `triage-agent`".into()))?;
    let expires: Timestamp = house.engine.now() + TOKEN_TTL;
    let webhook = WebhookToken { hash: lineclear_core::Digest::of(stage.webhook_token.as_bytes()), expires };
    let auth = Auth::new(Issued {
        agents: vec![AgentToken { agent, hash: stage.agent_hash(), expires }],
        webhooks: vec![webhook],
        ..Issued::default()
    });
    let mut settings = Settings::new(base).map_err(|error| DemoError::Server(error.to_string()))?;
    settings.simulated = true;
    Ok(App::new(house.engine.clone(), auth, settings))
}

/// The wanted port, or any free one when it is taken.
async fn listen(port: u16) -> Result<TcpListener, DemoError> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| DemoError::Server(error.to_string())),
    }
}
