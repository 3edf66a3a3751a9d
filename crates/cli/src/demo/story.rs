//! The story: a web server dies, an agent is let through where facts are good, is stopped where a person must answer,
//! two people sign, and everything is proved afterwards.

use std::process::ExitCode;
use std::time::Duration;

use lineclear_core::ChangeId;
use lineclear_core::statement::{Decision, Signature};
use lineclear_engine::ChangeView;
use serde_json::{Value, json};

use super::agent::ScriptedAgent;
use super::{DemoError, Play, Scene, Teller, ending};
use crate::client::Client;

/// The longest that one chapter may take.
const CHAPTER: Duration = Duration::from_secs(45);
/// How often the attended demo looks whether people have answered.
const LOOK: Duration = Duration::from_secs(45);
/// The name whose address the agent wants to change.
const NAME: &str = "www.example.test";
/// Its address before and after.
const ADDRESSES: [&str; 2] = ["192.0.2.10", "192.0.2.20"];

/// Tells the whole story.
///
/// # Errors
/// Whatever does not go as written.
pub async fn tell(scene: &Scene, play: &Play, teller: &Teller) -> Result<ExitCode, DemoError> {
    opening(scene, play, teller)?;
    let agent = ScriptedAgent::connect(&scene.base, &scene.stage.agent_token).await?;
    let tools = agent.tools().await?;
    teller.happens("triage-agent", &format!("connects by MCP; it is offered {}", tools.join(", ")));
    let incident = an_alert(scene, teller).await?;
    let drained = drain(scene, &agent, &incident, teller).await?;
    let scaled = scale(scene, play, &agent, teller).await?;
    let switched = dns(scene, play, &agent, &incident, teller).await?;
    agent.leave().await;
    ending::prove(scene, play, teller, &[drained, scaled, switched]).await
}

fn opening(scene: &Scene, play: &Play, teller: &Teller) -> Result<(), DemoError> {
    teller.chapter("Lineclear demo (the hosting estate is simulated)");
    teller.say(&format!("  Console        {}", scene.base));
    teller.say(&format!("  Sign in once   {}", scene.sign_in_link("alice")?));
    teller.say(&format!("  Estate         {}", scene.stage.estate.display()));
    if !play.unattended {
        teller.say("  You are alice, service lead of the team that owns the DNS zone. Bob is scripted.");
    }
    Ok(())
}

