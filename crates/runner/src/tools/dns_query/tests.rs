use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

fn question(name: &str, kind: &str, equals: Option<&[&str]>) -> ToolCall {
    let mut with = json!({"zone": "example.test", "name": name, "type": kind});
    if let Some(equals) = equals {
        with["equals"] = json!(equals);
    }
    call("dns_query", with)
}

fn tool(ports: &[u16]) -> DnsQuery {
    let servers = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
    DnsQuery::new(&BTreeMap::from([("example.test".to_owned(), ZoneConfig { servers })])).unwrap()
}

struct Real {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A real BIND with this zone; none where it is not installed.
async fn named(records: &str) -> Option<Real> {
    let program = Path::new("/usr/sbin/named");
    if !program.exists() {
        println!("BIND is not installed here; nothing was tested against it");
        return None;
    }
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let here = folder.path().display();
    std::fs::write(folder.path().join("zone"), format!("$TTL 60\n@ NS ns1\nns1 A 127.0.0.1\n{records}")).unwrap();
    let config = format!(
        "options {{ directory \"{here}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file none; session-keyfile none; dnssec-validation no; }};\ncontrols {{ }};\n\
         zone \"example.test\" {{ type primary; file \"{here}/zone\"; }};\n"
    );
    std::fs::write(folder.path().join("named.conf"), config).unwrap();
    let mut command = Command::new(program);
    command.arg("-g").arg("-c").arg(folder.path().join("named.conf")).stdout(Stdio::null()).stderr(Stdio::null());
    let real = Real { process: command.spawn().unwrap(), port, _folder: folder };
    for _ in 0..6_000 {
        let refused =
            ask(SocketAddr::from(([127, 0, 0, 1], port)), &absolute("example.test").unwrap(), &records_of("ns1.example.test")).await;
        if refused.is_ok() {
            return Some(real);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("BIND never answered");
}

fn records_of(name: &str) -> Records {
    Records::read(&absolute("example.test").unwrap(), name, "A", &[]).unwrap()
}

#[tokio::test]
async fn servers_that_agree_hold_and_one_that_lags_behind_does_not() {
    let zone = |serial: u32, www: &str| format!("@ SOA ns1 admin {serial} 60 60 60 60\nwww A {www}\nold CNAME www\n@ TXT \"v=1\" \"x\"\n");
    let (Some(primary), Some(secondary)) = (named(&zone(7, "192.0.2.10")).await, named(&zone(7, "192.0.2.10")).await) else { return };
    let agreeing = tool(&[primary.port, secondary.port]);
    let looked = agreeing.check(Args::of(&question("www.example.test", "A", Some(&["192.0.2.10"])))).await.unwrap();
    assert!(looked.holds, "{looked:?}");
    assert_eq!(looked.seen["serials"], json!([7]));
    assert_eq!(looked.seen["servers"][format!("127.0.0.1:{}", secondary.port)], json!({"values": ["192.0.2.10"], "serial": 7}));
    assert!(!agreeing.check(Args::of(&question("www.example.test", "A", Some(&["192.0.2.11"])))).await.unwrap().holds);
    assert!(agreeing.check(Args::of(&question("example.test", "TXT", Some(&["v=1x"])))).await.unwrap().holds);
    assert!(agreeing.check(Args::of(&question("none.example.test", "A", None))).await.unwrap().holds, "all say that there is none");
    assert!(agreeing.check(Args::of(&question("old.example.test", "CNAME", Some(&["www.example.test"])))).await.unwrap().holds);
    let why = agreeing.check(Args::of(&question("old.example.test", "A", None))).await.unwrap_err();
    assert!(why.contains("`old.example.test A` with another name (CNAME)"), "{why}");

    let Some(lagging) = named(&zone(6, "192.0.2.9")).await else { return };
    let split = tool(&[primary.port, lagging.port]);
    let looked = split.check(Args::of(&question("www.example.test", "A", Some(&["192.0.2.10"])))).await.unwrap();
    assert!(!looked.holds && looked.seen["same"] == json!(false) && looked.seen["serials"] == json!([6, 7]), "{looked:?}");
    let failed = split.call(Args::of(&question("www.example.test", "A", None)), &site()).await;
    assert!(matches!(&failed, Err(ToolError::NotApplied(why)) if why.contains("192.0.2.9")), "{failed:?}");
    let read = agreeing.call(Args::of(&question("www.example.test", "A", None)), &site()).await.unwrap();
    assert_eq!(read["name"], "www.example.test A");
}

#[tokio::test]
async fn a_zone_with_more_servers_than_are_known_is_not_called_settled() {
    let Some(real) = named("@ SOA ns1 admin 1 60 60 60 60\n@ NS ns2\nns2 A 127.0.0.2\nwww A 192.0.2.10\n").await else { return };
    let why = tool(&[real.port]).check(Args::of(&question("www.example.test", "A", Some(&["192.0.2.10"])))).await.unwrap_err();
    assert_eq!(why, "the zone `example.test` names 2 servers, and this runner's file 1");
}

#[tokio::test]
async fn a_server_that_is_silent_or_responsible_for_another_zone_is_no_answer() {
    let Some(real) = named("@ SOA ns1 admin 1 60 60 60 60\nwww A 192.0.2.10\n").await else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let why = tool(&[real.port, port]).check(Args::of(&question("www.example.test", "A", None))).await.unwrap_err();
    assert!(why.starts_with(&format!("the DNS server 127.0.0.1:{port} cannot be reached")), "{why}");
    let servers = BTreeMap::from([("other.test".to_owned(), ZoneConfig { servers: BTreeSet::from([([127, 0, 0, 1], real.port).into()]) })]);
    let mut other = question("www.other.test", "A", None);
    other.with.insert("zone".into(), json!("other.test"));
    let why = DnsQuery::new(&servers).unwrap().check(Args::of(&other)).await.unwrap_err();
    assert!(why.contains("refuses") || why.contains("not authoritative"), "{why}");
}

#[test]
fn only_an_answer_to_our_question_is_believed() {
    let name = absolute("www.example.test").unwrap();
    let mut asked = Message::new(7, MessageType::Query, OpCode::Query);
    asked.add_query(Query::query(name.clone(), RecordType::A));
    let answer = |change: fn(&mut Message)| {
        let mut answer = Message::new(7, MessageType::Response, OpCode::Query);
        answer.add_query(Query::query(absolute("www.example.test").unwrap(), RecordType::A));
        answer.metadata.authoritative = true;
        change(&mut answer);
        believed(&asked, &answer.to_vec().unwrap()).map(|_| ())
    };
    assert_eq!(answer(|_| {}), Ok(()));
    assert_eq!(answer(|answer| answer.metadata.authoritative = false), Err("is not authoritative for the zone".into()));
    assert_eq!(answer(|answer| answer.metadata.id = 8), Err("answers another question".into()));
    assert_eq!(answer(|answer| answer.metadata.message_type = MessageType::Query), Err("answers another question".into()));
    assert_eq!(answer(|answer| answer.queries.clear()), Err("answers another question".into()));
    assert_eq!(answer(|answer| answer.metadata.response_code = ResponseCode::Refused), Err("refuses: Query Refused".into()));
    assert_eq!(believed(&asked, b"x").map(|_| ()), Err("answers what is no DNS message".into()));
}

#[test]
fn arguments_that_are_none_are_refused() {
    let tool = tool(&[9]);
    let cases = [
        ("zone", json!("other.test")),
        ("name", json!("www.other.test")),
        ("name", json!("www.example.test;x")),
        ("type", json!("ANY")),
        ("equals", json!("192.0.2.1")),
        ("equals", json!(["x"])),
        ("server", json!("127.0.0.1")),
    ];
    for (name, value) in cases {
        let mut call = question("www.example.test", "A", None);
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&question("www.example.test", "A", None))), Ok(EffectClass::Read));
}
