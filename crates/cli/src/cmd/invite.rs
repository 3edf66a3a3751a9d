//! Sign-in links: left in the data directory, which only its owner can write, for the running installation to make good.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::token::secret;
use crate::args::SignIn;
use crate::exit::Failure;
use crate::keys::{hex, private_directory, write_private};
use crate::render;

/// Most sign-in links that wait at once.
const LINKS_MAX: usize = 16;
/// A link that waited for longer is no longer good, also when nobody was there to take it.
const LINK_AGE_MAX: Duration = Duration::from_mins(15);
/// How often it is asked whether the installation has taken a link, and how many times: three seconds in all.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 60;

/// Where sign-in links wait for the running installation.
pub struct Invites(PathBuf);

impl Invites {
    /// Of a data directory.
    pub fn of(data: &Path) -> Self {
        Self(data.join("invites"))
    }

    /// Hands over what waits, login and secret. A file goes away only afterwards: that tells whoever waits for it that its
    /// link is good now.
    pub fn take(&self, mut each: impl FnMut(&str, [u8; 32])) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for path in entries.flatten().map(|entry| entry.path()).take(LINKS_MAX) {
            let young =
                |found: &fs::Metadata| found.modified().ok().and_then(|made| made.elapsed().ok()).is_some_and(|age| age < LINK_AGE_MAX);
            let small = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() < 1_024 && young(&found));
            let text = if small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
            if let Some((login, digits)) = text.split_once(' ')
                && let Some(secret) = bytes_of(digits.trim())
            {
                each(login, secret);
            }
            // Used up, whatever it held.
            let _ = fs::remove_file(&path);
        }
    }
}

fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

/// Prints a link that signs an operator in once, when the running installation has seen it.
///
/// # Errors
/// When the data directory is not there.
pub fn sign_in(args: &SignIn, as_json: bool) -> Result<ExitCode, Failure> {
    let folder = args.data.join("invites");
    let io = |error: std::io::Error| Failure::new(format!("`{}` cannot be written: {error}", folder.display()));
    if !args.data.is_dir() {
        return Err(Failure::new(format!("`{}` is no data directory", args.data.display())));
    }
    private_directory(&folder).map_err(io)?;
    let (name, secret) = (secret()?, secret()?);
    // Written elsewhere and moved in whole, so that nobody reads half of it.
    let fresh = args.data.join(format!("invite-{}", hex(&name)));
    write_private(&fresh, &format!("{} {}", args.login, hex(&secret))).map_err(io)?;
    let waits = folder.join(hex(&name));
    fs::rename(&fresh, &waits).map_err(io)?;
    let seen = (0..LOOKS_MAX).any(|_| {
        std::thread::sleep(LOOK_EVERY);
        !waits.exists()
    });
    let link = format!("{}{}{}", args.url.trim_end_matches('/'), lineclear_server::SIGN_IN, hex(&secret));
    if as_json {
        render::document(&json!({"version": 1, "login": args.login, "link": link, "seen": seen}));
    } else {
        render::line(&link);
        render::say("it signs in once, within 15 minutes, at the installation that runs on this data directory");
        if !seen {
            render::say("no installation on this data directory has taken it yet: is `lineclear serve` running?");
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(folder: &Path, name: &str, text: &str, age: Duration) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - age).unwrap();
        path
    }

    fn taken(age: Duration, text: &str) -> Vec<(String, [u8; 32])> {
        let data = tempfile::tempdir().unwrap();
        let invites = Invites::of(data.path());
        fs::create_dir(&invites.0).unwrap();
        let path = left(&invites.0, "one", text, age);
        let mut taken = Vec::new();
        invites.take(|login, secret| {
            assert!(path.exists(), "it went away before its link was good");
            taken.push((login.to_owned(), secret));
        });
        assert!(!path.exists(), "it can be taken again");
        taken
    }

    #[test]
    fn a_link_is_good_once_and_for_fifteen_minutes() {
        let text = format!("alice {}", "0b".repeat(32));
        assert_eq!(taken(Duration::ZERO, &text), [("alice".to_owned(), [11; 32])]);
        assert_eq!(taken(Duration::from_mins(14), &text).len(), 1);
        assert_eq!(taken(Duration::from_mins(15), &text), []);
    }

    #[test]
    fn what_is_no_link_is_dropped() {
        for text in ["", "alice", "alice 0b", "alice zz", &format!("alice {}", "0b".repeat(33)), &"x".repeat(1_024)] {
            assert_eq!(taken(Duration::ZERO, text), [], "{text}");
        }
    }

    #[test]
    fn only_its_owner_can_read_or_leave_a_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let args = SignIn { login: "alice".into(), data: data.path().to_owned(), url: "http://127.0.0.1:1".into() };
        sign_in(&args, false).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = Invites::of(data.path()).0;
        assert_eq!(mode(&folder), 0o700);
        let waiting: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(waiting.iter().map(|path| mode(path)).collect::<Vec<_>>(), [0o600]);
    }
}
