mod knot;
mod powerdns;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::control::{call, id};
use crate::secret::Secret;

const KEY: &[u8] = b"a key of thirty-two bytes, or so";

fn site(millis: u64) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_millis(millis) }
}

fn change(from: &[&str], to: &[&str]) -> ToolCall {
    let with = json!({"zone": "example.test", "name": "www.example.test", "type": "A", "ttl": 60, "replace": from, "with": to});
    call("dns_update", with)
}

fn expect(values: &[&str]) -> ToolCall {
    call("dns_update", json!({"zone": "example.test", "name": "www.example.test", "type": "A", "expect": values}))
}

/// BIND compares our time with its own, so this clock is the machine's: that of a file made just now.
fn clock() -> Clock {
    Arc::new(|| {
        let file = tempfile::tempfile().unwrap();
        let seconds = file.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(seconds.as_micros()).unwrap())
    })
}

fn tool(port: u16, key_name: &str, secret: &[u8]) -> DnsUpdate {
    let zone = DnsZone { server: ([127, 0, 0, 1], port).into(), key_name: key_name.into(), secret: Secret::new(secret) };
    DnsUpdate::new(&BTreeMap::from([("example.test".to_owned(), zone)]), &BTreeMap::new(), &clock()).unwrap()
}

/// What a server answers, as `dig` tells it: sorted lines.
fn dig(port: u16, name: &str, kind: &str) -> Vec<String> {
    let output =
        Command::new("dig").args(["+short", "+time=2", "+tries=1", "@127.0.0.1", "-p", &port.to_string(), name, kind]).output().unwrap();
    assert!(output.status.success(), "dig: {}", String::from_utf8_lossy(&output.stdout));
    let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

struct Real(Child);

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The real BIND with one zone and one key that may change addresses in it; none where it is not installed.
async fn named(folder: &TempDir) -> Option<(Real, u16)> {
    let program = Path::new("/usr/sbin/named");
    if !program.exists() {
        println!("BIND is not installed here; nothing was tested against it");
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let here = folder.path().display();
    let zone = "$TTL 60\n@ SOA ns1 admin 1 60 60 60 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.10\n";
    std::fs::write(folder.path().join("zone"), zone).unwrap();
    let config = format!(
        "options {{ directory \"{here}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file none; session-keyfile none; dnssec-validation no; }};\ncontrols {{ }};\n\
         key \"edge\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n\
         zone \"example.test\" {{ type primary; file \"{here}/zone\"; update-policy {{ grant edge name www.example.test A; }}; }};\n",
        base64(KEY)
    );
    std::fs::write(folder.path().join("named.conf"), config).unwrap();
    let child = Command::new(program)
        .arg("-g")
        .arg("-c")
        .arg(folder.path().join("named.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let real = Real(child);
    for _ in 0..1_000 {
        if tool(port, "edge", KEY).check(Args::of(&expect(&[]))).await.is_ok() {
            return Some((real, port));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("BIND never answered");
}

#[tokio::test]
async fn a_real_zone_is_changed_when_it_is_as_it_was_seen_and_only_then() {
    let folder = TempDir::new().unwrap();
    let Some((_named, port)) = named(&folder).await else { return };
    let tool = tool(port, "edge", KEY);
    let (there, back) = (change(&["192.0.2.10"], &["192.0.2.11"]), change(&["192.0.2.11"], &["192.0.2.10"]));
    let preview = tool.preview(Args::of(&there), Some(&back)).await.unwrap();
    assert_eq!(preview.before, json!({"www.example.test A": ["192.0.2.10"]}));
    assert_eq!(preview.after, json!({"www.example.test A": ["192.0.2.11"]}));
    assert_eq!(preview.summary, "`www.example.test A` changes from `192.0.2.10` to `192.0.2.11`");
    assert!(preview.reversible);
    let why = tool.preview(Args::of(&back), None).await.unwrap_err();
    assert_eq!(why, "`www.example.test A` is `192.0.2.10`, not `192.0.2.11`: the update would be refused");

    tool.call(Args::of(&there), &site(5_000)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&["192.0.2.11"]))).await.unwrap().holds);
    assert!(!tool.check(Args::of(&expect(&["192.0.2.10"]))).await.unwrap().holds);
    // The second of the same is refused by BIND, and a look shows that the first applied.
    assert!(tool.call(Args::of(&there), &site(5_000)).await.is_ok());
    // Somebody else's change is not overwritten.
    let stale = change(&["192.0.2.10"], &["192.0.2.99"]);
    let refused = tool.call(Args::of(&stale), &site(5_000)).await;
    let why = "`www.example.test A` is `192.0.2.11`, not `192.0.2.10`";
    assert_eq!(refused, Err(ToolError::NotApplied(why.into())));
    tool.call(Args::of(&back), &site(5_000)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&["192.0.2.10"]))).await.unwrap().holds);
    // To nothing, and from nothing.
    tool.call(Args::of(&change(&["192.0.2.10"], &[])), &site(5_000)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&[]))).await.unwrap().holds);
    tool.call(Args::of(&change(&[], &["192.0.2.1", "192.0.2.2"])), &site(5_000)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&["192.0.2.2", "192.0.2.1"]))).await.unwrap().holds);
    let again = tool.call(Args::of(&change(&[], &["192.0.2.3"])), &site(5_000)).await;
    assert!(matches!(again, Err(ToolError::NotApplied(_))), "{again:?}");
}

