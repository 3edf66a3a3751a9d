//! The error budget: a burning one asks for more, an empty one leaves no autonomy, and one that nobody can tell stops the line.

use lineclear_core::approval::State;
use lineclear_core::budget::{Budget, Burn};
use lineclear_core::dossier::{Dossier, Fault};
use lineclear_core::{ChangeId, Span};
use lineclear_testkit::{World, seconds};

use crate::{drain, renamed_and_signed};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// 99.9 % of requests in 30 days: 1,000 parts per million may fail.
const SHOP: &str = "shop-requests";

/// What failed over the windows of at most this long, and over longer ones.
fn failing(up_to: u64, within: u32, beyond: u32) -> impl Fn(Span) -> Option<u32> {
    move |window| Some(if window.as_secs() <= up_to { within } else { beyond })
}

/// It burns as fast as allowed for three days, and half of the month's budget is left.
#[expect(clippy::unnecessary_wraps, reason = "an objective may have no series, and the others take the same form")]
fn slowly(window: Span) -> Option<u32> {
    Some(match window.as_secs() {
        0..=21_599 => 0,
        21_600..=259_200 => 1_000,
        _ => 500,
    })
}

/// It burns 14.4 times as fast as allowed, and nearly all of the month's budget is left.
fn fast(window: Span) -> Option<u32> {
    failing(HOUR, 14_400, 100)(window)
}

/// Nothing fails just now, and the month's budget is used up.
fn used_up(window: Span) -> Option<u32> {
    failing(3 * DAY, 0, 1_000)(window)
}

async fn dossier(world: &World, change: ChangeId) -> Dossier {
    world.view(change).await.change.dossier().unwrap().clone()
}

/// Where a change stands that an agent proposes when it is this sure.
async fn drained_by(world: &World, sure: u32) -> &'static str {
    let change = world.agent().sure(sure).proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    world.word(change).await
}

#[tokio::test]
async fn a_steady_budget_is_measured_shown_and_asks_for_nothing_more() {
    let world = World::new().await;
    world.objective_fails(SHOP, failing(0, 0, 250));
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
    let found = dossier(&world, change).await;
    assert_eq!(found.situation.budget, Some(Budget { remaining_bp: 7_500, burn: Burn::Steady }), "the worst of three objectives");
    let names: Vec<&str> = found.budgets.iter().map(|one| one.slo.as_str()).collect();
    assert_eq!(names, ["shop-fleet", "shop-minutes", "shop-requests"], "those of everything in reach, and no others");
    let shop = &found.budgets[2];
    assert_eq!((shop.age_s, shop.over.len(), shop.over[0].window), (Some(1), 6, seconds(300)));
    assert_eq!(shop.over[0].burn_centi, Some(25), "a quarter of the allowed rate");
    assert_eq!(shop.query, "avg_over_time(http_error_ratio{service=\"shop\"}[30d:1m])");
}

#[tokio::test]
async fn a_burning_budget_asks_for_more_confidence() {
    for (sure, expected) in [(8_900, "awaiting_approval"), (9_300, "verifying")] {
        let world = World::new().await;
        world.objective_fails(SHOP, slowly);
        assert_eq!(drained_by(&world, sure).await, expected, "{sure}");
    }
    assert_eq!(drained_by(&World::new().await, 8_900).await, "verifying", "on a steady one that is sure enough");
}

#[tokio::test]
async fn a_budget_that_burns_fast_asks_for_a_higher_rung() {
    for (burning, rung) in [(false, "owner-signed"), (true, "two-signed")] {
        let world = World::new().await;
        world.fact_reads("version_runs", "1");
        if burning {
            world.objective_fails(SHOP, fast);
        }
        let change = world.agent().proposes("deploy.rollback", "service/shop", &[("from", "v2"), ("to", "v1")]).await;
        world.settle().await;
        assert_eq!(world.engine().request(change).await.unwrap().request.needs.rung.as_str(), rung);
    }
}

