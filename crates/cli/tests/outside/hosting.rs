//! Real effects on real systems, each on its whole way: proposed by an agent, looked at on the live system, signed by two people with
//! keys of OpenSSH, carried out by the runner on a warrant, recorded, and judged by a tool that knows nothing of Lineclear.

mod balancer;
mod certificate;
mod database;
mod dns;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, eventually};

/// Who signs.
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// An action of high risk with its runbook, on one target.
struct Act {
    /// `dns.update`
    action: &'static str,
    /// Kind and name of the target: `zone/example.test`.
    target: &'static str,
    /// The inputs of action and runbook, as the estate writes them; empty for none.
    inputs: &'static str,
    /// The steps of the runbook.
    steps: String,
    /// Tools and pins of the runner's own rule.
    rule: &'static str,
}

/// An installation whose every action needs two signatures.
struct House(Installation);

/// A free port.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn entity(kind: &str, name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: {name}\n  annotations: {{ lineclear.dev/environment: production }}\n\
         spec: {{ type: {kind}, owner: edge }}\n"
    )
}

fn person(name: &str, number: u8) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: {name}\n  annotations: {{ lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a5000{number} }}\n\
         spec: {{ profile: {{ displayName: {name} }}, memberOf: [edge] }}\n"
    )
}

fn estate(acts: &[Act]) -> BTreeMap<String, String> {
    let agent = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: triage\n  annotations: { lineclear.dev/id: agent_0193f0c4a1007a3e8b11d2c3b4a60001 }\nspec: { type: ai-agent, lifecycle: production, owner: user:carol }\n";
    let people = [person("alice", 1), person("bob", 2), person("carol", 3), agent.to_owned()];
    let targets: BTreeMap<&str, (&str, &str)> = acts.iter().map(|act| (act.target, act.target.split_once('/').unwrap())).collect();
    let things: Vec<String> = targets.values().map(|(kind, name)| entity(kind, name)).collect();
    let mut files: BTreeMap<String, String> = [
        ("lineclear.toml", "title = \"Hosting\"\norigin = \"hosting.example/g1\"\nposture = \"full\"\n[sources]\nprometheus = \"http://127.0.0.1:9\"\n".to_owned()),
        ("catalog/teams.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: edge, title: Edge }\nspec: { type: team, children: [] }\n".to_owned()),
        ("catalog/people.yaml", people.join("---\n")),
        ("catalog/things.yaml", things.join("---\n")),
        ("facts.yaml", "facts: []\n".to_owned()),
        ("authority.yaml", "approval_ttl: 2h\nsingle_operator: false\nroles:\n  operator: [alice, bob]\nrungs:\n  - { name: autonomous, title: nobody }\n  - { name: two-signed, title: \"two operators, signed\", humans: 2, roles: [operator], grade: ssh }\n".to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    let (mut actions, mut policies) = (Vec::new(), String::new());
    for act in acts {
        let id = act.action.replace(['.', '_'], "-");
        let kind = act.target.split('/').next().unwrap();
        let inputs = if act.inputs.is_empty() { String::new() } else { format!("inputs: {}\n", act.inputs) };
        actions.push(format!(
            "action: {}\ntitle: {id}\nrisk: high\nreversibility: reversible\nresource: {kind}\n{inputs}runbook: {id}\nnever_routine: true\ncloses: person\n",
            act.action
        ));
        let runbook = format!("runbook: v1\nid: {id}\ntitle: {id}\nowner: edge\n{inputs}deadline: 10m\nsteps:\n{}", act.steps);
        files.insert(format!("runbooks/{id}.yaml"), runbook);
        let _ = writeln!(
            policies,
            "@id(\"{id}\")\n@title(\"Two signatures\")\npermit (principal, action == Action::\"{}\", resource) when {{ context.approvals.humans >= 2 && context.approvals.grade >= 2 }};",
            act.action
        );
    }
    files.insert("actions/all.yaml".into(), actions.join("---\n"));
    files.insert("policies/all.cedar".into(), policies);
    files
}

impl House {
    /// One that runs, with a runner that knows these sections.
    fn open(acts: &[Act], sections: &str) -> Self {
        let rule = |act: &Act| {
            format!(
                "[[allow]]\naction = \"{}\"\nrisk = \"high\"\n{}\ntargets = [\"{}\"]\nhumans = 2\ngrade = \"ssh\"\n\n",
                act.action, act.rule, act.target
            )
        };
        let rules: String = acts.iter().map(rule).collect();
        let mut house = Installation::new(&estate(acts), &PEOPLE, &["triage"], &format!("{rules}{sections}"));
        house.start();
        Self(house)
    }

    /// The agent proposes; the change and its word once gate 1 has looked.
    async fn propose(&self, action: &str, target: &str, inputs: &Value) -> (String, String) {
        let body = json!({"action": action, "target": target, "inputs": inputs, "confidence_bp": 9000, "reason": "the shop is slow"});
        let (status, answer) = self.0.ask("triage", Method::POST, "/api/v1/changes", Some(body), &[]).await;
        assert_eq!(status, 201, "{answer}");
        let change = answer.get("id").and_then(Value::as_str).unwrap().to_owned();
        let word = eventually("gate 1", async || Some(self.word(&change).await).filter(|word| word != "proposed")).await;
        (change, word)
    }

    async fn word(&self, change: &str) -> String {
        self.0.get("alice", &format!("/api/v1/changes/{change}")).await["word"].as_str().unwrap().to_owned()
    }

    /// Everything that a person is shown about it.
    async fn shown(&self, change: &str) -> String {
        let view = self.0.get("alice", &format!("/api/v1/changes/{change}")).await;
        let why = self.0.lineclear("alice", &["explain", change]);
        format!("{view}\n{}", String::from_utf8_lossy(&why.stdout))
    }

    /// One person signs, with their own key.
    fn sign(&self, who: &str, change: &str) {
        let key = self.0.text(&format!("people/{who}"));
        let output = self.0.lineclear(who, &["approve", change, "--key", &key, "--yes", "--reason", "looked at it"]);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{who}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Proposed, signed by both, and waited for: the change and its word.
    async fn carried_out(&self, action: &str, target: &str, inputs: &Value) -> (String, String) {
        let (change, word) = self.propose(action, target, inputs).await;
        assert_eq!(word, "awaiting_approval", "{}", self.record(&change).await);
        for who in PEOPLE {
            self.sign(who, &change);
        }
        let word = self.0.finished("alice", &change).await;
        (change, word)
    }

    async fn record(&self, change: &str) -> Value {
        self.0.get("alice", &format!("/api/v1/changes/{change}/record")).await
    }

    /// What became of each attempt, by the record: `switch do 1: succeeded`, `switch do 1: failed (no)` when nothing was applied.
    async fn attempts(&self, change: &str) -> Vec<String> {
        let record = self.record(change).await;
        let of = |value: &Value, pointer: &str| value.pointer(pointer).map(|it| it.to_string().replace('"', "")).unwrap_or_default();
        let one = |attempt: &Value| {
            let events = attempt["events"].as_array().unwrap();
            let end = events.iter().find(|event| event["event"] == "succeeded" || event["event"] == "failed");
            let end = end.map(|event| match of(event, "/applied") {
                applied if applied.is_empty() => of(event, "/event"),
                applied => format!("{} ({applied})", of(event, "/event")),
            });
            let key = ["step", "direction", "number"].map(|name| of(attempt, &format!("/attempt/key/{name}")));
            format!("{}: {}", key.join(" "), end.unwrap_or_default())
        };
        record["attempts"].as_array().map(|list| list.iter().map(one).collect()).unwrap_or_default()
    }

    fn take_back(&self, change: &str) {
        let output = self.0.lineclear("alice", &["take-back", change, "--reason", "the other way was better"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The signatures, the entries and the whole log stand up to the offline verifier.
    async fn proved(&self, change: &str) {
        super::lab::proved(&self.0, change).await;
    }
}

/// Somebody who acts while a run is under way: each `POST` does it once, and is answered when it is done.
struct Meanwhile {
    url: String,
}

impl Meanwhile {
    fn does(mut act: impl FnMut() + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 2_048];
                let count = stream.read(&mut request).unwrap();
                // A preview looks with `GET`, and changes nothing.
                let status = if request[..count].starts_with(b"POST") {
                    act();
                    "200 OK"
                } else {
                    "404 Not Found"
                };
                let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
            }
        });
        Self { url }
    }

    /// Its section of the runner's file.
    fn section(&self) -> String {
        format!("[services.meanwhile]\nurl = \"{}\"\n", self.url)
    }

    /// The step that lets it act.
    fn step() -> String {
        "  - id: meanwhile\n    do: { http: { service: meanwhile, method: POST, path: /go, effect: once } }\n    timeout: 60s\n    on_failure: person\n    on_unknown: person\n".into()
    }
}
