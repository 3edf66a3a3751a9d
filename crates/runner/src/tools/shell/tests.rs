use std::collections::BTreeSet;
use std::time::Duration;

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::output::KEPT_MAX;
use super::*;
use crate::config::ShellSecret;
use crate::control::{call, id};

fn site(run: u32, millis: u64) -> Site {
    let key = AttemptKey { run: id("run", run), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_millis(millis) }
}

fn shell(folder: &TempDir) -> Shell {
    let commands = ["/bin/echo", "/bin/sh", "/usr/bin/env", "/bin/false"].map(PathBuf::from);
    let secret = ShellSecret { file: folder.path().join("secret"), commands: BTreeSet::from(["/bin/sh".into()]) };
    // Without a launcher: what is tested here holds on any machine. The launcher has tests of its own, with the real binary.
    let config = ShellConfig {
        commands: BTreeSet::from(commands),
        workdir: folder.path().to_owned(),
        secrets: [("database".to_owned(), secret)].into(),
        ..ShellConfig::default()
    };
    Shell::new(&config).unwrap()
}

async fn run(folder: &TempDir, argv: &[&str], site: &Site) -> Result<Value, ToolError> {
    shell(folder).call(Args::of(&call("shell", json!({ "argv": argv }))), site).await
}

#[tokio::test]
async fn an_argument_is_an_argument_whatever_it_holds() {
    let folder = TempDir::new().unwrap();
    let evil = "$(touch x); `touch x` && touch x | touch x > x \n touch x";
    let output = run(&folder, &["/bin/echo", evil], &site(101, 5_000)).await.unwrap();
    assert_eq!(output["stdout"]["text"], format!("{evil}\n"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn only_listed_programs_start_and_only_by_their_whole_path() {
    let folder = TempDir::new().unwrap();
    for argv in [&["echo", "x"][..], &["/bin/../bin/echo"], &["/bin/cat"], &["/bin/echo\0"], &[], &["/bin/echo", "a\0b"], &["/bin/echo "]] {
        assert!(matches!(run(&folder, argv, &site(102, 5_000)).await, Err(ToolError::NotApplied(_))), "{argv:?}");
    }
    assert!(shell(&folder).effect(&Args::of(&call("shell", json!({"argv": ["/bin/echo"], "script": "x"})))).is_err());
    assert_eq!(shell(&folder).effect(&Args::of(&call("shell", json!({"argv": ["/bin/echo"]})))), Ok(EffectClass::Once));
}

#[tokio::test]
async fn a_program_inherits_nothing_but_a_path_and_its_mark() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["/usr/bin/env"], &site(103, 5_000)).await.unwrap();
    let text = output["stdout"]["text"].as_str().unwrap();
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, BTreeSet::from(["LINECLEAR_ATTEMPT", "PATH"]));
}

#[tokio::test]
async fn a_program_that_fails_may_have_changed_something() {
    let folder = TempDir::new().unwrap();
    let failed = run(&folder, &["/bin/sh", "-c", "echo sorry >&2; exit 3"], &site(104, 5_000)).await;
    assert!(matches!(failed, Err(ToolError::Partly(why)) if why.contains("sorry")));
    let preview = shell(&folder).preview(Args::of(&call("shell", json!({"argv": ["/bin/echo", "a b"]}))), None).await.unwrap();
    assert!(!preview.reversible && preview.summary.contains("cannot be shown"), "{preview:?}");
}

#[tokio::test]
async fn long_output_is_counted_and_cut() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["/bin/sh", "-c", "head -c 200000 /dev/zero"], &site(105, 5_000)).await.unwrap();
    assert_eq!(output["stdout"]["bytes"], 200_000);
    assert_eq!(output["stdout"]["text"].as_str().unwrap().len(), KEPT_MAX);
}

#[tokio::test]
async fn time_is_up_for_the_whole_group_and_for_what_has_left_it() {
    let folder = TempDir::new().unwrap();
    // One child in the group, one in a session of its own, both about to act later.
    let script = "(sleep 1; touch late-1) & setsid sh -c 'sleep 1; touch late-2' & wait; sleep 30";
    let began = tokio::time::Instant::now();
    let failed = run(&folder, &["/bin/sh", "-c", script], &site(106, 300)).await;
    assert!(matches!(failed, Err(ToolError::Partly(why)) if why.contains("killed")));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(fence(&site(106, 0).key).await);
    // Nothing of it is left, so nothing can act later: there is nothing to wait for.
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
    let mark = format!("{MARKER}={}", spelled(&site(106, 0).key));
    assert_eq!(left.filter(|environment| environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())).count(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_program_leaves_in_the_background_ends_with_it() {
    let folder = TempDir::new().unwrap();
    let output = run(&folder, &["/bin/sh", "-c", "(sleep 60) >/dev/null 2>&1 & exit 0"], &site(107, 5_000)).await.unwrap();
    assert_eq!(output["status"], 0);
    assert!(fence(&site(107, 0).key).await);
}

#[tokio::test]
async fn a_secret_comes_as_a_file_and_stays_out_of_what_is_printed() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), "correct horse battery\n").unwrap();
    let call = |program: &str, script: &str, secrets: Value| call("shell", json!({"argv": [program, "-c", script], "secrets": secrets}));
    let ask = async |call: ToolCall, number| shell(&folder).call(Args::of(&call), &site(number, 60_000)).await;
    let script = "cat $LINECLEAR_SECRET_DATABASE; base64 $LINECLEAR_SECRET_DATABASE >&2; env";
    let output = ask(call("/bin/sh", script, json!(["database"])), 108).await.unwrap();
    let (out, err) = (output["stdout"]["text"].as_str().unwrap(), output["stderr"]["text"].as_str().unwrap());
    assert!(out.starts_with("[secret]\n") && out.contains("LINECLEAR_SECRET_DATABASE=/"), "{out}");
    assert!(err.starts_with("[secret]") && !err.contains("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"), "{err}");
    let failed = ask(call("/bin/sh", "cat $LINECLEAR_SECRET_DATABASE >&2; exit 1", json!(["database"])), 109).await;
    assert!(matches!(&failed, Err(ToolError::Partly(why)) if why.contains("[secret]") && why.contains("sandbox: none")), "{failed:?}");
    // Not for this program, unknown, or too short to be kept out.
    for (call, number) in [
        (call("/bin/echo", "x", json!(["database"])), 110),
        (call("/bin/sh", "true", json!(["other"])), 111),
        (call("/bin/sh", "true", json!("database")), 112),
    ] {
        assert!(matches!(ask(call.clone(), number).await, Err(ToolError::NotApplied(_))), "{call:?}");
    }
    std::fs::write(folder.path().join("secret"), "short\n").unwrap();
    let refused = ask(call("/bin/sh", "true", json!(["database"])), 113).await;
    assert!(matches!(&refused, Err(ToolError::NotApplied(why)) if why.contains("shorter than 8 bytes")), "{refused:?}");
}

#[test]
fn a_whole_sandbox_that_is_demanded_and_not_there_keeps_the_tool_away() {
    let config = ShellConfig { workdir: "/".into(), sandbox: Sandbox::Whole, ..ShellConfig::default() };
    assert_eq!(Shell::new(&config).err().unwrap(), "it demands a whole sandbox, and this machine offers: none");
    let lost = ShellConfig { workdir: "/".into(), launcher: Some("/bin/false".into()), ..ShellConfig::default() };
    assert!(Shell::new(&lost).err().unwrap().starts_with("the launcher `/bin/false` cannot be run"));
}
