//! T15: false green: the goal is reached while a neighbour breaks: *shifted*, and no success.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_is_reached_at_a_neighbours_cost_is_no_success() {
    let world = World::new(1, 1, plain).await;
    let change = world.asks("c0").await;
    assert_eq!(world.approve("alice", &change).await, "counted");
    world.becomes(&change, "verifying").await;
    world.telemetry.set("shop_up", 0.0);
    world.telemetry.set("hit_ratio", 0.99);
    assert_eq!(world.house.finished("alice", &change).await, "escalated");
    let record = world.house.get("alice", &format!("/api/v1/changes/{change}/record")).await;
    assert_eq!(record["verification"]["judged"]["judgement"], "shifted", "{record}");
    assert_eq!(record["outcome"]["absent"], "it is not over", "{record}");
}
