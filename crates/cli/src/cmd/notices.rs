//! `notices`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use crate::args::Notices;
use crate::exit::Failure;
use crate::render;

/// Lists, shows, retries, dismisses and tries out.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn run(notices: &Notices, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = match notices {
        Notices::List { dead, remote } => {
            let path = if *dead { "/api/v1/notices?state=dead" } else { "/api/v1/notices" };
            let page = client(remote)?.get(path).await?;
            if !as_json {
                let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| shown(text(line, member))).to_vec();
                let rows: Vec<Vec<String>> = items(&page, "/items").iter().map(row).collect();
                table(&["DELIVERY", "STATE", "HANDED OVER", "WHAT"], &rows);
                return Ok(ExitCode::SUCCESS);
            }
            page
        }
        Notices::Channels(remote) => {
            let list = client(remote)?.get("/api/v1/channels").await?;
            if !as_json {
                channels(&list);
                return Ok(ExitCode::SUCCESS);
            }
            list
        }
        Notices::Test { channel, remote } => {
            let tried = client(remote)?.post(&format!("/api/v1/channels/{channel}/test"), &Value::Null).await?;
            if !as_json {
                let delivery = text(&tried, "/delivery");
                render::line(delivery);
                render::say(&format!("handed over; how it went: lineclear notices show {delivery}"));
                return Ok(ExitCode::SUCCESS);
            }
            tried
        }
        Notices::Show { delivery, remote } => client(remote)?.get(&format!("/api/v1/notices/{delivery}")).await?,
        Notices::Retry { delivery, remote } => client(remote)?.post(&format!("/api/v1/notices/{delivery}/retry"), &Value::Null).await?,
        Notices::Dismiss { delivery, reason, remote } => {
            client(remote)?.post(&format!("/api/v1/notices/{delivery}/dismiss"), &json!({"reason": reason})).await?
        }
    };
    if as_json {
        render::document(&versioned("notices", &answer));
        return Ok(ExitCode::SUCCESS);
    }
    show(&answer);
    Ok(ExitCode::SUCCESS)
}

fn channels(list: &Value) {
    let row = |line: &Value| {
        let people: Vec<String> = items(line, "/people").iter().filter_map(Value::as_str).map(shown).collect();
        let room = if line.pointer("/room") == Some(&Value::Bool(true)) { "a room" } else { "" };
        vec![shown(text(line, "/name")), shown(text(line, "/kind")), room.to_owned(), people.join(", ")]
    };
    let rows: Vec<Vec<String>> = items(list, "/items").iter().map(row).collect();
    if rows.is_empty() {
        render::say("no channel is set up: people are told in the console only; see `[notices]` in lineclear.toml");
    }
    table(&["CHANNEL", "KIND", "ROOM", "PEOPLE"], &rows);
}

fn show(view: &Value) {
    render::line(&format!("{}  {}", text(view, "/delivery/order/id"), text(view, "/word")));
    let order = |member: &str| shown(text(view, &format!("/delivery/order{member}")));
    let to = view.get("to").and_then(Value::as_str).map_or_else(|| "its room".to_owned(), shown);
    render::line(&format!("  {}  by `{}` to {to}", order("/notice/title"), order("/channel")));
    for line in items(view, "/delivery/order/notice/lines") {
        render::line(&format!("    {}: {}", shown(text(line, "/label")), shown(text(line, "/text"))));
    }
    for moment in items(view, "/timeline") {
        render::line(&format!("  {}  {}", text(moment, "/at"), shown(text(moment, "/says"))));
    }
}
