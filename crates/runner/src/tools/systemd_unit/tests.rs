use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

fn site(seconds: u64) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_secs(seconds) }
}

/// The machine's own time: that of a file made just now.
fn clock() -> Clock {
    Arc::new(|| {
        let modified = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
    })
}

fn config(units: &[&str]) -> SystemdConfig {
    let units = units.iter().map(|unit| (*unit).to_owned()).collect();
    SystemdConfig { units, systemctl: "/usr/bin/systemctl".into(), user: None, stand_in: None }
}

fn tool(config: &SystemdConfig, booted: &Path) -> SystemdUnit {
    SystemdUnit { manager: Manager::booted(config, booted), clock: clock() }
}

fn verb(unit: &str, verb: &str) -> ToolCall {
    call("systemd_unit", json!({"unit": unit, "verb": verb}))
}

fn expect(unit: &str, state: &str) -> ToolCall {
    call("systemd_unit", json!({"unit": unit, "expect": state}))
}

/// The real systemd of Debian as the manager of an account, with unit files of its own; it ends with the test. None where it does not
/// start: it needs to mount, as root may.
pub(in crate::tools) struct Real {
    folder: TempDir,
    manager: Child,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.systemctl(&["exit"]);
        let _ = self.manager.kill();
        let _ = self.manager.wait();
    }
}

