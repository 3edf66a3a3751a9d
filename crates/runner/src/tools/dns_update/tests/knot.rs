//! The same tool against another server that knows RFC 2136: Knot, from Debian's package, judged by `dig`.

use super::*;

/// The real Knot with one zone, and a key that may change addresses of one name in it; none where it is not installed.
async fn knotd(folder: &TempDir) -> Option<(Real, u16)> {
    let program = Path::new("/usr/sbin/knotd");
    if !program.exists() || !Path::new("/usr/bin/dig").exists() {
        println!("Knot or dig is not installed here; nothing was tested against it");
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let here = folder.path().display();
    for name in ["run", "db"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let zone = "$ORIGIN example.test.\n$TTL 60\n@ SOA ns1 admin 1 60 60 60 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.10\n";
    std::fs::write(folder.path().join("zone"), zone).unwrap();
    let account = std::fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap();
    let user = if account == 0 { "    user: root:root\n" } else { "" };
    let config = format!(
        "server:\n    rundir: {here}/run\n    listen: 127.0.0.1@{port}\n{user}database:\n    storage: {here}/db\nkey:\n  - id: edge\n    \
         algorithm: hmac-sha256\n    secret: {}\nacl:\n  - id: ask\n    key: edge\n    action: query\n  - id: change\n    key: edge\n    action: update\n    \
         update-type: A\n    update-owner: name\n    update-owner-match: equal\n    update-owner-name: www\nzone:\n  - domain: example.test\n    \
         storage: {here}\n    file: zone\n    zonefile-sync: -1\n    journal-content: changes\n    acl: [change, ask]\n",
        base64(KEY)
    );
    std::fs::write(folder.path().join("knot.conf"), config).unwrap();
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.path().join("knot.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let real = Real(command.spawn().unwrap());
    for _ in 0..1_000 {
        if tool(port, "edge", KEY).check(Args::of(&expect(&[]))).await.is_ok() {
            return Some((real, port));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("Knot never answered");
}

#[tokio::test]
async fn a_zone_of_knot_is_changed_when_it_is_as_it_was_seen_and_only_then() {
    let folder = TempDir::new().unwrap();
    let Some((_knotd, port)) = knotd(&folder).await else { return };
    let tool = tool(port, "edge", KEY);
    let (there, back) = (change(&["192.0.2.10"], &["192.0.2.11", "192.0.2.12"]), change(&["192.0.2.12", "192.0.2.11"], &["192.0.2.10"]));
    assert!(tool.preview(Args::of(&there), Some(&back)).await.unwrap().reversible);
    tool.call(Args::of(&there), &site(5_000)).await.unwrap();
    assert_eq!(dig(port, "www.example.test", "A"), ["192.0.2.11", "192.0.2.12"]);
    // Refused by Knot itself, and a look shows whose change stands.
    tool.call(Args::of(&there), &site(5_000)).await.unwrap();
    let stale = tool.call(Args::of(&change(&["192.0.2.10"], &["192.0.2.99"])), &site(5_000)).await;
    assert!(
        matches!(&stale, Err(ToolError::NotApplied(why)) if why.contains("is `192.0.2.11`, `192.0.2.12`, not `192.0.2.10`")),
        "{stale:?}"
    );
    assert_eq!(dig(port, "www.example.test", "A"), ["192.0.2.11", "192.0.2.12"]);
    tool.call(Args::of(&back), &site(5_000)).await.unwrap();
    assert_eq!(dig(port, "www.example.test", "A"), ["192.0.2.10"]);

    // Outside of what the key may do, and with another key, nothing happens.
    let mut other = there.clone();
    other.with.insert("name".into(), json!("ns1.example.test"));
    other.with.insert("replace".into(), json!(["127.0.0.1"]));
    assert!(matches!(tool.call(Args::of(&other), &site(5_000)).await, Err(ToolError::NotApplied(_))));
    let stranger = super::tool(port, "edge", b"another key, of thirty-two bytes");
    assert!(matches!(stranger.call(Args::of(&there), &site(5_000)).await, Err(ToolError::NotApplied(_))));
    assert_eq!(
        (dig(port, "ns1.example.test", "A"), dig(port, "www.example.test", "A")),
        (vec!["127.0.0.1".to_owned()], vec!["192.0.2.10".to_owned()])
    );
}
