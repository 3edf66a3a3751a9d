//! Routine is earned by recorded runs, lost on one bad outcome, and never talked into being.

use lineclear_core::ChangeId;
use lineclear_core::dossier::Dossier;
use lineclear_core::posture::Posture;
use lineclear_core::routine::{Flaw, Lack, Routine};
use lineclear_testkit::{Northwind, World, seconds};

/// Three runs within ninety days, half a day apart.
const STANDARD: &str = "routine: { runs: 3, within: 90d, spread: 12h }";
/// Half a day.
const SPREAD: u64 = 12 * 3_600;

fn northwind() -> Northwind {
    Northwind::default().changed("authority.yaml", "routine: { runs: 5, within: 90d, spread: 12h }", STANDARD)
}

/// The shop is well, and its servers answer.
async fn world_of(northwind: &Northwind) -> World {
    let world = World::of(northwind).await;
    for (fact, value) in [("host_answers", "1"), ("shop_errors_low", "0.001"), ("host_in_rotation", "1")] {
        world.fact_reads(fact, value);
    }
    world
}

/// A drained server is to come back. Where it stands when everything was looked at.
async fn proposed(world: &World, server: &str) -> ChangeId {
    world.production().set(&format!("shop/{server}"), "drain");
    let change = world.agent().proposes("pool.restore_host", &format!("host/{server}"), &[]).await;
    world.settle().await;
    change
}

/// It is approved where it has to be, runs, and is watched for its soak.
async fn restored(world: &World, server: &str) -> ChangeId {
    let change = proposed(world, server).await;
    if world.word(change).await == "awaiting_approval" {
        world.person("alice").approves(change).await;
        world.settle().await;
    }
    world.passes(seconds(33)).await;
    change
}

/// The same, and half a day passes.
async fn restored_well(world: &World, server: &str) -> ChangeId {
    let change = restored(world, server).await;
    assert_eq!(world.word(change).await, "succeeded");
    world.sleeps(seconds(SPREAD));
    change
}

/// A person takes a restored server out again, to see that the way back works.
async fn drilled(world: &World, server: &str) -> ChangeId {
    world.fact_reads("host_in_rotation", "0");
    let change = restored(world, server).await;
    world.passes(seconds(40)).await;
    assert_eq!(world.word(change).await, "escalated");
    world.person("alice").takes_back(change).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    world.fact_reads("host_in_rotation", "1");
    change
}

async fn dossier(world: &World, change: ChangeId) -> Dossier {
    world.view(change).await.change.dossier().unwrap().clone()
}

async fn routine(world: &World, change: ChangeId) -> Routine {
    dossier(world, change).await.routine.unwrap()
}

