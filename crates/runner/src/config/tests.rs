use std::io::Write as _;

use lineclear_ledger::LogKey;
use lineclear_warrant::WarrantKey;

use super::tools::SECRET_MAX;
use super::*;

const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

fn head() -> String {
    let log = LogKey::from_seed("ledger.example/g1", &[1; 32]).unwrap().verifier();
    let warrants = WarrantKey::from_seed([1; 32]).public();
    format!(
        "[runner]\nid = \"runner_{:032x}\"\n[log]\norigin = \"ledger.example/g1\"\nvkey = \"{log}\"\n[control]\nwarrant_key = \"{warrants}\"\n",
        1
    )
}

fn rest() -> String {
    format!(
        "[[approver]]\nid = \"operator_{:032x}\"\nkeys = [\"{SSH}\"]\n\
         [[allow]]\naction = \"dns.update\"\nrisk = \"high\"\ntools = [\"dns_update\"]\ntargets = [\"zone/example.test\"]\nhumans = 1\ngrade = \"ssh\"\n\
         [[allow]]\naction = \"host.drain\"\nrisk = \"low\"\ntools = [\"haproxy_server\", \"wait_for\"]\ntargets = [\"host/*\"]\nwith = {{ haproxy_server = {{ server = [\"${{target.name}}\"] }} }}\n\
         [services.scaler]\nurl = \"http://127.0.0.1:8080\"\n\
         [haproxy]\nsocket = \"/run/haproxy/admin.sock\"\n\
         [dns.\"example.test\"]\nserver = \"127.0.0.1:53\"\nkey_name = \"edge\"\nsecret = \"aHVudGVyMg==\"\n\
         [zones.\"example.test\"]\nservers = [\"127.0.0.1:53\", \"127.0.0.2:53\"]\n\
         [endpoints.shop]\naddress = \"127.0.0.1:443\"\nroots = \"/etc/ssl/root.pem\"\n\
         [acme]\ndirectory = \"https://ca.example.test/dir\"\naccount = \"/var/lib/lineclear/acme.json\"\n\
         [certificates.shop]\nnames = [\"*.example.test\"]\nfolder = \"/etc/lineclear/shop\"\nchallenge = {{ dns-01 = {{ zone = \"example.test\" }} }}\n\
         [terraform.edge]\nfolder = \"/srv/edge\"\nplans = \"/var/lib/lineclear/plans\"\n\
         [postgres.main]\npassfile = \"/etc/lineclear/pgpass\"\nnodes = {{ db-1 = \"host=127.0.0.1\", db-2 = \"host=127.0.0.2\" }}\n\
         [systemd]\nunits = [\"web.service\"]\n\
         [scale.web]\nby = {{ units = {{ template = \"web@\" }} }}\nmost = 8\n\
         [scale.shop]\nby = {{ http = {{ service = \"scaler\", path = \"/services/shop\" }} }}\nmost = 12\n\
         [nginx.upstreams.shop]\nfile = \"/etc/nginx/shop.conf\"\nservers = {{ web-1 = \"127.0.0.1:81\" }}\n\
         [backups.files]\nrepository = \"/srv/restic\"\npassword_file = \"/etc/lineclear/restic\"\npath = \"/srv/files\"\nroot = \"/srv/shop\"\n\
         [receivers.desk]\nurl = \"https://desk.example.test/hook\"\n\
         [prometheus]\nurl = \"http://127.0.0.1:9090\"\n\
         [shell]\ncommands = [\"/bin/true\"]\nworkdir = \"/\"\nconnect = [5432]\n\
         [shell.secrets.database]\nfile = \"/etc/lineclear/database\"\ncommands = [\"/bin/true\"]\n",
        7
    )
}

fn check(text: &str, expected: &str) {
    let said = Config::parse(text).map_or_else(|error| error.to_string(), |_| "read".into());
    assert!(said.contains(expected), "{said}\n{text}");
    assert!(!said.contains("aHVudGVyMg"), "a secret in an error: {said}");
}

