//! Looking at changes, and what people do to them.

use std::process::ExitCode;

use lineclear_core::runbook::Flow;
use serde_json::{Value, json};

use super::ask::{client, items, says, shown, table, text, versioned};
use crate::args::{Declare, Declared, List, Reasoned, Remote, Resolve, Show};
use crate::exit::{Exit, Failure};
use crate::render;

/// Lists changes.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn list(args: &List, as_json: bool) -> Result<ExitCode, Failure> {
    let state = args.state.as_ref().map(|state| format!("&state={state}")).unwrap_or_default();
    let answer = client(&args.remote)?.get(&format!("/api/v1/changes?limit={}{state}", args.limit)).await?;
    if as_json {
        render::document(&json!({"version": 1, "changes": answer.get("items"), "next": answer.get("next")}));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| text(line, member).to_owned()).to_vec();
    let rows: Vec<Vec<String>> = items(&answer, "/items").iter().map(row).collect();
    table(&["CHANGE", "STATE", "PROPOSED", "WHAT"], &rows);
    if rows.is_empty() {
        render::say("nothing here");
    }
    Ok(ExitCode::SUCCESS)
}

async fn view(args: &Show) -> Result<Value, Failure> {
    Ok(client(&args.remote)?.get(&format!("/api/v1/changes/{}", args.change)).await?)
}

/// Shows a change.
///
/// # Errors
/// When nobody answers, or there is no such change.
pub async fn show(args: &Show, as_json: bool) -> Result<ExitCode, Failure> {
    let view = view(args).await?;
    if as_json {
        render::document(&versioned("change", &view));
    } else {
        heading(&view);
        evidence(&view);
        plan(&view);
        people(&view);
        timeline(&view);
        next(&view, &args.change);
    }
    Ok(ExitCode::SUCCESS)
}

/// Answers why, on one screen.
///
/// # Errors
/// When nobody answers, or there is no such change.
pub async fn explain(args: &Show, as_json: bool) -> Result<ExitCode, Failure> {
    let record = client(&args.remote)?.get(&format!("/api/v1/changes/{}/record", args.change)).await?;
    let view = view(args).await?;
    let explained = client(&args.remote)?.get(&format!("/api/v1/changes/{}/explanation", args.change)).await?;
    if as_json {
        let explanation = explained.get("explanation");
        render::document(&json!({"version": 1, "record": record, "change": view, "explanation": explanation}));
        return Ok(ExitCode::SUCCESS);
    }
    heading(&view);
    render::line(&format!("  policy   {}", text(&record, "/policy_version")));
    if let Some(emergency) = record.pointer("/emergency/id").and_then(Value::as_str) {
        let (name, why) = (text(&record, "/emergency/name"), text(&record, "/emergency/justification"));
        render::line(&format!("  under    {emergency}, begun by {}: {}", shown(name), shown(why)));
    }
    says(&explained);
    evidence(&view);
    plan(&view);
    people(&view);
    timeline(&view);
    if let Some(judged) = record.pointer("/verification/judged/judgement").and_then(Value::as_str) {
        render::line(&format!("\nResult: {judged}"));
    }
    let entries = items(&record, "/ledger");
    let index = |entry: Option<&Value>| entry.and_then(|entry| entry.get("index")).and_then(Value::as_u64).unwrap_or_default();
    render::line(&format!(
        "\nOn record: {} ledger entries, {} to {}. Prove it: lineclear ledger export DIR, then lineclear ledger verify DIR",
        entries.len(),
        index(entries.first()),
        index(entries.last())
    ));
    Ok(ExitCode::SUCCESS)
}

/// Prints the decision record.
///
/// # Errors
/// When nobody answers, or there is no such change.
pub async fn record(args: &Show) -> Result<ExitCode, Failure> {
    render::document(&client(&args.remote)?.get(&format!("/api/v1/changes/{}/record", args.change)).await?);
    Ok(ExitCode::SUCCESS)
}

fn dossier(view: &Value) -> &Value {
    let state = view.pointer("/change/state").unwrap_or(&Value::Null);
    state.pointer("/gate/dossier").or_else(|| state.get("dossier")).unwrap_or(&Value::Null)
}

