use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

/// A real primary and its real standby, from Debian's packages; both end with the test.
struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    ports: [u16; 2],
}

impl Cluster {
    /// None where PostgreSQL is not installed.
    fn start() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let Some(programs) = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max() else {
            println!("PostgreSQL is not installed here; nothing was tested against it");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/var/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let ports = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let it = Self { folder, programs, ports };
        let first = it.data(0);
        it.runs("initdb", &["-D", &first, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]);
        it.configure(0);
        it.up(0);
        let from = format!("host=127.0.0.1 port={} user=postgres", it.ports[0]);
        it.runs("pg_basebackup", &["-D", &it.data(1), "-d", &from, "-R", "-X", "stream", "-c", "fast"]);
        it.configure(1);
        it.up(1);
        Some(it)
    }

    fn data(&self, node: usize) -> String {
        self.folder.path().join(format!("db-{}", node + 1)).to_str().unwrap().to_owned()
    }

    /// The last of each setting counts.
    fn configure(&self, node: usize) {
        let file = Path::new(&self.data(node)).join("postgresql.conf");
        let text = std::fs::read_to_string(&file).unwrap();
        let own = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 8MB\nwal_log_hints = on\n\
             max_connections = 20\n",
            self.ports[node]
        );
        std::fs::write(file, text + &own).unwrap();
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let program = self.programs.join(program);
        // PostgreSQL refuses to run as root; Debian's packages made an account for it.
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let mut command = if root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(args).current_dir(self.folder.path()).stdin(std::process::Stdio::null()).output().unwrap()
    }

    fn runs(&self, program: &str, args: &[&str]) {
        let output = self.run(program, args);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn up(&self, node: usize) {
        let (data, log) = (self.data(node), format!("{}.log", self.data(node)));
        self.runs("pg_ctl", &["-D", &data, "-l", &log, "-w", "-t", "60", "start"]);
    }

    /// As a power failure: the whole group of processes at once.
    fn kill(&self, node: usize) {
        self.runs("pg_ctl", &["-D", &self.data(node), "-m", "immediate", "-w", "stop"]);
    }

    /// `psql` as people use it.
    fn sql(&self, node: usize, statement: &str) -> String {
        let address = format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.ports[node]);
        let output = Command::new("psql").args(["-XAtqc", statement, &address]).output().unwrap();
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The proof of this site: a node is off when its process is gone. (Elsewhere it asks the power supply.)
    fn proof(&self) -> PathBuf {
        let file = self.folder.path().join("is-fenced");
        let pid = format!("{}/$1/postmaster.pid", self.folder.path().display());
        let text = format!(
            "#!/bin/sh\n[ -d '{}' ] || exit 1\nif [ -e {pid} ] && kill -0 $(head -n 1 {pid}); then echo \"$1 runs\" >&2; exit 1; fi\n",
            self.folder.path().display()
        );
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    fn tool(&self, fenced: Option<PathBuf>) -> PostgresSwitchover {
        let address = |port: u16| format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
        let nodes = [("db-1", self.ports[0]), ("db-2", self.ports[1])].map(|(name, port)| (name.to_owned(), address(port)));
        let cluster = PostgresConfig { nodes: nodes.into(), passfile: None, fenced, psql: "/usr/bin/psql".into() };
        PostgresSwitchover::new(&[("main".to_owned(), cluster)].into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in [1, 0] {
            let _ = self.run("pg_ctl", &["-D", &self.data(node), "-m", "immediate", "-w", "stop"]);
        }
    }
}

fn switchover(leader: &str, candidate: &str) -> ToolCall {
    call("postgres_switchover", json!({"cluster": "main", "leader": leader, "candidate": candidate}))
}

fn expect(node: &str) -> ToolCall {
    call("postgres_switchover", json!({"cluster": "main", "expect": node}))
}

async fn refused(tool: &PostgresSwitchover, call: &ToolCall, why: &str) {
    let answer = tool.call(Args::of(call), &site()).await;
    assert!(matches!(&answer, Err(ToolError::NotApplied(said)) if said.contains(why)), "{why}: {answer:?}");
    let preview = tool.preview(Args::of(call), None).await;
    assert!(preview.as_ref().is_err_and(|said| said.contains(why)), "{why}: {preview:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_primary_is_replaced_and_two_primaries_are_refused() {
    let Some(cluster) = Cluster::start() else { return };
    let tool = cluster.tool(Some(cluster.proof()));
    let there = switchover("db-1", "db-2");
    cluster.sql(0, "create table kept (n int); insert into kept values (1)");
    for _ in 0..600 {
        if cluster.sql(1, "select count(*) from pg_class where relname = 'kept'") == "1" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // A primary that lives is not overtaken.
    assert!(tool.check(Args::of(&expect("db-1"))).await.unwrap().holds);
    refused(&tool, &there, "`db-1` takes writes: promoting `db-2` would make two primaries").await;

    cluster.kill(0);
    refused(&cluster.tool(None), &there, "`db-1` does not answer and is not known to be fenced: this runner's file names no proof").await;
    refused(&cluster.tool(Some("/bin/false".into())), &there, "not known to be fenced: the proof ended with").await;
    refused(&tool, &switchover("db-2", "db-1"), "`db-1` does not answer").await;
    assert_eq!(cluster.sql(1, "select pg_is_in_recovery()"), "t", "nothing has happened so far");

    let preview = tool.preview(Args::of(&there), None).await.unwrap();
    assert_eq!(preview.summary, "`db-2` becomes the primary of `main` in the place of `db-1`, which takes no writes");
    assert_eq!((preview.before["db-2"]["role"].as_str(), preview.after["db-2"]["role"].as_str()), (Some("standby"), Some("primary")));
    assert!(!preview.reversible && preview.before["db-1"]["role"] == "silent");
    tool.call(Args::of(&there), &site()).await.unwrap();
    assert_eq!(
        cluster.sql(1, "insert into kept values (2) returning (select count(*) from kept)"),
        "1",
        "it kept what it had, and takes writes"
    );
    let looked = tool.check(Args::of(&expect("db-2"))).await.unwrap();
    assert!(looked.holds && looked.seen["nodes"]["db-2"]["timeline"] == 2, "{looked:?}");
    // Again is the same.
    assert_eq!(tool.call(Args::of(&there), &site()).await.unwrap()["already"], true);

    // The old primary comes back as it was: two take writes now, which is seen, and made no worse.
    cluster.up(0);
    let looked = tool.check(Args::of(&expect("db-2"))).await.unwrap();
    assert!(!looked.holds && looked.seen["primaries"] == json!(["db-1", "db-2"]), "{looked:?}");
    refused(&tool, &there, "`db-1` takes writes").await;
    refused(&tool, &switchover("db-2", "db-1"), "`db-2` takes writes").await;
}

#[tokio::test]
async fn arguments_that_are_none_ask_nobody() {
    let nodes = ["a", "b"].map(|name| (name.to_owned(), "host=127.0.0.1 port=9".to_owned()));
    let cluster = PostgresConfig { nodes: nodes.into(), passfile: None, fenced: None, psql: "/nowhere/psql".into() };
    let tool = PostgresSwitchover::new(&[("main".to_owned(), cluster)].into());
    for (name, value) in
        [("cluster", json!("other")), ("leader", json!("c")), ("candidate", json!("a")), ("candidate", json!(1)), ("force", json!(true))]
    {
        let mut call = switchover("a", "b");
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&switchover("a", "b"))), Ok(EffectClass::Cas));
    refused(&tool, &switchover("a", "b"), "`b` does not answer: `psql` cannot be started").await;
    assert!(tool.check(Args::of(&expect("c"))).await.is_err());
}
