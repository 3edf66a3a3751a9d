//! Another version of the estate from outside: proposed, examined with the real solver, signed with OpenSSH's own keys, brought
//! into force, kept over restarts, and defended against whoever edits folders.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::caches::rules;
use super::installation::{Installation, LINECLEAR, eventually, example, root};

const PEOPLE: [&str; 4] = ["alice", "bob", "erin", "frank"];
const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn house() -> Installation {
    Installation::new(&example("http://127.0.0.1:9"), &PEOPLE, &["triage-agent"], &rules("http://127.0.0.1:9"))
}

/// The installation's folder with another text in one file, as a folder of its own.
fn changed(house: &Installation, name: &str, file: &str, from: &str, to: &str) {
    copy(&house.path("estate"), &house.path(name));
    let path = house.path(name).join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} does not hold `{from}`");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs a command as somebody: its exit code and its document.
fn asks(house: &Installation, who: &str, args: &[&str]) -> (Option<i32>, Value) {
    let output = house.lineclear(who, &[args, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}\n{said}")))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_solver_and_with_a_planted_hole_nothing_comes_into_force() {
    let mut house = house();
    let harmless = ("policies/high.cedar", "// High risk.", "// High risk, read again.");
    changed(&house, "harmless", harmless.0, harmless.1, harmless.2);
    let hole = "@id(\"trust-me\")\n@title(\"Sure is sure\")\npermit (principal is Agent, action == Action::\"dns.update\", resource is Zone)\nwhen { context.confidence_bp >= 9900 };\n\n// High risk.";
    changed(&house, "hole", "policies/high.cedar", "// High risk.", hole);

    house.try_start_with(&[&LOOPBACK[..], &["--solver", "/nonexistent/cvc5"]].concat()).unwrap();
    let before = text(&house.get("alice", "/api/v1/estate").await, "/digest").to_owned();
    let (code, shown) = asks(&house, "frank", &["estate", "propose", &house.text("harmless")]);
    assert_eq!((code, text(&shown, "/revision/word")), (Some(3), "unfit"), "{shown}");
    let obstacle = text(&shown, "/revision/obstacles/0");
    assert!(obstacle.starts_with("nothing is proved") && obstacle.contains("scripts/solver.sh"), "{obstacle}");
    let revision = text(&shown, "/revision/revision/id").to_owned();
    let (code, refused) = asks(&house, "alice", &["estate", "activate", &revision]);
    assert_eq!((code, text(&refused, "/error/code")), (Some(3), "wrong_state"));
    house.kill();

    house.start();
    let (code, shown) = asks(&house, "frank", &["estate", "propose", &house.text("hole")]);
    assert_eq!((code, text(&shown, "/revision/word")), (Some(3), "unfit"), "{shown}");
    let obstacles = shown.pointer("/revision/obstacles").unwrap().to_string();
    assert!(obstacles.contains("refuted: ") && obstacles.contains("trust-me"), "{obstacles}");
    let opened = shown.pointer("/revision/revision/report/opened").unwrap().to_string();
    assert!(opened.contains("dns.update"), "{opened}");
    assert_eq!(text(&house.get("alice", "/api/v1/estate").await, "/digest"), before);

    // No agent comes near any of it.
    for (method, path) in
        [(Method::GET, ""), (Method::POST, ""), (Method::GET, "/ID"), (Method::POST, "/ID/activate"), (Method::POST, "/ID/withdraw")]
    {
        let path = format!("/api/v1/estate/revisions{}", path.replace("ID", &revision));
        let body = (method == Method::POST).then(|| json!({"files": {}, "reason": "let me"}));
        let (status, problem) = house.ask("triage-agent", method, &path, body, &[]).await;
        assert_eq!((status, text(&problem, "/code")), (403, "people_only"), "{path}");
    }
}

/// The commands of the page, in order.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/activation.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

fn shell(house: &Installation, revision: &str, command: &str) -> (Option<i32>, String) {
    let mut vars = BTreeMap::from([("LINECLEAR_URL".to_owned(), house.base.clone()), ("REVISION".to_owned(), revision.to_owned())]);
    for person in PEOPLE {
        vars.insert(person.to_uppercase(), house.token(person).to_owned());
    }
    let folder = Path::new(LINECLEAR).parent().unwrap();
    vars.insert("PATH".into(), format!("{}:{}", folder.display(), std::env::var_os("PATH").unwrap().to_string_lossy()));
    let output = Command::new("sh").args(["-c", command]).envs(vars).current_dir(house.path(".")).stdin(Stdio::null()).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), told)
}

