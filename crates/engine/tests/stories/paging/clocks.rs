//! Clocks go forward and back, and nine in the morning stays nine in the morning.

use lineclear_core::Timestamp;
use lineclear_testkit::World;

use super::{desk, the_mail_goes_down};

/// bob and alice in turns of a day, from nine to nine in Vienna.
const DAILY: &str = "zone: Europe/Vienna\nturns: { every: 1d, from: \"2026-11-01 09:00:00\", people: [bob, dave] }\n";

async fn told_at(world: &World, time: &str) -> &'static str {
    let time: Timestamp = time.parse().unwrap();
    world.sleeps(time.since(world.now()));
    let incident = the_mail_goes_down(world).await;
    let now = world.now();
    let rang = async |login: &str| world.pager(login).rang().await.iter().any(|(_, at)| *at == now);
    let who = (rang("bob").await, rang("dave").await);
    // What goes wrong after this is something new.
    world.engine().close_incident(&world.pager("carol").caller(), incident, "it is well".into()).await.unwrap();
    match who {
        (true, false) => "bob",
        (false, true) => "dave",
        both => panic!("{both:?}"),
    }
}

#[tokio::test]
async fn the_night_in_which_clocks_go_forward_is_an_hour_shorter() {
    let world = World::of(&desk(DAILY)).await;
    assert_eq!(told_at(&world, "2027-03-28T06:59:40Z").await, "bob");
    assert_eq!(told_at(&world, "2027-03-28T07:00:00Z").await, "dave");
}

#[tokio::test]
async fn the_night_in_which_they_go_back_is_an_hour_longer() {
    let world = World::of(&desk(DAILY)).await;
    assert_eq!(told_at(&world, "2027-10-31T07:59:40Z").await, "dave");
    assert_eq!(told_at(&world, "2027-10-31T08:00:00Z").await, "bob");
}
