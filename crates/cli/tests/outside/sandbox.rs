//! What a program of a runbook can still do: the runner's own tool with the real launcher. Asserts what the machine was found to
//! offer, and that it was told; on one without landlock or control groups that is less.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::plan::ToolCall;
use lineclear_core::run::{AttemptKey, Direction};
use lineclear_runner::{Args, Level, ShellConfig, Site, ToolError, Toolbox, Tools};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::installation::{LINECLEAR, run};

/// What `lineclear doctor` says that this machine offers.
fn level() -> Level {
    let said = run(LINECLEAR, &["doctor", "--json"]);
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let mut sandbox = said.get("sandbox").unwrap().clone();
    let whole = sandbox.as_object_mut().unwrap().remove("whole").unwrap();
    let level: Level = serde_json::from_value(sandbox).unwrap();
    assert_eq!(whole, json!(level.whole()));
    level
}

fn toolbox(workdir: &Path, change: impl FnOnce(&mut ShellConfig)) -> Toolbox {
    let mut config = ShellConfig {
        commands: BTreeSet::from(["/bin/sh".into(), "/bin/bash".into(), "/usr/bin/nothing".into()]),
        workdir: workdir.to_owned(),
        launcher: Some(LINECLEAR.into()),
        ..ShellConfig::default()
    };
    change(&mut config);
    Toolbox::new(&Tools { shell: Some(config), ..Tools::default() }, &(Arc::new(|| Timestamp::from_micros(0)) as _)).unwrap()
}

fn call(argv: &[&str]) -> ToolCall {
    ToolCall { tool: "shell".parse().unwrap(), with: serde_json::from_value(json!({ "argv": argv })).unwrap() }
}

async fn ask(tools: &Toolbox, number: u32, argv: &[&str]) -> Result<Value, ToolError> {
    let run = format!("run_{:032x}", u64::from(std::process::id()) << 32 | u64::from(number)).parse().unwrap();
    let site = Site {
        key: AttemptKey { run, step: "only".parse().unwrap(), direction: Direction::Do, number: 1 },
        budget: Duration::from_mins(1),
    };
    let call = call(argv);
    tools.tool(&call).unwrap().call(Args::of(&call), &site).await
}

/// What a script printed, both streams; it has to end well.
async fn script(tools: &Toolbox, number: u32, text: &str) -> String {
    let output = ask(tools, number, &["/bin/bash", "-c", &format!("exec 2>&1; {text}; exit 0")]).await.unwrap();
    output.pointer("/stdout/text").and_then(Value::as_str).unwrap().to_owned()
}

#[tokio::test]
async fn a_program_gets_what_the_machine_offers_and_its_report_says_so() {
    let (folder, level) = (TempDir::new().unwrap(), level());
    let tools = toolbox(folder.path(), |config| {
        let _ = config.read.insert("/proc".into());
    });
    let output = ask(&tools, 1, &["/bin/sh", "-c", "cat /proc/self/status; ulimit -c; ulimit -n; echo error >&2"]).await.unwrap();
    assert_eq!(output.get("sandbox"), Some(&serde_json::to_value(level).unwrap()));
    let said = output.pointer("/stdout/text").and_then(Value::as_str).unwrap();
    assert_eq!(output.pointer("/stderr/text"), Some(&json!("error\n")), "the launcher's own line is not the program's");
    assert!(level.limits, "limits need nothing that a kernel could lack");
    assert!(said.contains("NoNewPrivs:\t1") && said.ends_with("0\n1024\n"), "{said}");
    assert_eq!(said.contains("Seccomp:\t2"), level.seccomp, "{said}");
    let failed = ask(&tools, 2, &["/bin/sh", "-c", "exit 7"]).await;
    assert!(matches!(&failed, Err(ToolError::Partly(why)) if why.contains(&format!("(sandbox: {level})"))), "{failed:?}");
    let missing = ask(&tools, 3, &["/usr/bin/nothing"]).await;
    assert!(matches!(&missing, Err(ToolError::NotApplied(why)) if why.contains("cannot be started")), "{missing:?}");
}

