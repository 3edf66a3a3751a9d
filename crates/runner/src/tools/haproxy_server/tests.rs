use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::*;
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_secs(5) }
}

fn tool(folder: &TempDir) -> HaproxyServer {
    HaproxyServer::new(&HaproxyConfig { socket: folder.path().join("s.sock") })
}

struct Real(Child);

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The real HAProxy on a socket of its own; none where it is not installed.
fn haproxy(folder: &TempDir) -> Option<Real> {
    let program = std::path::Path::new("/usr/sbin/haproxy");
    if !program.exists() {
        println!("HAProxy is not installed here; nothing was tested against it");
        return None;
    }
    let config = folder.path().join("haproxy.cfg");
    let mut file = std::fs::File::create(&config).unwrap();
    let socket = folder.path().join("s.sock");
    write!(
        file,
        "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n\
         backend shop\n  server web-1 127.0.0.1:1\n  server web-2 127.0.0.1:2\n",
        socket.display()
    )
    .unwrap();
    let child = Command::new(program).arg("-db").arg("-f").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    Some(Real(child))
}

async fn ready(folder: &TempDir) {
    for _ in 0..500 {
        if UnixStream::connect(folder.path().join("s.sock")).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the socket never answered");
}

#[tokio::test]
async fn a_real_server_is_drained_checked_and_put_back() {
    let folder = TempDir::new().unwrap();
    let Some(_haproxy) = haproxy(&folder) else { return };
    ready(&folder).await;
    let tool = tool(&folder);
    let set = |state: &str| call("haproxy_server", json!({"backend": "shop", "server": "web-1", "state": state}));
    let is = |state: &str| call("haproxy_server", json!({"backend": "shop", "server": "web-1", "expect": state}));
    let preview = tool.preview(Args::of(&set("drain")), Some(&set("ready"))).await.unwrap();
    assert_eq!((preview.before, preview.after), (json!({"shop/web-1": "ready"}), json!({"shop/web-1": "drain"})));
    assert!(preview.reversible);
    assert_eq!(preview.summary, "`shop/web-1` goes from `ready` to `drain`");
    assert!(!tool.check(Args::of(&is("drain"))).await.unwrap().holds);
    for state in ["drain", "drain", "maint", "ready"] {
        tool.call(Args::of(&set(state)), &site()).await.unwrap();
        assert!(tool.check(Args::of(&is(state))).await.unwrap().holds, "{state}");
    }
    let other = call("haproxy_server", json!({"backend": "shop", "server": "web-9", "state": "drain"}));
    assert!(matches!(tool.call(Args::of(&other), &site()).await, Err(ToolError::NotApplied(why)) if why.contains("refuses")));
    assert!(tool.preview(Args::of(&other), None).await.unwrap_err().contains("no server `shop/web-9`"));
    // A server that was in maintenance is not what the undo puts back.
    tool.call(Args::of(&set("maint")), &site()).await.unwrap();
    assert!(!tool.preview(Args::of(&set("drain")), Some(&set("ready"))).await.unwrap().reversible);
}

#[tokio::test]
async fn a_name_can_never_become_a_command() {
    let folder = TempDir::new().unwrap();
    let listener = UnixListener::bind(folder.path().join("s.sock")).unwrap();
    for bad in ["web-1; shutdown sessions", "web-1\nshow info", "web 1", "", "web-1/x", "ünï", "web-1\0", &"x".repeat(129)] {
        let with = json!({"backend": "shop", "server": bad, "state": "drain"});
        let refused = tool(&folder).call(Args::of(&call("haproxy_server", with)), &site()).await;
        assert!(matches!(refused, Err(ToolError::NotApplied(_))), "{bad:?}");
    }
    let with = json!({"backend": "shop", "server": "web-1", "state": "drain", "extra": 1});
    assert!(tool(&folder).effect(&Args::of(&call("haproxy_server", with))).is_err());
    let with = json!({"backend": "shop", "server": "web-1", "state": "ready; x"});
    assert!(tool(&folder).effect(&Args::of(&call("haproxy_server", with))).is_err());
    // Nobody ever connected.
    assert!(tokio::time::timeout(Duration::from_millis(1), listener.accept()).await.is_err());
}

#[tokio::test]
async fn without_an_answer_nobody_knows_and_without_a_socket_nothing_happened() {
    let folder = TempDir::new().unwrap();
    let drain = call("haproxy_server", json!({"backend": "shop", "server": "web-1", "state": "drain"}));
    assert!(matches!(tool(&folder).call(Args::of(&drain), &site()).await, Err(ToolError::NotApplied(_))));
    // A fake that takes the command and says nothing.
    let listener = UnixListener::bind(folder.path().join("s.sock")).unwrap();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut taken = vec![0; 100];
        let count = stream.read(&mut taken).await.unwrap();
        (stream, String::from_utf8_lossy(&taken[..count]).into_owned())
    });
    let site = Site { budget: Duration::from_millis(200), ..site() };
    assert!(matches!(tool(&folder).call(Args::of(&drain), &site).await, Err(ToolError::Unknown(_))));
    assert_eq!(silent.await.unwrap().1, "set server shop/web-1 state drain\n");
}