async fn an_alert(scene: &Scene, teller: &Teller) -> Result<String, DemoError> {
    teller.chapter("1  A web server dies");
    scene.sim.kill_backend("web-2").await?;
    teller.happens("simulation", "web-2 stops answering; a third of the shop's requests fail");
    let people = Client::new(&scene.base, Some(scene.token("bob")?))?;
    let deadline = tokio::time::Instant::now() + CHAPTER;
    loop {
        let page = people.get("/api/v1/incidents").await?;
        let first = page.get("items").and_then(Value::as_array).and_then(|items| items.first());
        if let Some(id) = first.and_then(|incident| incident.get("id")).and_then(Value::as_str) {
            teller.happens("alertmanager", &format!("calls Lineclear: {id} is open"));
            return Ok(id.to_owned());
        }
        if tokio::time::Instant::now() > deadline {
            return Err(DemoError::Story("no alert came in".into()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn change_of(answer: &Value) -> Result<ChangeId, DemoError> {
    let text = answer.get("change").and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|_| DemoError::Story(format!("the proposal was not taken: {answer}")))
}

async fn drain(scene: &Scene, agent: &ScriptedAgent, incident: &str, teller: &Teller) -> Result<ChangeId, DemoError> {
    teller.chapter("2  The agent proposes to drain it: medium risk, and the facts are good");
    let facts = ["backend_down", "healthy_peers", "shop_errors_high"];
    let arguments = json!({
        "action": "pool.drain_host", "target": "host/web-2", "inputs": {}, "confidence_bp": 9300,
        "reason": "web-2 refuses connections while web-1 and web-3 answer; requests sent to it fail",
        "model": {"name": "scripted", "version": "1"},
        "evidence": facts.map(|name| json!({"kind": "fact", "name": name})),
        "alternatives": ["restart web-2 first", "do nothing and wait"],
        "incident": incident,
    });
    let answer = settle(scene, agent, &arguments, teller).await?;
    let id = change_of(&answer)?;
    let view = finish(scene, id).await?;
    narrate(teller, &view);
    expect(&view, "succeeded")?;
    Ok(id)
}

/// Facts take a moment to come in: an agent that is told *blocked* or asked to wait proposes once and waits.
async fn settle(scene: &Scene, agent: &ScriptedAgent, arguments: &Value, teller: &Teller) -> Result<Value, DemoError> {
    wait_for_facts(scene).await?;
    let answer = agent.call("propose_change", arguments.clone()).await?;
    teller.happens("triage-agent", &format!("proposes; Lineclear answers: {}", word(&answer, "state")));
    Ok(answer)
}

/// Waits until the simulated telemetry shows the failure, as an agent that looks before it proposes.
async fn wait_for_facts(scene: &Scene) -> Result<(), DemoError> {
    let prometheus = Client::new(&scene.sim.addresses().prometheus, None)?;
    let deadline = tokio::time::Instant::now() + CHAPTER;
    loop {
        let answer = prometheus.get("/api/v1/query?query=http_error_ratio%7Bservice%3D%22shop%22%7D").await?;
        let value = answer.pointer("/data/result/0/value/1").and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
        if value.is_some_and(|ratio| ratio > 0.15) || tokio::time::Instant::now() > deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn finish(scene: &Scene, id: ChangeId) -> Result<ChangeView, DemoError> {
    scene.house.engine.finished(id, CHAPTER).await.map_err(|error| DemoError::Story(error.to_string()))
}

/// Tells the timeline; what is said several times in a row is said once.
fn narrate(teller: &Teller, view: &ChangeView) {
    let mut last = "";
    for moment in &view.timeline {
        if moment.says != last {
            teller.happens(&moment.name, &moment.says);
        }
        last = &moment.says;
    }
}

/// A word of an answer, without its quotation marks.
fn word<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer.get(member).and_then(Value::as_str).unwrap_or("?")
}

fn expect(view: &ChangeView, word: &str) -> Result<(), DemoError> {
    if view.word == word { Ok(()) } else { Err(DemoError::Story(format!("`{}` is {}, not {word}", view.change.id, view.word))) }
}

/// Medium risk that policy does not let through alone: one operator answers, in the console if there is one.
async fn scale(scene: &Scene, play: &Play, agent: &ScriptedAgent, teller: &Teller) -> Result<ChangeId, DemoError> {
    teller.chapter("3  The agent proposes a fourth web server for the shop: medium risk, and nothing that runs alone");
    let arguments = json!({
        "action": "service.scale", "target": "service/shop", "inputs": {"replicas": 4}, "confidence_bp": 7000,
        "reason": "web-2 is out of rotation and the evening peak is near", "model": {"name": "scripted", "version": "1"},
        "evidence": [{"kind": "claim", "text": "two servers carried yesterday's peak at 92 % of their load"}], "alternatives": ["repair web-2 first", "do nothing"],
    });
    let answer = agent.call("propose_change", arguments).await?;
    let id = change_of(&answer)?;
    teller.happens("triage-agent", &format!("proposes; Lineclear answers: {}", word(&answer, "state")));
    if play.unattended {
        answer_in_session(scene, id, "bob").await?;
        teller.happens("bob", "reads the change and approves it in his session");
    } else {
        teller.say(&format!("\n  Your turn, in the console: {}/changes/{id}\n", scene.base));
        wait_for(scene, id, 1).await?;
    }
    let view = finish(scene, id).await?;
    narrate(teller, &view);
    expect(&view, "succeeded")?;
    Ok(id)
}

/// An operator answers as grade `session`, as a click in the console does.
async fn answer_in_session(scene: &Scene, id: ChangeId, login: &str) -> Result<(), DemoError> {
    let engine = &scene.house.engine;
    let failed = |error: lineclear_engine::EngineError| DemoError::Story(error.to_string());
    let caller = lineclear_engine::Caller::Operator(scene.operator(login)?);
    let asked = engine.request(id).await.map_err(failed)?;
    let reason = "the peak is near, and one more server costs little".to_owned();
    let statement = engine.statement(&caller, asked.request.id, Decision::Approve, reason).await.map_err(failed)?;
    engine.vote(&caller, asked.request.id, statement, Signature::Session).await.map_err(failed)?;
    Ok(())
}

async fn dns(scene: &Scene, play: &Play, agent: &ScriptedAgent, incident: &str, teller: &Teller) -> Result<ChangeId, DemoError> {
    teller.chapter("4  The agent proposes a DNS change: high risk, so it is stopped here");
    let arguments = json!({
        "action": "dns.update", "target": "zone/example.test",
        "inputs": {"name": NAME, "from": ADDRESSES[0], "to": ADDRESSES[1]}, "confidence_bp": 9900,
        "reason": "move www to the standby address while web-2 is repaired",
        "model": {"name": "scripted", "version": "1"},
        "evidence": [{"kind": "fact", "name": "dns_watched"}, {"kind": "claim", "text": "the standby was healthy yesterday"}],
        "alternatives": ["leave www where it is: two of three servers are well"],
        "incident": incident,
    });
    let answer = agent.call("propose_change", arguments).await?;
    let id = change_of(&answer)?;
    teller.happens("triage-agent", &format!("is 99 % sure, and waits all the same: {}", word(&answer, "state")));
    teller.happens("simulation", &format!("{NAME} still answers {:?}", scene.sim.answer_of(NAME)));
    if play.unattended {
        sign(scene, id, "alice", "checked the standby by hand; go", teller).await?;
    } else {
        invite(scene, id, teller)?;
        wait_for(scene, id, 1).await?;
    }
    sign(scene, id, "bob", "plan and undo look right", teller).await?;
    let view = finish(scene, id).await?;
    narrate(teller, &view);
    teller.happens("simulation", &format!("{NAME} now answers {:?}", scene.sim.answer_of(NAME)));
    if play.unattended {
        declare(scene, id).await?;
        teller.happens("alice", "looks at the result and declares it a success");
    }
    Ok(id)
}

fn invite(scene: &Scene, id: ChangeId, teller: &Teller) -> Result<(), DemoError> {
    let alice = scene.stage.people.get("alice").ok_or_else(|| DemoError::Story("alice is not there".into()))?;
    teller.say("\n  Look at it in the console, then sign as alice in another terminal:\n");
    let program = std::env::current_exe().map_or_else(|_| "lineclear".into(), |path| path.display().to_string());
    teller.say(&format!(
        "    LINECLEAR_URL={} LINECLEAR_TOKEN={} {program} approve {id} --key {}\n",
        scene.base,
        scene.token("alice")?,
        alice.key_file.display()
    ));
    Ok(())
}

/// Waits until this many people have approved.
async fn wait_for(scene: &Scene, id: ChangeId, people: usize) -> Result<(), DemoError> {
    let engine = &scene.house.engine;
    loop {
        let view = engine.decided(id, LOOK).await.map_err(|error| DemoError::Story(error.to_string()))?;
        let votes = view.approval.as_ref().map_or(0, |asked| asked.votes().len());
        if votes >= people {
            return Ok(());
        }
        if view.change.outcome().is_some() {
            return Err(DemoError::Story(format!("`{id}` is {}", view.word)));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// A person reads the request, signs the exact statement, and sends it.
async fn sign(scene: &Scene, id: ChangeId, login: &str, reason: &str, teller: &Teller) -> Result<(), DemoError> {
    let person = scene.stage.people.get(login).ok_or_else(|| DemoError::Story(format!("{login} is not there")))?;
    let client = Client::new(&scene.base, Some(scene.token(login)?))?;
    let request = client.get(&format!("/api/v1/changes/{id}/request")).await?;
    let approval = request.pointer("/request/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let asked = json!({"decision": "approve", "reason": reason});
    let answer = client.post(&format!("/api/v1/approvals/{approval}/statement"), &asked).await?;
    let statement = answer.get("statement").and_then(Value::as_str).unwrap_or_default();
    let signature = json!({"grade": "ssh", "armored": person.sign(statement)?});
    let vote = json!({"statement": statement, "signature": signature});
    let cast = client.post(&format!("/api/v1/approvals/{approval}/votes"), &vote).await?;
    teller.happens(login, &format!("reads the change, signs its digest with an SSH key; the request is {}", word(&cast, "state")));
    Ok(())
}

async fn declare(scene: &Scene, id: ChangeId) -> Result<(), DemoError> {
    let client = Client::new(&scene.base, Some(scene.token("alice")?))?;
    let body = json!({"success": true, "reason": "www answers from the standby, and the shop is well"});
    client.post(&format!("/api/v1/changes/{id}/declare"), &body).await?;
    Ok(())
}
