//! `propose` and `why`.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::ask::{client, items, says, text, versioned};
use super::change::exit_of;
use crate::args::Propose;
use crate::exit::Failure;
use crate::render;

/// Inputs as they are typed, `name=value` each; whole numbers stay numbers.
///
/// # Errors
/// When one is no such pair, or is given twice.
pub(super) fn inputs(typed: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut inputs = Map::new();
    for given in typed {
        let (name, value) =
            given.split_once('=').ok_or_else(|| Failure::new(format!("`{given}` is no input")).help("write `--input name=value`"))?;
        let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let one = || value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from);
        let value = list.map_or_else(one, |items| items.split(',').map(|item| Value::from(item.trim())).collect());
        if inputs.insert(name.into(), value).is_some() {
            return Err(Failure::new(format!("input `{name}` is given twice")));
        }
    }
    Ok(inputs)
}

fn body(args: &Propose) -> Result<Value, Failure> {
    let inputs = inputs(&args.inputs)?;
    let facts: Vec<Value> = args.facts.iter().map(|name| json!({"kind": "fact", "name": name})).collect();
    let mut body = json!({
        "action": args.action, "target": args.target, "inputs": inputs, "reason": args.reason,
        "confidence_bp": u32::from(args.confidence) * 100, "evidence": facts,
    });
    if let (Some(incident), Some(members)) = (&args.incident, body.as_object_mut()) {
        members.insert("incident".into(), Value::from(incident.as_str()));
    }
    Ok(body)
}

/// Proposes a change and waits until gate 1 has looked.
///
/// # Errors
/// When it is refused.
pub async fn propose(args: &Propose, as_json: bool) -> Result<ExitCode, Failure> {
    let body = body(args)?;
    let mut headers = vec![("prefer", "wait=20")];
    if let Some(key) = &args.idempotency_key {
        headers.push(("idempotency-key", key));
    }
    let answer = client(&args.remote)?.ask(Method::POST, "/api/v1/changes", Some(&body), &headers).await?;
    let word = text(&answer, "/view/word");
    if as_json {
        render::document(&versioned("proposed", &answer));
    } else {
        render::line(text(&answer, "/id"));
        render::say(&format!("{word}  {}", text(&answer, "/url")));
        render::say(&format!("next  lineclear show {}", text(&answer, "/id")));
    }
    Ok(exit_of(word).into())
}

/// Asks what gate 1 and policy would say.
///
/// # Errors
/// When the proposal is malformed or fits nothing.
pub async fn check(args: &Propose, as_json: bool) -> Result<ExitCode, Failure> {
    let dossier = client(&args.remote)?.post("/api/v1/checks", &body(args)?).await?;
    if as_json {
        render::document(&versioned("dossier", &dossier));
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = text(&dossier, "/verdict/verdict");
    render::line(&format!("verdict  {} {}", if verdict.is_empty() { "not asked" } else { verdict }, text(&dossier, "/verdict/rung")));
    render::line(&format!("worst    {}", text(&dossier, "/worst_case")));
    for fault in items(&dossier, "/faults") {
        render::line(&format!("missing  {fault}"));
    }
    render::line("");
    says(&dossier);
    Ok(ExitCode::SUCCESS)
}
