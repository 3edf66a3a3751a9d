//! An installation in a temporary directory, run by the real binary, with people whose keys OpenSSH made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary under test.
pub const LINECLEAR: &str = env!("CARGO_BIN_EXE_lineclear");
/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a program to its end.
pub fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Runs a program that has to succeed, and returns what it printed.
pub fn succeeds(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {args:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// An installation.
pub struct Installation {
    folder: TempDir,
    tokens: BTreeMap<String, String>,
    /// The server, while it runs.
    pub server: Option<Child>,
    /// Where it listens, once it runs.
    pub base: String,
    /// Variables that it is started with.
    pub variables: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

impl Installation {
    /// Makes keys for `people`, an estate of these files, tokens for `people`, `agents` and the webhook, and a runner.toml that ends
    /// with `rules`.
    pub fn new(estate: &BTreeMap<String, String>, people: &[&str], agents: &[&str], rules: &str) -> Self {
        lineclear_connect::install_tls();
        let folder = tempfile::Builder::new().prefix("lc-").tempdir().unwrap();
        let mut it = Self {
            folder,
            tokens: BTreeMap::new(),
            server: None,
            base: String::new(),
            variables: Vec::new(),
            http: reqwest::Client::new(),
        };
        fs::create_dir(it.path("people")).unwrap();
        let mut files = estate.clone();
        for person in people {
            let key = it.path("people").join(person);
            succeeds("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", person, "-f", key.to_str().unwrap()]);
            files.entry(format!("keys/{person}.pub")).or_default().push_str(&fs::read_to_string(key.with_extension("pub")).unwrap());
        }
        for (name, text) in &files {
            let path = it.path("estate").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (data, estate) = (it.text("data"), it.text("estate"));
        succeeds(LINECLEAR, &["init", "--data", &data, "--estate", &estate]);
        let runner = it.path("data/runner/runner.toml");
        let mut text = fs::read_to_string(&runner).unwrap();
        let _ = write!(text, "\n{rules}");
        fs::write(&runner, text).unwrap();
        for login in people.iter().chain(agents).chain(&["webhook"]) {
            let token = succeeds(LINECLEAR, &["token", "create", login, "--data", &data, "--estate", &estate]);
            it.tokens.insert((*login).into(), token.trim().into());
        }
        it
    }

    /// A path inside its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Somebody's token.
    pub fn token(&self, login: &str) -> &str {
        self.tokens.get(login).unwrap_or_else(|| panic!("no token for {login}"))
    }

    /// Takes another token for somebody.
    pub fn knows(&mut self, login: &str, token: &str) {
        self.tokens.insert(login.into(), token.into());
    }

    /// Starts it on a free port and waits until it listens.
    pub fn start(&mut self) {
        match self.try_start() {
            Ok(()) => {}
            Err(said) => panic!("it did not start:\n{said}"),
        }
    }

    /// Starts it; when it ends at once, what it said.
    pub fn try_start(&mut self) -> Result<(), String> {
        self.try_start_with(&["--listen", "127.0.0.1:0"])
    }

    /// Starts it under a name: passkeys belong to names.
    pub fn start_named(&mut self, port: u16) {
        let (listen, name) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
        self.try_start_with(&["--listen", &listen, "--public-url", &name]).unwrap();
        self.base = name;
    }

    /// Starts it with these arguments; when it ends at once, what it said.
    pub fn try_start_with(&mut self, args: &[&str]) -> Result<(), String> {
        let mut child = Command::new(LINECLEAR)
            .args(["serve", "--data", &self.text("data"), "--estate", &self.text("estate")])
            .args(args)
            // Where the build folder lies elsewhere, the program cannot find what scripts/solver.sh installed by itself.
            .env("LINECLEAR_CVC5", root().join("tools/cvc5"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("listening on ") {
                rest.split(',').next().unwrap().clone_into(&mut self.base);
                // What it logs later must not fill the pipe.
                let mut told = std::io::stderr();
                std::thread::spawn(move || lines.for_each(|line| drop(writeln!(told, "serve: {}", line.unwrap_or_default()))));
                self.server = Some(child);
                return Ok(());
            }
            said.push_str(&line);
            said.push('\n');
        }
        let _ = child.wait();
        Err(said)
    }

    /// Kills it as the kernel would: no goodbye, no flush.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Asks the REST face; status and body.
    pub async fn ask(&self, who: &str, method: Method, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token(who)).timeout(PATIENCE);
        if let Some(body) = body {
            request = request.json(&body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Reads something that has to be there.
    pub async fn get(&self, who: &str, path: &str) -> Value {
        let (status, body) = self.ask(who, Method::GET, path, None, &[]).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A page of the console, as somebody reads it.
    pub async fn page(&self, who: &str, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(self.token(who)).timeout(PATIENCE);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// Waits until a change is over or needs a person, and returns its word.
    pub async fn finished(&self, who: &str, change: &str) -> String {
        let path = format!("/api/v1/changes/{change}?until=finished");
        let (_, view) = self.ask(who, Method::GET, &path, None, &[("prefer", "wait=50")]).await;
        view.pointer("/word").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Approves as grade `session`; status and body.
    pub async fn approve_in_session(&self, who: &str, change: &str) -> (u16, Value) {
        let request = self.get(who, &format!("/api/v1/changes/{change}/request")).await;
        let approval = request.pointer("/request/id").and_then(Value::as_str).unwrap().to_owned();
        let asked = json!({"decision": "approve", "reason": ""});
        let (_, answer) = self.ask(who, Method::POST, &format!("/api/v1/approvals/{approval}/statement"), Some(asked), &[]).await;
        let vote = json!({"statement": answer.get("statement"), "signature": {"grade": "session"}});
        self.ask(who, Method::POST, &format!("/api/v1/approvals/{approval}/votes"), Some(vote), &[]).await
    }

    /// Runs a command of the command line as somebody.
    pub fn lineclear(&self, who: &str, args: &[&str]) -> Output {
        let mut command = Command::new(LINECLEAR);
        command.args(args).args(["--url", &self.base, "--token", self.token(who)]).stdin(Stdio::null());
        command.output().unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The example estate as text, with its telemetry somewhere else.
pub fn example(prometheus: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    collect(&root().join("estate/example"), "", &mut files);
    let settings = files.get_mut("lineclear.toml").unwrap();
    let moved = |line: &str| if line.starts_with("prometheus = ") { format!("prometheus = {prometheus:?}") } else { line.to_owned() };
    *settings = settings.lines().map(moved).collect::<Vec<_>>().join("\n");
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Tries again until something holds, or patience ends.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