/// What is asked: shown to whoever looks, and to whoever is about to sign.
pub fn heading(view: &Value) {
    let proposal = view.pointer("/change/proposal").unwrap_or(&Value::Null);
    render::line(&format!("\x1b[1m{} on {}\x1b[0m  {}", text(proposal, "/action"), text(proposal, "/target"), text(view, "/word")));
    render::line(&format!("  change   {}", text(view, "/change/id")));
    render::line(&format!("  by       {}  (confidence {} bp, a claim)", text(proposal, "/by/id"), number(proposal, "/confidence")));
    render::line(&format!("  inputs   {}", shown(&proposal.get("inputs").unwrap_or(&Value::Null).to_string())));
    render::line(&format!("  says     “{}”", shown(text(proposal, "/reason"))));
    let worst = text(dossier(view), "/worst_case");
    if !worst.is_empty() {
        render::line(&format!("  worst    {worst}"));
    }
    if let Some(reasons) = dossier(view).pointer("/verdict/because").and_then(Value::as_array) {
        render::line(&format!("  verdict  {} {}", text(dossier(view), "/verdict/verdict"), text(dossier(view), "/verdict/rung")));
        for reason in reasons {
            let facts: Vec<&str> = items(reason, "/facts").iter().filter_map(Value::as_str).collect();
            render::line(&format!(
                "           {} {}: {} ({})",
                text(reason, "/policy"),
                text(reason, "/bearing"),
                facts.join(", "),
                text(reason, "/title")
            ));
        }
    }
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// What is missing first, then every fact with its query.
pub fn evidence(view: &Value) {
    for fault in items(dossier(view), "/faults") {
        render::line(&format!("  \x1b[31mmissing\x1b[0m  {}", shown(&fault.to_string())));
    }
    let Some(facts) = dossier(view).get("facts").and_then(Value::as_object) else { return };
    render::line("\nEvidence, as Lineclear read it");
    for fact in facts.values() {
        let value = fact
            .pointer("/reading/value")
            .map_or_else(|| text(fact, "/reading/why").to_owned(), |value| value.to_string().replace('"', ""));
        let holds = format!("{} {}", text(fact, "/holds/op"), text(fact, "/holds/value"));
        render::line(&format!("  {:<22} {value} (wanted {holds})  {}", text(fact, "/name"), shown(text(fact, "/query"))));
    }
}

/// What would be done, before and after, and the way back.
pub fn plan(view: &Value) {
    let steps = items(dossier(view), "/plan/steps");
    if steps.is_empty() {
        return;
    }
    render::line("\nPlan, before → after as the runner read it");
    for step in steps {
        render::line(&format!("  {:<10} {}", text(step, "/step"), shown(text(step, "/preview/summary"))));
        render::line(&format!(
            "             {} → {}",
            shown(&step.pointer("/preview/before").unwrap_or(&Value::Null).to_string()),
            shown(&step.pointer("/preview/after").unwrap_or(&Value::Null).to_string())
        ));
        let undo = step
            .get("undo")
            .filter(|undo| !undo.is_null())
            .map_or("\x1b[31mnone\x1b[0m".into(), |undo| shown(&undo.get("with").unwrap_or(undo).to_string()));
        render::line(&format!("             undo: {undo}"));
        for line in flow(step) {
            render::line(&format!("             {line}"));
        }
    }
    for step in items(dossier(view), "/plan/left_out") {
        render::line(&format!("  {:<10} is left out: {}", text(step, "/step"), shown(text(step, "/why"))));
    }
    let key = text(dossier(view), "/plan/concurrency_key");
    if !key.is_empty() {
        render::line(&format!("  no other run with the key `{}` may be under way at the same time", shown(key)));
    }
    let labels: Vec<&str> = items(dossier(view), "/plan/runs_on").iter().filter_map(Value::as_str).collect();
    if !labels.is_empty() {
        render::line(&format!("  only a runner that carries `{}` is given its steps", shown(&labels.join(", "))));
    }
}

/// What is known only while it runs: on which branch a step stands, under which conditions, and where a failure leads.
fn flow(step: &Value) -> Vec<String> {
    let flow: Flow = step.get("flow").and_then(|flow| serde_json::from_value(flow.clone()).ok()).unwrap_or_default();
    let branch = flow.branch.map(|branch| format!("only on the branch `{branch}`, which is taken when another step fails"));
    let when = flow.when.iter().map(|condition| format!("only when {}", shown(&condition.to_string())));
    let goto = flow.goto.map(|branch| format!("if it fails: the branch `{branch}` instead of the rest"));
    branch.into_iter().chain(when).chain(goto).collect()
}

fn people(view: &Value) {
    let Some(request) = view.pointer("/approval/request") else { return };
    render::line(&format!(
        "\nAsked for `{}`: {} people, grade {}, until {}",
        text(request, "/needs/rung"),
        number(request, "/needs/humans"),
        text(request, "/needs/grade"),
        text(request, "/until")
    ));
    for vote in items(view, "/approval/state/votes") {
        render::line(&format!("  {} {} ({})", text(vote, "/by"), text(vote, "/decision"), text(vote, "/signature/grade")));
    }
}

fn timeline(view: &Value) {
    render::line("\nWhat happened");
    for moment in items(view, "/timeline") {
        render::line(&format!(
            "  {}  #{:<5} {:<14} {}",
            text(moment, "/at"),
            number(moment, "/index"),
            text(moment, "/name"),
            shown(text(moment, "/says"))
        ));
    }
}

fn next(view: &Value, change: &str) {
    let hint = match text(view, "/word") {
        "awaiting_approval" => format!("lineclear approve {change} --key FILE   or   lineclear reject {change} --reason WHY"),
        "escalated" => format!("lineclear declare {change} success|failure --reason WHY"),
        "stuck" => {
            format!("lineclear resolve {change} retry|mark-applied|mark-not-applied|skip|continue|undo|abort|hand-over --reason WHY")
        }
        _ => return,
    };
    render::say(&format!("\nnext  {hint}"));
}

/// Does something to a change and shows what became of it.
async fn act(remote: &Remote, change: &str, what: &str, body: &Value, as_json: bool) -> Result<ExitCode, Failure> {
    let view = client(remote)?.post(&format!("/api/v1/changes/{change}/{what}"), body).await?;
    if as_json {
        render::document(&versioned("change", &view));
    } else {
        render::line(&format!("{change} is {}", text(&view, "/word")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a proposal back.
///
/// # Errors
/// When it is refused.
pub async fn withdraw(args: &Reasoned, as_json: bool) -> Result<ExitCode, Failure> {
    act(&args.remote, &args.change, "withdraw", &json!({"reason": args.reason}), as_json).await
}

/// Takes back what a finished run did.
///
/// # Errors
/// When it is refused.
pub async fn take_back(args: &Reasoned, as_json: bool) -> Result<ExitCode, Failure> {
    act(&args.remote, &args.change, "take-back", &json!({"reason": args.reason}), as_json).await
}

/// Declares the outcome.
///
/// # Errors
/// When it is refused.
pub async fn declare(args: &Declare, as_json: bool) -> Result<ExitCode, Failure> {
    let body = json!({"success": args.outcome == Declared::Success, "reason": args.reason});
    act(&args.remote, &args.change, "declare", &body, as_json).await
}

/// Decides about a stuck run.
///
/// # Errors
/// When it is refused.
pub async fn resolve(args: &Resolve, as_json: bool) -> Result<ExitCode, Failure> {
    let mut body = json!({"resolution": args.resolution, "reason": args.reason});
    if let Some(members) = body.as_object_mut() {
        members.extend(args.evidence.as_ref().map(|evidence| ("evidence".to_owned(), json!(evidence))));
        members.extend(args.to.map(|to| ("to".to_owned(), json!(to))));
    }
    act(&args.remote, &args.change, "resolve", &body, as_json).await
}

/// The exit code that tells a script where a change stands.
pub fn exit_of(word: &str) -> Exit {
    match word {
        "denied" | "rejected" | "misfit" | "withdrawn" | "failed" => Exit::Refused,
        "lapsed" => Exit::Lapsed,
        "proposed" | "blocked" | "awaiting_approval" => Exit::Waiting,
        _ => Exit::Done,
    }
}
