use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

/// As a person left it, with their own words in it.
const OLD: &str = "# web-2 came in June\n  server  127.0.0.1:WEB1;\nserver 127.0.0.1:WEB2; # the new one\n";

fn site(seconds: u64) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_secs(seconds) }
}

fn clock() -> Clock {
    Arc::new(|| {
        let modified = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
    })
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The real nginx of Debian: one front, and three back ends that say their name. It ends with the test.
struct Real {
    folder: TempDir,
    nginx: Child,
    front: u16,
    servers: BTreeMap<String, SocketAddr>,
}

impl Drop for Real {
    fn drop(&mut self) {
        let stop = Command::new("/usr/sbin/nginx").args(["-s", "stop", "-c"]).arg(self.path("nginx.conf")).stderr(Stdio::null()).status();
        // A master that is killed leaves its workers behind.
        if !stop.is_ok_and(|ended| ended.success()) {
            let _ = self.nginx.kill();
        }
        let _ = self.nginx.wait();
    }
}

impl Real {
    /// None where it is not installed.
    fn start() -> Option<Self> {
        if !Path::new("/usr/sbin/nginx").exists() {
            println!("nginx is not installed here; nothing was tested against it");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("ng-").tempdir_in("/var/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let front = port();
        let servers: BTreeMap<String, SocketAddr> =
            ["web-1", "web-2", "web-3"].into_iter().map(|name| (name.to_owned(), ([127, 0, 0, 1], port()).into())).collect();
        let here = folder.path().display();
        let back =
            |(name, address): (&String, &SocketAddr)| format!("server {{ listen {address}; location / {{ return 200 {name}; }} }}\n");
        let config = format!(
            "pid {here}/nginx.pid; error_log {here}/error.log; worker_processes 2; daemon off; events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; \
             scgi_temp_path {here}/s;\nupstream shop {{ include {here}/shop.conf; }}\n\
             server {{ listen 127.0.0.1:{front}; location / {{ proxy_pass http://shop; }} }}\n{}}}\n",
            servers.iter().map(back).collect::<String>()
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let old = OLD.replace("WEB1", &servers["web-1"].port().to_string()).replace("WEB2", &servers["web-2"].port().to_string());
        std::fs::write(folder.path().join("shop.conf"), old).unwrap();
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-c").arg(folder.path().join("nginx.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let nginx = nginx.spawn().unwrap();
        let it = Self { folder, nginx, front, servers };
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", front)).is_ok() && it.path("nginx.pid").exists() {
                return Some(it);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nginx never listened");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tool(&self) -> NginxUpstream {
        let probe = Some(format!("http://127.0.0.1:{}/", self.front));
        let upstream = UpstreamConfig { file: self.path("shop.conf"), servers: self.servers.clone(), probe };
        let config = NginxConfig {
            program: "/usr/sbin/nginx".into(),
            config: self.path("nginx.conf"),
            pid: self.path("nginx.pid"),
            upstreams: [("shop".to_owned(), upstream)].into(),
        };
        NginxUpstream::new(&config, &clock()).unwrap()
    }

    /// Who answers, as `curl` sees it.
    fn served(&self) -> Vec<String> {
        let mut names: Vec<String> = (0..20)
            .map(|_| {
                let output = Command::new("curl").args(["-fsS", &format!("http://127.0.0.1:{}/", self.front)]).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).unwrap()
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.path("shop.conf")).unwrap()
    }
}

fn change(old: &[&str], new: &[&str]) -> ToolCall {
    call("nginx_upstream", json!({"upstream": "shop", "replace": old, "with": new}))
}

fn expect(servers: &[&str]) -> ToolCall {
    call("nginx_upstream", json!({"upstream": "shop", "expect": servers}))
}

fn refused(said: &Result<Value, ToolError>, why: &str) {
    assert!(matches!(said, Err(ToolError::NotApplied(text)) if text.contains(why)), "{why}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_nginx_serves_by_other_servers_and_gets_its_bytes_back() {
    let Some(real) = Real::start() else { return };
    let tool = real.tool();
    let before = real.file();
    let (there, back) = (change(&["web-1", "web-2"], &["web-1 down", "web-3"]), change(&["web-1 down", "web-3"], &["web-2", "web-1"]));
    assert_eq!(real.served(), ["web-1", "web-2"]);
    assert!(tool.check(Args::of(&expect(&["web-2", "web-1"]))).await.unwrap().holds);
    let preview = tool.preview(Args::of(&there), Some(&back)).await.unwrap();
    assert_eq!(preview.summary, "`shop` changes from `web-1`, `web-2` to `web-1 down`, `web-3`");
    assert!(preview.reversible);
    let digest = Digest::of(&before).to_string();
    assert_eq!(preview.before["digest"], digest.as_str());

    tool.call(Args::of(&there), &site(20)).await.unwrap();
    assert_eq!(real.served(), ["web-3"]);
    let looked = tool.check(Args::of(&expect(&["web-1 down", "web-3"]))).await.unwrap();
    assert!(looked.holds && looked.seen["workers"] == 2, "{looked:?}");
    // The second of the same ends the same; whoever saw another file is refused.
    tool.call(Args::of(&there), &site(20)).await.unwrap();
    refused(&tool.call(Args::of(&change(&["web-1"], &["web-2"])), &site(20)).await, "`shop` is `web-1 down`, `web-3`, not `web-1`");
    assert!(tool.preview(Args::of(&there), None).await.is_err());
    // Taking back gives back every byte, also those that a person wrote.
    tool.call(Args::of(&back), &site(20)).await.unwrap();
    assert_eq!((real.served(), real.file()), (vec!["web-1".to_owned(), "web-2".to_owned()], before));
    // Exactly these bytes, or nothing.
    let mut exact = there.clone();
    exact.with.insert("digest".into(), json!(digest));
    std::fs::write(real.path("shop.conf"), [&real.file()[..], b"# a word more\n"].concat()).unwrap();
    refused(&tool.call(Args::of(&exact), &site(20)).await, "has the digest");
    assert_eq!(real.served(), ["web-1", "web-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nginx_refuses_is_put_back_and_what_it_has_not_read_is_seen() {
    let Some(real) = Real::start() else { return };
    let tool = real.tool();
    let before = real.file();
    // Another file of the configuration is broken: nginx itself says so.
    let config = std::fs::read_to_string(real.path("nginx.conf")).unwrap();
    std::fs::write(real.path("nginx.conf"), config.replace("worker_processes 2;", "worker_processes 2; nonsense on;")).unwrap();
    let said = tool.call(Args::of(&change(&["web-1", "web-2"], &["web-3"])), &site(20)).await;
    refused(&said, "nginx refuses the configuration: ");
    assert!(format!("{said:?}").contains("unknown directive"), "{said:?}");
    assert_eq!(real.file(), before);
    std::fs::write(real.path("nginx.conf"), config).unwrap();
    // A crash between the file and the signal: the file says one thing, and the workers serve another.
    let config = &tool.config.upstreams["shop"];
    // As soon as its workers are older than the clocks are blurred.
    let mut served = true;
    for _ in 0..500 {
        put(&config.file, &Servers::named(&["web-3"], config).unwrap().render()).unwrap();
        let looked = tool.check(Args::of(&expect(&["web-3"]))).await.unwrap();
        served = looked.holds;
        if !served {
            assert_eq!(looked.seen["served"], false);
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!served, "a file that nobody has read counts as served");
    tool.call(Args::of(&change(&["web-1", "web-2"], &["web-3"])), &site(20)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&["web-3"]))).await.unwrap().holds);
    assert_eq!(real.served(), ["web-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_worker_that_still_serves_is_waited_for_and_then_told() {
    let Some(real) = Real::start() else { return };
    let tool = real.tool();
    // A request that has begun and does not end: its worker stays.
    let mut open = TcpStream::connect(("127.0.0.1", real.front)).unwrap();
    open.write_all(b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    open.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100", "nginx waits for the rest of it");
    open.write_all(b"half").unwrap();
    let said = tool.call(Args::of(&change(&["web-1", "web-2"], &["web-3"])), &site(3)).await;
    assert!(matches!(&said, Err(ToolError::Partly(why)) if why.contains("workers still serve by the old one")), "{said:?}");
    assert_eq!(real.served(), ["web-3"], "new requests are served by the new one");
    open.write_all(b" whole").unwrap();
    drop(open);
    tool.call(Args::of(&change(&["web-1", "web-2"], &["web-3"])), &site(20)).await.unwrap();
    assert!(tool.check(Args::of(&expect(&["web-3"]))).await.unwrap().holds);
}

#[tokio::test]
async fn without_nginx_nothing_is_written_and_no_other_process_is_signalled() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.conf");
    std::fs::write(&file, "server 127.0.0.1:1;\n").unwrap();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    std::fs::write(folder.path().join("pid"), other.id().to_string()).unwrap();
    let servers = [("web-1".to_owned(), "127.0.0.1:1".parse().unwrap()), ("web-2".to_owned(), "127.0.0.1:2".parse().unwrap())].into();
    let upstream = UpstreamConfig { file: file.clone(), servers, probe: None };
    let config = NginxConfig {
        program: "/bin/true".into(),
        config: "/dev/null".into(),
        pid: folder.path().join("pid"),
        upstreams: [("shop".to_owned(), upstream)].into(),
    };
    let tool = NginxUpstream::new(&config, &clock()).unwrap();
    refused(&tool.call(Args::of(&change(&["web-1"], &["web-2"])), &site(5)).await, "its file names another process");
    assert!(other.try_wait().unwrap().is_none(), "it lives");
    assert_eq!(std::fs::read(&file).unwrap(), b"server 127.0.0.1:1;\n");
    let bad = [
        json!(["web-9"]),
        json!(["web-2; }"]),
        json!(["web-2 down"]),
        json!(["web-2 weight=0"]),
        json!(["web-2 a b"]),
        json!(["web-2", "web-2"]),
        json!([]),
    ];
    for with in bad {
        let call = call("nginx_upstream", json!({"upstream": "shop", "replace": ["web-1"], "with": with}));
        assert!(tool.effect(&Args::of(&call)).is_err(), "{with}");
    }
    for (name, value) in
        [("upstream", json!("other")), ("with", json!(["web-1"])), ("digest", json!("sha256:0")), ("file", json!("/etc/passwd"))]
    {
        let mut call = change(&["web-1"], &["web-2"]);
        call.with.insert(name.into(), value);
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name}");
    }
    std::fs::write(&file, "server 127.0.0.1:1;\nkeepalive 8;\n").unwrap();
    assert!(Include::read(&file).err().unwrap().contains("`keepalive 8;`"));
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(!folder.path().join(".shop.conf.new").exists());
}
