//! A small estate of three actions, the same with planted mistakes, and the solver that ./test installs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lineclear_policy::{Policies, Source};
use lineclear_prove::{Obligation, Proofs, Solver, Status, prove};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pinned solver. Without it these tests fail: a proof that was not tried is none.
pub async fn solver() -> Solver {
    match Solver::pin(&root().join("tools/cvc5")).await {
        Ok(solver) => solver,
        Err(error) => panic!("{error}\ninstall it: scripts/solver.sh (./test does so itself)"),
    }
}

pub fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

/// The invariants that these tests are about.
pub fn invariants() -> Vec<Source> {
    vec![source(
        "invariants/people.cedar",
        r#"@id("high-risk-needs-a-person")
@title("High risk never without a person who signed")
forbid (principal, action in Action::"high_risk", resource)
when { context.approvals.humans < 1 || context.approvals.grade < 2 };
@id("stopped-is-stopped")
@title("While everything is stopped, nothing starts")
forbid (principal, action, resource) when { context.posture <= 0 };"#,
    )]
}

/// The files of the small estate.
pub fn files() -> BTreeMap<String, Vec<u8>> {
    lineclear_estate::read_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/estate")).unwrap()
}

/// The small estate with more files and with texts of its policies replaced; each text must be there once.
pub fn plain(more: &[(&str, &str)], replaced: &[(&str, &str)]) -> Policies {
    let mut all = files();
    all.extend(more.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    for (from, to) in replaced {
        replace(&mut all, "policies/all.cedar", from, to);
    }
    lineclear_estate::load_files(&all).unwrap_or_else(|fault| panic!("{fault}")).policies
}

/// The small estate with texts of its files replaced.
pub fn estate(replaced: &[(&str, &str, &str)]) -> Policies {
    let mut all = files();
    for (path, from, to) in replaced {
        replace(&mut all, path, from, to);
    }
    lineclear_estate::load_files(&all).unwrap_or_else(|fault| panic!("{fault}")).policies
}

fn replace(all: &mut BTreeMap<String, Vec<u8>>, path: &str, from: &str, to: &str) {
    let text = String::from_utf8(all[path].clone()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    all.insert(path.into(), text.replace(from, to).into_bytes());
}

pub fn small() -> Policies {
    plain(&[], &[])
}

/// Policies under the names `planted`, `planted-2`, …
pub fn named(text: &str) -> String {
    let mut number = 0;
    let lines = text.lines().map(|line| {
        let opens = ["permit", "forbid"].into_iter().any(|word| line.trim_start().starts_with(word));
        number += usize::from(opens);
        let id = if number == 1 { "planted".to_owned() } else { format!("planted-{number}") };
        if opens { format!("@id(\"{id}\") @title(\"Planted\") {line}\n") } else { format!("{line}\n") }
    });
    lines.collect()
}

/// The small estate with planted policies.
pub fn with(text: &str) -> Policies {
    plain(&[("policies/planted.cedar", &named(text))], &[])
}

/// The small estate with one text of its policies replaced.
pub fn edited(from: &str, to: &str) -> Policies {
    plain(&[], &[(from, to)])
}

pub async fn proofs(policies: &Policies) -> Proofs {
    prove(&solver().await, policies, &invariants()).await.unwrap()
}

pub fn obligation<'a>(proofs: &'a Proofs, name: &str) -> &'a Obligation {
    let names = || proofs.report.obligations.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    proofs.report.obligations.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no `{name}` in {:?}", names()))
}

/// The sentence of a refutation.
pub fn refuted(proofs: &Proofs, name: &str) -> String {
    let status = &obligation(proofs, name).status;
    let Status::Refuted { example: Some(example), .. } = status else { panic!("{name}: {status:?}") };
    example.sentence.clone()
}

/// Everything that is refuted, by name.
pub fn all_refuted(proofs: &Proofs) -> Vec<&str> {
    proofs.report.refuted().map(|one| one.name.as_str()).collect()
}
