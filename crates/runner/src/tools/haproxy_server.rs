//! `haproxy_server`: sets the administrative state of one server through HAProxy's runtime socket (management guide §9.3). The
//! same state twice is the same state. It is lost when HAProxy reloads: whoever wants it to last writes it into the configuration too.

use std::path::PathBuf;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::args::{Args, cut};
use super::{Look, Site, Tool, ToolError};
use crate::config::HaproxyConfig;
use crate::link::BoxFuture;

/// Longest answer: a backend of some thousand servers.
const ANSWER_MAX: u64 = 1024 * 1024;
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// Bits of `srv_admin_state` that mean maintenance: forced, inherited, by configuration, by a name that does not resolve.
const MAINTENANCE: u32 = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
/// Bits that mean draining: forced, inherited.
const DRAIN: u32 = 0x08 | 0x10;
/// Longest name of a backend or server.
const NAME_MAX: usize = 128;

pub(super) struct HaproxyServer {
    socket: PathBuf,
}

struct Wanted<'a> {
    backend: &'a str,
    server: &'a str,
    state: &'a str,
}

impl HaproxyServer {
    pub(crate) fn new(config: &HaproxyConfig) -> Self {
        Self { socket: config.socket.clone() }
    }

    /// Sends one command and reads the answer to its end. A command is one line of names that were checked.
    async fn command(&self, command: &str) -> Result<String, ToolError> {
        let connected = UnixStream::connect(&self.socket).await;
        let mut stream = connected.map_err(|error| ToolError::NotApplied(format!("HAProxy does not answer: {error}")))?;
        let lost = |error: std::io::Error| ToolError::Unknown(format!("HAProxy stopped answering: {error}"));
        stream.write_all(format!("{command}\n").as_bytes()).await.map_err(lost)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer).await.map_err(lost)?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    async fn state(&self, wanted: &Wanted<'_>) -> Result<&'static str, String> {
        let command = format!("show servers state {}", wanted.backend);
        let answer =
            tokio::time::timeout(LOOK_TIMEOUT, self.command(&command)).await.map_err(|_| "HAProxy did not answer in time".to_owned())?;
        let answer = answer.map_err(|error| error.to_string())?;
        let admin = admin_state(&answer, wanted.backend, wanted.server)?;
        Ok(if admin & MAINTENANCE != 0 {
            "maint"
        } else if admin & DRAIN != 0 {
            "drain"
        } else {
            "ready"
        })
    }
}

impl Tool for HaproxyServer {
    fn name(&self) -> &'static str {
        "haproxy_server"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        wanted(*args, "state").map(|_| EffectClass::Converge)
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = wanted(args, "state")?;
            let before = self.state(&wanted).await?;
            let server = format!("{}/{}", wanted.backend, wanted.server);
            let back = undo.and_then(|undo| self::wanted(Args::of(undo), "state").ok());
            Ok(Preview {
                before: json!({ &server: before }),
                after: json!({ &server: wanted.state }),
                targets: vec![server.clone()],
                reversible: back.is_some_and(|back| (back.backend, back.server, back.state) == (wanted.backend, wanted.server, before)),
                summary: format!("`{server}` goes from `{before}` to `{}`", wanted.state),
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = wanted(args, "state").map_err(ToolError::NotApplied)?;
            let command = format!("set server {}/{} state {}", wanted.backend, wanted.server, wanted.state);
            let sent = tokio::time::timeout(site.budget, self.command(&command)).await;
            let answer = sent.map_err(|_| ToolError::Unknown("HAProxy did not answer in time".into()))??;
            // Success is silent; anything said is a complaint.
            if !answer.is_empty() {
                return Err(ToolError::NotApplied(format!("HAProxy refuses: {}", cut(&answer, 200))));
            }
            Ok(json!({"server": format!("{}/{}", wanted.backend, wanted.server), "state": wanted.state}))
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            let wanted = wanted(args, "expect")?;
            let state = self.state(&wanted).await?;
            Ok(Look { holds: state == wanted.state, seen: json!({ "state": state }) })
        })
    }
}

fn wanted<'a>(args: Args<'a>, state: &str) -> Result<Wanted<'a>, String> {
    args.only(&["backend", "server", state])?;
    let wanted = Wanted { backend: args.text("backend")?, server: args.text("server")?, state: args.text(state)? };
    if !["drain", "ready", "maint"].contains(&wanted.state) {
        return Err(format!("`{state}` is `drain`, `ready` or `maint`"));
    }
    // Anything else could end the line or begin another command: the socket knows `;` and newlines.
    let plain = |name: &str| {
        (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    if plain(wanted.backend) && plain(wanted.server) {
        Ok(wanted)
    } else {
        Err("names of backends and servers are letters, digits, `_`, `.` and `-`".into())
    }
}

/// `srv_admin_state` of one server, found by the header's own names of the columns.
fn admin_state(answer: &str, backend: &str, server: &str) -> Result<u32, String> {
    let mut lines = answer.lines();
    let header = lines.find_map(|line| line.strip_prefix("# ")).ok_or_else(|| format!("HAProxy says: {}", cut(answer, 200)))?;
    let column = |name: &str| header.split(' ').position(|known| known == name).ok_or("HAProxy shows its servers in an unknown form");
    let (in_backend, in_name, in_state) = (column("be_name")?, column("srv_name")?, column("srv_admin_state")?);
    let found = lines.map(|line| line.split(' ').collect::<Vec<_>>()).find(|row| {
        let at = |column: usize| row.get(column).copied();
        at(in_backend) == Some(backend) && at(in_name) == Some(server)
    });
    let row = found.ok_or_else(|| format!("HAProxy has no server `{backend}/{server}`"))?;
    row.get(in_state).and_then(|state| state.parse().ok()).ok_or_else(|| "HAProxy shows its servers in an unknown form".to_owned())
}

#[cfg(test)]
mod tests;