#[tokio::test]
async fn a_real_server_refuses_what_the_key_may_not_do() {
    let folder = TempDir::new().unwrap();
    let Some((_named, port)) = named(&folder).await else { return };
    let there = change(&["192.0.2.10"], &["192.0.2.11"]);
    for (name, secret) in [("edge", &b"another key of 32 bytes, or more"[..]), ("other", KEY)] {
        let refused = tool(port, name, secret).call(Args::of(&there), &site(5_000)).await;
        assert!(matches!(refused, Err(ToolError::NotApplied(why)) if why.contains("does not accept the key")), "{name}");
    }
    let mut other = change(&["127.0.0.1"], &["192.0.2.11"]);
    other.with.insert("name".into(), json!("ns1.example.test"));
    let refused = tool(port, "edge", KEY).call(Args::of(&other), &site(5_000)).await;
    assert_eq!(refused, Err(ToolError::NotApplied("the DNS server refuses: Query Refused".into())));
    assert!(tool(port, "edge", KEY).check(Args::of(&expect(&["192.0.2.10"]))).await.unwrap().holds);
}

#[tokio::test]
async fn arguments_that_are_none_send_nothing() {
    let tool = tool(9, "edge", KEY);
    let cases = [
        ("zone", json!("other.test")),
        ("name", json!("www.other.test")),
        ("name", json!("www.example.test;x")),
        ("name", json!("")),
        ("type", json!("MX")),
        ("ttl", json!(0)),
        ("ttl", json!(-1)),
        ("ttl", json!(86_401)),
        ("replace", json!(["x"])),
        ("with", json!("192.0.2.1")),
        ("extra", json!(1)),
    ];
    for (name, value) in cases {
        let mut call = change(&["192.0.2.10"], &["192.0.2.11"]);
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
        assert!(matches!(tool.call(Args::of(&call), &site(100)).await, Err(ToolError::NotApplied(_))), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&change(&[], &[]))), Ok(EffectClass::Cas));
}

#[tokio::test]
async fn a_server_that_takes_an_update_and_never_answers_leaves_it_unknown() {
    // A fake: it reads, and hangs up, or holds on.
    for hold in [false, true] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fake = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut taken = vec![0; 1_024];
            let count = stream.read(&mut taken).await.unwrap();
            (hold.then_some(stream), count)
        });
        let there = change(&["192.0.2.10"], &["192.0.2.11"]);
        let answer = tool(port, "edge", KEY).call(Args::of(&there), &site(500)).await;
        assert!(matches!(answer, Err(ToolError::Unknown(_))), "{answer:?}");
        assert!(fake.await.unwrap().1 > 100);
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let answer = tool(port, "edge", KEY).call(Args::of(&change(&[], &[])), &site(500)).await;
    assert!(matches!(answer, Err(ToolError::NotApplied(_))), "{answer:?}");
}
