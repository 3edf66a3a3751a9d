//! The file that an `upstream` block includes: what it says, and how another one takes its place in one stroke.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lineclear_core::digest::Digest;

use crate::config::UpstreamConfig;
use crate::tools::args::cut;

/// Largest file: a thousand servers.
const FILE_MAX: u64 = 128 * 1024;
/// Most servers of one call.
const SERVERS_MAX: usize = 256;
/// Largest weight.
const WEIGHT_MAX: u16 = 1_000;
/// The first line of what is written here.
const HEAD: &str = "# Written by lineclear. It compares before it writes: what is changed here by hand is not overwritten.\n";

/// One server, as a line means it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Server {
    address: SocketAddr,
    /// `down`, `backup` or `weight=3`; empty for none.
    role: String,
}

/// The servers of an upstream, in a fixed order: nginx does not mind theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Servers(Vec<Server>);

/// A file as it was read.
pub(super) struct Include {
    pub(super) bytes: Vec<u8>,
    pub(super) servers: Servers,
}

fn role(word: &str) -> Option<String> {
    let weight = word.strip_prefix("weight=").map(|digits| digits.parse::<u16>().is_ok_and(|weight| (1..=WEIGHT_MAX).contains(&weight)));
    (matches!(word, "down" | "backup") || weight == Some(true)).then(|| word.to_owned())
}

impl Servers {
    /// From names of the runner's file, each with at most one word behind it: `web-1`, `web-2 down`, `web-3 weight=2`.
    pub(super) fn named(texts: &[&str], upstream: &UpstreamConfig) -> Result<Self, String> {
        let one = |text: &&str| {
            let mut words = text.split(' ');
            let name = words.next().unwrap_or_default();
            let address = upstream.servers.get(name).ok_or_else(|| format!("`{}` is no server of this upstream", cut(name, 80)))?;
            let role = match (words.next(), words.next()) {
                (None, _) => String::new(),
                (Some(word), None) => {
                    role(word).ok_or_else(|| format!("`{}` is not `down`, `backup` or `weight=1` to `{WEIGHT_MAX}`", cut(word, 40)))?
                }
                (Some(_), Some(_)) => return Err(format!("`{}` is a name and at most one word", cut(text, 80))),
            };
            Ok(Server { address: *address, role })
        };
        if texts.is_empty() || texts.len() > SERVERS_MAX {
            return Err(format!("an upstream has 1 to {SERVERS_MAX} servers"));
        }
        Self::distinct(texts.iter().map(one).collect::<Result<_, String>>()?)
    }

    fn distinct(mut servers: Vec<Server>) -> Result<Self, String> {
        servers.sort_unstable();
        let twice = servers.windows(2).find(|pair| matches!(pair, [one, other] if one.address == other.address));
        match twice {
            Some(_) => Err("a server stands there twice".into()),
            None if servers.iter().all(|server| server.role == "down" || server.role == "backup") => {
                Err("no server would take requests".into())
            }
            None => Ok(Self(servers)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty());
        let one = |line: &str| {
            let words: Vec<&str> = line.strip_suffix(';')?.split_ascii_whitespace().collect();
            match words.as_slice() {
                ["server", address] => Some(Server { address: address.parse().ok()?, role: String::new() }),
                ["server", address, word] => Some(Server { address: address.parse().ok()?, role: role(word)? }),
                _ => None,
            }
        };
        let servers =
            lines.map(|line| one(line).ok_or_else(|| format!("the file holds a line that is not understood: `{}`", cut(line, 80))));
        Self::distinct(servers.collect::<Result<_, String>>()?)
    }

    pub(super) fn render(&self) -> Vec<u8> {
        let line = |server: &Server| match server.role.as_str() {
            "" => format!("server {};\n", server.address),
            role => format!("server {} {role};\n", server.address),
        };
        format!("{HEAD}{}", self.0.iter().map(line).collect::<String>()).into_bytes()
    }

    /// For people: names where there are such, addresses elsewhere, in their order.
    pub(super) fn shown(&self, upstream: &UpstreamConfig) -> Vec<String> {
        let one = |server: &Server| {
            let named = upstream.servers.iter().find(|(_, address)| **address == server.address).map(|(name, _)| name.clone());
            let name = named.unwrap_or_else(|| server.address.to_string());
            if server.role.is_empty() { name } else { format!("{name} {}", server.role) }
        };
        let mut shown: Vec<String> = self.0.iter().map(one).collect();
        shown.sort_unstable();
        shown
    }
}

impl Include {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let bytes = bounded(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("`{}` is no text", path.display()))?;
        Ok(Self { servers: Servers::parse(text)?, bytes })
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// The bytes that say this: those which stood here before the last change if they did, so that taking back gives back each byte; else
/// fresh ones.
pub(super) fn bytes_for(path: &Path, servers: &Servers) -> Vec<u8> {
    let kept = Include::read(&beside(path, "before")).ok().filter(|kept| kept.servers == *servers);
    kept.map_or_else(|| servers.render(), |kept| kept.bytes)
}

/// Remembers what stands here now.
pub(super) fn keep(path: &Path, old: &[u8]) -> io::Result<()> {
    replace(&beside(path, "before"), old, path)
}

/// Puts these bytes in the place of the file: whoever opens it sees the old ones or the new ones.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, path)
}

/// Keeps everybody else of this tool out, on this machine, until it is dropped.
pub(super) fn lock(path: &Path) -> Result<File, String> {
    let lock = beside(path, "lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock);
    let file = file.map_err(|error| format!("`{}` cannot be opened: {error}", lock.display()))?;
    file.try_lock().map_err(|_| "another change of this upstream is under way".to_owned())?;
    Ok(file)
}

fn replace(path: &Path, bytes: &[u8], like: &Path) -> io::Result<()> {
    let fresh = beside(path, "new");
    let known = fs::metadata(like)?;
    let mut file = File::create(&fresh)?;
    file.set_permissions(fs::Permissions::from_mode(known.permissions().mode() & 0o777))?;
    if file.metadata()?.uid() != known.uid() || file.metadata()?.gid() != known.gid() {
        std::os::unix::fs::fchown(&file, Some(known.uid()), Some(known.gid()))?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// `.shop.conf.before` beside `shop.conf`: nginx's own `include *.conf` passes it by.
fn beside(path: &Path, end: &str) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{}.{end}", name.trim_start_matches('.')))
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX { Err(io::Error::other("it is too long")) } else { Ok(bytes) }
}