#[tokio::test]
async fn a_program_reads_and_writes_what_it_was_given_and_starts_nothing_that_it_wrote() {
    let (folder, beside, level) = (TempDir::new().unwrap(), TempDir::new().unwrap(), level());
    let (secret, given) = (beside.path().join("secret"), beside.path().join("given"));
    std::fs::write(&secret, "of somebody else").unwrap();
    std::fs::write(&given, "for this program").unwrap();
    let tools = toolbox(folder.path(), |config| {
        let _ = config.read.insert(given.clone());
    });
    let said = script(&tools, 10, &format!("cat {}", given.display())).await;
    assert_eq!(said, "for this program");
    script(&tools, 11, "echo mine > mine; echo null > /dev/null").await;
    assert_eq!(std::fs::read_to_string(folder.path().join("mine")).unwrap(), "mine\n");
    if level.landlock == 0 {
        return;
    }
    for forbidden in [
        format!("cat {}", secret.display()),
        format!("ls {}", beside.path().display()),
        format!("echo x > {}", beside.path().join("new").display()),
        format!("echo x >> {}", given.display()),
        format!("rm {}", secret.display()),
        "cat /etc/shadow /proc/1/environ".to_owned(),
        "cp /bin/true here; ./here".to_owned(),
    ] {
        let said = script(&tools, 12, &forbidden).await;
        assert!(said.contains("ermission denied"), "{forbidden}: {said}");
    }
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "of somebody else");
    assert_eq!(std::fs::read_to_string(given).unwrap(), "for this program");
    assert!(!beside.path().join("new").exists());
}

#[tokio::test]
async fn a_program_reaches_the_ports_it_was_given_and_no_network_without() {
    let (folder, level) = (TempDir::new().unwrap(), level());
    let (one, two) = (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let (one, two) = (one.local_addr().map(|at| (one, at.port())).unwrap(), two.local_addr().map(|at| (two, at.port())).unwrap());
    let connect = |port: u16| format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let given = toolbox(folder.path(), |config| {
        let _ = config.connect.insert(one.1);
    });
    assert_eq!(script(&given, 20, &connect(one.1)).await, "connected\n");
    let other = script(&given, 21, &connect(two.1)).await;
    assert_eq!(!other.contains("connected"), level.landlock >= 4, "{other}");
    let none = toolbox(folder.path(), |_| {});
    for (number, text) in [(22, connect(one.1)), (23, "exec 3<>/dev/udp/127.0.0.1/53 && echo connected".to_owned())] {
        let said = script(&none, number, &text).await;
        assert_eq!(!said.contains("connected"), level.seccomp || (number == 22 && level.landlock >= 4), "{said}");
    }
}

#[tokio::test]
async fn a_program_administers_nothing_and_signals_nobody_else() {
    let (folder, level) = (TempDir::new().unwrap(), level());
    let tools = toolbox(folder.path(), |_| {});
    if level.seccomp {
        for forbidden in ["unshare --mount true", "unshare --user true", "mount -t tmpfs none .", "chroot / true", "dmesg"] {
            let said = script(&tools, 30, &format!("{forbidden} && echo done")).await;
            assert!((said.contains("not permitted") || said.contains("ermission denied")) && !said.contains("done"), "{forbidden}: {said}");
        }
    }
    let said = script(&tools, 31, &format!("kill -0 {} && echo reached", std::process::id())).await;
    assert_eq!(!said.contains("reached"), level.landlock >= 6, "{said}");
    assert_eq!(script(&tools, 32, "(exit 3); echo $? | cat; date -u +%Z | tr -d '\\n'").await, "3\nUTC", "shells still work");
}

#[tokio::test]
async fn a_child_that_wipes_its_environment_still_ends_with_its_attempt() {
    let (folder, level) = (TempDir::new().unwrap(), level());
    let tools = toolbox(folder.path(), |_| {});
    // In a session of its own, with an empty environment, and with nothing left open.
    let said = script(&tools, 40, "setsid env -i /bin/sh -c 'while :; do sleep 0.1; done' </dev/null >/dev/null 2>&1 & echo $!").await;
    let child = Path::new("/proc").join(said.trim());
    let state = std::fs::read_to_string(child.join("stat")).unwrap_or_default();
    let alive = !state.is_empty() && !state.contains(") Z ");
    if alive {
        // Ours, and nobody else's: its number came from the script just now.
        super::installation::succeeds("kill", &["-KILL", said.trim()]);
    }
    assert_eq!(!alive, level.cgroup, "{state}");
}

#[test]
fn the_launcher_is_nothing_to_call_by_hand() {
    for args in [&["launch"][..], &["launch", "{}", "/bin/sh"], &["launch", "--help"]] {
        let output = run(LINECLEAR, args);
        assert_eq!(output.status.code(), Some(125), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not by hand"));
    }
    assert!(!String::from_utf8_lossy(&run(LINECLEAR, &["--help"]).stdout).contains("  launch"));
}