async fn lacks(world: &World, change: ChangeId) -> Vec<String> {
    routine(world, change).await.lacks.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn it_is_earned_by_good_runs_and_a_drilled_undo_and_then_nobody_is_asked() {
    let world = world_of(&northwind()).await;
    let drill = drilled(&world, "web-2").await;
    let mut runs = Vec::new();
    for have in 0..3 {
        let change = restored_well(&world, "web-1").await;
        assert!(world.view(change).await.approval.is_some(), "a person was asked");
        assert_eq!(lacks(&world, change).await, [format!("{have} of 3 good runs")]);
        runs.push(change);
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(world.word(change).await, "verifying", "nobody is asked any more");
    let found = dossier(&world, change).await;
    let earned = found.routine.unwrap();
    assert!(found.situation.routine && found.situation.undo_drilled && earned.earned && earned.lacks.is_empty());
    assert_eq!(earned.runs.iter().map(|run| run.change).collect::<Vec<_>>(), runs, "it says what it rests on");
    assert!(found.drilled.is_some());
    let drills = world.engine().drills().await.unwrap();
    assert_eq!(drills.iter().map(|(name, drill)| (name.as_str(), drill.change)).collect::<Vec<_>>(), [("restore-host", drill)]);

    // On another server nothing is known but the drill of the same runbook.
    let other = proposed(&world, "web-3").await;
    assert_eq!(world.word(other).await, "awaiting_approval");
    assert!(lacks(&world, other).await.contains(&"0 of 3 good runs".into()));
}

#[tokio::test]
async fn what_no_test_takes_back_never_becomes_routine_however_well_it_ran() {
    let (northwind, path) = (northwind(), "runbooks/restore-host.yaml");
    let text = String::from_utf8(northwind.files()[path].clone()).unwrap();
    // Tests are no part of what a run pins, so nothing else of it is another.
    let (untested, _) = text.split_once("\ntests:\n").unwrap();
    let world = world_of(&northwind.with(path, &format!("{untested}\n"))).await;
    drilled(&world, "web-2").await;
    for _ in 0..3 {
        restored_well(&world, "web-1").await;
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(world.word(change).await, "awaiting_approval", "a person is asked");
    assert_eq!(lacks(&world, change).await, ["no test of the runbook takes back every step"]);
}

#[tokio::test]
async fn it_is_what_still_runs_alone_when_only_routine_may() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    for _ in 0..3 {
        restored_well(&world, "web-1").await;
    }
    world.person("alice").sets_posture(Posture::RoutineOnly).await;
    let change = proposed(&world, "web-1").await;
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn without_a_drill_of_this_text_it_is_not_earned() {
    let world = world_of(&northwind()).await;
    for _ in 0..4 {
        restored_well(&world, "web-1").await;
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["the undo of this runbook was never run to its end"]);
    assert_eq!(world.word(change).await, "awaiting_approval");
}

#[tokio::test]
async fn one_bad_outcome_loses_it() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    for _ in 0..3 {
        restored_well(&world, "web-1").await;
    }
    world.fact_reads("host_in_rotation", "0");
    let bad = restored(&world, "web-1").await;
    world.passes(seconds(40)).await;
    assert_eq!(world.word(bad).await, "escalated", "nobody was asked, and it did not help");
    world.fact_reads("host_in_rotation", "1");
    world.person("alice").declares(bad, true).await.unwrap();
    let change = proposed(&world, "web-1").await;
    let routine = routine(&world, change).await;
    assert_eq!(routine.lost.map(|lost| (lost.change, lost.flaw)), Some((bad, Flaw::Unverified)), "whatever a person says of it");
    assert!(matches!(routine.lacks[..], [Lack::TooFew { have: 0, need: 3 }]), "{:?}", routine.lacks);
    assert_eq!(world.word(change).await, "awaiting_approval");
}

#[tokio::test]
async fn a_person_who_overrules_a_good_run_loses_it_too() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    let mut last = None;
    for _ in 0..3 {
        last = Some(restored_well(&world, "web-1").await);
    }
    world.person("bob").declares(last.unwrap(), false).await.unwrap();
    let change = proposed(&world, "web-1").await;
    assert_eq!(routine(&world, change).await.lost.map(|lost| lost.flaw), Some(Flaw::Declared));
}

#[tokio::test]
async fn another_text_of_the_runbook_starts_again() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    for _ in 0..3 {
        restored_well(&world, "web-1").await;
    }
    let changed = northwind().changed("runbooks/restore-host.yaml", "deadline: 3m", "deadline: 4m");
    let granted = world.estate_is_granted(&changed).await;
    world.person("bob").activates(granted).await.unwrap();
    assert_eq!(world.engine().drills().await.unwrap().len(), 0, "that text was never drilled");
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["the undo of this runbook was never run to its end", "0 of 3 good runs"]);
}

#[tokio::test]
async fn many_changes_within_an_hour_earn_no_more_than_one() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    for _ in 0..5 {
        let change = restored(&world, "web-1").await;
        assert_eq!(world.word(change).await, "succeeded");
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["1 of 3 good runs"]);
}

#[tokio::test]
async fn changes_that_change_nothing_earn_nothing() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    for _ in 0..3 {
        world.production().set("shop/web-1", "ready");
        let change = world.agent().proposes("pool.restore_host", "host/web-1", &[]).await;
        world.settle().await;
        world.person("alice").approves(change).await;
        world.settle().await;
        world.passes(seconds(33)).await;
        assert_eq!(world.word(change).await, "succeeded");
        world.sleeps(seconds(SPREAD));
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["0 of 3 good runs"]);
}

