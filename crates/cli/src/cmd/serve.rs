//! `serve` and `init`: an installation on this machine.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lineclear_core::Digest;
use lineclear_estate::Loaded;
use lineclear_server::{App, Auth, Settings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::invite::Invites;
use super::token::Tokens;
use crate::args::{Init, Serve};
use crate::exit::Failure;
use crate::house::{Folder, House, HouseError, Place};
use crate::render;

/// How often new sign-in links are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl From<HouseError> for Failure {
    fn from(error: HouseError) -> Self {
        let help = match &error {
            HouseError::NoMemory { .. } => Some("restore it, or ask whoever keeps a checkpoint whether this database is the newest"),
            HouseError::Estate { .. } => {
                Some("put it back from a backup of the data directory; nothing else may stand in for what people approved")
            }
            HouseError::Guard(_) => Some("find the newest database; a restored backup must not be served as if it were the newest"),
            HouseError::Keys(_)
            | HouseError::Origin { .. }
            | HouseError::Store(_)
            | HouseError::Engine(_)
            | HouseError::Runner(_)
            | HouseError::Sources(_)
            | HouseError::Channels(_)
            | HouseError::Io { .. }
            | HouseError::Head(_) => None,
        };
        let failure = Self::new(error.to_string());
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

/// Reads an estate, or says everything that is wrong with it.
///
/// # Errors
/// When it cannot be used.
pub fn load(directory: &Path) -> Result<Loaded, Failure> {
    lineclear_estate::load(directory).map_err(|error| {
        let told = format!("{:?}", miette::Report::new(error));
        Failure::new(format!("the estate `{}` cannot be used\n{told}", directory.display()))
            .help("mend it; `lineclear estate check` says the same")
    })
}

/// The same with the files, for whoever keeps them.
fn folder(directory: &Path) -> Result<Folder, Failure> {
    let loaded = load(directory)?;
    let files = lineclear_estate::read_files(directory).map_err(|error| Failure::new(error.to_string()))?;
    if lineclear_estate::digest(&files) == loaded.estate.digest {
        Ok(Folder { files, loaded })
    } else {
        Err(Failure::new(format!("the estate `{}` was changed while it was read", directory.display())).help("try again"))
    }
}

/// Runs an installation until it is interrupted.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn serve(args: &Serve) -> Result<ExitCode, Failure> {
    let place = Place { data: args.data.clone() };
    let folder = folder(&args.estate)?;
    let runner = args.runner.clone().unwrap_or_else(|| place.runner().join("runner.toml"));
    if !args.no_runner && !runner.exists() {
        return Err(Failure::new(format!("`{}` is missing", runner.display()))
            .help("`lineclear init` writes one to start from; it says what the runner may do and whose signatures it believes"));
    }
    if !args.listen.ip().is_loopback() {
        return Err(
            Failure::new(format!("`{}` is not loopback", args.listen)).help("put a TLS proxy in front and name it with `--public-url`")
        );
    }
    let listener =
        TcpListener::bind(args.listen).await.map_err(|error| Failure::new(format!("cannot listen on `{}`: {error}", args.listen)))?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let tokens = Tokens::read(&place.tokens())?;
    let base = args.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let runner = (!args.no_runner).then_some(runner.as_path());
    let house = House::open(&place, folder, runner, args.solver.solver.clone(), &base).await?;
    let settings = Settings::new(&base).map_err(|error| Failure::new(error.to_string()))?;
    let auth = Auth::new(tokens.issued());
    auth.keep_secrets(crate::secrets::read(&place.data, &house.engine.estate()));
    let app = App::new(house.engine.clone(), auth, settings);
    let stop = CancellationToken::new();
    let links = tokio::spawn(watch(app.clone(), place.clone(), stop.clone()));
    let server = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move { lineclear_server::serve(app, listener, stop).await }
    });
    render::say(&format!("listening on http://{address}, estate {}", app.engine.estate().digest));
    for line in &house.glasses {
        render::say(&format!("note  {line}"));
    }
    if let Some(elsewhere) = house.elsewhere {
        let (folder, held) = (args.estate.display(), app.engine.estate().digest);
        render::say(&format!(
            "note  the folder `{folder}` ({elsewhere}) differs from the estate in force ({held}): propose it with `lineclear estate propose {folder}`"
        ));
    }
    let (data, elsewhere) = (args.data.display(), if base == "http://127.0.0.1:7878" { String::new() } else { format!(" --url {base}") });
    render::say(&format!("sign in: lineclear sign-in LOGIN --data {data}{elsewhere}"));
    interrupted().await;
    render::say("stopping");
    stop.cancel();
    let served = server.await.map_err(|error| Failure::new(error.to_string()))?;
    // It only waits for links, and was told to stop.
    let _ = links.await;
    house.close().await;
    served.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::new(error.to_string()))
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Watches the data directory, which only its owner can write: makes sign-in links good, and takes tokens that were made or
/// taken back, and secrets that were put there or changed since.
async fn watch(app: App, place: Place, stop: CancellationToken) {
    let invites = Invites::of(&place.data);
    let stamp = || std::fs::metadata(place.tokens()).and_then(|found| found.modified()).ok();
    let mut known = None;
    let folder = || std::fs::metadata(place.data.join("secrets")).and_then(|found| found.modified()).ok();
    let mut secrets = (folder(), app.engine.estate().digest);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = stamp();
        if now != known {
            match Tokens::read(&place.tokens()) {
                Ok(tokens) => app.auth.reissue(tokens.issued()),
                Err(error) => tracing::error!(?error, "the tokens cannot be read; those known before still work"),
            }
            known = now;
        }
        let here = (folder(), app.engine.estate().digest);
        if here != secrets {
            app.auth.keep_secrets(crate::secrets::read(&place.data, &app.engine.estate()));
            secrets = here;
        }
        invites.take(|login, secret| {
            let known = login.parse().ok().and_then(|login| app.engine.estate().directory.operator(&login).map(|person| person.id));
            let Some(operator) = known else {
                tracing::warn!(login, "a sign-in link was asked for somebody whom the estate does not know");
                return;
            };
            // The path is known to whoever asked: it is made from the same secret.
            let _ = app.auth.invite(operator, app.engine.now(), secret);
        });
    }
}