impl Real {
    pub(in crate::tools) fn start(units: &[(&str, &str)]) -> Option<Self> {
        let program = Path::new("/usr/lib/systemd/systemd");
        if !program.exists() || !Path::new("/usr/bin/systemctl").exists() {
            println!("systemd is not installed here; nothing was tested against it");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("sd-").tempdir_in("/var/tmp").unwrap();
        let (run, config) = (folder.path().join("run"), folder.path().join("config/systemd/user"));
        std::fs::create_dir_all(&run).unwrap();
        std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::create_dir_all(&config).unwrap();
        for (name, text) in units {
            std::fs::write(config.join(name), text).unwrap();
        }
        // It refuses to run for an account where it does not run the machine, unless it finds this folder; in a mount of its own.
        let script =
            "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec \"$0\" --user --log-target=console --unit=basic.target";
        let mut manager = Command::new("unshare");
        manager.args(["--mount", "sh", "-c", script]).arg(program).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        manager.env("XDG_RUNTIME_DIR", &run).env("XDG_CONFIG_HOME", folder.path().join("config")).env("HOME", folder.path());
        let manager = manager.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let mut it = Self { folder, manager };
        for _ in 0..300 {
            if it.systemctl(&["show", "-P", "Version"]).is_some_and(|said| !said.is_empty()) {
                return Some(it);
            }
            if it.manager.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("systemd does not start for an account here; nothing was tested against it");
        None
    }

    pub(in crate::tools) fn config(&self, units: &[&str]) -> SystemdConfig {
        SystemdConfig { user: Some(self.folder.path().join("run")), ..config(units) }
    }

    /// What the real `systemctl` says, as a person uses it.
    pub(in crate::tools) fn systemctl(&self, args: &[&str]) -> Option<String> {
        let mut command = Command::new("/usr/bin/systemctl");
        command.arg("--user").args(args).env("XDG_RUNTIME_DIR", self.folder.path().join("run"));
        let output = command.stdin(Stdio::null()).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_unit_is_started_restarted_reloaded_and_stopped() {
    let web = "[Service]\nExecStart=/bin/sleep 600\nExecReload=/bin/true\n";
    let broken = "[Service]\nType=oneshot\nExecStart=/bin/false\n";
    let Some(real) = Real::start(&[("web.service", web), ("broken.service", broken)]) else { return };
    let tool = tool(&real.config(&["web.service", "broken.service", "nowhere.service"]), Path::new("/nowhere"));
    let is = |state: &str| assert_eq!(real.systemctl(&["is-active", "web.service"]).as_deref(), Some(state));
    is("inactive");
    let (start, stop) = (verb("web.service", "start"), verb("web.service", "stop"));
    let preview = tool.preview(Args::of(&start), Some(&stop)).await.unwrap();
    assert_eq!((preview.before, preview.after), (json!({"web.service": "inactive"}), json!({"web.service": "active"})));
    assert!(preview.reversible);
    assert_eq!(preview.summary, "`web.service`, which is `inactive`, gets `start`");
    assert!(tool.preview(Args::of(&verb("web.service", "restart")), None).await.unwrap_err().contains("does not run"));

    tool.call(Args::of(&start), &site(20)).await.unwrap();
    is("active");
    assert!(tool.check(Args::of(&expect("web.service", "active"))).await.unwrap().holds);
    assert_eq!(tool.call(Args::of(&start), &site(20)).await.unwrap()["already"], true);
    let first = real.systemctl(&["show", "-P", "MainPID", "web.service"]);
    tool.call(Args::of(&verb("web.service", "reload")), &site(20)).await.unwrap();
    assert_eq!(real.systemctl(&["show", "-P", "MainPID", "web.service"]), first);
    let done = tool.call(Args::of(&verb("web.service", "restart")), &site(20)).await.unwrap();
    assert_eq!(done["now"]["manager"], "systemd of an account");
    assert_ne!(real.systemctl(&["show", "-P", "MainPID", "web.service"]), first, "it is another process");
    let young = call("systemd_unit", json!({"unit": "web.service", "expect": "active", "age": 60}));
    assert!(tool.check(Args::of(&young)).await.unwrap().holds);
    tool.call(Args::of(&stop), &site(20)).await.unwrap();
    is("inactive");
    assert!(!tool.check(Args::of(&young)).await.unwrap().holds);

    let broken = tool.call(Args::of(&verb("broken.service", "start")), &site(20)).await;
    assert!(matches!(&broken, Err(ToolError::Partly(why)) if why.contains("is `failed`")), "{broken:?}");
    assert!(tool.check(Args::of(&expect("broken.service", "failed"))).await.unwrap().holds);
    let nowhere = tool.call(Args::of(&verb("nowhere.service", "start")), &site(20)).await;
    assert!(matches!(&nowhere, Err(ToolError::NotApplied(why)) if why.contains("`not-found`")), "{nowhere:?}");
}

/// A fake of `systemctl`, which says so itself: it keeps the states of units in files of a folder, and knows nothing of processes.
pub(in crate::tools) fn fake(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("fake-systemctl");
    let text = format!(
        "#!/bin/sh\n# A fake of systemctl for tests. It starts nothing.\ncd '{}' || exit 1\nwhile [ \"$1\" != show ] && [ \"$1\" != start ] && \
         [ \"$1\" != stop ] && [ \"$1\" != restart ] && [ \"$1\" != reload ]; do shift; done\nverb=$1; shift; shift\n\
         echo \"$verb $*\" >>orders\nfor unit; do\n  case $verb in\n    start) [ ! -e refuse ] || {{ echo 'the fake refuses' >&2; exit 1; }}; echo active >\"$unit\" ;;\n    \
         restart|reload) ;;\n    stop) echo inactive >\"$unit\" ;;\n    show) echo \"Id=$unit\"; echo LoadState=loaded; \
         echo \"ActiveState=$(cat \"$unit\" 2>/dev/null || echo inactive)\"; echo CanReload=yes; echo ;;\n  esac\ndone\n",
        folder.path().display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn without_systemd_nothing_is_done_and_a_stand_in_is_called_one() {
    let folder = TempDir::new().unwrap();
    let nowhere = folder.path().join("no-systemd");
    let start = verb("web.service", "start");
    let none = tool(&config(&["web.service"]), &nowhere);
    let said = none.call(Args::of(&start), &site(20)).await;
    assert!(
        matches!(&said, Err(ToolError::NotApplied(why)) if why.starts_with("systemd is not the first process of this machine")),
        "{said:?}"
    );
    assert!(none.preview(Args::of(&start), None).await.unwrap_err().contains("names no `stand_in`"));
    assert!(none.check(Args::of(&expect("web.service", "active"))).await.unwrap_err().contains("first process"));
    let gone = SystemdConfig { user: Some(nowhere.clone()), ..config(&["web.service"]) };
    assert!(tool(&gone, &nowhere).preview(Args::of(&start), None).await.unwrap_err().contains("no systemd of an account listens"));

    let stood = SystemdConfig { stand_in: Some(fake(&folder)), ..config(&["web.service"]) };
    let stood = tool(&stood, &nowhere);
    let preview = stood.preview(Args::of(&start), Some(&verb("web.service", "stop"))).await.unwrap();
    assert_eq!(preview.summary, "`web.service`, which is `inactive`, gets `start`; a stand-in for systemd does it");
    assert_eq!(stood.call(Args::of(&start), &site(20)).await.unwrap()["now"]["manager"], "a stand-in");
    assert!(stood.check(Args::of(&expect("web.service", "active"))).await.unwrap().holds);
    let orders = std::fs::read_to_string(folder.path().join("orders")).unwrap();
    assert_eq!(orders.lines().filter(|line| !line.starts_with("show")).collect::<Vec<_>>(), ["start web.service"]);
    // What is refused without a trace has changed nothing.
    std::fs::write(folder.path().join("refuse"), "").unwrap();
    stood.call(Args::of(&verb("web.service", "stop")), &site(20)).await.unwrap();
    let said = stood.call(Args::of(&start), &site(20)).await;
    assert_eq!(said, Err(ToolError::NotApplied("systemctl refuses: the fake refuses".into())));
}

#[tokio::test]
async fn only_units_of_the_list_are_ever_named_to_systemd() {
    let folder = TempDir::new().unwrap();
    let stood = SystemdConfig { stand_in: Some(fake(&folder)), ..config(&["web.service"]) };
    let tool = tool(&stood, folder.path().join("no-systemd").as_path());
    for bad in ["ssh.service", "web", "web.service ssh.service", "--host=evil.test", "-H", "../web.service", "web.service\n", ""] {
        let said = tool.call(Args::of(&verb(bad, "stop")), &site(20)).await;
        assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("not among the units")), "{bad:?}: {said:?}");
    }
    for (name, value) in [("verb", json!("mask")), ("verb", json!(1)), ("force", json!(true))] {
        let mut call = verb("web.service", "stop");
        call.with.insert(name.into(), value);
        assert!(tool.effect(&Args::of(&call)).is_err());
    }
    let class = |word: &str| tool.effect(&Args::of(&verb("web.service", word))).unwrap();
    assert_eq!((class("start"), class("restart")), (EffectClass::Converge, EffectClass::Once));
    for mut with in [json!({"expect": "running"}), json!({"expect": "inactive", "age": 5}), json!({"expect": "active", "age": 0})] {
        with["unit"] = json!("web.service");
        assert!(tool.check(Args::of(&call("systemd_unit", with))).await.is_err());
    }
    assert!(!folder.path().join("orders").exists(), "nobody was asked");
}