#[tokio::test]
async fn with_the_budget_used_up_nothing_runs_without_a_person() {
    let world = World::new().await;
    world.objective_fails(SHOP, used_up);
    let change = world.agent().sure(10_000).proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    assert_eq!(dossier(&world, change).await.situation.budget.map(|budget| budget.remaining_bp), Some(0));
    assert_eq!(world.production().effects(), []);
    world.person("alice").approves(change).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_budget_that_cannot_be_told_blocks_and_says_what_to_do_and_a_fresh_one_unblocks() {
    let world = World::new().await;
    world.objective_fails(SHOP, |window| (window != seconds(300)).then_some(0));
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "blocked");
    let found = dossier(&world, change).await;
    assert!(found.verdict.is_none(), "policy is not asked about a budget that nobody knows");
    let [Fault::NoBudget { slo, why, help, query, .. }] = &found.faults[..] else { panic!("{:?}", found.faults) };
    assert_eq!((slo.as_str(), why.as_str()), (SHOP, "no series over the last 5m"));
    assert!(help.contains("see whether its metrics are still scraped") && query.contains("[5m:15s]"), "{help} {query}");
    assert_eq!(found.budgets[2].budget, None, "what is missing is shown as missing");
    assert_eq!(world.production().effects(), []);

    world.objective_fails(SHOP, |_| Some(0));
    world.passes(seconds(16)).await;
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_sample_at_its_limit_counts_and_one_second_older_does_not() {
    for (age, expected) in [(120, "verifying"), (121, "blocked")] {
        let world = World::new().await;
        world.objective_is_old(SHOP, seconds(age));
        let change = drain(&world).await;
        world.settle().await;
        assert_eq!(world.word(change).await, expected, "{age} s");
    }
}

#[tokio::test]
async fn a_budget_that_stays_missing_is_no_news_each_time_it_is_looked_for() {
    let world = World::new().await;
    world.objective_is_old(SHOP, seconds(500));
    let change = drain(&world).await;
    world.settle().await;
    world.objective_is_old(SHOP, seconds(560));
    world.passes(seconds(60)).await;
    let blocked = world.kinds(change).await.into_iter().filter(|kind| kind == "change.blocked/1").count();
    assert_eq!(blocked, 1);
}

#[tokio::test]
async fn what_no_policy_asks_stands_in_nobodys_way() {
    let world = World::new().await;
    for slo in ["shop-requests", "shop-minutes", "shop-fleet"] {
        world.objective_fails(slo, |_| None);
    }
    let change = world.agent().proposes("telemetry.gather", "service/shop", &[]).await;
    world.settle().await;
    assert_ne!(world.word(change).await, "blocked", "a look around is needed most when telemetry has gaps");
    assert!(dossier(&world, change).await.budgets.is_empty(), "and it is not asked for it either");
}

#[tokio::test]
async fn a_target_without_an_objective_reads_untouched_and_says_so() {
    let world = World::new().await;
    let change = world.agent().proposes("cache.purge", "cache/pages-lab", &[]).await;
    world.settle().await;
    let found = dossier(&world, change).await;
    assert_eq!((found.situation.budget, found.budgets.len(), found.faults.len()), (None, 0, 0));
}

#[tokio::test]
async fn a_budget_that_hardly_moved_since_people_signed_is_no_new_ground() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    // 9,600 of 10,000 basis points instead of all of them.
    world.objective_fails(SHOP, failing(0, 0, 40));
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
    assert_eq!(
        dossier(&world, change).await.situation.budget.map(|budget| budget.remaining_bp),
        Some(9_600),
        "the record holds what was found"
    );
}

#[tokio::test]
async fn a_budget_that_shrank_by_a_step_or_began_to_burn_since_people_signed_is_asked_again() {
    let shrunk: fn(Span) -> Option<u32> = |window| failing(0, 0, 50)(window);
    for (now, expected) in [(shrunk, "situation.budget.remaining_bp"), (fast as fn(Span) -> Option<u32>, "situation.budget.burn")] {
        let world = World::new().await;
        let change = renamed_and_signed(&world).await;
        let request = world.engine().request(change).await.unwrap().request.id;
        world.objective_fails(SHOP, now);
        world.settle().await;
        assert_eq!(world.word(change).await, "awaiting_approval");
        let again = world.engine().request(change).await.unwrap();
        assert!(again.request.id != request && matches!(again.state, State::Open { ref votes } if votes.is_empty()));
        let differences = world.view(change).await.change.differences;
        assert!(differences.iter().any(|difference| difference.what == expected), "{differences:?}");
        assert_eq!(world.production().effects(), []);
    }
}

#[tokio::test]
async fn a_budget_that_recovers_hands_back_the_autonomy() {
    let world = World::new().await;
    world.objective_fails(SHOP, used_up);
    assert_eq!(drained_by(&world, 9_300).await, "awaiting_approval");
    world.objective_fails(SHOP, failing(0, 0, 900));
    assert_eq!(drained_by(&world, 9_300).await, "verifying");
}
