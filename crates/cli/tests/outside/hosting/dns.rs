use std::process::Command;

use serde_json::json;

use super::super::lab::Lab;
use super::{Act, House, Meanwhile};

fn switch(failure: &str) -> String {
    format!(
        "  - id: switch\n    do: {{ dns_update: {{ zone: \"${{target.name}}\", name: \"${{inputs.name}}\", type: A, ttl: 60, replace: [\"${{inputs.from}}\"], with: [\"${{inputs.to}}\"] }} }}\n    \
         timeout: 20s\n    verify: {{ dns_query: {{ zone: \"${{target.name}}\", name: \"${{inputs.name}}\", type: A, equals: [\"${{inputs.to}}\"] }} }}\n    \
         undo: {{ dns_update: {{ zone: \"${{target.name}}\", name: \"${{inputs.name}}\", type: A, ttl: 60, replace: [\"${{inputs.to}}\"], with: [\"${{inputs.from}}\"] }} }}\n    \
         on_failure: {failure}\n    on_unknown: verify\n"
    )
}

/// `nsupdate`, as somebody else at the keyboard would use it.
fn nsupdate(server: &str, key: &str, old: &str, new: &str) {
    let (host, port) = server.rsplit_once(':').unwrap();
    let script = format!(
        "printf 'server {host} {port}\\nzone example.test\\nupdate delete www.example.test. A {old}\\nupdate add www.example.test. 60 A {new}\\nsend\\n' | nsupdate -y '{key}'"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "nsupdate: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_changed_and_taken_back_and_one_that_moved_meanwhile_is_left_alone() {
    let lab = Lab::up_at(23_440);
    let (server, key) = (lab.at("DNS_ADDRESS").to_owned(), format!("hmac-sha256:{}:{}", lab.at("TSIG_NAME"), lab.at("TSIG_SECRET")));
    let other = {
        let (server, key) = (server.clone(), key.clone());
        move || nsupdate(&server, &key, "192.0.2.10", "192.0.2.77")
    };
    let meanwhile = Meanwhile::does(other);
    let inputs = "{ name: { type: dns_name }, from: { type: ipv4 }, to: { type: ipv4 } }";
    let acts = [
        Act {
            action: "dns.update",
            target: "zone/example.test",
            inputs,
            steps: switch("undo"),
            rule: "tools = [\"dns_update\", \"dns_query\"]\nwith = { dns_update = { zone = [\"${target.name}\"] } }",
        },
        Act {
            action: "dns.update_late",
            target: "zone/example.test",
            inputs,
            steps: Meanwhile::step() + &switch("person"),
            rule: "tools = [\"dns_update\", \"dns_query\", \"http\"]\nservices = [\"meanwhile\"]",
        },
    ];
    let sections = format!(
        "{}[dns.\"example.test\"]\nserver = \"{server}\"\nkey_name = {:?}\nsecret = {:?}\n[zones.\"example.test\"]\nservers = [\"{server}\"]\n",
        meanwhile.section(),
        lab.at("TSIG_NAME"),
        lab.at("TSIG_SECRET"),
    );
    let house = House::open(&acts, &sections);
    let www = || lab.dig("www.example.test");
    let from_to = |from: &str, to: &str| json!({"name": "www.example.test", "from": from, "to": to});
    assert_eq!(www(), "192.0.2.10");

    // A stale precondition does not pass gate 1: the live system says otherwise.
    let (stale, word) = house.propose("dns.update", "zone/example.test", &from_to("192.0.2.99", "192.0.2.20")).await;
    let shown = house.shown(&stale).await;
    assert!(word == "blocked" && shown.contains("not `192.0.2.99`: the update would be refused"), "{word}: {shown}");

    let (change, word) = house.carried_out("dns.update", "zone/example.test", &from_to("192.0.2.10", "192.0.2.20")).await;
    assert_eq!(word, "escalated", "{}", house.record(&change).await);
    assert_eq!((www(), house.attempts(&change).await), ("192.0.2.20".into(), vec!["switch do 1: succeeded".into()]));
    house.take_back(&change);
    let word = super::eventually("taken back", async || Some(house.word(&change).await).filter(|_| www() == "192.0.2.10")).await;
    assert!(!word.is_empty());
    assert_eq!(house.attempts(&change).await, ["switch do 1: succeeded", "switch undo 1: succeeded"]);

    // Signed, sent, and refused by BIND itself: somebody else was faster, between the warrant of one step and that of the next.
    let (late, word) = house.carried_out("dns.update_late", "zone/example.test", &from_to("192.0.2.10", "192.0.2.20")).await;
    assert_eq!(word, "stuck", "{}", house.record(&late).await);
    assert_eq!(www(), "192.0.2.77", "their change stands");
    assert_eq!(house.attempts(&late).await, ["meanwhile do 1: succeeded", "switch do 1: failed (no)"]);
    let record = house.record(&late).await.to_string();
    assert!(record.contains("`www.example.test A` is `192.0.2.77`, not `192.0.2.10`"), "{record}");
    house.proved(&change).await;
}
