//! The page about the tools: every example in it is admitted by an estate and understood by a runner, with the effect class that
//! its table names, and every section of a runner's file in it is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_estate::parse_runbook;
use lineclear_runner::{Args, Config, Toolbox};

use super::caches::estate;
use super::installation::{Installation, root};

fn page() -> String {
    std::fs::read_to_string(root().join("docs/actions.md")).unwrap()
}

/// The lines of all code blocks in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let (mut inside, mut found) = (false, Vec::new());
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(word) => inside = word == language,
            None if inside => found.push(line),
            None => {}
        }
    }
    found
}

/// One step for each `do`; a `verify` alone does what it looks at.
fn runbook(page: &str) -> String {
    let mut steps: Vec<String> = Vec::new();
    let mut free = false;
    for line in blocks(page, "yaml") {
        let kind = line.split(':').next().unwrap_or_default();
        if kind == "do" || (kind == "verify" && !free) {
            let call = line.split_once(':').unwrap().1;
            steps.push(format!("  - id: step-{}\n    do:{call}\n    timeout: 30s\n", steps.len()));
        } else {
            writeln!(steps.last_mut().unwrap(), "    {line}").unwrap();
        }
        // After a `verify` the next one belongs to the next block, which begins with its `do` if it has one.
        free = kind == "do" || (free && kind == "undo");
    }
    let inputs = "inputs: { table: { type: name }, plan: { type: text, max: 71 } }";
    format!("runbook: v1\nid: all\ntitle: All\nowner: edge\n{inputs}\ndeadline: 1h\nsteps:\n{}", steps.concat())
}

/// The table at the top: tool, and the word of its effect class.
fn classes(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    let cell = |row: &str, number: usize| row.split(" | ").nth(number).unwrap_or_default().to_owned();
    rows.map(|row| (cell(row, 0).split('`').nth(1).unwrap().to_owned(), cell(row, 3))).collect()
}

/// The runner's file of the page, on this machine: its addresses are loopback, where nobody answers, and its secret files are ours.
fn toolbox(page: &str, house: &Installation) -> Toolbox {
    let key = house.path("tsig");
    std::fs::write(&key, "aHVudGVyMmh1bnRlcjI=\n").unwrap();
    let own = std::fs::read_to_string(house.path("data/runner/runner.toml")).unwrap();
    let sections = blocks(page, "toml").join("\n");
    let sections = sections.replace("192.0.2.", "127.0.0.").replace("198.51.100.", "127.0.1.");
    let sections = ["/etc/lineclear/tsig", "/etc/lineclear/powerdns", "/etc/lineclear/prod-token"]
        .iter()
        .fold(sections, |text, file| text.replace(file, key.to_str().unwrap()));
    let sections: String = sections.lines().filter(|line| !line.contains("roots.pem")).map(|line| format!("{line}\n")).collect();
    let sections = if cfg!(feature = "kubernetes") { sections } else { without(&sections, "[kubernetes.") };
    let rest = "[haproxy]\nsocket = \"/nowhere/admin.sock\"\n[services.scaler]\nurl = \"http://127.0.0.1:9\"\n[prometheus]\nurl = \"http://127.0.0.1:9\"\n";
    let mut config = Config::parse(&format!("{own}\n{sections}\n{rest}")).unwrap();
    // The launcher has tests of its own, and needs the folders that the page only names.
    config.tools.shell.as_mut().unwrap().launcher = None;
    Toolbox::new(&config.tools, &(Arc::new(|| Timestamp::from_micros(0)) as _)).unwrap()
}

/// Without the section that begins so.
fn without(sections: &str, head: &str) -> String {
    let mut inside = false;
    let kept = sections.lines().filter(|line| {
        inside = if line.starts_with('[') { line.starts_with(head) } else { inside };
        !inside
    });
    kept.map(|line| format!("{line}\n")).collect()
}

fn filled(call: &ToolCall) -> ToolCall {
    let text = serde_json::to_string(call).unwrap();
    let digest = format!("sha256:{}", "0".repeat(64));
    serde_json::from_str(&text.replace("${inputs.plan}", &digest).replace("${inputs.table}", "orders")).unwrap()
}

#[tokio::test]
async fn every_example_of_the_page_is_admitted_understood_and_of_its_class() {
    let page = page();
    let read = parse_runbook("runbooks/all.yaml", &runbook(&page)).unwrap_or_else(|error| panic!("{error:?}"));
    let house = Installation::new(&estate(1), &["alice"], &["purger"], "");
    let (tools, classes) = (toolbox(&page, &house), classes(&page));
    let mut shown: Vec<&str> = Vec::new();
    for step in &read.steps {
        shown.push(step.call.tool.as_str());
        if step.call.tool.as_str().starts_with("kubernetes_") && !cfg!(feature = "kubernetes") {
            continue;
        }
        for call in [Some(&step.call), step.undo.as_ref()].into_iter().flatten().map(filled) {
            let class = tools.tool(&call).unwrap().effect(&Args::of(&call)).unwrap_or_else(|why| panic!("{call:?}: {why}"));
            let said = classes.get(call.tool.as_str()).unwrap_or_else(|| panic!("the table lacks `{}`", call.tool));
            // What depends on the arguments is named with its condition.
            let fits = said.split([';', ':']).any(|part| part.trim() == word(class)) || call.tool.as_str() == "http";
            assert!(fits, "`{}` is {class:?}, and the table says `{said}`", call.tool);
        }
        if let Some(check) = step.verify.as_ref().map(filled) {
            // Nobody answers; what is wrong with an argument is said before anybody is asked.
            let looked = tools.tool(&check).unwrap().check(Args::of(&check));
            let looked = tokio::time::timeout(Duration::from_mins(1), looked).await;
            let said = format!("{looked:?}");
            assert!(!said.contains("argument") && !said.contains("of this runner"), "{check:?}: {said}");
        }
    }
    let missing: Vec<&String> = classes.keys().filter(|tool| !shown.contains(&tool.as_str())).collect();
    assert!(missing.is_empty(), "no example for {missing:?}");
}

const fn word(class: EffectClass) -> &'static str {
    match class {
        EffectClass::Read => "read",
        EffectClass::Cas => "cas",
        EffectClass::Keyed => "keyed",
        EffectClass::Converge => "converge",
        EffectClass::Once => "once",
    }
}