#[test]
fn a_whole_file_is_read() {
    let config = Config::parse(&(head() + &rest())).unwrap();
    assert_eq!(config.trust.allow.len(), 2);
    assert_eq!(config.tools.dns["example.test"].secret.expose(), b"hunter2");
    let pinned = &config.trust.allow[&"host.drain".parse().unwrap()].with[&"haproxy_server".parse().unwrap()];
    assert!(pinned["server"].contains(lineclear_warrant::TARGET_NAME));
    assert_eq!(config.tools.zones["example.test"].servers.len(), 2);
    assert_eq!(config.tools.endpoints["shop"].address.port(), 443);
    let shell = config.tools.shell.as_ref().unwrap();
    assert_eq!((shell.connect.len(), shell.sandbox, shell.launcher.is_some()), (1, Sandbox::Available, true));
    assert!(config.tools.haproxy.is_some() && config.tools.prometheus.is_some());
    check(&head(), "read");
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line() {
    check("", "line 1: missing field `runner`");
    check(&(head() + "[extra]\n"), "line 8: unknown field `extra`");
    check(&head().replace("runner_", "agent_"), "line 2:");
    check(&head().replace("vkey = \"", "vkey = \"x"), "line 5:");
    check(&head().replace("warrant-ed25519:", "ed25519:"), "line 7: a warrant key has the form");
    let good = head() + &rest();
    check(&good.replace("host/*", "hosts/*"), "names no targets");
    check(&good.replace("risk = \"high\"", "risk = \"huge\""), "line 13: unknown variant `huge`");
    check(&good.replace("humans = 1\n", ""), "is of high risk");
    check(&good.replace("humans = 1", "humans = 2"), "needs 2 people, and 1 have a key here");
    check(&good.replace("grade = \"ssh\"", "grade = \"session\""), "is of high risk");
    check(&good.replace("action = \"host.drain\"", "action = \"dns.update\""), "`dns.update` stands there twice");
    check(&good.replace("{ haproxy_server =", "{ shell ="), "pins arguments of `shell`");
    check(&good.replace(SSH, "ssh-rsa AAAA"), "key 1 of");
    check(&good.replace("secret = \"aHVudGVyMg==\"\n", ""), "needs either `secret` or `secret_file`");
    check(&good.replace("secret = \"aHVudGVyMg==\"", "secret = \"aHVudGVyMg=!\""), "in base64");
    check(&good.replace("\"/bin/true\"", "\"true\""), "`true` is no absolute path");
    check(&good.replace("key_name = \"edge\"", "key_name = 5"), "line 30:");
    check(
        &good.replace("servers = [\"127.0.0.1:53\", \"127.0.0.2:53\"]", "servers = []"),
        "`zones.example.test` names one to sixteen servers",
    );
    check(&good.replace("/etc/ssl/root.pem", "root.pem"), "`root.pem` is no absolute path");
    check(&good.replace(", db-2 = \"host=127.0.0.2\"", ""), "`postgres.main` names two to sixteen nodes");
    check(&good.replace("host=127.0.0.2", "host=127.0.0.2 password=hunter2"), "its password in `passfile`");
    check(&good.replace("https://ca", "http://ca"), "is asked over https only");
    check(&good.replace("/var/lib/lineclear/acme.json", "acme.json"), "`acme.json` is no absolute path");
    check(&good.replace("*.example.test", "*.Example.test"), "names in small letters");
    check(&good.replace("dns-01 = { zone = \"example.test\" }", "http-01 = { webroot = \"/srv\" }"), "only dns-01 proves");
    check(&good.replace("dns-01", "dns-02"), "unknown variant `dns-02`");
    check(&good.replace("/srv/edge", "edge"), "`edge` is no absolute path");
    check(&good.replace("/etc/lineclear/pgpass", "pgpass"), "`pgpass` is no absolute path");
    check(&good.replace("units = [\"web.service\"]", "units = [\"web\"]"), "is no full name of a unit");
    check(&good.replace("units = [\"web.service\"]", "units = [\"--now.service\"]"), "is no full name of a unit");
    check(&good.replace("units = [\"web.service\"]", "stand_in = \"units\""), "`units` is no absolute path");
    check(&good.replace("web@", "web"), "names no template unit");
    check(&good.replace("most = 8", "most = 0"), "bounds that cannot be meant");
    check(&good.replace("[systemd]\nunits = [\"web.service\"]\n", ""), "counts units, and there is no `[systemd]`");
    check(&good.replace("service = \"scaler\"", "service = \"other\""), "asks a service that is not in `[services]`");
    check(&good.replace("/etc/nginx/shop.conf", "shop.conf"), "`shop.conf` is no absolute path");
    check(&good.replace("{ web-1 = \"127.0.0.1:81\" }", "{}"), "names 1 to 256 servers");
    check(&good.replace("web-1 = \"127.0.0.1:81\"", "\"web;1\" = \"127.0.0.1:81\""), "letters, digits");
    check(&good.replace("/srv/files", "/srv/../etc"), "leads upwards");
    check(&good.replace("/srv/restic", "rest:https://user:hunter2@host.test/"), "with a password in it");
    check(&good.replace("/etc/lineclear/restic", "restic"), "`restic` is no absolute path");
    check(&good.replace("url = \"https://desk.example.test/hook\"", "dedupes = true"), "needs either `url` or `url_file`");
    check(&good.replace("connect = [5432]", "connect = [0]"), "names port 0");
    check(&good.replace("connect = [5432]", "sandbox = \"total\""), "unknown variant `total`");
    check(&good.replace("connect = [5432]", "launcher = \"/bin/sh\""), "unknown field `launcher`");
    check(&good.replace("secrets.database", "secrets.DB"), "a name of small letters");
    check(&good.replace("file = \"/etc/lineclear/database\"", "file = \"database\""), "`database` is no absolute path");
    check(&good.replace("database\"\ncommands = [\"/bin/true\"]", "database\"\ncommands = [\"/bin/sh\"]"), "not among `commands`");
    check(&"#".repeat(CONFIG_MAX + 1), "at most");
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_shown() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "aHVudGVyMg==").unwrap();
    let path = file.path().display().to_string();
    let text = (head() + &rest())
        .replace("secret = \"aHVudGVyMg==\"", &format!("secret_file = \"{path}\""))
        .replace("url = \"http://127.0.0.1:8080\"", &format!("url = \"http://127.0.0.1:8080\"\nbearer_file = \"{path}\""));
    let text = text
        + &format!("[powerdns.\"example.net\"]\nurl = \"http://127.0.0.1:8081\"\nkey_file = \"{path}\"\n")
        + &format!("[kubernetes.prod]\nurl = \"https://127.0.0.1:6443\"\ntoken_file = \"{path}\"\ndeployments = {{ shop = [\"web\"] }}\n");
    check(&text.replace("[\"web\"]", "[\"Web\"]"), "names deployments by namespace");
    let config = Config::parse(&text).unwrap();
    assert_eq!(config.tools.powerdns["example.net"].key.expose(), b"aHVudGVyMg==");
    assert_eq!(config.tools.kubernetes["prod"].token.expose(), b"aHVudGVyMg==");
    assert!(config.tools.secrets().len() >= 4, "each of them is kept out of reports");
    assert_eq!(config.tools.services["scaler"].bearer.as_ref().unwrap().expose(), b"aHVudGVyMg==");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVy") && !shown.contains("104, 117"), "{shown}");
    check(&text.replace(&path, "/nowhere"), "cannot be read");
}

#[test]
fn a_secret_file_that_is_too_long_is_refused_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, length: usize| {
        let path = folder.path().join(name);
        std::fs::write(&path, "A".repeat(length)).unwrap();
        path.display().to_string()
    };
    let good = head() + &rest();
    let dns = |path: &str| good.replace("secret = \"aHVudGVyMg==\"", &format!("secret_file = \"{path}\""));
    let bearer = |path: &str| good.replace("[haproxy]\n", &format!("bearer_file = \"{path}\"\n[haproxy]\n"));
    let (longest, longer) = (file("longest", SECRET_MAX), file("longer", SECRET_MAX + 1));
    for (text, of) in [(dns(&longer), "dns.example.test"), (bearer(&longer), "services.scaler")] {
        check(&text, &format!("the secret file `{longer}` of {of} is too long"));
    }
    check(&dns(&longest), "read");
    check(&bearer(&longest), "read");
    // A device never ends; what is read of it does.
    check(&bearer("/dev/zero"), "the secret file `/dev/zero` of services.scaler is too long");
}