async fn newest(house: &Installation) -> String {
    let page = house.get("alice", "/api/v1/estate/revisions").await;
    page.pointer("/items/0/id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn judged_by(house: &Installation) -> String {
    let body =
        json!({"action": "status.draft", "target": "service/shop", "inputs": {"text": "x"}, "confidence_bp": 5000, "reason": "a draft"});
    let (status, answer) = house.ask("triage-agent", Method::POST, "/api/v1/changes", Some(body), &[("prefer", "wait=50")]).await;
    assert_eq!(status, 201, "{answer}");
    let change = text(&answer, "/id").to_owned();
    eventually("a verdict", async || {
        let record = house.get("alice", &format!("/api/v1/changes/{change}/record")).await;
        record.pointer("/policy_version").and_then(Value::as_str).map(ToOwned::to_owned)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_works_and_what_they_bring_into_force_stays() {
    let mut house = house();
    changed(&house, "next", "policies/medium.cedar", "context.fleet_bp <= 3400", "context.fleet_bp <= 3500");
    house.start();
    let before = text(&house.get("alice", "/api/v1/estate").await, "/digest").to_owned();
    assert_eq!(judged_by(&house).await, before);
    let all = commands();
    assert_eq!(all.iter().filter(|command| command.contains("lineclear ")).count(), all.len(), "{all:?}");
    let mut revision = String::new();
    for command in &all {
        let (code, told) = shell(&house, &revision, command);
        let expected: &[i32] =
            if command.contains(" propose ") || command.contains("$ALICE lineclear estate approve") { &[5] } else { &[0, 3] };
        assert!(code.is_some_and(|code| expected.contains(&code)), "{command}: {code:?}\n{told}");
        if command.contains(" propose ") {
            assert!(told.contains("opens") && told.contains("pool.drain_host") && told.contains("two-with-security"), "{told}");
            revision = newest(&house).await;
        }
        if command.contains(" show ") {
            assert!(told.contains("-  context.fleet_bp <= 3400 &&\n+  context.fleet_bp <= 3500 &&"), "{told}");
        }
        if command.contains("audit drift") {
            assert!(told.contains("wider") || code == Some(0), "{told}");
        }
    }
    let view = house.get("alice", &format!("/api/v1/estate/revisions/{revision}")).await;
    assert_eq!((text(&view, "/word"), view.pointer("/in_force")), ("activated", Some(&json!(true))));
    let after = text(&view, "/revision/estate").to_owned();
    assert_eq!((text(&house.get("alice", "/api/v1/estate").await, "/digest"), judged_by(&house).await), (after.as_str(), after.clone()));
    let page = house.page("alice", "/estate").await;
    assert!(page.contains(&revision) && page.contains("came into force"), "{page}");
    house.kill();

    // The folder that it is started with holds the version before, and the one on record is in force all the same.
    let mut child = Command::new(LINECLEAR)
        .args(["serve", "--listen", "127.0.0.1:0", "--data", &house.text("data"), "--estate", &house.text("estate")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let note = lines.find(|line| line.starts_with("note") || line.starts_with("sign in"));
    child.kill().unwrap();
    child.wait().unwrap();
    let note = note.unwrap_or_default();
    assert!(
        note.contains("differs from the estate in force") && note.contains(&after) && note.contains("lineclear estate propose"),
        "{note}"
    );
    house.start();
    assert_eq!(judged_by(&house).await, after);
    house.kill();

    // Whoever edits what is kept finds that it does not start.
    let kept = house.path("data/estates").join(after.trim_start_matches("sha256:")).join("policies/high.cedar");
    let good = fs::read(&kept).unwrap();
    fs::write(&kept, "permit (principal, action, resource);").unwrap();
    let said = house.try_start().unwrap_err();
    assert!(said.contains("refusing to start") && said.contains(&after) && said.contains("no longer what it was"), "{said}");
    fs::remove_dir_all(house.path("data/estates").join(after.trim_start_matches("sha256:"))).unwrap();
    let said = house.try_start().unwrap_err();
    assert!(said.contains("refusing to start") && said.contains("not kept here"), "{said}");
    // The same files are the same version, whoever puts them back.
    copy(&house.path("next"), &house.path("data/estates").join(after.trim_start_matches("sha256:")));
    assert_eq!(fs::read(&kept).unwrap(), good);
    house.start();
    assert_eq!(judged_by(&house).await, after);
}
