//! `kill -9` while runs are under way. The effect is counted by a process of its own. (Killed while people are asked: T1 of the battery.)

use super::caches::{Counter, each_at_most_once, estate, propose, rules, waiting};
use super::installation::{Installation, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_runs_are_under_way_nothing_happens_twice_and_a_person_is_asked_about_the_rest() {
    let count = 40;
    let counter = Counter::start();
    let mut house = Installation::new(&estate(count), &["alice"], &["purger"], &rules(&counter.url));
    house.start();
    let changes = propose(&house, count).await;
    waiting(&house, count).await;
    for change in &changes {
        let (status, answer) = house.approve_in_session("alice", change).await;
        assert_eq!(status, 200, "{answer}");
    }
    for _ in 0..3 {
        house.kill();
        house.start();
    }
    for (n, change) in changes.iter().enumerate() {
        let word = eventually("an end, or a person asked", async || {
            Some(house.finished("alice", change).await).filter(|word| matches!(word.as_str(), "escalated" | "stuck"))
        })
        .await;
        let times = counter.effects().get(&format!("/purge/c{n}")).copied().unwrap_or(0);
        assert!(times == 1 || (times == 0 && word == "stuck"), "{change} is {word}, and acted {times} times");
    }
    each_at_most_once(&counter);
}