/// Makes keys and a runner.toml to start from.
///
/// # Errors
/// When a file cannot be written, or is there already.
pub fn init(args: &Init) -> Result<ExitCode, Failure> {
    let place = Place { data: args.data.clone() };
    let loaded = load(&args.estate)?;
    let path = place.runner().join("runner.toml");
    let io = |error: std::io::Error| Failure::new(format!("`{}` cannot be written: {error}", path.display()));
    crate::keys::private_directory(&place.data).map_err(io)?;
    std::fs::create_dir_all(place.runner()).map_err(io)?;
    let text = runner_template(&place, &loaded)?;
    crate::keys::write_private(&path, &text).map_err(io)?;
    render::say(&format!("wrote `{}`: say in it what the runner may do, then run `lineclear serve`", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn runner_template(place: &Place, loaded: &Loaded) -> Result<String, Failure> {
    let estate = &loaded.estate;
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|_| Failure::new("the operating system gives no random numbers"))?;
    let log = place.log_key(&estate.origin)?.verifier();
    let warrant = place.warrant_key()?.public();
    let mut text = format!(
        "# What this runner trusts and may do. It believes this file, and nothing that the control plane says against it.\n\
         # Keep it in review, away from the control plane: whoever writes it decides whose signature counts.\n\n\
         [runner]\nid = \"runner_{}\"\n\n[log]\norigin = {:?}\nvkey = \"{log}\"\n\n[control]\nwarrant_key = \"{warrant}\"\n",
        crate::keys::hex(&id),
        estate.origin
    );
    for person in estate.directory.operators.values().filter(|person| !person.keys.is_empty()) {
        let _ = write!(text, "\n# {}\n[[approver]]\nid = \"{}\"\nkeys = {:?}\n", person.login, person.id, person.keys);
    }
    text.push_str(rules_template());
    Ok(text)
}

/// What the rest of a runner's file looks like, as comments.
pub fn rules_template() -> &'static str {
    "\n# Allow an action here before the runner does it. The risk is the runner's own word.\n\
         # [[allow]]\n# action = \"pool.drain_host\"\n# risk = \"medium\"\n# tools = [\"haproxy_server\", \"wait_for\"]\n# with = { haproxy_server = { server = [\"${target.name}\"] } }  # it may aim at its target only\n# targets = [\"host/*\"]\n\
         # services = []  # the services of `http` that this action may name\n\
         #\n# [[allow]]\n# action = \"dns.update\"\n# risk = \"high\"\n# tools = [\"dns_update\"]\n# targets = [\"zone/example.test\"]\n# humans = 2\n# grade = \"ssh\"\n\
         #\n# [haproxy]\n# socket = \"/run/haproxy/admin.sock\"\n#\n# [dns.\"example.test\"]\n# server = \"127.0.0.1:53\"\n# key_name = \"runner-key\"\n# secret_file = \"tsig.secret\"\n\
         #\n# [prometheus]\n# url = \"http://127.0.0.1:9090\"\n"
}

/// The digest under which a secret is kept.
pub fn hash(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}
