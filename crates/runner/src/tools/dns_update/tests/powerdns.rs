//! The same tool against PowerDNS' HTTP interface: the authoritative server of Debian with its SQLite backend, judged by `dig`.

use super::*;

const API_KEY: &str = "the key of the interface";

struct Town {
    _server: Real,
    dns: u16,
    api: u16,
}

impl Town {
    /// None where it is not installed.
    async fn found(folder: &TempDir) -> Option<Self> {
        let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
        if !Path::new("/usr/sbin/pdns_server").exists() || !Path::new("/usr/bin/dig").exists() || !Path::new(schema).exists() {
            println!("PowerDNS or dig is not installed here; nothing was tested against it");
            return None;
        }
        let [dns, api] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let here = folder.path().display();
        let database = rusqlite::Connection::open(folder.path().join("zones.sqlite3")).unwrap();
        database.execute_batch(&std::fs::read_to_string(schema).unwrap()).unwrap();
        let config = format!(
            "launch=gsqlite3\ngsqlite3-database={here}/zones.sqlite3\nlocal-address=127.0.0.1\nlocal-port={dns}\nsocket-dir={here}\nguardian=no\n\
             daemon=no\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\nwebserver=yes\nwebserver-address=127.0.0.1\nwebserver-port={api}\n\
             api=yes\napi-key={API_KEY}\n"
        );
        std::fs::write(folder.path().join("pdns.conf"), config).unwrap();
        let mut command = Command::new("/usr/sbin/pdns_server");
        command.arg(format!("--config-dir={here}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let town = Self { _server: Real(command.spawn().unwrap()), dns, api };
        for _ in 0..1_000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", api)).await.is_ok() {
                town.curl("POST", "", &json!({"name": "example.test.", "kind": "Native", "nameservers": ["ns1.example.test."]}));
                let first = json!({"rrsets": [{"name": "www.example.test.", "type": "A", "ttl": 60, "changetype": "REPLACE", "records": [{"content": "192.0.2.10", "disabled": false}]}]});
                town.curl("PATCH", "/example.test.", &first);
                return Some(town);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("PowerDNS never answered");
    }

    /// As people change it, past the runner.
    fn curl(&self, method: &str, path: &str, body: &Value) {
        let url = format!("http://127.0.0.1:{}/api/v1/servers/localhost/zones{path}", self.api);
        let key = format!("x-api-key: {API_KEY}");
        let output = Command::new("curl").args(["-fsS", "-X", method, "-H", &key, "-d", &body.to_string(), &url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn tool(&self, key: &str) -> DnsUpdate {
        let url = format!("http://127.0.0.1:{}", self.api);
        let zone = PowerdnsZone { url, server: "localhost".into(), key: Secret::new(key) };
        DnsUpdate::new(&BTreeMap::new(), &BTreeMap::from([("example.test".to_owned(), zone)]), &clock()).unwrap()
    }
}

fn of(kind: &str, name: &str, from: &[&str], to: &[&str]) -> ToolCall {
    let with = json!({"zone": "example.test", "name": name, "type": kind, "ttl": 60, "replace": from, "with": to});
    call("dns_update", with)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_of_powerdns_is_compared_changed_and_taken_back() {
    let folder = TempDir::new().unwrap();
    let Some(town) = Town::found(&folder).await else { return };
    let tool = town.tool(API_KEY);
    let (there, back) = (change(&["192.0.2.10"], &["192.0.2.11", "192.0.2.12"]), change(&["192.0.2.12", "192.0.2.11"], &["192.0.2.10"]));
    assert_eq!(tool.effect(&Args::of(&there)), Ok(EffectClass::Converge), "nothing at the server refuses the second");
    let preview = tool.preview(Args::of(&there), Some(&back)).await.unwrap();
    assert_eq!(preview.summary, "`www.example.test A` changes from `192.0.2.10` to `192.0.2.11`, `192.0.2.12`");
    assert!(preview.reversible);
    tool.call(Args::of(&there), &site(5_000)).await.unwrap();
    assert_eq!(dig(town.dns, "www.example.test", "A"), ["192.0.2.11", "192.0.2.12"]);
    assert!(tool.check(Args::of(&expect(&["192.0.2.12", "192.0.2.11"]))).await.unwrap().holds);
    tool.call(Args::of(&there), &site(5_000)).await.unwrap();
    // Somebody else's change is not overwritten.
    let stale = tool.call(Args::of(&change(&["192.0.2.10"], &["192.0.2.99"])), &site(5_000)).await;
    assert!(
        matches!(&stale, Err(ToolError::NotApplied(why)) if why.contains("is `192.0.2.11`, `192.0.2.12`, not `192.0.2.10`")),
        "{stale:?}"
    );
    assert!(tool.preview(Args::of(&change(&["192.0.2.10"], &["192.0.2.99"])), None).await.is_err());
    tool.call(Args::of(&back), &site(5_000)).await.unwrap();
    assert_eq!(dig(town.dns, "www.example.test", "A"), ["192.0.2.10"]);
    // From nothing, to nothing, and what has to be spelled for it.
    let text = "v=spf1 \"quoted\" \\ ü -all";
    let long = "x".repeat(255);
    tool.call(Args::of(&of("TXT", "t.example.test", &[], &[text, &long])), &site(5_000)).await.unwrap();
    assert_eq!(
        dig(town.dns, "t.example.test", "TXT"),
        ["\"v=spf1 \\\"quoted\\\" \\\\ \\195\\188 -all\"".to_owned(), format!("\"{long}\"")]
    );
    tool.call(Args::of(&of("TXT", "t.example.test", &[&long, text], &[])), &site(5_000)).await.unwrap();
    assert_eq!(dig(town.dns, "t.example.test", "TXT"), Vec::<String>::new());
    tool.call(Args::of(&of("CNAME", "c.example.test", &[], &["www.Example.test"])), &site(5_000)).await.unwrap();
    assert_eq!(dig(town.dns, "c.example.test", "CNAME"), ["www.example.test."]);
    let six = of("AAAA", "six.example.test", &[], &["2001:db8:0:0::1"]);
    tool.call(Args::of(&six), &site(5_000)).await.unwrap();
    assert_eq!(dig(town.dns, "six.example.test", "AAAA"), ["2001:db8::1"]);
    // A name that is something else already: the server says no, and nothing is done.
    let said = tool.call(Args::of(&of("CNAME", "www.example.test", &[], &["ns1.example.test"])), &site(5_000)).await;
    assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("422")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_a_disabled_record_and_a_server_that_is_gone_change_nothing() {
    let folder = TempDir::new().unwrap();
    let Some(town) = Town::found(&folder).await else { return };
    let there = change(&["192.0.2.10"], &["192.0.2.11"]);
    let said = town.tool("another key").call(Args::of(&there), &site(5_000)).await;
    assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("401") && !why.contains("another key")), "{said:?}");
    let off = json!({"rrsets": [{"name": "www.example.test.", "type": "A", "ttl": 60, "changetype": "REPLACE", "records": [{"content": "192.0.2.10", "disabled": true}]}]});
    town.curl("PATCH", "/example.test.", &off);
    let said = town.tool(API_KEY).call(Args::of(&there), &site(5_000)).await;
    assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("disabled records")), "{said:?}");
    let tool = town.tool(API_KEY);
    drop(town);
    assert!(matches!(tool.call(Args::of(&there), &site(5_000)).await, Err(ToolError::NotApplied(_))));
}
