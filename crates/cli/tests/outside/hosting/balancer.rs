use std::process::{Command, Stdio};

use serde_json::json;

use super::super::installation::succeeds;
use super::super::lab::Lab;
use super::{Act, House};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_drained_under_load_and_no_request_fails() {
    let lab = Lab::up_at(23_480);
    let steps = "  - id: drain\n    do: { haproxy_server: { backend: shop, server: \"${target.name}\", state: drain } }\n    timeout: 10s\n    \
         verify: { haproxy_server: { backend: shop, server: \"${target.name}\", expect: drain } }\n    \
         undo: { haproxy_server: { backend: shop, server: \"${target.name}\", state: ready } }\n    on_failure: undo\n    on_unknown: verify\n";
    let rule = "tools = [\"haproxy_server\"]\nwith = { haproxy_server = { backend = [\"shop\"], server = [\"${target.name}\"] } }";
    let acts = [Act { action: "pool.drain_host", target: "host/web-2", inputs: "", steps: steps.into(), rule }];
    let house = House::open(&acts, &format!("[haproxy]\nsocket = {:?}\n", lab.at("HAPROXY_SOCKET")));
    let column = |number: usize| -> u64 {
        let said = succeeds("sh", &["-c", &format!("echo 'show stat' | socat stdio '{}'", lab.at("HAPROXY_SOCKET"))]);
        let row: Vec<String> = said.lines().find(|line| line.starts_with("shop,web-2,")).unwrap().split(',').map(str::to_owned).collect();
        row[number].parse().unwrap_or_default()
    };
    // Sessions in all, errors of connections and of answers (management guide §9.1).
    let (total, connections, answers) = (7, 13, 14);

    // wrk asks all the time, before, during and after.
    let load = Command::new("wrk")
        .args(["-t1", "-c16", "-d20s", "--timeout", "5s", lab.at("HAPROXY_URL")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("wrk: {error}; lab/install brings it"));
    let before = column(total);
    super::eventually("load", async || (column(total) > before + 100).then_some(())).await;
    let (change, word) = house.carried_out("pool.drain_host", "host/web-2", &json!({})).await;
    assert_eq!(word, "escalated", "{}", house.record(&change).await);
    assert_eq!(house.attempts(&change).await, ["drain do 1: succeeded"]);
    // Connections that were open end; after that it gets nothing, while the load goes on.
    let idle = super::eventually("an idle server", async || (column(4) == 0).then(|| column(total))).await;
    let front = || succeeds("curl", &["-fsS", lab.at("HAPROXY_URL")]);
    assert!((0..20).all(|_| front().contains("web-1")));
    let output = load.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    assert!(said.contains("requests in") && !said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    assert_eq!((column(total), column(connections), column(answers)), (idle, 0, 0));
    house.take_back(&change);
    super::eventually("it serves again", async || front().contains("web-2").then_some(())).await;
    house.proved(&change).await;
}
