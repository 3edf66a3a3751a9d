//! Starting, refusing to start, and stopping.

use crate::{SECRET, client, estate, key};
use lineclear_sim::{Estate, Options, SimError, TsigKey};

#[tokio::test]
async fn two_estates_live_side_by_side_and_stopping_one_frees_its_ports() {
    let (one, directory) = estate(|_| {}).await;
    let (other, _other_directory) = estate(|_| {}).await;
    let addresses = one.addresses().clone();
    one.stop().await;
    for url in [&addresses.balancer, &addresses.prometheus, &addresses.scaler, &addresses.servers["web-1"]] {
        assert!(client().get(url).send().await.unwrap_err().is_connect(), "{url}");
    }
    assert!(tokio::net::UdpSocket::bind(addresses.dns).await.is_ok());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    assert!(client().get(&other.addresses().balancer).send().await.unwrap().status().is_success());
    drop(other);
}

#[tokio::test]
async fn what_cannot_work_is_refused_and_secrets_do_not_show() {
    let directory = tempfile::tempdir().unwrap();
    let short = TsigKey { name: "k".to_owned(), secret: "c2hvcnQ=".to_owned() };
    let refused = Estate::start(Options::new(directory.path(), short)).await.unwrap_err();
    assert!(matches!(refused, SimError::Key(_)) && !refused.to_string().contains("c2hvcnQ="), "{refused}");
    let mut outside = Options::new(directory.path(), key());
    outside.notify = Some("http://192.0.2.1:80/".to_owned());
    outside.notify_token = Some("hidden-token".to_owned());
    let shown = format!("{outside:?}");
    assert!(!shown.contains("hidden-token") && !shown.contains(SECRET), "{shown}");
    assert!(matches!(Estate::start(outside).await.unwrap_err(), SimError::Receiver(_)));
    let nowhere = Options::new(directory.path().join("missing"), key());
    assert!(matches!(Estate::start(nowhere).await.unwrap_err(), SimError::Listen { .. }));
    let (estate, _directory) = estate(|_| {}).await;
    assert!(matches!(estate.kill_backend("web-9").await.unwrap_err(), SimError::NoServer(_)));
    estate.kill_backend("web-1").await.unwrap();
    estate.kill_backend("web-1").await.unwrap();
    estate.restart_backend("web-1").await.unwrap();
    estate.restart_backend("web-1").await.unwrap();
    assert!(client().get(&estate.addresses().servers["web-1"]).send().await.unwrap().status().is_success());
    estate.stop().await;
}
