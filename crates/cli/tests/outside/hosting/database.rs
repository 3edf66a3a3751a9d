use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::{Act, House, Meanwhile, port};

/// A real primary and its real standby, from Debian's packages; both end with the test.
struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    ports: [u16; 2],
}

impl Cluster {
    fn start() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let found = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
        let programs = found.unwrap_or_else(|| panic!("PostgreSQL is not installed; lab/install brings it"));
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/var/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let it = Self { folder, programs, ports: [port(), port()] };
        it.runs("initdb", &["-D", &it.data(0), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]);
        it.configure(0);
        it.up(0);
        let from = format!("host=127.0.0.1 port={} user=postgres", it.ports[0]);
        it.runs("pg_basebackup", &["-D", &it.data(1), "-d", &from, "-R", "-X", "stream", "-c", "fast"]);
        it.configure(1);
        it.up(1);
        it
    }

    fn data(&self, node: usize) -> String {
        self.folder.path().join(format!("db-{}", node + 1)).to_str().unwrap().to_owned()
    }

    /// The last of each setting counts.
    fn configure(&self, node: usize) {
        let file = Path::new(&self.data(node)).join("postgresql.conf");
        let text = std::fs::read_to_string(&file).unwrap();
        let own = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 8MB\nmax_connections = 20\n",
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

    fn follows(&self, node: usize) -> bool {
        self.sql(node, "select pg_is_in_recovery()") == "t"
    }

    /// The section of the runner's file, with this site's proof: a node is off when its process is gone. (Elsewhere it asks the power supply.)
    fn section(&self) -> String {
        let file = self.folder.path().join("is-fenced");
        let here = self.folder.path().display();
        let text =
            format!("#!/bin/sh\nif [ -e {here}/$1/postmaster.pid ] && kill -0 $(head -n 1 {here}/$1/postmaster.pid); then exit 1; fi\n");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let address = |port: u16| format!("\"host=127.0.0.1 port={port} user=postgres dbname=postgres\"");
        format!(
            "[postgres.main]\nfenced = {:?}\nnodes = {{ db-1 = {}, db-2 = {} }}\n",
            file.display().to_string(),
            address(self.ports[0]),
            address(self.ports[1])
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in [1, 0] {
            let _ = self.run("pg_ctl", &["-D", &self.data(node), "-m", "immediate", "-w", "stop"]);
        }
    }
}

fn switch_over() -> String {
    "  - id: switch-over\n    do: { postgres_switchover: { cluster: \"${target.name}\", leader: \"${inputs.leader}\", candidate: \"${inputs.candidate}\" } }\n    timeout: 60s\n    \
     verify: { postgres_switchover: { cluster: \"${target.name}\", expect: \"${inputs.candidate}\" } }\n    on_failure: person\n    on_unknown: verify\n"
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_primary_is_replaced_and_a_second_one_is_never_made() {
    let cluster = Arc::new(Cluster::start());
    // Somebody starts the old primary again while the change that replaces it is being carried out.
    let meanwhile = Meanwhile::does({
        // The cluster ends with the test, not with whoever waits to act.
        let cluster = Arc::downgrade(&cluster);
        move || cluster.upgrade().unwrap().up(0)
    });
    let inputs = "{ leader: { type: name }, candidate: { type: name } }";
    let rule = "tools = [\"postgres_switchover\", \"http\"]\nservices = [\"meanwhile\"]\nwith = { postgres_switchover = { cluster = [\"${target.name}\"] } }";
    let acts = [
        Act { action: "database.failover", target: "database/main", inputs, steps: switch_over(), rule },
        Act { action: "database.failover_late", target: "database/main", inputs, steps: Meanwhile::step() + &switch_over(), rule },
    ];
    let house = House::open(&acts, &(meanwhile.section() + &cluster.section()));
    let over = || json!({"leader": "db-1", "candidate": "db-2"});
    cluster.sql(0, "create table kept (n int); insert into kept values (1)");
    super::eventually("the standby has it", async || {
        (cluster.sql(1, "select count(*) from pg_class where relname = 'kept'") == "1").then_some(())
    })
    .await;

    // A primary that lives is not overtaken: gate 1 sees it on the live system, and nobody is asked.
    let (alive, word) = house.propose("database.failover", "database/main", &over()).await;
    assert_eq!(word, "blocked");
    let shown = house.shown(&alive).await;
    assert!(shown.contains("`db-1` takes writes: promoting `db-2` would make two primaries"), "{shown}");

    // It dies, two people sign, and it comes back before the runner acts: the warrant is good, and the runner refuses all the same.
    cluster.kill(0);
    let (late, word) = house.carried_out("database.failover_late", "database/main", &over()).await;
    assert_eq!(word, "stuck", "{}", house.record(&late).await);
    assert_eq!(house.attempts(&late).await, ["meanwhile do 1: succeeded", "switch-over do 1: failed (no)"]);
    assert!(house.record(&late).await.to_string().contains("`db-1` takes writes: promoting `db-2` would make two primaries"));
    assert!(!cluster.follows(0) && cluster.follows(1), "there is one primary, and it is the old one");

    // It dies for good.
    let output = house.0.lineclear("bob", &["resolve", &late, "abort", "--reason", "the old primary is back"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    cluster.kill(0);
    let (change, word) = house.carried_out("database.failover", "database/main", &over()).await;
    assert_eq!(word, "escalated", "{}", house.record(&change).await);
    assert_eq!(house.attempts(&change).await, ["switch-over do 1: succeeded"]);
    assert_eq!(
        cluster.sql(1, "insert into kept values (2) returning (select count(*) from kept)"),
        "1",
        "it has what it had, and takes writes"
    );

    // The old one comes back as it was: two take writes, and nothing that is proposed now makes it worse.
    cluster.up(0);
    assert!(!cluster.follows(0) && !cluster.follows(1));
    let (split, word) = house.propose("database.failover", "database/main", &json!({"leader": "db-2", "candidate": "db-1"})).await;
    assert_eq!(word, "blocked");
    let shown = house.shown(&split).await;
    assert!(shown.contains("`db-2` takes writes: promoting `db-1` would make two primaries"), "{shown}");
    house.proved(&change).await;
}
