//! One node of a cluster, asked through `psql`: it brings every way of authentication and TLS that the site has, and the password
//! stays in a file that only it reads. Every statement is a constant of this file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::config::PostgresConfig;
use crate::tools::args::cut;

/// How long a question may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the site's proof may take.
const PROOF_TIMEOUT: Duration = Duration::from_secs(10);
/// What `psql` may take beyond the promotion.
const SLACK: Duration = Duration::from_secs(5);
/// A role, the timeline, and what has been received or written, as bytes from the beginning of the log.
const LOOK: &str = "select case when pg_is_in_recovery() then 'standby' else 'primary' end, \
    case when pg_is_in_recovery() then coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint())) \
    else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end, \
    case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) \
    else pg_current_wal_lsn() end - '0/0'::pg_lsn";

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes.
    Primary,
    /// It follows.
    Standby,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) role: Role,
    /// How often the history has branched.
    pub(super) timeline: u32,
    /// How much of it this node has, in bytes.
    pub(super) received: u64,
}

/// Why a promotion did not succeed.
pub(super) enum Fault {
    /// The node said no: nothing was changed.
    Refused(String),
    /// Nobody knows.
    Unclear(String),
}

impl Role {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
        }
    }
}

/// Asks a node what it is. A node that refuses to say counts as one that does not answer.
pub(super) async fn ask(cluster: &PostgresConfig, address: &str) -> Result<State, String> {
    let output = tokio::time::timeout(ASK_TIMEOUT, psql(cluster, address, LOOK).output()).await;
    let output = output.map_err(|_| "no answer in time".to_owned())?.map_err(|error| format!("`psql` cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(cut(&String::from_utf8_lossy(&output.stderr), 200));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut fields = text.trim().split('|');
    let role = match fields.next() {
        Some("primary") => Role::Primary,
        Some("standby") => Role::Standby,
        Some(_) | None => return Err("an answer that was not understood".into()),
    };
    let number = |field: Option<&str>| field.and_then(|field| field.parse::<u64>().ok()).ok_or("an answer that was not understood");
    let timeline = u32::try_from(number(fields.next())?).map_err(|error| error.to_string())?;
    Ok(State { role, timeline, received: number(fields.next())? })
}

/// Asks the site's own proof whether a node can take no writes any more. Only a plain yes (exit code 0) is one.
pub(super) async fn fenced(cluster: &PostgresConfig, node: &str) -> Result<(), String> {
    let proof = cluster.fenced.as_deref().ok_or("this runner's file names no proof")?;
    let mut command = Command::new(proof);
    command.arg(node).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(PROOF_TIMEOUT, command.output()).await.map_err(|_| "the proof did not end in time".to_owned())?;
    let output = output.map_err(|error| format!("the proof cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = cut(&String::from_utf8_lossy(&output.stderr), 200);
    Err(if said.is_empty() { format!("the proof ended with {}", output.status) } else { said })
}

/// Promotes a standby, and waits so many seconds until it is the primary.
pub(super) async fn promote(cluster: &PostgresConfig, address: &str, seconds: u64) -> Result<(), Fault> {
    let statement = format!("select pg_promote(true, {seconds})");
    let mut command = psql(cluster, address, &statement);
    let output = tokio::time::timeout(Duration::from_secs(seconds) + SLACK, command.output()).await;
    let output = output.map_err(|_| Fault::Unclear("the promotion did not end in time".into()))?;
    let output = output.map_err(|error| Fault::Refused(format!("`psql` cannot be started: {error}")))?;
    let said = || cut(&String::from_utf8_lossy(&output.stderr), 200);
    match (output.status.code(), String::from_utf8_lossy(&output.stdout).trim()) {
        (Some(0), "t") => Ok(()),
        (Some(0), _) => Err(Fault::Unclear("it was told to become the primary, and has not done so in time".into())),
        // The server's own error (psql(1), exit status); 2 is a line that was lost.
        (Some(1 | 3), _) => Err(Fault::Refused(said())),
        (_, _) => Err(Fault::Unclear(said())),
    }
}

fn psql(cluster: &PostgresConfig, address: &str, statement: &str) -> Command {
    let mut command = Command::new(&cluster.psql);
    command
        .args(["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", "--field-separator=|"])
        .args(["--set=ON_ERROR_STOP=1", "--command", statement, "--dbname", address])
        .env_clear()
        .env("PGCONNECT_TIMEOUT", "3")
        .env("PGPASSFILE", cluster.passfile.as_deref().unwrap_or(Path::new("/dev/null")))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
