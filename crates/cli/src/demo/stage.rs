//! The stage of the demo: a data directory, the example estate pointed at a simulated hosting estate, keys for
//! everybody, and a runner that knows only what its own file allows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lineclear_core::Digest;
use lineclear_estate::{Loaded, load_files};
use lineclear_sim::{Addresses, TsigKey};
use rust_embed::RustEmbed;

use super::DemoError;
use super::people::{Person, everybody};
use crate::house::Place;
use crate::keys::hex;

/// The example estate, as it stands in the repository.
#[derive(RustEmbed)]
#[folder = "../../estate/example"]
struct Example;

/// The line of `lineclear.toml` that says where telemetry is asked.
const SOURCE: &str = "prometheus = ";

/// What the demo plays on.
pub struct Stage {
    /// Where the installation lives.
    pub place: Place,
    /// The estate's directory.
    pub estate: PathBuf,
    /// The runner's own file.
    pub runner_toml: PathBuf,
    /// People by login.
    pub people: BTreeMap<String, Person>,
    /// The bearer token of the triage agent.
    pub agent_token: String,
    /// The bearer token of the simulated Alertmanager.
    pub webhook_token: String,
}

/// A random secret in hexadecimal.
pub fn secret() -> Result<String, DemoError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| DemoError::Random)?;
    Ok(hex(&bytes))
}

/// The key for signed DNS updates.
pub fn tsig() -> Result<TsigKey, DemoError> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| DemoError::Random)?;
    Ok(TsigKey { name: "runner-key".into(), secret: base64::engine::general_purpose::STANDARD.encode(bytes) })
}

impl Stage {
    /// Sets the stage in `data`, which must be empty or not there.
    ///
    /// # Errors
    /// When a file cannot be written or the example estate is broken.
    pub fn set(data: &Path, simulated: &Addresses, tsig: &TsigKey) -> Result<Self, DemoError> {
        let place = Place { data: data.to_owned() };
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DemoError::Io { path: path.clone(), source }
        };
        fs::create_dir_all(place.runner()).map_err(io(data))?;
        let mut files = example(&simulated.prometheus);
        let people = everybody(&logins(&files)?, &data.join("people"))?;
        for (login, person) in &people {
            files.insert(format!("keys/{login}.pub"), format!("{}\n", person.public()?).into_bytes());
        }
        let loaded = load_files(&files).map_err(|error| DemoError::Estate(format!("{:?}", miette::Report::new(error))))?;
        let estate = data.join("estate");
        for (name, bytes) in &files {
            let path = estate.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&estate)).map_err(io(&path))?;
            fs::write(&path, bytes).map_err(io(&path))?;
        }
        let runner_toml = place.runner().join("runner.toml");
        let text = runner_file(&place, &loaded, simulated, tsig)?;
        crate::keys::write_private(&runner_toml, &text).map_err(io(&runner_toml))?;
        Ok(Self { place, estate, runner_toml, people, agent_token: secret()?, webhook_token: secret()? })
    }

    /// The digest under which the agent's token is kept.
    pub fn agent_hash(&self) -> Digest {
        Digest::of(self.agent_token.as_bytes())
    }
}

fn example(prometheus: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> =
        Example::iter().filter_map(|name| Example::get(&name).map(|file| (name.to_string(), file.data.into_owned()))).collect();
    if let Some(settings) = files.get_mut("lineclear.toml") {
        let text = String::from_utf8_lossy(settings).into_owned();
        let line = |line: &str| if line.starts_with(SOURCE) { format!("{SOURCE}{prometheus:?}") } else { line.to_owned() };
        *settings = text.lines().map(line).collect::<Vec<_>>().join("\n").into_bytes();
    }
    files
}

/// Everybody of the example estate: those who have no key yet cannot sign.
fn logins(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>, DemoError> {
    let loaded = load_files(files).map_err(|error| DemoError::Estate(format!("{:?}", miette::Report::new(error))))?;
    Ok(loaded.estate.directory.operators.values().map(|person| person.login.to_string()).collect())
}

/// What the runner trusts and may do: written by the people who run it, not by the control plane.
fn runner_file(place: &Place, loaded: &Loaded, at: &Addresses, tsig: &TsigKey) -> Result<String, DemoError> {
    let estate = &loaded.estate;
    let failed = |error: crate::house::HouseError| DemoError::House(Box::new(error));
    let log = place.log_key(&estate.origin).map_err(failed)?;
    let warrant = place.warrant_key().map_err(failed)?;
    let mut text = String::new();
    let mut put = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    put("# What this runner trusts and may do. It believes this file, and nothing that the control plane says against it.".into());
    put(format!("[runner]\nid = \"runner_{}\"\n", secret()?.chars().take(32).collect::<String>()));
    put(format!("[log]\norigin = {:?}\nvkey = {:?}\n", estate.origin, log.verifier().to_string()));
    put(format!("[control]\nwarrant_key = {:?}\n", warrant.public().to_string()));
    for person in estate.directory.operators.values() {
        put(format!("[[approver]]\nid = \"{}\"\nkeys = {:?}\n", person.id, person.keys));
    }
    for rule in RULES {
        put(format!("[[allow]]\n{rule}\n"));
    }
    for (name, url) in
        [("scaler", &at.scaler), ("cache", &at.cache), ("waf", &at.waf), ("certificates", &at.certificates), ("status", &at.status)]
    {
        put(format!("[services.{name}]\nurl = {url:?}\n"));
    }
    put(format!("[haproxy]\nsocket = {:?}\n", at.haproxy_socket.display().to_string()));
    put(format!("[dns.{:?}]\nserver = \"{}\"\nkey_name = {:?}\nsecret = {:?}\n", lineclear_sim::ZONE, at.dns, tsig.name, tsig.secret));
    put(format!("[prometheus]\nurl = {:?}", at.prometheus));
    let mut checked = String::new();
    let _ = write!(checked, "{text}");
    Ok(checked)
}

/// The runner's own word on risk, tools and targets of each action.
const RULES: &[&str] = &[
    "action = \"telemetry.gather\"\nrisk = \"low\"\ntools = [\"wait_for\", \"http\"]\nservices = [\"status\"]\ntargets = [\"service/*\"]\n",
    "action = \"pool.drain_host\"\nrisk = \"medium\"\ntools = [\"haproxy_server\", \"wait_for\"]\nwith = { haproxy_server = { backend = [\"shop\"], server = [\"${target.name}\"] } }\ntargets = [\"host/*\"]\n",
    "action = \"service.scale\"\nrisk = \"medium\"\ntools = [\"http\"]\nservices = [\"scaler\"]\ntargets = [\"service/*\"]\n",
    "action = \"cache.purge\"\nrisk = \"medium\"\ntools = [\"http\"]\nservices = [\"cache\"]\ntargets = [\"cache/*\"]\n",
    "action = \"dns.update\"\nrisk = \"high\"\ntools = [\"dns_update\"]\nwith = { dns_update = { zone = [\"${target.name}\"] } }\ntargets = [\"zone/example.test\"]\nhumans = 2\ngrade = \"ssh\"\n",
    "action = \"certificate.renew\"\nrisk = \"high\"\ntools = [\"http\"]\nservices = [\"certificates\"]\ntargets = [\"certificate/*\"]\nhumans = 1\ngrade = \"ssh\"\n",
    "action = \"waf.bypass\"\nrisk = \"high\"\ntools = [\"http\"]\nservices = [\"waf\"]\ntargets = [\"service/*\"]\nhumans = 2\ngrade = \"ssh\"\n",
];
