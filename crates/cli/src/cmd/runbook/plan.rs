//! `runbook plan`: what a runbook would do now, as a running installation reads it from the live system.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::Plan;
use crate::cmd::ask::{client, items, shown, text};
use crate::cmd::propose::inputs;
use crate::exit::{Exit, Failure};
use crate::render;

/// What is written where a reason is asked for; nothing of it is recorded.
const REASON: &str = "to see the plan";

/// Asks for the plan and prints it.
///
/// # Errors
/// When nobody answers, no action has this runbook, or the inputs do not fit.
pub(super) async fn plan(args: &Plan, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let catalogue = client.get("/api/v1/actions").await?;
    let action = action(args, items(&catalogue, "/items"))?;
    let body = json!({
        "action": action, "target": args.target, "inputs": inputs(&args.inputs)?, "reason": REASON, "confidence_bp": 0,
    });
    let dossier = client.post("/api/v1/checks", &body).await?;
    let plan = dossier.get("plan").filter(|plan| !plan.is_null());
    let faults = items(&dossier, "/faults");
    if as_json {
        render::document(
            &json!({ "version": 1, "action": action, "plan": plan, "worst_case": dossier.get("worst_case"), "faults": faults }),
        );
    } else if let Some(plan) = plan {
        tell(args, &action, &dossier, plan);
    } else {
        render::line("no plan: the live system could not be read");
        for fault in faults {
            render::line(&format!("fault  {}", shown(&fault.to_string())));
        }
    }
    Ok(if plan.is_some() { ExitCode::SUCCESS } else { Exit::Error.into() })
}

/// The action by which the installation is asked: the one that was named, or the first that has this runbook and acts on such things.
fn action(args: &Plan, actions: &[Value]) -> Result<String, Failure> {
    let with: Vec<&Value> = actions.iter().filter(|action| text(action, "/runbook") == args.runbook).collect();
    if with.is_empty() {
        return Err(Failure::new(format!("no action of this installation has runbook `{}`", args.runbook))
            .help("`lineclear actions --json` lists every action with its runbook"));
    }
    let names = || with.iter().map(|action| text(action, "/name")).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = &args.action {
        let found = with.iter().any(|action| text(action, "/name") == wanted);
        let refused = || {
            Failure::new(format!("action `{wanted}` has another runbook than `{}`", args.runbook))
                .help(format!("these have it: {}", names()))
        };
        return found.then(|| wanted.clone()).ok_or_else(refused);
    }
    let kind = args.target.split('/').next().unwrap_or_default();
    let found = with.iter().find(|action| text(action, "/resource") == kind);
    found.map(|action| text(action, "/name").to_owned()).ok_or_else(|| {
        let on = with.first().map_or("", |action| text(action, "/resource"));
        Failure::new(format!("runbook `{}` does not act on `{}`", args.runbook, args.target))
            .help(format!("name a {on}: `--target {on}/…`"))
    })
}

fn tell(args: &Plan, action: &str, dossier: &Value, plan: &Value) {
    render::line(&format!("{} on {}, as {action} would do it now", args.runbook, shown(&args.target)));
    render::line(&format!("digest  {}", text(plan, "/runbook_digest")));
    render::line(&format!("read    {}", text(plan, "/read")));
    render::line(&format!("worst   {}", shown(text(dossier, "/worst_case"))));
    for (number, step) in items(plan, "/steps").iter().enumerate() {
        render::line(&format!("\n{}. {}  ({})", number + 1, text(step, "/step"), text(step, "/effect")));
        render::line(&format!("   {}", shown(text(step, "/preview/summary"))));
        let (before, after) = (step.pointer("/preview/before"), step.pointer("/preview/after"));
        if before != after {
            render::line(&format!("   before  {}", value(before)));
            render::line(&format!("   after   {}", value(after)));
        }
        let back =
            match (step.get("undo").is_some_and(|undo| !undo.is_null()), step.pointer("/preview/reversible") == Some(&Value::Bool(true))) {
                _ if text(step, "/effect") == "read" => "changes nothing",
                (true, true) => "taken back by its undo",
                (true, false) => "has an undo that does not restore this state",
                (false, _) => "cannot be taken back",
            };
        render::line(&format!("   {back}"));
    }
    for (tool, aimed) in plan.get("permissions").and_then(Value::as_object).into_iter().flatten() {
        let of = |(argument, values): (&String, &Value)| format!("{argument} {}", listed(values));
        let aimed: Vec<String> = aimed.as_object().into_iter().flatten().map(of).collect();
        render::line(&format!("\ngets  {tool}  {}", shown(&aimed.join("; "))));
    }
    for left in items(plan, "/left_out") {
        render::line(&format!("\nleft out  {}: {}", text(left, "/step"), shown(text(left, "/why"))));
    }
    for fault in items(dossier, "/faults") {
        render::line(&format!("\nfault  {}", shown(&fault.to_string())));
    }
}

fn listed(values: &Value) -> String {
    let texts = values.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(", ")
}

fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not known".into(),
        Some(value) => shown(&value.to_string()),
    }
}
