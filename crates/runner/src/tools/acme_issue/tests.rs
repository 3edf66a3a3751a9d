use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::config::{Challenge, DnsZone, ZoneConfig};
use crate::control::{call, id};
use crate::secret::Secret;

const KEY: &[u8] = b"a key of thirty-two bytes, or so";

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Pebble (Let's Encrypt's own test authority), BIND and a web server, all real; they end with the test.
struct Town {
    folder: TempDir,
    running: Vec<Child>,
    pebble: u16,
    management: u16,
    dns: u16,
}

impl Drop for Town {
    fn drop(&mut self) {
        for process in &mut self.running {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Town {
    /// None where one of them is not installed.
    async fn found() -> Option<Self> {
        if ["/usr/bin/pebble", "/usr/sbin/named", "/usr/bin/python3"].iter().any(|program| !Path::new(program).exists()) {
            println!("Pebble, BIND or Python is not installed here; nothing was tested against them");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let (pebble, management, dns, web) = (port(), port(), port(), port());
        let mut town = Self { folder, running: Vec::new(), pebble, management, dns };
        town.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout root.key -out root.pem");
        town.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pebble -keyout pebble.key -out pebble.csr");
        std::fs::write(town.path("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        town.openssl("x509 -req -in pebble.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile ext -out pebble.pem");
        town.named();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{pebble}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": town.path("pebble.pem"), "privateKey": town.path("pebble.key"), "httpPort": web, "tlsPort": port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        std::fs::write(town.path("pebble.json"), config.to_string()).unwrap();
        std::fs::create_dir(town.path("web")).unwrap();
        // It sleeps, refuses numbers used once, and skips proofs at random, unless it is told not to.
        let quick = [("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0")];
        let (file, server) = (town.text("pebble.json"), format!("127.0.0.1:{dns}"));
        town.start(Command::new("pebble").args(["-config", &file, "-dnsserver", &server]).envs(quick));
        let (web, root) = (web.to_string(), town.text("web"));
        town.start(Command::new("python3").args(["-m", "http.server", &web, "--bind", "127.0.0.1", "--directory", &root]));
        for port in [pebble, dns, web.parse().unwrap()] {
            town.listens(port).await;
        }
        Some(town)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn openssl(&self, line: &str) -> String {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn named(&mut self) {
        use base64::Engine as _;
        let (here, port, key) = (self.folder.path().display(), self.dns, base64::engine::general_purpose::STANDARD.encode(KEY));
        let zone = "$TTL 60\n@ SOA ns1 admin 1 60 60 60 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 127.0.0.1\n";
        std::fs::write(self.path("zone"), zone).unwrap();
        let config = format!(
            "options {{ directory \"{here}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
             pid-file none; session-keyfile none; dnssec-validation no; }};\ncontrols {{ }};\n\
             key \"edge\" {{ algorithm hmac-sha256; secret \"{key}\"; }};\n\
             zone \"example.test\" {{ type primary; file \"{here}/zone\"; update-policy {{ grant edge zonesub TXT; }}; }};\n"
        );
        std::fs::write(self.path("named.conf"), config).unwrap();
        let file = self.text("named.conf");
        self.start(Command::new("/usr/sbin/named").args(["-g", "-c", &file]));
    }

    fn start(&mut self, command: &mut Command) {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(command.spawn().unwrap());
    }

    async fn listens(&self, port: u16) {
        for _ in 0..6_000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody listens on {port}");
    }

    fn tool(&self, names: &[&str], challenge: Challenge) -> AcmeIssue {
        // The machine's own time: that of a file made just now.
        let clock: Clock = Arc::new(|| {
            let modified = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
            let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
            Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
        });
        let authority = AcmeConfig {
            directory: format!("https://127.0.0.1:{}/dir", self.pebble),
            roots: Some(self.path("root.pem")),
            account: self.path("account.json"),
            terms_agreed: true,
        };
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let server = ([127, 0, 0, 1], self.dns).into();
        let zone = DnsZone { server, key_name: "edge".into(), secret: Secret::new(KEY) };
        let tools = Tools {
            certificates: [("shop".to_owned(), CertificateConfig { names, folder: self.path("shop"), challenge })].into(),
            dns: [("example.test".to_owned(), zone)].into(),
            zones: [("example.test".to_owned(), ZoneConfig { servers: [server].into() })].into(),
            ..Tools::default()
        };
        AcmeIssue::new(&authority, &tools, &clock).unwrap()
    }

    /// What stands at a name, by `dig`.
    fn txt(&self, name: &str) -> String {
        let output = Command::new("dig").args(["+short", "@127.0.0.1", "-p", &self.dns.to_string(), name, "TXT"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The chain leads to Pebble's root, and the key is its key: by OpenSSL.
    fn verifies(&self, name: &str) {
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        let root = Command::new("curl").args(["-fsS", "--cacert", &self.text("root.pem"), &url]).output().unwrap();
        std::fs::write(self.path("issuer.pem"), root.stdout).unwrap();
        self.openssl(&format!(
            "verify -CAfile issuer.pem -untrusted shop/current/chain.pem -verify_hostname {name} shop/current/chain.pem"
        ));
        let of_key = self.openssl("pkey -in shop/current/key.pem -pubout");
        assert_eq!(of_key, self.openssl("x509 -in shop/current/chain.pem -noout -pubkey"));
        assert_eq!(of_key, self.openssl("pkey -in shop/current/both.pem -pubout"));
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(self.path("shop/current/key.pem")).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
}

fn dns() -> Challenge {
    Challenge::Dns01 { zone: "example.test".into() }
}

fn issue(names: &[&str]) -> ToolCall {
    call("acme_issue", json!({"certificate": "shop", "names": names, "days": 30}))
}

fn good() -> ToolCall {
    call("acme_issue", json!({"certificate": "shop", "days": 30}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_issued_once_and_stays_while_it_is_good() {
    let Some(town) = Town::found().await else { return };
    let names = ["shop.example.test", "*.shop.example.test"];
    let (tool, there) = (town.tool(&names, dns()), issue(&names));
    assert_eq!(tool.check(Args::of(&good())).await.unwrap(), Look { holds: false, seen: Value::Null });
    let preview = tool.preview(Args::of(&there), None).await.unwrap();
    assert!(preview.before.is_null() && preview.summary.starts_with("a certificate for *.shop.example.test, shop.example.test is ordered"));
    let output = tool.call(Args::of(&there), &site()).await.unwrap();
    assert!(output["order"].as_str().unwrap().contains("/my-order/"), "{output}");
    let looked = tool.check(Args::of(&good())).await.unwrap();
    assert!(looked.holds && looked.seen["key_fits"] == true, "{looked:?}");
    town.verifies("eu.shop.example.test");
    assert_eq!(town.txt("_acme-challenge.shop.example.test"), "", "the proof was taken away");
    assert!(!town.path("shop/order.json").exists() && !town.path("shop/key.new.pem").exists());

    let before = std::fs::read_link(town.path("shop/current")).unwrap();
    let again = tool.call(Args::of(&there), &site()).await.unwrap();
    assert_eq!((again["already"].as_bool(), std::fs::read_link(town.path("shop/current")).unwrap()), (Some(true), before.clone()));
    assert!(tool.preview(Args::of(&there), None).await.unwrap().summary.ends_with("nothing changes"));
    // With a key that is not its own it is not good, and is replaced; the one before stays beside it.
    std::fs::copy(town.path("root.key"), town.path("shop/current/key.pem")).unwrap();
    assert!(!tool.check(Args::of(&good())).await.unwrap().holds);
    tool.call(Args::of(&there), &site()).await.unwrap();
    assert!(std::fs::read_link(town.path("shop/current")).unwrap() != before && town.path("shop").join(before).exists());
    town.verifies("shop.example.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_left_is_taken_up_and_not_placed_again() {
    let Some(town) = Town::found().await else { return };
    let names = ["shop.example.test"];
    let tool = town.tool(&names, dns());
    let (folder, wanted) = (town.path("shop"), names.iter().map(|name| (*name).to_owned()).collect());
    let folder = Folder::at(&folder);
    let account = account::open(&tool.authority).await.unwrap();
    let first = order::take_up(&account, &folder, &wanted).await.unwrap().url().to_owned();
    assert!(town.path("shop/order.json").exists(), "its address is kept before anything else is asked");
    // Died before the proof, and after it.
    let mut second = order::take_up(&account, &folder, &wanted).await.unwrap();
    assert_eq!(second.url(), first);
    tool.certificates["shop"].1.prove(&mut second, Duration::from_mins(1)).await.unwrap();
    // Died after the order was finalized, with the key on disk and no certificate yet.
    let third = order::take_up(&account, &folder, &wanted).await.unwrap();
    assert_eq!(third.url(), first);
    drop(order::finish(third, &folder, &wanted, Duration::from_mins(1)).await.unwrap());
    let output = tool.call(Args::of(&issue(&names)), &site()).await.unwrap();
    assert_eq!(output["order"], first);
    town.verifies("shop.example.test");
    // Without its key a finished order is of no use.
    let left = json!({"url": first, "names": names});
    folder.keep_order(&left.to_string()).unwrap();
    assert_ne!(order::take_up(&account, &folder, &wanted).await.unwrap().url(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_proved_by_its_web_server_and_by_nothing_else() {
    let Some(town) = Town::found().await else { return };
    let names = ["www.example.test"];
    let elsewhere = town.tool(&names, Challenge::Http01 { webroot: town.path("elsewhere") });
    let failed = elsewhere.call(Args::of(&issue(&names)), &site()).await;
    assert!(matches!(&failed, Err(ToolError::NotApplied(why)) if why.contains("nothing was issued") && why.contains("404")), "{failed:?}");
    assert_eq!(std::fs::read_dir(town.path("elsewhere/.well-known/acme-challenge")).unwrap().count(), 0, "the proof was taken away");
    assert!(!town.path("shop/current").exists());
    let tool = town.tool(&names, Challenge::Http01 { webroot: town.path("web") });
    tool.call(Args::of(&issue(&names)), &site()).await.unwrap();
    town.verifies("www.example.test");
    assert_eq!(std::fs::read_dir(town.path("web/.well-known/acme-challenge")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_not_agreed_to_or_is_not_this_runners_is_not_ordered() {
    let folder = TempDir::new().unwrap();
    let authority = AcmeConfig {
        directory: "https://127.0.0.1:9/dir".into(),
        roots: None,
        account: folder.path().join("account"),
        terms_agreed: false,
    };
    let challenge = Challenge::Http01 { webroot: folder.path().to_owned() };
    let config = CertificateConfig { names: ["a.test".to_owned()].into(), folder: folder.path().join("shop"), challenge };
    let mut tools = Tools { certificates: [("shop".to_owned(), config)].into(), ..Tools::default() };
    let clock: Clock = Arc::new(|| Timestamp::from_micros(0));
    let tool = AcmeIssue::new(&authority, &tools, &clock).unwrap();
    let refused = tool.call(Args::of(&issue(&["a.test"])), &site()).await;
    assert!(matches!(&refused, Err(ToolError::NotApplied(why)) if why.contains("terms")), "{refused:?}");
    for (name, value) in [
        ("certificate", json!("bank")),
        ("names", json!(["a.test", "b.test"])),
        ("names", json!([])),
        ("names", json!("a.test")),
        ("days", json!(3_651)),
        ("directory", json!("https://elsewhere.test")),
    ] {
        let mut call = issue(&["a.test"]);
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&issue(&["A.test"]))), Ok(EffectClass::Converge));
    tools.certificates.get_mut("shop").unwrap().challenge = dns();
    assert!(AcmeIssue::new(&authority, &tools, &clock).err().unwrap().contains("there is no section `dns.\"example.test\"`"));
}
