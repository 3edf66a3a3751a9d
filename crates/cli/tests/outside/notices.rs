//! People told by the real binary: a real mail server, the reference library of Standard Webhooks, our own intake of `PagerDuty`'s
//! format, and fakes of Slack, Teams and ntfy that say that they are fakes; with `kill -9` between commit and sending.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::caches;
use super::installation::{Installation, PATIENCE, eventually, example, root, succeeds};

/// The secret of the webhook, as Standard Webhooks writes one.
const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What the fake Slack signs with.
const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";
/// The members' places.
const PEOPLE: &str = "
[notices.people.alice]
chat = \"U0ALICE\"
post = \"alice@example.test\"
push = \"alice-topic\"

[notices.people.bob]
chat = \"U0BOB\"
";

/// Everything that can be sent to, in a process of its own.
struct Receivers {
    process: Child,
    smtp: u64,
    http: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receivers {
    fn start(more: &[&str]) -> Self {
        let python = root().join(".receivers/bin/python");
        assert!(python.exists(), "there is no mail server: run `scripts/receivers.sh`");
        let script = root().join("crates/cli/tests/outside/receivers.py");
        let mut process =
            Command::new(python).arg(script).arg(HOOK).args(more).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { process, smtp: ports["smtp"].as_u64().unwrap(), http: format!("http://127.0.0.1:{}", ports["http"]), heard }
    }

    fn heard(&self, to: &str) -> Vec<Value> {
        self.heard.lock().unwrap().iter().filter(|one| one["to"] == to).cloned().collect()
    }

    /// Waits for something that fits.
    async fn finds(&self, to: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(to, async || self.heard(to).into_iter().find(|one| fits(one))).await
    }

    async fn hears(&self, to: &str, count: usize) -> Vec<Value> {
        eventually(to, async || Some(self.heard(to)).filter(|all| all.len() >= count)).await
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn channels(receivers: &Receivers, pager: &str) -> String {
    let (http, smtp) = (&receivers.http, receivers.smtp);
    format!(
        "
[notices.channels.chat]
kind = \"slack\"
url = \"{http}/slack\"
secret_file = \"slack.token\"
signing_file = \"slack.signing\"
team = \"T0TEAM\"

[notices.channels.post]
kind = \"mail\"
server = \"smtp+plain://127.0.0.1:{smtp}\"
from = \"lineclear@example.test\"

[notices.channels.push]
kind = \"ntfy\"
url = \"{http}/ntfy\"

[notices.channels.cards]
kind = \"teams\"
secret_file = \"teams.url\"
kinds = [\"posture\", \"asked\"]

[notices.channels.hook]
kind = \"webhook\"
url = \"{http}/hook\"
secret_file = \"hook.secret\"

[notices.channels.pager]
kind = \"pagerduty\"
url = \"{pager}/hooks/pager/v2/enqueue\"
secret_file = \"pager.key\"
kinds = [\"asked\"]
{PEOPLE}"
    )
}

fn secret(house: &Installation, name: &str, value: &str) {
    let path = house.path("data/secrets").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("{value}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn house(settings: &str) -> Installation {
    let mut files: BTreeMap<String, String> = caches::estate(3);
    files.get_mut("lineclear.toml").unwrap().push_str(settings);
    Installation::new(&files, &["alice", "bob"], &["purger"], &caches::rules("http://127.0.0.1:9"))
}

fn with_secrets(receivers: &Receivers, house: &Installation) {
    secret(house, "slack.token", "xoxb-fake");
    secret(house, "slack.signing", SIGNING);
    secret(house, "teams.url", &format!("{}/teams/sig-S3cr3t", receivers.http));
    secret(house, "hook.secret", HOOK);
    secret(house, "pager.key", "R0UT1NG");
}

/// An installation whose intake judges what is sent to `PagerDuty`.
fn intake() -> Installation {
    let mut files = example("http://127.0.0.1:9");
    files.get_mut("lineclear.toml").unwrap().push_str("\n\n[signals.pager]\nkind = \"pagerduty\"\nsecret_file = \"pager.secret\"\n");
    let mut house = Installation::new(&files, &["alice"], &[], &caches::rules("http://127.0.0.1:9"));
    secret(&house, "pager.secret", "R0UT1NG");
    house.start();
    house
}

async fn approval(house: &Installation, change: &str) -> String {
    eventually("the request", async || {
        let (status, request) = house.ask("alice", Method::GET, &format!("/api/v1/changes/{change}/request"), None, &[]).await;
        (status == 200).then(|| request["request"]["id"].as_str().unwrap().to_owned())
    })
    .await
}

/// What Slack posts when a member presses a button, signed as Slack signs.
async fn pressed(house: &Installation, user: &str, action: &str, approval: &str, reason: &str, age: i64) -> u16 {
    let payload = json!({
        "type": "block_actions", "team": {"id": "T0TEAM"}, "user": {"id": user}, "actions": [{"action_id": action, "value": approval}],
        "state": {"values": {"lineclear_reason": {"lineclear_reason": {"type": "plain_text_input", "value": reason}}}},
    });
    let mut form = reqwest::Url::parse("http://form/").unwrap();
    form.query_pairs_mut().append_pair("payload", &payload.to_string());
    let body = form.query().unwrap().to_owned();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let stamp = i64::try_from(now).unwrap() - age;
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING.as_bytes()).unwrap();
    mac.update(format!("v0:{stamp}:{body}").as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = reqwest::Client::new()
        .post(format!("{}/hooks/slack/chat", house.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", stamp.to_string())
        .header("x-slack-signature", format!("v0={signature}"));
    request.body(body).timeout(PATIENCE).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_by_every_channel_and_what_is_decided_is_edited_everywhere() {
    let receivers = Receivers::start(&[]);
    let intake = intake();
    let mut house = house(&channels(&receivers, &intake.base));
    with_secrets(&receivers, &house);
    house.start();
    let change = caches::propose(&house, 1).await.remove(0);
    let approval = approval(&house, &change).await;

    let chat = receivers.hears("slack", 1).await;
    assert_eq!((&chat[0]["path"], &chat[0]["authorization"]), (&json!("/slack/chat.postMessage"), &json!("Bearer xoxb-fake")));
    assert_eq!(chat[0]["body"]["channel"], "U0ALICE", "bob answers for the agent that proposes");
    assert!(chat[0]["body"]["blocks"].to_string().contains("lineclear_approve"));
    let mail = receivers.hears("mail", 1).await.remove(0);
    assert_eq!((&mail["sender"], &mail["recipients"]), (&json!("lineclear@example.test"), &json!(["alice@example.test"])));
    assert_eq!(mail["headers"]["Auto-Submitted"], "auto-generated");
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains(&format!("{}/changes/{change}", house.base)) && text.contains("Check words: "), "{text}");
    assert!(!text.contains(&approval) && !text.contains('?'), "a mail answers nothing: {text}");
    let hook = receivers.hears("hook", 1).await.remove(0);
    assert_eq!((&hook["body"]["type"], &hook["body"]["data"]["about"]), (&json!("notice.asked"), &json!(approval)), "{hook}");
    assert_eq!(receivers.hears("ntfy", 1).await[0]["body"]["topic"], "alice-topic");
    assert_eq!(receivers.hears("teams", 1).await[0]["body"]["type"], "message");
    let incident = eventually("the alert", async || {
        let rows = intake.get("alice", "/api/v1/incidents").await;
        rows["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;

    assert_eq!(pressed(&house, "U0ALICE", "lineclear_approve", &approval, "", 301).await, 401, "too old");
    assert_eq!(pressed(&house, "U0NOBODY", "lineclear_approve", &approval, "", 0).await, 403);
    assert_eq!(pressed(&house, "U0ALICE", "lineclear_reject", &approval, " ", 0).await, 422, "a rejection has a reason");
    assert_eq!(pressed(&house, "U0BOB", "lineclear_approve", &approval, "", 0).await, 403, "who proposes cannot approve");
    assert_eq!(pressed(&house, "U0ALICE", "lineclear_approve", &approval, "", 0).await, 200);
    assert_ne!(pressed(&house, "U0ALICE", "lineclear_approve", &approval, "", 0).await, 200, "an answer counts once");

    // The run finds its tool dark and is stuck: more is told meanwhile.
    let edited = receivers.finds("slack", |one| one["path"] == "/slack/chat.update").await;
    assert_eq!((&edited["body"]["channel"], &edited["body"]["ts"]), (&json!("U0ALICE"), &json!("1700000000.000100")));
    assert!(edited["body"]["text"].as_str().unwrap().starts_with("Approved by alice"), "{edited}");
    assert!(!edited["body"].to_string().contains("lineclear_approve"));
    let second = receivers.finds("mail", |one| one["headers"]["Subject"].as_str().unwrap().starts_with("Approved by alice")).await;
    assert_eq!(second["headers"]["References"], mail["headers"]["References"], "one thread");
    assert_ne!(second["headers"]["Message-ID"], mail["headers"]["Message-ID"]);
    let settled = receivers.finds("hook", |one| one["body"]["type"] == "notice.settled").await;
    assert_eq!(settled["body"]["data"]["settled"], json!({"how": "granted", "by": "alice"}));
    let stuck = receivers.finds("slack", |one| one["body"]["text"].as_str().unwrap().starts_with("Stuck: ")).await;
    assert!(stuck["body"]["blocks"].to_string().contains(&format!("/changes/{change}")), "{stuck}");
    eventually("the alert is over", async || {
        let one = intake.get("alice", &format!("/api/v1/incidents/{incident}")).await;
        (one["state"] == "resolved").then_some(())
    })
    .await;
    let log = house.get("alice", "/api/v1/notices?state=dead").await;
    assert_eq!(log["items"], json!([]), "{log}");
    for name in ["lineclear.db", "lineclear.db-wal"] {
        let kept = std::fs::read(house.path("data").join(name)).unwrap_or_default();
        let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(
            !["S3cr3t", "xoxb-fake", HOOK, "R0UT1NG", "alice@example.test"].into_iter().any(holds),
            "`{name}` holds a secret or an address"
        );
    }
}

/// Runs a command as somebody: whether it succeeded, and everything that it said.
fn said(house: &Installation, who: &str, args: &[&str]) -> (bool, String) {
    let output = house.lineclear(who, args);
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

async fn dies(house: &Installation, delivery: &str) {
    eventually("a dead letter", async || said(house, "alice", &["notices", "list", "--dead"]).1.contains(delivery).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_arrive_is_seen_mended_and_tried_again_by_people() {
    let receivers = Receivers::start(&[]);
    let settings = format!(
        "\n[notices.channels.hook]\nkind = \"webhook\"\nurl = \"{}/hook\"\nsecret_file = \"hook.secret\"\n\n[notices.channels.gone]\nkind = \"webhook\"\nurl = \"{}/broken\"\nsecret_file = \"hook.secret\"\n",
        receivers.http, receivers.http
    );
    let mut house = house(&settings);
    house.start();
    let tried = said(&house, "alice", &["notices", "test", "hook"]);
    assert!(tried.0, "{tried:?}");
    let delivery = tried.1.lines().next().unwrap().to_owned();
    dies(&house, &delivery).await;
    assert!(said(&house, "alice", &["notices", "show", &delivery]).1.contains("no_secret"));
    let page = house.page("alice", "/notices").await;
    assert!(page.contains("its secret cannot be read") && page.contains(&format!("/notices/{delivery}/retry")), "{page}");
    assert!(house.page("alice", "/").await.contains("notices cannot arrive"));
    let (status, _) = house.ask("purger", Method::POST, &format!("/api/v1/notices/{delivery}/retry"), None, &[]).await;
    assert_eq!(status, 403, "people only");

    secret(&house, "hook.secret", HOOK);
    assert!(said(&house, "alice", &["notices", "retry", &delivery]).0);
    let hook = receivers.hears("hook", 1).await.remove(0);
    assert_eq!((&hook["id"], &hook["body"]["type"]), (&json!(delivery), &json!("notice.test")), "{hook}");
    assert!(!said(&house, "alice", &["notices", "retry", &delivery]).0, "it arrived");

    let gone = said(&house, "alice", &["notices", "test", "gone"]).1.lines().next().unwrap().to_owned();
    dies(&house, &gone).await;
    assert!(said(&house, "alice", &["notices", "show", &gone]).1.contains("it answered 404"));
    assert!(said(&house, "bob", &["notices", "dismiss", &gone, "--reason", "nobody reads it"]).0);
    assert!(!said(&house, "alice", &["notices", "list", "--dead"]).1.contains(&gone));
    assert!(said(&house, "alice", &["notices", "channels"]).1.contains("gone"));
}

/// Killed again and again while it sends: everybody is told, and what was told twice has one id.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_forgotten_by_kill_9_and_a_repetition_is_known_as_one() {
    let receivers = Receivers::start(&[]);
    let settings = format!(
        "\n[notices.channels.hook]\nkind = \"webhook\"\nurl = \"{}/hook\"\nsecret_file = \"hook.secret\"\nkinds = [\"asked\"]\n",
        receivers.http
    );
    let mut house = house(&settings);
    secret(&house, "hook.secret", HOOK);
    house.start();
    let changes = caches::propose(&house, 3).await;
    for pause in [0_u64, 5, 20, 60, 120] {
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        house.kill();
        house.start();
    }
    let mut requests = Vec::new();
    for change in &changes {
        requests.push(approval(&house, change).await);
    }
    eventually("every request", async || {
        let heard = receivers.heard("hook");
        requests.iter().all(|request| heard.iter().any(|one| one["body"]["data"]["about"] == json!(request))).then_some(())
    })
    .await;
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for one in receivers.heard("hook") {
        let about = one["body"]["data"]["about"].as_str().unwrap().to_owned();
        let id = ids.entry(about).or_insert_with(|| one["id"].as_str().unwrap().to_owned());
        assert_eq!(json!(id), one["id"], "told twice under two ids");
    }
    assert_eq!(ids.len(), 3);
}

fn certificate(folder: &Path) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let ca = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test authority",
    ];
    succeeds(
        "openssl",
        &[&ca[..], &["-keyout", &at("ca.key"), "-out", &at("ca.pem"), "-addext", "keyUsage=critical,keyCertSign"]].concat(),
    );
    let leaf = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"];
    succeeds("openssl", &[&leaf[..], &["-keyout", &at("key.pem"), "-out", &at("leaf.csr")]].concat());
    std::fs::write(folder.join("leaf.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    let (csr, ca, key, out, ext) = (at("leaf.csr"), at("ca.pem"), at("ca.key"), at("cert.pem"), at("leaf.ext"));
    succeeds(
        "openssl",
        &["x509", "-req", "-days", "2", "-in", &csr, "-CA", &ca, "-CAkey", &key, "-CAcreateserial", "-out", &out, "-extfile", &ext],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_starttls_to_an_account_and_never_without_it() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let receivers = Receivers::start(&[&at("cert.pem"), &at("key.pem"), "lineclear", "S3cr3t word"]);
    let plain = Receivers::start(&[]);
    let mail = |name: &str, port: u64| {
        format!(
            "\n[notices.channels.{name}]\nkind = \"mail\"\nserver = \"smtp://localhost:{port}\"\nfrom = \"lineclear@example.test\"\nuser = \"lineclear\"\nsecret_file = \"mail.password\"\nroom = \"ops@example.test\"\n"
        )
    };
    let mut house = house(&(mail("safe", receivers.smtp) + &mail("open", plain.smtp)));
    secret(&house, "mail.password", "S3cr3t word");
    house.variables.push(("SSL_CERT_FILE", at("ca.pem")));
    house.start();
    for channel in ["safe", "open"] {
        let (status, _) = house.ask("alice", Method::POST, &format!("/api/v1/channels/{channel}/test"), None, &[]).await;
        assert_eq!(status, 200);
    }
    let got = receivers.hears("mail", 1).await.remove(0);
    assert_eq!((&got["tls"], &got["account"]), (&json!(true), &json!("lineclear")), "{got}");
    eventually("the refusal", async || {
        let list = house.get("alice", "/api/v1/notices?state=dead,failed").await;
        list["items"].as_array().unwrap().iter().any(|one| one["title"].as_str().unwrap().contains("`open`")).then_some(())
    })
    .await;
    assert_eq!(plain.heard("mail"), Vec::<Value>::new(), "a server without STARTTLS is told nothing, and no password");
}
