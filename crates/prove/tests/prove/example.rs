//! The shipped example.

use lineclear_prove::prove;

use crate::house;

#[tokio::test]
async fn the_example_estate_is_proved() {
    let loaded = lineclear_estate::load(&house::root().join("estate/example")).unwrap();
    let proofs = prove(&house::solver().await, &loaded.policies, &loaded.invariants).await.unwrap();
    insta::assert_snapshot!("obligations", proofs.report.to_string());
    insta::assert_snapshot!("matrix", proofs.report.matrix.to_string());
    assert!(proofs.report.holds());
}
