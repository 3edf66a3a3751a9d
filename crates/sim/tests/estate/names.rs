//! The DNS server, by dig and nsupdate.

use crate::{SECRET, estate, run};
use lineclear_sim::{DNS_PLAN, Estate};

const WWW: &str = "www.example.test";

async fn dig(estate: &Estate, arguments: &[&str]) -> String {
    let port = estate.addresses().dns.port().to_string();
    let all = [&["@127.0.0.1", "-p", &port, "+tries=1", "+time=5"], arguments].concat();
    run("dig", &all, "").await.1
}

/// What nsupdate says to `lines`; `how` are its own arguments.
async fn update(estate: &Estate, how: &[&str], lines: &str) -> (bool, String) {
    let input = format!("server 127.0.0.1 {}\nzone example.test\n{lines}\nsend\n", estate.addresses().dns.port());
    run("nsupdate", how, &input).await
}

fn signed() -> String {
    format!("hmac-sha256:lineclear-key:{SECRET}")
}

const SWAP: &str =
    "prereq yxrrset www.example.test A 192.0.2.10\nupdate delete www.example.test A\nupdate add www.example.test 60 A 192.0.2.20";

#[tokio::test]
async fn dig_gets_the_whole_plan_over_both_transports() {
    let (estate, _directory) = estate(|_| {}).await;
    for (host, [address, _]) in DNS_PLAN {
        assert_eq!(dig(&estate, &["+short", host, "A"]).await.trim(), address);
        assert_eq!(dig(&estate, &["+tcp", "+short", host, "A"]).await.trim(), address);
    }
    let whole = dig(&estate, &[WWW, "A"]).await;
    assert!(whole.contains("status: NOERROR") && whole.contains("flags: qr aa rd;"), "{whole}");
    assert!(!whole.contains("WARNING: Message"), "{whole}");
    let missing = dig(&estate, &["nope.example.test", "A"]).await;
    assert!(missing.contains("status: NXDOMAIN") && missing.contains("simulated.example.test."), "{missing}");
    assert!(dig(&estate, &["www.example.org", "A"]).await.contains("status: REFUSED"));
    estate.stop().await;
}

async fn a_guarded_swap(how: &[&str]) {
    let (estate, _directory) = estate(|_| {}).await;
    let key = signed();
    let how = [&["-y", key.as_str()], how].concat();
    let (applied, said) = update(&estate, &how, SWAP).await;
    assert!(applied, "{said}");
    assert_eq!(said, "", "nsupdate also checks the signature of the answer");
    assert_eq!(dig(&estate, &["+short", WWW, "A"]).await.trim(), "192.0.2.20");
    assert!(dig(&estate, &["+short", "example.test", "SOA"]).await.contains(" 2 60 60 "));
    let (applied, said) = update(&estate, &how, SWAP).await;
    assert!(!applied && said.contains("NXRRSET"), "{said}");
    let create = "prereq nxrrset www.example.test A\nupdate add www.example.test 60 A 192.0.2.9";
    let (applied, said) = update(&estate, &how, create).await;
    assert!(!applied && said.contains("YXRRSET"), "{said}");
    let (applied, said) = update(&estate, &how, "update add example.test 60 MX 10 mail.example.test.").await;
    assert!(!applied && said.contains("REFUSED"), "{said}");
    assert_eq!((estate.effects().dns_updates, estate.effects().dns_refusals, estate.serial()), (1, 3, 2));
    assert_eq!(estate.answer_of(WWW), ["192.0.2.20"]);
    estate.stop().await;
}

#[tokio::test]
async fn nsupdate_swaps_an_address_once_by_datagram() {
    a_guarded_swap(&[]).await;
}

#[tokio::test]
async fn nsupdate_swaps_an_address_once_by_stream() {
    a_guarded_swap(&["-v"]).await;
}

#[tokio::test]
async fn a_transfer_by_difference_still_knows_the_old_address() {
    let (estate, _directory) = estate(|_| {}).await;
    let key = signed();
    assert!(update(&estate, &["-y", &key], SWAP).await.0);
    let difference = dig(&estate, &["-y", &key, "example.test", "IXFR=1", "+noall", "+answer"]).await;
    let rows: Vec<Vec<&str>> = difference.lines().map(|line| line.split_whitespace().skip(3).collect()).collect();
    let kinds: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(kinds, ["SOA", "SOA", "A", "SOA", "A", "SOA"], "{difference}");
    assert_eq!((rows[2][1], rows[4][1]), ("192.0.2.10", "192.0.2.20"));
    let whole = dig(&estate, &["-y", &key, "example.test", "AXFR", "+noall", "+answer"]).await;
    assert_eq!((whole.lines().count(), whole.matches(" SOA").count() + whole.matches("\tSOA").count()), (8, 2), "{whole}");
    assert_eq!(dig(&estate, &["-y", &key, "example.test", "IXFR=2", "+noall", "+answer"]).await.lines().count(), 1);
    assert!(dig(&estate, &["example.test", "AXFR"]).await.contains("Transfer failed"));
    estate.stop().await;
}

#[tokio::test]
async fn a_stranger_changes_nothing() {
    let (estate, _directory) = estate(|_| {}).await;
    let wrong_secret = "hmac-sha256:lineclear-key:YW5vdGhlciBzZWNyZXQgYW5vdGhlciBzZWNyZXQ=";
    let wrong_name = format!("hmac-sha256:other-key:{SECRET}");
    for (how, code) in [(vec![], "REFUSED"), (vec!["-y", wrong_secret], "NOTAUTH"), (vec!["-y", wrong_name.as_str()], "NOTAUTH")] {
        let (applied, said) = update(&estate, &how, SWAP).await;
        assert!(!applied && said.contains(code), "{how:?}: {said}");
    }
    assert_eq!((estate.answer_of(WWW), estate.effects().dns_updates), (vec!["192.0.2.10".to_owned()], 0));
    estate.stop().await;
}
