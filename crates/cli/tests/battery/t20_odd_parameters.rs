//! T20 (OWASP AISVS 9.2.2): very long and odd parameters are shown whole, and what deceives the eye is made visible.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_parameter_is_hidden() {
    let world = World::new(1, 1, plain).await;
    let odd = format!("safe\u{202e}elif-eteled\u{200b} p\u{430}ypal {}END", "x".repeat(1_200));
    let (status, answer) = world.propose("purger", "c0", &odd).await;
    assert_eq!(status, 201, "{answer}");
    let change = answer["id"].as_str().unwrap().to_owned();
    world.becomes(&change, "awaiting_approval").await;
    let page = world.house.page("alice", &format!("/changes/{change}")).await;
    assert!(page.contains(&format!("{}END", "x".repeat(1_200))), "the parameter is cut");
    for hidden in ['\u{202e}', '\u{200b}'] {
        assert!(!page.contains(hidden), "{hidden:?} stands in the page as it is");
    }
    for visible in ["U+202E", "U+200B", "U+0430"] {
        assert!(page.contains(visible), "{visible} is not made visible");
    }
}
