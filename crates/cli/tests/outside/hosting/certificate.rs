use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::{Act, House, port};

/// Pebble (Let's Encrypt's own test authority) and BIND, from Debian's packages; they end with the test.
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
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("ca-").tempdir().unwrap();
        let mut town = Self { folder, running: Vec::new(), pebble: port(), management: port(), dns: port() };
        let (pebble, management, dns) = (town.pebble, town.management, town.dns);
        town.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root -keyout root.key -out root.pem");
        town.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pebble -keyout pebble.key -out pebble.csr");
        std::fs::write(town.path("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        town.openssl("x509 -req -in pebble.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile ext -out pebble.pem");
        let here = town.folder.path().display().to_string();
        std::fs::write(town.path("zone"), "$TTL 60\n@ SOA ns1 admin 1 60 60 60 60\n@ NS ns1\nns1 A 127.0.0.1\nshop A 127.0.0.1\n").unwrap();
        let named = format!(
            "options {{ directory \"{here}\"; listen-on port {dns} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; pid-file none; \
             session-keyfile none; dnssec-validation no; }};\ncontrols {{ }};\nkey \"edge\" {{ algorithm hmac-sha256; secret \"aHVudGVyMmh1bnRlcjJodW50ZXIy\"; }};\n\
             zone \"example.test\" {{ type primary; file \"{here}/zone\"; update-policy {{ grant edge zonesub TXT; }}; }};\n"
        );
        std::fs::write(town.path("named.conf"), named).unwrap();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{pebble}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": town.path("pebble.pem"), "privateKey": town.path("pebble.key"), "httpPort": port(), "tlsPort": port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        std::fs::write(town.path("pebble.json"), config.to_string()).unwrap();
        let (file, zones, server) = (town.text("pebble.json"), town.text("named.conf"), format!("127.0.0.1:{dns}"));
        town.spawn(Command::new("/usr/sbin/named").args(["-g", "-c", &zones]));
        let quick = [("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0")];
        town.spawn(Command::new("pebble").args(["-config", &file, "-dnsserver", &server]).envs(quick));
        for port in [pebble, dns] {
            super::eventually("somebody listens", async || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
        }
        town
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn spawn(&mut self, command: &mut Command) {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.running.push(child.unwrap_or_else(|error| panic!("{error}; lab/install brings it")));
    }

    fn openssl(&self, line: &str) -> String {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_issued_when_two_have_signed_and_openssl_believes_it() {
    let town = Town::start().await;
    let steps = "  - id: issue\n    do: { acme_issue: { certificate: shop, names: [\"${target.name}\"], days: 30 } }\n    timeout: 2m\n    \
         verify: { acme_issue: { certificate: shop, days: 30 } }\n    on_failure: person\n    on_unknown: verify\n";
    let rule = "tools = [\"acme_issue\"]\nwith = { acme_issue = { certificate = [\"shop\"] } }";
    let acts = [Act { action: "certificate.issue", target: "certificate/shop.example.test", inputs: "", steps: steps.into(), rule }];
    let sections = format!(
        "[acme]\ndirectory = \"https://127.0.0.1:{}/dir\"\nroots = {:?}\naccount = {:?}\nterms_agreed = true\n[certificates.shop]\nnames = [\"shop.example.test\"]\n\
         folder = {:?}\nchallenge = {{ dns-01 = {{ zone = \"example.test\" }} }}\n[dns.\"example.test\"]\nserver = \"127.0.0.1:{}\"\nkey_name = \"edge\"\n\
         secret = \"aHVudGVyMmh1bnRlcjJodW50ZXIy\"\n[zones.\"example.test\"]\nservers = [\"127.0.0.1:{}\"]\n",
        town.pebble,
        town.text("root.pem"),
        town.text("account.json"),
        town.text("shop"),
        town.dns,
        town.dns,
    );
    let house = House::open(&acts, &sections);
    let (change, word) = house.propose("certificate.issue", "certificate/shop.example.test", &json!({})).await;
    assert_eq!(word, "awaiting_approval", "{}", house.record(&change).await);
    house.sign("alice", &change);
    assert!(!town.path("shop/current").exists(), "one signature is not two");
    house.sign("bob", &change);
    let word = house.0.finished("alice", &change).await;
    assert_eq!(word, "escalated", "{}", house.record(&change).await);
    assert_eq!(house.attempts(&change).await, ["issue do 1: succeeded"]);

    // Judged by OpenSSL, with the root that Pebble itself hands out.
    let roots = Command::new("curl").args(["-fsSk", &format!("https://127.0.0.1:{}/roots/0", town.management)]).output().unwrap();
    std::fs::write(town.path("issuer.pem"), roots.stdout).unwrap();
    let said = town
        .openssl("verify -CAfile issuer.pem -untrusted shop/current/chain.pem -verify_hostname shop.example.test shop/current/chain.pem");
    assert!(said.contains(": OK"), "{said}");
    let (of_chain, of_key) =
        (town.openssl("x509 -in shop/current/chain.pem -noout -pubkey"), town.openssl("pkey -in shop/current/key.pem -pubout"));
    assert_eq!(of_chain, of_key, "the key belongs to the certificate");
    // Neither the log nor the record holds the key.
    let key = std::fs::read_to_string(town.path("shop/current/key.pem")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!house.record(&change).await.to_string().contains(secret));
    house.proved(&change).await;
}