#[tokio::test]
async fn proposals_that_never_ran_hide_no_bad_outcome() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    drilled(&world, "web-1").await;
    for _ in 0..70 {
        let change = proposed(&world, "web-1").await;
        world.agent().tries_to_withdraw(change).await.unwrap();
        world.settle().await;
    }
    let change = proposed(&world, "web-1").await;
    assert!(routine(&world, change).await.lost.is_some());
}

#[tokio::test]
async fn what_never_becomes_routine_never_does_and_what_nobody_defined_is_nothing() {
    let never = northwind().changed("actions/medium.yaml", "runbook: restore-host\n", "runbook: restore-host\nnever_routine: true\n");
    let undefined = Northwind::default().changed("authority.yaml", "routine: { runs: 5, within: 90d, spread: 12h }\n", "");
    for (northwind, told) in
        [(never, "the catalogue says that it never becomes routine"), (undefined, "the estate does not say what makes something routine")]
    {
        let world = world_of(&northwind).await;
        drilled(&world, "web-2").await;
        for _ in 0..3 {
            restored_well(&world, "web-1").await;
        }
        let change = proposed(&world, "web-1").await;
        assert_eq!(lacks(&world, change).await, [told]);
        assert_eq!(world.word(change).await, "awaiting_approval");
    }
}

#[tokio::test]
async fn inputs_outside_what_was_done_before_are_not_routine() {
    let world = World::of(&northwind()).await;
    world.fact_reads("replicas_known", "3");
    world.fact_reads("replicas_as_wanted", "1");
    for replicas in ["3", "4", "5"] {
        let change = world.agent().proposes("service.scale", "service/shop", &[("replicas", replicas)]).await;
        world.settle().await;
        world.person("alice").approves(change).await;
        world.settle().await;
        world.passes(seconds(8)).await;
        assert_eq!(world.word(change).await, "succeeded");
        world.sleeps(seconds(SPREAD));
    }
    for (replicas, outside) in [("4", false), ("6", true)] {
        let change = world.agent().proposes("service.scale", "service/shop", &[("replicas", replicas)]).await;
        world.settle().await;
        let lacks = lacks(&world, change).await;
        let told = format!("`replicas` is `{replicas}`, and was 3 to 5 before");
        assert_eq!(lacks.contains(&told), outside, "{lacks:?}");
        assert!(lacks.contains(&"step `scale` has no undo that could be drilled".into()), "{lacks:?}");
    }
}

#[tokio::test]
async fn a_run_under_a_declared_emergency_is_no_experience() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    restored_well(&world, "web-1").await;
    let dave = crate::incidents::person(&world, "dave");
    let scope = lineclear_core::emergency::Scope::Estate;
    for _ in 0..2 {
        let justification = "the shop is down and we hurry".to_owned();
        let declared =
            lineclear_core::emergency::Declaration { justification, scope: scope.clone(), lasts: seconds(3_600), incident: None };
        let emergency = world.engine().declare_emergency(&dave, declared).await.unwrap();
        restored_well(&world, "web-1").await;
        world.settle().await;
        assert_eq!(world.engine().emergency(emergency).await.unwrap().word, "in_review");
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["1 of 3 good runs"], "the two in a hurry count for nothing");
    assert_eq!(world.word(change).await, "awaiting_approval");
}

#[tokio::test]
async fn what_was_done_behind_a_broken_glass_is_no_experience() {
    let world = world_of(&northwind()).await;
    drilled(&world, "web-2").await;
    restored_well(&world, "web-1").await;
    for seed in 1..=2 {
        let journal = lineclear_testkit::broken_glass(&world, "dave", "pool.restore_host", "host/web-1", seed);
        world.engine().tell_glass(&journal).await.unwrap();
        world.sleeps(seconds(SPREAD));
    }
    let change = proposed(&world, "web-1").await;
    assert_eq!(lacks(&world, change).await, ["1 of 3 good runs"]);
}
