use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

/// A second at which the certificates below, made now, are good: that of a file made just now.
fn now() -> i64 {
    let modified = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
    i64::try_from(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

/// A folder with a root of its own, and certificates that it issued, all made by OpenSSL.
struct Authority(TempDir);

impl Authority {
    fn new() -> Self {
        let it = Self(TempDir::new().unwrap());
        it.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout root.key -out root.pem");
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) -> String {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn issue(&self, name: &str, alternative: &str, days: u32) {
        std::fs::write(self.path("ext"), format!("subjectAltName={alternative}\n")).unwrap();
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA root.pem -CAkey root.key -CAcreateserial -days {days} -extfile ext -out {name}.pem"
        ));
    }

    /// The digest of a file or key, by OpenSSL.
    fn digest(&self, line: &str) -> String {
        self.openssl(line);
        let said = self.openssl("dgst -sha256 -r out.der");
        format!("sha256:{}", said.split(' ').next().unwrap())
    }

    /// A real `openssl s_server` that shows this certificate.
    async fn serve(&self, name: &str, more: &str) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let line = format!("s_server -accept 127.0.0.1:{port} -cert {name}.pem -key {name}.key -quiet{more}");
        let mut command = Command::new("openssl");
        // It ends with its standard input.
        command.args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server { process: command.spawn().unwrap(), port };
        for _ in 0..6_000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("openssl s_server never listened");
    }
}

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tool(port: u16, roots: Option<PathBuf>, now: i64) -> TlsProbe {
    let clock: Clock = Arc::new(move || Timestamp::from_micros(now * 1_000_000));
    let endpoint = EndpointConfig { address: SocketAddr::from(([127, 0, 0, 1], port)), roots };
    TlsProbe::new(&BTreeMap::from([("shop".to_owned(), endpoint)]), &clock).unwrap()
}

fn probe(name: &str, more: &Value) -> ToolCall {
    let mut with = json!({"endpoint": "shop", "name": name});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call("tls_probe", with)
}

async fn holds(tool: &TlsProbe, name: &str, more: Value) -> bool {
    tool.check(Args::of(&probe(name, &more))).await.unwrap().holds
}

#[tokio::test]
async fn a_real_server_is_described_as_openssl_describes_it() {
    let house = Authority::new();
    house.issue("shop", "DNS:shop.example.test,DNS:*.shop.example.test,IP:127.0.0.1", 20);
    let server = house.serve("shop", "").await;
    let tool = tool(server.port, Some(house.path("root.pem")), now());
    let looked = tool.check(Args::of(&probe("shop.example.test", &json!({"days": 19})))).await.unwrap();
    assert!(looked.holds, "{looked:?}");
    let seen = &looked.seen;
    assert_eq!(seen["names"], json!(["shop.example.test", "*.shop.example.test", "127.0.0.1"]));
    assert_eq!((&seen["chain"], &seen["covers"]), (&json!("verifies"), &json!(true)));
    let (key, certificate) =
        (house.digest("pkey -in shop.key -pubout -outform DER -out out.der"), house.digest("x509 -in shop.pem -outform DER -out out.der"));
    assert_eq!((seen["key"].as_str().unwrap(), seen["certificate"].as_str().unwrap()), (&*key, &*certificate));
    let left = seen["seconds_left"].as_i64().unwrap();
    assert!((19 * DAY..=20 * DAY).contains(&left), "{left}");
    assert_eq!(seen["not_after"].as_i64().unwrap() - seen["not_before"].as_i64().unwrap(), 20 * DAY);
    assert!(seen["issuer"] == "CN=root" && seen["protocol"] == "TLS 1.3", "{seen}");

    assert!(holds(&tool, "eu.shop.example.test", json!({"key": key, "certificate": certificate})).await);
    assert!(!holds(&tool, "shop.example.test", json!({"days": 21})).await);
    assert!(!holds(&tool, "shop.example.test", json!({"key": certificate})).await);
    assert!(!holds(&tool, "other.example.test", json!({"chain": "any"})).await);
    let preview = tool.preview(Args::of(&probe("shop.example.test", &json!({}))), None).await.unwrap();
    assert_eq!((preview.summary.as_str(), preview.reversible), ("shakes hands with `shop` as `shop.example.test`; changes nothing", true));
    assert_eq!(tool.call(Args::of(&probe("shop.example.test", &json!({}))), &site()).await.unwrap()["chain"], "verifies");
}

#[tokio::test]
async fn a_bad_certificate_is_described_with_what_is_bad_about_it() {
    let house = Authority::new();
    house.issue("shop", "DNS:shop.example.test", 20);
    let server = house.serve("shop", " -tls1_2").await;
    let roots = Some(house.path("root.pem"));
    let chain = async |tool: TlsProbe, name: &str| {
        let looked = tool.check(Args::of(&probe(name, &json!({})))).await.unwrap();
        assert!(!looked.holds, "{looked:?}");
        looked.seen["chain"].as_str().unwrap().to_owned()
    };
    assert_eq!(chain(tool(server.port, roots.clone(), now() + 30 * DAY), "shop.example.test").await, "expired");
    assert_eq!(chain(tool(server.port, roots.clone(), now() - DAY), "shop.example.test").await, "not valid yet");
    assert_eq!(chain(tool(server.port, roots.clone(), now()), "other.example.test").await, "not for this name");
    let stranger = Authority::new();
    let strange = tool(server.port, Some(stranger.path("root.pem")), now());
    assert_eq!(
        chain(tool(server.port, Some(stranger.path("root.pem")), now()), "shop.example.test").await,
        "no chain to a root that is believed"
    );
    assert!(holds(&strange, "shop.example.test", json!({"chain": "any"})).await, "whoever issued it was not asked about");
    let seen = strange.check(Args::of(&probe("shop.example.test", &json!({})))).await.unwrap().seen;
    assert_eq!(seen["protocol"], "TLS 1.2");
    let failed = strange.call(Args::of(&probe("shop.example.test", &json!({}))), &site()).await;
    assert!(matches!(&failed, Err(ToolError::NotApplied(why)) if why.contains("no chain to a root")), "{failed:?}");
}

#[tokio::test]
async fn what_does_not_shake_hands_is_no_answer() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let why = tool(port, None, now()).check(Args::of(&probe("shop.example.test", &json!({})))).await.unwrap_err();
    assert!(why.contains("cannot be reached"), "{why}");
    // A fake: it listens, reads, and speaks something else.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let fake = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example.test ready\r\n").await.unwrap();
    });
    let why = tool(port, None, now()).check(Args::of(&probe("shop.example.test", &json!({})))).await.unwrap_err();
    assert!(why.contains("does not shake hands"), "{why}");
    fake.await.unwrap();
}

#[test]
fn arguments_and_roots_that_are_none_are_refused() {
    let tool = tool(9, None, 0);
    for (name, value) in [
        ("endpoint", json!("bank")),
        ("name", json!("a b")),
        ("name", json!("")),
        ("days", json!(3_651)),
        ("days", json!("1")),
        ("chain", json!("maybe")),
        ("key", json!("abc")),
        ("certificate", json!(7)),
        ("address", json!("127.0.0.1:443")),
    ] {
        let call = probe("shop.example.test", &json!({ name: value }));
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&probe("127.0.0.1", &json!({})))), Ok(EffectClass::Read));
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "nothing\n").unwrap();
    for (file, said) in [(folder.path().join("empty.pem"), "holds no roots"), (Path::new("/nowhere.pem").to_owned(), "cannot be read")] {
        assert!(Roots::read(Some(&file)).err().unwrap().contains(said), "{}", file.display());
    }
}
